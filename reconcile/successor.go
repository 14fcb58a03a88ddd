package reconcile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"dcsync/internal/resource"
	"dcsync/state"
)

// An order that follows another under one manifest: by renewal, or in its place. It has the nonce of the next sequence, so that a run
// which died between asking and recording is found again by any later one.

// renewalOf is the field that names the order which another one renews.
const renewalOf = resource.Path("/renewal_of_order_id")

// next gives the nonce of the order that follows the one in state.
func (b *builder) next(o *resource.Object, entry *state.Entry) string {
	return nonceOf(b.in, o, b.origin(o), entry.Identity.Generation, entry.Identity.Sequence+1)
}

// successors are the orders that follow the one in state already: ours by its nonce, and those that somebody else placed.
type successors struct {
	ours   *resource.Live // at the end of the chain
	at     place          // of ours
	before []link         // live orders of the chain between the one in state and ours
	others []string
	unread []string
}

// kin gives the live orders that may follow the one in state: the one it names itself, and unowned newer ones of the same product,
// organization and names.
func (b *builder) kin(o *resource.Object, live *resource.Live) []Key {
	var out []Key
	for _, c := range b.candidates(o) {
		if c.ID != live.ID && newer(c, live) {
			out = append(out, Key{c.Kind, c.ID})
		}
	}
	if k := (Key{live.Kind, live.Successor}); live.Successor != "" && !slices.Contains(out, k) {
		out = append(out, k)
	}
	return out
}

// newer tells whether an order was placed after another; ids grow, and decide where a time is not shown.
func newer(a, than *resource.Live) bool {
	x, errX := time.Parse(time.RFC3339, a.Created)
	y, errY := time.Parse(time.RFC3339, than.Created)
	if errX == nil && errY == nil && !x.Equal(y) {
		return x.After(y)
	}
	return cmp.Or(cmp.Compare(len(a.ID), len(than.ID)), strings.Compare(a.ID, than.ID)) > 0
}

// followed looks for what follows an order that was read. Orders that renew something else do not.
func (b *builder) followed(o *resource.Object, entry *state.Entry, live *resource.Live) successors {
	var out successors
	var chain []link
	for _, k := range b.kin(o, live) {
		info := b.in.Live.Infos[k]
		owner, owned := b.owned[k]
		var at place
		mine := false
		if info != nil {
			at, mine = b.placeOf(o, entry.Identity.Generation, info.Nonce)
		}
		switch {
		case owned && owner != o.Address:
			out.others = append(out.others, fmt.Sprintf("%s of %s", k.ID, owner))
		case info == nil && b.in.Live.tried(k):
			out.unread = append(out.unread, k.ID)
		case info == nil:
		case mine && at.sequence > entry.Identity.Sequence:
			if info.Phase != resource.Ended || k.ID == live.Successor {
				chain = append(chain, link{at, info})
			}
		case info.Phase == resource.Ended && k.ID != live.Successor:
		case renews(info) != "" && renews(info) != live.ID:
		case info.Nonce != "" && b.accounted(info): // another manifest's, not recorded yet
		default:
			out.others = append(out.others, k.ID)
		}
	}
	if len(chain) > 0 {
		var last []*resource.Live
		last, out.at, out.before = end(chain)
		out.ours = last[0]
		for _, twin := range last[1:] {
			out.others = append(out.others, twin.ID)
		}
	}
	if live.Renewed && live.Successor == "" && out.ours == nil && len(out.others)+len(out.unread) == 0 {
		out.others = append(out.others, "an order that this key does not see")
	}
	return out
}

// unsure says why it is not known whether an order is still the last one of its manifest, "" when it is: another may have followed it. One that
// is not the last is neither ended nor reissued for the manifest.
func (b *builder) unsure(o *resource.Object, entry *state.Entry, live *resource.Live) (reason, hint string) {
	if live == nil || !o.Descriptor.Expires {
		return "", ""
	}
	if s := b.followed(o, entry, live); len(s.unread) > 0 {
		return fmt.Sprintf("order %s could not be read and may have followed order %s", strings.Join(s.unread, ", "), live.ID), "run again"
	}
	return "", ""
}

// renews gives the order that an order renews, "" for none.
func renews(live *resource.Live) string {
	if id := resource.Text(resource.Get(live.Spec, renewalOf)); id != "0" {
		return id
	}
	return ""
}

// takeOver plans to adopt the follower that an earlier run asked for and could not record.
func (b *builder) takeOver(o *resource.Object, entry *state.Entry, s successors) *Change {
	follower := s.ours
	c := b.change(o, resource.Adopt, resource.ByRecovery, fmt.Sprintf("an earlier run of this project ordered it after %s and could not record it", entry.Identity.ID))
	c.ID, c.live, c.nonce = follower.ID, follower, follower.Nonce
	c.Generation, c.Sequence, c.before = s.at.generation, s.at.sequence, s.before
	b.owned[Key{o.Address.Kind, follower.ID}] = o.Address
	for _, l := range s.before {
		b.owned[Key{o.Address.Kind, l.live.ID}] = o.Address
	}
	if follower.Phase != resource.Ended {
		c.Fields = b.adoptable(o, follower)
	}
	c.Requests = requests(c.Fields, follower)
	return c
}

// follow plans the next order of a manifest: all that its fields say now is asked for at once.
func (b *builder) follow(o *resource.Object, entry *state.Entry, live *resource.Live, action resource.Action, trigger resource.Trigger, reason string, fields []resource.FieldChange) *Change {
	c := b.change(o, action, trigger, reason)
	sending := b.sending(o, entry, live)
	c.ID, c.live, c.Fields, c.spec = entry.Identity.ID, live, fields, sending.Spec
	c.Generation, c.Sequence, c.nonce = entry.Identity.Generation, entry.Identity.Sequence+1, b.next(o, entry)
	c.keys = keysOf(b.in, o, entry, c.Generation, c.Sequence)
	if action == resource.RenewOrder {
		c.renews = entry.Identity.ID
	}
	c.Requests = 1 + max(1, len(c.keys)) + requests(sentAfter(o.Descriptor, b.desired(sending)), nil)
	return c
}

// renewal plans the renewal that is due, or says why there is none now.
func (b *builder) renewal(o *resource.Object, entry *state.Entry, live *resource.Live, d due, fields []resource.FieldChange) *Change {
	stop := func(reason, hint string) *Change {
		c := b.blocked(o, reason, hint)
		c.Trigger, c.ID = resource.ByTime, entry.Identity.ID
		b.place(c, entry)
		return c
	}
	if live != nil {
		switch s := b.followed(o, entry, live); {
		case len(s.others) > 0:
			return stop(renewedOutside(live.ID, s.others))
		case len(s.unread) > 0:
			return stop(fmt.Sprintf("order %s could not be read and may be its renewal", strings.Join(s.unread, ", ")), "run again")
		case live.Life.AutoRenew > 0:
			return stop("CertCentral renews this order by itself (auto_renew is on in the account), so dcsync must not", "switch it off in the console, or take lifecycle.renew_before away")
		}
	}
	if live != nil && live.Reissuing {
		c := b.change(o, resource.Deferred, resource.ByTime, "a reissue is under way, and CertCentral renews an order only when that is through")
		c.ID = entry.Identity.ID
		b.place(c, entry)
		return c
	}
	sending := b.sending(o, entry, live)
	if why, hint := b.keyStands(sending, entry, live); why != "" {
		return stop(why, hint)
	}
	if why, hint := b.outdated(o, func(*resource.Field) bool { return true }); why != "" {
		return stop(why, hint)
	}
	if b.in.Live != nil {
		if why, hint := b.cannotCreate(sending); why != "" {
			return stop(why, hint)
		}
	}
	reason := d.reason()
	if note := hardware(sending); note != "" {
		reason += "; " + note
	}
	return b.follow(o, entry, live, resource.RenewOrder, resource.ByTime, reason, fields)
}

func renewedOutside(id string, others []string) (reason, hint string) {
	return fmt.Sprintf("order %s was renewed outside git as %s", id, strings.Join(others, ", ")),
		fmt.Sprintf("take the manifest away to leave it to who renewed it; or once order %s has ended, raise lifecycle.generation for another order; until then none is placed", id)
}

// hardware says what a new order of a manifest sets in motion in the world.
func hardware(o *resource.Object) string {
	method := resource.Path("/cs_provisioning_method")
	switch csr := csrField(o.Descriptor); {
	case resource.Get(o.Spec, method) == resource.String("ship_token"):
		return "a token is shipped and billed"
	case csr != nil && o.Descriptor.Field(method) == nil && resource.Get(o.Spec, csr.Path) == nil:
		return "without a CSR, the person it names is mailed to make a key"
	}
	return ""
}

// csrField gives the field that holds the signing request, nil when the product has none.
func csrField(d *resource.Descriptor) *resource.Field {
	for _, f := range d.Leaves() {
		if f.Key != nil {
			return f
		}
	}
	return nil
}

// keyStands says why the key in what is sent cannot be certified again: nobody said that it may, or it was given up as compromised.
func (b *builder) keyStands(o *resource.Object, entry *state.Entry, live *resource.Live) (reason, hint string) {
	f := csrField(o.Descriptor)
	if f == nil {
		return "", ""
	}
	want := f.Key(resource.Get(o.Spec, f.Path))
	if want == nil {
		return "", ""
	}
	if why, hint := b.compromised(o); why != "" {
		return why, hint
	}
	if o.Lifecycle.ReuseKey {
		return "", ""
	}
	have := resource.Get(entry.Applied.Spec, f.Path)
	if live != nil {
		if shown := resource.Get(live.Spec, f.Path); shown != nil {
			have = shown
		}
	}
	if have != nil && resource.Equal(f.Key(have), want) {
		if ignores(o, f.Path) {
			return "the CSR is left to others, so that the key of the current certificate would be certified again",
				fmt.Sprintf("take %s out of lifecycle.ignore and commit a new CSR, or allow it with lifecycle.key: reuse", f.Path)
		}
		return "the CSR has the key of the current certificate", "commit a new CSR, or allow it with lifecycle.key: reuse"
	}
	return "", ""
}

// compromised refuses a key that the project ever had revoked as compromised, or asks to be.
func (b *builder) compromised(o *resource.Object) (reason, hint string) {
	f := csrField(o.Descriptor)
	if f == nil {
		return "", ""
	}
	key := resource.Text(f.Key(resource.Get(o.Spec, f.Path)))
	if key == "" {
		return "", ""
	}
	const newKey = "make a new key and commit its CSR"
	if id, known := b.distrusted[key]; known {
		return fmt.Sprintf("its key was compromised: order %s was revoked for that", id), newKey
	}
	for _, other := range b.in.Set.Objects {
		entry := b.in.State.Objects[other.Address]
		if entry == nil || other.Retire == nil || other.Retire.Reason != keyCompromise {
			continue
		}
		if spent, _ := usedUp(other.Retire, entry, b.shown(other)); spent != "" {
			continue
		}
		if id, serial := retired(other.Retire, entry); serial == "" && keyOf(other, entry, id) == key {
			return fmt.Sprintf("its key is compromised: %s has order %s revoked for that", other.Address, id), newKey
		}
	}
	return "", ""
}

// replacement plans a new order in place of one whose fixed fields the manifest changes; the old one stays until it is retired.
func (b *builder) replacement(o *resource.Object, entry *state.Entry, live *resource.Live, fields []resource.FieldChange) *Change {
	stop := func(reason, hint string) *Change {
		c := b.blocked(o, reason, hint)
		c.ID, c.Fields = entry.Identity.ID, fields
		b.place(c, entry)
		return c
	}
	switch {
	case o.Lifecycle.Protect || entry.Applied.Protect:
		return guard(stop("the change needs another order, and this one is protected", "put the old value back, write protect: false and apply that; then change it, or leave the change to the next renewal"))
	case !o.Lifecycle.Allows(resource.AllowReplace):
		return stop("the change needs another order", "allow it with lifecycle.allow: [replace], or leave it to the next renewal with apply_changes: at_renewal")
	}
	if b.in.Live != nil {
		if why, hint := b.cannotCreate(b.sending(o, entry, live)); why != "" {
			return stop(why, hint)
		}
	}
	return b.follow(o, entry, live, resource.Replace, resource.ByIntent,
		fmt.Sprintf("the manifest changes what is fixed for an order; order %s stays until retire: {target: previous} ends it", entry.Identity.ID), fields)
}
