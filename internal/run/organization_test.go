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

// Nothing is ordered for an organization that is wanted inactive, and nothing of it may be renewed.
func TestOrderOfInactive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, demo())
	w.edit("acme.yaml", "  telephone: 801-555-0100\n", "  telephone: 801-555-0100\n  status: inactive\n")
	w.mustBlock("Order/driver", "wanted inactive")
	w.write("driver.yaml", lifecycleYAML(driverYAML, "renew_before: 30d"))
	w.refusedFiles("wanted inactive")
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
