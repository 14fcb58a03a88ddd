package gitrepo

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/storage/memory"

	"dcsync/internal/step"
)

// The lock is a ref on the remote that points at a commit without parents and files whose message says who holds it. Taking,
// renewing, taking over and releasing each move the ref from the one value that was seen to the next, so of two runs one gets it
// (architecture, section 7).

const (
	// graceAfterLease is how long after the end of its lease a lock is left alone.
	graceAfterLease = 60 * time.Second
	// clockTolerance is how far the own clock may be off a server's for a takeover.
	clockTolerance = 30 * time.Second
	// pollPause is the longest pause between two looks at a lock that is waited for.
	pollPause = 5 * time.Second
)

// LockOptions say which lock, and who takes it.
type LockOptions struct {
	Remote   string
	Access   Access
	Ref      string // such as refs/dcsync/lock
	Owner    string
	Run      string
	Lease    time.Duration
	Identity Identity // committer of the lock's commits
	Clock    Clock    // nil: the machine's
	Step     step.Hook
}

// Lock is a lock that can be taken. It is safe for concurrent use.
type Lock struct {
	LockOptions
	remote *remote
	ref    plumbing.ReferenceName
}

// Lock prepares a lock. Nothing is sent.
func (r *Repo) Lock(o LockOptions) (*Lock, error) {
	rem, err := r.layout.remote(o.Remote, o.Access)
	if err != nil {
		return nil, err
	}
	l := &Lock{LockOptions: o, remote: rem, ref: plumbing.ReferenceName(o.Ref)}
	if err := l.ref.Validate(); err != nil || len(o.Ref) < 6 || o.Ref[:5] != "refs/" {
		return nil, fmt.Errorf("name the lock: %q is no full reference name", o.Ref)
	}
	if o.Lease < time.Second {
		return nil, fmt.Errorf("name the lock: a lease of %s is too short", o.Lease)
	}
	if l.Clock == nil {
		l.Clock = SystemClock()
	}
	return l, nil
}

// Show gives who holds the lock, nil when nobody does. A holder that cannot be read has only its Commit.
func (l *Lock) Show(ctx context.Context) (*Holder, error) {
	store := memory.NewStorage()
	found, err := l.remote.fetch(ctx, store, want{ref: l.ref})
	if err != nil || found.id.IsZero() {
		return nil, err
	}
	c, err := readCommit(store, found.id)
	if err != nil {
		return nil, err
	}
	h, err := parseHolder(c.message)
	if err != nil {
		h = Holder{}
	}
	h.Commit = shown(found.id)
	return &h, nil
}

// Take takes the lock if it is free. Else it gives a *LockedError, also for a lease that has ended: see TakeOver.
func (l *Lock) Take(ctx context.Context) (*Held, error) {
	return l.take(ctx, plumbing.ZeroHash)
}

// TakeOver takes the lock from a holder whose lease ended more than 60 seconds ago: that run died. server is the date a server
// has just given; a clock more than 30 seconds off it gives ErrClock, since it cannot judge a lease. A holder that was still
// alive, or that another run was faster to take over from, gives a *LockedError. Held.Left is the holder.
func (l *Lock) TakeOver(ctx context.Context, from Holder, server time.Time) (*Held, error) {
	now := l.Clock.Now()
	if off := now.Sub(server).Abs(); off > clockTolerance {
		return nil, fmt.Errorf("take over the lock: %w: by %s", ErrClock, off.Round(time.Second))
	}
	old, ok := parseID(from.Commit)
	if !ok {
		return nil, fmt.Errorf("take over the lock: %q is no object id", from.Commit)
	}
	if !from.ended(now) {
		return nil, &LockedError{Ref: l.Ref, Holder: from}
	}
	h, err := l.take(ctx, old)
	if h != nil {
		h.Left = &from
	}
	return h, err
}

// ended tells whether a lock may be taken over. One without an end never is.
func (h Holder) ended(now time.Time) bool {
	return !h.Until.IsZero() && now.After(h.Until.Add(graceAfterLease))
}

// Acquire takes the lock, takes it over where that is allowed, and else waits for it as long as patience lasts; then it gives the
// *LockedError of the last holder. server asks for a server's date; it is called only before a takeover.
func (l *Lock) Acquire(ctx context.Context, patience time.Duration, server func(context.Context) (time.Time, error)) (*Held, error) {
	start := l.Clock.Elapsed()
	for {
		held, err := l.Take(ctx)
		var locked *LockedError
		if errors.As(err, &locked) && locked.Holder.ended(l.Clock.Now()) {
			var date time.Time
			if date, err = server(ctx); err != nil {
				return nil, fmt.Errorf("take over the lock: %w", err)
			}
			held, err = l.TakeOver(ctx, locked.Holder, date)
		}
		if !errors.As(err, &locked) {
			return held, err
		}
		left := patience - (l.Clock.Elapsed() - start)
		if left <= 0 {
			return nil, err
		}
		if err := l.Clock.Sleep(ctx, min(pollPause/2+jitter(pollPause/2), left)); err != nil {
			return nil, err
		}
	}
}

// Break frees the lock from exactly this holder, whoever it is: for a person who knows that the run is dead.
func (l *Lock) Break(ctx context.Context, from Holder) error {
	old, ok := parseID(from.Commit)
	if !ok {
		return fmt.Errorf("release the lock: %q is no object id", from.Commit)
	}
	return l.free(ctx, old)
}

func (l *Lock) free(ctx context.Context, old plumbing.Hash) error {
	l.Step.At(BeforeUnlock)
	defer l.Step.At(AfterUnlock)
	for attempt := 1; ; attempt++ {
		err := l.remote.swap(ctx, []command{{ref: l.ref, old: old}}, nil, nil)
		var moved *movedError
		switch {
		case !errors.As(err, &moved):
			return err
		case !moved.busy && moved.at.IsZero():
			return nil // an earlier try went through, and its answer was lost
		case !moved.busy:
			return fmt.Errorf("release the lock: %w: another run has it", ErrLockLost)
		case attempt == maxAttempts:
			return fmt.Errorf("release the lock: %w", ErrContended)
		}
		if err := l.Clock.Sleep(ctx, jitter(100*time.Millisecond<<min(attempt, 5))); err != nil {
			return err
		}
	}
}

// take moves the ref from old to a new holder.
func (l *Lock) take(ctx context.Context, old plumbing.Hash) (*Held, error) {
	if _, atomic, err := l.remote.pushable(ctx); err != nil {
		return nil, err
	} else if !atomic {
		return nil, fmt.Errorf("lock %s: %w", l.Ref, ErrNoAtomic)
	}
	l.Step.At(BeforeLock)
	h := &Held{lock: l, since: l.Clock.Now(), tip: old}
	err := h.renew(ctx)
	l.Step.At(AfterLock)
	if !errors.Is(err, ErrLockLost) {
		if err != nil {
			return nil, err
		}
		return h, nil
	}
	holder, err := l.Show(ctx)
	if err != nil {
		return nil, err
	}
	return nil, &LockedError{Ref: l.Ref, Holder: *cmp.Or(holder, &Holder{})}
}

// Probe is what a remote can do for a lock.
type Probe struct {
	Atomic bool
	Ref    bool   // the lock's namespace can be written
	Reason string // why not, in the host's words
	Hint   string
}

// Probe makes and removes a ref beside the lock's own, to learn whether the host allows it. Many take nothing but refs/heads/*.
func (l *Lock) Probe(ctx context.Context) (Probe, error) {
	var p Probe
	var err error
	if _, p.Atomic, err = l.remote.pushable(ctx); err != nil {
		return p, err
	}
	trial := &Lock{LockOptions: l.LockOptions, remote: l.remote, ref: l.ref + plumbing.ReferenceName("-probe-"+strings.ToLower(rand.Text()[:8]))}
	trial.Step = nil
	h := &Held{lock: trial, since: l.Clock.Now()}
	var rejected *RejectedError
	err = h.renew(ctx)
	if err == nil {
		err = h.Release(ctx)
	}
	if errors.As(err, &rejected) {
		p.Reason, p.Hint = rejected.Reason, rejected.Hint
		return p, nil
	}
	p.Ref = err == nil
	return p, err
}
