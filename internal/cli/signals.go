package cli

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
)

// signals turns SIGINT and SIGTERM into an orderly end. The first one asks a run that drains to start nothing new, and the
// second one ends it; whatever does not drain ends at the first. From then on the system's own handling is back: another one kills.
type signals struct {
	incoming chan os.Signal
	caught   atomic.Bool
	first    chan struct{} // closed at the first signal
	second   chan struct{} // closed at the second
	stop     func()

	draining atomic.Bool
}

// catch begins to listen. A reader of our output that goes away must not kill a run that is changing an account, so SIGPIPE
// becomes a write error.
func catch() *signals {
	s := &signals{incoming: make(chan os.Signal, 2), first: make(chan struct{}), second: make(chan struct{})}
	signal.Notify(s.incoming, os.Interrupt, syscall.SIGTERM)
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)
	done := make(chan struct{})
	s.stop = sync.OnceFunc(func() {
		signal.Stop(s.incoming)
		signal.Stop(pipe)
		close(done)
	})
	go s.listen(done)
	return s
}

func (s *signals) listen(done <-chan struct{}) {
	defer signal.Stop(s.incoming)
	select {
	case <-done:
		return
	case <-s.incoming:
	}
	s.caught.Store(true)
	close(s.first)
	if !s.draining.Load() {
		return
	}
	select {
	case <-done:
	case <-s.incoming:
		close(s.second)
	}
}

// bind gives a context that ends at the first signal, or at the second when drain was called before the first.
func (s *signals) bind(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	go func() {
		select {
		case <-ctx.Done():
			return
		case <-s.first:
		}
		if s.draining.Load() {
			select {
			case <-ctx.Done():
				return
			case <-s.second:
			}
		}
		cancel()
	}()
	return ctx, cancel
}

// drain begins the part of a run that must not be cut: from now on the first signal only closes first.
func (s *signals) drain() { s.draining.Store(true) }
