package audit

import (
	"time"

	"dcsync/internal/resource"
)

// Names that objects went on under (metadata.moved_from, or state mv): what happened under an earlier name is told of the later one too. A
// name may be given to something else afterwards, so what counts is which events came before the move.

// renames are the names that became others, by the earlier one, oldest first.
type renames map[resource.Address][]rename

type rename struct {
	to      resource.Address
	when    time.Time
	entries int // how many there were once it had been told
}

// laterName gives the name that what an entry is about goes on under, the zero address when it keeps its own. n is the entry's number.
// Manifest and state change names at different times; where the state's is not known yet, it will be the manifest's.
func (a *auditor) laterName(e Entry, n int) resource.Address {
	first := e.Address
	for range 1 + len(a.renamed) + len(a.moved) {
		later := func(r rename) bool { return r.entries > n }
		next := a.moved.next(e.Address, later)
		if e.Event == Requested || e.Event == Changed {
			next = a.renamed.next(e.Address, later)
		} else if next == nil {
			if next = a.renamed.next(e.Address, func(r rename) bool { return !r.when.Before(e.At) }); next != nil {
				e.Address, e.At = next.to, next.when
				continue
			}
		}
		if next == nil {
			break
		}
		e.Address, e.At, n = next.to, next.when, next.entries
	}
	if e.Address == first {
		return resource.Address{}
	}
	return e.Address
}

// nameSince gives the name that an address of some time goes by now.
func (a *auditor) nameSince(address resource.Address, at time.Time) resource.Address {
	for range len(a.renamed) + len(a.moved) {
		later := func(r rename) bool { return !r.when.Before(at) }
		next := a.moved.next(address, later)
		if next == nil {
			next = a.renamed.next(address, later)
		}
		if next == nil {
			break
		}
		address, at = next.to, next.when
	}
	return address
}

// next gives the first change of a name that is as asked, nil for none.
func (r renames) next(from resource.Address, is func(rename) bool) *rename {
	for i := range r[from] {
		if is(r[from][i]) {
			return &r[from][i]
		}
	}
	return nil
}
