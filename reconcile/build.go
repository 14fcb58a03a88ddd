package reconcile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"dcsync/internal/diag"
	"dcsync/internal/diff"
	"dcsync/internal/graph"
	"dcsync/internal/resource"
	"dcsync/state"
)

// Build compares the versions of every object and says what is to be done. It is pure: the same input gives the same plan.
func Build(in Input) *Plan {
	b := newBuilder(in)
	p := &Plan{AsOf: in.AsOf, Refresh: in.Refresh, Complete: b.complete(), Seen: map[resource.Address]resource.Map{}}
	for _, o := range b.order {
		if entry := in.State.Objects[o.Address]; entry != nil {
			b.existing(p, o, entry)
		} else {
			b.missing(p, o)
		}
	}
	b.forgotten(p)
	b.blockDependents(p)
	b.limit(p)
	b.renamed(p)
	b.counts(p)
	slices.SortStableFunc(p.Changes, func(x, y *Change) int {
		return cmp.Or(cmp.Compare(x.risk(), y.risk()), x.Address.Compare(y.Address))
	})
	p.Digest = DigestOf(p.Changes)
	return p
}

// ordered gives the objects so that each stands after all it refers to.
func ordered(set *resource.Set) []*resource.Object {
	g := graph.Graph[string]{}
	byName := map[string]*resource.Object{}
	for _, o := range set.Objects {
		byName[o.Address.String()] = o
		var deps []string
		for _, d := range o.DependsOn {
			deps = append(deps, d.String())
		}
		g[o.Address.String()] = deps
	}
	var out []*resource.Object
	for _, name := range g.Sorted() {
		if o := byName[name]; o != nil {
			out = append(out, o)
		}
	}
	return out
}

// complete tells whether every listing was whole and every single read succeeded.
func (b *builder) complete() bool {
	if b.in.Live == nil {
		return true
	}
	for _, l := range b.in.Live.Lists {
		if !l.Complete {
			return false
		}
	}
	for k := range b.in.Live.Absent {
		if b.in.Live.unread(k) != "" {
			return false
		}
	}
	return len(b.in.Live.Unread) == 0
}

func (b *builder) change(o *resource.Object, action resource.Action, trigger resource.Trigger, reason string) *Change {
	return &Change{Address: o.Address, Action: action, Trigger: trigger, Reason: reason, Source: o.Source, DependsOn: o.DependsOn,
		Generation: o.Lifecycle.Generation, Product: o.Descriptor.Product, object: o, spec: o.Spec}
}

// missing plans an object that is not in state.
func (b *builder) missing(p *Plan, o *resource.Object) {
	v := b.settle(o)
	switch {
	case o.Retire != nil && o.Retire.Target != targetPrevious && v.adopt == nil:
		b.add(p, b.blocked(o, "retire asks for an end, but there is no order of this manifest in state", "take the manifest away; nothing is ordered to be ended"))
	case v.block != "":
		c := b.blocked(o, v.block, v.hint)
		if v.over != nil {
			c.ID, c.live, c.nonce, c.Sequence, c.before, c.over = v.over.ID, v.over, v.over.Nonce, v.at.sequence, v.before, true
			c.origin = v.at.origin
		}
		b.add(p, c)
	case v.adopt != nil:
		c := b.change(o, resource.Adopt, resource.ByRecovery, adoptReason(o))
		c.ID, c.live, c.nonce, c.Sequence, c.before = v.adopt.ID, v.adopt, v.adopt.Nonce, v.at.sequence, v.before
		c.origin = v.at.origin
		c.Fields = b.adoptable(o, v.adopt)
		c.Requests = requests(c.Fields, c.live)
		b.add(p, c)
	default:
		if !b.refused(p, o, b.notYetMoved, b.orphan, b.claimed, b.cannotCreate) {
			b.add(p, b.create(o, "not in state"))
		}
	}
}

// adoptReason says why something is taken for what this manifest stands for.
func adoptReason(o *resource.Object) string {
	what := "the account holds it, ordered by this project for this manifest"
	if o.Descriptor.Nonce == "" {
		what = "the account holds one that equals it in every detail"
	}
	return what + ", and the state does not: a run died before it could record it, the manifest was away for a while, or the state was lost"
}

func (b *builder) blocked(o *resource.Object, reason, hint string) *Change {
	c := b.change(o, resource.Blocked, resource.ByIntent, reason)
	if hint != "" {
		c.Reason += "; " + hint
	}
	return c
}

// refused blocks an order by the first of several checks that gives a reason, and tells whether one did.
func (b *builder) refused(p *Plan, o *resource.Object, checks ...func(*resource.Object) (reason, hint string)) bool {
	for _, check := range checks {
		if why, hint := check(o); why != "" {
			b.add(p, b.blocked(o, why, hint))
			return true
		}
	}
	return false
}

// cannotCreate says why nothing may be created now, "" when it may: absence must be proven by a whole listing of a key that sees
// what the last one saw (domain rules, section 1).
func (b *builder) cannotCreate(o *resource.Object) (reason, hint string) {
	if why, hint := b.compromised(o); why != "" {
		return why, hint
	}
	live := b.in.Live
	if live == nil {
		return "", ""
	}
	if l := live.Lists[o.Address.Kind]; l != nil && !l.Complete {
		return "the listing is not complete, so it may exist already: " + l.Problem, "run again"
	}
	if live.Limited && !b.in.Settings.AcceptKeyChange {
		return "the key's user is a Limited user and sees only its own orders", "use a key of a user that sees all, or apply with --accept-key-change when this user placed every order"
	}
	if acc := b.in.State.Account; acc != nil && !b.in.Settings.AcceptKeyChange {
		if acc.User.ID != live.User.ID {
			return fmt.Sprintf("the last apply was made by user %d, this key is user %d's and may not see what that one ordered", acc.User.ID, live.User.ID),
				"apply with --accept-key-change when both see the same orders"
		}
		if !slices.Equal(acc.User.Sees, live.User.Sees) {
			return "this key sees other containers than the key of the last apply", "apply with --accept-key-change when that is meant"
		}
	}
	if why, hint := b.outside(o); why != "" {
		return why, hint
	}
	if why, hint := b.frozen(o); why != "" {
		return why, hint
	}
	if why, hint := b.notAllowed(o); why != "" {
		return why, hint
	}
	if id := resource.Text(resource.Get(b.desired(o), "/organization/id")); id != "" {
		l := live.Lists[parentKind(o.Descriptor)]
		if l != nil && l.Complete && len(l.Objects) > 0 && live.listed(Key{parentKind(o.Descriptor), id}) == nil {
			return fmt.Sprintf("the account shows no organization %s to this key", id), "correct organization.id, or use a key that sees it"
		}
	}
	return b.lacksVerifiedContact(o)
}

func (b *builder) create(o *resource.Object, reason string) *Change {
	c := b.change(o, resource.Create, resource.ByIntent, reason)
	c.nonce = nonceOf(b.in, o, b.origin(o), o.Lifecycle.Generation, 0)
	desired := b.desired(o)
	for _, f := range o.Descriptor.Leaves() {
		v := resource.Get(desired, f.Path)
		if v == nil {
			continue
		}
		fc := resource.FieldChange{Path: f.Path, After: v, Origin: resource.FromIntent, Field: f}
		if o.Descriptor.SecretAt(f.Path) {
			fc.After, fc.Sensitive = nil, true
		}
		fc.Via, _ = o.ViaAt(f.Path)
		c.Fields = append(c.Fields, fc)
	}
	c.Requests = 1
	if o.Descriptor.Nonce != "" {
		c.keys = b.keys(o)
		c.Requests += max(1, len(c.keys)) // without the account they are not known
	}
	c.Requests += requests(sentAfter(o.Descriptor, b.desired(o)), nil)
	return c
}

// sentAfter gives the fields of a spec that are sent in calls of their own after creation, but for those that say what is so anyway.
func sentAfter(d *resource.Descriptor, spec resource.Map) []resource.FieldChange {
	var out []resource.FieldChange
	for _, f := range d.Leaves() {
		v := resource.Get(spec, f.Path)
		if f.Send == resource.SendAfter && v != nil && !resource.Equal(diff.Normal(f, v), diff.Normal(f, f.Default)) {
			out = append(out, resource.FieldChange{Path: f.Path, After: v, Origin: resource.FromIntent, Field: f})
		}
	}
	return out
}

// forgotten plans the entries whose manifest is gone: dcsync stops managing them and touches nothing.
func (b *builder) forgotten(p *Plan) {
	for _, a := range b.in.State.Addresses() {
		if b.in.Set.Get(a) != nil || b.in.Later[a] {
			continue
		}
		entry := b.in.State.Objects[a]
		is, exists, hint := "stays in the account as it is", "still exists in the account", "it is neither canceled nor revoked; put the manifest back to manage it again"
		if status := b.endedAs(a, entry); status != "" {
			is, exists, hint = "is "+status, "is "+status, "nothing of it is left to manage"
		}
		c := &Change{Address: a, Action: resource.Forget, Trigger: resource.ByIntent, ID: entry.Identity.ID, Product: entry.Identity.Product,
			Generation: entry.Identity.Generation, Sequence: entry.Identity.Sequence, Source: resource.Source{File: entry.Source.Path},
			Reason: fmt.Sprintf("its manifest is gone; %s %s, and is no longer managed", entry.Identity.ID, is)}
		if entry.Applied.Protect {
			c.Action = resource.Blocked
			c.Reason = "its manifest is gone but it is protected; write the manifest with protect: false and apply that first"
		} else if heir, ok := b.heirs[a]; ok {
			c.Action = resource.Blocked
			c.Reason = fmt.Sprintf("its manifest is gone, and %s looks like it under another name; until that is settled it stays in state", heir)
		} else {
			p.Findings.Add(diag.Diagnostic{Severity: diag.Warning, Code: diag.Forgotten, Address: a.String(), Pos: diag.Pos{File: entry.Source.Path},
				Summary: fmt.Sprintf("%s is no longer managed; %s %s", a, entry.Identity.ID, exists), Hint: hint})
		}
		b.add(p, c)
	}
}

// endedAs gives the status with which what state has for an address ended, as far as that is known; "" where it is not known to have.
func (b *builder) endedAs(a resource.Address, entry *state.Entry) string {
	if b.in.Live != nil {
		if live := b.in.Live.deepest(Key{a.Kind, entry.Identity.ID}); live != nil && live.Phase == resource.Ended {
			return live.Status
		}
		return ""
	}
	for _, t := range entry.Identity.Tombstones {
		if t.ID == entry.Identity.ID && t.Serial == "" {
			return t.Status
		}
	}
	return ""
}

func (b *builder) add(p *Plan, c *Change) {
	p.Changes = append(p.Changes, c)
	if c.waits {
		b.waiting[c.Address] = true
	}
}

// blockDependents blocks what refers to an object of which an intent is blocked (domain rules, section 14): what would be ordered or
// changed was reviewed together with it. Where that is only who may approve, it holds up what they would approve, and of that nothing that is
// due: a certificate must not run out for somebody who is still to be removed in the console.
func (b *builder) blockDependents(p *Plan) {
	held, approval := map[resource.Address]bool{}, map[resource.Address]bool{}
	for _, c := range p.Changes { // still in dependency order
		if !c.Action.Works() || c.Action.Ends() || c.Action == resource.Adopt || c.Action == resource.Forget {
			if c.Action == resource.Blocked && c.Trigger == resource.ByIntent {
				onlyApproval := len(c.Fields) > 0 && !slices.ContainsFunc(c.Fields, func(f resource.FieldChange) bool { return f.Field.Method != methodValidation })
				held[c.Address], approval[c.Address] = held[c.Address] || !onlyApproval, true
			}
			continue
		}
		for _, d := range c.DependsOn {
			if held[d] || approval[d] && c.Trigger != resource.ByTime && needsApprover(c) {
				c.Action, c.Fields, c.Requests = resource.Blocked, nil, 0
				c.Reason = fmt.Sprintf("it refers to %s, which is blocked", d)
				held[c.Address] = held[c.Address] || c.Trigger == resource.ByIntent
				break
			}
		}
	}
}

func (b *builder) counts(p *Plan) {
	p.Waiting = len(b.waiting)
	for _, c := range p.Changes {
		p.Cost.Requests += c.Requests
		if c.Action.Orders() && c.object.Descriptor.Billable {
			p.Cost.Orders++
		}
	}
	if b.in.Live == nil {
		return
	}
	calls := p.Cost.Requests > 0
	for _, kind := range slices.Sorted(maps.Keys(b.in.Live.Lists)) {
		for _, live := range b.in.Live.Lists[kind].Objects {
			if _, owned := b.owned[Key{kind, live.ID}]; owned || b.in.Settings.Siblings[Key{kind, live.ID}] || live.Phase == resource.Ended || !b.in.Settings.Scope.Holds(live) {
				continue
			}
			p.UnmanagedCount++
			p.Unmanaged = append(p.Unmanaged, Unmanaged{Kind: kind, ID: live.ID, Product: live.Product, Summary: strings.TrimSpace(strings.Join([]string{live.Product, live.Title, live.Status}, " "))})
		}
		if calls {
			p.Cost.Requests += b.in.Live.Lists[kind].Requests // the listing that closes an apply
		}
	}
}

// compare gives the differences of an object in state, its notes and custom fields narrowed to what is ours.
func (b *builder) compare(o *resource.Object, entry *state.Entry, live *resource.Live) diff.Result {
	in := diff.Input{Descriptor: o.Descriptor, Desired: b.desired(b.sending(o, entry, live)), Applied: appliedSpec(entry, live), Ignore: o.Lifecycle.Ignore, Via: o.ViaAt}
	if o.Descriptor.Nonce != "" {
		in.Ignore = append(slices.Clone(in.Ignore), o.Descriptor.Nonce) // an order keeps what it was placed with; see idKept
		if entry.Identity.Generation > 1 || entry.Identity.Sequence > 0 {
			in.Ignore = append(in.Ignore, renewalOf) // only the first order carries the manifest's own
		}
	}
	in.Ignore = append(slices.Clone(in.Ignore), b.unheard[o.Address.String()]...)
	for _, f := range o.Descriptor.Leaves() {
		if was := resource.Get(in.Applied, f.Path); f.Method == methodValidation && was != nil {
			in.Applied = in.Applied.Clone()
			resource.Put(in.Applied, f.Path, asWritten(was, resource.Get(in.Desired, f.Path)))
		}
	}
	if live != nil {
		in.Depth = live.Depth
		in.Live = ours(o.Descriptor, in.Desired, entry, live)
	}
	res := diff.Compare(in)
	for i, f := range res.Changes {
		if f.Field.Method == methodNotes && f.Origin == resource.FromBoth && subset(texts(f.Applied), texts(f.Before)) {
			res.Changes[i].Origin = resource.FromIntent // what is there besides is somebody else's
		}
		if f.Via == (resource.Address{}) {
			res.Changes[i].Via = viaItem(o, f)
		}
	}
	return res
}

func subset(a, b []string) bool {
	return !slices.ContainsFunc(a, func(s string) bool { return !slices.Contains(b, s) })
}

// viaItem gives the manifest that the first differing item of a list was inlined from; zero when there is none.
func viaItem(o *resource.Object, f resource.FieldChange) resource.Address {
	before := items(f.Before)
	for i, item := range items(f.After) {
		if slices.ContainsFunc(before, func(b resource.Value) bool { return resource.Equal(b, item) }) {
			continue
		}
		at := f.Path.Index(i)
		for _, p := range slices.Sorted(maps.Keys(o.Via)) {
			if p.Under(at) {
				return o.Via[p]
			}
		}
	}
	return resource.Address{}
}
