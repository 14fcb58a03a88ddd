package reconcile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"dcsync/internal/diff"
	"dcsync/internal/resource"
	"dcsync/state"
)

// builder is the shared memory of Needs and Build: who owns which id, and which ids references stand for.
type builder struct {
	in    Input
	order []*resource.Object // each after all it refers to
	owned map[Key]resource.Address
	ids   map[resource.Address]string           // live ids as far as known: from state, or about to be adopted
	nonce map[string]bool                       // the nonces that state holds
	free  map[group][]*resource.Live            // listed objects that no entry of the state owns
	named map[group]map[string][]*resource.Live // the same by the name they are told by, "" where they show none
	alive map[shown][]*resource.Live            // listed objects that live and that no entry of the state owns, by what they show
	aim   map[resource.Address]bool             // nil: everything

	distrusted map[string]string // compromised keys by digest: the order that was revoked for it

	heirs   map[resource.Address]resource.Address // of entries without a manifest: the new manifest that seems to be theirs
	unheard map[string][]resource.Path            // by address, the fields of which the API takes no notice
	waiting map[resource.Address]bool             // who waits for people or DigiCert
	chains  map[chainKey]map[string]place         // place by nonce, of the generations that were asked about
}

// group is what two objects must share to be taken for one another.
type group struct{ kind, product string }

func newBuilder(in Input) *builder {
	b := &builder{in: in, aim: aimed(in), order: ordered(in.Set), owned: map[Key]resource.Address{}, ids: map[resource.Address]string{}, nonce: map[string]bool{},
		free: map[group][]*resource.Live{}, named: map[group]map[string][]*resource.Live{}, chains: map[chainKey]map[string]place{},
		waiting: map[resource.Address]bool{}, heirs: map[resource.Address]resource.Address{}, unheard: unheard(in.Findings),
		distrusted: in.State.CompromisedKeys()}
	for a, e := range in.State.Objects {
		b.owned[Key{a.Kind, e.Identity.ID}] = a
		b.ids[a] = e.Identity.ID
		b.nonce[e.Identity.Nonce] = true
		for _, was := range e.Identity.Earlier {
			b.owned[Key{a.Kind, was.ID}] = a
			b.nonce[was.Nonce] = true
		}
	}
	if in.Live == nil {
		return b
	}
	for kind, l := range in.Live.Lists {
		for _, live := range l.Objects {
			if _, owned := b.owned[Key{kind, live.ID}]; !owned {
				g := group{kind, live.Product}
				b.free[g] = append(b.free[g], live)
			}
		}
	}
	return b
}

// origin gives the first name an object ever had.
func (b *builder) origin(o *resource.Object) string {
	return originOf(o, b.in.State.Objects[o.Address])
}

// originOf gives the first name of an object that has an entry in state, or, with nil, of one that has none.
func originOf(o *resource.Object, e *state.Entry) string {
	switch {
	case e != nil && e.Identity.Origin != "":
		return e.Identity.Origin
	case len(o.MovedFrom) > 0:
		return o.MovedFrom[0]
	}
	return o.Address.Name
}

// desired gives the spec of an object with every reference resolved that can be.
func (b *builder) desired(o *resource.Object) resource.Map {
	return resolveRefs(o.Spec, func(a resource.Address) string { return b.ids[a] })
}

func resolveRefs(spec resource.Map, id func(resource.Address) string) resource.Map {
	m, _ := resource.Resolve(spec, func(r resource.Ref) resource.Value {
		return resource.IDValue(id(resource.Address(r)))
	}).(resource.Map)
	return m
}

// candidates gives the live, unowned objects that may be what an earlier run created for a manifest that is not in state, as far as
// the listing can tell. For kinds with a nonce these are the ones of the same product whose identity fields agree; for kinds
// without, the ones whose every declared and listed detail agrees. Ended ones are among them where the manifest asks for an end: it may
// have been reached, and then means none of the orders before.
func (b *builder) candidates(o *resource.Object) []*resource.Live {
	desired := b.desired(o)
	wasRetired := o.Retire != nil && b.in.State.Objects[o.Address] == nil
	var out []*resource.Live
	for _, live := range b.near(o, desired) {
		if _, adopted := b.owned[Key{live.Kind, live.ID}]; adopted {
			continue
		}
		switch {
		case o.Descriptor.Nonce != "":
			if (live.Phase != resource.Ended || wasRetired) && sameIdentity(o.Descriptor, desired, live) == "" {
				out = append(out, live)
			}
		case len(detailsThatDiffer(o.Descriptor, desired, live)) == 0:
			out = append(out, live)
		}
	}
	return out
}

// near gives the unowned objects of a manifest's kind and product whose name, where the listing shows one, is the manifest's. Without it a
// project of many manifests in an account of many other objects would compare each with each.
func (b *builder) near(o *resource.Object, desired resource.Map) []*resource.Live {
	g := group{o.Address.Kind, o.Descriptor.Product}
	f := nameField(o.Descriptor)
	if f == nil {
		return b.free[g]
	}
	name := func(spec resource.Map) string {
		if v := resource.Get(spec, f.Path); v != nil {
			return resource.Text(first(f, v))
		}
		return ""
	}
	want := name(desired)
	if want == "" {
		return b.free[g]
	}
	if b.named[g] == nil {
		b.named[g] = map[string][]*resource.Live{}
		for _, live := range b.free[g] {
			b.named[g][name(live.Spec)] = append(b.named[g][name(live.Spec)], live)
		}
	}
	return slices.Concat(b.named[g][""], b.named[g][want])
}

// sameIdentity gives "" when no identity field that both versions hold differs, else the path of one that does. Of a list, the
// first item is the identity. A desired reference that is not resolved yet equals nothing.
func sameIdentity(d *resource.Descriptor, desired resource.Map, live *resource.Live) resource.Path {
	for _, f := range d.Leaves() {
		if !f.Identity || !f.Readable(live.Depth) {
			continue
		}
		want, have := resource.Get(desired, f.Path), resource.Get(live.Spec, f.Path)
		if _, unresolved := want.(resource.Ref); unresolved {
			return f.Path
		}
		if want == nil || have == nil {
			continue
		}
		if !resource.Equal(first(f, want), first(f, have)) {
			return f.Path
		}
	}
	return ""
}

func first(f *resource.Field, v resource.Value) resource.Value {
	if l, ok := v.(resource.List); ok {
		if len(l) == 0 {
			return nil
		}
		return l[0]
	}
	return diff.Normal(f, v)
}

// detailsThatDiffer compares the fields that are sent at creation, declared, and shown at the depth that was read. What something was
// validated for is no detail: it grows by itself, and is completed in what is adopted.
func detailsThatDiffer(d *resource.Descriptor, desired resource.Map, live *resource.Live) []resource.Path {
	var out []resource.Path
	for _, f := range d.Leaves() {
		sent := f.Send == resource.SendCreate || f.Send == resource.SendCreatePut
		if !sent || f.Change == resource.CreateOnly || f.Method == methodValidation || !f.Readable(live.Depth) {
			continue
		}
		want := diff.Normal(f, f.Value(desired))
		if want != nil && !resource.Equal(want, diff.Normal(f, f.Shown(live.Spec))) {
			out = append(out, f.Path)
		}
	}
	return out
}

// verdict is what becomes of a manifest that is not in state: adopt what an earlier run of this project created, or stop, or
// (both zero) create.
type verdict struct {
	adopt   *resource.Live
	at      place  // of that order, adopted or over, among those of the manifest
	before  []link // orders that it followed
	block   string
	hint    string
	over    *resource.Live // the manifest's own order that has ended, where that is what blocks
	missing *Read          // what is still to be read for the verdict
}

// settle decides about a manifest that is not in state, and lets what refers to it know the id that is about to be adopted.
func (b *builder) settle(o *resource.Object) verdict {
	if b.in.Live == nil {
		return verdict{}
	}
	var v verdict
	switch {
	case o.Descriptor.Nonce != "":
		v = b.byNonce(o)
	case !duplicatesWanted(o):
		v = b.byDetails(o)
	}
	if v.adopt != nil {
		b.ids[o.Address] = v.adopt.ID
	}
	if own := cmp.Or(v.adopt, v.over); own != nil {
		b.owned[Key{o.Address.Kind, own.ID}] = o.Address
		for _, l := range v.before {
			b.owned[Key{o.Address.Kind, l.live.ID}] = o.Address
		}
	}
	return v
}

// byNonce judges the unowned orders that may be an earlier run's.
func (b *builder) byNonce(o *resource.Object) verdict {
	project := projectDigest(b.in.Live.ID, b.in.Settings.UID)
	var ours []link
	var outgrown []*resource.Live
	var elsewhere, unread []string
	for _, c := range b.candidates(o) {
		k := Key{c.Kind, c.ID}
		info := b.in.Live.Infos[k]
		if info == nil {
			if b.in.Live.tried(k) {
				unread = append(unread, c.ID)
			}
			continue
		}
		if at, mine := b.placeOf(o, o.Lifecycle.Generation, info.Nonce); mine {
			ours = append(ours, link{at, info})
			continue
		}
		switch {
		case info.Phase == resource.Ended:
		case sameIdentity(o.Descriptor, b.desired(o), info) != "":
		case b.outgrown(o, info.Nonce):
			outgrown = append(outgrown, info)
		case strings.HasPrefix(info.Nonce, project) && !b.accounted(info):
			elsewhere = append(elsewhere, info.ID)
		}
	}
	switch {
	case len(ours) > 0:
		last, at, before := end(ours)
		v := judge(o.Descriptor, b.desired(o), last)
		v.at, v.before = at, before
		if v.adopt == nil && v.block == "" {
			return overAlready(last[0], at, before)
		}
		return v
	case len(unread) > 0:
		return verdict{block: fmt.Sprintf("%s %s could not be read and may be what this manifest ordered", strings.ToLower(o.Address.Kind), strings.Join(unread, ", ")),
			hint: "run again"}
	case len(outgrown) > 0:
		why, hint := stillLives(outgrown[0])
		return verdict{block: why, hint: hint}
	case len(elsewhere) > 0 && o.Lifecycle.Generation == 1:
		return verdict{block: fmt.Sprintf("%s %s was placed by this project under another name", strings.ToLower(o.Address.Kind), strings.Join(elsewhere, ", ")),
			hint: "write its earlier name into metadata.moved_from, which may be that of a manifest with another lifecycle.generation; or raise lifecycle.generation to order anew"}
	}
	return b.unseenBefore(o)
}

// judge decides about objects that carry the nonce of a manifest and were read singly (domain rules, section 2). That ended
// ones leave nothing to adopt is for the caller to see.
func judge(d *resource.Descriptor, desired resource.Map, found []*resource.Live) verdict {
	var alive []*resource.Live
	for _, f := range found {
		if f.Product != d.Product {
			return verdict{block: fmt.Sprintf("order %s carries this manifest's alternative_order_id but is a %s", f.ID, f.Product), hint: backTo(f, "product: "+f.Product)}
		}
		p, choose := sameIdentity(d, desired, f), ""
		if own := resource.Get(desired, d.Nonce); p == "" && own != nil && own == resource.Value(resource.String(f.Nonce)) {
			// Anybody could have chosen the words of an id that a manifest writes itself.
			if differ := detailsThatDiffer(d, desired, f); len(differ) > 0 {
				p, choose = differ[0], "; where it is not this manifest's order, choose another alternative_order_id"
			}
		}
		if p != "" {
			return verdict{block: fmt.Sprintf("order %s carries this manifest's alternative_order_id but differs in %s", f.ID, p),
				hint: backTo(f, fmt.Sprintf("%s as the order has it%s", p, shownAt(d, f, p))) + choose}
		}
		if f.Phase != resource.Ended {
			alive = append(alive, f)
		}
	}
	if len(alive) > 1 {
		return verdict{block: "several live orders carry this manifest's alternative_order_id: " + strings.Join(idsOf(alive), ", "),
			hint: "cancel or revoke all but one in the console"}
	}
	if len(alive) == 1 {
		return verdict{adopt: alive[0]}
	}
	return verdict{}
}

// backTo says how a manifest comes to stand for an order that it no longer describes: another one would be a second beside it while it lives.
func backTo(live *resource.Live, what string) string {
	if live.Phase == resource.Ended {
		return "raise lifecycle.generation to order again"
	}
	return fmt.Sprintf("write %s and apply, which takes order %s over; then change it again", what, live.ID)
}

// shownAt gives " (…)" around what a live object has in a field, the first item of a list; "" for nothing that can be shown in a line.
func shownAt(d *resource.Descriptor, live *resource.Live, p resource.Path) string {
	v := resource.Get(live.Spec, p)
	if l, ok := v.(resource.List); ok && len(l) > 0 {
		v = l[0]
	}
	if text := resource.Text(v); text != "" && len(text) <= 100 && !d.SecretAt(p) {
		return " (" + text + ")"
	}
	return ""
}

// byDetails judges the unowned objects of a kind without a nonce: exactly one active object that equals the manifest in all it
// declares is what our own crashed create leaves; anything near to it is somebody else's (domain rules, section 6).
func (b *builder) byDetails(o *resource.Object) verdict {
	desired := b.desired(o)
	var equal, near []*resource.Live
	for _, live := range b.free[group{o.Address.Kind, o.Descriptor.Product}] {
		k := Key{live.Kind, live.ID}
		if _, adopted := b.owned[k]; adopted {
			continue
		}
		info := b.in.Live.Infos[k]
		switch {
		case info != nil && len(detailsThatDiffer(o.Descriptor, desired, info)) == 0 && live.Phase == resource.Active && b.inContainer(live):
			equal = append(equal, info)
		case len(detailsThatDiffer(o.Descriptor, desired, live)) == 0 || sameTitle(o, live):
			near = append(near, live)
		}
	}
	if len(equal) == 1 && len(near) == 0 {
		return verdict{adopt: equal[0]}
	}
	if all := append(equal, near...); len(all) > 0 {
		why, hint := thereAlready(o, all)
		return verdict{block: why, hint: hint}
	}
	return verdict{}
}

// thereAlready says that an object is not created since the account holds others that it might be.
func thereAlready(o *resource.Object, alike []*resource.Live) (reason, hint string) {
	which := ""
	if len(alike) > 0 {
		which = ": " + strings.Join(idsOf(alike), ", ")
	}
	return fmt.Sprintf("the account holds this %s already, or one much like it%s", strings.ToLower(o.Address.Kind), which),
		"refer to it by id where it is needed, write its exact details into the manifest, or set skip_duplicate_org_check: true to have a second one"
}

// duplicatesWanted tells whether the manifest asks for a second object beside one that is there already.
func duplicatesWanted(o *resource.Object) bool {
	return o.Spec["skip_duplicate_org_check"] == resource.Bool(true)
}

func (b *builder) inContainer(live *resource.Live) bool {
	want := b.in.Container()
	return want == 0 || live.ContainerID == "" || live.ContainerID == fmt.Sprint(want)
}

// sameTitle tells whether a live object has the name the manifest declares.
func sameTitle(o *resource.Object, live *resource.Live) bool {
	name, _ := o.Spec["name"].(resource.String)
	return name != "" && strings.EqualFold(strings.Join(strings.Fields(string(name)), " "), strings.Join(strings.Fields(live.Title), " "))
}

func idsOf(list []*resource.Live) []string {
	var out []string
	for _, l := range list {
		out = append(out, l.ID)
	}
	slices.Sort(out)
	return out
}

// newEntry begins the record of an object that a manifest has just come to own.
func newEntry(o *resource.Object, id, nonce, origin string, generation, sequence int) *state.Entry {
	return &state.Entry{Identity: state.Identity{ID: id, Nonce: nonce, Origin: origin, Product: o.Descriptor.Product, Generation: generation, Sequence: sequence}}
}
