package reconcile

import (
	"fmt"
	"time"

	"dcsync/internal/resource"
	"dcsync/state"
)

// existing plans an object that is in state.
func (b *builder) existing(p *Plan, o *resource.Object, entry *state.Entry) {
	b.idKept(p, o, entry)
	n := len(p.Changes)
	defer func() { b.sayAhead(p.Changes[n:], o, entry) }()
	k := Key{o.Address.Kind, entry.Identity.ID}
	if b.in.Live == nil {
		b.unseen(p, o, entry)
		return
	}
	live := b.in.Live.deepest(k)
	if b.in.Live.Infos[k] != nil {
		p.Compared.Info++
	} else if live != nil {
		p.Compared.List++
	}
	switch {
	case b.in.Live.unread(k) != "":
		c := b.blocked(o, fmt.Sprintf("%s could not be read: %s", entry.Identity.ID, b.in.Live.unread(k)), "run again")
		c.ID, c.Trigger, c.Unread = entry.Identity.ID, resource.ByDrift, true
		b.add(p, c)
	case live == nil || b.in.Live.Absent[k]:
		c := b.blocked(o, fmt.Sprintf("%s is not visible to this key; it is never created again for that", entry.Identity.ID),
			"use a key that sees it, or take the manifest away to stop managing it")
		c.ID, c.Trigger = entry.Identity.ID, b.heldUp(o, entry)
		b.add(p, c)
	default:
		b.seen(p, o, entry, live)
	}
}

// heldUp tells what is blocked where an object cannot be worked on: an intent when its manifest wants something that was not applied, else
// nothing but the drift itself (domain rules, section 14).
func (b *builder) heldUp(o *resource.Object, entry *state.Entry) resource.Trigger {
	if o.Descriptor.Expires && o.Lifecycle.Generation != entry.Identity.Generation || entry.Identity.FoundEnded || endsCurrent(o, entry) && !hasTombstone(entry, entry.Identity.ID, "") {
		return resource.ByIntent
	}
	for _, f := range b.compare(o, entry, nil).Changes {
		if b.act(o, f, nil).action != resource.Deferred {
			return resource.ByIntent
		}
	}
	return resource.ByDrift
}

// unseen plans an object in state by the state alone.
func (b *builder) unseen(p *Plan, o *resource.Object, entry *state.Entry) {
	if endsCurrent(o, entry) {
		b.endCurrent(p, o, entry)
		return
	}
	if o.Retire != nil {
		b.warnSpent(p, o, entry)
		if c := b.retirement(o, entry); c != nil {
			b.add(p, c)
		}
	}
	b.differences(p, o, entry, nil)
}

// seen plans an object that is in state and that the account shows.
func (b *builder) seen(p *Plan, o *resource.Object, entry *state.Entry, live *resource.Live) {
	p.Unnamed = append(p.Unnamed, b.unnamed(o, live)...)
	if item := b.in.Live.listed(Key{o.Address.Kind, live.ID}); item != nil {
		p.Seen[o.Address] = item.Observed
	}
	if o.Descriptor.Expires && o.Lifecycle.Generation == entry.Identity.Generation {
		if s := b.followed(o, entry, live); s.ours != nil {
			b.add(p, b.takeOver(o, entry, s)) // first of all: until then the manifest's order is not known
			return
		}
	}
	if endsCurrent(o, entry) {
		b.endCurrent(p, o, entry)
		return
	}
	if o.Retire != nil {
		b.warnSpent(p, o, entry)
		if c := b.retirement(o, entry); c != nil {
			b.add(p, c)
			if c.Action.Works() && c.ID == live.ID {
				return // the order may end with its present certificate: what else is due is seen then
			}
		}
	}
	switch {
	case o.Descriptor.Expires && o.Lifecycle.Generation != entry.Identity.Generation:
		b.regenerate(p, o, entry, live)
	case live.Renewed && b.renewedElsewhere(p, o, entry, live):
	case o.Descriptor.Expires && live.Phase == resource.Ended && o.Retire != nil && names(o.Retire, entry):
		b.add(p, b.noop(o, entry, live)) // its last certificate was to end
	case o.Descriptor.Expires && live.Phase == resource.Ended:
		c := b.blocked(o, fmt.Sprintf("order %s is %s", live.ID, live.Status), "raise lifecycle.generation to order again, or take the manifest away")
		c.ID, c.Trigger = live.ID, b.heldUp(o, entry)
		b.add(p, c)
	case live.Reissuing && b.pastEnd(live):
		c := b.blocked(o, fmt.Sprintf("order %s ended on %s, with a reissue of it still under way", live.ID, later(live.Life.Till, live.Life.OrderTill).Format(time.DateOnly)),
			"reject or cancel the reissue in the console, then raise lifecycle.generation to order again")
		c.ID, c.Trigger = live.ID, b.heldUp(o, entry)
		if o.Lifecycle.RenewBefore != (resource.Span{}) {
			c.Trigger = resource.ByTime
		}
		b.place(c, entry)
		b.add(p, c)
	default:
		if b.waitingOn(o, live) != "" || live.Reissuing || live.Revoking {
			b.waiting[o.Address] = true
		}
		b.differences(p, o, entry, live)
	}
}

// pastEnd tells whether the last day of an order has passed, which the status does not say while a reissue is under way.
func (b *builder) pastEnd(live *resource.Live) bool {
	end := later(live.Life.Till, live.Life.OrderTill)
	return !end.IsZero() && !b.in.AsOf.Before(end.Add(day))
}

// endCurrent plans the end of what a manifest owns. Nothing else of the manifest counts then.
func (b *builder) endCurrent(p *Plan, o *resource.Object, entry *state.Entry) {
	c := b.retirement(o, entry)
	switch {
	case o.Lifecycle.Generation != entry.Identity.Generation:
		hint := "take retire away to order again"
		if !b.ended(o, entry, entry.Identity.ID) {
			hint = fmt.Sprintf("put lifecycle.generation back to %d and apply the end alone first; then take retire away and raise it", entry.Identity.Generation)
		}
		c = b.blocked(o, "lifecycle.generation asks for another order, and retire for the end of the one there is", hint)
		c.ID = entry.Identity.ID
	case c == nil:
		c = b.noop(o, entry, nil)
	}
	b.add(p, c)
}

func (b *builder) noop(o *resource.Object, entry *state.Entry, live *resource.Live) *Change {
	c := b.change(o, resource.Noop, resource.ByIntent, "")
	c.ID, c.live = entry.Identity.ID, live
	b.place(c, entry)
	return c
}

// renewedElsewhere plans an order that the account shows as renewed by somebody else's. It gives false where a renewal is due, which tells it
// by itself.
func (b *builder) renewedElsewhere(p *Plan, o *resource.Object, entry *state.Entry, live *resource.Live) bool {
	if d := b.due(o, live, nil); d.action == resource.RenewOrder && d.reached(b.in.AsOf) {
		return false
	}
	s := b.followed(o, entry, live)
	why, hint := renewedOutside(live.ID, append(s.others, s.unread...))
	c := b.blocked(o, why, hint)
	c.ID, c.Trigger = live.ID, resource.ByDrift
	b.place(c, entry)
	b.add(p, c)
	return true
}

// stillLives says why another generation of a manifest is not ordered.
func stillLives(live *resource.Live) (reason, hint string) {
	return fmt.Sprintf("order %s is %s, and a second live order for one manifest is never placed", live.ID, live.Status),
		"put lifecycle.generation back, or end that order in the console first"
}

// regenerate plans an object whose manifest asks for another generation than the one applied.
func (b *builder) regenerate(p *Plan, o *resource.Object, entry *state.Entry, live *resource.Live) {
	alive := live
	if live.Phase == resource.Ended {
		alive = b.followed(o, entry, live).ours
	}
	switch {
	case o.Lifecycle.Generation < entry.Identity.Generation:
		b.add(p, b.blocked(o, fmt.Sprintf("generation %d was applied already", entry.Identity.Generation), "lifecycle.generation can only be raised"))
	case alive != nil && alive.Phase != resource.Ended:
		why, hint := stillLives(alive)
		c := b.blocked(o, why, hint)
		c.ID = alive.ID
		b.add(p, c)
	default:
		if !b.refused(p, o, b.claimed, b.cannotCreate) {
			b.add(p, b.create(o, fmt.Sprintf("generation %d: order %s is %s", o.Lifecycle.Generation, live.ID, live.Status)))
		}
	}
}
