package reconcile

import (
	"cmp"
	"slices"

	"dcsync/internal/resource"
	"dcsync/state"
)

// A manifest that is not in state may have been renewed and replaced before the state was lost. Which of its orders a live one is, its
// nonce says: the newest is the manifest's, the ones before it are its earlier ones.

// mostSequences bounds how many orders of one generation are told apart without state: a renewal a year and replacements between them.
const mostSequences = 64

// sequences gives, by nonce, which order of its present generation each of a manifest's first nonces stands for.
func (b *builder) sequences(o *resource.Object) map[string]int {
	if known := b.sequence[o.Address]; known != nil {
		return known
	}
	out := make(map[string]int, mostSequences)
	for n := range mostSequences {
		out[nonceOf(b.in, o, b.origin(o), o.Lifecycle.Generation, n)] = n
	}
	b.sequence[o.Address] = out
	return out
}

// mine tells whether a nonce is one of a manifest's present generation.
func (b *builder) mine(o *resource.Object, nonce string) bool {
	_, mine := b.sequences(o)[nonce]
	return mine
}

// stands tells whether a nonce is one of a manifest or of an entry of the state.
func (b *builder) stands(nonce, product string) bool {
	if b.nonce[nonce] {
		return true
	}
	return slices.ContainsFunc(b.order, func(o *resource.Object) bool {
		return o.Descriptor.Nonce != "" && o.Descriptor.Product == product && b.in.State.Objects[o.Address] == nil && b.mine(o, nonce)
	})
}

// newest parts the live orders of a manifest into those of its newest sequence and, oldest first, those before it.
func newest(ours []*resource.Live, sequence map[string]int) (last, before []*resource.Live) {
	slices.SortStableFunc(ours, func(a, b *resource.Live) int { return cmp.Compare(sequence[a.Nonce], sequence[b.Nonce]) })
	top := sequence[ours[len(ours)-1].Nonce]
	i := slices.IndexFunc(ours, func(l *resource.Live) bool { return sequence[l.Nonce] == top })
	return ours[i:], ours[:i]
}

// earlierOf records live orders that the adopted one followed.
func (b *builder) earlierOf(o *resource.Object, adopted *resource.Live, before []*resource.Live) []state.Earlier {
	var out []state.Earlier
	for i, l := range before {
		next := adopted
		if i+1 < len(before) {
			next = before[i+1]
		}
		e := state.Earlier{ID: l.ID, Nonce: l.Nonce, Generation: o.Lifecycle.Generation, Sequence: b.sequences(o)[l.Nonce], Ended: "replaced"}
		if renews(next) == l.ID {
			e.Ended = "renewed"
		}
		if f := csrField(o.Descriptor); f != nil {
			e.Key = resource.Text(f.Key(resource.Get(l.Spec, f.Path)))
		}
		out = append(out, e)
	}
	return out
}
