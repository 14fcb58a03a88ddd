package run_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"dcsync/internal/resource"
	"dcsync/internal/sandbox"
	"dcsync/reconcile"
)

// Switching an organization off needs consent while orders are live, and is refused while one is under way.
func TestOrganizationStatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{IssueAfter: time.Hour}, demo())
	w.edit("acme.yaml", "  telephone: 801-555-0100\n", "  telephone: 801-555-0100\n  status: active\n")
	w.mustApply()
	w.converged()
	w.edit("acme.yaml", "status: active", "status: inactive")
	if c := w.change(w.plan(reconcile.RefreshAuto), resource.Blocked, "Organization/acme"); !strings.Contains(c.Reason, "under way") {
		t.Errorf("while orders are pending: %s", c.Reason)
	}
	w.pass(1)
	w.do("880002", "issue") // a person picks it up
	if c := w.change(w.plan(reconcile.RefreshAuto), resource.Blocked, "Organization/acme"); !strings.Contains(c.Reason, "deactivate-in-use") || c.Trigger != resource.ByIntent {
		t.Errorf("while orders are live: %s", c.Reason)
	}
	w.write("acme.yaml", lifecycleYAML(strings.Replace(acmeYAML, "  telephone: 801-555-0100\n", "  telephone: 801-555-0100\n  status: inactive\n", 1), "allow: [deactivate-in-use]"))
	if _, err := w.apply(); err == nil || !strings.Contains(err.Error(), "cannot be brought back") {
		t.Errorf("it passes the limit: %v", err)
	}
	w.want("results", outcomes(w.mustApply(destroyOne)), "deactivate Organization/acme: done")
	w.converged()
	w.edit("acme.yaml", "status: inactive", "status: active")
	w.want("plan", changes(w.plan(reconcile.RefreshAuto)), "activate Organization/acme (intent) /status=intent")
	w.mustApply()
	w.converged()
	w.patch("organization", "70011", map[string]any{"status": "inactive"})
	if p := w.plan(reconcile.RefreshAuto); !p.HasDrift() || p.HasIntent() {
		t.Errorf("%v", changes(p))
	}
	w.mustApply()
	w.converged()
}

// Protection that is taken away together with what it keeps from happening goes on protecting, however often that is applied: a commit of
// its own takes it away.
func TestProtectionEndsByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, map[string]string{"contacts.yaml": contactsYAML,
		"acme.yaml":   lifecycleYAML(acmeYAML, "protect: true"),
		"driver.yaml": lifecycleYAML(driverYAML, "protect: true, apply_changes: now, allow: [replace]")})
	w.mustApply()
	w.edit("acme.yaml", "protect: true", "allow: [deactivate-in-use]")
	w.edit("acme.yaml", "  telephone: 801-555-0100\n", "  telephone: 801-555-0100\n  status: inactive\n")
	w.edit("driver.yaml", "protect: true, ", "")
	w.edit("driver.yaml", "{years: 1}", "{years: 2}")
	for range 2 {
		if _, err := w.apply(generous); err != nil {
			t.Fatal(err)
		}
		for _, address := range []string{"Organization/acme", "Order/driver"} {
			if c := w.change(w.planLoosely(), resource.Blocked, address); !strings.Contains(c.Reason, "protected") {
				t.Errorf("%s: %s", address, c.Reason)
			}
		}
	}
	w.edit("acme.yaml", "  status: inactive\n", "")
	w.edit("driver.yaml", "{years: 2}", "{years: 1}")
	w.mustApply()
	w.edit("driver.yaml", "{years: 1}", "{years: 2}")
	w.mustApply(generous)
	w.edit("acme.yaml", "  telephone: 801-555-0100\n", "  telephone: 801-555-0100\n  status: inactive\n")
	w.want("results", outcomes(w.mustApply(generous)), "deactivate Organization/acme: done")
	w.holds(1, 2)
}

// Nothing is ordered for an organization that is wanted inactive, and nothing of it may be renewed.
func TestOrderOfInactive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, demo())
	w.edit("acme.yaml", "  telephone: 801-555-0100\n", "  telephone: 801-555-0100\n  status: inactive\n")
	w.mustBlock("Order/driver", "wanted inactive")
	w.write("driver.yaml", lifecycleYAML(driverYAML, "renew_before: 30d"))
	w.refusedFiles("wanted inactive")
}

// A request that nobody has decided yet keeps an organization from being switched off, as the API does.
func TestOrganizationWithOpenRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", driverYAML))
	w.file("dcsync.yaml", strings.Replace(projectYAML, "skip_approval: true", "skip_approval: false", 1))
	w.mustApply()
	w.do("880001", "approve")
	w.write("driver.yaml", retireYAML(driverYAML, "action: revoke"))
	w.mustApply()
	w.write("acme.yaml", lifecycleYAML(strings.Replace(acmeYAML, "  telephone: 801-555-0100\n", "  telephone: 801-555-0100\n  status: inactive\n", 1), "allow: [deactivate-in-use]"))
	w.mustBlock("Organization/acme", "orders 880001 of it are under way")
	w.do("880001", "approve")
	w.mustApply(destroyOne)
	w.converged()
}

// An organization that is inactive in the account freezes what belongs to it: that is told at plan, not by the API's refusal. A manifest that
// switches it on comes first.
func TestInactiveInAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, installer(t, "allow: [reissue-revoking]"))
	w.mustApply()
	w.patch("organization", "70011", map[string]any{"status": "inactive"})
	w.write("driver.yaml", driverYAML)
	w.mustBlock("Order/driver", "70011 is inactive")
	w.write("installer.csr", newCSR(t))
	w.mustBlock("Order/installer", "70011 is inactive")
	w.edit("acme.yaml", "  telephone: 801-555-0100\n", "  telephone: 801-555-0100\n  status: inactive\n")
	w.mustBlock("Order/installer", "wanted inactive")
	w.edit("acme.yaml", "  status: inactive\n", "")
	w.edit("acme.yaml", "  telephone: 801-555-0100\n", "  telephone: 801-555-0100\n  status: active\n")
	w.mustApply(destroyOne)
	w.converged()
	w.holds(1, 2)
}

const submittedYAML = `  validations:
    - type: ov
    - type: cs
      verified_users: [{ref: ruth}]
`

// A validation is submitted once, whatever happens to the answer; people can be added, never taken away.
func TestValidation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{IssueAfter: time.Hour}, acme())
	w.mustApply()
	w.write("acme.yaml", acmeYAML+submittedYAML)
	before := w.stateBytes()
	w.fault("POST /organization/*/validation", "drop_after", 1)
	w.sent.take()
	w.mustApply()
	w.restore(before)
	w.mustApply()
	w.want("writes", w.writes(), "POST /organization/70011/validation")
	w.converged()

	w.edit("acme.yaml", "[{ref: ruth}]", "[{ref: ruth}, {ref: chief}]")
	w.write("chief.yaml", `apiVersion: dcsync/v1
kind: Contact
metadata: {name: chief}
spec: {first_name: Max, last_name: Moe, email: max@example.com, job_title: Chief, telephone: "5"}
`)
	before = w.stateBytes()
	w.mustApply()
	w.restore(before)
	w.sent.take()
	w.mustApply()
	w.want("writes", w.writes())
	w.converged()
	w.edit("acme.yaml", "[{ref: ruth}, {ref: chief}]", "[{ref: chief}]")
	p := w.plan(reconcile.RefreshAuto)
	if c := w.change(p, resource.Blocked, "Organization/acme"); !strings.Contains(c.Reason, "remove Ruth Park in the console") || !p.HasBlockedIntent() {
		t.Errorf("%s", c.Reason)
	}
	w.edit("acme.yaml", "    - type: ov\n", "")
	w.edit("acme.yaml", "[{ref: chief}]", "[{ref: ruth}, {ref: chief}]")
	if c := w.change(w.plan(reconcile.RefreshAuto), resource.Blocked, "Organization/acme"); !strings.Contains(c.Reason, "write type ov again") {
		t.Errorf("%s", c.Reason)
	}
}

// An organization is known by its details: what it came to be validated for since does not make it another one.
func TestAdoptedWithValidations(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, with(acme(), "acme.yaml", acmeYAML+"  validations: [{type: ov}]\n"))
	w.mustApply()
	validation := map[string]any{"validations": []any{map[string]any{"type": "smime"}}}
	if status, err := w.as("POST", "/organization/70011/validation", validation); err != nil || status != 204 {
		t.Fatalf("validate: %d %v", status, err) // as an order does
	}
	w.lose()
	w.edit("acme.yaml", "[{type: ov}]", "[{type: ov}, {type: ds}]")
	w.want("results", outcomes(w.mustApply()), "adopt Organization/acme: done")
	w.holds(1, 0)
	w.converged()
}

// Who may approve orders although no manifest names them is told, wherever they are named.
func TestUnnamedApprover(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{IssueAfter: time.Hour}, acme())
	w.write("acme.yaml", acmeYAML+submittedYAML)
	w.mustApply()
	unnamed := func() []string {
		o := w.planOptions(reconcile.RefreshFull)
		o.Unmanaged = true
		p, err := w.open().Drift(t.Context(), w.account(), o)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, u := range p.Unnamed {
			out = append(out, fmt.Sprintf("%s %s %s", u.Address, u.Type, u.Person))
		}
		return out
	}
	w.want("unnamed", unnamed())
	if status, err := w.as("POST", "/organization/70011/validation", map[string]any{"validations": []any{map[string]any{"type": "cs", "verified_users": []any{
		map[string]any{"first_name": "Eve", "last_name": "Example", "email": "eve@example.com", "job_title": "CISO", "telephone": "1"}}}}}); err != nil || status >= 300 {
		t.Fatalf("submit in the console: %d %v", status, err)
	}
	w.want("unnamed", unnamed(), "Organization/acme cs Eve Example")
}

// Approvers are no reason not to know an organization again: one that an unanswered call made, or that a lost state named, is adopted with
// them, and who is missing is named again.
func TestAdoptedWithApprovers(t *testing.T) {
	t.Parallel()
	for name, validations := range map[string]string{
		"code signing":     "[{type: cs, verified_users: [{ref: ruth}]}]",
		"organization":     "[{type: ov, verified_users: [{ref: ruth}]}]",
		"two types, two":   "[{type: ov}, {type: cs, verified_users: [{ref: ruth}, {ref: jane}]}]",
		"extended, by one": "[{type: ev, verified_users: [{ref: jane}]}]",
	} {
		files := with(acme(), "acme.yaml", acmeYAML+"  validations: "+validations+"\n")
		for _, how := range []string{"no answer", "state lost", "died before it submitted"} {
			t.Run(name+"/"+how, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, sandbox.Options{}, files)
				if how == "no answer" {
					w.fault("POST /organization", "drop_after", 1)
				}
				if how == "died before it submitted" {
					w.fault("POST /organization/*/validation", "drop_before", 3)
					if _, err := w.apply(); err != nil {
						t.Fatal(err)
					}
					w.control("DELETE", "/faults", nil)
					w.lose()
				}
				w.mustApply()
				want := w.approvers()
				if how == "state lost" {
					w.lose()
					w.want("results", outcomes(w.mustApply()), "adopt Organization/acme: done")
				}
				w.holds(1, 0)
				w.converged()
				w.want("approvers", w.approvers(), want...)
				if shown := 1 + strings.Count(validations, "}, {ref:"); name != "organization" && len(want) != shown {
					t.Errorf("approvers %v, want %d", want, shown)
				}
			})
		}
	}
}

// Of an organization that is validated for a type already, the approvers whom the account does not show are still to be named.
func TestAdoptedWithoutItsApprover(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, with(acme(), "acme.yaml", acmeYAML+"  validations: [{type: cs, verified_users: [{ref: ruth}]}]\n"))
	w.mustApply()
	w.lose()
	w.edit("acme.yaml", "[{ref: ruth}]", "[{ref: ruth}, {ref: jane}]")
	w.want("results", outcomes(w.mustApply()), "adopt Organization/acme: done")
	w.want("approvers", w.approvers(), "Jane", "Ruth")
	w.converged()
}

// approvers gives the first names of those who may approve orders of the first organization.
func (w *world) approvers() []string {
	w.Helper()
	var out []string
	people, _ := w.object("organizations", "70011")["verified_contacts"].([]any)
	for _, p := range people {
		out = append(out, p.(map[string]any)["first_name"].(string))
	}
	slices.Sort(out)
	return out
}

// Who may approve is held against the account: somebody who is gone there is named again, unless git took them away too; somebody whom git
// does not name is drift.
func TestApproversInAccount(t *testing.T) {
	t.Parallel()
	validations := func(people ...string) map[string]any {
		var users []any
		for i, p := range people {
			first, last, _ := strings.Cut(p, " ")
			users = append(users, map[string]any{"id": 9100 + i, "first_name": first, "last_name": last})
		}
		return map[string]any{"validations": []any{map[string]any{"type": "cs", "name": "CS", "status": "active", "verified_users": users}}}
	}
	for _, tt := range []struct {
		name, wanted string
		live         []string
		want         []string
		drift        bool
		after        []string // visible changes after an apply
	}{
		{name: "removed in both", wanted: "[{ref: ruth}]", live: []string{"Ruth Park"}},
		{name: "removed in git only", wanted: "[{ref: ruth}]", live: []string{"Ruth Park", "Jane Doe"},
			want: []string{"blocked Organization/acme (intent) /validations=intent"}, after: []string{"blocked Organization/acme (intent) /validations=intent"}},
		{name: "all removed in git only", wanted: "", live: []string{"Ruth Park"},
			want: []string{"blocked Organization/acme (intent) /validations=intent"}, after: []string{"blocked Organization/acme (intent) /validations=intent"}},
		{name: "all removed in both", wanted: "", live: []string{"Zed Q"}},
		{name: "written otherwise", wanted: "[{ref: ruth}, {first_name: JANE, last_name: ' Doe', email: Jane@example.com, job_title: Officer, telephone: 801-555-0101}]",
			live: []string{"Ruth  Park", "jane Doe"}},
		{name: "another address", wanted: "[{ref: ruth}, {first_name: Jane, last_name: Doe, email: jd@example.com, job_title: Officer, telephone: 801-555-0101}]",
			live: []string{"Ruth Park", "Jane Doe"},
			want: []string{"blocked Organization/acme (intent) /validations=intent"}, after: []string{"blocked Organization/acme (intent) /validations=intent"}},
		{name: "removed in the account only", wanted: "[{ref: ruth}, {ref: jane}]", live: []string{"Ruth Park"}, drift: true,
			want: []string{"update Organization/acme (drift) /validations=drift"}},
		{name: "added in the account", wanted: "[{ref: ruth}, {ref: jane}]", live: []string{"Ruth Park", "Jane Doe", "Zed Q"}, drift: true,
			want: []string{"blocked Organization/acme (drift) /validations=drift"}, after: []string{"blocked Organization/acme (drift) /validations=drift"}},
		{name: "added in both", wanted: "[{ref: ruth}, {ref: jane}, {first_name: Zed, last_name: Q, email: z@example.com, job_title: X, telephone: 801-555-0199}]",
			live: []string{"Ruth Park", "Jane Doe", "Zed Q"}},
		{name: "one added in git, another in the account", wanted: "[{ref: ruth}, {ref: jane}, {first_name: Ann, last_name: B, email: a@example.com, job_title: X, telephone: 801-555-0199}]",
			live: []string{"Ruth Park", "Jane Doe", "Zed Q"}, drift: true,
			want:  []string{"blocked Organization/acme (drift) /validations=drift", "update Organization/acme (intent) /validations=intent"},
			after: []string{"blocked Organization/acme (drift) /validations=drift"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, with(acme(), "acme.yaml", acmeYAML+"  validations: [{type: cs, verified_users: [{ref: ruth}, {ref: jane}]}]\n"))
			w.mustApply()
			w.converged()
			w.patch("organization", "70011", validations(tt.live...))
			w.edit("acme.yaml", "[{ref: ruth}, {ref: jane}]", tt.wanted)
			if tt.wanted == "" {
				w.write("acme.yaml", acmeYAML)
			}
			p := w.plan(reconcile.RefreshFull)
			w.want("plan", changes(p), tt.want...)
			if p.HasDrift() != tt.drift {
				t.Errorf("drift: %t", p.HasDrift())
			}
			if _, err := w.apply(full); err != nil {
				t.Fatal(err)
			}
			w.want("second plan", changes(w.plan(reconcile.RefreshFull)), tt.after...)
			if len(tt.after) == 0 {
				w.converged()
			}
		})
	}
}

// Those whom an order names as approvers are only ever added, too: what takes one away, or changes who it is, is blocked by that name until the
// account shows them no more. Somebody new waits for the next order.
func TestApproversOfOrder(t *testing.T) {
	t.Parallel()
	const ruth = "{contact_type: verified_contact, ref: ruth}"
	const jane = "{contact_type: verified_contact, ref: jane}"
	const blocked, deferred = "blocked Order/driver (intent) /organization/contacts=intent", "deferred Order/driver (intent) /organization/contacts=intent"
	named := func(people string) string { return strings.Replace(driverYAML, ruth, people, 1) }
	otherwise := func(from, to string) func(*world) {
		return func(w *world) { w.edit("contacts.yaml", from, to) }
	}
	for _, tt := range []struct {
		name    string
		applied string // named when the order was placed
		wanted  string
		before  func(*world)
		want    string // visible change
		reason  string
	}{
		{name: "same", applied: ruth, wanted: ruth},
		{name: "one more", applied: ruth, wanted: ruth + ", " + jane, want: deferred, reason: "kept for the next one"},
		{name: "one fewer", applied: ruth + ", " + jane, wanted: ruth, want: blocked, reason: "remove Jane Doe in the console"},
		{name: "none", applied: ruth, want: blocked, reason: "remove Ruth Park in the console"},
		{name: "another one", applied: ruth, wanted: jane, want: blocked, reason: "remove Ruth Park in the console"},
		{name: "renamed", applied: ruth, wanted: ruth, before: otherwise("last_name: Park", "last_name: Parker"), want: blocked, reason: "remove Ruth Park in the console"},
		{name: "another address", applied: ruth, wanted: ruth, before: otherwise("ruth@example.com", "rp@example.com"), want: blocked, reason: "remove Ruth Park in the console"},
		{name: "another telephone number", applied: ruth, wanted: ruth, before: otherwise("801-555-0102", "801-555-0177"), want: deferred, reason: "kept for the next one"},
		{name: "written otherwise", applied: ruth, wanted: ruth, before: otherwise("ruth@example.com", "Ruth@Example.com"), want: deferred, reason: "kept for the next one"},
		{name: "one fewer, and gone in the account", applied: ruth + ", " + jane, wanted: ruth, want: deferred, reason: "kept for the next one",
			before: func(w *world) {
				w.patch("order", "880001", map[string]any{"verified_contacts": []any{map[string]any{"id": 1, "first_name": "Ruth", "last_name": "Park"}}})
			}},
		{name: "none, and gone in the account", applied: ruth, before: func(w *world) { w.patch("order", "880001", map[string]any{"verified_contacts": nil}) }},
		{name: "never applied", applied: ruth, wanted: ruth, before: func(w *world) {
			w.write("driver.yaml", named(ruth+", "+jane))
			w.mustApply()
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", named(tt.applied)))
			w.mustApply()
			w.converged()
			if tt.before != nil {
				tt.before(w)
			}
			w.write("driver.yaml", named(tt.wanted))
			var want []string
			if tt.want != "" {
				want = []string{tt.want}
			}
			for range 2 {
				p := w.plan(reconcile.RefreshAuto)
				w.want("plan", changes(p), want...)
				if tt.want != "" && !strings.Contains(p.Visible()[0].Reason, tt.reason) {
					t.Errorf("%s", p.Visible()[0].Reason)
				}
				if p.HasDrift() || p.HasBlockedIntent() != (tt.want == blocked) {
					t.Errorf("drift %t, blocked %t", p.HasDrift(), p.HasBlockedIntent())
				}
				w.sent.take()
				if _, err := w.apply(); err != nil {
					t.Fatal(err)
				}
				w.want("writes", w.writes())
			}
			if tt.want != "" {
				w.write("driver.yaml", named(tt.applied)) // put back
				w.write("contacts.yaml", contactsYAML)
			}
			w.mustApply()
			w.converged()
		})
	}
}

// Somebody whom an order names no more is told as the intent that it is, and not as drift of the organization too; an audit names them.
func TestApproverOfOrderIsNoDrift(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, with(acme(), "acme.yaml", acmeYAML+"  validations: [{type: ev_cs, verified_users: [{ref: jane}]}]\n", "driver.yaml", driverYAML))
	w.mustApply()
	w.patch("organization", "70011", map[string]any{"validations": []any{map[string]any{"type": "ev_cs", "name": "EV CS", "status": "active", "verified_users": []any{
		map[string]any{"id": 9100, "first_name": "Jane", "last_name": "Doe"}, map[string]any{"id": 9101, "first_name": "Ruth", "last_name": "Park"}}}}})
	w.want("plan", changes(w.plan(reconcile.RefreshFull)))
	w.edit("driver.yaml", "ref: ruth", "ref: jane")
	p := w.plan(reconcile.RefreshFull)
	w.want("plan", changes(p), "blocked Order/driver (intent) /organization/contacts=intent")
	if len(p.Unnamed) != 1 || p.Unnamed[0].Person != "Ruth Park" {
		t.Errorf("unnamed %+v", p.Unnamed)
	}
}

// An order that follows names those whom the manifest names by then: nobody is taken away by it.
func TestApproversOfRenewal(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", lifecycleYAML(driverYAML, "renew_before: 30d")))
	w.mustApply()
	w.edit("driver.yaml", "ref: ruth", "ref: jane")
	w.mustBlock("Order/driver", "remove Ruth Park in the console")
	w.pass(340)
	w.want("results", outcomes(w.mustApply()), "renew Order/driver: done")
	w.converged()
}

// An organization that somebody made after the plan blocks ours, and is named.
func TestOrganizationMadeMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, acme())
	made := false
	w.sent.before = func(r *http.Request) {
		if made || r.Method != http.MethodPost || r.URL.Path != "/services/v2/organization" {
			return
		}
		made = true
		twin := map[string]any{"name": "Acme Corporation", "address": "1 Example Street", "city": "Lehi", "state": "Utah", "zip": "84043", "country": "us",
			"telephone": "801-555-0100", "organization_contact": map[string]any{"first_name": "Else", "last_name": "Body", "email": "else@example.com", "job_title": "Officer", "telephone": "801-555-0109"}}
		if status, err := w.as("POST", "/organization", twin); err != nil || status != 201 {
			w.Errorf("make the twin: %d %v", status, err)
		}
	}
	a, err := w.apply()
	if err != nil {
		t.Fatal(err)
	}
	w.want("results", outcomes(a), "create Organization/acme: blocked")
	if p := a.Ledger.Results[0].Err; !strings.Contains(p.Message, "70011") || p.Hint == "" {
		t.Errorf("%+v", p)
	}
	w.holds(1, 0)
}
