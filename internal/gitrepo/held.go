package gitrepo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/memory"
)

// Held is a lock that this run has. It is safe for concurrent use: landing, heartbeat and checks share it.
type Held struct {
	Left  *Holder // the run it was taken over from, which never released it; nil after an orderly one
	lock  *Lock
	since time.Time

	pushing sync.Mutex // one move of the ref at a time

	mu    sync.Mutex // guards the fields below
	tip   plumbing.Hash
	maybe []plumbing.Hash // renewals whose answers were lost: the ref is at one of these or at tip
	until time.Time       // the lease's end by the wall clock
	ends  time.Duration   // and by the monotonic one
	lost  error
	freed bool
}

// Check tells whether the lock will hold for at least need from now: ErrLockLost if not. It asks nobody. The monotonic clock counts,
// so setting the clock back gains no time; the wall clock too, since the monotonic one may stand still while a machine sleeps.
func (h *Held) Check(need time.Duration) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.lost != nil {
		return h.lost
	}
	if h.freed {
		return fmt.Errorf("%w: it was released", ErrLockLost)
	}
	left := min(h.ends-h.lock.Clock.Elapsed(), h.until.Sub(h.lock.Clock.Now()))
	if left < need {
		return fmt.Errorf("%w: its lease has %s left, and %s are needed", ErrLockLost, max(left, 0).Round(time.Second), need)
	}
	return nil
}

// Renew moves the lease's end to a whole lease from now. ErrLockLost is final; any other error may pass.
func (h *Held) Renew(ctx context.Context) error { return h.renew(ctx) }

func (h *Held) renew(ctx context.Context) error {
	for attempt := 1; ; attempt++ {
		store := memory.NewStorage()
		err := h.renewing(store, func(c command, ids []plumbing.Hash) error {
			return h.lock.remote.swap(ctx, []command{c}, store, ids)
		})
		var moved *movedError
		switch {
		case !errors.As(err, &moved):
			return err
		case attempt == maxAttempts:
			return fmt.Errorf("renew the lock: %w", ErrContended)
		}
		if err := h.lock.Clock.Sleep(ctx, jitter(100*time.Millisecond<<min(attempt, 5))); err != nil {
			return err
		}
	}
}

// renewing gives do the command that renews the lock, alone or beside others in one atomic push, and the objects it needs. When do
// succeeds the lock is renewed, counted from before the push; when it says that the lock's ref moved, the lock is lost.
func (h *Held) renewing(into storer.EncodedObjectStorer, do func(command, []plumbing.Hash) error) error {
	h.pushing.Lock()
	defer h.pushing.Unlock()
	h.mu.Lock()
	old, lost, freed := h.tip, h.lost, h.freed
	h.mu.Unlock()
	if freed {
		return fmt.Errorf("%w: it was released", ErrLockLost)
	}
	if lost != nil {
		return lost
	}
	now, elapsed := h.lock.Clock.Now(), h.lock.Clock.Elapsed()
	until := now.Add(h.lock.Lease)
	id, ids, err := h.write(into, now, until)
	if err != nil {
		return err
	}
	err = do(command{h.lock.ref, old, id}, ids)
	h.mu.Lock()
	defer h.mu.Unlock()
	var moved *movedError
	isMoved := errors.As(err, &moved)
	switch {
	case err == nil:
		h.tip, h.maybe, h.until, h.ends = id, nil, until, elapsed+h.lock.Lease
	case !isMoved:
		h.maybe = append(h.maybe, id)
	case moved.ref != h.lock.ref || moved.busy:
	case slices.Contains(h.maybe, moved.at):
		h.tip, h.maybe, moved.busy = moved.at, nil, true
	default:
		h.lost = fmt.Errorf("%w: %s is not where this run left it", ErrLockLost, h.lock.Ref)
		return h.lost
	}
	return err
}

// write makes the commit that says who holds the lock.
func (h *Held) write(into storer.EncodedObjectStorer, now, until time.Time) (plumbing.Hash, []plumbing.Hash, error) {
	message, err := Holder{Owner: h.lock.Owner, Run: h.lock.Run, Since: h.since, Until: until, Nonce: rand.Text()}.message()
	if err != nil {
		return plumbing.ZeroHash, nil, fmt.Errorf("write lock: %w", err)
	}
	tree, err := writeObject(into, plumbing.TreeObject, nil)
	if err != nil {
		return plumbing.ZeroHash, nil, err
	}
	who := Person{h.lock.Identity, now}
	raw, err := newCommit(tree, plumbing.ZeroHash, who, who, string(message), nil)
	if err != nil {
		return plumbing.ZeroHash, nil, err
	}
	id, err := writeObject(into, plumbing.CommitObject, raw)
	return id, []plumbing.Hash{tree, id}, err
}

// Keep renews the lock at every third of its lease until the context ends or the lock is lost, which it returns as ErrLockLost. A
// renewal that fails otherwise is tried again sooner, until the lease is over. Run it beside the work.
func (h *Held) Keep(ctx context.Context) error {
	pause := h.lock.Lease / 3
	for {
		if err := h.lock.Clock.Sleep(ctx, pause); err != nil {
			return nil //nolint:nilerr // the work is done
		}
		try, stop := context.WithTimeout(ctx, h.lock.Lease/3)
		err := h.Renew(try)
		stop()
		switch {
		case err == nil:
			pause = h.lock.Lease / 3
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, ErrLockLost):
			return err
		case h.Check(0) != nil:
			return fmt.Errorf("%w: %w", h.Check(0), err)
		default:
			pause = h.lock.Lease / 20
		}
	}
}

// Release frees the lock. ErrLockLost says that another run has it by now.
func (h *Held) Release(ctx context.Context) error {
	h.pushing.Lock()
	defer h.pushing.Unlock()
	h.mu.Lock()
	tip, lost, freed := h.tip, h.lost, h.freed
	h.mu.Unlock()
	if freed || lost != nil {
		return lost
	}
	err := h.lock.free(ctx, tip)
	if err == nil || errors.Is(err, ErrLockLost) {
		h.mu.Lock()
		h.freed = true
		h.mu.Unlock()
	}
	return err
}
