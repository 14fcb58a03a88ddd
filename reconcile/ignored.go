package reconcile

import (
	"dcsync/internal/diff"
	"dcsync/internal/resource"
	"dcsync/state"
)

// What lifecycle.ignore leaves to others. A reissue, an order that follows another and the call that puts a contact send all there is, so that an
// ignored field has to be in them too: as it is, not as the manifest has it, or what others made of it would be taken back on the way. What is
// recorded of it as applied stays what it was: what others made of it was never asked for in git.

// sending gives an object with the spec that is sent for it, once something of it is there.
func (b *builder) sending(o *resource.Object, entry *state.Entry, live *resource.Live) *resource.Object {
	if len(o.Lifecycle.Ignore) == 0 {
		return o
	}
	out := *o
	out.Spec = withTheirs(o, o.Spec, entry.Applied.Spec, live)
	return &out
}

// withTheirs gives a spec in which every ignored field is as live shows it; where live cannot tell, as it was last applied, else as it is written.
// live is nil where it was not read.
func withTheirs(o *resource.Object, spec, applied resource.Map, live *resource.Live) resource.Map {
	out := spec.Clone()
	for _, f := range o.Descriptor.Leaves() {
		if ignores(o, f.Path) && f.Send != resource.SendNever && !o.Descriptor.SecretAt(f.Path) {
			resource.Put(out, f.Path, theirs(o, f, out, applied, live))
		}
	}
	return out
}

// theirs gives what is sent of one ignored field. spec is what is sent so far.
func theirs(o *resource.Object, f *resource.Field, spec, applied resource.Map, live *resource.Live) resource.Value {
	if f.Method == methodNotes {
		return nil // each is a call of its own, and none is made for them
	}
	last := resource.Get(applied, f.Path)
	if last == nil {
		last = resource.Get(spec, f.Path)
	}
	if live == nil || !f.Readable(live.Depth) {
		return last
	}
	holder := f.Path.Parent()
	whole := holder == "" || ignores(o, holder)
	there := holder == "" || resource.Get(live.Spec, holder) != nil
	switch v := resource.Get(live.Spec, f.Path); {
	case v != nil && (whole || resource.Get(spec, holder) != nil):
		return v
	case v == nil && !whole && !there, v == nil && there && f.Req == resource.Required:
		return last // what holds it is not in the account yet, or is not shown in full
	}
	return nil // nobody has it, or the manifest has nothing of what holds it
}

// ignores tells whether a manifest leaves a field to others.
func ignores(o *resource.Object, p resource.Path) bool { return diff.Ignored(o.Lifecycle.Ignore, p) }

// stillApplied puts into what is recorded as applied of an order that follows another, or is found to, the ignored fields as they were recorded
// before. The key is that of the order, whoever chose it: it is what must never be certified again once the order is compromised.
func stillApplied(o *resource.Object, applied, before resource.Map) {
	for _, f := range o.Descriptor.Leaves() {
		if was := resource.Get(before, f.Path); ignores(o, f.Path) && f.Key == nil && (was != nil || f.Readable(resource.InfoDepth)) {
			resource.Put(applied, f.Path, was)
		}
	}
}
