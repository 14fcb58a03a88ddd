package gitrepo_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"dcsync/internal/gitrepo"
)

const lockRef = "refs/dcsync/lock"

func newLock(t testing.TB, dir, run string, clock gitrepo.Clock) *gitrepo.Lock {
	t.Helper()
	l, err := open(t, dir).Lock(gitrepo.LockOptions{Remote: "origin", Ref: lockRef, Owner: "ci@host", Run: run, Lease: 10 * time.Minute,
		Identity: gitrepo.Identity{Name: "dcsync", Email: "dcsync@example.com"}, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLockTakeShowRelease(t *testing.T) {
	t.Parallel()
	bare := newRemote(t)
	for name, dir := range map[string]string{"file": clone(t, bare), "http": clone(t, serve(t, bare, ""))} {
		t.Run(name, func(t *testing.T) {
			clock := newFakeClock()
			a, b := newLock(t, dir, "run-a", clock), newLock(t, dir, "run-b", clock)
			if h, err := a.Show(t.Context()); h != nil || err != nil {
				t.Fatalf("free lock: %v, %v", h, err)
			}
			held, err := a.Take(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var locked *gitrepo.LockedError
			if _, err := b.Take(t.Context()); !errors.As(err, &locked) || !errors.Is(err, gitrepo.ErrLocked) || locked.Holder.Run != "run-a" {
				t.Errorf("second taker: %v", err)
			}
			// What git sees: no parents, no files, a message that says who.
			if show := git(t, bare, "log", "--format=%P|%T", lockRef); show != "|4b825dc642cb6eb9a060e54bf8d69288fbee4904" {
				t.Errorf("commit %q", show)
			}
			var message map[string]string
			if err := json.Unmarshal([]byte(git(t, bare, "log", "-1", "--format=%B", lockRef)), &message); err != nil || message["owner"] != "ci@host" ||
				message["until"] != "2026-11-02T08:10:00Z" || message["since"] != "2026-11-02T08:00:00Z" {
				t.Errorf("message %v, %v", message, err)
			}
			clock.advance(5*time.Minute, 5*time.Minute)
			if err := held.Renew(t.Context()); err != nil {
				t.Fatal(err)
			}
			if h, err := b.Show(t.Context()); err != nil || !h.Until.Equal(clock.Now().Add(10*time.Minute)) || !h.Since.Equal(clock.Now().Add(-5*time.Minute)) {
				t.Errorf("after renewal: %+v, %v", h, err)
			}
			if err := held.Release(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := held.Release(t.Context()); err != nil {
				t.Errorf("second release: %v", err)
			}
			if err := held.Check(0); !errors.Is(err, gitrepo.ErrLockLost) {
				t.Errorf("check after release: %v", err)
			}
			if out, err := gitErr(bare, "rev-parse", "--verify", "-q", lockRef); err == nil {
				t.Errorf("the ref is still there: %s", out)
			}
			sound(t, bare)
		})
	}
}

func TestLockCheckGoesByBothClocks(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		wall, monotonic time.Duration
		need            time.Duration
		lost            bool
	}{
		"fresh":                   {0, 0, time.Minute, false},
		"enough left":             {8 * time.Minute, 8 * time.Minute, 2 * time.Minute, false},
		"not enough left":         {8 * time.Minute, 8 * time.Minute, 2*time.Minute + time.Second, true},
		"over":                    {11 * time.Minute, 11 * time.Minute, 0, true},
		"wall clock set back":     {-time.Hour, 11 * time.Minute, 0, true},
		"machine slept":           {time.Hour, time.Minute, 0, true},
		"wall clock a bit behind": {4 * time.Minute, 5 * time.Minute, 4 * time.Minute, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := newFakeClock()
			held, err := newLock(t, clone(t, newRemote(t)), "run-a", clock).Take(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			clock.advance(tc.wall, tc.monotonic)
			if err := held.Check(tc.need); errors.Is(err, gitrepo.ErrLockLost) != tc.lost {
				t.Errorf("check: %v", err)
			}
		})
	}
}

func TestLockTakeOver(t *testing.T) {
	t.Parallel()
	dir := clone(t, newRemote(t))
	clock := newFakeClock()
	a, b := newLock(t, dir, "run-a", clock), newLock(t, dir, "run-b", clock)
	dead, err := a.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	holder, err := b.Show(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	clock.advance(11*time.Minute, 11*time.Minute) // the lease's end and 60 seconds, not yet more
	if _, err := b.TakeOver(t.Context(), *holder, clock.Now()); !errors.Is(err, gitrepo.ErrLocked) {
		t.Errorf("within the grace: %v", err)
	}
	clock.advance(time.Second, time.Second)
	for _, off := range []time.Duration{31 * time.Second, -31 * time.Second} {
		if _, err := b.TakeOver(t.Context(), *holder, clock.Now().Add(off)); !errors.Is(err, gitrepo.ErrClock) {
			t.Errorf("clock off by %s: %v", off, err)
		}
	}
	held, err := b.TakeOver(t.Context(), *holder, clock.Now().Add(29*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if held.Left == nil || held.Left.Run != "run-a" {
		t.Errorf("left %+v", held.Left)
	}
	var locked *gitrepo.LockedError
	if _, err := newLock(t, dir, "run-c", clock).TakeOver(t.Context(), *holder, clock.Now()); !errors.As(err, &locked) || locked.Holder.Run != "run-b" {
		t.Errorf("second to take over: %v", err)
	}
	if err := dead.Renew(t.Context()); !errors.Is(err, gitrepo.ErrLockLost) {
		t.Errorf("the dead run renews: %v", err)
	}
	if err := dead.Release(t.Context()); !errors.Is(err, gitrepo.ErrLockLost) {
		t.Errorf("the dead run releases: %v", err)
	}
	if err := held.Check(time.Minute); err != nil {
		t.Error(err)
	}
	now, err := a.Show(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Break(t.Context(), *holder); !errors.Is(err, gitrepo.ErrLockLost) {
		t.Errorf("breaking a holder that is gone: %v", err)
	}
	if err := a.Break(t.Context(), *now); err != nil {
		t.Error(err)
	}
}

// TestLockUnreadable: a lock nobody can read is held, and is never taken over.
func TestLockUnreadable(t *testing.T) {
	t.Parallel()
	bare := newRemote(t)
	dir := clone(t, bare)
	id := git(t, bare, "-c", "user.name=x", "-c", "user.email=x@example.com", "commit-tree", "4b825dc642cb6eb9a060e54bf8d69288fbee4904", "-m", "somebody was here")
	git(t, bare, "update-ref", lockRef, id)
	clock := newFakeClock()
	l := newLock(t, dir, "run-a", clock)
	clock.advance(1000*time.Hour, 1000*time.Hour)
	_, err := l.Acquire(t.Context(), time.Minute, serverDate(clock))
	var locked *gitrepo.LockedError
	if !errors.As(err, &locked) || locked.Holder.Commit != id || !strings.Contains(err.Error(), "unknown run") {
		t.Fatalf("got %v", err)
	}
	if err := l.Break(t.Context(), locked.Holder); err != nil {
		t.Error(err)
	}
}

func TestLockAcquireWaits(t *testing.T) {
	t.Parallel()
	dir := clone(t, newRemote(t))
	clock := newFakeClock()
	first, err := newLock(t, dir, "run-a", clock).Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	never := func(context.Context) (time.Time, error) { return time.Time{}, errors.New("not to be asked") }
	b := newLock(t, dir, "run-b", clock)
	if _, err := b.Acquire(t.Context(), 0, never); !errors.Is(err, gitrepo.ErrLocked) {
		t.Errorf("without patience: %v", err)
	}
	slept := 0
	clock.slept = func(time.Duration) {
		if slept++; slept == 3 {
			if err := first.Release(context.Background()); err != nil {
				t.Error(err)
			}
		}
	}
	held, err := b.Acquire(t.Context(), time.Minute, never)
	if err != nil || held.Left != nil {
		t.Fatalf("%+v, %v", held, err)
	}
	// That run dies; the next waits for the lease's end and takes over.
	clock.slept = nil
	c := newLock(t, dir, "run-c", clock)
	held, err = c.Acquire(t.Context(), time.Hour, serverDate(clock))
	if err != nil || held.Left == nil || held.Left.Run != "run-b" {
		t.Fatalf("%+v, %v", held, err)
	}
}

// TestLockContention: of many who take it at once, one has it at a time.
func TestLockContention(t *testing.T) {
	t.Parallel()
	runs := 8
	if os.Getenv("DCSYNC_SOAK") != "" {
		runs = 50
	}
	bare := newRemote(t)
	dir := clone(t, bare)
	var mu sync.Mutex
	inside, done := 0, 0
	var wg sync.WaitGroup
	for i := range runs {
		l := newLock(t, dir, fmt.Sprint("run-", i), nil)
		wg.Go(func() {
			held, err := l.Acquire(context.Background(), 5*time.Minute, serverDate(gitrepo.SystemClock()))
			if err != nil {
				t.Errorf("run %d: %v", i, err)
				return
			}
			mu.Lock()
			if inside++; inside > 1 {
				t.Error("two runs hold the lock")
			}
			done++
			mu.Unlock()
			mu.Lock()
			inside--
			mu.Unlock()
			if err := held.Release(context.Background()); err != nil {
				t.Errorf("run %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	if done != runs {
		t.Errorf("%d of %d runs had it", done, runs)
	}
}

func TestLockKeep(t *testing.T) {
	t.Parallel()
	dir := clone(t, newRemote(t))
	clock := newFakeClock()
	l := newLock(t, dir, "run-a", clock)
	held, err := l.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	beats := 0
	clock.slept = func(d time.Duration) {
		if d < 3*time.Minute || d > 4*time.Minute {
			t.Errorf("slept %s", d)
		}
		if beats++; beats == 7 {
			stop()
		}
	}
	if err := held.Keep(ctx); err != nil {
		t.Fatal(err)
	}
	clock.slept = nil
	if err := held.Check(6 * time.Minute); err != nil {
		t.Errorf("after seven thirds of a lease: %v", err)
	}
	holder, err := l.Show(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Break(t.Context(), *holder); err != nil {
		t.Fatal(err)
	}
	if err := held.Keep(t.Context()); !errors.Is(err, gitrepo.ErrLockLost) {
		t.Errorf("keeping a lock that was broken: %v", err)
	}
	if err := held.Check(0); !errors.Is(err, gitrepo.ErrLockLost) {
		t.Errorf("check: %v", err)
	}
}

// TestLockKeepOffline: the remote goes away for longer than the lease.
func TestLockKeepOffline(t *testing.T) {
	t.Parallel()
	bare := newRemote(t)
	clock := newFakeClock()
	held, err := newLock(t, clone(t, bare), "run-a", clock).Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(bare, bare+".away"); err != nil {
		t.Fatal(err)
	}
	if err := held.Keep(t.Context()); !errors.Is(err, gitrepo.ErrLockLost) {
		t.Errorf("got %v", err)
	}
}

// TestLandWithLock: commit and lock move together or not at all.
func TestLandWithLock(t *testing.T) {
	t.Parallel()
	bare := newRemote(t)
	dir := clone(t, bare)
	clock := newFakeClock()
	lock := newLock(t, dir, "run-a", clock)
	held, err := lock.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before, _ := lock.Show(t.Context())
	clock.advance(time.Minute, time.Minute)
	l := landing("a=2\nb=1\n")
	l.Push.Lock = held
	if err := open(t, dir).Check(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, dir).Land(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	after, _ := lock.Show(t.Context())
	if !after.Until.Equal(before.Until.Add(time.Minute)) {
		t.Errorf("the lease ends %s, was %s", after.Until, before.Until)
	}
	other := clone(t, bare)
	commit(t, other, "manifests/b.yaml", "b", "other")
	git(t, other, "push", "-q")
	l.Files[0].Content = []byte("a=3\nb=1\n")
	got, err := open(t, dir).Land(t.Context(), l)
	if err != nil {
		t.Fatalf("behind the branch: %v", err)
	}
	if err := held.Check(time.Minute); err != nil {
		t.Errorf("after landing: %v", err)
	}
	checkout(t, dir, got.Checkout)
	git(t, dir, "pull", "-q", "--ff-only")
	// Another run takes over: nothing lands any more.
	tip := git(t, bare, "rev-parse", "main")
	clock.advance(time.Hour, time.Hour)
	holder, _ := lock.Show(t.Context())
	if _, err := newLock(t, dir, "run-b", clock).TakeOver(t.Context(), *holder, clock.Now()); err != nil {
		t.Fatal(err)
	}
	l.Files[0].Content = []byte("a=4\nb=1\n")
	if _, err := open(t, dir).Land(t.Context(), l); !errors.Is(err, gitrepo.ErrLockLost) {
		t.Errorf("landing without the lock: %v", err)
	}
	if git(t, bare, "rev-parse", "main") != tip {
		t.Error("state landed without the lock")
	}
	git(t, bare, "config", "receive.advertiseAtomic", "false")
	if _, err := newLock(t, dir, "run-c", clock).Take(t.Context()); !errors.Is(err, gitrepo.ErrNoAtomic) {
		t.Errorf("a remote without atomic pushes: %v", err)
	}
	if err := open(t, dir).Check(t.Context(), l); !errors.Is(err, gitrepo.ErrNoAtomic) {
		t.Errorf("check: %v", err)
	}
}

func TestLockProbe(t *testing.T) {
	t.Parallel()
	bare := newRemote(t)
	dir := clone(t, bare)
	p, err := newLock(t, dir, "run-a", nil).Probe(t.Context())
	if err != nil || !p.Atomic || !p.Ref {
		t.Errorf("%+v, %v", p, err)
	}
	if refs := git(t, bare, "for-each-ref", "--format=%(refname)"); refs != "refs/heads/main" {
		t.Errorf("left behind: %s", refs)
	}
	hook := filepath.Join(bare, "hooks", "update")
	write(t, hook, "#!/bin/sh\ncase $1 in refs/heads/*) exit 0;; esac\necho \"funny ref\" >&2; exit 1\n")
	if err := os.Chmod(hook, 0o755); err != nil {
		t.Fatal(err)
	}
	p, err = newLock(t, dir, "run-a", nil).Probe(t.Context())
	if err != nil || p.Ref || !strings.Contains(p.Hint, "refs/heads/dcsync-lock") || p.Reason == "" {
		t.Errorf("%+v, %v", p, err)
	}
	var rejected *gitrepo.RejectedError
	if _, err := newLock(t, dir, "run-a", nil).Take(t.Context()); !errors.As(err, &rejected) || !strings.Contains(rejected.Hint, "refs/heads/dcsync-lock") {
		t.Errorf("take: %v", err)
	}
}
