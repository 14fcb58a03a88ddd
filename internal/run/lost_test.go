package run_test

import (
	"strings"
	"testing"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
	"dcsync/internal/run"
	"dcsync/internal/sandbox"
	"dcsync/reconcile"
)

// betaYAML is a second organization.
var betaYAML = strings.NewReplacer("name: acme", "name: beta", "Acme Corporation", "Beta Corporation").Replace(acmeYAML)

// A change that waits for the next order keeps the order where it is. With the state lost, neither the change nor a raised generation places a
// second one; the plan says so already where the listing lets it look, and what its hint says works.
func TestStateLostWhileChangeWaits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		from, to string
		reason   string // of the block
		back     string // what the hint names
		plan     int    // requests of the plan that looks, beyond listing and user
		planGen2 int    // the same with the generation raised
	}{
		{name: "product", from: "product: ssl_basic", to: "product: ssl_plus", reason: "order 880001 carries this manifest's alternative_order_id but is a ssl_basic", back: "write product: ssl_basic", plan: 1, planGen2: 1},
		{name: "organization", from: "{ref: acme}", to: "{ref: beta}", reason: "order 880001 carries this manifest's alternative_order_id but differs in /organization/id", back: "write /organization/id as the order has it", plan: 1, planGen2: 1},
		{name: "common name", from: "common_name: shop.example.com", to: "common_name: www.shop.example.com", reason: "order 880001 carries this manifest's alternative_order_id but differs in /certificate/common_name",
			back: "write /certificate/common_name as the order has it", plan: 2, planGen2: 3},
	} {
		for _, seen := range []string{"listed", "hidden"} {
			t.Run(tt.name+"/"+seen, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, sandbox.Options{}, with(shop(t, "apply_changes: at_renewal"), "beta.yaml", betaYAML))
				w.mustApply()
				w.edit("shop.yaml", tt.from, tt.to)
				w.mustApply()
				w.lose()
				w.mustApply(func(o *run.ApplyOptions) { // the organizations are found by their details
					o.Targets = []resource.Address{{Kind: "Organization", Name: "acme"}, {Kind: "Organization", Name: "beta"}}
				})
				account := run.Account(w.account())
				if seen == "hidden" {
					account = w.hidden("880001")
				}
				refused := func(reason string, requests int) {
					t.Helper()
					w.asked()
					if seen == "listed" {
						w.mustBlock("Order/shop", reason)
						if got := w.asked() - 4; got != requests {
							t.Errorf("the plan took %d requests, want %d", got, requests)
						}
					}
					a, err := w.open().Apply(t.Context(), account, w.applyOptions())
					if err != nil {
						t.Fatal(err)
					}
					if r := a.Ledger.Results[0]; r.Outcome != resource.OutcomeOfBlocked || !strings.Contains(r.Err.Message+"; "+r.Err.Hint, reason) {
						t.Errorf("%s: %+v", r.Outcome, r.Err)
					}
					w.holds(2, 1)
				}
				refused(tt.reason+"; "+tt.back, tt.plan)
				w.edit("shop.yaml", "lifecycle: {", "lifecycle: {generation: 2, ")
				refused("order 880001 is issued, and a second live order for one manifest is never placed", tt.planGen2)
				w.edit("shop.yaml", "generation: 2, ", "")
				w.edit("shop.yaml", tt.to, tt.from)
				w.want("results", outcomes(w.mustApply()), "adopt Order/shop: done")
				w.converged()
				w.edit("shop.yaml", tt.from, tt.to)
				w.change(w.plan(reconcile.RefreshAuto), resource.Deferred, "Order/shop")
				w.mustApply()
				w.holds(2, 1)
			})
		}
	}
}

// With the state lost, an earlier generation that lives is found at the end of its chain, where nothing in the listing leads to it.
func TestStateLostGenerationRaised(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"", "renewed"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, nil)
			last, _ := w.chainOf(how)
			w.endBefore(last)
			w.lose()
			w.edit("box.yaml", "lifecycle: {", "lifecycle: {generation: 3, ")
			a, err := w.open().Apply(t.Context(), w.hidden("880001", "880002"), w.applyOptions())
			if err != nil {
				t.Fatal(err)
			}
			if r := a.Ledger.Results[0]; r.Outcome != resource.OutcomeOfBlocked || !strings.Contains(r.Err.Message, "order "+last+" is issued, and a second live order") {
				t.Errorf("%s %+v", r.Outcome, r.Err)
			}
			w.do(last, "expire")
			w.want("results", outcomes(w.mustApply()), "create Order/box: waiting")
			w.converged()
		})
	}
}

// The keys of earlier generations, of earlier names and of an id of one's own each take a look-up, which the plan counts.
func TestLookupsAreCounted(t *testing.T) {
	t.Parallel()
	const id = "  alternative_order_id: desk-41\n"
	for _, tt := range []struct {
		name, manifest string
		lookups        int
	}{
		{"first", boxYAML, 1},
		{"third generation", lifecycleYAML(boxYAML, "generation: 3"), 3},
		{"two names", strings.Replace(boxYAML, "name: box", "name: box, moved_from: [crate]", 1), 2},
		{"own id", boxYAML + id, 2},
		{"own numbered id, second generation", lifecycleYAML(boxYAML+strings.Replace(id, "41", "{seq}", 1), "generation: 2"), 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, map[string]string{"box.yaml": tt.manifest})
			p := w.plan(reconcile.RefreshAuto)
			if want := tt.lookups + 1 + 2; p.Cost.Requests != want {
				t.Errorf("the plan says %d requests, want %d", p.Cost.Requests, want)
			}
			w.mustApply()
			stats := w.control("GET", "/stats", nil)["requests"].(map[string]any)
			if got := stats["GET /order/alternate/{alternative_order_id}"]; got != float64(tt.lookups) {
				t.Errorf("%v look-ups, want %d", got, tt.lookups)
			}
			w.converged()
		})
	}
}

// An order keeps the id it was placed with. Changing or removing it in the manifest is told while the state knows; adding one takes nothing away.
func TestOwnIDChanged(t *testing.T) {
	t.Parallel()
	const own = "  alternative_order_id: desk-41\n"
	for _, tt := range []struct {
		name, before, after string
		warns, found        bool
	}{
		{name: "changed", before: own, after: strings.Replace(own, "41", "42", 1), warns: true},
		{name: "removed", before: own, warns: true},
		{name: "added", after: own, found: true},
		{name: "as it was", before: own, after: own, found: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, map[string]string{"box.yaml": boxYAML + tt.before})
			w.mustApply()
			told := func() (n int) {
				for _, f := range w.plan(reconcile.RefreshAuto).Findings {
					if f.Code == diag.IDKept {
						n++
						if !strings.Contains(f.Summary, "order 880001 carries desk-41 and keeps it") || !strings.Contains(f.Hint, "write alternative_order_id: desk-41 back") {
							t.Errorf("%s; %s", f.Summary, f.Hint)
						}
					} else if f.Code == diag.FieldReleased {
						t.Errorf("told twice: %s", f.Summary)
					}
				}
				return n
			}
			if told() != 0 {
				t.Error("told before the change")
			}
			w.write("box.yaml", boxYAML+tt.after)
			for _, when := range []string{"first", "again, after an apply"} {
				if got := told() == 1; got != tt.warns {
					t.Errorf("%s: told: %t, want %t", when, got, tt.warns)
				}
				w.sent.take()
				w.mustApply()
				w.want("writes", w.writes())
			}
			if tt.found {
				w.lose()
				w.want("results", outcomes(w.mustApply()), "adopt Order/box: waiting")
				if told() != 0 {
					t.Error("told of an id that is looked up")
				}
				w.holds(0, 1)
				w.converged()
			}
		})
	}
}

// Whatever names a manifest had, its order is found under each: under the own name too, that it went back to.
func TestStateLostAfterRenames(t *testing.T) {
	t.Parallel()
	start := func(t *testing.T, names ...string) *world {
		w := newWorld(t, sandbox.Options{}, shop(t, "apply_changes: at_renewal"))
		w.mustApply()
		for _, name := range names {
			w.write("shop.yaml", strings.Replace(lifecycleYAML(shopYAML, "apply_changes: at_renewal"), "name: shop", name, 1))
			w.mustApply()
		}
		w.want("origin", []string{w.state().Objects[w.state().Addresses()[0]].Identity.Origin}, "shop")
		return w
	}
	for name, names := range map[string][]string{
		"there and back":    {"name: web, moved_from: [shop]", "name: shop, moved_from: [web]"},
		"three names":       {"name: web, moved_from: [shop]", "name: site, moved_from: [shop, web]"},
		"in another order":  {"name: web, moved_from: [shop]", "name: site, moved_from: [web, shop]"},
		"there, back, away": {"name: web, moved_from: [shop]", "name: shop, moved_from: [web]", "name: site, moved_from: [web, shop]"},
	} {
		for _, seen := range []string{"listed", "hidden"} {
			t.Run(name+"/"+seen, func(t *testing.T) {
				t.Parallel()
				w := start(t, names...)
				before := w.state()
				w.lose()
				account := run.Account(w.account())
				if seen == "hidden" {
					account = w.hidden("880001")
				}
				if _, err := w.open().Apply(t.Context(), account, w.applyOptions()); err != nil {
					t.Fatal(err)
				}
				for a, e := range before.Objects {
					if got := w.state().Objects[a]; got == nil || got.Identity.ID != e.Identity.ID || got.Identity.Origin != e.Identity.Origin || got.Identity.Nonce != e.Identity.Nonce {
						t.Errorf("%s: lost %+v, found %+v", a, e.Identity, got)
					}
				}
				w.mustApply()
				w.holds(1, 1)
				w.converged()
			})
		}
	}
	t.Run("with another common name", func(t *testing.T) {
		t.Parallel()
		for _, name := range []string{"name: shop, moved_from: [web]", "name: web, moved_from: [shop]"} {
			w := start(t, "name: web, moved_from: [shop]")
			w.lose()
			w.write("shop.yaml", strings.NewReplacer("name: shop}", name+"}", "common_name: shop.", "common_name: new.").Replace(lifecycleYAML(shopYAML, "apply_changes: at_renewal")))
			if _, err := w.apply(); err != nil {
				t.Fatal(err)
			}
			address := "Order/" + strings.TrimSuffix(strings.Fields(name)[1], ",")
			w.mustBlock(address, "order 880001 carries this manifest's alternative_order_id but differs in /certificate/common_name")
			if _, err := w.apply(); err != nil {
				t.Fatal(err)
			}
			w.holds(1, 1)
		}
	})
}

// Where a listing shows no names, the plan looks the key up where an order of the organization lives that nobody owns.
func TestStateLostWithoutNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", driverYAML))
	w.mustApply()
	w.edit("driver.yaml", "code_signing_ev", "code_signing")
	w.mustApply()
	w.lose()
	w.mustBlock("Order/driver", "order 880001 carries this manifest's alternative_order_id but is a code_signing_ev; write product: code_signing_ev and apply")
	for range 2 {
		if _, err := w.apply(); err != nil {
			t.Fatal(err)
		}
		w.holds(1, 1)
	}
}

// What a lost run placed after an order is found where the manifest has come to say an id of its own since.
func TestFollowerOfDerivedID(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, nil)
	last, older := w.chainOf("replaced")
	w.restore(older)
	w.edit("box.yaml", "lifecycle:", "  alternative_order_id: desk-{seq}\nlifecycle:")
	o := w.applyOptions()
	destroyOne(&o)
	a, err := w.open().Apply(t.Context(), w.hidden(last), o)
	if err != nil {
		t.Fatal(err)
	}
	w.want("results", outcomes(a), "adopt Order/box: done")
	w.holds(0, 2)
	w.mustApply()
	w.converged()
}

// A state that is older than the last order does not lead past it either: what followed as another product, or as a generation between, is looked up
// before a raised generation is ordered.
func TestOlderStateGenerationRaised(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"replaced", "generation between"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			first := lifecycleYAML(driverYAML, "apply_changes: now, allow: [replace]")
			w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", first))
			w.mustApply()
			if how == "replaced" {
				before := w.stateBytes()
				w.edit("driver.yaml", "code_signing_ev", "code_signing")
				w.mustApply(destroyOne)
				w.restore(before)
				w.do("880001", "revoke")
			} else {
				w.do("880001", "revoke")
				w.mustApply()
				before := w.stateBytes()
				w.edit("driver.yaml", "lifecycle: {", "lifecycle: {generation: 2, ")
				w.mustApply()
				w.restore(before)
				w.edit("driver.yaml", "generation: 2, ", "")
			}
			w.holds(1, 2)
			w.edit("driver.yaml", "lifecycle: {", "lifecycle: {generation: 3, ")
			a, err := w.open().Apply(t.Context(), w.hidden("880002"), w.applyOptions())
			if err != nil {
				t.Fatal(err)
			}
			if r := a.Ledger.Results[0]; r.Outcome != resource.OutcomeOfBlocked || !strings.Contains(r.Err.Message, "order 880002 is issued, and a second live order") {
				t.Errorf("%s %+v", r.Outcome, r.Err)
			}
			w.holds(1, 2)
			w.do("880002", "revoke")
			if _, err := w.apply(); err != nil {
				t.Fatal(err)
			}
			w.holds(1, 3)
			w.converged()
		})
	}
}
