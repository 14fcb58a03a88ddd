package run_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"dcsync/internal/resource"
	"dcsync/internal/run"
	"dcsync/internal/sandbox"
	"dcsync/reconcile"
)

// asked gives how many requests the account saw since the last call.
func (w *world) asked() int {
	w.Helper()
	n := int(w.control("GET", "/stats", nil)["total"].(float64))
	w.control("DELETE", "/stats", nil)
	return n
}

// The requests of a plan, and of an apply beyond its plan, are what the plan says they are (architecture, requests). P is one page of
// organizations and one of orders, and the account's user and page are two more.
func TestRequestCounts(t *testing.T) {
	t.Parallel()
	const pages = 2
	const idle = pages + 2
	signed := func(lines string) string { return lifecycleYAML(driverYAML, lines) }
	tests := []struct {
		name   string
		before func(*world) // after the first apply of the project
		plan   int          // requests of the plan
		apply  int          // requests of the apply beyond its plan
		first  bool         // nothing was applied yet
		files  map[string]string
	}{
		{name: "nothing changed", plan: idle},
		// A technical contact and a note are sent after creation, so an organization takes 2 requests, an order with a note 3.
		{name: "all is new", first: true, plan: idle + 3, apply: 2 + 3 + 2 + pages},
		// An order of its product and organization, that nobody owns, may be what a new manifest was ordered as before.
		{name: "new beside somebody's", files: map[string]string{"mail.yaml": strings.ReplaceAll(mailYAML, "Alice", "Alina")},
			before: func(w *world) {
				w.remove("mail.yaml")
				w.mustApply()
				w.write("mail.yaml", strings.Replace(mailYAML, "name: mail", "name: post", 1))
			}, plan: idle + 3 + 1, apply: 2 + pages},
		{name: "new beside the same name", files: map[string]string{"mail.yaml": strings.ReplaceAll(mailYAML, "client_premium", "client_email_security_plus")},
			before: func(w *world) {
				w.remove("mail.yaml")
				w.mustApply()
				w.write("mail.yaml", strings.Replace(mailYAML, "name: mail", "name: post, moved_from: [letter]", 1))
			}, plan: idle + 3 + 1, apply: 3 + pages},
		{name: "one manifest", before: func(w *world) { w.edit("driver.yaml", "[pki@example.com]", "[new@example.com]") }, plan: idle + 1, apply: 1 + pages},
		{name: "notes", before: func(w *world) { w.edit("driver.yaml", `["ticket 1"]`, `["ticket 2", "ticket 3"]`) }, plan: idle + 1, apply: 3 + pages},
		{name: "list item moved", before: func(w *world) {
			w.patch("order", "880001", map[string]any{"disable_renewal_notifications": true})
		}, plan: idle + 1, apply: 0},
		{name: "renewal", files: map[string]string{"driver.yaml": signed("renew_before: 30d")}, before: func(w *world) { w.pass(340) },
			plan: idle + 3 + 1, apply: 3 + pages},
		{name: "revocation", before: func(w *world) { w.write("driver.yaml", retireYAML(driverYAML, "action: revoke")) }, plan: idle + 1, apply: 2 + pages},
		{name: "switched off", files: map[string]string{"other.yaml": otherYAML + "  status: active\n"},
			before: func(w *world) { w.edit("other.yaml", "status: active", "status: inactive") }, plan: idle + 1, apply: 1 + pages},
		{name: "forgotten", before: func(w *world) { w.remove("mail.yaml") }, plan: idle, apply: 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			files := demo()
			for name, text := range tt.files {
				files[name] = text
			}
			w := newWorld(t, sandbox.Options{}, files)
			if !tt.first {
				w.mustApply()
			}
			if tt.before != nil {
				tt.before(w)
			}
			w.asked()
			loose := func(o *run.PlanOptions) { o.MaxDestroy, o.MaxOrders = 9, 9 }
			o := w.planOptions(reconcile.RefreshAuto)
			loose(&o)
			p, err := w.open().Plan(t.Context(), w.account(), o)
			if err != nil {
				t.Fatal(err)
			}
			if got := w.asked(); got != tt.plan {
				t.Errorf("the plan took %d requests, want %d: %s", got, tt.plan, strings.Join(changes(p), "; "))
			}
			if p.Cost.Requests != tt.apply {
				t.Errorf("the plan says that apply takes %d requests, want %d", p.Cost.Requests, tt.apply)
			}
			a := w.mustApply(func(o *run.ApplyOptions) { loose(&o.PlanOptions) })
			if got := w.asked() - tt.plan; got != tt.apply {
				t.Errorf("apply took %d requests beyond its plan, want %d: %s", got, tt.apply, strings.Join(outcomes(a), "; "))
			}
		})
	}
}

// A reissue takes one request more than other changes: a last look at the order.
func TestReissueCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{IssueAfter: time.Hour}, installer(t, "allow: [reissue-revoking]"))
	w.mustApply()
	w.pass(1)
	w.mustApply()
	w.write("installer.csr", newCSR(t))
	p := w.planLoosely()
	if c := w.change(p, resource.ReissueNow, "Order/installer"); c.Requests != 2 || p.Cost.Requests != 4 {
		t.Errorf("%d requests of the change, %d of the apply", c.Requests, p.Cost.Requests)
	}
	w.asked()
	w.mustApply(destroyOne)
	if got := w.asked(); got != 4+1+4 {
		t.Errorf("apply took %d requests", got)
	}
}

// planLoosely makes a plan that no limit refuses.
func (w *world) planLoosely() *reconcile.Plan {
	w.Helper()
	o := w.planOptions(reconcile.RefreshAuto)
	o.MaxDestroy, o.MaxOrders = 99, 99
	p, err := w.open().Plan(context.Background(), w.account(), o)
	if err != nil {
		w.Fatalf("plan: %v", err)
	}
	return p
}
