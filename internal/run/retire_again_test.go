package run_test

import (
	"fmt"
	"strings"
	"testing"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
	"dcsync/internal/run"
	"dcsync/internal/sandbox"
	"dcsync/reconcile"
)

// What a retire block means that was carried out, or refused, and is still in the manifest.

// previousYAML is a manifest that is renewed in time and wants the order before to be revoked.
func previousYAML(lines string) string {
	return strings.Replace(retireYAML(lifecycleYAML(driverYAML, lines), "action: revoke"), "target: current", "target: previous", 1)
}

// found gives the findings of a plan that have a code, as "summary; hint".
func found(p *reconcile.Plan, code diag.Code) []string {
	var out []string
	for _, d := range p.Findings {
		if d.Code == code {
			out = append(out, d.Summary+"; "+d.Hint)
		}
	}
	return out
}

func (w *world) statuses(orders ...string) string {
	w.Helper()
	var out []string
	for _, id := range orders {
		out = append(out, fmt.Sprint(w.object("orders", id)["status"]))
	}
	return strings.Join(out, " ")
}

// Consent to end the order before is for one order: after the next renewal the block ends nothing more, and the plan says so.
func TestRetirePreviousOnce(t *testing.T) {
	t.Parallel()
	const lines = "renew_before: 30d"
	w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", lifecycleYAML(driverYAML, lines)))
	w.mustApply()
	w.pass(340)
	w.mustApply()
	w.write("driver.yaml", previousYAML(lines))
	w.mustApply()
	w.converged()
	if p := w.plan(reconcile.RefreshAuto); len(found(p, diag.RetireSpent)) != 0 {
		t.Errorf("it warns of an end that was asked for: %v", found(p, diag.RetireSpent))
	}
	w.pass(340)
	w.want("results", outcomes(w.mustApply()), "renew Order/driver: done")
	const want = "retire: previous was carried out for order 880001; to end order 880002 too, name it: target: 880002; else take retire away"
	for _, refresh := range []reconcile.Refresh{reconcile.RefreshAuto, reconcile.RefreshFull, reconcile.RefreshNone} {
		p := w.plan(refresh)
		w.want("findings", found(p, diag.RetireSpent), want)
		w.want("plan", changes(p))
	}
	w.converged()
	before := w.stateBytes()
	w.lose()
	w.mustApply() // what is known of it then is that order 880001 is revoked
	w.converged()
	if p := w.plan(reconcile.RefreshAuto); len(found(p, diag.RetireSpent)) != 1 {
		t.Errorf("with the state lost it says %v", found(p, diag.RetireSpent))
	}
	w.restore(before)
	if got := w.statuses("880001", "880002", "880003"); got != "revoked issued issued" {
		t.Errorf("orders are %s", got)
	}
	w.edit("driver.yaml", "target: previous", "target: '880002'")
	w.mustApply()
	w.converged()
	if got := w.statuses("880001", "880002", "880003"); got != "revoked revoked issued" {
		t.Errorf("orders are %s", got)
	}
}

// A revocation that waits for approval has used the block too.
func TestRetirePreviousAsked(t *testing.T) {
	t.Parallel()
	const lines = "renew_before: 30d"
	w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", lifecycleYAML(driverYAML, lines)))
	w.mustApply()
	w.pass(340)
	w.mustApply()
	w.file("dcsync.yaml", strings.Replace(projectYAML, "skip_approval: true", "skip_approval: false", 1))
	w.write("driver.yaml", previousYAML(lines+", apply_changes: now, allow: [replace]"))
	w.want("results", outcomes(w.mustApply()), "revoke Order/driver: waiting")
	w.file("dcsync.yaml", projectYAML)
	w.edit("driver.yaml", "{years: 1}", "{years: 2}")
	w.want("results", outcomes(w.mustApply(destroyOne)), "replace Order/driver: done")
	w.converged()
	if p := w.plan(reconcile.RefreshAuto); len(found(p, diag.RetireSpent)) != 1 {
		t.Errorf("it says %v", found(p, diag.RetireSpent))
	}
	if got := w.statuses("880001", "880002", "880003"); got != "issued issued issued" {
		t.Errorf("orders are %s", got)
	}
}

// A plan that places another order while an unspent block stands says what the block will mean then.
func TestRetirePreviousAhead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", previousYAML("renew_before: 30d")))
	w.mustApply()
	w.pass(340)
	const ahead = "retire: previous then ends order 880001, when the new one is issued"
	if c := w.change(w.plan(reconcile.RefreshAuto), resource.RenewOrder, "Order/driver"); !strings.Contains(c.Reason, ahead) {
		t.Errorf("%s", c.Reason)
	}
	w.mustApply()
	w.mustApply()
	if got := w.statuses("880001", "880002"); got != "revoked issued" {
		t.Errorf("orders are %s", got)
	}
	w.pass(340)
	if c := w.change(w.plan(reconcile.RefreshAuto), resource.RenewOrder, "Order/driver"); strings.Contains(c.Reason, "retire") {
		t.Errorf("%s", c.Reason)
	}
}

// The order before is the newest one that ever stood: not a renewal that people rejected.
func TestRetirePreviousAfterRejection(t *testing.T) {
	t.Parallel()
	const lines = "renew_before: 30d"
	w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", lifecycleYAML(driverYAML, lines)))
	w.mustApply()
	w.file("dcsync.yaml", strings.Replace(projectYAML, "skip_approval: true", "skip_approval: false", 1))
	w.pass(340)
	w.mustApply()
	w.do("880002", "reject")
	w.file("dcsync.yaml", projectYAML)
	w.write("driver.yaml", previousYAML(lines))
	if c := w.change(w.plan(reconcile.RefreshAuto), resource.Deferred, "Order/driver"); c.ID != "880001" || !strings.Contains(c.Reason, "order 880002 is rejected") {
		t.Errorf("%s: %s", c.ID, c.Reason)
	}
	w.write("driver.yaml", previousYAML(lines+", generation: 2"))
	if c := w.change(w.plan(reconcile.RefreshAuto), resource.Create, "Order/driver"); !strings.Contains(c.Reason, "retire: previous then ends order 880001") {
		t.Errorf("%s", c.Reason)
	}
	w.mustApply()
	w.want("results", outcomes(w.mustApply()), "revoke Order/driver: done")
	w.converged()
	w.pass(340)
	w.want("results", outcomes(w.mustApply()), "renew Order/driver: done")
	w.converged()
	if got := w.statuses("880001", "880002", "880003", "880004"); got != "revoked rejected issued issued" {
		t.Errorf("orders are %s", got)
	}
}

// A revocation that the approver rejected is asked for again only when the block says something else.
func TestRevocationRejected(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", driverYAML))
	w.mustApply()
	w.file("dcsync.yaml", strings.Replace(projectYAML, "skip_approval: true", "skip_approval: false", 1))
	w.write("driver.yaml", retireYAML(driverYAML, "action: revoke"))
	w.want("results", outcomes(w.mustApply()), "revoke Order/driver: waiting")
	w.do("880001", "reject")
	w.sent.take()
	for range 2 {
		a, err := w.apply()
		if err != nil {
			t.Fatal(err)
		}
		w.want("results", outcomes(a), "blocked Order/driver: blocked")
	}
	w.want("writes", w.writes())
	w.mustBlock("Order/driver", "the revocation of order 880001 was rejected (request 4402); ")
	w.edit("driver.yaml", "comments: ticket 7", "comments: ticket 8")
	w.want("results", outcomes(w.mustApply()), "revoke Order/driver: waiting")
	w.converged()
	w.do("880001", "reject")
	w.mustBlock("Order/driver", "was rejected (request 4403)")
	w.edit("driver.yaml", "comments: ticket 8", "comments: ticket 7")
	w.mustBlock("Order/driver", "was rejected (request 4402)")
}

// A certificate that was ended stays ended, whichever order the manifest stands for by then.
func TestRetireCertificateOnce(t *testing.T) {
	t.Parallel()
	const consent = "apply_changes: now, key: reuse, renew_before: 30d"
	serialOf := func(w *world, id string) string {
		return w.object("orders", id)["certificate"].(map[string]any)["serial_number"].(string)
	}
	longer := func(w *world) {
		w.pass(340)
		w.mustApply()
	}
	retire := func(w *world, serial string) {
		w.edit("shop.yaml", "lifecycle:", "retire: {target: \"certificate:"+serial+"\", action: revoke, reason: superseded, comments: x}\nlifecycle:")
	}
	tests := map[string]func(*world){
		"revoked by this manifest": func(w *world) {
			first := serialOf(w, "880001")
			w.edit("shop.yaml", "www.shop.example.com]", "www.shop.example.com, pay.shop.example.com]")
			w.mustApply()
			retire(w, first)
			w.mustApply()
			w.converged()
			longer(w)
		},
		"approved later": func(w *world) {
			w.edit("shop.yaml", "www.shop.example.com]", "www.shop.example.com, pay.shop.example.com]")
			w.mustApply()
			second := serialOf(w, "880001")
			w.edit("shop.yaml", "pay.shop.example.com]", "pay.shop.example.com, new.shop.example.com]")
			w.mustApply()
			w.file("dcsync.yaml", strings.Replace(projectYAML, "skip_approval: true", "skip_approval: false", 1))
			retire(w, second)
			w.want("results", outcomes(w.mustApply()), "revoke Order/shop: waiting")
			w.do("880001", "approve")
			w.file("dcsync.yaml", projectYAML)
			longer(w)
		},
		"over with its order": func(w *world) {
			first := serialOf(w, "880001")
			longer(w)
			w.pass(60)
			retire(w, first)
			w.mustApply()
		},
	}
	for name, prepare := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, shop(t, consent))
			w.mustApply()
			prepare(w)
			w.converged()
			w.holds(1, 2)
		})
	}
}

// The hints on protection and generation beside retire lead to the end.
func TestRetireHints(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", lifecycleYAML(driverYAML, "protect: true")))
	w.mustApply()
	w.write("driver.yaml", retireYAML(lifecycleYAML(driverYAML, "protect: false"), "action: revoke"))
	if _, err := w.apply(); err != nil {
		t.Fatal(err)
	}
	w.mustBlock("Order/driver", "order 880001 is protected; take retire out, write protect: false and apply that; then put retire back")
	w.write("driver.yaml", lifecycleYAML(driverYAML, "protect: false"))
	w.mustApply()
	w.write("driver.yaml", retireYAML(lifecycleYAML(driverYAML, "generation: 2"), "action: revoke"))
	w.mustBlock("Order/driver", "put lifecycle.generation back to 1 and apply the end alone first; then take retire away and raise it")
	w.write("driver.yaml", retireYAML(driverYAML, "action: revoke"))
	w.mustApply()
	w.write("driver.yaml", retireYAML(lifecycleYAML(driverYAML, "generation: 2"), "action: revoke"))
	w.mustBlock("Order/driver", "take retire away to order again")
	w.write("driver.yaml", lifecycleYAML(driverYAML, "generation: 2"))
	w.mustApply()
	w.converged()
	w.holds(1, 2)
}

// So does the one on protection beside a change: it cannot be taken away together with what it guards against.
func TestProtectedChangeHints(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", lifecycleYAML(driverYAML, "protect: true")))
	w.write("acme.yaml", lifecycleYAML(acmeYAML, "protect: true"))
	w.mustApply()
	const consent = "apply_changes: now, allow: [replace], protect: false"
	longer := lifecycleYAML(strings.Replace(driverYAML, "{years: 1}", "{years: 2}", 1), consent)
	off := lifecycleYAML(strings.Replace(acmeYAML, "  telephone: 801-555-0100\n", "  telephone: 801-555-0100\n  status: inactive\n", 1), "protect: false")
	w.write("driver.yaml", longer)
	w.write("acme.yaml", off)
	if _, err := w.apply(); err != nil {
		t.Fatal(err)
	}
	w.mustBlock("Order/driver", "put the old value back, write protect: false and apply that; then change it, or leave the change to the next renewal")
	w.mustBlock("Organization/acme", "put the old status back, write protect: false and apply that; then switch it off")
	w.write("driver.yaml", lifecycleYAML(driverYAML, consent))
	w.write("acme.yaml", lifecycleYAML(acmeYAML, "protect: false"))
	w.mustApply()
	w.write("driver.yaml", longer)
	w.want("results", outcomes(w.mustApply(destroyOne)), "replace Order/driver: done")
	w.remove("driver.yaml")
	w.write("acme.yaml", strings.Replace(off, "protect: false", "allow: [deactivate-in-use]", 1))
	w.want("results", outcomes(w.mustApply(destroyOne)), "deactivate Organization/acme: done", "forget Order/driver: done")
}

// A revocation that waits for approval keeps an organization from being switched off, also when the block that asked for it is gone.
func TestDeactivateWhileRevocationWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", driverYAML))
	w.mustApply()
	w.file("dcsync.yaml", strings.Replace(projectYAML, "skip_approval: true", "skip_approval: false", 1))
	w.write("driver.yaml", retireYAML(driverYAML, "action: revoke"))
	w.mustApply()
	w.write("driver.yaml", driverYAML)
	w.mustApply()
	w.write("acme.yaml", lifecycleYAML(strings.Replace(acmeYAML, "  telephone: 801-555-0100\n", "  telephone: 801-555-0100\n  status: inactive\n", 1), "allow: [deactivate-in-use]"))
	w.mustBlock("Organization/acme", "orders 880001 of it are under way")
	w.do("880001", "expire") // which decides no request
	if _, err := w.apply(); err != nil {
		t.Fatal(err)
	}
	w.mustBlock("Organization/acme", "orders 880001 of it are under way")
}

// What is forgotten after its end is not said to live on.
func TestForgetEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", driverYAML))
	w.mustApply()
	w.write("driver.yaml", retireYAML(driverYAML, "action: revoke"))
	w.mustApply()
	w.remove("driver.yaml")
	for _, refresh := range []reconcile.Refresh{reconcile.RefreshAuto, reconcile.RefreshNone} {
		p := w.plan(refresh)
		w.want("findings", found(p, diag.Forgotten), "Order/driver is no longer managed; 880001 is revoked; nothing of it is left to manage")
		if c := w.change(p, resource.Forget, "Order/driver"); c.Reason != "its manifest is gone; 880001 is revoked, and is no longer managed" {
			t.Errorf("%s", c.Reason)
		}
	}
}

// One thing is one thing.
func TestLimitsCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", driverYAML))
	if _, err := w.apply(func(o *run.ApplyOptions) { o.MaxOrders = 0 }); err == nil || err.Error() != "the plan places 1 order, more than the 0 allowed" {
		t.Errorf("%v", err)
	}
	w.mustApply()
	w.write("driver.yaml", lifecycleYAML(strings.Replace(driverYAML, "{years: 1}", "{years: 2}", 1), "apply_changes: now, allow: [replace]"))
	if _, err := w.apply(); err == nil || err.Error() != "the plan ends 1 thing that cannot be brought back, more than the 0 allowed" {
		t.Errorf("%v", err)
	}
}

// A single certificate whose revocation people approve is not asked to be revoked again, although the order goes on and shows nothing of it;
// another one of the order is, in the same words.
func TestRetireCertificateApprovedLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, shop(t, "key: reuse"))
	w.mustApply()
	first := w.object("orders", "880001")["certificate"].(map[string]any)["serial_number"].(string)
	w.edit("shop.yaml", "www.shop.example.com]", "www.shop.example.com, pay.shop.example.com]")
	w.mustApply()
	second := w.object("orders", "880001")["certificate"].(map[string]any)["serial_number"].(string)
	w.file("dcsync.yaml", strings.Replace(projectYAML, "skip_approval: true", "skip_approval: false", 1))
	w.edit("shop.yaml", "lifecycle:", "retire: {target: \"certificate:"+second+"\", action: revoke, reason: superseded, comments: x}\nlifecycle:")
	for n, serial := range []string{second, first} {
		w.edit("shop.yaml", "certificate:"+second, "certificate:"+serial)
		w.want("results", outcomes(w.mustApply()), "revoke Order/shop: waiting")
		w.do("880001", "approve")
		for range 2 {
			w.want("results", outcomes(w.mustApply()))
		}
		w.converged()
		asked := 0
		for _, r := range w.dumped("requests") {
			if r["type"] == "revoke" {
				asked++
			}
		}
		if asked != n+1 {
			t.Errorf("%d requests to revoke, want %d", asked, n+1)
		}
	}
}
