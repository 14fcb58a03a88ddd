package run_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"dcsync/internal/resource"
	"dcsync/internal/run"
	"dcsync/internal/sandbox"
	"dcsync/reconcile"
)

// refusedBy wants a run to be refused with a code.
func (w *world) refusedBy(code string, err error) {
	w.Helper()
	var r *run.Refused
	if !errors.As(err, &r) || r.Code != code {
		w.Errorf("error %v, want refused by %s", err, code)
	}
}

// What a run is bound to is checked before anything is written.
func TestBinding(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		spoil func(w *world)
		as    func(*resource.Identity)
		mod   func(*run.PlanOptions)
		code  string
	}{
		{name: "account of the state", as: func(id *resource.Identity) { id.AccountID = 999 }, code: "wrong_account"},
		{name: "account of the project", spoil: func(w *world) {
			w.file("dcsync.yaml", strings.Replace(projectYAML, "spec: {", "spec: {account_id: 42, ", 1))
		}, code: "wrong_account"},
		{name: "no account", spoil: (*world).lose, as: func(id *resource.Identity) { id.AccountID = 0 }, code: "unknown_account"},
		{name: "address", mod: func(o *run.PlanOptions) { o.APIURL = "https://www.digicert.com/services/v2" }, code: "wrong_address"},
		{name: "lineage", spoil: func(w *world) { w.file("dcsync.yaml", strings.Replace(projectYAML, "1111", "9999", 1)) }, code: "wrong_lineage"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, map[string]string{"box.yaml": boxYAML})
			w.mustApply()
			w.write("more.yaml", strings.NewReplacer("name: box", "name: more", "box@", "more@").Replace(boxYAML))
			if test.spoil != nil {
				test.spoil(w)
			}
			o := w.applyOptions()
			if test.mod != nil {
				test.mod(&o.PlanOptions)
			}
			account := seenAs{Remote: w.account(), identity: test.as}
			_, err := w.open().Plan(t.Context(), account, o.PlanOptions)
			w.refusedBy(test.code, err)
			w.sent.take()
			_, err = w.open().Apply(t.Context(), account, o)
			w.refusedBy(test.code, err)
			w.want("writes", w.writes())
			if test.code == "wrong_address" {
				o.APIURLExplicit = true
				if _, err := w.open().Plan(t.Context(), account, o.PlanOptions); err != nil {
					t.Errorf("with the address given on purpose: %v", err)
				}
			}
		})
	}
}

// Limits are checked on the whole plan, before anything is written.
func TestLimits(t *testing.T) {
	t.Parallel()
	boxes := map[string]string{}
	for i := range 6 {
		name := fmt.Sprintf("box%d", i)
		boxes[name+".yaml"] = strings.NewReplacer("name: box", "name: "+name, "box@", name+"@").Replace(boxYAML)
	}
	w := newWorld(t, sandbox.Options{}, boxes)
	_, err := w.apply(func(o *run.ApplyOptions) { o.MaxOrders = 5 })
	w.refusedBy("max_orders", err)
	if w.stateBytes() != nil {
		t.Error("a refused apply wrote the state")
	}
	w.want("writes", w.writes())
	w.mustApply(func(o *run.ApplyOptions) { o.MaxOrders = 6 })
	w.converged()
	for i := range 3 {
		w.remove(fmt.Sprintf("box%d.yaml", i))
	}
	_, err = w.apply()
	w.refusedBy("mass_forget", err)
	w.mustApply(func(o *run.ApplyOptions) { o.MaxDestroy = 3 })
	w.holds(0, 6)
	w.converged()
}

// The protection of what was applied outlives its manifest.
func TestProtectionOutlivesTheManifest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, with(acme(), "box.yaml", boxYAML+"lifecycle: {protect: true}\n"))
	w.mustApply()
	w.remove("box.yaml")
	for range 2 {
		a, err := w.apply()
		if err != nil {
			t.Fatal(err)
		}
		w.want("results", outcomes(a), "blocked Order/box: blocked")
		w.entry("Order", "box")
	}
	w.write("box.yaml", boxYAML)
	w.mustApply()
	w.remove("box.yaml")
	w.mustApply()
	w.converged()
	if o := w.object("orders", "880001"); o["status"] == "canceled" || o["status"] == "revoked" {
		t.Errorf("the forgotten order is %v", o["status"])
	}
}

// Keys that see less than the last one prove no absence.
func TestNarrowerKeys(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		as   func(*resource.Identity)
	}{
		{"another user", func(id *resource.Identity) { id.UserID = 7 }},
		{"other containers", func(id *resource.Identity) { id.Sees = []int64{4, 5} }},
		{"limited user", func(id *resource.Identity) { id.Limited = true }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, map[string]string{"box.yaml": boxYAML})
			w.mustApply()
			w.write("more.yaml", strings.NewReplacer("name: box", "name: more", "box@", "more@").Replace(boxYAML))
			account := seenAs{Remote: w.account(), identity: test.as}
			for range 2 { // a run that was not allowed to create does not make its user a trusted one
				a, err := w.open().Apply(t.Context(), account, w.applyOptions())
				if err != nil {
					t.Fatal(err)
				}
				w.want("results", outcomes(a), "blocked Order/more: blocked")
				w.holds(0, 1)
			}
			w.accept = true
			a, err := w.open().Apply(t.Context(), account, w.applyOptions())
			if err != nil {
				t.Fatal(err)
			}
			w.want("results", outcomes(a), "create Order/more: waiting")
			w.holds(0, 2)
		})
	}
}

// A key that shows nothing of what is managed: nothing is created again, nothing forgotten.
func TestKeyThatSeesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, demo())
	w.mustApply()
	blind, err := sandbox.New(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w.server.Config.Handler = blind.Handler()
	w.edit("driver.yaml", "pki@", "other@")
	for _, refresh := range []reconcile.Refresh{reconcile.RefreshAuto, reconcile.RefreshFull} {
		p := w.plan(refresh)
		w.want("plan", changes(p), "blocked Order/driver (intent)", "blocked Order/mail (drift)", "blocked Organization/acme (drift)")
		if !strings.Contains(p.Changes[0].Reason, "not visible to this key") {
			t.Errorf("reason %q", p.Changes[0].Reason)
		}
	}
	w.sent.take()
	if _, err := w.apply(); err != nil {
		t.Fatal(err)
	}
	w.want("writes", w.writes())
	if got := w.entry("Order", "driver").Applied.Spec["additional_emails"]; !resource.Equal(got, resource.List{resource.String("pki@example.com")}) {
		t.Errorf("emails %v pass for applied, but were never sent", got)
	}
}

// What the manifest says of an object that cannot be read now is applied as soon as it can be, not taken for applied.
func TestUnreadableObjectKeepsItsIntent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, demo())
	w.mustApply()
	w.edit("driver.yaml", "pki@", "other@")
	w.fault("GET /order/certificate/880001", "status:403", 1)
	a, err := w.apply()
	if err != nil {
		t.Fatal(err)
	}
	if a.Plan.Complete {
		t.Error("the plan calls itself complete")
	}
	w.want("plan", changes(a.Plan), "blocked Order/driver (drift)")
	w.want("next plan", changes(w.plan(reconcile.RefreshAuto)), "update Order/driver (intent) /additional_emails=intent")
	w.mustApply()
	w.converged()
}

// A listing that is not whole proves no absence, in either kind.
func TestIncompleteListing(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"Order", "Organization"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, demo())
			account := seenAs{Remote: w.account(), listing: func(k string, l *resource.Listing) {
				if k == kind {
					l.Complete, l.Problem = false, "a page is missing"
				}
			}}
			a, err := w.open().Apply(t.Context(), account, w.applyOptions())
			if err != nil {
				t.Fatal(err)
			}
			if a.Plan.Complete {
				t.Error("the plan calls itself complete")
			}
			want := []string{"blocked Order/driver: blocked", "blocked Order/mail: blocked", "blocked Organization/acme: blocked"}
			if kind == "Order" {
				want[2] = "create Organization/acme: done"
			}
			w.want("results", outcomes(a), want...)
			w.holds(map[string]int{"Order": 1, "Organization": 0}[kind], 0)
			w.mustApply()
			w.converged()
			w.holds(1, 2)
		})
	}
}

// A listing that cannot be read is an error of the run, and nothing is written.
func TestListingFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, demo())
	w.fault("GET /order/certificate", "status:500", 20)
	if _, err := w.apply(); err == nil {
		t.Error("no error")
	}
	w.want("writes", w.writes())
	if w.stateBytes() != nil {
		t.Error("the state was written")
	}
}

// The first refusal for want of permission ends the writes of the run.
func TestKeyMayNotWrite(t *testing.T) {
	t.Parallel()
	files := with(demo(), "box.yaml", boxYAML, "more.yaml", strings.NewReplacer("name: box", "name: more", "box@", "more@").Replace(boxYAML))
	w := newWorld(t, sandbox.Options{Keys: map[string]int{"sandbox-key": 0, "reader": 102}}, files)
	w.key = "reader"
	a, err := w.apply()
	if err != nil {
		t.Fatal(err)
	}
	failed, skipped := 0, 0
	for _, r := range a.Ledger.Results {
		switch r.Outcome {
		case resource.Failed:
			failed++
			if r.Err.Code != "access_denied|missing_permission" || r.Err.Status != http.StatusForbidden || r.Err.Hint == "" {
				t.Errorf("problem %+v", r.Err)
			}
		case resource.Skipped:
			skipped++
		default:
			t.Errorf("%s is %s", r.Address, r.Outcome)
		}
	}
	if failed != 1 || skipped != 4 {
		t.Errorf("%d failed and %d skipped, want 1 and 4: %v", failed, skipped, outcomes(a))
	}
	if n := len(w.sent.take()); n != 1 {
		t.Errorf("%d writes, want 1", n)
	}
	w.key = "sandbox-key"
	w.mustApply()
	w.converged()
}

// Who applied is known also after a run that died before it could record its order.
func TestWhoAppliedSurvivesACrash(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, map[string]string{"box.yaml": boxYAML})
	w.mustApply()
	w.write("more.yaml", strings.NewReplacer("name: box", "name: more", "box@", "more@").Replace(boxYAML))
	w.accept = true
	ctx, cancel := context.WithCancel(t.Context())
	w.sent.before = func(r *http.Request) {
		if r.Method == http.MethodPost {
			cancel() // as good as dead: nothing is recorded of this order
		}
	}
	other := seenAs{Remote: w.account(), identity: func(id *resource.Identity) { id.UserID = 7 }}
	if _, err := w.open().Apply(ctx, other, w.applyOptions()); err != nil {
		t.Fatal(err)
	}
	w.sent.before, w.accept = nil, false
	if got := w.state().Account.User.ID; got != 7 {
		t.Errorf("the state names user %d, want 7: user 9001 may not see what 7 ordered", got)
	}
	a, err := w.apply()
	if err != nil {
		t.Fatal(err)
	}
	w.want("results", outcomes(a), "blocked Order/more: blocked")
}

// What is blocked was not applied: state goes on naming the manifest that was.
func TestBlockedIsNotApplied(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", driverYAML))
	w.mustApply()
	before := w.entry("Order", "driver").Source
	w.edit("driver.yaml", "{years: 1}", "{years: 2}")
	w.write("driver.yaml", lifecycleYAML(strings.Replace(driverYAML, "{years: 1}", "{years: 2}", 1), "apply_changes: now"))
	if _, err := w.apply(); err != nil {
		t.Fatal(err)
	}
	w.mustBlock("Order/driver", "needs another order")
	if now := w.entry("Order", "driver").Source; now != before {
		t.Errorf("source moved from %+v to %+v", before, now)
	}
	w.edit("driver.yaml", "pki@example.com", "other@example.com")
	if _, err := w.apply(); err != nil {
		t.Fatal(err)
	}
	if now := w.entry("Order", "driver").Source; now == before {
		t.Errorf("source stayed at %+v although an address was applied", now)
	}
}
