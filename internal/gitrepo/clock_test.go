package gitrepo_test

import (
	"context"
	"sync"
	"time"

	"dcsync/internal/gitrepo"
)

// fakeClock moves only when somebody sleeps or a test advances it.
type fakeClock struct {
	mu      sync.Mutex
	now     time.Time
	elapsed time.Duration
	slept   func(time.Duration) // called without the lock
}

func newFakeClock() *fakeClock {
	return &fakeClock{now: time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)}
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) Elapsed() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.elapsed
}

func (c *fakeClock) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.advance(d, d)
	if c.slept != nil {
		c.slept(d)
	}
	return nil
}

// advance moves the wall clock and the monotonic one, which need not agree.
func (c *fakeClock) advance(wall, monotonic time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now, c.elapsed = c.now.Add(wall), c.elapsed+monotonic
}

// serverDate is a server whose clock is the same.
func serverDate(c gitrepo.Clock) func(context.Context) (time.Time, error) {
	return func(context.Context) (time.Time, error) { return c.Now(), nil }
}
