package run_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
	"dcsync/internal/run"
	"dcsync/reconcile"
	"dcsync/state"
)

// What holds after an undisturbed apply, and what holds always.

// apply carries out whatever is due, undisturbed, and holds the account against the model. One run is enough, unless the state knew less
// than earlier runs had done: what is adopted is completed in place at once, and reissued, replaced or ended by the next run. Nor can a
// run end the order before the one that it has placed itself, or switch off what was in use until it ended that; and a late reissue may
// be followed by the renewal at once.
func (m *model) apply(t *rapid.T) {
	for n := 1; ; n++ {
		var a *run.Applied
		m.run(t, func() {
			var err error
			if a, err = m.w.apply(full, generous); err != nil {
				t.Fatalf("apply: %v", err)
			}
		})
		again := m.results(t, a) || n == 1 && unlocks(a)
		if !m.heal(t, a.Plan) && (!again || n == 5) {
			break
		}
	}
	left := m.left(t)
	m.holds(t, left)
	m.land()
	m.behind = false
}

// heal does what the hint says where an organization without state is in the account with another contact, or inactive: it is made to
// agree.
func (m *model) heal(t *rapid.T, p *reconcile.Plan) bool {
	healed := false
	for _, c := range p.Changes {
		if c.Action != resource.Blocked || c.Address.Kind != "Organization" || !strings.Contains(c.Reason, "or one much like it") {
			continue
		}
		want := m.orgNamed(c.Address.Name)
		seen := m.look(t).organization(want.legal)
		contact := m.person(want.contact)
		if seen.OrganizationContact != nil && *seen.OrganizationContact == contact && seen.IsActive {
			t.Fatalf("%s equals its manifest and is not adopted: %s", c.Address, c.Reason)
		}
		m.w.patch("organization", fmt.Sprint(seen.ID), map[string]any{"status": "active", "organization_contact": map[string]any{
			"first_name": contact.FirstName, "last_name": contact.LastName, "email": contact.Email, "job_title": contact.JobTitle}})
		healed = true
	}
	return healed
}

func (m *model) orgNamed(name string) *modelOrg {
	for _, o := range m.orgs {
		if o.name == name {
			return o
		}
	}
	return nil
}

func (m *model) orderNamed(name string) *modelOrder {
	for _, o := range m.orders {
		if o.name == name {
			return o
		}
	}
	return nil
}

// results wants every change carried out but those that are blocked, and gives whether another run may find more to do.
func (m *model) results(t *rapid.T, a *run.Applied) (again bool) {
	for _, r := range a.Ledger.Results {
		switch r.Outcome {
		case resource.Done, resource.Waiting:
			follows := r.Action == resource.Replace || r.Action == resource.RenewOrder
			o := m.orderNamed(r.Address.Name)
			again = again || r.Action.Ends() || r.Action == resource.ReissueNow || m.behind || r.Action == resource.Adopt || follows && o.retire != nil && o.retire.target == "previous"
		case resource.OutcomeOfBlocked:
			again = again || r.Requests > 0 // found out at the last look
		default:
			// What nobody manages is not read singly, so that only the API tells that something of it waits for approval.
			if r.Action != resource.Deactivate || r.Err.Code != "organization_in_use" || !m.unmanagedWaits(t, r.Address.Name) {
				t.Fatalf("%s %s is %s: %v", r.Action, r.Address, r.Outcome, r.Err)
			}
		}
	}
	return again
}

// unlocks tells whether what a run did may let go on what its plan held back: by validating an organization it has orders and reissues
// issued, for which something else waited.
func unlocks(a *run.Applied) bool {
	return len(a.Ledger.Results) > 0 && slices.ContainsFunc(a.Plan.Changes, func(c *reconcile.Change) bool {
		return c.Action == resource.Deferred || c.Action == resource.Blocked && c.Trigger == resource.ByIntent
	})
}

// unmanagedWaits tells whether an order of an organization that no manifest stands for has a request that nobody decided.
func (m *model) unmanagedWaits(t *rapid.T, org string) bool {
	return slices.ContainsFunc(m.look(t).Orders, func(s *modelSeen) bool {
		last := m.look(t).last(s.of) == s && s.of.present
		return s.of.org == m.orgNamed(org).legal && !last && (s.waits("revoke") || s.waits("reissue") || s.waits("new_request"))
	})
}

// left gives what a second plan still shows, by address, which must be the same by both refresh modes and be there for a reason. An apply
// of it must write nothing.
func (m *model) left(t *rapid.T) map[resource.Address][]*reconcile.Change {
	var out map[resource.Address][]*reconcile.Change
	for _, refresh := range []reconcile.Refresh{reconcile.RefreshAuto, reconcile.RefreshFull} {
		options := m.w.planOptions(refresh)
		options.MaxDestroy = 1000
		p, err := m.w.open().Plan(context.Background(), m.w.account(), options)
		if err != nil {
			t.Fatalf("second plan (%s): %v", refresh, err)
		}
		out, m.spentOf = map[resource.Address][]*reconcile.Change{}, nil
		for _, d := range p.Findings {
			if d.Code == diag.RetireSpent {
				m.spentOf = append(m.spentOf, d.Address)
			}
		}
		for _, c := range p.Visible() {
			out[c.Address] = append(out[c.Address], c)
		}
		for _, list := range out {
			for _, c := range list {
				if why := m.wrong(t, c, out); why != "" {
					t.Fatalf("second plan (%s): %s of %s, %s: %s\n%s", refresh, c.Action, c.Address, why, c.Reason, strings.Join(changes(p), "\n"))
				}
			}
		}
	}
	before, sent := m.w.stateBytes(), m.w.wire.(*direct).changes
	if _, err := m.w.apply(full, generous); err != nil {
		t.Fatalf("idle apply: %v", err)
	}
	if after := m.w.stateBytes(); !bytes.Equal(before, after) {
		t.Fatalf("an apply with nothing to do changed the state (-before +after):\n%s", cmp.Diff(string(before), string(after)))
	}
	refused := 0 // by the API, every time
	for _, list := range out {
		for _, c := range list {
			if c.Action == resource.Deactivate {
				refused++
			}
		}
	}
	if n := m.w.wire.(*direct).changes - sent; n > refused {
		t.Fatalf("an apply with nothing to do sent %d requests that change something", n)
	}
	m.file(t)
	return out
}

// file gives the state, empty when there is none; its bytes must be its own canonical form.
func (m *model) file(t *rapid.T) *state.File {
	data := m.w.stateBytes()
	if m.state != nil && bytes.Equal(data, m.stateBytes) {
		return m.state
	}
	f := state.New(modelUID)
	if data != nil {
		var err error
		if f, err = state.Decode("dcsync.state.json", data); err != nil {
			t.Fatalf("decode state: %v", err)
		}
		if again, err := state.Encode(f); err != nil || !bytes.Equal(data, again) {
			t.Fatalf("the state file is not canonical (%v):\n%s", err, data)
		}
	}
	m.state, m.stateBytes = f, data
	return f
}

// wrong says why a change that is left after an apply should not be, "" when it waits for a reason.
func (m *model) wrong(t *rapid.T, c *reconcile.Change, left map[resource.Address][]*reconcile.Change) string {
	if c.Action == resource.Deactivate && m.unmanagedWaits(t, c.Address.Name) {
		return "" // only the API tells
	}
	if c.Action != resource.Blocked && c.Action != resource.Deferred {
		return "which can be done"
	}
	entry := m.file(t).Objects[c.Address]
	if c.Address.Kind == "Organization" {
		return m.wrongOrg(t, c, entry)
	}
	o := m.orderNamed(c.Address.Name)
	if o == nil || !o.present {
		if entry != nil && entry.Applied.Protect || o != nil && m.renamed(t, o) {
			return ""
		}
		return "without a manifest"
	}
	s := m.look(t)
	for a, list := range left {
		if a.Kind == "Organization" && m.orgNamed(a.Name) != nil && m.orgNamed(a.Name).legal == o.org && slices.ContainsFunc(list, func(c *reconcile.Change) bool {
			return c.Trigger != resource.ByDrift
		}) {
			return "" // what it refers to is held up
		}
	}
	var own *modelSeen
	if entry != nil {
		for _, order := range s.orders(o) {
			if fmt.Sprint(order.ID) == entry.Identity.ID {
				own = order
			}
		}
		if own == nil {
			return "for an order that is not its own"
		}
	}
	r := waiting{m, s, o, own, entry}
	if c.Action == resource.Deferred {
		return r.deferred(c)
	}
	return r.blocked(c)
}

// renamed tells whether another manifest without an order looks like a new name of one that is gone.
func (m *model) renamed(t *rapid.T, gone *modelOrder) bool {
	return slices.ContainsFunc(m.chosen(present), func(o *modelOrder) bool {
		return o.product == gone.product && o.org == gone.org && m.file(t).Objects[resource.Address{Kind: "Order", Name: o.name}] == nil
	})
}

func (m *model) wrongOrg(t *rapid.T, c *reconcile.Change, entry *state.Entry) string {
	want := m.orgNamed(c.Address.Name)
	switch {
	case want == nil || !want.present:
		if entry != nil && entry.Applied.Protect {
			return ""
		}
	case want.status == "inactive" && len(c.Fields) == 1 && c.Fields[0].Path == "/status":
		return ""
	case c.Trigger == resource.ByDrift && strings.HasPrefix(c.Reason, "Vera Fied ") && !slices.ContainsFunc(m.chosen(present), func(o *modelOrder) bool { return o.verified && o.org != "" }):
		return "" // an order that no manifest stands for any more brought her
	}
	return "without a reason"
}

// holds wants the account to hold what the manifests want, but for what is left for a reason.
func (m *model) holds(t *rapid.T, left map[resource.Address][]*reconcile.Change) {
	s, f := m.look(t), m.file(t)
	for _, o := range m.chosen(present) {
		a := resource.Address{Kind: "Order", Name: o.name}
		e, last := f.Objects[a], s.last(o)
		if e == nil {
			if len(left[a]) == 0 {
				t.Fatalf("%s is not in state", o.name)
			}
			continue
		}
		held := o.generation != e.Identity.Generation && len(left[a]) > 0             // what is blocked is not looked up
		if !m.lost && !held && e.Identity.ID != fmt.Sprint(last.ID) && !last.over() { // one that ended unrecorded is met when the next is due
			t.Fatalf("%s: state has order %s, the last one in the account is %d", o.name, e.Identity.ID, last.ID)
		}
		var own *modelSeen
		for _, order := range s.orders(o) {
			if fmt.Sprint(order.ID) == e.Identity.ID {
				own = order
			}
		}
		if o.retire != nil && own.over() && o.retire.target == "current" && !slices.ContainsFunc(e.Identity.Tombstones, func(tomb state.Tombstone) bool {
			return tomb.ID == e.Identity.ID
		}) {
			t.Fatalf("%s: order %d was retired and left no tombstone", o.name, own.ID)
		}
		m.previousHolds(t, o, len(left[a]) > 0)
		if !own.over() && !own.outlived(m.w.clock.Now()) && (o.retire == nil || o.retire.target != "current" && o.retire.target != e.Identity.ID) {
			m.orderHolds(t, o, own, left[a])
		}
	}
	for _, o := range m.orgs {
		a := resource.Address{Kind: "Organization", Name: o.name}
		if e := f.Objects[a]; o.present && e != nil {
			m.orgHolds(t, o, s.organization(o.legal), left[a])
		} else if o.present && len(left[a]) == 0 {
			t.Fatalf("%s is not in state", o.name)
		}
	}
}

// previousHolds wants the order before ended where a manifest names it so, or told why not: what its block asks for is said of one order.
func (m *model) previousHolds(t *rapid.T, o *modelOrder, said bool) {
	s := m.look(t)
	last := s.last(o)
	if o.retire == nil || o.retire.target != "previous" || m.lost || !last.issued() || fmt.Sprint(last.ID) != m.file(t).Objects[resource.Address{Kind: "Order", Name: o.name}].Identity.ID {
		return
	}
	var before *modelSeen
	for _, order := range s.orders(o) {
		if order != last && s.stood(order) && (before == nil || order.after(before)) {
			before = order
		}
	}
	if before == nil || before.over() {
		return
	}
	spent := slices.ContainsFunc(m.spentOf, func(address string) bool { return address == "Order/"+o.name })
	ended := slices.ContainsFunc(s.orders(o), func(order *modelSeen) bool {
		return before.after(order) && (order.over() || order.waits("revoke") || order.rejected(o.retire.comments))
	})
	switch {
	case spent && !ended:
		t.Fatalf("%s: the plan says that retire was carried out for an order before %d, and none has ended", o.name, before.ID)
	case m.spent(t, o.retire, before) && !spent:
		t.Fatalf("%s: retire was carried out for orders %v and names order %d now, and the plan does not say so", o.name, o.retire.carried, before.ID)
	case !spent && !said && !before.waits("revoke"):
		t.Fatalf("%s: order %d is to end, and nothing is said of it", o.name, before.ID)
	}
}

func (m *model) orgHolds(t *rapid.T, o *modelOrg, seen *modelSeenOrg, left []*reconcile.Change) {
	if o.status != "" && len(left) == 0 && seen.IsActive != (o.status == "active") {
		t.Fatalf("%s: active is %v, want %s", o.name, seen.IsActive, o.status)
	}
	m.contactHolds(t, o.name, seen.OrganizationContact, o.contact)
	if o.technical != "" {
		m.contactHolds(t, o.name, seen.TechnicalContact, o.technical)
	}
	for _, typ := range o.types {
		if !slices.ContainsFunc(seen.Validations, func(v struct{ Type, Status string }) bool {
			return v.Type == typ && (v.Status == "active" || v.Status == "pending")
		}) {
			t.Fatalf("%s: validation %s is neither pending nor active: %v", o.name, typ, seen.Validations)
		}
	}
}

// orderHolds compares field by field; what differs must be among what is left.
func (m *model) orderHolds(t *rapid.T, o *modelOrder, order *modelSeen, left []*reconcile.Change) {
	differs := func(path string, have, want any) {
		for _, c := range left {
			if strings.Contains(c.Reason, "it refers to Organization/") {
				return // which is held up, and all that belongs to it
			}
			for _, f := range c.Fields {
				if strings.HasPrefix(string(f.Path), path) {
					return
				}
			}
		}
		var said []string
		for _, c := range left {
			said = append(said, fmt.Sprintf("%s: %s", c.Action, c.Reason))
		}
		t.Fatalf("%s: order %d has %v at %s, want %v; the plan says %q", o.name, order.ID, have, path, want, said)
	}
	if o.csr && order.Certificate.CSR != o.keys[o.key] && !order.reissuing() {
		differs("/certificate/csr", "another key", "the manifest's")
	}
	if o.tls && !o.leaves(modelNames) && !sameNames(order.Certificate.DNSNames, o.dnsNames()) && !order.reissuing() {
		differs("/certificate/dns_names", order.Certificate.DNSNames, o.dnsNames())
	}
	if order.OrderValidity.Years != o.years {
		differs("/order_validity/years", order.OrderValidity.Years, o.years)
	}
	if want := slices.Sorted(slices.Values(o.emails)); len(want) > 0 && !o.leaves(modelEmails) && !slices.Equal(slices.Sorted(slices.Values(order.AdditionalEmails)), want) {
		differs("/additional_emails", order.AdditionalEmails, want)
	}
	for _, text := range o.notes {
		n := 0
		for _, note := range order.Notes {
			if note.Text == text {
				n++
			}
		}
		if n != 1 {
			differs("/notes", fmt.Sprintf("%q %d times", text, n), "it once")
		}
	}
	if o.message != "" && !o.leaves(modelMessage) && order.CustomRenewalMessage != o.message {
		differs("/custom_renewal_message", order.CustomRenewalMessage, o.message)
	}
	if o.notices != "" && fmt.Sprint(order.NoticesOff) != o.notices {
		differs("/disable_renewal_notifications", order.NoticesOff, o.notices)
	}
	for _, f := range order.CustomFields {
		if o.field != "" && f.ID == 12 && f.Value != o.field {
			differs("/custom_fields", f.Value, o.field)
		}
	}
	if want := m.person(o.contact); o.contact != "" && !isContact(order.OrganizationContact, want) {
		differs("/organization_contact", order.OrganizationContact, want)
	}
	if due := order.due(o.renew, m.w.clock.Now()); o.renew != "" && order.issued() && len(left) == 0 && !m.w.clock.Now().Before(due.latest) {
		t.Fatalf("%s: order %d was due on %s and nothing is said of it", o.name, order.ID, due.latest)
	}
}

// contactHolds wants a contact to be a person.
func (m *model) contactHolds(t *rapid.T, holder string, have *modelContact, name string) {
	if want := m.person(name); !isContact(have, want) {
		t.Fatalf("%s: contact %v, want %v", holder, have, want)
	}
}

// isContact compares a contact with what is declared of a person: a title that is not declared may be there.
func isContact(have *modelContact, want modelContact) bool {
	if have != nil && want.JobTitle == "" {
		want.JobTitle = have.JobTitle
	}
	return have != nil && *have == want
}

// check holds at any time, however the last run ended.
func (m *model) check(t *rapid.T) {
	s := m.look(t) // no intent twice, none that nobody had
	texts := map[string]bool{}
	alive := map[*modelOrder]*modelSeen{}
	for _, order := range s.Orders {
		ended := m.ended[order.ID] || order.Status == "revoked" && slices.ContainsFunc(s.Certificates, func(c modelSeenCertificate) bool {
			return c.OrderID == order.ID && m.revoked[c.SerialNumber] // with its last certificate, when those before die for a reissue
		})
		if slices.Contains([]string{"rejected", "canceled", "revoked"}, order.Status) && !ended {
			t.Fatalf("order %d is %s, and nobody asked for that", order.ID, order.Status)
		}
		if other := alive[order.of]; !order.over() && other != nil && other.generation != order.generation {
			t.Fatalf("%s: orders %d and %d of two generations are alive", order.of.name, order.ID, other.ID)
		}
		if !order.over() {
			alive[order.of] = order
		}
		for _, n := range order.Notes {
			texts[n.Text] = true
		}
	}
	for text, id := range m.theirs {
		if !texts[text] {
			t.Fatalf("order %d has lost %q", id, text)
		}
	}
	for _, c := range s.Certificates {
		if c.Status == "revoked" && !m.ended[c.OrderID] && !m.dying[c.OrderID] && !m.revoked[c.SerialNumber] {
			t.Fatalf("certificate %s of order %d is revoked, and nobody asked for that", c.SerialNumber, c.OrderID)
		}
	}
	names := map[string]bool{}
	for _, org := range s.Organizations {
		if names[org.Name] || !org.IsActive && !m.off[org.ID] {
			t.Fatalf("organization %v is inactive or stands twice", org.Name)
		}
		names[org.Name] = true
	}
	m.file(t)
}
