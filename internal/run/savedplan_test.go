package run_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"dcsync/internal/resource"
	"dcsync/internal/run"
	"dcsync/internal/sandbox"
	"dcsync/reconcile"
)

// A saved plan is carried out as it was shown, or not at all.
func TestSavedPlan(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		after func(w *world, p *reconcile.Plan)
		mod   func(*run.ApplyOptions)
		stale bool
	}{
		{name: "fits"},
		{name: "fits a day later", after: func(w *world, _ *reconcile.Plan) { _ = w.clock.Sleep(context.Background(), 24*time.Hour) }},
		{name: "a manifest changed", after: func(w *world, _ *reconcile.Plan) { w.edit("driver.yaml", "other@", "third@") }, stale: true},
		{name: "a comment changed", after: func(w *world, _ *reconcile.Plan) { w.edit("driver.yaml", "kind:", "# hello\nkind:") }, stale: true},
		{name: "the project changed", after: func(w *world, _ *reconcile.Plan) { w.file("dcsync.yaml", projectYAML+"# hello\n") }, stale: true},
		{name: "applied meanwhile", after: func(w *world, _ *reconcile.Plan) { w.mustApply() }, stale: true},
		{name: "state lost", after: func(w *world, _ *reconcile.Plan) { w.lose() }, stale: true},
		{name: "account drifted", after: func(w *world, _ *reconcile.Plan) {
			w.patch("order", "880001", map[string]any{"custom_renewal_message": "theirs"})
		}, stale: true},
		{name: "account holds it already", after: func(w *world, _ *reconcile.Plan) {
			w.patch("order", "880001", map[string]any{"additional_emails": []string{"other@example.com"}})
		}, stale: true},
		{name: "order ended", after: func(w *world, _ *reconcile.Plan) { w.do("880001", "issue"); w.do("880001", "revoke") }, stale: true},
		{name: "account of the state edited", after: func(_ *world, p *reconcile.Plan) { p.Account = &reconcile.AccountRef{ID: 7, APIURL: p.Account.APIURL} }, stale: true},
		{name: "digest edited", after: func(_ *world, p *reconcile.Plan) { p.Digest = "sha256:00" }, stale: true},
		{name: "another account", after: func(_ *world, p *reconcile.Plan) { p.Target.ID++ }, stale: true},
		{name: "another address", after: func(_ *world, p *reconcile.Plan) { p.Target.APIURL += "/" }, stale: true},
		{name: "made without the account", after: func(w *world, p *reconcile.Plan) { *p = *w.plan(reconcile.RefreshNone) }, stale: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			files := with(demo(), "driver.yaml", driverYAML+"  custom_renewal_message: ours\n")
			w := newWorld(t, sandbox.Options{IssueAfter: 1 << 50}, files)
			w.mustApply()
			w.edit("driver.yaml", "pki@", "other@")
			saved := w.plan(reconcile.RefreshFull)
			if test.after != nil {
				test.after(w, saved)
			}
			w.sent.take()
			a, err := w.apply(func(o *run.ApplyOptions) { o.Saved = saved })
			if !test.stale {
				if err != nil {
					t.Fatal(err)
				}
				w.want("results", outcomes(a), "update Order/driver: done")
				w.converged()
				return
			}
			if !errors.Is(err, run.ErrStale) {
				t.Errorf("error %v, want a stale plan", err)
			}
			w.want("writes", w.writes())
		})
	}
}

// A plan asks once, and a no is a no.
func TestConfirm(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, demo())
	asked := 0
	a, err := w.apply(func(o *run.ApplyOptions) {
		o.Confirm = func(*reconcile.Plan) (bool, error) { asked++; return false, nil }
	})
	if err != nil || !a.Declined || asked != 1 || a.Ledger != nil {
		t.Errorf("asked %d times, declined %v, ledger %v, error %v", asked, a.Declined, a.Ledger, err)
	}
	w.want("writes", w.writes())
	if w.stateBytes() != nil {
		t.Error("the state was written")
	}
	w.mustApply()
	w.mustApply(func(o *run.ApplyOptions) {
		o.Confirm = func(*reconcile.Plan) (bool, error) {
			t.Error("asked although nothing is to be done")
			return false, nil
		}
	})
}

// Without the account a plan shows what git changed, and nothing else.
func TestPlanWithoutAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, demo())
	none := func() []string {
		p, err := w.open().Plan(t.Context(), nil, w.planOptions(reconcile.RefreshNone))
		if err != nil {
			t.Fatal(err)
		}
		return changes(p)
	}
	w.want("first plan", none(), "create Order/driver (intent)", "create Order/mail (intent)", "create Organization/acme (intent)")
	w.mustApply()
	w.want("second plan", none())
	w.patch("order", "880001", map[string]any{"additional_emails": []string{}})
	w.want("drift", none())
	w.edit("driver.yaml", "pki@", "other@")
	w.want("intent", none(), "update Order/driver (intent) /additional_emails=intent")
	if n := len(w.sent.take()); n == 0 {
		t.Error("the apply sent nothing")
	}
	if p := w.plan(reconcile.RefreshFull); p.Changes[0].Fields[0].Origin != resource.FromBoth {
		t.Errorf("with the account: %v", changes(p))
	}
}
