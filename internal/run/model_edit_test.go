package run_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"
)

// Commits: what people change in the manifests. All of them are valid; what they ask for need not be possible.

// chosen gives the orders of the model that pass a test, by first name.
func (m *model) chosen(keep func(*modelOrder) bool) []*modelOrder {
	var out []*modelOrder
	for _, name := range slices.Sorted(maps.Keys(m.orders)) {
		if o := m.orders[name]; keep(o) {
			out = append(out, o)
		}
	}
	return out
}

func present(o *modelOrder) bool { return o.present }

func (m *model) add(t *rapid.T) {
	o := pick(t, "order", m.chosen(func(o *modelOrder) bool { return !o.present }))
	org := m.orgs[o.org]
	if org != nil && org.status == "inactive" {
		o.renew = "" // nothing of it could be renewed: no valid project
	}
	if o.present = true; rapid.Bool().Draw(t, "with every consent") {
		o.reuse, o.mayReplace, o.mayRevoke, o.changes = true, true, true, "now"
		if org == nil || org.status != "inactive" {
			o.renew = "30d"
		}
	}
	if org != nil {
		org.present = true
	}
}

func (m *model) remove(t *rapid.T) {
	o := pick(t, "order", m.chosen(present))
	o.present = false
	used := m.chosen(func(p *modelOrder) bool { return p.present && p.org == o.org })
	if org := m.orgs[o.org]; org != nil && len(used) == 0 && rapid.Bool().Draw(t, "the organization too") {
		org.present = false
	}
}

// rename gives an order or an organization another name, and says which one it had.
func (m *model) rename(t *rapid.T) {
	m.counter++
	if rapid.IntRange(0, 3).Draw(t, "organization") == 0 {
		org := m.orgs[rapid.SampledFrom([]string{"north", "south"}).Draw(t, "organization")]
		if !org.present {
			t.Skip("it is not there")
		}
		org.moved = append(slices.Clone(org.moved), org.name)
		org.name = fmt.Sprintf("%s-%d", org.legal, m.counter)
		return
	}
	o := pick(t, "order", m.chosen(present))
	o.moved = append(slices.Clone(o.moved), o.name)
	o.name = fmt.Sprintf("%s-%d", o.first, m.counter)
}

func (m *model) editOrder(t *rapid.T) {
	o := pick(t, "order", m.chosen(present))
	some := func(what string, of ...string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(of), 0, len(of), rapid.ID[string]).Draw(t, what)
	}
	switch rapid.SampledFrom([]string{"emails", "notes", "message", "notices", "field", "contact"}).Draw(t, "field") {
	case "emails":
		o.emails = some("emails", "a@example.com", "b@example.com", "c@example.com")
	case "notes":
		o.notes = some("notes", "note 1", "note 2", "note 3")
	case "message":
		o.message = rapid.SampledFrom([]string{"", "soon", "later"}).Draw(t, "message")
	case "notices":
		o.notices = rapid.SampledFrom([]string{"", "true", "false"}).Draw(t, "notices")
	case "field":
		o.field = rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "value")
	case "contact":
		if o.product != "ssl_dv_geotrust_flex" { // which takes none
			o.contact = rapid.SampledFrom([]string{"", "ann", "bob"}).Draw(t, "contact")
		}
	}
}

// editCertificate changes what a certificate is made of, or how long the order runs.
func (m *model) editCertificate(t *rapid.T) {
	o := pick(t, "order", m.chosen(present))
	switch what := rapid.SampledFrom([]string{"key", "names", "years"}).Draw(t, "field"); {
	case what == "key" && o.csr:
		o.key = (o.key + rapid.IntRange(1, keysEach-1).Draw(t, "next key")) % keysEach
	case what == "names" && o.tls:
		o.names = (o.names + rapid.IntRange(1, 2).Draw(t, "other names")) % 3
	default:
		o.years = 3 - o.years // one or two
	}
}

func (m *model) editLifecycle(t *rapid.T) {
	o := pick(t, "order", m.chosen(present))
	if rapid.IntRange(0, 2).Draw(t, "ignore") == 0 {
		fields := []string{modelEmails, modelMessage}
		if o.tls {
			fields = append(fields, modelNames)
		}
		o.ignore = rapid.SliceOfNDistinct(rapid.SampledFrom(fields), 0, len(fields), rapid.ID[string]).Draw(t, "left to others")
		return
	}
	if rapid.Bool().Draw(t, "renewal") {
		o.renew = rapid.SampledFrom([]string{"", "30d", "10%", "100d"}).Draw(t, "renew before")
		if org := m.orgs[o.org]; org != nil && org.status == "inactive" {
			o.renew = ""
		}
		return
	}
	o.changes = rapid.SampledFrom([]string{"", "now", "at_renewal"}).Draw(t, "apply changes")
}

func (m *model) editConsent(t *rapid.T) {
	o := pick(t, "order", m.chosen(present))
	switch rapid.SampledFrom([]string{"replace", "revoke", "key", "protect"}).Draw(t, "consent") {
	case "replace":
		o.mayReplace = !o.mayReplace
	case "revoke":
		o.mayRevoke = !o.mayRevoke
	case "key":
		o.reuse = !o.reuse
	case "protect":
		o.protect = !o.protect
	}
}

// editRetire asks for the end of an order or one certificate, or takes that back.
func (m *model) editRetire(t *rapid.T) {
	o := pick(t, "order", m.chosen(present))
	if o.retire != nil && rapid.Bool().Draw(t, "take back") {
		o.retire = nil
		return
	}
	orders := m.look(t).orders(o)
	r := &modelRetire{target: rapid.SampledFrom([]string{"current", "previous", "order", "certificate"}).Draw(t, "target"),
		action: rapid.SampledFrom([]string{"cancel", "revoke", "withdraw"}).Draw(t, "action"),
		reason: rapid.SampledFrom([]string{"superseded", "keyCompromise"}).Draw(t, "reason"), cancelReissue: rapid.Bool().Draw(t, "cancel the reissue"),
		comments: rapid.SampledFrom([]string{"ticket 7", "ticket 8"}).Draw(t, "comments")}
	switch r.target {
	case "order":
		r.target = fmt.Sprint(pick(t, "order in the account", orders).ID)
	case "certificate":
		var serials []string
		for _, c := range m.look(t).Certificates {
			if order := m.look(t).byID[c.OrderID]; order != nil && order.of == o {
				serials = append(serials, c.SerialNumber)
			}
		}
		r.target, r.action = "certificate:"+pick(t, "certificate", serials), "revoke"
	}
	o.retire = r
	if rapid.Bool().Draw(t, "as it fits") {
		for _, order := range m.named(o, m.look(t)) {
			r.action = order.fits()
		}
	}
}

// raise asks for the next order where all earlier ones have ended.
func (m *model) raise(t *rapid.T) {
	o := pick(t, "ended order", m.chosen(func(o *modelOrder) bool {
		orders := m.look(t).orders(o)
		return o.present && len(orders) > 0 && orders[len(orders)-1].generation == o.generation && !slices.ContainsFunc(orders, func(s *modelSeen) bool { return !s.over() })
	}))
	o.generation++
	o.retire = nil
}

func (m *model) editPerson(t *rapid.T) {
	m.people[rapid.SampledFrom([]string{"ann", "bob"}).Draw(t, "person")]++
}

func (m *model) organization(t *rapid.T) *modelOrg {
	return m.orgs[rapid.SampledFrom([]string{"north", "south"}).Draw(t, "organization")]
}

func (m *model) editOrganization(t *rapid.T) {
	o := m.organization(t)
	o.contact = rapid.SampledFrom([]string{"ann", "bob"}).Draw(t, "contact")
	o.technical = rapid.SampledFrom([]string{"", "ann", "bob"}).Draw(t, "technical contact")
}

// editStatus switches an organization on or off, with or without consent.
func (m *model) editStatus(t *rapid.T) {
	org := m.organization(t)
	org.status = rapid.SampledFrom([]string{"", "active", "active", "inactive"}).Draw(t, "status")
	org.allow = rapid.Bool().Draw(t, "while it is in use")
	org.protect = rapid.IntRange(0, 4).Draw(t, "protected") == 0
	for _, o := range m.orders {
		if org.status == "inactive" && o.org == org.legal {
			o.renew = ""
		}
	}
}

// editValidations adds to what an organization is to be validated for, or to who may approve; the API takes neither back.
func (m *model) editValidations(t *rapid.T) {
	org := m.organization(t)
	what := rapid.SampledFrom([]string{"ov", "smime", "cs", "vera", "carl"}).Draw(t, "validation")
	switch {
	case what == "vera" || what == "carl":
		if !slices.Contains(org.approvers, what) {
			org.approvers = append(org.approvers, what)
		}
	case slices.Contains(org.types, what):
	case what != "cs":
		org.types = append(org.types, what)
	case len(org.approvers) > 0:
		org.types = append(org.types, what)
	}
}

// named gives the orders that a retire block may mean, as the account stands. Once all of the state was lost, the newest live one may be
// what the manifest was given back.
func (m *model) named(o *modelOrder, s *snapshot) []*modelSeen {
	var out []*modelSeen
	if o.retire == nil {
		return nil
	}
	var alive *modelSeen
	for _, order := range s.orders(o) {
		if m.lost && !order.over() {
			alive = order
		}
	}
	serial, single := strings.CutPrefix(o.retire.target, "certificate:")
	last := s.last(o)
	for _, order := range s.orders(o) {
		switch {
		case o.retire.target == "current" && (order == last || order == alive),
			o.retire.target == "previous" && order != last, o.retire.target == fmt.Sprint(order.ID):
			out = append(out, order)
		case single && slices.ContainsFunc(s.Certificates, func(c modelSeenCertificate) bool { return c.OrderID == order.ID && c.SerialNumber == serial }):
			out = append(out, order)
		}
	}
	return out
}
