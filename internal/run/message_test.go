package run_test

import (
	"strings"
	"testing"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
	"dcsync/internal/sandbox"
	"dcsync/reconcile"
)

func codes(p *reconcile.Plan, code diag.Code) []string {
	var out []string
	for _, d := range p.Findings {
		if d.Code == code {
			out = append(out, d.Path)
		}
	}
	return out
}

// A validation that ran out is due, not drift.
func TestValidationRunsOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, twoApprovers())
	w.mustApply()
	w.pass(400)
	p := w.plan(reconcile.RefreshAuto)
	w.want("plan", changes(p), "update Organization/acme (time) /validations=intent")
	if c := p.Visible()[0]; !strings.Contains(c.Reason, "validation ov, cs ran out") || p.HasDrift() || !p.HasIntent() {
		t.Errorf("%s; drift %t", c.Reason, p.HasDrift())
	}
	w.edit("acme.yaml", "{type: ov}", "{type: ov}, {type: smime}")
	w.want("with one more", changes(w.plan(reconcile.RefreshAuto)), "update Organization/acme (intent) /validations=intent")
	w.mustApply()
	w.converged()
}

// What was never written before has not drifted.
func TestFirstWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, acme())
	w.mustApply()
	w.edit("acme.yaml", "  telephone: 801-555-0100\n", "  telephone: 801-555-0100\n  status: inactive\n")
	p := w.planLoosely()
	w.want("plan", changes(p), "deactivate Organization/acme (intent) /status=intent")
	if c := p.Visible()[0]; strings.Contains(c.Reason, "account") {
		t.Errorf("%s", c.Reason)
	}
}

// What cannot be cleared is told only where it stays: not of an organization that is referred to instead, nor where another order is placed.
func TestReleased(t *testing.T) {
	t.Parallel()
	inline := strings.Replace(mailYAML, "organization: {ref: acme}", `organization:
    name: Acme Corporation
    address: 1 Example Street
    city: Lehi
    state: Utah
    zip: "84043"
    country: us
    telephone: 801-555-0100`, 1)
	w := newWorld(t, sandbox.Options{}, with(acme(), "mail.yaml", mailYAML))
	w.mustApply()
	w.write("mail.yaml", inline)
	w.mustApply()
	w.write("mail.yaml", mailYAML)
	p := w.plan(reconcile.RefreshAuto)
	w.want("plan", changes(p))
	w.want("released", codes(p, diag.FieldReleased))

	v := newWorld(t, sandbox.Options{}, installer(t, "apply_changes: now, allow: [replace]"))
	v.mustApply()
	v.edit("installer.yaml", "    csr: {file: installer.csr}\n", "")
	v.edit("installer.yaml", "cs_provisioning_method: email", "cs_provisioning_method: ship_token")
	v.edit("installer.yaml", "{years: 1}", "{years: 2}")
	p = v.planLoosely()
	v.change(p, resource.Replace, "Order/installer")
	v.want("released by a replacement", codes(p, diag.FieldReleased))
}

// An order that had ended when it was found is wanted however often it is applied.
func TestFoundEndedStaysWanted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, map[string]string{"box.yaml": boxYAML})
	w.mustApply()
	w.do("880001", "issue")
	w.do("880001", "revoke")
	w.lose()
	for range 3 {
		if p := w.plan(reconcile.RefreshAuto); !p.HasBlockedIntent() {
			t.Errorf("%v", changes(p))
		}
		if _, err := w.apply(); err != nil {
			t.Fatal(err)
		}
	}
	w.edit("box.yaml", "name: box}", "name: box}\nlifecycle: {generation: 2}")
	w.mustApply()
	w.holds(0, 2)
	w.do("880002", "issue")
	w.do("880002", "revoke")
	if p := w.plan(reconcile.RefreshAuto); p.HasBlockedIntent() || !p.HasDrift() {
		t.Errorf("%v", changes(p))
	}
}

// What is said to help where an order was renewed outside git does.
func TestAfterRenewedOutside(t *testing.T) {
	t.Parallel()
	for _, next := range []string{"the manifest away", "another generation"} {
		w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", lifecycleYAML(driverYAML, "renew_before: 30d")))
		w.mustApply()
		w.pass(340)
		renew := map[string]any{"certificate": map[string]any{"signature_hash": "sha256"}, "cs_provisioning_method": "ship_token",
			"organization": map[string]any{"id": 70011}, "order_validity": map[string]any{"years": 1}, "renewal_of_order_id": 880001}
		if status, err := w.as("POST", "/order/certificate/code_signing_ev", renew); err != nil || status != 201 {
			t.Fatalf("renew in the console: %d %v", status, err)
		}
		w.mustBlock("Order/driver", "take the manifest away to leave it to who renewed it; or once order 880001 has ended, raise lifecycle.generation")
		if next == "the manifest away" {
			w.remove("driver.yaml")
			w.mustApply()
			w.converged()
			continue
		}
		w.pass(30)
		w.edit("driver.yaml", "renew_before: 30d", "renew_before: 30d, generation: 2")
		w.mustApply()
		w.holds(1, 3)
		w.converged()
	}
}
