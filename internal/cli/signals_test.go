package cli

import (
	"context"
	"os"
	"testing"
	"time"
)

func testSignals(t *testing.T) *signals {
	t.Helper()
	s := &signals{incoming: make(chan os.Signal, 2), first: make(chan struct{}), second: make(chan struct{})}
	done := make(chan struct{})
	t.Cleanup(func() { close(done) })
	go s.listen(done)
	return s
}

func TestTheFirstSignalEndsWhatDoesNotDrain(t *testing.T) {
	t.Parallel()
	s := testSignals(t)
	ctx, cancel := s.bind(context.Background())
	defer cancel()
	s.incoming <- os.Interrupt
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("the context lives on")
	}
	if !s.caught.Load() {
		t.Error("the signal is not remembered")
	}
}

func TestTheSecondSignalEndsWhatDrains(t *testing.T) {
	t.Parallel()
	s := testSignals(t)
	ctx, cancel := s.bind(context.Background())
	defer cancel()
	s.drain()
	s.incoming <- os.Interrupt
	<-s.first
	select {
	case <-ctx.Done():
		t.Fatal("the context ended at the first signal")
	case <-time.After(50 * time.Millisecond):
	}
	s.incoming <- os.Interrupt
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("the context lives on")
	}
}
