package reconcile

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

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
}

// Settings are what the project and the caller decide for all objects.
type Settings struct {
	UID             string
	ContainerID     int64 // 0: the key's own
	SkipApproval    bool
	AcceptKeyChange bool // trust a "none" although the user of the key is another than at the last apply
}

// Read is one single object that must be read before a plan can be built.
type Read struct {
	Key
	Want []resource.Path
}

// Needs gives the single objects still to be read: every managed one under RefreshFull; else those whose manifest changed since it
// was applied, whose list item moved since it was observed or differs from what is desired, and those the listing does not show; and
// unowned ones that may be an earlier order of a manifest not yet in state. It is called again after its reads were made, until it gives nothing.
func Needs(in Input) []Read {
	if in.Live == nil {
		return nil
	}
	b := newBuilder(in)
	var out []Read
	seen := map[Key]bool{}
	add := func(k Key, o *resource.Object) {
		if !seen[k] && !in.Live.tried(k) {
			seen[k] = true
			out = append(out, Read{Key: k, Want: managedPaths(o, in.State.Objects[o.Address])})
		}
	}
	for _, o := range b.order {
		entry := in.State.Objects[o.Address]
		if entry == nil {
			for _, c := range b.candidates(o) {
				add(Key{c.Kind, c.ID}, o)
			}
			b.settle(o)
			continue
		}
		k := Key{o.Address.Kind, entry.Identity.ID}
		if in.Refresh == RefreshFull || b.moved(o, entry) {
			add(k, o)
		}
	}
	return out
}

// moved tells whether an object in state must be looked at closely.
func (b *builder) moved(o *resource.Object, entry *state.Entry) bool {
	item := b.in.Live.listed(Key{o.Address.Kind, entry.Identity.ID})
	if item == nil || entry.Source.Desired != DesiredDigest(o) || !resource.Equal(item.Observed, entry.Observed) {
		return true
	}
	return len(b.compare(o, entry, item).Changes) > 0
}

// managedPaths gives the leaf fields that are written in the manifest or were applied.
func managedPaths(o *resource.Object, entry *state.Entry) []resource.Path {
	var out []resource.Path
	for _, f := range o.Descriptor.Leaves() {
		if resource.Get(o.Spec, f.Path) != nil || entry != nil && resource.Get(entry.Applied.Spec, f.Path) != nil {
			out = append(out, f.Path)
		}
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
	data, err := json.Marshal(map[string]any{"spec": spec, "generation": o.Lifecycle.Generation, "protect": o.Lifecycle.Protect,
		"ignore": o.Lifecycle.Ignore, "contacts": o.Lifecycle.Contacts})
	if err != nil {
		panic("reconcile: a value tree that is no JSON: " + err.Error())
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
