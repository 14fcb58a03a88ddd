package run_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
	"dcsync/internal/run"
	"dcsync/internal/sandbox"
	"dcsync/reconcile"
)

// mustBlock wants an address blocked for a reason.
func (w *world) mustBlock(address, reason string) {
	w.Helper()
	if c := w.change(w.plan(reconcile.RefreshAuto), resource.Blocked, address); !strings.Contains(c.Reason, reason) {
		w.Errorf("%s is blocked because %q, want %q", address, c.Reason, reason)
	}
}

// refusedFiles wants the project's files refused with a finding.
func (w *world) refusedFiles(summary string) {
	w.Helper()
	_, err := run.Open(context.Background(), w.dir, "", w.clock.Now())
	if err == nil || !strings.Contains(err.Error(), summary) {
		w.Errorf("open: %v, want %q", err, summary)
	}
}

func findings(p *reconcile.Plan) []string {
	var out []string
	for _, d := range p.Findings {
		out = append(out, string(d.Code)+" "+d.Address)
	}
	return out
}

// A renamed manifest keeps its order, without a call and with the name its orders are found by.
func TestMovedFrom(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, demo())
	w.mustApply()
	w.remove("driver.yaml")
	moved := strings.Replace(driverYAML, "name: driver", "name: kernel", 1)
	w.write("kernel.yaml", moved)
	w.mustBlock("Order/kernel", "write metadata.moved_from: [driver]")
	w.mustBlock("Order/driver", "Order/kernel looks like it under another name")
	w.write("kernel.yaml", strings.Replace(moved, "name: kernel", "name: kernel, moved_from: [driver]", 1))
	p := w.plan(reconcile.RefreshAuto)
	w.want("plan", changes(p))
	w.want("findings", findings(p), string(diag.Moved)+" Order/kernel")
	w.sent.take()
	w.mustApply()
	w.want("writes", w.writes())
	if e := w.entry("Order", "kernel"); e.Identity.Origin != "driver" || e.Identity.ID != "880001" {
		t.Errorf("identity %+v", e.Identity)
	}
	w.converged()
	w.lose() // the earlier name still finds the order
	w.mustApply()
	w.holds(1, 2)
	if e := w.entry("Order", "kernel"); e.Identity.Origin != "driver" || e.Identity.ID != "880001" {
		t.Errorf("identity after the loss %+v", e.Identity)
	}
	w.converged()
}

// A target is carried out with what it refers to, and nothing else is touched or recorded.
func TestTarget(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, with(demo(), "other.yaml", otherYAML))
	aim := func(address string) func(*run.ApplyOptions) {
		return func(o *run.ApplyOptions) {
			a, err := resource.ParseAddress(address)
			if err != nil {
				t.Fatal(err)
			}
			o.Targets = []resource.Address{a}
		}
	}
	w.want("results", outcomes(w.mustApply(aim("Order/mail"))), "create Order/mail: waiting", "create Organization/acme: done")
	w.holds(1, 1)
	w.mustApply()
	w.edit("driver.yaml", "[pki@example.com]", "[new@example.com]")
	w.edit("other.yaml", "ref: jane", "ref: ruth")
	w.mustApply(aim("Order/driver"))
	w.want("left", changes(w.plan(reconcile.RefreshAuto)),
		"update Organization/other (intent) /organization_contact/first_name=intent /organization_contact/last_name=intent /organization_contact/email=intent /organization_contact/job_title=intent /organization_contact/telephone=intent")
	if _, err := w.apply(aim("Order/nobody")); err == nil || !strings.Contains(err.Error(), "neither a manifest nor managed") {
		t.Errorf("unknown target: %v", err)
	}
}

// Drift tells what the account changed by itself and what nobody manages, and keeps quiet about intent.
func TestDriftCommand(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, demo())
	w.mustApply()
	if status, err := w.as("POST", "/order/certificate/class1_smime", map[string]any{
		"certificate": map[string]any{"emails": []string{"x@example.com"}, "signature_hash": "sha256"}, "order_validity": map[string]any{"years": 1}}); err != nil || status != 201 {
		t.Fatalf("order in the console: %d %v", status, err)
	}
	w.patch("order", "880001", map[string]any{"additional_emails": []string{"else@example.com"}})
	w.edit("mail.yaml", "  order_validity", "  additional_emails: [more@example.com]\n  order_validity")
	o := w.planOptions(reconcile.RefreshFull)
	o.Unmanaged, o.MaxOrders = true, 0
	p, err := w.open().Drift(t.Context(), w.account(), o)
	if err != nil {
		t.Fatal(err)
	}
	w.want("drift", changes(p), "update Order/driver (drift) /additional_emails=drift")
	if !p.HasDrift() || p.HasIntent() || len(p.Unmanaged) != 1 || p.Unmanaged[0].ID != "880003" {
		t.Errorf("unmanaged %v", p.Unmanaged)
	}
}

// The scope says what counts as unmanaged, and what a manifest may name.
func TestScope(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, demo())
	w.mustApply()
	if status, err := w.as("POST", "/order/certificate/class1_smime", map[string]any{
		"certificate": map[string]any{"emails": []string{"x@example.com"}, "signature_hash": "sha256"}, "order_validity": map[string]any{"years": 1}}); err != nil || status != 201 {
		t.Fatalf("order in the console: %d %v", status, err)
	}
	count := func(scope string) int {
		w.file("dcsync.yaml", strings.Replace(projectYAML, "settle: 0s", "settle: 0s, scope: "+scope, 1))
		return w.plan(reconcile.RefreshAuto).UnmanagedCount
	}
	if all, few, none := count("{products: [client_premium, code_signing_ev, class1_smime]}"), count("{products: [client_premium, code_signing_ev]}"), count("{organizations: [70011], containers: [11]}"); all != 1 || few != 0 || none != 1 {
		t.Errorf("unmanaged: %d, %d, %d", all, few, none)
	}
	w.file("dcsync.yaml", strings.Replace(projectYAML, "settle: 0s", "settle: 0s, scope: {products: [code_signing_ev]}", 1))
	w.refusedFiles("product client_premium lies outside")
}

// With strict a blocked intent refuses everything.
func TestStrict(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, demo())
	w.mustApply()
	w.edit("acme.yaml", "city: Lehi", "city: Orem")
	w.edit("mail.yaml", "  order_validity", "  additional_emails: [more@example.com]\n  order_validity")
	w.sent.take()
	if _, err := w.apply(func(o *run.ApplyOptions) { o.Strict = true }); err == nil || !strings.Contains(err.Error(), "all or nothing") {
		t.Errorf("strict: %v", err)
	}
	w.want("writes", w.writes())
}

// An order waits for its certificate as long as only DigiCert is to move, and no longer than it was told.
func TestWait(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		wait time.Duration
		want string
	}{{2 * time.Minute, "done"}, {10 * time.Second, "waiting"}, {0, "waiting"}} {
		w := newWorld(t, sandbox.Options{IssueAfter: time.Minute}, with(acme(), "driver.yaml", driverYAML))
		begin := w.clock.Now()
		a := w.mustApply(func(o *run.ApplyOptions) { o.Wait = tt.wait })
		w.want("results", outcomes(a), "create Order/driver: "+tt.want, "create Organization/acme: done")
		if took := w.clock.Now().Sub(begin); took > tt.wait {
			t.Errorf("waited %s of %s", took, tt.wait)
		}
	}
}

// A rule that time brings refuses what is sent now, and leaves alone what was sent before.
func TestOutdatedManifest(t *testing.T) {
	t.Parallel()
	dated := strings.Replace(driverYAML, "{years: 1}", `{custom_expiration_date: "09 JUN 2020"}`, 1)
	w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", driverYAML))
	w.mustApply()
	w.write("driver.yaml", dated)
	if p := w.plan(reconcile.RefreshAuto); p.HasBlockedIntent() {
		t.Errorf("an order that was placed is blocked: %v", changes(p))
	}
	w.write("kernel.yaml", strings.Replace(dated, "name: driver", "name: kernel", 1))
	if _, err := w.open().Plan(t.Context(), w.account(), w.planOptions(reconcile.RefreshAuto)); err == nil || !strings.Contains(err.Error(), "is in the past") {
		t.Errorf("a new order with a date that passed: %v", err)
	}
}

// What the account demands of orders is found at plan.
func TestAccountRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, map[string]string{"box.yaml": boxYAML})
	if status, err := w.as("POST", "/account/metadata", map[string]any{"label": "Ticket", "is_required": true, "is_active": true}); err != nil || status != 201 {
		t.Fatalf("add a custom field: %d %v", status, err)
	}
	w.mustBlock("Order/box", `requires the custom field "Ticket"`)
}

// A run that is told to stop while it waits ends at once, as an interrupted one, with all that was done recorded.
func TestWaitInterrupted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{IssueAfter: time.Hour}, map[string]string{"box.yaml": boxYAML})
	drain := make(chan struct{})
	a := w.mustApply(func(o *run.ApplyOptions) {
		o.Wait, o.Drain = 24*time.Hour, drain
		o.Sleep = func(ctx context.Context, _ time.Duration) error {
			close(drain)
			<-ctx.Done()
			return ctx.Err()
		}
	})
	if !a.Ledger.Interrupted {
		t.Error("it does not count as interrupted")
	}
	if e := w.entry("Order", "box"); e.Observed == nil {
		t.Error("what was seen last is not recorded")
	}
	w.converged()
}

// Nothing is ordered outside of the containers that the project looks at, also where nobody named one.
func TestContainerOutsideScope(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, map[string]string{"box.yaml": boxYAML})
	w.file("dcsync.yaml", strings.Replace(projectYAML, "settle: 0s", "settle: 0s, scope: {containers: [12]}", 1))
	w.mustBlock("Order/box", "it would go to container 11")
	w.file("dcsync.yaml", strings.Replace(projectYAML, "settle: 0s", "settle: 0s, scope: {containers: [11, 12]}", 1))
	w.mustApply()
	w.converged()
}

// A custom field that the account does not have, or no longer takes, is found at plan.
func TestUnknownCustomField(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, map[string]string{"box.yaml": strings.Replace(boxYAML, "  order_validity", "  custom_fields: [{metadata_id: 77, value: x}]\n  order_validity", 1)})
	w.mustBlock("Order/box", "no custom field 77")
	w.edit("box.yaml", "metadata_id: 77", "metadata_id: 17")
	w.mustBlock("Order/box", `("Retired field") is not active`)
	w.edit("box.yaml", "metadata_id: 17", "metadata_id: 12")
	w.mustApply()
}

// A plan that is limited to some objects says nothing about others.
func TestTargetFindings(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, with(acme(), "box.yaml", boxYAML))
	w.mustApply()
	w.remove("box.yaml")
	o := w.planOptions(reconcile.RefreshAuto)
	for _, tt := range []struct {
		target string
		want   int
	}{{"acme", 0}, {"", 1}} {
		o.Targets = nil
		if tt.target != "" {
			o.Targets = []resource.Address{{Kind: "Organization", Name: tt.target}}
		}
		p, err := w.open().Plan(t.Context(), w.account(), o)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Findings) != tt.want {
			t.Errorf("target %q: %v", tt.target, p.Findings)
		}
	}
}
