package run_test

import (
	"strings"
	"testing"

	"dcsync/internal/resource"
	"dcsync/internal/run"
	"dcsync/internal/sandbox"
)

// A new manifest beside one that is gone, for the same product, organization and names, orders nothing until it says which of both it is, whatever
// else differs in it; and the state keeps what it knows of the order.
func TestRenameWithoutWord(t *testing.T) {
	t.Parallel()
	renamed := strings.Replace(shopYAML, "name: shop", "name: store", 1)
	for name, tc := range map[string]struct{ lifecycle, manifest string }{
		"as it was":           {"protect: false", renamed},
		"protected":           {"protect: true", renamed},
		"a later generation":  {"generation: 2", lifecycleYAML(renamed, "generation: 2")},
		"other emails":        {"protect: false", renamed + "  additional_emails: [b@example.com]\n"},
		"another key":         {"protect: false", strings.Replace(renamed, "shop.csr", "store.csr", 1)},
		"one more name":       {"protect: false", strings.Replace(renamed, "www.shop.example.com]", "www.shop.example.com, pay.shop.example.com]", 1)},
		"the order has ended": {"protect: false", renamed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, with(shop(t, tc.lifecycle), "store.csr", newCSR(t)))
			w.mustApply()
			w.remove("shop.yaml")
			w.write("store.yaml", tc.manifest)
			if name == "the order has ended" {
				w.do("880001", "revoke")
				w.mustApply()
				w.holds(1, 2)
				return
			}
			w.mustBlock("Order/store", "metadata.moved_from: [shop]")
			if _, err := w.apply(); err != nil {
				t.Fatal(err)
			}
			w.holds(1, 1)
			w.entry("Order", "shop")
			if name == "as it was" {
				w.write("store.yaml", lifecycleYAML(renamed, "generation: 2"))
				w.want("results", outcomes(w.mustApply()), "create Order/store: done", "forget Order/shop: done")
				w.holds(1, 2)
				return
			}
			w.edit("store.yaml", "name: store", "name: store, moved_from: [shop]")
			if w.plan("auto"); w.entry("Order", "shop").Identity.ID != "880001" {
				t.Error("the order is not the manifest's any more")
			}
		})
	}
}

// A name that an order was placed under, and that another manifest has now, orders under a raised generation only; so does the manifest that
// was renamed when neither state nor moved_from tell of its past.
func TestNameTakenOver(t *testing.T) {
	t.Parallel()
	start := func(t *testing.T) *world {
		w := newWorld(t, sandbox.Options{}, nil)
		w.write("box.yaml", boxYAML)
		w.mustApply()
		w.write("box.yaml", strings.Replace(boxYAML, "name: box", "name: crate, moved_from: [box]", 1))
		w.mustApply()
		w.write("box.yaml", strings.Replace(boxYAML, "name: box", "name: crate", 1))
		w.write("new.yaml", strings.ReplaceAll(boxYAML, "box@example.com", "new@example.com"))
		return w
	}
	t.Run("with state", func(t *testing.T) {
		t.Parallel()
		w := start(t)
		w.mustBlock("Order/box", "raise lifecycle.generation to 2")
		w.edit("new.yaml", "  order_validity: {years: 1}\n", "  order_validity: {years: 1}\nlifecycle: {generation: 2}\n")
		w.want("results", outcomes(w.mustApply()), "create Order/box: waiting")
		w.converged()
	})
	t.Run("state lost", func(t *testing.T) {
		t.Parallel()
		w := start(t)
		w.lose()
		w.mustBlock("Order/box", "order 880001 carries this manifest's alternative_order_id but differs in /certificate/emails")
		w.mustBlock("Order/crate", "under another name")
		if _, err := w.apply(); err != nil {
			t.Fatal(err)
		}
		w.holds(0, 1)
		w.edit("box.yaml", "name: crate", "name: crate, moved_from: [box]")
		w.edit("new.yaml", "  order_validity: {years: 1}\n", "  order_validity: {years: 1}\nlifecycle: {generation: 2}\n")
		w.want("results", outcomes(w.mustApply()), "adopt Order/crate: waiting", "create Order/box: waiting")
		w.converged()
	})
}

// A name that was given away may be used again by another generation, and both manifests say it: with the state lost, each finds its own order,
// whether the listing shows them or not.
func TestNameSharedByGenerations(t *testing.T) {
	t.Parallel()
	again := func(mail string) string {
		return lifecycleYAML(strings.ReplaceAll(boxYAML, "box@example.com", mail), "generation: 2")
	}
	crate := strings.Replace(boxYAML, "name: box", "name: crate, moved_from: [box]", 1)
	for _, mail := range []string{"new@example.com", "box@example.com"} {
		for _, seen := range []string{"listed", "hidden"} {
			t.Run(mail+"/"+seen, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, sandbox.Options{}, map[string]string{"box.yaml": boxYAML})
				w.mustApply()
				w.write("box.yaml", crate)
				w.mustApply()
				w.write("again.yaml", again(mail))
				w.want("results", outcomes(w.mustApply()), "create Order/box: waiting")
				w.holds(0, 2)
				w.converged()
				before := w.state()
				w.lose()
				account := run.Account(w.account())
				if seen == "hidden" {
					account = w.hidden("880001", "880002")
				}
				if _, err := w.open().Apply(t.Context(), account, w.applyOptions()); err != nil {
					t.Fatal(err)
				}
				for a, e := range before.Objects {
					if got := w.entry(a.Kind, a.Name).Identity; got.ID != e.Identity.ID || got.Origin != e.Identity.Origin || got.Nonce != e.Identity.Nonce {
						t.Errorf("%s: lost %+v, found %+v", a, e.Identity, got)
					}
				}
				w.mustApply()
				w.holds(0, 2)
				w.converged()
				w.do("880001", "reject")
				w.mustApply()
				w.write("box.yaml", lifecycleYAML(crate, "generation: 3"))
				w.want("results", outcomes(w.mustApply()), "create Order/crate: waiting")
				w.holds(0, 3)
				w.lose()
				w.mustApply()
				w.holds(0, 3)
				w.converged()
			})
		}
	}
}

// To rename and to use the name again in one change is not taken for two intents before state knows who is who.
func TestNameReusedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, map[string]string{"box.yaml": boxYAML})
	w.mustApply()
	again := lifecycleYAML(strings.ReplaceAll(boxYAML, "box@example.com", "new@example.com"), "generation: 2")
	w.write("box.yaml", strings.Replace(boxYAML, "name: box", "name: crate, moved_from: [box]", 1))
	w.write("again.yaml", again)
	w.mustBlock("Order/crate", "take the manifest of Order/box away and apply")
	if _, err := w.apply(); err != nil {
		t.Fatal(err)
	}
	w.holds(0, 1)
	w.remove("again.yaml")
	w.mustApply()
	w.write("again.yaml", again)
	w.want("results", outcomes(w.mustApply()), "create Order/box: waiting")
	w.holds(0, 2)
	w.converged()
}

// Two manifests that both had a name go on with the order of their own generation, in whatever order they are read.
func TestNameSharedByTwoPasts(t *testing.T) {
	t.Parallel()
	for _, first := range []string{"a", "z"} {
		t.Run(first, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, map[string]string{"box.yaml": boxYAML})
			w.mustApply()
			w.write("box.yaml", strings.Replace(boxYAML, "name: box", "name: "+first+", moved_from: [box]", 1))
			w.mustApply()
			again := lifecycleYAML(strings.ReplaceAll(boxYAML, "box@example.com", "new@example.com"), "generation: 2")
			w.write("again.yaml", again)
			w.mustApply()
			w.holds(0, 2)
			// Of the first manifest nothing is recorded any more, and the second one is renamed.
			before := w.state()
			w.lose()
			w.remove("box.yaml")
			w.mustApply()
			w.write("box.yaml", strings.Replace(boxYAML, "name: box", "name: "+first+", moved_from: [box]", 1))
			w.write("again.yaml", strings.Replace(again, "name: box", "name: m, moved_from: [box]", 1))
			w.want("results", outcomes(w.mustApply()), "adopt Order/"+first+": waiting")
			for name, was := range map[string]string{first: first, "m": "box"} {
				if got, want := w.entry("Order", name).Identity, before.Objects[resource.Address{Kind: "Order", Name: was}].Identity; got.ID != want.ID || got.Origin != want.Origin {
					t.Errorf("%s: %+v, want %+v", name, got, want)
				}
			}
			w.holds(0, 2)
			w.converged()
		})
	}
}
