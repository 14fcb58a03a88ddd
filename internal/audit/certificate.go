package audit

import (
	"cmp"
	"slices"
	"time"

	"dcsync/internal/resource"
	"dcsync/reconcile"
	"dcsync/state"
)

// record is the life of one live object with an end, as the versions of the state tell it.
type record struct {
	Certificate
	waiting []int // entries, by number, whose serial number is not known yet
}

// statusesOfEnd are how an ended order is observed.
var statusesOfEnd = []string{"revoked", "canceled", "rejected", "denied", "expired"}

func orderKey(kind, id string) string { return kind + " " + id }

// order gives the record of a live object, begun when it is first seen.
func (a *auditor) order(kind, id string) *record {
	k := orderKey(kind, id)
	if a.orders[k] == nil {
		a.orders[k] = &record{Certificate: Certificate{OrderID: id}}
	}
	return a.orders[k]
}

// record keeps what one version says of an address and its orders. The zero time stands for "not known".
func (a *auditor) record(address resource.Address, e *state.Entry, c *commit) {
	var when time.Time
	if c != nil && !c.boundary {
		when = c.when
	}
	r := a.order(address.Kind, e.Identity.ID)
	r.Address, r.Current = address, true
	r.Product = cmp.Or(e.Identity.Product, r.Product)
	if r.Ordered.IsZero() {
		r.Ordered = when
	}
	see(r, e.Observed, e.SeenAt)
	if serial := serialOf(e); serial != "" {
		for _, i := range r.waiting {
			a.entries[i].Serial = serial
		}
		r.waiting = nil
	}
	for _, was := range e.Identity.Earlier {
		old := a.order(address.Kind, was.ID)
		old.Address, old.Current = address, false
		old.Product = cmp.Or(old.Product, e.Identity.Product)
		if old.EndedAs == "" {
			old.Ended, old.EndedAs = when, was.Ended
		}
	}
}

// see takes over what was observed of an order.
func see(r *record, observed resource.Map, at time.Time) {
	text := func(name string) string { return resource.Text(observed[name]) }
	day := func(name string, into *time.Time) {
		if t, err := time.Parse(time.DateOnly, text(name)); err == nil {
			*into = t
		}
	}
	r.CommonName, r.Serial, r.Status = cmp.Or(text("common_name"), r.CommonName), cmp.Or(text("serial_number"), r.Serial), cmp.Or(text("status"), r.Status)
	day("valid_from", &r.ValidFrom)
	day("valid_till", &r.ValidTill)
	day("order_valid_till", &r.OrderTill)
	if slices.Contains(statusesOfEnd, r.Status) && r.EndedAs == "" {
		r.Ended, r.EndedAs = at, r.Status
	}
}

// end keeps that an order is no longer managed, or, with how, how it ended.
func (a *auditor) end(kind, id string, at time.Time, how string) {
	r := a.order(kind, id)
	r.Current = false
	if how != "" {
		r.Ended, r.EndedAs = at, how
	}
}

// retire keeps what a tombstone says.
func (a *auditor) retire(kind string, t state.Tombstone, at time.Time) {
	if t.Serial != "" {
		return // one certificate of an order that goes on
	}
	if r := a.order(kind, t.ID); !slices.Contains(statusesOfEnd, r.EndedAs) {
		r.Ended, r.EndedAs = at, t.Status
	}
}

// recordAll keeps what a version says that nothing is known to lead to.
func (a *auditor) recordAll(r *replay) {
	if r.steps[0].after.head == nil {
		return
	}
	for _, c := range r.steps[0].changed {
		if e := c.after.read(); e != nil {
			a.record(c.address, e, r.commit)
		}
	}
}

// certificates gives the lives of all orders by address and time.
func (a *auditor) certificates() []Certificate {
	for address, e := range a.State.Objects {
		a.record(address, e, nil)
	}
	var out []Certificate
	for _, r := range a.orders {
		if r.Product == "" {
			continue
		}
		if e := a.State.Objects[r.Address]; e != nil && r.Current && e.Identity.ID == r.OrderID {
			if o := a.object(r.Address); o != nil && r.EndedAs == "" {
				r.Renews, _ = reconcile.Renewal(o, e, a.Now)
			}
		}
		out = append(out, r.Certificate)
	}
	slices.SortFunc(out, func(x, y Certificate) int {
		return cmp.Or(x.Address.Compare(y.Address), x.Ordered.Compare(y.Ordered), cmp.Compare(len(x.OrderID), len(y.OrderID)), cmp.Compare(x.OrderID, y.OrderID))
	})
	return out
}

// object gives what the checkout wants at an address, nil for nothing.
func (a *auditor) object(address resource.Address) *resource.Object {
	return a.wanted[address]
}
