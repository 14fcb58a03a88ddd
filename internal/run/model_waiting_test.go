package run_test

import (
	"fmt"
	"slices"
	"strings"

	"dcsync/internal/resource"
	"dcsync/reconcile"
	"dcsync/state"
)

// waiting judges what a second plan still shows of one order.
type waiting struct {
	m     *model
	s     *snapshot
	o     *modelOrder
	own   *modelSeen // the order that state has, nil for none
	entry *state.Entry
}

// retires tells whether the manifest wants the end of the order that it owns as a whole.
func (r waiting) retires() bool {
	return r.o.retire != nil && r.own != nil && (r.o.retire.target == "current" || r.o.retire.target == fmt.Sprint(r.own.ID))
}

// follows tells whether state knows of an order before this one that did not end without a certificate.
func (r waiting) follows() bool {
	return slices.ContainsFunc(r.s.orders(r.o), func(order *modelSeen) bool {
		return r.s.stood(order) && slices.ContainsFunc(r.entry.Identity.Earlier, func(was state.Earlier) bool { return was.ID == fmt.Sprint(order.ID) })
	})
}

func (r waiting) deferred(c *reconcile.Change) string {
	if r.own == nil {
		return "without an order"
	}
	if len(c.Fields) == 0 {
		switch {
		case c.Trigger == resource.ByTime && r.own.reissuing():
			return "" // the renewal waits
		case r.o.retire == nil:
			return "and the manifest wants no end"
		case r.o.retire.target == "previous" && !r.follows():
			return "" // there is no previous order yet
		case c.ID != fmt.Sprint(r.own.ID) && !r.own.issued():
			return "" // the previous order waits for this one
		}
		for _, order := range r.m.named(r.o, r.s) {
			if order.waits("revoke") {
				return ""
			}
		}
		return "and nothing waits"
	}
	for _, f := range c.Fields {
		switch {
		case f.Path == "/order_validity/years" && r.o.changes != "now" && r.own.OrderValidity.Years != r.o.years:
		case f.Path == "/certificate/csr" && (r.o.changes == "at_renewal" || !r.own.issued()):
		case f.Path == "/certificate/dns_names" && (r.o.changes == "at_renewal" || !r.own.issued()):
		default:
			return fmt.Sprintf("which should be done now, by %s", f.Path)
		}
	}
	return ""
}

func (r waiting) blocked(c *reconcile.Change) string {
	o, m := r.o, r.m
	off := r.off()
	compromised := o.csr && (m.compromised[o.keys[o.key]] || strings.Contains(c.Reason, "compromised"))
	if r.own == nil {
		switch {
		case off, compromised, o.retire != nil, r.twin():
			return ""
		}
		return "and nothing is in the way"
	}
	held := o.protect || r.entry.Applied.Protect
	sameKey := o.csr && !o.reuse && r.own.Certificate.CSR == o.keys[o.key]
	due := r.own.due(o.renew, m.w.clock.Now())
	inWindow := o.renew != "" && (r.own.issued() || r.own.reissuing()) && !m.w.clock.Now().Before(due.earliest)
	switch {
	case r.retires() && r.entry.Identity.Generation != o.generation:
		return "" // it asks for an end and for the next order at once
	case r.retires():
		return r.ending(c, held)
	case r.own.over(), r.own.outlived(m.w.clock.Now()):
		return ""
	case c.Trigger == resource.ByTime && !inWindow:
		return "before the window"
	case c.Trigger == resource.ByTime && (sameKey || compromised || off || due.reissue && o.kills && !o.mayRevoke || !due.reissue && (r.own.AutoRenew > 0 || r.twin())):
		return ""
	case c.Trigger == resource.ByTime && due.reissue && !o.mayRevoke && r.loses():
		return "" // it would take along what waits
	case len(c.Fields) == 0 && o.retire != nil:
		return r.ending(c, held)
	case len(c.Fields) == 0:
		return "and nothing is in the way"
	}
	for _, f := range c.Fields {
		switch {
		case f.Path == "/order_validity/years" && (o.changes == "now" && (!o.mayReplace || held || compromised || off)):
		case f.Path == "/order_validity/years" && c.Trigger == resource.ByDrift:
		case strings.HasPrefix(string(f.Path), "/certificate/") && c.Trigger == resource.ByDrift && m.unrecorded[r.own.ID]:
		case strings.HasPrefix(string(f.Path), "/certificate/") && (off || sameKey || compromised || o.kills && !o.mayRevoke || r.loses() && !o.mayRevoke || m.refused[r.own.ID]):
		default:
			return fmt.Sprintf("and nothing is in the way of %s", f.Path)
		}
	}
	return ""
}

// ending judges an end that is not reached.
func (r waiting) ending(c *reconcile.Change, held bool) string {
	want := r.o.retire
	if held || !r.follows() && want.target == "previous" {
		return ""
	}
	if slices.ContainsFunc(r.entry.Identity.Tombstones, func(tomb state.Tombstone) bool { return "certificate:"+tomb.Serial == want.target }) {
		return "though state has that certificate as ended"
	}
	if strings.HasPrefix(want.target, "certificate:") && want.target != "certificate:"+r.own.Certificate.SerialNumber {
		return "" // no list shows it
	}
	for _, order := range r.s.orders(r.o) {
		if want.target == fmt.Sprint(order.ID) && order.over() {
			return "" // it ended before it was recorded
		}
	}
	for _, order := range r.m.named(r.o, r.s) {
		switch {
		case order.rejected(want.comments):
			return "" // people said no
		case order.reissuing() && (want.action != "revoke" || !want.cancelReissue):
			return ""
		case !order.over() && !order.reissuing() && want.action != order.fits() && !(order.Status == "needs_approval" && want.action == "cancel"):
			return ""
		}
	}
	if r.m.lost {
		return "" // which orders there were before is not known any more
	}
	return "and nothing is in the way of the end"
}

// off tells whether the order's organization is switched off, or wanted so.
func (r waiting) off() bool {
	org := r.m.orgs[r.o.org]
	if org == nil {
		return false
	}
	seen := r.s.organization(org.legal)
	return org.status == "inactive" || org.status == "" && seen != nil && !seen.IsActive
}

// loses tells whether another certificate would lack a name of the present one.
func (r waiting) loses() bool {
	if r.o.leaves(modelNames) {
		return false
	}
	for _, name := range r.own.Certificate.DNSNames {
		found := false
		for _, n := range r.o.dnsNames() {
			found = found || n == name
		}
		if !found {
			return true
		}
	}
	return false
}

// twin tells whether there is a live order that might be taken for one of this manifest's and that no manifest owns.
func (r waiting) twin() bool {
	for _, order := range r.s.Orders {
		if p := order.of; p != r.o && p.product == r.o.product && p.org == r.o.org && !p.present && !order.over() {
			return true
		}
	}
	return false
}
