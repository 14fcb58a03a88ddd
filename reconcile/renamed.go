package reconcile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
	"dcsync/state"
)

// A manifest whose name changed without a word in moved_from looks like one that is gone and one that is new. Where that would place an order
// beside the one that lives, it is not placed (domain rules, section 2).

// renamed warns where a manifest that is gone and one that is new mean the same: a rename without moved_from would create again.
func (b *builder) renamed(p *Plan) {
	for _, gone := range p.Changes {
		if gone.Action != resource.Forget {
			continue
		}
		for _, c := range p.Changes {
			if c.Action != resource.Create || c.Address.Kind != gone.Address.Kind || b.in.State.Objects[gone.Address].Source.Desired != DesiredDigest(c.object) {
				continue
			}
			p.Findings.Add(diag.Diagnostic{Severity: diag.Warning, Code: diag.LooksMoved, Address: c.Address.String(), Pos: c.object.Pos(""),
				Summary: fmt.Sprintf("%s is new and says what %s said, which is gone", c.Address, gone.Address),
				Hint:    fmt.Sprintf("when it is a rename, write metadata.moved_from: [%s]; else it is created a second time", gone.Address.Name)})
		}
	}
}

// claimed says why nothing may be ordered under the nonce of a manifest's first order of a generation, "" when it may: another manifest owns
// what was ordered under it, or the account holds an order of other names that carries it.
func (b *builder) claimed(o *resource.Object) (reason, hint string) {
	if o.Descriptor.Nonce == "" {
		return "", ""
	}
	generation := o.Lifecycle.Generation
	for _, a := range b.in.State.Addresses() {
		own := b.in.State.Objects[a].Identity
		if a != o.Address && a.Kind == o.Address.Kind && own.Origin == b.origin(o) && own.Generation >= generation && resource.Get(o.Spec, o.Descriptor.Nonce) == nil &&
			!b.shared(o, a) {
			return fmt.Sprintf("order %s was placed under this name, and is %s's", own.ID, a),
				fmt.Sprintf("raise lifecycle.generation to %d to order for this manifest", own.Generation+1)
		}
	}
	if b.in.Live == nil {
		return "", ""
	}
	for _, k := range slices.SortedFunc(maps.Keys(b.in.Live.Infos), func(x, y Key) int { return cmp.Or(strings.Compare(x.Kind, y.Kind), strings.Compare(x.ID, y.ID)) }) {
		live := b.in.Live.Infos[k]
		if owner, owned := b.owned[k]; k.Kind != o.Address.Kind || owned && owner != o.Address {
			continue
		}
		if _, mine := b.placeOf(o, generation, live.Nonce); mine {
			if v := judge(o.Descriptor, b.desired(o), []*resource.Live{live}); v.block != "" {
				return v.block, v.hint
			}
		} else if live.Phase != resource.Ended && b.in.State.Objects[o.Address] == nil && b.outgrown(o, live.Nonce) {
			return stillLives(live)
		}
	}
	return "", ""
}

// shared tells whether two manifests say that both had one name, or have it now, and an earlier generation of it is the first one's: state knows the
// later ones as the other's.
func (b *builder) shared(o *resource.Object, a resource.Address) bool {
	other, entry := b.in.Set.Get(a), b.in.State.Objects[a]
	return other != nil && b.in.State.Objects[o.Address] == nil && entry.Identity.Generation > o.Lifecycle.Generation &&
		slices.Contains(o.MovedFrom, entry.Identity.Origin) && slices.Contains(originsOf(other, nil), entry.Identity.Origin)
}

// notYetMoved says why nothing is ordered for a manifest that had the name of another one, "" when it may: state still knows the order under that name, and
// not as the one that the other manifest asks for.
func (b *builder) notYetMoved(o *resource.Object) (reason, hint string) {
	for _, name := range o.MovedFrom {
		from := resource.Address{Kind: o.Address.Kind, Name: name}
		entry, holder := b.in.State.Objects[from], b.in.Set.Get(from)
		if entry != nil && holder != nil && entry.Identity.Generation != holder.Lifecycle.Generation {
			return fmt.Sprintf("state has order %s, of generation %d, as %s, which asks for generation %d", entry.Identity.ID, entry.Identity.Generation, from, holder.Lifecycle.Generation),
				fmt.Sprintf("when it is a rename, take the manifest of %s away and apply; write it again after that", from)
		}
	}
	return "", ""
}

// orphan says why a manifest that is new orders nothing, "" when it may: state owns a living order of the same product, organization and names
// whose manifest is gone.
func (b *builder) orphan(o *resource.Object) (reason, hint string) {
	if o.Descriptor.Nonce == "" {
		return "", ""
	}
	for _, a := range b.in.State.Addresses() {
		entry := b.in.State.Objects[a]
		gone := b.in.Set.Get(a) == nil && !b.in.Later[a]
		if a.Kind != o.Address.Kind || !gone || entry.Identity.Product != o.Descriptor.Product || o.Lifecycle.Generation > entry.Identity.Generation || b.over(a, entry) {
			continue
		}
		was := &resource.Live{Kind: a.Kind, Depth: resource.InfoDepth, Spec: entry.Applied.Spec}
		if sameIdentity(o.Descriptor, b.desired(o), was) == "" {
			b.heirs[a] = o.Address
			return fmt.Sprintf("order %s of %s, whose manifest is gone, is of the same product, organization and names", entry.Identity.ID, a),
				fmt.Sprintf("when it is a rename, write metadata.moved_from: [%s]; else raise lifecycle.generation to %d to order beside it", a.Name, entry.Identity.Generation+1)
		}
	}
	return "", ""
}

// over tells whether the order that state has for an address is known to have ended.
func (b *builder) over(a resource.Address, entry *state.Entry) bool {
	if b.in.Live == nil {
		return false
	}
	live := b.in.Live.deepest(Key{a.Kind, entry.Identity.ID})
	return live != nil && live.Phase == resource.Ended
}
