package run_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"
)

// What may happen in a run: each order, certificate and end that came of it must follow from the manifests as they were and from the
// account before it. Together with the nonces, of which no two orders share one, this says exactly how many orders there ever are.

// run carries out a run on the project as it is, and judges what came of it.
func (m *model) run(t *rapid.T, run func()) {
	m.write()
	m.commitWanted()
	before := m.look(t)
	m.compromised = m.buried(t)
	now := m.w.clock.Now() // the plan's instant; waiting moves the clock while a run lasts
	run()
	after := m.look(t)
	for _, order := range after.Orders {
		was := before.byID[order.ID]
		if was == nil {
			m.mayOrder(t, before, order, now)
			continue
		}
		switch order.asked() - was.asked() {
		case 0:
		case 1:
			m.mayReissue(t, was, now)
			if o := order.of; !order.reissuing() && o.leaves(modelNames) && !sameNames(order.Certificate.DNSNames, was.Certificate.DNSNames) {
				t.Fatalf("%s: order %d was reissued for %v; its names are left to others and were %v", o.name, order.ID, order.Certificate.DNSNames, was.Certificate.DNSNames)
			}
		case -1: // canceled on the way to an end
			if r := was.of.retire; r == nil || !r.cancelReissue || !slices.Contains(m.named(was.of, before), was) {
				t.Fatalf("%s: the reissue of order %d was canceled, and nobody asked for that", was.of.name, order.ID)
			}
		default:
			t.Fatalf("%s: order %d was reissued %d times in one run", was.of.name, order.ID, order.asked()-was.asked())
		}
		if order.over() && !was.over() && order.Status != "expired" && !m.ended[order.ID] || order.waits("revoke") && !was.waits("revoke") {
			m.mayEnd(t, before, was)
		}
	}
	m.mayRevoke(t, before, after)
	m.maySwitch(t, before, after)
}

func (m *model) mayOrder(t *rapid.T, before *snapshot, order *modelSeen, now time.Time) {
	o := order.of
	refuse := func(why string) {
		t.Fatalf("%s: order %d, generation %d, sequence %d, was placed: %s", o.name, order.ID, order.generation, order.sequence, why)
	}
	earlier := before.orders(o)
	switch {
	case !o.present:
		refuse("its manifest is not there")
	case order.generation != o.generation:
		refuse("the manifest has another generation")
	case o.retire != nil && o.retire.target == "current":
		refuse("the manifest wants an end")
	case m.compromised[o.keys[o.key]] && o.csr:
		refuse("its key is compromised")
	case m.orgs[o.org] != nil && m.orgs[o.org].status == "inactive":
		refuse("its organization is wanted inactive")
	}
	if order.sequence == 0 {
		if slices.ContainsFunc(earlier, func(s *modelSeen) bool { return !s.over() }) {
			refuse("an earlier one is alive")
		}
		return
	}
	var last *modelSeen
	for _, s := range earlier {
		if s.generation == order.generation && s.sequence == order.sequence-1 {
			last = s
		}
	}
	if last == nil {
		refuse("there is none before it")
	}
	switch {
	case o.leaves(modelNames) && !sameNames(order.Certificate.DNSNames, last.Certificate.DNSNames):
		refuse(fmt.Sprintf("for %v; its names are left to others and were %v", order.Certificate.DNSNames, last.Certificate.DNSNames))
	case o.leaves(modelEmails) && !sameNames(order.AdditionalEmails, last.AdditionalEmails):
		refuse(fmt.Sprintf("with e-mails to %v; they are left to others and were %v", order.AdditionalEmails, last.AdditionalEmails))
	case o.leaves(modelMessage) && order.CustomRenewalMessage != last.CustomRenewalMessage:
		refuse(fmt.Sprintf("with the message %q; it is left to others and was %q", order.CustomRenewalMessage, last.CustomRenewalMessage))
	}
	if order.RenewalOf == last.ID {
		due := last.due(o.renew, now)
		switch {
		case o.renew == "" || due.reissue || now.Before(due.earliest):
			refuse("a renewal is not due")
		case !last.issued():
			refuse("what it renews is " + last.Status)
		case last.AutoRenew > 0:
			refuse("CertCentral renews it by itself")
		case o.csr && !o.reuse && last.Certificate.CSR == o.keys[o.key]:
			refuse("it has the key of the one before")
		}
		return
	}
	switch {
	case o.changes != "now" || !o.mayReplace || o.protect:
		refuse("a replacement is not allowed")
	case last.OrderValidity.Years == o.years:
		refuse("nothing differs that is fixed")
	}
}

func (m *model) mayReissue(t *rapid.T, was *modelSeen, now time.Time) {
	o := was.of
	refuse := func(why string) { t.Fatalf("%s: order %d was reissued: %s", o.name, was.ID, why) }
	rekeyed := o.csr && was.Certificate.CSR != o.keys[o.key]
	renamed := o.tls && !o.leaves(modelNames) && !sameNames(was.Certificate.DNSNames, o.dnsNames())
	loses := o.tls && !o.leaves(modelNames) && slices.ContainsFunc(was.Certificate.DNSNames, func(n string) bool { return !slices.Contains(o.dnsNames(), n) })
	due := was.due(o.renew, now)
	timely := o.renew != "" && due.reissue && !now.Before(due.earliest)
	switch {
	case !o.present || o.retire != nil && o.retire.target == "current":
		refuse("no manifest wants it")
	case !was.issued():
		refuse("it is " + was.Status)
	case !timely && !(rekeyed || renamed):
		refuse("nothing differs, and it is not due")
	case !timely && o.changes == "at_renewal":
		refuse("changes wait for the renewal")
	case o.csr && !rekeyed && !o.reuse:
		refuse("it has the key of the certificate before")
	case (o.kills || loses) && !o.mayRevoke:
		refuse("that makes DigiCert revoke, and was not allowed")
	case o.csr && m.compromised[o.keys[o.key]]:
		refuse("its key is compromised")
	}
	if o.kills || loses {
		m.dying[was.ID] = true
	}
}

func (m *model) mayEnd(t *rapid.T, before *snapshot, was *modelSeen) {
	o := was.of
	refuse := func(why string) {
		t.Fatalf("%s: order %d, which was %s, was ended: %s", o.name, was.ID, was.Status, why)
	}
	r := o.retire
	switch {
	case !o.present || r == nil || !slices.Contains(m.named(o, before), was):
		refuse("no manifest names it")
	case o.protect:
		refuse("it is protected")
	case was.issued() && r.action != "revoke", was.Status == "reissue_pending" && (r.action != "revoke" || !r.cancelReissue):
		refuse("by " + r.action)
	case (was.Status == "pending" || was.Status == "waiting_pickup") && r.action != "cancel":
		refuse("by " + r.action)
	case was.Status == "needs_approval" && r.action == "revoke":
		refuse("by " + r.action)
	case r.target == "previous" && r.reason != "keyCompromise" && !slices.ContainsFunc(before.orders(o), func(next *modelSeen) bool {
		return (next.issued() || next.reissuing()) && next.after(was)
	}):
		refuse("none that follows it is issued")
	case was.rejected(r.comments):
		refuse("people said no to that, and the manifest says nothing new")
	case r.target == "previous" && m.spent(t, r, was):
		refuse(fmt.Sprintf("retire was carried out for orders %v", r.carried))
	case r.target == "previous" && !m.lost && slices.ContainsFunc(before.orders(o), func(s *modelSeen) bool {
		return s.after(was) && s != before.last(o) && before.stood(s)
	}):
		refuse("it is not the one before")
	}
	m.ended[was.ID] = true
	r.carried = append(r.carried, was.ID)
}

// spent tells whether a block that ends one order was carried out for another one, or waits to be. One that expired meanwhile was not ended.
func (m *model) spent(t *rapid.T, r *modelRetire, was *modelSeen) bool {
	return slices.ContainsFunc(r.carried, func(id int) bool {
		other := m.look(t).byID[id]
		return id != was.ID && (other.over() && other.Status != "expired" || other.waits("revoke"))
	})
}

// buried gives the keys that the state knows as compromised.
func (m *model) buried(t *rapid.T) map[string]bool {
	known := m.file(t).CompromisedKeys()
	out := map[string]bool{}
	for csr, digest := range modelDigests() {
		_, out[csr] = known[digest]
	}
	return out
}

// mayRevoke judges the certificates that ended without their order.
func (m *model) mayRevoke(t *rapid.T, before, after *snapshot) {
	alive := map[string]bool{}
	for _, c := range before.Certificates {
		alive[c.SerialNumber] = c.Status != "revoked"
	}
	for _, c := range after.Certificates {
		order := after.byID[c.OrderID]
		if c.Status != "revoked" || !alive[c.SerialNumber] || order.over() {
			continue
		}
		r := order.of.retire
		switch asked := r != nil && order.of.present && r.target == "certificate:"+c.SerialNumber && !order.of.protect; {
		case asked && before.byID[order.ID].rejected(r.comments):
			t.Fatalf("%s: certificate %s of order %d was revoked, though people said no to that", order.of.name, c.SerialNumber, order.ID)
		case asked:
			m.revoked[c.SerialNumber] = true
		case !m.dying[order.ID]:
			t.Fatalf("%s: certificate %s of order %d was revoked, and nobody asked for that", order.of.name, c.SerialNumber, order.ID)
		}
	}
}

func (m *model) maySwitch(t *rapid.T, before, after *snapshot) {
	for _, org := range after.Organizations {
		want := m.orgs[strings.TrimSuffix(org.Name, " Works")]
		was := before.organization(want.legal)
		switch {
		case was == nil && !want.present:
			t.Fatalf("organization %s was created, and no manifest wants it", org.Name)
		case was == nil && org.IsActive || was != nil && was.IsActive == org.IsActive:
		case org.IsActive && want.status != "active":
			t.Fatalf("organization %s was switched on, and no manifest wants that", org.Name)
		case org.IsActive:
		case was == nil && want.status == "inactive": // made so
			m.off[org.ID] = true
		case !want.present || want.status != "inactive" || want.protect:
			t.Fatalf("organization %s was switched off, and no manifest wants that", org.Name)
		case !want.allow && slices.ContainsFunc(before.Orders, func(s *modelSeen) bool { return s.of.org == want.legal && !s.over() }):
			t.Fatalf("organization %s was switched off while orders of it are alive", org.Name)
		default:
			m.off[org.ID] = true
		}
	}
}

func sameNames(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// modelDue is what time asks of an issued order (domain rules, section 5), by the dates alone.
type modelDue struct {
	reissue          bool
	earliest, latest time.Time // the window opens between them, by a share that depends on the name
}

func (s *modelSeen) due(span string, now time.Time) modelDue {
	const day = 24 * time.Hour
	on := func(text string) time.Time { at, _ := time.Parse(time.DateOnly, text); return at }
	from, till, end := on(s.Certificate.ValidFrom), on(s.Certificate.ValidTill), on(s.OrderValidTill)
	life := till.Sub(from)
	window := map[string]time.Duration{"30d": 30 * day, "100d": 100 * day, "10%": life / 10}[span]
	opens := till.Add(-window)
	asked := now
	if asked.Before(opens) {
		asked = opens
	}
	next := asked.Add(life)
	if next.After(end) {
		next = end
	}
	over := till
	if asked.After(over) {
		over = asked
	}
	if end.After(till) && next.Sub(over) >= 30*day {
		return modelDue{true, opens, opens.Add(window / 10)}
	}
	if end.Before(till) {
		end = till
	}
	if first := end.Add(-90 * day); opens.Before(first) {
		opens, window = first, min(window, 90*day)
	}
	return modelDue{false, opens, opens.Add(window / 10)}
}
