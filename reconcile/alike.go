package reconcile

import (
	"slices"

	"dcsync/internal/resource"
)

// An order that was placed for a manifest need not look like it any more: a change of product, organization or main name waits for the next order.
// While state says which order that is, all is well. Where it was lost, the listing, which shows no keys, only shows orders that are somewhat like the
// manifest. A plan looks at the likeliest in two requests, so that it need not promise an order which an apply then refuses; what stays open is
// looked up right before the order is placed.

// shown is what a listing shows of an object in one identity field.
type shown struct {
	group
	path  resource.Path
	value string
}

// unseenBefore goes on where no order is what the manifest says: an order of before may live as something else, or may have ended.
func (b *builder) unseenBefore(o *resource.Object) verdict {
	if list := b.ofName(o); len(list) > 0 {
		for _, item := range list {
			if k := (Key{item.Kind, item.ID}); !b.in.Live.tried(k) {
				return verdict{missing: b.look(o, k)}
			}
		}
		return verdict{} // what was read is judged with all else that was; see claimed
	}
	if len(b.newestEnded(o)) > 0 {
		return b.endedBefore(o)
	}
	if b.amongKin(o) {
		return verdict{missing: b.carrier(o)}
	}
	return verdict{}
}

// look gives the reading of one order that may be a manifest's.
func (b *builder) look(o *resource.Object, k Key) *Read {
	return &Read{Key: k, Want: slices.DeleteFunc(managedPaths(o, nil), func(p resource.Path) bool { return p == resource.CertificatesPath })}
}

// carrier gives the look-up of one of the first two keys of a manifest, or the reading of what was found by them; nil when that is done.
func (b *builder) carrier(o *resource.Object) *Read {
	keys := b.keys(o)
	for _, key := range keys[:min(2, len(keys))] {
		k := Key{o.Address.Kind, key.nonce}
		ids, looked := b.in.Live.Carriers[k]
		if !looked {
			if b.in.Live.tried(k) {
				return nil
			}
			return &Read{Key: k, Carriers: true}
		}
		for _, id := range ids {
			found := Key{o.Address.Kind, id}
			if _, owned := b.owned[found]; owned || b.in.Live.Infos[found] != nil {
				continue
			}
			if b.in.Live.tried(found) {
				return nil
			}
			return b.look(o, found)
		}
		if len(ids) > 0 {
			return nil
		}
	}
	return nil
}

// ofName gives the two newest living orders that nobody owns and that show a manifest's main name, although they are not what it says.
func (b *builder) ofName(o *resource.Object) []*resource.Live {
	f := nameField(o.Descriptor)
	if f == nil {
		return nil
	}
	desired := b.desired(o)
	var out []*resource.Live
	for _, live := range b.showing(group{kind: o.Address.Kind}, f, desired) {
		same := live.Product == o.Descriptor.Product && sameIdentity(o.Descriptor, desired, live) == ""
		if _, owned := b.owned[Key{live.Kind, live.ID}]; !owned && !same {
			out = append(out, live)
		}
	}
	return newest(out)
}

// amongKin tells whether a living order that nobody owns is of a manifest's organization, if it has one. One that shows a main name is not taken for
// one of another product too.
func (b *builder) amongKin(o *resource.Object) bool {
	g := group{kind: o.Address.Kind}
	if nameField(o.Descriptor) != nil {
		g.product = o.Descriptor.Product
	}
	kin := b.free[g]
	if f := parentField(o.Descriptor); f != nil {
		kin = b.showing(g, f, b.desired(o))
	}
	return slices.ContainsFunc(kin, func(live *resource.Live) bool {
		_, owned := b.owned[Key{live.Kind, live.ID}]
		return !owned && live.Phase != resource.Ended
	})
}

// showing gives the listed objects of a group that live, that no entry of the state owns, and that show in a field what a spec says. A group without a
// product is of all of them.
func (b *builder) showing(g group, f *resource.Field, spec resource.Map) []*resource.Live {
	at := func(spec resource.Map) string { return resource.Text(first(f, resource.Get(spec, f.Path))) }
	want := at(spec)
	if want == "" {
		return nil
	}
	if b.alive == nil {
		b.alive = map[shown][]*resource.Live{}
	}
	whole := shown{group: g, path: f.Path}
	if _, known := b.alive[whole]; !known {
		b.alive[whole] = nil
		for of, list := range b.free {
			if of.kind != g.kind || g.product != "" && of.product != g.product {
				continue
			}
			for _, live := range list {
				if live.Phase != resource.Ended && at(live.Spec) != "" {
					k := shown{g, f.Path, at(live.Spec)}
					b.alive[k] = append(b.alive[k], live)
				}
			}
		}
	}
	return b.alive[shown{g, f.Path, want}]
}

// nameField gives the field of a main name that a listing shows, nil where there is none.
func nameField(d *resource.Descriptor) *resource.Field { return listedIdentity(d, false) }

// parentField gives the field that says what an object belongs to, nil where there is none.
func parentField(d *resource.Descriptor) *resource.Field { return listedIdentity(d, true) }

func listedIdentity(d *resource.Descriptor, ref bool) *resource.Field {
	for _, f := range d.Leaves() {
		holder := d.Field(f.Path.Parent())
		if f.Identity && f.Readable(resource.ListDepth) && ref == (holder != nil && holder.RefKind != "") {
			return f
		}
	}
	return nil
}

// newest gives the two newest of some orders.
func newest(list []*resource.Live) []*resource.Live {
	slices.SortStableFunc(list, func(x, y *resource.Live) int {
		if newer(x, y) {
			return -1
		}
		return 1
	})
	return list[:min(2, len(list))]
}
