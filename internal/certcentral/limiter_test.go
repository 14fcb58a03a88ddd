package certcentral

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dcsync/internal/secret"
)

// strictServer counts requests as CertCentral does, at some moment between their sending and their answer, and refuses those
// beyond a window.
type strictServer struct {
	windows []Window
	delay   func() time.Duration

	mu      sync.Mutex
	counted []time.Time
	refused int
}

func (s *strictServer) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(s.delay())
	status := s.count()
	time.Sleep(s.delay())
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{}`)), Request: r}, nil
}

func (s *strictServer) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.counted = append(s.counted, now)
	for _, w := range s.windows {
		if i := len(s.counted) - 1 - w.Requests; i >= 0 && now.Sub(s.counted[i]) <= w.Per {
			s.refused++
			return http.StatusTooManyRequests
		}
	}
	return http.StatusOK
}

// Whatever the number of workers and the network's delay, 2,000 requests never meet a 429, and take at most a tenth longer than
// the windows dictate.
func TestLimiterKeepsBothWindows(t *testing.T) {
	t.Parallel()
	windows, err := ParseWindows(DefaultRateLimit)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name    string
		workers int
		delay   func() time.Duration
	}{
		{"one worker, quick server", 1, func() time.Duration { return time.Millisecond }},
		{"one worker, uneven server", 1, func() time.Duration { return rand.N(20 * time.Millisecond) }},
		{"many workers, uneven server", 16, func() time.Duration { return rand.N(150 * time.Millisecond) }},
		{"more workers than a window has room", 150, func() time.Duration { return rand.N(150 * time.Millisecond) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := &strictServer{windows: windows, delay: tc.delay}
				c, err := New(Config{BaseURL: USBaseURL, Key: secret.New(testKey), Windows: windows, Transport: server})
				if err != nil {
					t.Fatal(err)
				}
				const requests = 2000
				work := make(chan int, requests)
				for i := range requests {
					work <- i
				}
				close(work)
				start := time.Now()
				var wg sync.WaitGroup
				for range tc.workers {
					wg.Go(func() {
						for range work {
							if _, err := c.Do(t.Context(), Request{Method: "GET", Path: "/a"}); err != nil {
								t.Error(err)
							}
						}
					})
				}
				wg.Wait()
				// 1,000 at once but for the burst window, the others from the end of the long window on.
				ideal := 180*time.Second + 9*5*time.Second
				if took := time.Since(start); took > ideal+ideal/10 {
					t.Errorf("took %s, the windows allow %s", took, ideal)
				}
				if server.refused > 0 || len(server.counted) != requests {
					t.Errorf("%d of %d requests were refused", server.refused, len(server.counted))
				}
			})
		})
	}
}

func TestLimiterAdmitsInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(realClock{}, []Window{{1, time.Second}})
		var mu sync.Mutex
		var order []int
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				if err := l.take(t.Context()); err != nil {
					t.Error(err)
				}
				mu.Lock()
				order = append(order, i)
				mu.Unlock()
				l.land()
			})
			synctest.Wait()
		}
		wg.Wait()
		for i, n := range order {
			if i != n {
				t.Fatalf("admitted in the order %v", order)
			}
		}
	})
}

func TestLimiterLeavesWithContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(realClock{}, []Window{{1, time.Hour}})
		if err := l.take(t.Context()); err != nil {
			t.Fatal(err)
		}
		// The first waits for the request in flight, the second for its turn.
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		errs := make(chan error, 2)
		for range 2 {
			go func() { errs <- l.take(ctx) }()
		}
		for range 2 {
			if err := <-errs; !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("take: %v", err)
			}
		}
		l.land()
		start := time.Now()
		if err := l.take(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d < 50*time.Minute {
			t.Errorf("admitted after %s: those that left have disturbed the window", d)
		}
	})
}

// After a 429 nobody sends until the wait is over, and the refused call is then sent again.
func TestRefusalHoldsAllCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		server := roundTripper(func(r *http.Request) (*http.Response, error) {
			status, header := 200, http.Header{}
			if time.Since(start) < 30*time.Second && r.Method == "POST" {
				status = 429
				header.Set("Retry-After", "40")
			}
			if d := time.Since(start); d > 0 && d < 40*time.Second {
				t.Errorf("%s was sent after %s", r.Method, d)
			}
			return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(`{}`))}, nil
		})
		c, err := New(Config{BaseURL: USBaseURL, Key: secret.New(testKey), Transport: server})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := c.Do(t.Context(), Request{Method: "POST", Path: "/order"}); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		for range 5 {
			wg.Go(func() {
				if _, err := c.Do(t.Context(), Request{Method: "GET", Path: "/a"}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
