package run_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
	"dcsync/internal/run"
	"dcsync/internal/sandbox"
	"dcsync/reconcile"
)

// newCSR gives a signing request for a key of its own.
func newCSR(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// lifecycleYAML appends instructions to a manifest.
func lifecycleYAML(manifest, lines string) string { return manifest + "lifecycle: {" + lines + "}\n" }

// installerYAML is a code signing order for a key of its own, whose request stands beside it.
const installerYAML = `apiVersion: dcsync/v1
kind: Order
metadata: {name: installer}
spec:
  product: code_signing
  certificate:
    csr: {file: installer.csr}
    signature_hash: sha256
  cs_provisioning_method: email
  organization:
    ref: acme
    contacts: [{contact_type: verified_contact, ref: ruth}]
  order_validity: {years: 1}
  additional_emails: [pki@example.com]
  notes: ["ticket 1"]
`

func installer(t *testing.T, lifecycle string) map[string]string {
	t.Helper()
	text := installerYAML
	if lifecycle != "" {
		text = lifecycleYAML(text, lifecycle)
	}
	return with(acme(), "installer.yaml", text, "installer.csr", newCSR(t))
}

func (w *world) pass(days int) {
	w.Helper()
	if err := w.clock.Sleep(context.Background(), time.Duration(days)*24*time.Hour); err != nil {
		w.Fatalf("sleep: %v", err)
	}
}

// When the window opens the order is renewed once, everything that waited rides on it, and the new order takes the address over.
func TestRenewal(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, installer(t, "renew_before: 30d"))
	w.mustApply()
	w.pass(300)
	w.converged()
	w.write("installer.csr", newCSR(t))
	w.edit("installer.yaml", "lifecycle: {", "lifecycle: {apply_changes: at_renewal, ")
	w.edit("installer.yaml", "{years: 1}", "{days: 300}")
	p := w.plan(reconcile.RefreshAuto)
	w.want("before the window", changes(p), "deferred Order/installer (intent) /order_validity/days=intent",
		"deferred Order/installer (intent) /certificate/csr=intent")
	if p.HasIntent() || p.HasBlockedIntent() {
		t.Error("waiting changes move the exit code")
	}
	w.mustApply()
	w.pass(40)
	w.edit("installer.yaml", "[pki@example.com]", "[pki@example.com, desktop@example.com]")
	p = w.plan(reconcile.RefreshAuto)
	c := w.change(p, resource.RenewOrder, "Order/installer")
	if c.Trigger != resource.ByTime || len(p.Visible()) != 1 || len(c.Fields) != 3 || p.Cost.Orders != 1 {
		t.Errorf("plan: %v", changes(p))
	}
	w.sent.take()
	w.mustApply()
	order := w.object("orders", "880002")
	if order["renewal_of_order_id"] != 880001.0 || !strings.Contains(w.sent.take()[0].Body, `"renewal_of_order_id":880001`) {
		t.Errorf("the renewal does not name what it renews: %v", order["renewal_of_order_id"])
	}
	e := w.entry("Order", "installer")
	if e.Identity.ID != "880002" || e.Identity.Sequence != 1 || len(e.Identity.Earlier) != 1 || e.Identity.Earlier[0].Ended != "renewed" || e.Identity.Earlier[0].ID != "880001" {
		t.Errorf("identity %+v", e.Identity)
	}
	w.want("notes of the renewal", w.noteTexts("880002"), "ticket 1")
	w.converged()
	w.holds(1, 2)
	if n := w.plan(reconcile.RefreshAuto).UnmanagedCount; n != 0 {
		t.Errorf("the renewed order counts as unmanaged")
	}
}

// A renewal with the key of the current certificate needs consent.
func TestRenewalKeepsKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, installer(t, "renew_before: 30d"))
	w.mustApply()
	w.pass(340)
	p := w.plan(reconcile.RefreshAuto)
	c := w.change(p, resource.Blocked, "Order/installer")
	if c.Trigger != resource.ByTime || !p.HasBlockedIntent() || !strings.Contains(c.Reason, "commit a new CSR") {
		t.Errorf("%s: %s", c.Trigger, c.Reason)
	}
	w.edit("installer.yaml", "renew_before: 30d", "renew_before: 30d, key: reuse")
	w.mustApply()
	w.holds(1, 2)
	w.converged()
}

// What somebody renewed in the console is told and never ordered a second time.
func TestRenewedOutside(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", lifecycleYAML(driverYAML, "renew_before: 30d")))
	w.mustApply()
	renew := map[string]any{"certificate": map[string]any{"signature_hash": "sha256"}, "cs_provisioning_method": "ship_token",
		"organization": map[string]any{"id": 70011}, "order_validity": map[string]any{"years": 1}, "renewal_of_order_id": 880001}
	w.pass(300)
	if status, err := w.as("POST", "/order/certificate/code_signing_ev", renew); err != nil || status != 201 {
		t.Fatalf("renew in the console: %d %v", status, err)
	}
	early := w.change(w.plan(reconcile.RefreshAuto), resource.Blocked, "Order/driver")
	if early.Trigger != resource.ByDrift || !strings.Contains(early.Reason, "renewed outside git as 880002") {
		t.Errorf("before the window: %s %s", early.Trigger, early.Reason)
	}
	w.pass(40)
	if c := w.change(w.plan(reconcile.RefreshAuto), resource.Blocked, "Order/driver"); c.Trigger != resource.ByTime || !strings.Contains(c.Reason, "renewed outside git as 880002") {
		t.Errorf("inside the window: %s %s", c.Trigger, c.Reason)
	}
	if a, err := w.apply(); err != nil || a.Ledger.Count(resource.OutcomeOfBlocked) != 1 {
		t.Errorf("apply: %v %v", err, a)
	}
	w.holds(1, 2)
	w.edit("driver.yaml", "renew_before: 30d", "protect: false")
	if a, err := w.apply(); err != nil || len(a.Ledger.Results) != 0 {
		t.Errorf("apply: %v %v", err, a)
	}
	if c := w.change(w.plan(reconcile.RefreshAuto), resource.Blocked, "Order/driver"); !strings.Contains(c.Reason, "as 880002") {
		t.Errorf("once it is known: %s", c.Reason)
	}
}

// A new order that nobody tied to the old one is taken for its renewal all the same.
func TestNewerTwinBlocksRenewal(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", lifecycleYAML(driverYAML, "renew_before: 30d")))
	w.mustApply()
	w.pass(340)
	twin := map[string]any{"certificate": map[string]any{"signature_hash": "sha256"}, "cs_provisioning_method": "ship_token",
		"organization": map[string]any{"id": 70011}, "order_validity": map[string]any{"years": 1}}
	if status, err := w.as("POST", "/order/certificate/code_signing_ev", twin); err != nil || status != 201 {
		t.Fatalf("order in the console: %d %v", status, err)
	}
	if c := w.change(w.plan(reconcile.RefreshAuto), resource.Blocked, "Order/driver"); !strings.Contains(c.Reason, "renewed outside git as 880002") {
		t.Errorf("%s", c.Reason)
	}
}

// A renewal whose answer is lost, or whose state is, is found by its nonce.
func TestRenewalOnce(t *testing.T) {
	t.Parallel()
	for _, loss := range []string{"answer", "state"} {
		t.Run(loss, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", lifecycleYAML(driverYAML, "renew_before: 30d")))
			w.mustApply()
			before := w.stateBytes()
			w.pass(340)
			if loss == "answer" {
				w.fault("POST /order/certificate/*", "drop_after", 1)
			}
			w.mustApply()
			if loss == "state" {
				w.restore(before)
				c := w.change(w.plan(reconcile.RefreshAuto), resource.Adopt, "Order/driver")
				if c.Trigger != resource.ByRecovery || c.ID != "880002" {
					t.Errorf("%s of %s", c.Trigger, c.ID)
				}
				w.mustApply()
			}
			w.holds(1, 2)
			w.want("notes", w.noteTexts("880002"), "ticket 1")
			if e := w.entry("Order", "driver"); e.Identity.Earlier[0].Ended != "renewed" || e.Identity.Sequence != 1 {
				t.Errorf("identity %+v", e.Identity)
			}
			w.converged()
		})
	}
}

// An order that outlives its certificate is reissued, with the consent that the product needs, and only when that gains something.
func TestTimelyReissue(t *testing.T) {
	t.Parallel()
	files := with(acme(), "driver.yaml", lifecycleYAML(strings.Replace(driverYAML, "{years: 1}", "{years: 2}", 1), "renew_before: 30d"))
	w := newWorld(t, sandbox.Options{}, files)
	w.mustApply()
	w.pass(390)
	w.converged()
	w.pass(50)
	if c := w.change(w.plan(reconcile.RefreshAuto), resource.Blocked, "Order/driver"); c.Trigger != resource.ByTime || !strings.Contains(c.Reason, "reissue-revoking") {
		t.Errorf("without consent: %s %s", c.Trigger, c.Reason)
	}
	w.edit("driver.yaml", "renew_before: 30d", "renew_before: 30d, allow: [reissue-revoking]")
	if _, err := w.open().Plan(t.Context(), w.account(), w.planOptions(reconcile.RefreshAuto)); err == nil || !strings.Contains(err.Error(), "cannot be brought back") {
		t.Errorf("a reissue that revokes passes the limit: %v", err)
	}
	validation := map[string]any{"validations": []any{map[string]any{"type": "ev_cs", "verified_users": []any{map[string]any{"id": 9001}}}}}
	if status, err := w.as("POST", "/organization/70011/validation", validation); err != nil || status != 204 {
		t.Fatalf("validate again: %d %v", status, err) // the first one ran out
	}
	old := w.object("orders", "880001")["certificate"].(map[string]any)["serial_number"]
	w.mustApply(destroyOne)
	fresh := w.object("orders", "880001")
	if fresh["certificate"].(map[string]any)["serial_number"] == old || fresh["reissues_count"] != 1.0 {
		t.Errorf("not reissued: %v", fresh["certificate"])
	}
	w.holds(1, 1)
	w.converged()
}

// --as-of tells what will be due; a plan for a day to come is not carried out.
func TestPlanAsOf(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", lifecycleYAML(driverYAML, "renew_before: 30d")))
	w.mustApply()
	o := w.planOptions(reconcile.RefreshAuto)
	o.AsOf = w.clock.Now().AddDate(0, 0, 340)
	p, err := w.open().Plan(t.Context(), w.account(), o)
	if err != nil {
		t.Fatal(err)
	}
	w.change(p, resource.RenewOrder, "Order/driver")
	offline := o
	offline.Refresh = reconcile.RefreshNone
	q, err := w.open().Plan(t.Context(), nil, offline)
	if err != nil {
		t.Fatal(err)
	}
	w.change(q, resource.RenewOrder, "Order/driver")
	if _, err := w.apply(func(a *run.ApplyOptions) { a.Saved = p }); err == nil || !strings.Contains(err.Error(), "has not come yet") {
		t.Errorf("applied today: %v", err)
	}
	w.holds(1, 1)
}

func destroyOne(o *run.ApplyOptions) { o.MaxDestroy = 1 }

// restore puts an earlier state file back, as a fresh clone has it after a run that died; nil is none.
func (w *world) restore(data []byte) {
	w.Helper()
	if data == nil {
		w.lose()
		return
	}
	w.file("dcsync.state.json", string(data))
}

// A renewal waits for a reissue that is under way: CertCentral would refuse it until then.
func TestRenewalWaitsForReissue(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, installer(t, "renew_before: 30d, allow: [reissue-revoking]"))
	w.mustApply()
	w.pass(330)
	w.file("dcsync.yaml", strings.Replace(projectYAML, "skip_approval: true", "skip_approval: false", 1))
	w.write("installer.csr", newCSR(t))
	w.mustApply(destroyOne)
	w.pass(20)
	w.edit("installer.yaml", "[pki@example.com]", "[pki@example.com, desktop@example.com]")
	p := w.plan(reconcile.RefreshAuto)
	w.want("in the window", changes(p), "update Order/installer (intent) /additional_emails=intent", "deferred Order/installer (time)")
	if c := w.change(p, resource.Deferred, "Order/installer"); !strings.Contains(c.Reason, "reissue is under way") || p.Waiting != 1 {
		t.Errorf("%s; %d wait", c.Reason, p.Waiting)
	}
	w.mustApply()
	w.holds(1, 1)
	w.do("880001", "approve")
	w.write("installer.csr", newCSR(t))
	w.change(w.plan(reconcile.RefreshAuto), resource.RenewOrder, "Order/installer")
}

// Where CertCentral is to ask for the next certificate by itself, dcsync does not, and says so once the window is open.
func TestLeftToCertCentral(t *testing.T) {
	t.Parallel()
	files := shop(t, "renew_before: 30d, key: reuse")
	w := newWorld(t, sandbox.Options{}, files)
	w.mustApply()
	w.patch("order", "880001", map[string]any{"auto_reissue": 1})
	for _, tt := range []struct{ days, warnings int }{{100, 0}, {110, 1}} {
		w.pass(tt.days)
		p := w.plan(reconcile.RefreshFull)
		w.want("plan", changes(p))
		n := 0
		for _, d := range p.Findings {
			if d.Code == diag.LeftToAccount {
				n++
			}
		}
		if n != tt.warnings {
			t.Errorf("after %d more days: %d warnings, want %d", tt.days, n, tt.warnings)
		}
	}
}

// What is due of an organization that is inactive in the account is told at plan.
func TestRenewalOfInactive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, installer(t, "renew_before: 30d, key: reuse"))
	w.mustApply()
	w.patch("organization", "70011", map[string]any{"status": "inactive"})
	w.pass(350)
	if c := w.change(w.plan(reconcile.RefreshAuto), resource.Blocked, "Order/installer"); c.Trigger != resource.ByTime || !strings.Contains(c.Reason, "70011 is inactive") {
		t.Errorf("%s %s", c.Trigger, c.Reason)
	}
}

// A renewal of ours that ended before it could be recorded is recorded as ended: it is nobody else's, and only another generation orders
// again.
func TestRenewalEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", lifecycleYAML(driverYAML, "renew_before: 30d")))
	w.mustApply()
	before := w.stateBytes()
	w.pass(340)
	w.mustApply()
	w.restore(before)
	w.do("880002", "revoke")
	w.want("results", outcomes(w.mustApply()), "adopt Order/driver: done")
	w.mustBlock("Order/driver", "order 880002 is revoked; raise lifecycle.generation")
	w.edit("driver.yaml", "renew_before: 30d", "renew_before: 30d, generation: 2")
	w.mustApply()
	w.holds(1, 3)
	w.converged()
}
