package run_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/resource"
	"dcsync/internal/run"
	"dcsync/internal/sandbox"
	"dcsync/reconcile"
)

// However a write fails, the same project applied again ends with each thing done once, also when the state file is lost between the
// runs and when the account refuses a nonce that is in use.
func TestExactlyOnce(t *testing.T) {
	t.Parallel()
	calls := []struct{ name, match string }{
		{"order", "POST /order/certificate/code_signing_ev"},
		{"client order", "POST /order/certificate/client_premium"},
		{"organization", "POST /organization"},
		{"note", "POST /order/certificate/*/note"},
		{"technical contact", "PUT /organization/*/contact"},
		{"look-up", "GET /order/alternate/*"},
		{"listing", "GET /order/certificate"},
	}
	for _, c := range calls {
		for _, fault := range []string{"drop_before", "drop_after", "status:503", "status:500", "status_after:500", "status_after:503", "html", "delay"} {
			for _, lost := range []bool{false, true} {
				for _, times := range []int{1, 40} {
					name := fmt.Sprintf("%s/%s/%d/lost=%v", c.name, strings.ReplaceAll(fault, ":", "_"), times, lost)
					effect := fault == "drop_after" || fault == "status_after:503"
					if times > 1 && !effect && fault != "status:503" || lost && !effect {
						continue
					}
					t.Run(name, func(t *testing.T) {
						t.Parallel()
						w := newWorld(t, sandbox.Options{UniqueAlternativeIDs: times == 1 && lost}, demo())
						do := fault
						if fault == "delay" {
							do, w.timeout = "delay:10s", 300*time.Millisecond
						}
						w.fault(c.match, do, times)
						a, err := w.apply()
						if c.name != "listing" && err != nil {
							t.Fatalf("apply: %v", err)
						}
						if a != nil && a.Ledger != nil {
							for _, r := range a.Ledger.Results {
								if r.Outcome == resource.OutcomeOfBlocked {
									t.Errorf("%s %s is blocked: %v", r.Action, r.Address, r.Err)
								}
							}
						}
						w.control("DELETE", "/faults", nil)
						if lost {
							w.lose()
						}
						w.mustApply()
						w.converged()
						w.holds(1, 2)
						w.want("notes", w.noteTexts(w.entry("Order", "driver").Identity.ID), "ticket 1")
					})
				}
			}
		}
	}
}

// Changes of what exists are repeated until the account holds them, whatever becomes of the answers.
func TestChangesSurviveFaults(t *testing.T) {
	t.Parallel()
	for _, match := range []string{"PUT /order/certificate/*/additional-emails", "PUT /organization/*/contact", "POST /order/certificate/*/custom-field",
		"DELETE /order/certificate/*/note/*", "PUT /order/certificate/*/contact", "PUT /order/certificate/*/renewal-emails/*", "PUT /order/certificate/*/custom-renewal-message",
		"POST /organization/*/validation"} {
		for _, fault := range []string{"drop_before", "drop_after", "status:500", "status_after:503", "status:400"} {
			t.Run(match+"/"+fault, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, sandbox.Options{IssueAfter: 1 << 50}, driftProject())
				w.mustApply()
				w.edit("driver.yaml", "pki@", "other@")
				w.edit("driver.yaml", "job_title: Lead", "job_title: Chief")
				w.edit("driver.yaml", "cost-1", "cost-2")
				w.edit("driver.yaml", `["ticket 1"]`, `["ticket 2"]`)
				w.edit("driver.yaml", "Soon", "Now")
				w.edit("driver.yaml", "notifications: true", "notifications: false")
				w.edit("acme.yaml", "job_title: Officer", "job_title: Chief")
				w.edit("acme.yaml", "  technical", "  validations: [{type: ov}]\n  technical")
				w.fault(match, fault, 30)
				if _, err := w.apply(); err != nil {
					t.Fatal(err)
				}
				w.control("DELETE", "/faults", nil)
				w.mustApply()
				w.converged()
				w.want("notes", w.noteTexts("880001"), "ticket 2")
				w.holds(1, 1)
			})
		}
	}
}

// An order that cannot be found at once is waited for: three look-ups over the settle time.
func TestSettle(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		visible time.Duration
		fault   string
		lookups int
		posts   int
	}{
		{name: "found after the settle time", visible: 50 * time.Second, fault: "drop_after", lookups: 1 + 3, posts: 1},
		{name: "found at half time", visible: 20 * time.Second, fault: "drop_after", lookups: 1 + 2, posts: 1},
		{name: "never placed", fault: "drop_before", lookups: 1 + 3, posts: 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{VisibleAfter: test.visible}, map[string]string{"box.yaml": boxYAML})
			w.settle = time.Minute
			w.fault("POST /order/certificate/class1_smime", test.fault, 1)
			w.mustApply()
			w.holds(0, 1)
			stats := w.control("GET", "/stats", nil)["requests"].(map[string]any)
			if got := stats["GET /order/alternate/{alternative_order_id}"]; got != float64(test.lookups) {
				t.Errorf("%v look-ups, want %d", got, test.lookups)
			}
			if got := stats["POST /order/certificate/{product_name_id}"]; got != float64(test.posts) {
				t.Errorf("%v orders sent, want %d", got, test.posts)
			}
			var waited time.Duration
			for _, d := range w.clock.slept {
				waited += d
			}
			if test.visible != 20*time.Second && waited < time.Minute {
				t.Errorf("waited %s, want the whole settle time", waited)
			}
			w.clock.Sleep(t.Context(), time.Minute)
			w.mustApply()
			w.converged()
		})
	}
}

// An order that the look-up does not know but the listing shows is found all the same.
func TestRecentOrderIsFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, map[string]string{"box.yaml": boxYAML})
	w.fault("GET /order/alternate/*", "status:404", 30)
	w.fault("POST /order/certificate/class1_smime", "drop_after", 1)
	w.mustApply()
	w.holds(0, 1)
	w.converged()
}

// A lock whose owner died imposes the settle time on the creates of the next run.
func TestLockLeftBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{VisibleAfter: 50 * time.Second}, map[string]string{"box.yaml": boxYAML})
	w.settle = time.Minute
	w.mustApply()
	w.lose() // as if the machine had died between the order and the record
	w.file(".dcsync/lock", `{"host":"gone","process":1,"since":"2026-03-01T12:00:00Z"}`)
	w.mustApply(func(o *run.ApplyOptions) { o.Locking.Mode = "file" })
	w.holds(0, 1)
	w.converged()
}

// So it does on the ends: what the dead run placed after an order must be to be found before that is ended.
func TestLockLeftBehindEnd(t *testing.T) {
	t.Parallel()
	manifest := lifecycleYAML(driverYAML, "apply_changes: now, allow: [replace]")
	w := newWorld(t, sandbox.Options{VisibleAfter: 50 * time.Second}, with(acme(), "driver.yaml", manifest))
	w.settle = time.Minute
	w.mustApply()
	if err := w.clock.Sleep(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	w.mustApply()
	before := w.stateBytes()
	w.edit("driver.yaml", "{years: 1}", "{years: 2}")
	w.mustApply(destroyOne)
	w.restore(before)
	w.file(".dcsync/lock", `{"host":"gone","process":1,"since":"2026-03-01T12:00:00Z"}`)
	w.write("driver.yaml", retireYAML(manifest, "action: revoke"))
	a := w.mustApply(func(o *run.ApplyOptions) { o.Locking.Mode = "file" })
	w.want("results", outcomes(a), "adopt Order/driver: done")
}

// A lost state file is found again in the account: orders by nonce, organizations by their details, notes by their words.
func TestStateLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, demo())
	w.mustApply()
	before := w.state()
	w.lose()
	w.want("plan", changes(w.plan(reconcile.RefreshAuto)), "adopt Order/driver (recovery)", "adopt Order/mail (recovery)", "adopt Organization/acme (recovery)")
	w.sent.take()
	w.mustApply()
	w.want("writes", w.writes())
	w.converged()
	after := w.state()
	for _, e := range after.Objects {
		e.Source.Commit = ""
	}
	if d := cmp.Diff(before, after); d != "" {
		t.Errorf("the state found again (-lost +found):\n%s", d)
	}
}

// What was adopted is completed: contacts, notes, emails that a crash or somebody else left undone.
func TestAdoptionCompletes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, demo())
	w.mustApply()
	w.lose()
	w.patch("organization", "70011", map[string]any{"technical_contact": nil})
	w.patch("order", "880001", map[string]any{"notes": []any{}, "additional_emails": []any{}})
	w.sent.take()
	w.mustApply()
	w.want("writes", w.writes(), "PUT /organization/70011/contact", "PUT /order/certificate/880001/additional-emails", "POST /order/certificate/880001/note")
	w.holds(1, 2)
	w.converged()
}

// The nonce decides what is adopted, and anything unclear about it blocks.
func TestLookupVerdicts(t *testing.T) {
	t.Parallel()
	gen2 := boxYAML + "lifecycle: {generation: 2}\n"
	for _, test := range []struct {
		name   string
		twins  int // further orders of the same nonce
		do     string
		edit   [2]string
		want   []string // results of the next apply
		reason string
		orders int
		then   string // the manifest afterwards; it must end with one live order
	}{
		{name: "one live", want: []string{"adopt Order/box: done"}, orders: 1},
		{name: "two live", twins: 1, want: []string{"blocked Order/box: blocked"}, reason: "several live orders", orders: 2},
		{name: "ended", do: "revoke", want: []string{"blocked Order/box: blocked"}, reason: "it was ordered before as 880001, which is revoked", orders: 1, then: gen2},
		{name: "one ended, one live", twins: 1, do: "revoke", want: []string{"adopt Order/box: waiting"}, orders: 2},
		{name: "rejected", do: "expire", want: []string{"blocked Order/box: blocked"}, reason: "which is expired", orders: 1, then: gen2},
		{name: "another address", edit: [2]string{"[box@example.com]", "[else@example.com]"}, want: []string{"blocked Order/box: blocked"},
			reason: "differs in /certificate/emails", orders: 1},
		{name: "another order of emails", edit: [2]string{"[box@example.com]", "[box@example.com, more@example.com]"}, want: []string{"adopt Order/box: done"}, orders: 1},
		{name: "another name", edit: [2]string{"name: box", "name: crate"}, want: []string{"blocked Order/crate: blocked"},
			reason: "placed by this project under another name", orders: 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, map[string]string{"box.yaml": boxYAML})
			w.mustApply()
			nonce := w.entry("Order", "box").Identity.Nonce
			for range test.twins {
				w.post("/order/certificate/class1_smime", map[string]any{"certificate": map[string]any{"emails": []string{"box@example.com"}, "signature_hash": "sha256"},
					"order_validity": map[string]any{"years": 1}, "alternative_order_id": nonce, "skip_approval": true})
			}
			w.do("880001", "issue")
			if test.do != "" {
				w.do("880001", test.do)
			}
			if test.edit[0] != "" {
				w.edit("box.yaml", test.edit[0], test.edit[1])
			}
			w.lose()
			a, err := w.apply()
			if err != nil {
				t.Fatal(err)
			}
			w.want("results", outcomes(a), test.want...)
			if test.reason != "" && !strings.Contains(a.Ledger.Results[0].Err.Message, test.reason) {
				t.Errorf("reason %q, want it to say %q", a.Ledger.Results[0].Err.Message, test.reason)
			}
			w.holds(0, test.orders)
			if test.reason != "" {
				a, err := w.apply() // and again, now that it is recorded
				if err != nil || slices.ContainsFunc(a.Ledger.Results, func(r reconcile.Result) bool { return r.Outcome == resource.Done }) {
					t.Errorf("second apply: %v %v", outcomes(a), err)
				}
				w.holds(0, test.orders)
			}
			if test.then != "" {
				w.write("box.yaml", test.then)
				w.mustApply()
				w.holds(0, test.orders+1)
				w.converged()
			}
		})
	}
}

// A rename that nobody told dcsync about is seen while the order is in doubt; consent in git ends the stop.
func TestOrderUnderAnotherName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, map[string]string{"box.yaml": boxYAML})
	w.mustApply()
	w.lose()
	w.write("box.yaml", strings.Replace(boxYAML, "name: box", "name: crate", 1)+"lifecycle: {generation: 2}\n")
	w.mustApply()
	w.holds(0, 2)
	w.converged()
}

// An order that was forgotten stands in nobody's way but of one for the same names.
func TestForgottenOrderOfOtherNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, map[string]string{"box.yaml": boxYAML})
	w.mustApply()
	w.remove("box.yaml")
	w.mustApply()
	w.write("crate.yaml", strings.NewReplacer("name: box", "name: crate", "box@", "crate@").Replace(boxYAML))
	w.mustApply()
	w.holds(0, 2)
	w.converged()
}

// An order that may be the one in question but cannot be read is no proof of absence.
func TestCandidateThatCannotBeRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, map[string]string{"box.yaml": boxYAML})
	w.mustApply()
	w.lose()
	w.edit("box.yaml", "name: box", "name: crate")
	w.fault("GET /order/certificate/880001", "status:403", 1)
	a, err := w.apply()
	if err != nil {
		t.Fatal(err)
	}
	w.want("results", outcomes(a), "blocked Order/crate: blocked")
	w.holds(0, 1)
}

// An alternative_order_id of the manifest's own is anybody's to choose: what carries it is adopted only if all of it agrees.
func TestOwnAlternativeID(t *testing.T) {
	t.Parallel()
	own := strings.Replace(boxYAML, "order_validity", "alternative_order_id: desk-41\n  order_validity", 1)
	for years, want := range map[int]string{1: "adopt Order/box: waiting", 2: "blocked Order/box: blocked"} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, map[string]string{"box.yaml": own})
			w.post("/order/certificate/class1_smime", map[string]any{"certificate": map[string]any{"emails": []string{"box@example.com"}, "signature_hash": "sha256"},
				"order_validity": map[string]any{"years": years}, "alternative_order_id": "desk-41", "skip_approval": true})
			a, err := w.apply()
			if err != nil {
				t.Fatal(err)
			}
			w.want("results", outcomes(a), want)
			w.holds(0, 1)
		})
	}
	t.Run("numbered", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, sandbox.Options{UniqueAlternativeIDs: true}, map[string]string{"box.yaml": own})
		own := strings.Replace(own, "desk-41", "desk-41-{seq}", 1)
		w.write("box.yaml", own)
		w.mustApply()
		w.converged()
		w.do("880001", "issue")
		w.do("880001", "revoke")
		w.write("box.yaml", own+"lifecycle: {generation: 2}\n")
		w.mustApply()
		w.holds(0, 2)
		for id, want := range map[string]string{"880001": "desk-41-1-0", "880002": "desk-41-2-0"} {
			if got := w.object("orders", id)["alternative_order_id"]; got != want {
				t.Errorf("order %s has %v, want %s", id, got, want)
			}
		}
		w.converged()
		w.lose()
		w.mustApply() // it is found by its number
		w.holds(0, 2)
		w.converged()
	})
}

// Organizations have no nonce: only one that equals the manifest in everything is taken for our own.
func TestOrganizationAdoption(t *testing.T) {
	t.Parallel()
	details := func(change ...any) map[string]any {
		body := map[string]any{"name": "Acme Corporation", "address": "1 Example Street", "city": "Lehi", "state": "Utah", "zip": "84043", "country": "us",
			"telephone": "8015550100", "skip_duplicate_org_check": true, "organization_contact": map[string]any{"first_name": "Jane", "last_name": "Doe",
				"email": "jane@example.com", "job_title": "Officer", "telephone": "801-555-0101"}}
		for i := 0; i < len(change); i += 2 {
			body[change[i].(string)] = change[i+1]
		}
		return body
	}
	for _, test := range []struct {
		name   string
		there  []map[string]any
		patch  map[string]any
		edit   [2]string
		action string
		orgs   int
	}{
		{name: "equal", there: []map[string]any{details()}, action: "adopt", orgs: 1},
		{name: "two equal", there: []map[string]any{details(), details()}, action: "blocked", orgs: 2},
		{name: "another contact", there: []map[string]any{details("organization_contact", map[string]any{"first_name": "Joe", "last_name": "Doe", "email": "joe@example.com"})}, action: "blocked", orgs: 1},
		{name: "same name elsewhere", there: []map[string]any{details("city", "Provo")}, action: "blocked", orgs: 1},
		{name: "inactive", there: []map[string]any{details()}, patch: map[string]any{"status": "inactive"}, action: "blocked", orgs: 1},
		{name: "another name", there: []map[string]any{details("name", "Acme Holding")}, action: "create", orgs: 2},
		{name: "a second one wanted", there: []map[string]any{details()}, edit: [2]string{"  technical", "  skip_duplicate_org_check: true\n  technical"}, action: "create", orgs: 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, acme())
			for _, body := range test.there {
				w.post("/organization", body)
			}
			if test.patch != nil {
				w.patch("organization", "70011", test.patch)
			}
			if test.edit[0] != "" {
				w.edit("acme.yaml", test.edit[0], test.edit[1])
			}
			w.change(w.plan(reconcile.RefreshAuto), resource.Action(test.action), "Organization/acme")
			a, err := w.apply()
			if err != nil {
				t.Fatal(err)
			}
			if want := map[string]resource.Outcome{"blocked": resource.OutcomeOfBlocked}[test.action]; want != "" && a.Ledger.Results[0].Outcome != want {
				t.Errorf("results: %v", outcomes(a))
			}
			w.holds(test.orgs, 0)
			if test.action != "blocked" {
				w.converged()
			}
		})
	}
}

// A second organization with the same details, wanted as such, is not made a third time after a request without an answer.
func TestSecondOrganizationOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, with(acme(), "acme.yaml", acmeYAML+"  skip_duplicate_org_check: true\n"))
	w.post("/organization", map[string]any{"name": "Acme Corporation", "address": "1 Example Street", "city": "Lehi", "state": "Utah", "zip": "84043", "country": "us",
		"telephone": "801-555-0100", "organization_contact": map[string]any{"first_name": "Jane", "last_name": "Doe", "email": "jane@example.com", "job_title": "Officer", "telephone": "801-555-0101"}})
	w.fault("POST /organization", "drop_after", 1)
	w.mustApply()
	w.holds(2, 0)
	w.converged()
}

// post makes a call of the API as somebody else would, with the world's key.
func (w *world) post(path string, body map[string]any) {
	w.Helper()
	resp, err := w.as(http.MethodPost, path, body)
	if err != nil || resp != http.StatusCreated {
		w.Fatalf("POST %s: %d %v", path, resp, err)
	}
}
