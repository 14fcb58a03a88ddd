package run_test

import (
	"fmt"
	"strings"
	"testing"

	"dcsync/internal/sandbox"
	"dcsync/reconcile"
)

// What a manifest wants of its current order is about the order at the end of its chain, also when the run that placed that one could not
// land it: it is taken over first, and the one before it is left alone.
func TestCurrentIsLast(t *testing.T) {
	t.Parallel()
	retire := func(w *world) {
		w.write("box.yaml", boxYAML+"retire: {target: current, action: revoke, comments: x}\n")
	}
	for _, how := range []string{"renewed", "renewed twice", "replaced"} {
		for _, lost := range []string{"older", "gone"} {
			t.Run("retired, "+how+", state "+lost, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, sandbox.Options{}, nil)
				last, older := w.chainOf(how)
				if lost == "gone" {
					older = nil
				}
				w.restore(older)
				retire(w)
				w.want("results", outcomes(w.mustApply()), "adopt Order/box: done")
				w.want("results", outcomes(w.mustApply()), "revoke Order/box: done")
				w.want("writes", w.writes(), "PUT /order/certificate/"+last+"/revoke")
				w.converged()
			})
		}
	}
	t.Run("reissued, replaced", func(t *testing.T) {
		t.Parallel()
		const now = "apply_changes: now, allow: [replace]"
		w := newWorld(t, sandbox.Options{}, shop(t, now))
		w.mustApply()
		older := w.stateBytes()
		w.edit("shop.yaml", "{years: 1}", "{days: 300}")
		w.write("shop.csr", newCSR(t))
		w.mustApply(destroyOne)
		w.restore(older)
		w.edit("shop.yaml", now, "protect: false")
		w.sent.take()
		w.want("results", outcomes(w.mustApply()), "adopt Order/shop: done")
		w.want("writes", w.writes())
		w.converged()
		if id := w.entry("Order", "shop").Identity.ID; id != "880002" {
			t.Errorf("it owns %s", id)
		}
	})
}

// An order that may have followed and cannot be read leaves open which one is current: nothing ends.
func TestCurrentIsUnsure(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, nil)
	last, older := w.chainOf("renewed")
	w.restore(older)
	w.write("box.yaml", boxYAML+"retire: {target: current, action: revoke, comments: x}\n")
	w.fault("GET /order/certificate/"+last, "status:500", 20)
	a, err := w.apply()
	if err != nil {
		t.Fatal(err)
	}
	w.want("results", outcomes(a), "blocked Order/box: blocked")
	if why := fmt.Sprint(a.Ledger.Results[0].Err); !strings.Contains(why, last) {
		t.Errorf("%s", why)
	}
	w.want("writes", w.writes())
}

// The end of the previous order may be written together with what makes it the previous one: it waits until then.
func TestPreviousIsToCome(t *testing.T) {
	t.Parallel()
	const retire = "retire: {target: previous, action: revoke, comments: x}\n"
	for _, how := range []string{"renewed", "replaced"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, nil)
			lifecycle := map[string]string{"renewed": "{renew_before: 30d}", "replaced": "{apply_changes: now, allow: [replace]}"}[how]
			w.write("box.yaml", boxYAML+"lifecycle: "+lifecycle+"\n"+retire)
			w.mustApply()
			w.do("880001", "issue")
			w.want("results of the first", outcomes(w.mustApply()))
			if how == "renewed" {
				w.pass(340)
			} else {
				w.edit("box.yaml", "{years: 1}", "{years: 2}")
			}
			action := map[string]string{"renewed": "renew", "replaced": "replace"}[how]
			w.want("results of the second", outcomes(w.mustApply(destroyOne)), action+" Order/box: waiting")
			w.want("plan", changes(w.plan(reconcile.RefreshAuto)), "deferred Order/box (intent)")
			w.do("880002", "issue")
			w.want("results of the end", outcomes(w.mustApply()), "revoke Order/box: done")
			if got := w.object("orders", "880001")["status"]; got != "revoked" {
				t.Errorf("the previous order is %v", got)
			}
			w.converged()
			w.holds(0, 2)
		})
	}
}

// A raised generation orders again where the order that state knows has ended and so has what followed it, also when state does not know of that.
func TestGenerationAfterUnlandedEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, nil)
	last, older := w.chainOf("renewed")
	w.restore(older)
	w.endBefore(last)
	w.edit("box.yaml", "lifecycle: {", "lifecycle: {generation: 2, ")
	w.mustBlock("Order/box", last+" is issued")
	w.do(last, "expire")
	w.want("results", outcomes(w.mustApply()), "create Order/box: waiting")
	w.converged()
}
