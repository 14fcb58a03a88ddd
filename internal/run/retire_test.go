package run_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"dcsync/internal/resource"
	"dcsync/internal/run"
	"dcsync/internal/sandbox"
	"dcsync/reconcile"
)

func retireYAML(manifest, lines string) string {
	return manifest + "retire: {target: current, comments: ticket 7, " + lines + "}\n"
}

// What a retire block asks for, by how the order stands.
func TestRetire(t *testing.T) {
	t.Parallel()
	const never = time.Duration(1 << 50)
	tests := []struct {
		name    string
		issue   time.Duration
		approve bool // orders skip the account's approval
		retire  string
		before  func(*world)
		want    string // visible change
		outcome string
		status  string // of the order afterwards
		reason  string // part of it
	}{
		{name: "pending, cancel", issue: never, approve: true, retire: "action: cancel", want: "cancel Order/driver (intent)", outcome: "done", status: "canceled"},
		{name: "pending, revoke", issue: never, approve: true, retire: "action: revoke", want: "blocked Order/driver (intent)", outcome: "blocked", status: "pending", reason: "write action: cancel"},
		{name: "needs approval, withdraw", retire: "action: withdraw", want: "withdraw Order/driver (intent)", outcome: "done", status: "rejected"},
		{name: "needs approval, cancel", retire: "action: cancel", want: "withdraw Order/driver (intent)", outcome: "done", status: "rejected"},
		{name: "issued, revoke", approve: true, retire: "action: revoke", want: "revoke Order/driver (intent)", outcome: "done", status: "revoked"},
		{name: "issued, cancel", approve: true, retire: "action: cancel", want: "blocked Order/driver (intent)", outcome: "blocked", status: "issued", reason: "write action: revoke"},
		{name: "issued, protected", approve: true, retire: "action: revoke}\nlifecycle: {protect: true", want: "blocked Order/driver (intent)", outcome: "blocked", status: "issued", reason: "protected"},
		{name: "issued, approval needed", retire: "action: revoke", before: func(w *world) { w.do("880001", "approve") }, want: "revoke Order/driver (intent)", outcome: "waiting", status: "issued"},
		{name: "ended", approve: true, retire: "action: revoke", before: func(w *world) { w.do("880001", "revoke") }, status: "revoked"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{IssueAfter: tt.issue}, with(acme(), "driver.yaml", driverYAML))
			if !tt.approve {
				w.file("dcsync.yaml", strings.Replace(projectYAML, "skip_approval: true", "skip_approval: false", 1))
			}
			w.mustApply()
			if tt.before != nil {
				tt.before(w)
			}
			w.write("driver.yaml", retireYAML(driverYAML, tt.retire))
			p := w.plan(reconcile.RefreshAuto)
			var want, results []string
			if tt.want != "" {
				want = []string{tt.want}
				results = []string{strings.Fields(tt.want)[0] + " Order/driver: " + tt.outcome}
				if c := p.Visible()[0]; !strings.Contains(c.Reason, tt.reason) || c.Action == resource.Revoke && len(c.Revokes) != 1 {
					t.Errorf("reason %q, revokes %v", c.Reason, c.Revokes)
				}
			}
			w.want("plan", changes(p), want...)
			a, err := w.apply()
			if err != nil {
				t.Fatal(err)
			}
			w.want("results", outcomes(a), results...)
			if got := w.object("orders", "880001")["status"]; got != tt.status {
				t.Errorf("order is %v, want %s", got, tt.status)
			}
			offline := w.planOptions(reconcile.RefreshNone)
			q, err := w.open().Plan(t.Context(), nil, offline)
			if over := tt.outcome == "done" || tt.name == "ended"; err != nil || len(q.Visible()) == 0 != over {
				t.Errorf("by the state alone: %v %v", err, changes(q))
			}
			if tt.status == "revoked" || tt.status == "canceled" || tt.status == "rejected" {
				w.converged()
				if e := w.entry("Order", "driver"); len(e.Identity.Tombstones) != 1 || e.Identity.Tombstones[0].ID != "880001" {
					t.Errorf("tombstones %+v", e.Identity.Tombstones)
				}
			}
			w.holds(1, 1)
		})
	}
}

// A revocation that waits for approval is not asked for again.
func TestRevocationWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", driverYAML))
	w.file("dcsync.yaml", strings.Replace(projectYAML, "skip_approval: true", "skip_approval: false", 1))
	w.mustApply()
	w.do("880001", "approve")
	w.write("driver.yaml", retireYAML(driverYAML, "action: revoke"))
	w.fault("PUT /order/certificate/*/revoke", "drop_after", 1)
	a := w.mustApply()
	w.want("results", outcomes(a), "revoke Order/driver: waiting")
	p := w.plan(reconcile.RefreshAuto)
	w.want("second plan", changes(p))
	if p.Waiting != 1 {
		t.Errorf("%d objects wait, want 1", p.Waiting)
	}
	w.sent.take()
	w.mustApply()
	w.want("writes", w.writes())
	w.do("880001", "approve")
	w.mustApply()
	w.converged()
}

// Retiring a single certificate leaves the order alone; retiring the previous order waits for the one that follows it.
func TestRetireOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{IssueAfter: time.Hour}, with(acme(), "driver.yaml", lifecycleYAML(driverYAML, "renew_before: 30d")))
	w.mustApply()
	w.pass(340)
	w.mustApply()
	w.write("driver.yaml", strings.Replace(retireYAML(lifecycleYAML(driverYAML, "renew_before: 30d"), "action: revoke"), "target: current", "target: previous", 1))
	if c := w.change(w.plan(reconcile.RefreshAuto), resource.Deferred, "Order/driver"); c.ID != "880001" || !strings.Contains(c.Reason, "when order 880002") {
		t.Errorf("%s: %s", c.ID, c.Reason)
	}
	if err := w.clock.Sleep(context.Background(), 2*time.Hour); err != nil {
		t.Fatal(err)
	}
	w.mustApply()
	if a, b := w.object("orders", "880001")["status"], w.object("orders", "880002")["status"]; a != "revoked" || b != "issued" {
		t.Errorf("orders are %v and %v", a, b)
	}
	w.converged()
	w.edit("driver.yaml", "target: previous", "target: '999'")
	if c := w.change(w.plan(reconcile.RefreshAuto), resource.Blocked, "Order/driver"); !strings.Contains(c.Reason, "no order of this manifest") {
		t.Errorf("%s", c.Reason)
	}
	serial := w.object("orders", "880002")["certificate"].(map[string]any)["serial_number"].(string)
	w.edit("driver.yaml", "target: '999'", "target: certificate:"+serial)
	w.mustApply()
	w.converged()
}

// An order is replaced only with consent, new before old, and the old one lives until retire ends it.
func TestReplace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", lifecycleYAML(driverYAML, "apply_changes: now")))
	w.mustApply()
	w.edit("driver.yaml", "{years: 1}", "{years: 2}")
	if c := w.change(w.plan(reconcile.RefreshAuto), resource.Blocked, "Order/driver"); c.Trigger != resource.ByIntent || !strings.Contains(c.Reason, "lifecycle.allow: [replace]") {
		t.Errorf("%s", c.Reason)
	}
	w.edit("driver.yaml", "apply_changes: now", "apply_changes: now, allow: [replace]")
	if _, err := w.apply(); err == nil || !strings.Contains(err.Error(), "cannot be brought back") {
		t.Errorf("a replacement passes the limit: %v", err)
	}
	before := w.stateBytes()
	w.mustApply(destroyOne)
	w.restore(before) // the run died before it could record
	w.mustApply(destroyOne)
	w.holds(1, 2)
	if old := w.object("orders", "880001"); old["status"] != "issued" || old["is_renewed"] == true {
		t.Errorf("the old order is %v", old["status"])
	}
	if e := w.entry("Order", "driver"); e.Identity.ID != "880002" || e.Identity.Earlier[0].Ended != "replaced" {
		t.Errorf("identity %+v", e.Identity)
	}
	w.converged()
}

// A key that was revoked as compromised is never certified again, by whichever manifest.
func TestCompromisedKey(t *testing.T) {
	t.Parallel()
	files := installer(t, "")
	files["installer.yaml"] += "retire: {target: current, action: revoke, reason: keyCompromise, comments: found on a forum}\n"
	plain := strings.Split(files["installer.yaml"], "retire:")[0]
	retire := files["installer.yaml"]
	files["installer.yaml"] = plain
	w := newWorld(t, sandbox.Options{}, files)
	w.mustApply()
	w.write("installer.yaml", retire)
	w.mustApply()
	w.write("installer.yaml", lifecycleYAML(plain, "generation: 2"))
	if c := w.change(w.plan(reconcile.RefreshAuto), resource.Blocked, "Order/installer"); !strings.Contains(c.Reason, "compromised") {
		t.Errorf("%s", c.Reason)
	}
	w.write("twin.yaml", strings.Replace(plain, "name: installer", "name: twin", 1))
	if c := w.change(w.plan(reconcile.RefreshAuto), resource.Blocked, "Order/twin"); !strings.Contains(c.Reason, "compromised") {
		t.Errorf("%s", c.Reason)
	}
	w.write("installer.csr", newCSR(t))
	w.remove("twin.yaml")
	w.mustApply()
	w.holds(1, 2)
	w.converged()
}

// The ban outlives what it came from: the manifest, its entry in state, and a run that was stopped before it had looked at what it did.
func TestCompromisedKeyIsForgottenNever(t *testing.T) {
	t.Parallel()
	const retire = "retire: {target: current, action: revoke, reason: keyCompromise, comments: found on a forum}\n"
	for name, forget := range map[string]func(*world){
		"manifest removed": func(w *world) {
			w.remove("installer.yaml")
			w.mustApply(generous)
		},
		"state rm": func(w *world) {
			w.remove("installer.yaml")
			if err := w.open().RemoveState(t.Context(), resource.Address{Kind: "Order", Name: "installer"}, run.Repair{Env: func(string) string { return "" }}); err != nil {
				w.Fatalf("%v", err)
			}
		},
		"stopped after the call, manifest removed": func(w *world) {
			w.remove("installer.yaml")
			w.mustApply(generous)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := installer(t, "")
			plain := files["installer.yaml"]
			w := newWorld(t, sandbox.Options{}, files)
			w.mustApply()
			w.write("installer.yaml", plain+retire)
			drain := make(chan struct{})
			if strings.HasPrefix(name, "stopped") {
				w.sent.before = func(r *http.Request) {
					if strings.HasSuffix(r.URL.Path, "/revoke") {
						close(drain)
					}
				}
			}
			w.mustApply(func(o *run.ApplyOptions) { o.Drain = drain })
			w.sent.before = nil
			forget(w)
			if f := w.state(); f.Objects[resource.Address{Kind: "Order", Name: "installer"}] != nil || len(f.Compromised) != 1 {
				t.Errorf("the state has %v", f.Compromised)
			}
			w.converged()
			w.write("twin.yaml", strings.Replace(plain, "name: installer", "name: twin", 1))
			w.mustBlock("Order/twin", "its key was compromised: order 880001 was revoked for that")
			if c := w.change(w.plan(reconcile.RefreshNone), resource.Blocked, "Order/twin"); !strings.Contains(c.Reason, "compromised") {
				t.Errorf("by the state alone: %s", c.Reason)
			}
			w.write("installer.csr", newCSR(t))
			w.mustApply()
			w.holds(1, 2)
		})
	}
}

// The key that counts is that of the certificate which the order had when it ended, though an approved reissue had not been recorded yet.
func TestCompromisedKeyOfReissue(t *testing.T) {
	t.Parallel()
	const consent = "allow: [reissue-revoking]"
	w := newWorld(t, sandbox.Options{}, installer(t, consent))
	w.mustApply()
	first := w.open().Set.Get(resource.Address{Kind: "Order", Name: "installer"})
	w.file("dcsync.yaml", strings.Replace(projectYAML, "skip_approval: true", "skip_approval: false", 1))
	w.write("installer.csr", newCSR(t))
	w.want("results", outcomes(w.mustApply(destroyOne)), "reissue Order/installer: waiting")
	w.do("880001", "approve")
	w.file("dcsync.yaml", projectYAML)
	w.write("installer.yaml", lifecycleYAML(installerYAML, consent)+"retire: {target: current, action: revoke, reason: keyCompromise, comments: x}\n")
	w.want("results", outcomes(w.mustApply()), "revoke Order/installer: done")
	keys := w.state().CompromisedKeys()
	if now := keyIn(w.open().Set.Get(first.Address)); len(keys) != 1 || keys[now] == "" || now == keyIn(first) {
		t.Errorf("compromised are %v, and not %s", keys, now)
	}
}

// keyIn gives the digest of the key in an order's manifest.
func keyIn(o *resource.Object) string {
	for _, f := range o.Descriptor.Leaves() {
		if f.Key != nil {
			return resource.Text(f.Key(resource.Get(o.Spec, f.Path)))
		}
	}
	return ""
}

// A key is refused from when a manifest says that it is compromised, and not only when the revocation was through.
func TestCompromisedKeyAtOnce(t *testing.T) {
	t.Parallel()
	files := installer(t, "")
	plain := files["installer.yaml"]
	w := newWorld(t, sandbox.Options{}, files)
	w.mustApply()
	w.write("installer.yaml", plain+"retire: {target: current, action: revoke, reason: keyCompromise, comments: found on a forum}\n")
	w.write("twin.yaml", strings.Replace(plain, "name: installer", "name: twin", 1))
	w.mustBlock("Order/twin", "its key is compromised: Order/installer has order 880001 revoked for that")
	if _, err := w.apply(); err != nil {
		t.Fatal(err)
	}
	w.holds(1, 1)
}

// What a manifest says of an order that ended with its last certificate is not taken for applied.
func TestEndedKeepsApplied(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", driverYAML))
	w.mustApply()
	serial := w.object("orders", "880001")["certificate"].(map[string]any)["serial_number"].(string)
	w.write("driver.yaml", strings.Replace(retireYAML(driverYAML, "action: revoke"), "target: current", "target: certificate:"+serial, 1))
	w.edit("driver.yaml", "{years: 1}", "{years: 2}")
	w.mustApply()
	w.converged()
	if years := resource.Get(w.entry("Order", "driver").Applied.Spec, "/order_validity/years"); !resource.Equal(years, resource.Int(1)) {
		t.Errorf("%v years count as applied", years)
	}
}

// With all of the state lost, the newest of a manifest's orders is taken back, and the ones before it are its earlier ones.
func TestLostAfterReplace(t *testing.T) {
	t.Parallel()
	for _, previous := range []string{"issued", "revoked"} {
		t.Run(previous, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", lifecycleYAML(driverYAML, "apply_changes: now, allow: [replace]")))
			w.mustApply()
			w.edit("driver.yaml", "{years: 1}", "{years: 2}")
			w.mustApply(destroyOne)
			w.edit("driver.yaml", ", allow: [replace]", "")
			w.mustApply()
			if previous == "revoked" {
				w.do("880001", "revoke")
			}
			w.lose()
			w.want("results", outcomes(w.mustApply()), "adopt Order/driver: done", "adopt Organization/acme: done")
			e := w.entry("Order", "driver").Identity
			if e.ID != "880002" || e.Sequence != 1 || (len(e.Earlier) == 1) != (previous == "issued") || len(e.Earlier) == 1 && e.Earlier[0].Ended != "replaced" {
				t.Errorf("identity %+v", e)
			}
			w.converged()
			w.holds(1, 2)
		})
	}
}

// The first certificate of an order is on no list once it was reissued. State remembers it: it is named among what dies, and can be revoked by
// itself. Where state is lost too, the plan says how many it cannot name.
func TestRetireFirstCertificate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, shop(t, "key: reuse"))
	w.mustApply()
	first := w.object("orders", "880001")["certificate"].(map[string]any)["serial_number"].(string)
	w.edit("shop.yaml", "www.shop.example.com]", "www.shop.example.com, pay.shop.example.com]")
	w.mustApply()
	w.converged()
	plain := w.stateBytes()
	w.edit("shop.yaml", "lifecycle:", "retire: {target: current, action: revoke, reason: superseded, comments: x}\nlifecycle:")
	c := w.change(w.plan(reconcile.RefreshAuto), resource.Revoke, "Order/shop")
	if len(c.Revokes) != 2 || !strings.Contains(strings.Join(c.Revokes, " "), first) {
		t.Errorf("it revokes %q, without the first certificate %s", c.Revokes, first)
	}
	w.edit("shop.yaml", "target: current", "target: \"certificate:"+strings.ToLower(first)+"\"")
	if c := w.change(w.plan(reconcile.RefreshAuto), resource.Revoke, "Order/shop"); len(c.Revokes) != 1 || !strings.Contains(c.Revokes[0], first) {
		t.Errorf("by itself it revokes %q", c.Revokes)
	}
	w.mustApply()
	w.converged()
	if status := w.object("orders", "880001")["status"]; status != "issued" {
		t.Errorf("the order is %v", status)
	}
	w.edit("shop.yaml", "target: \"certificate:"+strings.ToLower(first)+"\"", "target: current")
	if c := w.change(w.plan(reconcile.RefreshAuto), resource.Revoke, "Order/shop"); len(c.Revokes) != 1 {
		t.Errorf("it revokes %q, but the first one is revoked already", c.Revokes)
	}
	w.restore(plain)
	w.edit("shop.yaml", "retire: {target: current, action: revoke, reason: superseded, comments: x}\n", "")
	w.lose()
	w.mustApply()
	w.edit("shop.yaml", "lifecycle:", "retire: {target: current, action: revoke, reason: superseded, comments: x}\nlifecycle:")
	c = w.change(w.plan(reconcile.RefreshAuto), resource.Revoke, "Order/shop")
	if len(c.Revokes) != 2 || !strings.Contains(c.Revokes[1], "1 earlier certificate") {
		t.Errorf("with the state lost: %q", c.Revokes)
	}
}

// With all of the state lost, an end that was reached is not taken for asked of the order before.
func TestLostAfterRetire(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", lifecycleYAML(driverYAML, "apply_changes: now, allow: [replace]")))
	w.mustApply()
	w.edit("driver.yaml", "{years: 1}", "{years: 2}")
	w.mustApply(destroyOne)
	manifest := strings.Replace(lifecycleYAML(driverYAML, "apply_changes: now, allow: [replace]"), "{years: 1}", "{years: 2}", 1)
	w.write("driver.yaml", retireYAML(manifest, "action: revoke"))
	w.mustApply()
	w.lose()
	for range 2 {
		if _, err := w.apply(); err != nil {
			t.Fatal(err)
		}
	}
	w.mustBlock("Order/driver", "no order of this manifest in state")
	if a, b := w.object("orders", "880001")["status"], w.object("orders", "880002")["status"]; a != "issued" || b != "revoked" {
		t.Errorf("orders are %v and %v", a, b)
	}
}

// The same where the order before is to end: it is known as the one before, and what followed it as over.
func TestLostAfterRetirePrevious(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", lifecycleYAML(driverYAML, "apply_changes: now, allow: [replace]")))
	w.mustApply()
	w.edit("driver.yaml", "{years: 1}", "{years: 2}")
	w.mustApply(destroyOne)
	w.do("880002", "revoke")
	w.lose()
	manifest := strings.Replace(lifecycleYAML(driverYAML, "apply_changes: now, allow: [replace]"), "{years: 1}", "{years: 2}", 1)
	w.write("driver.yaml", strings.Replace(retireYAML(manifest, "action: revoke"), "target: current", "target: previous", 1))
	w.mustBlock("Order/driver", "it was ordered before as 880002, which is revoked")
	if _, err := w.apply(); err != nil {
		t.Fatal(err)
	}
	if e := w.entry("Order", "driver").Identity; e.ID != "880002" || e.Sequence != 1 || len(e.Earlier) != 1 || e.Earlier[0].ID != "880001" {
		t.Errorf("identity %+v", e)
	}
	if p := w.plan(reconcile.RefreshAuto); p.UnmanagedCount != 0 {
		t.Errorf("%d orders count as unmanaged", p.UnmanagedCount)
	}
	w.holds(1, 2)
}

// What an earlier run placed after an order and could not record is found by any later one, whatever the manifest says by then.
func TestFollowerIsFound(t *testing.T) {
	t.Parallel()
	const consent = "apply_changes: now, allow: [replace]"
	first := lifecycleYAML(driverYAML, consent)
	for name, later := range map[string]string{
		"the change was taken back": first,
		"consent was taken back":    lifecycleYAML(strings.Replace(driverYAML, "{years: 1}", "{years: 2}", 1), "apply_changes: now"),
		"an end is asked for":       retireYAML(strings.Replace(first, "{years: 1}", "{years: 2}", 1), "action: revoke"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", first))
			w.mustApply()
			before := w.stateBytes()
			w.edit("driver.yaml", "{years: 1}", "{years: 2}")
			w.mustApply(destroyOne)
			w.restore(before)
			w.write("driver.yaml", later)
			w.want("results", outcomes(w.mustApply()), "adopt Order/driver: done")
			if e := w.entry("Order", "driver").Identity; e.ID != "880002" || e.Sequence != 1 || len(e.Earlier) != 1 || e.Earlier[0].Ended != "replaced" {
				t.Errorf("identity %+v", e)
			}
			w.holds(1, 2)
		})
	}
}

// When the present certificate is to be revoked, whatever else its order is due for is decided when it is known what became of the order.
func TestRetireCertificateInWindow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", lifecycleYAML(driverYAML, "renew_before: 30d")))
	w.mustApply()
	w.pass(340)
	serial := w.object("orders", "880001")["certificate"].(map[string]any)["serial_number"].(string)
	manifest := strings.Replace(lifecycleYAML(driverYAML, "renew_before: 30d"), "pki@", "other@", 1)
	w.write("driver.yaml", strings.Replace(retireYAML(manifest, "action: revoke"), "target: current", "target: certificate:"+serial, 1))
	w.want("results", outcomes(w.mustApply()), "revoke Order/driver: done")
	w.converged()
	w.holds(1, 1)
}

// What a manifest says beside the end of its certificate was not looked at, and is not recorded as applied: when the rest is due, it is still
// wanted, and nobody in the account passes for having undone it.
func TestRetireCertificateBesideAChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, shop(t, "key: reuse, apply_changes: at_renewal"))
	w.mustApply()
	w.file("dcsync.yaml", strings.Replace(projectYAML, "skip_approval: true", "skip_approval: false", 1))
	serial := w.object("orders", "880001")["certificate"].(map[string]any)["serial_number"].(string)
	w.edit("shop.yaml", "www.shop.example.com]", "www.shop.example.com, pay.shop.example.com]")
	w.edit("shop.yaml", "lifecycle:", "retire: {target: \"certificate:"+serial+"\", action: revoke, reason: superseded, comments: x}\nlifecycle:")
	w.want("results", outcomes(w.mustApply()), "revoke Order/shop: waiting")
	w.change(w.plan(reconcile.RefreshFull), resource.Deferred, "Order/shop")
}
