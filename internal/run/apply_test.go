package run_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"dcsync/internal/resource"
	"dcsync/internal/run"
	"dcsync/internal/sandbox"
	"dcsync/internal/step"
	"dcsync/reconcile"
)

const otherYAML = `apiVersion: dcsync/v1
kind: Organization
metadata: {name: other}
spec:
  name: Other Works
  address: 2 Example Street
  city: Lehi
  state: Utah
  zip: "84043"
  country: us
  telephone: 801-555-0199
  organization_contact: {ref: jane}
`

// An end needs nothing of the organization it refers to: it is carried out also when that fails, or is blocked, where a replacement is not.
func TestEndBesideAFailure(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		edit  func(w *world)
		after string
		want  []string
	}{
		"failed": {func(w *world) {
			w.edit("acme.yaml", "technical_contact: {ref: sam}", "technical_contact: {ref: ruth}")
			w.fault("PUT /organization/**", "status:400", 9)
		}, retireYAML(driverYAML, "action: revoke"), []string{"revoke Order/driver: done", "update Organization/acme: failed"}},
		"failed, and a replacement": {func(w *world) {
			w.edit("acme.yaml", "technical_contact: {ref: sam}", "technical_contact: {ref: ruth}")
			w.fault("PUT /organization/**", "status:400", 9)
		}, strings.Replace(lifecycleYAML(driverYAML, "apply_changes: now, allow: [replace]"), "{years: 1}", "{years: 2}", 1),
			[]string{"replace Order/driver: skipped", "update Organization/acme: failed"}},
		"blocked": {func(w *world) { w.edit("acme.yaml", "city: Lehi", "city: Provo") },
			retireYAML(driverYAML, "action: revoke"), []string{"blocked Organization/acme: blocked", "revoke Order/driver: done"}},
		"blocked, and a replacement": {func(w *world) { w.edit("acme.yaml", "city: Lehi", "city: Provo") },
			strings.Replace(lifecycleYAML(driverYAML, "apply_changes: now, allow: [replace]"), "{years: 1}", "{years: 2}", 1),
			[]string{"blocked Order/driver: blocked", "blocked Organization/acme: blocked"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", driverYAML))
			w.mustApply()
			tc.edit(w)
			w.write("driver.yaml", tc.after)
			a, err := w.apply(destroyOne)
			if err != nil {
				t.Fatal(err)
			}
			w.want("results", outcomes(a), tc.want...)
		})
	}
}

// A failure skips what depends on it and nothing else.
func TestDependentsOfAFailure(t *testing.T) {
	t.Parallel()
	for _, parallel := range []int{1, 4} {
		t.Run(fmt.Sprint(parallel), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, with(demo(), "other.yaml", otherYAML,
				"badge.yaml", strings.NewReplacer("name: mail", "name: badge", "ref: acme", "ref: other").Replace(mailYAML), "box.yaml", boxYAML))
			w.parallelism = parallel
			w.fault("POST /organization", "status:400", 1) // whichever comes first
			a, err := w.apply()
			if err != nil {
				t.Fatal(err)
			}
			got := outcomes(a)
			if parallel == 1 {
				w.want("results", got, "create Order/badge: waiting", "create Order/box: waiting", "create Order/driver: skipped", "create Order/mail: skipped",
					"create Organization/acme: failed", "create Organization/other: done")
			} else if slices.Contains(got, "create Order/box: skipped") {
				t.Errorf("what depends on nothing was skipped: %v", got)
			}
			w.mustApply()
			w.converged()
			w.holds(2, 4)
		})
	}
}

// A blocked intent keeps back what refers to it, and nothing else.
func TestDependentsOfABlockedIntent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, demo())
	w.mustApply()
	w.edit("acme.yaml", "city: Lehi", "city: Provo")
	w.edit("acme.yaml", "{ref: sam}", "{ref: ruth}") // this can be done
	w.edit("driver.yaml", "pki@", "other@")
	w.write("badge.yaml", strings.NewReplacer("name: mail", "name: badge", "Alice", "Bob", "alice@", "bob@").Replace(mailYAML))
	w.write("box.yaml", boxYAML)
	a, err := w.apply()
	if err != nil {
		t.Fatal(err)
	}
	if !a.Plan.HasBlockedIntent() {
		t.Error("the plan has no blocked intent")
	}
	w.want("results", outcomes(a), "blocked Order/badge: blocked", "blocked Order/driver: blocked", "blocked Organization/acme: blocked",
		"create Order/box: waiting", "update Organization/acme: done")
	w.holds(1, 3)
	w.edit("acme.yaml", "city: Provo", "city: Lehi")
	w.mustApply()
	w.converged()
	w.holds(1, 4)
	if got := fmt.Sprint(w.object("orders", "880001")["additional_emails"]); got != "[other@example.com]" {
		t.Errorf("emails %s: the intent that was held back is lost", got)
	}
}

// Drift that is blocked keeps nothing back.
func TestBlockedDriftStopsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, demo())
	w.mustApply()
	w.patch("organization", "70011", map[string]any{"city": "Lehi City"})
	w.edit("driver.yaml", "pki@", "other@")
	w.write("badge.yaml", strings.NewReplacer("name: mail", "name: badge", "Alice", "Bob", "alice@", "bob@").Replace(mailYAML))
	w.mustApply()
	w.holds(1, 3)
}

// closer closes a channel when a change begins.
type closer struct {
	at    string
	drain chan struct{}
	once  sync.Once
	seen  []reconcile.Event
}

// Observe closes the channel at the change it waits for.
func (c *closer) Observe(e reconcile.Event) {
	c.seen = append(c.seen, e)
	if e.Change.Address.String() == c.at {
		c.once.Do(func() { close(c.drain) })
	}
}

// Told to stop, a run begins nothing new, keeps what was done, and the next one completes it.
func TestDrain(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"Organization/acme", "Order/driver", "Order/mail"} {
		for _, parallel := range []int{1, 4} {
			t.Run(fmt.Sprintf("%s/%d", at, parallel), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, sandbox.Options{}, demo())
				w.parallelism = parallel
				obs := &closer{at: at, drain: make(chan struct{})}
				a, err := w.apply(func(o *run.ApplyOptions) { o.Drain, o.Observer = obs.drain, obs })
				if err != nil {
					t.Fatal(err)
				}
				if !a.Ledger.Interrupted || len(a.Ledger.Results) != 3 {
					t.Errorf("interrupted %v, %v", a.Ledger.Interrupted, outcomes(a))
				}
				done := 0
				for _, r := range a.Ledger.Results {
					if r.ID != "" {
						done++
						e := w.entry(r.Address.Kind, r.Address.Name)
						if e.Identity.ID != r.ID {
							t.Errorf("%s: state has %s, ledger %s", r.Address, e.Identity.ID, r.ID)
						}
					}
				}
				if made := len(w.dumped("organizations")) + len(w.dumped("orders")); made != done || made == 3 && parallel == 1 && at != "Order/mail" {
					t.Errorf("%d objects made, %d recorded", made, done)
				}
				w.mustApply()
				w.converged()
				w.holds(1, 2)
			})
		}
	}
}

// A context that ends in the middle is a drain without waiting for what is in flight.
func TestCanceled(t *testing.T) {
	t.Parallel()
	for n := range 12 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, demo())
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			left := n
			o := w.applyOptions()
			o.Step = func(_ step.Point) {
				if left--; left < 0 {
					cancel()
				}
			}
			a, err := w.open().Apply(ctx, w.account(), o)
			if err == nil && a.Ledger != nil && !a.Ledger.Interrupted && a.Ledger.Count(resource.Failed) > 0 {
				t.Errorf("a run that was cut off says that it was not: %v", outcomes(a))
			}
			w.mustApply()
			w.converged()
			w.holds(1, 2)
		})
	}
}

// When the state cannot be written any more, nothing more is begun; what was asked for last is found again.
func TestStateCannotBeWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, demo())
	writes := 0
	a, err := w.apply(func(o *run.ApplyOptions) {
		o.Step = func(p step.Point) {
			if p == "reconcile.after_create" {
				if writes++; writes == 2 {
					w.spoilStateFolder()
				}
			}
		}
	})
	if err == nil {
		t.Fatal("no error")
	}
	w.mendStateFolder()
	if a.Ledger == nil || a.Ledger.Count(resource.Failed) != 1 || a.Ledger.Count(resource.Skipped) != 1 {
		t.Fatalf("results: %v, want one failed and one skipped", outcomes(a))
	}
	w.holds(1, 1)
	w.mustApply()
	w.converged()
	w.holds(1, 2)
}

// spoilStateFolder makes the next write of the state fail, for every user: the state file becomes a folder that is not empty.
func (w *world) spoilStateFolder() {
	w.Helper()
	err := errors.Join(os.Rename(w.statePath(), w.statePath()+".kept"), os.MkdirAll(w.statePath()+"/x", 0o755))
	if err != nil {
		w.Fatalf("spoil state: %v", err)
	}
}

func (w *world) mendStateFolder() {
	w.Helper()
	if err := errors.Join(os.RemoveAll(w.statePath()), os.Rename(w.statePath()+".kept", w.statePath())); err != nil {
		w.Fatalf("mend state: %v", err)
	}
}

// The events of a run are in step with its ledger.
func TestEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, demo())
	w.parallelism = 4
	obs := &closer{drain: make(chan struct{})}
	a := w.mustApply(func(o *run.ApplyOptions) { o.Observer = obs })
	begun, ended := map[string]bool{}, 0
	for _, e := range obs.seen {
		address := e.Change.Address.String()
		if e.Result == nil {
			begun[address] = true
			continue
		}
		ended++
		if !begun[address] || e.Done != ended || e.Total != 3 {
			t.Errorf("%s ended: begun %v, done %d of %d, want %d of 3", address, begun[address], e.Done, e.Total, ended)
		}
	}
	if ended != len(a.Ledger.Results) {
		t.Errorf("%d ends told, %d results", ended, len(a.Ledger.Results))
	}
}
