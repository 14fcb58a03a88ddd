package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"dcsync/internal/resource"
	"dcsync/state"
)

// What is looked up right before an order is placed. Where state does not know the manifest it may have been lost, so it is every key that
// an order of the manifest may carry: of each name it had, of an id of its own, and of each generation before this one. Where state knows
// it, state may be older than the last order: it is the key of this one, and of what a run may have placed after the order in state. An
// order that lives under any of them is taken over, or blocks.

// keys gives the keys to look up before the first order of a manifest's generation is placed.
func (b *builder) keys(o *resource.Object) []key {
	e := b.in.State.Objects[o.Address]
	out := keysOf(b.in, o, e, o.Lifecycle.Generation, 0)
	known := 0
	if e != nil {
		known = e.Identity.Generation
	}
	for g := o.Lifecycle.Generation - 1; g > known; g-- {
		for _, k := range keysOf(b.in, o, e, g, 0) {
			if !b.anothers(o, k.place) {
				out = append(out, k)
			}
		}
	}
	if e != nil {
		out = append(out, keysOf(b.in, o, e, known, e.Identity.Sequence+1)...)
	}
	return out
}

// placing gives the key under which the change places its order.
func (t *task) placing() []key {
	return []key{{place{t.change.Generation, t.change.Sequence, ""}, t.change.nonce}}
}

// reached is an order at the end of the chain that a key leads to.
type reached struct {
	key
	live *resource.Live
}

// lookup finds what carries one of the keys: one live order to adopt, nil for none, or an error that blocks. That only orders were found that have
// ended is recorded, and blocks.
func (t *task) lookup(ctx context.Context, spec resource.Map, keys []key) (*resource.Live, error) {
	d := t.change.object.Descriptor
	var ours, ended []reached
	var strange, over verdict // why orders that live, and that have ended, are not what the manifest says
	for _, k := range keys {
		ends, err := t.trail(ctx, k)
		if err != nil {
			return nil, err
		}
		for _, r := range ends {
			lives := r.live.Phase != resource.Ended
			if lives && k.generation < t.change.Generation {
				return nil, t.blocked(stillLives(r.live))
			}
			v := judge(d, spec, []*resource.Live{r.live})
			switch {
			case k.generation < t.change.Generation:
			case lives && v.block == "":
				ours = append(ours, r)
			case v.block == "":
				ended = append(ended, r)
			case lives:
				strange = v
			default:
				over = v
			}
		}
	}
	switch {
	case len(ours) > 0:
		if v := judge(d, spec, livesOf(ours)); v.block != "" {
			return nil, t.blocked(v.block, v.hint)
		}
		t.standsFor(ours[0].key)
		return ours[0].live, nil
	case strange.block != "":
		return nil, t.blocked(strange.block, strange.hint)
	case len(ended) > 0:
		t.standsFor(ended[len(ended)-1].key) // the one that is recorded
		return nil, t.recordEnded(ctx, spec, livesOf(ended))
	case over.block != "":
		return nil, t.blocked(over.block, over.hint)
	}
	return nil, nil
}

func livesOf(list []reached) []*resource.Live {
	var out []*resource.Live
	for _, r := range list {
		out = append(out, r.live)
	}
	return out
}

// standsFor makes what is recorded say the key that an order was found by.
func (t *task) standsFor(k key) { t.nonce, t.sequence, t.origin = k.nonce, k.sequence, k.origin }

// trail reads what carries a key, and goes on from orders that have ended to the one that followed them, and so on. It gives the orders at the end.
func (t *task) trail(ctx context.Context, k key) ([]reached, error) {
	var out []reached
	for steps := []key{k}; ; steps = t.next(k) {
		var found []reached
		for _, at := range steps {
			carriers, err := t.carriers(ctx, at.nonce, managedPaths(t.change.object, nil), at.nonce != t.change.nonce)
			if err != nil {
				return nil, err
			}
			for _, live := range carriers {
				found = append(found, reached{at, live})
			}
			if len(found) > 0 {
				k = at
				break
			}
		}
		if len(found) == 0 {
			return out, nil
		}
		out = found
		if slices.ContainsFunc(found, func(r reached) bool { return r.live.Phase != resource.Ended }) {
			return out, nil
		}
	}
}

// next gives the keys of the order that followed one, none at the end of what is looked at.
func (t *task) next(k key) []key {
	if k.sequence+1 >= longestChain {
		return nil
	}
	o := t.change.object
	return slices.DeleteFunc(keysOf(t.in, o, t.store.Snapshot().Objects[o.Address], k.generation, k.sequence+1), func(n key) bool {
		return n.origin != cmp.Or(k.origin, n.origin)
	})
}

// carriers reads the orders that carry a nonce, and of them what is wanted. That one of them cannot be read blocks; so does another manifest's,
// unless those are to be left out.
func (t *task) carriers(ctx context.Context, nonce string, want []resource.Path, others bool) ([]*resource.Live, error) {
	d := t.change.object.Descriptor
	t.sent(1)
	ids, err := t.remote.Lookup(ctx, d.Kind, nonce)
	if err != nil {
		return nil, err
	}
	known := t.store.Snapshot()
	var found []*resource.Live
	for _, id := range ids {
		if others && anothersOrder(known, t.change.Address, id) {
			continue
		}
		if owner, ok := known.ByID(d.Kind, id); ok && owner != t.change.Address {
			return nil, t.blocked(fmt.Sprintf("order %s carries this manifest's alternative_order_id but is owned by %s", id, owner), "choose another alternative_order_id")
		}
		t.sent(1)
		live, err := t.remote.Read(ctx, d.Kind, id, want)
		if errors.Is(err, resource.ErrNotFound) {
			return nil, t.blocked(fmt.Sprintf("order %s carries this manifest's alternative_order_id but cannot be read", id), "use a key that sees it")
		}
		if err != nil {
			return nil, err
		}
		found = append(found, live)
	}
	return found, nil
}

// anothersOrder tells whether state says that an order is, or was, that of another address.
func anothersOrder(f *state.File, a resource.Address, id string) bool {
	for other, e := range f.Objects {
		if other != a && other.Kind == a.Kind && (e.Identity.ID == id || slices.ContainsFunc(e.Identity.Earlier, func(was state.Earlier) bool { return was.ID == id })) {
			return true
		}
	}
	return false
}
