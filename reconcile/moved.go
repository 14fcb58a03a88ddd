package reconcile

import (
	"fmt"
	"slices"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
	"dcsync/state"
)

// Move gives the state with every entry under the name its manifest has now: an entry whose own name no manifest has any more goes to the
// manifest that names it in moved_from and has no entry yet; where two do, their generations decide. No call is made for that, and the
// origin name stays. The file itself is left alone; the findings say what moved.
func Move(set *resource.Set, f *state.File) (*state.File, diag.List) {
	var found diag.List
	out := f.Clone()
	for _, o := range set.Objects {
		if out.Objects[o.Address] != nil {
			continue
		}
		from, ok := earlierName(o, set, out)
		if !ok {
			continue
		}
		out.Objects[o.Address] = out.Objects[from]
		delete(out.Objects, from)
		for _, e := range out.Objects {
			for i, d := range e.DependsOn {
				if d == from {
					e.DependsOn[i] = o.Address
				}
			}
			slices.SortFunc(e.DependsOn, resource.Address.Compare)
		}
		found.Add(diag.Diagnostic{Severity: diag.Note, Code: diag.Moved, Address: o.Address.String(), Pos: o.Pos(""),
			Summary: fmt.Sprintf("%s goes on as %s; nothing is sent for that", from, o.Address)})
	}
	return out, found
}

// earlierName gives the newest of an object's earlier names that state knows and no manifest has.
func earlierName(o *resource.Object, set *resource.Set, f *state.File) (resource.Address, bool) {
	for _, name := range slices.Backward(o.MovedFrom) {
		from := resource.Address{Kind: o.Address.Kind, Name: name}
		if entry := f.Objects[from]; entry != nil && set.Get(from) == nil && !nearer(o, name, entry, set, f) {
			return from, true
		}
	}
	return resource.Address{}, false
}

// nearer tells whether an entry goes to another manifest that had the same name: to the one of the entry's generation, or else of the next one.
func nearer(o *resource.Object, name string, entry *state.Entry, set *resource.Set, f *state.File) bool {
	least := entry.Identity.Generation
	return slices.ContainsFunc(set.Objects, func(other *resource.Object) bool {
		if other.Address == o.Address || other.Address.Kind != o.Address.Kind || f.Objects[other.Address] != nil || !slices.Contains(other.MovedFrom, name) {
			return false
		}
		its := other.Lifecycle.Generation
		return its >= least && (o.Lifecycle.Generation < least || its < o.Lifecycle.Generation)
	})
}
