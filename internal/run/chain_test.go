package run_test

import (
	"fmt"
	"strings"
	"testing"

	"dcsync/internal/resource"
	"dcsync/internal/run"
	"dcsync/internal/sandbox"
	"dcsync/reconcile"
)

// chainOf lets an order be followed by others under its manifest. It gives the id of the last one, and the state from before the second.
func (w *world) chainOf(how string) (last string, older []byte) {
	w.Helper()
	first := boxYAML + "lifecycle: {renew_before: 30d}\n"
	if how == "replaced" {
		first = boxYAML + "lifecycle: {apply_changes: now, allow: [replace]}\n"
	}
	w.write("box.yaml", first)
	w.mustApply()
	w.do("880001", "issue")
	w.mustApply()
	last, older = "880001", w.stateBytes()
	for n := range map[string]int{"renewed": 1, "renewed twice": 2, "replaced": 1}[how] {
		if how == "replaced" {
			w.edit("box.yaml", "{years: 1}", "{years: 2}")
		} else {
			w.pass(340)
		}
		w.mustApply(destroyOne)
		last = fmt.Sprintf("88000%d", n+2)
		w.do(last, "issue")
	}
	w.mustApply()
	w.converged()
	w.sent.take()
	return last, older
}

// endBefore lets every order before one end.
func (w *world) endBefore(last string) {
	w.Helper()
	for _, o := range w.dumped("orders") {
		if id := fmt.Sprint(o["id"]); id < last && o["status"] == "issued" {
			w.do(id, "expire")
		}
	}
}

// hidden is an account whose listing leaves orders out that a single read and the look-up show.
func (w *world) hidden(ids ...string) run.Account {
	w.Helper()
	return seenAs{Remote: w.account(), listing: func(_ string, l *resource.Listing) {
		var shown []*resource.Live
		for _, o := range l.Objects {
			if !strings.Contains(strings.Join(ids, " "), o.ID) {
				shown = append(shown, o)
			}
		}
		l.Objects = shown
	}}
}

// A state that is lost after an order was followed by another is found again at the end of that chain, whatever became of its
// beginning, and nothing is ordered.
func TestStateLostAfterRenewal(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"renewed", "renewed twice", "replaced"} {
		for _, old := range []string{"lives", "ended"} {
			for _, found := range []string{"in the listing", "by look-up"} {
				if old == "lives" && found == "by look-up" {
					continue // the order at the beginning is adopted; see TestOlderStateAfterRenewal
				}
				t.Run(how+"/"+old+"/"+found, func(t *testing.T) {
					t.Parallel()
					w := newWorld(t, sandbox.Options{}, nil)
					last, _ := w.chainOf(how)
					before := w.entry("Order", "box").Identity
					if old == "ended" {
						w.endBefore(last)
					}
					w.lose()
					account := run.Account(w.account())
					if found == "by look-up" {
						account = w.hidden(last)
					}
					a, err := w.open().Apply(t.Context(), account, w.applyOptions())
					if err != nil {
						t.Fatal(err)
					}
					w.want("results", outcomes(a), "adopt Order/box: done")
					w.want("writes", w.writes())
					got := w.entry("Order", "box").Identity
					if got.ID != last || got.Nonce != before.Nonce || got.Sequence != before.Sequence || got.Generation != before.Generation {
						t.Errorf("found %s, sequence %d of generation %d; the lost state had %s, %d of %d", got.ID, got.Sequence, got.Generation, before.ID, before.Sequence, before.Generation)
					}
					w.mustApply() // takes over what the listing now shows
					w.converged()
					if n := w.plan(reconcile.RefreshAuto).UnmanagedCount; n != 0 {
						t.Errorf("%d orders of the chain count as unmanaged", n)
					}
				})
			}
		}
	}
}

// The same for a state from before the chain: what followed the order it names is taken over, at once and at its end.
func TestOlderStateAfterRenewal(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"renewed", "renewed twice", "replaced"} {
		for _, old := range []string{"lives", "ended"} {
			t.Run(how+"/"+old, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, sandbox.Options{}, nil)
				last, older := w.chainOf(how)
				w.restore(older)
				if old == "ended" {
					w.endBefore(last)
				}
				w.want("results", outcomes(w.mustApply()), "adopt Order/box: done")
				if got := w.entry("Order", "box").Identity; got.ID != last {
					t.Errorf("took over %s, want %s", got.ID, last)
				}
				w.want("writes", w.writes())
				w.converged()
			})
		}
	}
}

// A lost state whose last order ended says so, and counts on from there; a renewal that lives is not ordered past by a raised generation.
func TestEndOfLostChain(t *testing.T) {
	t.Parallel()
	raise := func(w *world) { w.edit("box.yaml", "lifecycle: {", "lifecycle: {generation: 2, ") }
	t.Run("ended", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, sandbox.Options{}, nil)
		w.chainOf("renewed")
		w.do("880001", "expire")
		w.do("880002", "expire")
		w.lose()
		a, err := w.apply()
		if err != nil {
			t.Fatal(err)
		}
		if msg := a.Ledger.Results[0].Err.Message; !strings.Contains(msg, "880002, which is expired") {
			t.Errorf("%s", msg)
		}
		if got := w.entry("Order", "box").Identity; got.ID != "880002" || got.Sequence != 1 {
			t.Errorf("recorded %s, sequence %d", got.ID, got.Sequence)
		}
		raise(w)
		w.mustApply()
		w.holds(0, 3)
	})
	t.Run("ended, the one before alive", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, sandbox.Options{}, nil)
		w.chainOf("renewed")
		w.do("880002", "revoke")
		w.lose()
		w.want("results", outcomes(w.mustApply()), "adopt Order/box: done")
		if got := w.entry("Order", "box").Identity; got.ID != "880001" {
			t.Errorf("adopted %s", got.ID)
		}
		w.want("results", outcomes(w.mustApply()), "adopt Order/box: done") // the last one, as ended
		w.mustBlock("Order/box", "order 880002 is revoked; raise lifecycle.generation")
		w.holds(0, 2)
	})
	t.Run("alive, generation raised", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, sandbox.Options{}, nil)
		w.chainOf("renewed")
		w.do("880001", "expire")
		w.lose()
		raise(w)
		if c := w.change(w.plan(reconcile.RefreshAuto), resource.Blocked, "Order/box"); !strings.Contains(c.Reason, "880002") {
			t.Errorf("%s", c.Reason)
		}
		if _, err := w.apply(); err != nil {
			t.Fatal(err)
		}
		w.holds(0, 2)
	})
	t.Run("twins", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, sandbox.Options{}, nil)
		w.chainOf("renewed")
		w.write("crate.yaml", strings.Replace(boxYAML, "name: box", "name: crate", 1))
		w.mustApply()
		w.do("880003", "issue")
		w.lose()
		w.mustApply()
		if a, b := w.entry("Order", "box").Identity.ID, w.entry("Order", "crate").Identity.ID; a != "880002" || b != "880003" {
			t.Errorf("box is %s, crate is %s", a, b)
		}
		w.holds(0, 3)
		w.converged()
	})
}

// An order that ended outside git while the state was lost is told by the plan already, in two requests, and recorded by an apply.
func TestEndedWhileStateLost(t *testing.T) {
	t.Parallel()
	twin := strings.Replace(boxYAML, "name: box", "name: twin", 1)
	for _, tt := range []struct {
		name   string
		end    string
		status string
		more   func(*world) // before the state is lost
		plan   int          // requests of the plan beyond the listings
		id     string
		create bool // the plan cannot tell, and apply finds out
	}{
		{name: "rejected", end: "reject", status: "rejected", plan: 2},
		{name: "revoked", end: "revoke", status: "revoked", plan: 2},
		{name: "expired", end: "expire", status: "expired", plan: 2},
		{name: "another manifest's is newer", end: "revoke", status: "revoked", plan: 4, more: func(w *world) {
			w.write("twin.yaml", twin)
			w.mustApply()
			w.do("880002", "issue")
			w.do("880002", "revoke")
		}},
		{name: "somebody else's is newer", end: "revoke", status: "revoked", plan: 1 + 3, create: true, more: func(w *world) {
			body := map[string]any{"certificate": map[string]any{"emails": []any{"box@example.com"}, "signature_hash": "sha256"}, "order_validity": map[string]any{"years": 1}}
			if status, err := w.as("POST", "/order/certificate/class1_smime", body); err != nil || status != 201 {
				w.Fatalf("order: %d %v", status, err)
			}
			w.do("880002", "reject")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, map[string]string{"box.yaml": boxYAML})
			w.mustApply()
			if tt.end != "reject" {
				w.do("880001", "issue")
			}
			w.do("880001", tt.end)
			if tt.more != nil {
				tt.more(w)
			}
			w.lose()
			w.asked()
			p := w.plan(reconcile.RefreshAuto)
			if got := w.asked() - 4; got != tt.plan {
				t.Errorf("the plan took %d requests, want %d", got, tt.plan)
			}
			if tt.create {
				w.change(p, resource.Create, "Order/box")
			} else if c := w.change(p, resource.Blocked, "Order/box"); c.ID != "880001" || !p.HasBlockedIntent() || p.Cost.Orders != 0 ||
				!strings.Contains(c.Reason, "880001, which is "+tt.status+"; raise lifecycle.generation to order again") {
				t.Errorf("%s: %s", c.ID, c.Reason)
			}
			w.sent.take()
			a, err := w.apply()
			if err != nil {
				t.Fatal(err)
			}
			w.want("writes", w.writes())
			if r := a.Ledger.Results[0]; r.Outcome != resource.OutcomeOfBlocked || r.ID != "880001" || !strings.Contains(r.Err.Message, tt.status) || !strings.Contains(r.Err.Hint, "raise lifecycle.generation") {
				t.Errorf("%+v: %v", r, r.Err)
			}
			if e := w.entry("Order", "box").Identity; e.ID != "880001" || e.Generation != 1 || e.Sequence != 0 || e.Nonce == "" {
				t.Errorf("recorded %+v", e)
			}
			orders := len(w.dumped("orders"))
			w.write("box.yaml", boxYAML+"lifecycle: {generation: 2}\n")
			if _, err := w.apply(); err != nil {
				t.Fatal(err)
			}
			w.holds(0, orders+1)
		})
	}
}

// Before the order of a manifest is ended, apply looks for one that a lost run placed after it: by its key, wherever the plan could not see it.
// Where one lives, nothing is ended.
func TestEndOfFollowedOrder(t *testing.T) {
	t.Parallel()
	const consent = "apply_changes: now, allow: [replace]"
	first := lifecycleYAML(driverYAML, consent)
	tests := []struct {
		name   string
		change func(*world) // what the lost run placed another order for
		hidden bool         // from the listing of the next run
		ended  bool         // the follower is, before the next run
		reason string       // why nothing is ended; "" where it is
	}{
		{name: "hidden", change: func(w *world) { w.edit("driver.yaml", "{years: 1}", "{years: 2}") }, hidden: true,
			reason: "order 880002 (code_signing_ev, issued) was placed after order 880001"},
		{name: "of another product", change: func(w *world) { w.edit("driver.yaml", "code_signing_ev", "code_signing") },
			reason: "order 880002 (code_signing, issued) was placed after order 880001"},
		{name: "ended", change: func(w *world) { w.edit("driver.yaml", "code_signing_ev", "code_signing") }, ended: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", first))
			w.mustApply()
			before := w.stateBytes()
			tt.change(w)
			w.mustApply(destroyOne)
			w.holds(1, 2)
			w.restore(before)
			if tt.ended {
				w.do("880002", "revoke")
			}
			w.write("driver.yaml", retireYAML(first, "action: revoke"))
			account := run.Account(w.account())
			if tt.hidden {
				account = w.hidden("880002")
			}
			w.sent.take()
			a, err := w.open().Apply(t.Context(), account, w.applyOptions())
			if err != nil {
				t.Fatal(err)
			}
			if tt.reason == "" {
				w.want("results", outcomes(a), "revoke Order/driver: done")
				w.want("writes", w.writes(), "PUT /order/certificate/880001/revoke")
				return
			}
			w.want("results", outcomes(a), "revoke Order/driver: blocked")
			w.want("writes", w.writes())
			if p := a.Ledger.Results[0].Err; !strings.Contains(p.Message, tt.reason) || p.Hint == "" {
				t.Errorf("%q, %q", p.Message, p.Hint)
			}
			if !tt.hidden { // the ways on that the hint names
				tt.change(w)
			}
			w.want("results", outcomes(w.mustApply()), "adopt Order/driver: done")
		})
	}
}
