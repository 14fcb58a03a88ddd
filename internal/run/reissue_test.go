package run_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"dcsync/internal/resource"
	"dcsync/internal/sandbox"
	"dcsync/reconcile"
)

// A new CSR is a reissue, with consent where the product's certificates may die of it, and asked for once.
func TestReissue(t *testing.T) {
	t.Parallel()
	for _, loss := range []string{"none", "answer", "state", "answer before"} {
		t.Run(loss, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, installer(t, "protect: false"))
			w.mustApply()
			first := w.object("orders", "880001")["certificate"].(map[string]any)["serial_number"].(string)
			w.write("installer.csr", newCSR(t))
			c := w.change(w.plan(reconcile.RefreshAuto), resource.Blocked, "Order/installer")
			if c.Trigger != resource.ByIntent || !strings.Contains(c.Reason, "allow: [reissue-revoking]") || !strings.Contains(c.Reason, first) {
				t.Errorf("without consent: %s", c.Reason)
			}
			w.edit("installer.yaml", "protect: false", "allow: [reissue-revoking]")
			before := w.stateBytes()
			switch loss {
			case "answer":
				w.fault("POST /order/certificate/*/reissue", "drop_after", 1)
			case "answer before":
				w.fault("POST /order/certificate/*/reissue", "drop_before", 1)
			}
			a := w.mustApply(destroyOne)
			w.want("results", outcomes(a), "reissue Order/installer: done")
			if loss == "state" {
				w.restore(before)
				w.mustApply(destroyOne)
			}
			order := w.object("orders", "880001")
			if order["reissues_count"] != 1.0 || order["certificate"].(map[string]any)["serial_number"] == first {
				t.Errorf("reissued %v times", order["reissues_count"])
			}
			w.converged()
			w.holds(1, 1)
		})
	}
}

// A reissue that waits for approval is not asked for again, is no drift, and what else differs waits for it.
func TestReissueWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, installer(t, "allow: [reissue-revoking]"))
	w.mustApply()
	w.file("dcsync.yaml", strings.Replace(projectYAML, "skip_approval: true", "skip_approval: false", 1))
	w.write("installer.csr", newCSR(t))
	before := w.stateBytes()
	w.want("results", outcomes(w.mustApply(destroyOne)), "reissue Order/installer: waiting")
	w.converged()
	w.restore(before) // the run died before it could record
	w.want("a run that knows nothing of it", changes(w.plan(reconcile.RefreshAuto)), "deferred Order/installer (intent) /certificate/csr=intent")
	w.sent.take()
	w.mustApply()
	w.want("writes", w.writes())
	w.write("installer.csr", newCSR(t))
	w.want("another change", changes(w.plan(reconcile.RefreshAuto)), "deferred Order/installer (intent) /certificate/csr=intent")
	w.do("880001", "approve")
	w.mustApply(destroyOne)
	if n := w.object("orders", "880001")["reissues_count"]; n != 1.0 {
		t.Errorf("%v reissues", n)
	}
}

// A change that waits for the next certificate moves no exit code; before the order is issued none can be asked for.
func TestReissueLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{IssueAfter: time.Hour}, installer(t, "apply_changes: at_renewal"))
	w.mustApply()
	w.write("installer.csr", newCSR(t))
	for _, step := range []string{"pending", "issued"} {
		p := w.plan(reconcile.RefreshAuto)
		w.want(step, changes(p), "deferred Order/installer (intent) /certificate/csr=intent")
		if p.HasIntent() || p.HasBlockedIntent() || p.HasDrift() {
			t.Errorf("%s: a waiting change moves the exit code", step)
		}
		w.pass(1)
		w.mustApply()
	}
	w.edit("installer.yaml", "apply_changes: at_renewal", "apply_changes: now, allow: [reissue-revoking]")
	w.mustApply(destroyOne)
}

// What an adopted order is not as its manifest wants it is an intent of its own, not drift.
func TestAdoptedDiffers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, installer(t, "allow: [reissue-revoking]"))
	w.mustApply()
	w.lose()
	w.write("installer.csr", newCSR(t))
	w.edit("installer.yaml", "{years: 1}", "{years: 2}")
	w.want("results", outcomes(w.mustApply()), "adopt Order/installer: done", "adopt Organization/acme: done")
	w.want("second plan", changes(w.planLoosely()), "reissue Order/installer (intent) /certificate/csr=intent",
		"deferred Order/installer (intent) /order_validity/years=intent")
	w.mustApply(destroyOne)
	if n := w.object("orders", "880001")["reissues_count"]; n != 1.0 {
		t.Errorf("%v reissues", n)
	}
}

// A reissue that people reject was never applied: what the manifest says stays an intent, however often an apply with nothing to do ran in
// between, and is asked for again.
func TestReissueRejected(t *testing.T) {
	t.Parallel()
	for _, idle := range []int{0, 2} {
		t.Run(fmt.Sprint(idle, " applies meanwhile"), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, installer(t, "allow: [reissue-revoking]"))
			w.mustApply()
			w.file("dcsync.yaml", strings.Replace(projectYAML, "skip_approval: true", "skip_approval: false", 1))
			before := resource.Get(w.entry("Order", "installer").Applied.Spec, "/certificate/csr")
			w.write("installer.csr", newCSR(t))
			w.want("results", outcomes(w.mustApply(destroyOne)), "reissue Order/installer: waiting")
			for range idle {
				w.converged()
			}
			if got := resource.Get(w.entry("Order", "installer").Applied.Spec, "/certificate/csr"); !resource.Equal(got, before) {
				t.Errorf("state says that the new CSR was applied while the request waits")
			}
			w.do("880001", "reject")
			p := w.planLoosely()
			w.want("after the rejection", changes(p), "reissue Order/installer (intent) /certificate/csr=intent")
			if c := w.change(p, resource.ReissueNow, "Order/installer"); !strings.Contains(c.Reason, "rejected") {
				t.Errorf("why: %s", c.Reason)
			}
			w.want("results", outcomes(w.mustApply(destroyOne)), "reissue Order/installer: waiting")
			w.do("880001", "approve")
			w.mustApply()
			w.converged()
			e := w.entry("Order", "installer")
			if e.Applied.Asked != nil || resource.Equal(resource.Get(e.Applied.Spec, "/certificate/csr"), before) {
				t.Errorf("the reissue that came through is not recorded as applied")
			}
		})
	}
}

// Taking back what a rejected reissue was for leaves nothing to do.
func TestReissueRejectedTakenBack(t *testing.T) {
	t.Parallel()
	files := installer(t, "allow: [reissue-revoking]")
	w := newWorld(t, sandbox.Options{}, files)
	w.mustApply()
	w.file("dcsync.yaml", strings.Replace(projectYAML, "skip_approval: true", "skip_approval: false", 1))
	w.write("installer.csr", newCSR(t))
	w.mustApply(destroyOne)
	w.do("880001", "reject")
	w.write("installer.csr", files["installer.csr"])
	w.mustApply()
	w.converged()
	if w.entry("Order", "installer").Applied.Asked != nil {
		t.Errorf("state still waits for the rejected reissue")
	}
}
