package run_test

import (
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
