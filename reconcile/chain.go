package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"dcsync/internal/resource"
	"dcsync/state"
)

// The orders of one generation of a manifest form a chain: each one but the first was placed as a renewal of the one before, or in its
// place, under the nonce of the next sequence.
//
//	sequence   0 ──renewed──▶ 1 ──renewed──▶ 2 ──replaced──▶ 3
//	           expired        expired        issued          issued: what the manifest stands for
//
// A manifest stands for the end of its chain. Where state does not say where that is (it was lost, or is older than the last order),
// the nonces do: they can be computed for any place.

// longestChain bounds the places that are looked at: twenty years of monthly renewals.
const longestChain = 240

// place is where an order stands among those of a manifest, and the name it was placed under.
type place struct {
	generation, sequence int
	origin               string
}

// placeOf gives where a nonce stands in one generation of a manifest; false when it is not of it.
func (b *builder) placeOf(o *resource.Object, generation int, nonce string) (place, bool) {
	if nonce == "" || o.Descriptor.Nonce == "" {
		return place{}, false
	}
	e := b.in.State.Objects[o.Address]
	for _, k := range keysOf(b.in, o, e, generation, 0) {
		if k.nonce == nonce {
			return k.place, true
		}
	}
	k := chainKey{o.Address, generation}
	places, known := b.chains[k]
	if !known {
		places = map[string]place{}
		for n := 1; n < longestChain; n++ {
			for _, k := range keysOf(b.in, o, e, generation, n) {
				places[k.nonce] = k.place
			}
		}
		b.chains[k] = places
	}
	at, ok := places[nonce]
	return at, ok
}

// chainKey names one generation of a manifest.
type chainKey struct {
	address    resource.Address
	generation int
}

// outgrown tells whether a nonce is of an earlier generation of a manifest.
func (b *builder) outgrown(o *resource.Object, nonce string) bool {
	for g := o.Lifecycle.Generation - 1; g > 0; g-- {
		if at, ok := b.placeOf(o, g, nonce); ok && !b.anothers(o, at) {
			return true
		}
	}
	return false
}

// anothers tells whether the orders of a name and generation are those of another manifest, which had that name before this one, or has it now.
func (b *builder) anothers(o *resource.Object, at place) bool {
	return slices.ContainsFunc(b.order, func(other *resource.Object) bool {
		return other != o && other.Address.Kind == o.Address.Kind && other.Lifecycle.Generation == at.generation &&
			slices.Contains(originsOf(other, b.in.State.Objects[other.Address]), at.origin)
	})
}

// accounted tells whether a live order is what some manifest of the project stands, or stood, for.
func (b *builder) accounted(live *resource.Live) bool {
	if b.nonce[live.Nonce] {
		return true
	}
	return slices.ContainsFunc(b.order, func(o *resource.Object) bool {
		if o.Address.Kind != live.Kind || o.Descriptor.Product != live.Product || sameIdentity(o.Descriptor, b.desired(o), live) != "" {
			return false
		}
		_, ok := b.placeOf(o, o.Lifecycle.Generation, live.Nonce)
		return ok || b.outgrown(o, live.Nonce)
	})
}

// link is one order of a chain that was read.
type link struct {
	place
	live *resource.Live
}

// end gives of some orders of one chain those that stand at its end, and the others, the oldest first.
func end(links []link) (last []*resource.Live, at place, before []link) {
	slices.SortStableFunc(links, func(x, y link) int { return cmp.Compare(x.sequence, y.sequence) })
	at = links[len(links)-1].place
	for _, l := range links {
		if l.sequence == at.sequence {
			last = append(last, l.live)
		} else {
			before = append(before, l)
		}
	}
	return last, at, before
}

// endedBefore looks whether the order of a manifest that is not in state was placed and has ended: then only another generation orders again. It
// tells that without more than two requests, of the newest order that may be it, and of what followed that; what stays open is found out
// right before the order is placed.
func (b *builder) endedBefore(o *resource.Object) verdict {
	for _, item := range b.newestEnded(o) {
		k := Key{item.Kind, item.ID}
		info := b.in.Live.Infos[k]
		if info == nil {
			return verdict{missing: b.untried(*b.look(o, k))}
		}
		at, mine := b.placeOf(o, o.Lifecycle.Generation, info.Nonce)
		switch {
		case !mine && strings.HasPrefix(info.Nonce, projectDigest(b.in.Live.ID, b.in.Settings.UID)) && b.accounted(info) && !b.outgrown(o, info.Nonce):
			continue // another manifest's
		case !mine:
			return verdict{}
		}
		next := Key{o.Address.Kind, nonceOf(b.in, o, at.origin, at.generation, at.sequence+1)}
		if followers, looked := b.in.Live.Carriers[next]; !looked || len(followers) > 0 {
			return verdict{missing: b.untried(Read{Key: next, Carriers: true})}
		}
		if v := judge(o.Descriptor, b.desired(o), []*resource.Live{info}); v.block != "" {
			return v
		}
		return overAlready(info, at, nil)
	}
	return verdict{}
}

// newestEnded gives the two newest orders that have ended, that nobody owns, and that are of a manifest's product, organization and names.
func (b *builder) newestEnded(o *resource.Object) []*resource.Live {
	desired := b.desired(o)
	var out []*resource.Live
	for _, live := range b.near(o, desired) {
		if _, owned := b.owned[Key{live.Kind, live.ID}]; !owned && live.Phase == resource.Ended && sameIdentity(o.Descriptor, desired, live) == "" {
			out = append(out, live)
		}
	}
	return newest(out)
}

// untried gives what is to be read, nil when that was tried.
func (b *builder) untried(r Read) *Read {
	if b.in.Live.tried(r.Key) {
		return nil
	}
	return &r
}

// overAlready blocks a manifest whose own order has ended.
func overAlready(live *resource.Live, at place, before []link) verdict {
	why, hint := orderedBefore([]*resource.Live{live})
	return verdict{block: why, hint: hint, over: live, at: at, before: before}
}

func orderedBefore(found []*resource.Live) (reason, hint string) {
	return fmt.Sprintf("it was ordered before as %s, which is %s", strings.Join(idsOf(found), ", "), found[len(found)-1].Status),
		"raise lifecycle.generation to order again"
}

// foundEnded records an order of which the plan knew that it has ended, and blocks.
func (t *task) foundEnded(ctx context.Context) error {
	spec, err := t.desired()
	if err != nil {
		return t.blocked(t.change.Reason, "") // what it refers to has no id: it is recorded another time
	}
	return t.recordEnded(ctx, spec, []*resource.Live{t.change.live})
}

// earlierOf gives what is kept of the orders that the adopted one followed.
func (t *task) earlierOf() []state.Earlier {
	var out []state.Earlier
	f := csrField(t.change.object.Descriptor)
	for _, l := range t.change.before {
		was := state.Earlier{ID: l.live.ID, Nonce: l.live.Nonce, Generation: l.generation, Sequence: l.sequence, Ended: endedReplaced}
		if l.live.Renewed {
			was.Ended = endedRenewed
		}
		if f != nil {
			if v := resource.Get(l.live.Spec, f.Path); v != nil {
				was.Key = resource.Text(f.Key(v))
			}
		}
		out = append(out, was)
	}
	return out
}
