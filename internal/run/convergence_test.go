package run_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"dcsync/internal/resource"
	"dcsync/internal/sandbox"
	"dcsync/reconcile"
)

// After every apply of a sequence of edits the plan is empty, by both refresh modes, and an idle apply changes nothing.
func TestConvergence(t *testing.T) {
	t.Parallel()
	type edit struct{ file, from, to string }
	replace := func(file, from, to string) edit { return edit{file, from, to} }
	for _, test := range []struct {
		name          string
		files         map[string]string
		issueAfter    string // anything: orders stay pending
		edits         []edit // one apply each; from "" writes the file, to "" with from "" removes it
		organizations int
		orders        int
		writes        []string // of the last edit; $O is the organization, $D the order driver
	}{
		{name: "nothing", organizations: 0, orders: 0},
		{name: "all kinds", files: demo(), organizations: 1, orders: 2},
		{name: "without organization", files: map[string]string{"box.yaml": boxYAML}, orders: 1},
		{name: "one more order", files: acme(), edits: []edit{{"driver.yaml", "", driverYAML}}, organizations: 1, orders: 1,
			writes: []string{"POST /order/certificate/code_signing_ev", "POST /order/certificate/$D/note"}},
		{name: "additional emails", files: demo(), edits: []edit{replace("driver.yaml", "[pki@example.com]", "[pki@example.com, b@example.com]")},
			organizations: 1, orders: 2, writes: []string{"PUT /order/certificate/$D/additional-emails"}},
		{name: "order of emails", files: with(demo(), "driver.yaml", strings.Replace(driverYAML, "[pki@", "[a@example.com, pki@", 1)),
			edits: []edit{replace("driver.yaml", "[a@example.com, pki@example.com]", "[pki@example.com, a@EXAMPLE.com]")}, organizations: 1, orders: 2},
		{name: "emails removed", files: demo(), edits: []edit{replace("driver.yaml", "  additional_emails: [pki@example.com]\n", "")},
			organizations: 1, orders: 2, writes: []string{"PUT /order/certificate/$D/additional-emails"}},
		{name: "emails removed and added", files: demo(), edits: []edit{replace("driver.yaml", "  additional_emails: [pki@example.com]\n", ""),
			replace("driver.yaml", "  notes", "  additional_emails: [pki@example.com]\n  notes")},
			organizations: 1, orders: 2, writes: []string{"PUT /order/certificate/$D/additional-emails"}},
		{name: "renewal settings", files: demo(), edits: []edit{replace("driver.yaml", "  notes", "  custom_renewal_message: Soon\n  disable_renewal_notifications: true\n  notes")},
			organizations: 1, orders: 2,
			writes: []string{"PUT /order/certificate/$D/custom-renewal-message", "PUT /order/certificate/$D/renewal-emails/disabled"}},
		{name: "renewal notices on again", files: with(demo(), "driver.yaml", strings.Replace(driverYAML, "  notes", "  disable_renewal_notifications: true\n  notes", 1)),
			edits: []edit{replace("driver.yaml", "notifications: true", "notifications: false")}, organizations: 1, orders: 2,
			writes: []string{"PUT /order/certificate/$D/renewal-emails/enabled"}},
		{name: "renewal settings removed keep their values", files: with(demo(), "driver.yaml",
			strings.Replace(driverYAML, "  notes", "  custom_renewal_message: Soon\n  disable_renewal_notifications: true\n  notes", 1)),
			edits: []edit{replace("driver.yaml", "  custom_renewal_message: Soon\n  disable_renewal_notifications: true\n", "")}, organizations: 1, orders: 2},
		{name: "custom fields", files: with(demo(), "driver.yaml", strings.Replace(driverYAML, "  notes", "  custom_fields: [{metadata_id: 12, value: a}]\n  notes", 1)),
			edits:         []edit{replace("driver.yaml", "[{metadata_id: 12, value: a}]", "[{metadata_id: 13, value: b}, {metadata_id: 12, value: c}]")},
			organizations: 1, orders: 2, writes: []string{"POST /order/certificate/$D/custom-field", "POST /order/certificate/$D/custom-field"}},
		{name: "custom field removed", files: with(demo(), "driver.yaml", strings.Replace(driverYAML, "  notes", "  custom_fields: [{metadata_id: 12, value: a}, {metadata_id: 13, value: b}]\n  notes", 1)),
			edits: []edit{replace("driver.yaml", "{metadata_id: 12, value: a}, ", "")}, organizations: 1, orders: 2},
		{name: "notes changed", files: demo(), edits: []edit{replace("driver.yaml", `["ticket 1"]`, `["ticket 2", "ticket 3"]`)}, organizations: 1, orders: 2,
			writes: []string{"POST /order/certificate/$D/note", "POST /order/certificate/$D/note", "DELETE /order/certificate/$D/note/3301"}},
		{name: "notes removed", files: demo(), edits: []edit{replace("driver.yaml", "  notes: [\"ticket 1\"]\n", "")}, organizations: 1, orders: 2,
			writes: []string{"DELETE /order/certificate/$D/note/3301"}},
		{name: "technical contact changed", files: acme(), edits: []edit{replace("contacts.yaml", "last_name: Roe", "last_name: Row")}, organizations: 1,
			writes: []string{"PUT /organization/$O/contact"}},
		{name: "technical contact removed", files: acme(), edits: []edit{replace("acme.yaml", "  technical_contact: {ref: sam}\n", "")}, organizations: 1,
			writes: []string{"PUT /organization/$O/contact"}},
		{name: "optional contact field removed", files: acme(), edits: []edit{replace("contacts.yaml", ", telephone: 801-555-0101", "")}, organizations: 1,
			writes: []string{"PUT /organization/$O/contact"}},
		{name: "validation added", files: acme(), edits: []edit{replace("acme.yaml", "  technical", "  validations: [{type: ov}]\n  technical")}, organizations: 1,
			writes: []string{"POST /organization/$O/validation"}},
		{name: "another validation added", files: with(acme(), "acme.yaml", acmeYAML+"  validations: [{type: ov}]\n"),
			edits:         []edit{replace("acme.yaml", "[{type: ov}]", "[{type: cs, verified_users: [{ref: ruth}]}, {type: ov}]")},
			organizations: 1, writes: []string{"POST /organization/$O/validation"}},
		{name: "order's contact on a pending order", files: demo(), issueAfter: "1h",
			edits: []edit{replace("driver.yaml", "organization_contact: {ref: jane}", "organization_contact: {ref: ruth}\n  technical_contact: {ref: sam}")}, organizations: 1, orders: 2,
			writes: []string{"PUT /order/certificate/$D/contact"}},
		{name: "manifest removed", files: demo(), edits: []edit{{"driver.yaml", "", ""}}, organizations: 1, orders: 2},
		{name: "manifest removed and put back", files: demo(), edits: []edit{{"driver.yaml", "", ""}, {"driver.yaml", "", driverYAML}}, organizations: 1, orders: 2},
		{name: "manifest removed and put back changed", files: demo(), edits: []edit{{"driver.yaml", "", ""},
			{"driver.yaml", "", strings.Replace(strings.Replace(driverYAML, "pki@", "other@", 1), "ticket 1", "ticket 9", 1)}}, organizations: 1, orders: 2,
			writes: []string{"PUT /order/certificate/$D/additional-emails", "POST /order/certificate/$D/note"}},
		{name: "organization removed and put back", files: acme(), edits: []edit{{"acme.yaml", "", ""}, {"acme.yaml", "", acmeYAML}}, organizations: 1},
		{name: "another spelling", files: demo(), edits: []edit{replace("acme.yaml", "country: us", "country: US"),
			replace("acme.yaml", "801-555-0100", "(801) 555 0100")}, organizations: 1, orders: 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			opts := sandbox.Options{}
			if test.issueAfter != "" {
				opts.IssueAfter = 1 << 50
			}
			w := newWorld(t, opts, test.files)
			w.mustApply()
			if test.files != nil {
				w.converged()
			}
			for _, e := range test.edits {
				switch {
				case e.from == "" && e.to == "":
					w.remove(e.file)
				case e.from == "":
					w.write(e.file, e.to)
				default:
					w.edit(e.file, e.from, e.to)
				}
				w.sent.take()
				w.mustApply()
				writes := w.writes()
				if e == test.edits[len(test.edits)-1] {
					var want []string
					for _, line := range test.writes {
						line = strings.ReplaceAll(line, "$O", "70011")
						want = append(want, strings.ReplaceAll(line, "$D", "880001"))
					}
					w.want("writes", writes, want...)
				}
				w.converged()
			}
			w.holds(test.organizations, test.orders)
		})
	}
}

// A change of a person reaches everybody who refers to her, and says where it comes from. An issued order takes it only where its
// manifest says so.
func TestContactFansOut(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		issued bool
		follow bool
		order  resource.Action
	}{
		{name: "pending", order: resource.Update},
		{name: "issued", issued: true, order: resource.Deferred},
		{name: "issued, follow", issued: true, follow: true, order: resource.Update},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			opts := sandbox.Options{}
			if !test.issued {
				opts.IssueAfter = 1 << 50
			}
			files := with(acme(), "driver.yaml", driverYAML)
			if test.follow {
				files["driver.yaml"] += "lifecycle: {contacts: follow}\n"
			}
			w := newWorld(t, opts, files)
			w.mustApply()
			w.edit("contacts.yaml", "email: jane@example.com, job_title: Officer", "email: jane@example.com, job_title: CISO")
			p := w.plan(reconcile.RefreshAuto)
			jane := resource.Address{Kind: "Contact", Name: "jane"}
			for _, holder := range []struct {
				action  resource.Action
				address string
			}{{resource.Update, "Organization/acme"}, {test.order, "Order/driver"}} {
				c := w.change(p, holder.action, holder.address)
				if len(c.Fields) != 1 || c.Fields[0].Path != "/organization_contact/job_title" || c.Fields[0].Via != jane {
					t.Errorf("%s of %s: %+v, want its contact's job title via %s", holder.action, holder.address, c.Fields, jane)
				}
			}
			w.mustApply()
			org := w.object("organizations", "70011")["organization_contact"].(map[string]any)
			if org["job_title"] != "CISO" || org["telephone"] != "801-555-0101" {
				t.Errorf("contact of the organization: %v", org)
			}
			want := "CISO"
			if test.order == resource.Deferred {
				want = "Officer"
			}
			if got := w.object("orders", "880001")["organization_contact"].(map[string]any)["job_title"]; got != want {
				t.Errorf("contact of the order is %v, want %v", got, want)
			}
			if test.order == resource.Deferred {
				w.want("second plan", changes(w.plan(reconcile.RefreshFull)), "deferred Order/driver (intent) /organization_contact/job_title=intent")
				w.write("driver.yaml", driverYAML+"lifecycle: {contacts: follow}\n")
				w.mustApply()
			}
			w.converged()
		})
	}
}

// A person who approves orders, named in a list of the order, is shown with where the change comes from, too.
func TestContactInListSaysVia(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, demo())
	w.mustApply()
	w.edit("contacts.yaml", "last_name: Park", "last_name: Parker")
	c := w.change(w.plan(reconcile.RefreshAuto), resource.Blocked, "Order/driver")
	if len(c.Fields) != 1 || c.Fields[0].Path != "/organization/contacts" || c.Fields[0].Via.String() != "Contact/ruth" {
		t.Errorf("fields: %+v, want /organization/contacts via Contact/ruth", c.Fields)
	}
}

// What is deferred is applied with the next order, and neither repeated nor forgotten before.
func TestDeferredWaitsForNextOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, demo())
	w.mustApply()
	w.edit("driver.yaml", "years: 1", "years: 2")
	before := w.stateBytes()
	w.mustApply()
	w.want("plan", changes(w.plan(reconcile.RefreshFull)), "deferred Order/driver (intent) /order_validity/years=intent")
	after := w.stateBytes()
	if bytes.Equal(before, after) {
		t.Error("the manifest's new digest was not recorded")
	}
	w.mustApply()
	if !bytes.Equal(after, w.stateBytes()) {
		t.Error("an apply with nothing but deferred changes rewrote the state")
	}
	w.do("880001", "revoke")
	w.write("driver.yaml", strings.Replace(driverYAML, "years: 1", "years: 2", 1)+"lifecycle: {generation: 2}\n")
	w.mustApply()
	w.holds(1, 3)
	if years := w.object("orders", "880003")["order_validity"].(map[string]any)["years"]; years != float64(2) {
		t.Errorf("the next order is for %v years, want 2", years)
	}
	if e := w.entry("Order", "driver"); len(e.Identity.Earlier) != 1 || e.Identity.Earlier[0].ID != "880001" || e.Identity.Earlier[0].Ended != "revoked" || e.Identity.Generation != 2 {
		t.Errorf("identity after the second generation: %+v", e.Identity)
	}
	w.converged()
}

// An order whose manifest names another organization by its details goes to that one, and not to the one the order before was for.
func TestInlineOrganizationOfTheNextOrder(t *testing.T) {
	t.Parallel()
	inline := func(name string) string {
		return lifecycleYAML(strings.Replace(mailYAML, "organization: {ref: acme}", `organization:
    name: `+name+`
    address: 1 Example Street
    city: Lehi
    state: Utah
    zip: "84043"
    country: us
    telephone: 801-555-0100`, 1), "apply_changes: now, allow: [replace]")
	}
	ref := lifecycleYAML(mailYAML, "apply_changes: now, allow: [replace]")
	for name, tc := range map[string]struct {
		first, then string
		same        bool
	}{
		"another name":               {inline("First Works"), inline("Second Works"), false},
		"the same, for longer":       {inline("First Works"), strings.Replace(inline("First Works"), "{years: 1}", "{years: 2}", 1), true},
		"a reference, then another":  {ref, inline("Second Works"), false},
		"a reference, then the same": {ref, strings.Replace(inline("Acme Corporation"), "{years: 1}", "{years: 2}", 1), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, with(acme(), "mail.yaml", tc.first))
			w.mustApply()
			w.do("880001", "issue")
			w.write("mail.yaml", tc.then)
			w.mustApply(destroyOne)
			w.converged()
			before, after := fmt.Sprint(w.object("orders", "880001")["organization"]), fmt.Sprint(w.object("orders", "880002")["organization"])
			if (before == after) != tc.same {
				t.Errorf("the orders are for organizations %v and %v", before, after)
			}
		})
	}
}
