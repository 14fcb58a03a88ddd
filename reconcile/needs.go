package reconcile

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"dcsync/internal/diag"
	"dcsync/internal/diff"
	"dcsync/internal/resource"
	"dcsync/state"
)

// Input is all that a plan is made of.
type Input struct {
	Set      *resource.Set
	State    *state.File // empty, not nil, before the first apply
	Live     *Account    // nil under RefreshNone
	AsOf     time.Time
	Refresh  Refresh
	Settings Settings
	Rules    *resource.Rules           // nil: not read, or not to be had
	Targets  []resource.Address        // none: everything
	Later    map[resource.Address]bool // of State: their manifests may be in later commits than the Set's, so they are left alone
	Findings diag.List                 // about the manifests; those marked AtSend refuse what a plan would send
}

// Settings are what the project and the caller decide for all objects.
type Settings struct {
	UID             string
	ContainerID     int64 // 0: the key's own
	SkipApproval    bool
	Scope           resource.Scope
	Siblings        map[Key]bool // what other projects own
	AcceptKeyChange bool         // trust a "none" although the user of the key is another than at the last apply
}

// Container gives the container that is ordered in where a manifest names none.
func (in Input) Container() int64 {
	if in.Settings.ContainerID != 0 || in.Live == nil {
		return in.Settings.ContainerID
	}
	return in.Live.ContainerID
}

// Read is one single object that must be read before a plan can be built. With Carriers the key's id is a nonce, and what carries it is
// looked up.
type Read struct {
	Key
	Want     []resource.Path
	Carriers bool
}

// Needs gives the single objects still to be read: every managed one under RefreshFull; else those whose manifest changed since it
// was applied, whose list item moved since it was observed or differs from what is desired, and those the listing does not show; and
// unowned ones that may be an earlier order of a manifest not yet in state, or may follow the one in state. Of those that have ended it is the
// newest, and what followed that. It is called again after its reads were made, until it gives nothing.
func Needs(in Input) []Read {
	if in.Live == nil {
		return nil
	}
	b := newBuilder(in)
	var out []Read
	seen := map[Key]int{}
	add := func(r Read) {
		if in.Live.tried(r.Key) {
			return
		}
		i, known := seen[r.Key]
		if !known {
			seen[r.Key] = len(out)
			out = append(out, r)
			return
		}
		for _, p := range r.Want {
			if !slices.Contains(out[i].Want, p) {
				out[i].Want = append(out[i].Want, p)
			}
		}
	}
	whole := func(k Key, o *resource.Object) Read {
		return Read{Key: k, Want: managedPaths(o, in.State.Objects[o.Address])}
	}
	var unsettled []*resource.Object
	for _, o := range b.order {
		if b.aim != nil && !b.aim[o.Address] {
			continue
		}
		entry := in.State.Objects[o.Address]
		if entry == nil {
			for _, c := range b.candidates(o) {
				add(whole(Key{c.Kind, c.ID}, o))
			}
			if v := b.settle(o); v.missing != nil {
				unsettled = append(unsettled, o)
			}
			continue
		}
		for _, k := range b.wanted(o, entry) {
			add(whole(k, o))
		}
		if r := b.approversRead(o, entry); r != nil {
			add(*r)
		}
	}
	if len(out) > 0 {
		return out
	}
	for _, o := range unsettled { // now that it is known which orders are others'
		if v := b.settle(o); v.missing != nil {
			add(*v.missing)
		}
	}
	return out
}

// wanted gives the single objects that the plan of a managed one rests on.
func (b *builder) wanted(o *resource.Object, entry *state.Entry) []Key {
	var out []Key
	k := Key{o.Address.Kind, entry.Identity.ID}
	item := b.in.Live.deepest(k)
	due := item != nil && b.due(o, item, nil).reached(b.in.AsOf)
	if b.in.Refresh == RefreshFull || due || item != nil && item.Renewed || b.moved(o, entry) || b.leaves(o, item) {
		out = append(out, k)
	}
	if o.Retire != nil {
		id, serial := b.retired(o, entry)
		ends := Key{k.Kind, id}
		if l := b.in.Live.listed(ends); id != "" && ends != k && !hasTombstone(entry, id, serial) && (l == nil || l.Phase != resource.Ended) {
			out = append(out, ends)
			out = append(out, b.doubtful(o, entry)...)
		}
		if item != nil && item.Phase != resource.Ended {
			out = append(out, k)
		}
	}
	if item != nil && o.Descriptor.Expires {
		out = append(out, b.kin(o, item)...)
	}
	return out
}

// leaves tells whether an object belongs to one that is to be switched off: that is refused while something of it waits for approval, also when
// it has ended meanwhile, which no listing shows.
func (b *builder) leaves(o *resource.Object, item *resource.Live) bool {
	return item != nil && slices.ContainsFunc(o.DependsOn, func(a resource.Address) bool {
		d := b.in.Set.Get(a)
		on := b.in.Live.listed(Key{a.Kind, b.ids[a]})
		return d != nil && d.Spec["status"] == valueInactive && on != nil && on.Phase != resource.Ended
	})
}

// moved tells whether an object in state must be looked at closely.
func (b *builder) moved(o *resource.Object, entry *state.Entry) bool {
	item := b.in.Live.listed(Key{o.Address.Kind, entry.Identity.ID})
	if item == nil || entry.Applied.Asked != nil || entry.Source.Desired != DesiredDigest(o) || !resource.Equal(item.Observed, entry.Observed) {
		return true
	}
	// A listing may still name somebody who left.
	return len(b.compare(o, entry, item).Changes) > 0 || len(b.strangersTo(o, entry, item)) > 0
}

// managedPaths gives the leaf fields that are written in the manifest or were applied, and the certificates where the manifest may have
// some of them end.
func managedPaths(o *resource.Object, entry *state.Entry) []resource.Path {
	var out []resource.Path
	for _, f := range o.Descriptor.Leaves() {
		if resource.Get(o.Spec, f.Path) != nil || entry != nil && resource.Get(entry.Applied.Spec, f.Path) != nil {
			out = append(out, f.Path)
		}
	}
	if o.Retire != nil || o.Lifecycle.Allows(resource.AllowReissueRevoking) {
		out = append(out, resource.CertificatesPath)
	}
	return out
}

// DesiredDigest gives the SHA-256 (hex) of what a manifest wants, normalised and without secrets: two manifests that mean the same
// have the same one.
func DesiredDigest(o *resource.Object) string {
	spec := resource.Map{}
	for _, f := range o.Descriptor.Leaves() {
		if !o.Descriptor.SecretAt(f.Path) {
			if v := diff.Normal(f, resource.Get(o.Spec, f.Path)); v != nil {
				spec[string(f.Path)] = v
			}
		}
	}
	data, err := json.Marshal(map[string]any{"spec": spec, "lifecycle": o.Lifecycle, "retire": o.Retire})
	if err != nil {
		panic("reconcile: a value tree that is no JSON: " + err.Error())
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
