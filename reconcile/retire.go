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

// The end of life that a manifest asks for (domain rules, section 9). What is possible depends on how the order stands:
//
//	not approved yet     withdraw (cancel means the same)
//	pending, for pickup  cancel
//	issued               revoke
//	reissue pending      revoke, when cancel_reissue lets it cancel the reissue first
//	ended                done

const (
	targetCurrent     = "current"
	targetPrevious    = "previous"
	targetCertificate = "certificate:"
)

// keyCompromise is the reason that waits for nothing, and after which a key is never certified again.
const keyCompromise = "keyCompromise"

// retired gives the order that a manifest's retirement is about and, where it names one, the serial number of the single certificate.
// id is "" when there is nothing that it could mean.
func retired(r *resource.Retire, entry *state.Entry) (id, serial string) {
	own := entry.Identity
	switch {
	case r.Target == targetCurrent:
		return own.ID, ""
	case r.Target == targetPrevious:
		if i := previous(entry); i >= 0 {
			return own.Earlier[i].ID, ""
		}
		return "", ""
	case strings.HasPrefix(r.Target, targetCertificate):
		serial = strings.ToUpper(strings.TrimPrefix(r.Target, targetCertificate))
		for _, t := range own.Tombstones {
			if t.Serial == serial {
				return t.ID, serial // also where another order followed since
			}
		}
		return own.ID, serial
	case r.Target == own.ID, slices.ContainsFunc(own.Earlier, func(e state.Earlier) bool { return e.ID == r.Target }):
		return r.Target, ""
	}
	return "", ""
}

// endsCurrent tells whether a manifest wants the order it owns to end as a whole, so that nothing else of it matters any more.
func endsCurrent(o *resource.Object, entry *state.Entry) bool {
	if o.Retire == nil {
		return false
	}
	id, serial := retired(o.Retire, entry)
	return id == entry.Identity.ID && serial == ""
}

// names tells whether a retirement is about the order that the manifest owns, or a certificate of it.
func names(r *resource.Retire, entry *state.Entry) bool {
	id, _ := retired(r, entry)
	return id == entry.Identity.ID
}

// retired is like the function, and knows besides which earlier order the account shows with a certificate.
func (b *builder) retired(o *resource.Object, entry *state.Entry) (id, serial string) {
	id, serial = retired(o.Retire, entry)
	if serial == "" || b.in.Live == nil || hasTombstone(entry, id, serial) {
		return id, serial
	}
	for _, was := range entry.Identity.Earlier {
		if live := b.in.Live.listed(Key{o.Address.Kind, was.ID}); live != nil && strings.EqualFold(live.Life.Serial, serial) {
			return was.ID, serial
		}
	}
	return id, serial
}

// retirement plans the end a manifest asks for; nil when it is reached, or when a block that ends one order has ended it.
func (b *builder) retirement(o *resource.Object, entry *state.Entry) *Change {
	r := o.Retire
	id, serial := b.retired(o, entry)
	stop := func(reason, hint string) *Change {
		c := b.blocked(o, reason, hint)
		c.ID = id
		b.place(c, entry)
		return c
	}
	if id == "" && r.Target == targetPrevious {
		c := b.change(o, resource.Deferred, resource.ByIntent, fmt.Sprintf("no order that could be ended came before order %s; it waits until another one follows that", entry.Identity.ID))
		b.place(c, entry)
		return c
	}
	if id == "" {
		return stop(fmt.Sprintf("retire names %s, which is no order of this manifest", r.Target), "name current, previous, or one of its order numbers")
	}
	if spent, _ := usedUp(r, entry, b.shown(o)); spent != "" {
		return nil
	}
	if b.in.Live == nil {
		if hasTombstone(entry, id, serial) {
			return nil
		}
		c := b.change(o, r.Action, resource.ByIntent, "retire asks for it")
		c.ID, c.named = id, true
		b.place(c, entry)
		return c
	}
	k := Key{o.Address.Kind, id}
	live := b.in.Live.deepest(k)
	switch {
	case live != nil && live.Phase == resource.Ended, serial != "" && hasTombstone(entry, id, serial):
		return nil
	case b.in.Live.Infos[k] == nil:
		why := cmp.Or(b.in.Live.Unread[k], "it is not visible to this key")
		return stop(fmt.Sprintf("order %s cannot be read: %s", id, why), "run again, or use a key that sees it")
	case serial != "" && (certificateEnded(live, serial) || approvedRevocation(r, entry, live, serial)):
		return nil
	case o.Lifecycle.Protect || entry.Applied.Protect:
		return guard(stop(fmt.Sprintf("order %s is protected", id), "take retire out, write protect: false and apply that; then put retire back"))
	case live.Revoking:
		c := b.noop(o, entry, live)
		c.ID, c.Reason, c.waits = id, fmt.Sprintf("order %s: its revocation was asked for and waits for approval", id), true
		return c
	case rejectedRevocation(r, live) != "":
		return stop(rejected(id, r, live))
	case id != entry.Identity.ID && r.Reason != keyCompromise && !b.issued(Key{k.Kind, entry.Identity.ID}):
		why := fmt.Sprintf("order %s ends when order %s, which follows it, is issued", id, entry.Identity.ID)
		if own := b.in.Live.deepest(Key{k.Kind, entry.Identity.ID}); own != nil && own.Phase == resource.Ended {
			why = fmt.Sprintf("order %s ends when one that follows it is issued, and order %s is %s", id, own.ID, own.Status)
		}
		c := b.change(o, resource.Deferred, resource.ByIntent, why)
		c.ID = id
		b.place(c, entry)
		return c
	}
	return b.ending(o, entry, live, serial, stop)
}

func (b *builder) issued(k Key) bool {
	live := b.in.Live.deepest(k)
	return live != nil && live.Phase == resource.Active
}

// ending plans the call, or says why what is asked for does not fit how the order stands.
func (b *builder) ending(o *resource.Object, entry *state.Entry, live *resource.Live, serial string, stop func(reason, hint string) *Change) *Change {
	r := o.Retire
	last := live.ID == entry.Identity.ID && serial == ""
	if last {
		if why, hint := b.unsure(o, entry, live); why != "" {
			return stop(why, hint)
		}
	}
	action := r.Action
	if live.End == resource.Withdraw && action == resource.Cancel {
		action = resource.Withdraw
	}
	switch {
	case live.End == "":
		return stop(fmt.Sprintf("order %s is %s and cannot be ended now", live.ID, live.Status), "run again when that has changed")
	case live.End != action:
		return stop(fmt.Sprintf("order %s is %s: it cannot be ended by %s", live.ID, live.Status, r.Action), "write action: "+string(live.End))
	case serial != "" && !holdsCertificate(live, entry, serial):
		return stop(fmt.Sprintf("order %s has no certificate %s", live.ID, serial), "check the serial number")
	case live.Reissuing && action == resource.Revoke && !r.CancelReissue:
		return stop(fmt.Sprintf("order %s has a reissue pending, and cannot be revoked before that is canceled", live.ID), "write cancel_reissue: true to cancel it first")
	}
	c := b.change(o, action, resource.ByIntent, "retire asks for it")
	if r.Reason != "" {
		c.Reason += ": " + r.Reason
	}
	c.ID, c.live, c.Requests, c.serial, c.named = live.ID, live, 1, serial, true
	b.place(c, entry)
	if last && o.Descriptor.Nonce != "" {
		c.last = true
		c.Requests++ // the look-up before
	}
	if action == resource.Revoke {
		if live.Reissuing {
			c.Requests++
		}
		c.Revokes = dying(live, entry, b.in.AsOf)
		if serial != "" {
			c.Revokes = []string{certificateText(resource.Certificate{Serial: serial, CommonName: live.Title})}
		}
	}
	return c
}

func certificateEnded(live *resource.Live, serial string) bool {
	return slices.ContainsFunc(live.Certificates, func(c resource.Certificate) bool { return strings.EqualFold(c.Serial, serial) && c.Ended })
}

// buried keeps of the orders that a manifest asked to end, and that have ended, that they did: a tombstone that outlives a renewal, and
// where the key was compromised, which key that was.
func buried(o *resource.Object, e *state.Entry, read func(id string) *resource.Live) {
	if o.Retire == nil {
		return
	}
	id, serial := retired(o.Retire, e)
	live := read(id)
	over := live != nil && live.Phase == resource.Ended
	if id == "" || serial != "" || !over || hasTombstone(e, id, "") {
		return
	}
	if spent, _ := usedUp(o.Retire, e, read); spent == "" {
		bury(o, e, state.Tombstone{ID: id, Status: live.Status}, keyOf(o, e, id))
	}
}

// buriedCertificate keeps of the single certificate that a manifest asked to end that it has ended, as a single read of its order showed:
// when another order has followed, none of those that are looked at shows it.
func buriedCertificate(o *resource.Object, e *state.Entry, at time.Time, read func(id string) *resource.Live) {
	if o.Retire == nil {
		return
	}
	id, serial := retired(o.Retire, e)
	if serial == "" || hasTombstone(e, id, serial) {
		return
	}
	ids := []string{e.Identity.ID}
	for _, was := range e.Identity.Earlier {
		ids = append(ids, was.ID)
	}
	for _, id := range ids {
		live := read(id)
		if live == nil || !certificateEnded(live, serial) && !approvedRevocation(o.Retire, e, live, serial) {
			continue
		}
		status := statusRevoked
		for _, c := range live.Certificates {
			if strings.EqualFold(c.Serial, serial) && c.Till != "" && c.Till < at.Format(time.DateOnly) {
				status = statusExpired
			}
		}
		bury(o, e, state.Tombstone{ID: id, Serial: serial, Status: status}, "")
		return
	}
}

func hasTombstone(e *state.Entry, id, serial string) bool {
	return slices.ContainsFunc(e.Identity.Tombstones, func(t state.Tombstone) bool { return t.ID == id && t.Serial == serial })
}

// bury writes a tombstone. key is what was certified, as far as it is known.
func bury(o *resource.Object, e *state.Entry, t state.Tombstone, key string) {
	t.Reason, t.Nonce, t.Generation, t.Sequence = o.Retire.Reason, e.Identity.Nonce, e.Identity.Generation, e.Identity.Sequence
	for _, was := range e.Identity.Earlier {
		if was.ID == t.ID {
			t.Nonce, t.Generation, t.Sequence = was.Nonce, was.Generation, was.Sequence
		}
	}
	if t.Reason == keyCompromise {
		t.Key = key
	}
	e.Identity.Tombstones = append(e.Identity.Tombstones, t)
}

// keyOf gives the key of an order as far as it is known: what the manifest's CSR was when it was applied to the current order, or what
// an earlier order was retired with.
func keyOf(o *resource.Object, e *state.Entry, id string) string {
	f := csrField(o.Descriptor)
	if f == nil {
		return ""
	}
	if id == e.Identity.ID {
		if v := resource.Get(e.Applied.Spec, f.Path); v != nil {
			return resource.Text(f.Key(v))
		}
		return ""
	}
	for _, was := range e.Identity.Earlier {
		if was.ID == id {
			return was.Key
		}
	}
	return ""
}
