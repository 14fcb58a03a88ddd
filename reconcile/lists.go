package reconcile

import (
	"slices"

	"dcsync/internal/resource"
	"dcsync/state"
)

// methods groups the fields by in-place method, in the order of the table.
func methods(fields []resource.FieldChange) ([]string, map[string][]resource.FieldChange) {
	by := map[string][]resource.FieldChange{}
	var order []string
	for _, f := range fields {
		if _, ok := by[f.Field.Method]; !ok {
			order = append(order, f.Field.Method)
		}
		by[f.Field.Method] = append(by[f.Field.Method], f)
	}
	return order, by
}

// requests counts the calls that in-place changes take: one for each method, but one for each note and each custom field.
func requests(fields []resource.FieldChange, live *resource.Live) int {
	order, by := methods(fields)
	n := 0
	for _, m := range order {
		switch m {
		case methodNotes:
			add, remove := noteChanges(by[m][0], live, nil)
			n += len(add) + len(remove)
		case methodCustomFields:
			n += len(by[m][0].NewItems())
		default:
			n++
		}
	}
	return n
}

// noteChanges gives the texts to post and the texts of which our own notes are to be deleted. owned are the notes dcsync posted, by
// id; nil counts every removed text as one.
func noteChanges(f resource.FieldChange, live *resource.Live, owned map[string]string) (add, remove []string) {
	want, have := texts(f.After), texts(f.Before)
	if live != nil && live.Depth == resource.InfoDepth {
		have = nil
		for _, n := range live.Notes {
			have = append(have, n.Text)
		}
	}
	for _, t := range want {
		if !slices.Contains(have, t) && !slices.Contains(add, t) {
			add = append(add, t)
		}
	}
	if owned == nil {
		for _, t := range texts(f.Applied) {
			if !slices.Contains(want, t) && slices.Contains(have, t) {
				remove = append(remove, t)
			}
		}
		return add, remove
	}
	for _, t := range owned {
		if !slices.Contains(want, t) && slices.Contains(have, t) {
			remove = append(remove, t)
		}
	}
	slices.Sort(remove)
	return add, remove
}

func texts(v resource.Value) []string {
	l, _ := v.(resource.List)
	var out []string
	for _, e := range l {
		out = append(out, resource.Text(e))
	}
	return out
}

// ours gives the live spec without what others own in shared lists: notes that are neither wanted nor posted by dcsync, and
// custom fields that are neither wanted nor applied.
func ours(d *resource.Descriptor, desired resource.Map, entry *state.Entry, live *resource.Live) resource.Map {
	spec := live.Spec.Clone()
	if d.Nonce != "" && numbered(desired, d.Nonce) && live.Nonce == entry.Identity.Nonce && live.Nonce != "" {
		resource.Put(spec, d.Nonce, resource.Get(desired, d.Nonce)) // the number stands where the manifest has {seq}
	}
	for _, f := range d.Leaves() {
		if f.Change == resource.Reissue && live.Reissuing {
			resource.Put(spec, f.Path, resource.Get(appliedSpec(entry, live), f.Path)) // what was asked for shows when it is issued
			continue
		}
		if f.Change != resource.InPlace || live.Depth != resource.InfoDepth && !f.Readable(live.Depth) {
			continue
		}
		switch f.Method {
		case methodNotes:
			want := texts(resource.Get(desired, f.Path))
			var keep resource.List
			for _, n := range live.Notes {
				if _, owned := entry.Identity.Notes[n.ID]; owned || slices.Contains(want, n.Text) {
					keep = append(keep, resource.String(n.Text))
				}
			}
			resource.Put(spec, f.Path, orNil(keep))
		case methodCustomFields:
			mine := append(items(resource.Get(desired, f.Path)), items(resource.Get(entry.Applied.Spec, f.Path))...)
			var keep resource.List
			for _, item := range items(resource.Get(live.Spec, f.Path)) {
				if slices.ContainsFunc(mine, func(m resource.Value) bool { return sameItem(m, item) }) {
					keep = append(keep, item)
				}
			}
			resource.Put(spec, f.Path, orNil(keep))
		case methodValidation:
			resource.Put(spec, f.Path, orNil(validationsAsShown(resource.Get(desired, f.Path), asWritten(resource.Get(entry.Applied.Spec, f.Path), resource.Get(desired, f.Path)), live)))
		}
	}
	return spec
}

func orNil(l resource.List) resource.Value {
	if len(l) == 0 {
		return nil
	}
	return l
}

func items(v resource.Value) resource.List {
	l, _ := v.(resource.List)
	return l
}

// sameItem tells whether two custom field values are of the same field.
func sameItem(a, b resource.Value) bool {
	return resource.Equal(resource.Get(a, "/metadata_id"), resource.Get(b, "/metadata_id"))
}
