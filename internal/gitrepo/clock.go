package gitrepo

import (
	"context"
	"math/rand/v2"
	"time"
)

// Clock is the time a landing and a lock go by; tests give their own.
type Clock interface {
	// Now is the wall clock.
	Now() time.Time
	// Elapsed is a monotonic clock with an arbitrary start.
	Elapsed() time.Duration
	// Sleep waits, or gives the context's error.
	Sleep(ctx context.Context, d time.Duration) error
}

// SystemClock gives the machine's clock.
func SystemClock() Clock { return systemClock{time.Now()} }

type systemClock struct{ start time.Time }

func (systemClock) Now() time.Time           { return time.Now() }
func (c systemClock) Elapsed() time.Duration { return time.Since(c.start) }

func (systemClock) Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// jitter gives a random duration below d, and never none: those who lost the same race must not meet again.
func jitter(d time.Duration) time.Duration {
	return time.Millisecond + rand.N(max(d, time.Millisecond))
}
