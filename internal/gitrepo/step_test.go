package gitrepo_test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"dcsync/internal/gitrepo"
	"dcsync/internal/step"
)

// TestStopAtEveryPoint stops a run under the lock at each of its points, and sees that the next run ends with its result landed once
// and sound repositories.
func TestStopAtEveryPoint(t *testing.T) {
	t.Parallel()
	for _, at := range gitrepo.Points() {
		t.Run(string(at), func(t *testing.T) {
			t.Parallel()
			bare := newRemote(t)
			dir := clone(t, bare)
			write(t, filepath.Join(dir, stateFile), "a=2\nb=1\n")
			clock := newFakeClock()
			reached := false
			stop := func(p step.Point) {
				if p == at && !reached {
					reached = true
					panic(at)
				}
			}
			func() {
				defer func() { _ = recover() }()
				underLock(t, dir, "run-a", clock, stop)
			}()
			if !reached {
				t.Fatal("never reached")
			}
			clock.advance(12*time.Minute, 12*time.Minute) // a lease, and the grace after it
			underLock(t, dir, "run-b", clock, nil)
			if got := git(t, bare, "show", "main:"+stateFile); got != "a=2\nb=1" {
				t.Errorf("state is %q", got)
			}
			if n := git(t, bare, "rev-list", "--count", "main"); n != "2" {
				t.Errorf("%s commits", n)
			}
			if refs := git(t, bare, "for-each-ref", "--format=%(refname)"); refs != "refs/heads/main" {
				t.Errorf("refs %q", refs)
			}
			sound(t, dir)
			sound(t, bare)
			git(t, dir, "pull", "-q", "--ff-only")
			if status := git(t, dir, "status", "--porcelain"); status != "" {
				t.Errorf("after a pull: %q", status)
			}
		})
	}
	if points := gitrepo.Points(); len(slices.Compact(slices.Sorted(slices.Values(points)))) != len(points) {
		t.Error("a point is listed twice")
	}
}

// underLock takes or takes over the lock, lands and releases.
func underLock(t *testing.T, dir, run string, clock *fakeClock, hook step.Hook) {
	t.Helper()
	r := open(t, dir)
	lock, err := r.Lock(gitrepo.LockOptions{Remote: "origin", Ref: lockRef, Owner: "ci", Run: run, Lease: 10 * time.Minute, Clock: clock, Step: hook})
	if err != nil {
		t.Fatal(err)
	}
	held, err := lock.Acquire(t.Context(), 0, serverDate(clock))
	if err != nil {
		t.Fatal(err)
	}
	l := landing("a=2\nb=1\n")
	l.Push.Lock, l.Clock, l.Step = held, clock, hook
	if _, err := r.Land(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if err := held.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
}
