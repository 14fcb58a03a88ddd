package run_test

import (
	"strings"
	"testing"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
	"dcsync/internal/sandbox"
	"dcsync/reconcile"
)

const nina = "{first_name: Nina, last_name: Hall, email: nina@example.com, job_title: Counsel, telephone: 801-555-0103}"

// twoApprovers is an organization that Ruth and Nina approve for.
func twoApprovers() map[string]string {
	return with(acme(), "acme.yaml", acmeYAML+"  validations: [{type: ov}, {type: cs, verified_users: [{ref: ruth}, "+nina+"]}]\n")
}

// leaves is somebody in the console who takes approvers away from the organization: those of the given first names stay.
func (w *world) leaves(stay ...string) {
	w.Helper()
	var left []any
	people, _ := w.object("organizations", "70011")["verified_contacts"].([]any)
	for _, p := range people {
		for _, name := range stay {
			if p.(map[string]any)["first_name"] == name {
				left = append(left, p)
			}
		}
	}
	w.patch("organization", "70011", map[string]any{"verified_contacts": left})
}

// An approver who left blocks nothing: what git says of somebody whom the account shows no more, the record follows.
func TestApproverWhoLeft(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		stay    []string // in the account
		edit    func(*world)
		blocked bool     // while everybody is there still
		writes  []string // once they are gone
		after   []string // approvers in the end
	}{
		{name: "removed", stay: []string{"Nina"}, blocked: true, after: []string{"Nina"},
			edit: func(w *world) { w.edit("acme.yaml", "{ref: ruth}, ", "") }},
		{name: "surname corrected", stay: []string{"Nina"}, blocked: true, writes: []string{"POST /organization/70011/validation"}, after: []string{"Nina", "Ruth"},
			edit: func(w *world) { w.edit("contacts.yaml", "last_name: Park", "last_name: Parker") }},
		{name: "address corrected", stay: []string{"Nina"}, blocked: true, writes: []string{"POST /organization/70011/validation"}, after: []string{"Nina", "Ruth"},
			edit: func(w *world) { w.edit("contacts.yaml", "ruth@example.com", "rp@example.com") }},
		{name: "all others", blocked: true, writes: []string{"POST /organization/70011/validation"}, after: []string{"Jane"},
			edit: func(w *world) { w.edit("acme.yaml", "[{ref: ruth}, "+nina+"]", "[{ref: jane}]") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, twoApprovers())
			w.mustApply()
			w.converged()
			tt.edit(w)
			for range 2 {
				if p := w.plan(reconcile.RefreshAuto); p.HasBlockedIntent() != tt.blocked {
					t.Errorf("while they are there:\n%s", strings.Join(changes(p), "\n"))
				}
				if _, err := w.apply(); err != nil {
					t.Fatal(err)
				}
			}
			w.leaves(tt.stay...)
			w.sent.take()
			w.mustApply()
			w.want("writes", w.writes(), tt.writes...)
			w.want("approvers", w.approvers(), tt.after...)
			w.converged()
		})
	}
}

// Whom a validation still names although they are no contact of the organization any more has left all the same.
func TestApproverStillListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, twoApprovers())
	w.mustApply()
	o := w.object("organizations", "70011")
	validations := o["validations"].([]any)
	validations[0].(map[string]any)["description"] = "as it was"
	people := o["verified_contacts"].([]any)
	w.patch("organization", "70011", map[string]any{"validations": validations, "verified_contacts": people[1:]})
	w.edit("acme.yaml", "{ref: ruth}, ", "")
	w.mustApply()
	w.converged()
}

// Somebody whom the account lets approve no more although git still names them is drift.
func TestApproverMissing(t *testing.T) {
	t.Parallel()
	for _, stay := range [][]string{{"Nina"}, {}} {
		w := newWorld(t, sandbox.Options{}, twoApprovers())
		w.mustApply()
		w.leaves(stay...)
		p := w.plan(reconcile.RefreshFull)
		w.want("plan", changes(p), "update Organization/acme (drift) /validations=drift")
		w.mustApply(full)
		w.want("approvers", w.approvers(), "Nina", "Ruth")
		w.converged()
	}
}

// An order names its approvers too; who left its organization is taken away from it as well.
func TestApproverOfOrderWhoLeft(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		stay []string
		edit func(*world)
		want []string
	}{
		{name: "replaced", stay: []string{"Jane"}, edit: func(w *world) { w.edit("driver.yaml", "{contact_type: verified_contact, ref: ruth}, ", "") },
			want: []string{"deferred Order/driver (intent) /organization/contacts=intent"}},
		{name: "surname corrected", stay: []string{"Jane"}, edit: func(w *world) { w.edit("contacts.yaml", "last_name: Park", "last_name: Parker") },
			want: []string{"deferred Order/driver (intent) /organization/contacts=intent"}},
		{name: "nobody named any more", edit: func(w *world) {
			w.edit("driver.yaml", "\n    contacts: [{contact_type: verified_contact, ref: ruth}, {contact_type: verified_contact, ref: jane}]", "")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", strings.Replace(driverYAML, "[{contact_type: verified_contact, ref: ruth}]",
				"[{contact_type: verified_contact, ref: ruth}, {contact_type: verified_contact, ref: jane}]", 1)))
			w.mustApply()
			w.converged()
			tt.edit(w)
			w.mustBlock("Order/driver", "in the console")
			w.leaves(tt.stay...)
			w.want("plan", changes(w.plan(reconcile.RefreshAuto)), tt.want...)
			w.mustApply()
			w.want("second plan", changes(w.plan(reconcile.RefreshFull)), tt.want...)
		})
	}
}

// While an approver whom git gave up is still there, only what such people approve is held up: not what time asks for, and not what is changed
// in place.
func TestHeldUpByApprover(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, with(twoApprovers(), "driver.yaml", lifecycleYAML(driverYAML, "renew_before: 30d"), "mail.yaml", mailYAML,
		"later.yaml", strings.Replace(driverYAML, "name: driver", "name: later", 1)))
	w.mustApply()
	w.edit("acme.yaml", "{ref: ruth}, ", "")
	w.edit("later.yaml", "[pki@example.com]", "[desktop@example.com]")
	w.write("another.yaml", strings.Replace(driverYAML, "name: driver", "name: another", 1))
	w.write("more.yaml", strings.Replace(mailYAML, "name: mail", "name: more", 1))
	w.edit("more.yaml", "Alice Example", "Bob Example")
	w.pass(340)
	w.want("plan", changes(w.plan(reconcile.RefreshAuto)), "blocked Order/another (intent)", "blocked Organization/acme (intent) /validations=intent",
		"create Order/more (intent)", "renew Order/driver (time)", "update Order/later (intent) /additional_emails=intent")
	a, err := w.apply()
	if err != nil {
		t.Fatal(err)
	}
	w.want("results", outcomes(a), "blocked Order/another: blocked", "blocked Organization/acme: blocked", "create Order/more: waiting",
		"renew Order/driver: done", "update Order/later: done")
}

// A person is who they are by name and address: another job title is told once and sent to nobody, since the API changes nobody.
func TestApproverTitle(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, twoApprovers())
	w.mustApply()
	w.edit("contacts.yaml", "job_title: Counsel", "job_title: General Counsel")
	told := func() (out []string) {
		for _, d := range w.plan(reconcile.RefreshAuto).Findings {
			if d.Code == diag.ApproverDetails {
				out = append(out, d.Summary)
			}
		}
		return out
	}
	w.want("plan", changes(w.plan(reconcile.RefreshAuto)))
	w.want("told", told(), "job_title of Ruth Park changed, and the API cannot change it: it stays as it was given")
	w.sent.take()
	w.mustApply()
	w.want("writes", w.writes())
	w.want("told again", told())
	w.converged()

	w.edit("contacts.yaml", "job_title: General Counsel", "job_title: Counsel")
	w.edit("acme.yaml", nina, nina+", {ref: jane}")
	w.want("plan", changes(w.plan(reconcile.RefreshAuto)), "update Organization/acme (intent) /validations=intent")
	w.mustApply()
	w.want("approvers", w.approvers(), "Jane", "Nina", "Ruth")
	w.converged()
}

// An order that is over while a reissue of it waits is told, however it was wanted.
func TestOverWhileReissuing(t *testing.T) {
	t.Parallel()
	for _, lifecycle := range []string{"renew_before: 30d, ", ""} {
		w := newWorld(t, sandbox.Options{}, installer(t, lifecycle+"allow: [reissue-revoking]"))
		w.mustApply()
		w.pass(330)
		w.file("dcsync.yaml", strings.Replace(projectYAML, "skip_approval: true", "skip_approval: false", 1))
		w.write("installer.csr", newCSR(t))
		w.mustApply(destroyOne)
		w.pass(40)
		p := w.plan(reconcile.RefreshAuto)
		c := w.change(p, resource.Blocked, "Order/installer")
		if !strings.Contains(c.Reason, "order 880001 ended on 2027-03-01") || p.HasBlockedIntent() != (lifecycle != "") {
			t.Errorf("%s: %s", c.Trigger, c.Reason)
		}
		w.do("880001", "reject")
		w.edit("installer.yaml", "lifecycle: {", "lifecycle: {generation: 2, ")
		w.want("results", outcomes(w.mustApply(destroyOne)), "create Order/installer: waiting")
	}
}
