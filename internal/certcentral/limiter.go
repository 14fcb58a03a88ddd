package certcentral

import (
	"context"
	"sync"
	"time"
)

// limiter keeps all requests of a client within rolling windows, in advance.
//
// The server counts a request somewhere between its sending and its answer, so a request fills its place in a window while it
// is in flight and until one window length after its answer came. That holds whatever the network's delay is. Requests are
// admitted in the order in which they ask.
type limiter struct {
	clock   Clock
	windows []Window
	keep    int           // how many answers the largest window can ask for
	turn    chan struct{} // held by the one request that waits for admission
	landed  chan struct{} // tells it that a request in flight was answered

	mu       sync.Mutex
	flying   int
	answered []time.Time // when the latest answers came, ascending
	paused   time.Time   // nothing is admitted before
}

// slack is the share of a window added to it, for servers that count in whole seconds and clocks that run apart.
const slack = 50

func newLimiter(clock Clock, windows []Window) *limiter {
	l := &limiter{clock: clock, windows: windows, turn: make(chan struct{}, 1), landed: make(chan struct{}, 1)}
	for _, w := range windows {
		l.keep = max(l.keep, w.Requests)
	}
	return l
}

// take waits until one request may be sent. After a nil error the caller must call land or drop once.
func (l *limiter) take(ctx context.Context) error {
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-l.turn }()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		wait, admitted := l.admit()
		switch {
		case admitted:
			return nil
		case wait > 0:
			if err := l.clock.Sleep(ctx, wait); err != nil {
				return err
			}
		default:
			select {
			case <-l.landed:
			case <-ctx.Done():
			}
		}
	}
}

// admit counts one more request as in flight if all windows have room. Otherwise it says how long to wait; zero means until
// some request in flight lands.
func (l *limiter) admit() (wait time.Duration, admitted bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	wait = max(0, l.paused.Sub(now))
	crowded := false
	for _, w := range l.windows {
		room := w.Requests - l.flying
		if room <= 0 {
			crowded = true
			continue
		}
		if i := len(l.answered) - room; i >= 0 {
			wait = max(wait, l.answered[i].Add(w.Per+w.Per/slack).Sub(now))
		}
	}
	if wait > 0 || crowded {
		return wait, false
	}
	l.flying++
	return 0, true
}

// land notes that the answer to an admitted request came, or that none will.
func (l *limiter) land() {
	l.mu.Lock()
	l.flying--
	if l.keep > 0 {
		l.answered = append(l.answered, l.clock.Now())
		if len(l.answered) >= 2*l.keep {
			l.answered = append([]time.Time(nil), l.answered[len(l.answered)-l.keep:]...)
		}
	}
	l.mu.Unlock()
	l.wake()
}

// wake tells the one that waits for admission that a place may be free.
func (l *limiter) wake() {
	select {
	case l.landed <- struct{}{}:
	default:
	}
}

// drop gives back the place of a request that was not sent.
func (l *limiter) drop() {
	l.mu.Lock()
	l.flying--
	l.mu.Unlock()
	l.wake()
}

// pause admits nothing for a while: the server has said that the limit is reached, and what one caller learned holds for all.
func (l *limiter) pause(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := l.clock.Now().Add(d); until.After(l.paused) {
		l.paused = until
	}
}
