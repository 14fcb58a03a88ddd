package certcentral

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// A write that waited for its place is asked for its right right before it is sent, and so is each further attempt; reads are not asked.
func TestGuardIsAskedAfterTheWait(t *testing.T) {
	t.Parallel()
	errLost := errors.New("the lock was lost")
	for name, tc := range map[string]struct {
		windows    []Window
		status     int // of the first answer
		request    Request
		before     bool // a read takes the only place in the window first
		sent       int  // requests the server saw of the write
		ambiguous  bool
		goesFor    time.Duration // how long the guard says yes
		unguarded  bool
		wantAnswer bool
	}{
		"in time":                  {request: Request{Method: "POST", Path: "/order"}, goesFor: time.Second, sent: 1, wantAnswer: true},
		"held by the window":       {windows: []Window{{1, 10 * time.Second}}, before: true, request: Request{Method: "POST", Path: "/order"}, goesFor: 5 * time.Second},
		"refused with 429":         {status: 429, request: Request{Method: "POST", Path: "/order"}, goesFor: time.Second, sent: 1},
		"repeated after an error":  {status: 503, request: Request{Method: "PUT", Path: "/order/1", Repeatable: true}, goesFor: 500 * time.Millisecond, sent: 1, ambiguous: true},
		"a read":                   {windows: []Window{{1, 10 * time.Second}}, before: true, request: Request{Method: "GET", Path: "/order"}, goesFor: 5 * time.Second, sent: 1, wantAnswer: true},
		"nobody asked for a guard": {windows: []Window{{1, 10 * time.Second}}, before: true, request: Request{Method: "POST", Path: "/order"}, unguarded: true, sent: 1, wantAnswer: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := newFakeClock()
			begin := clock.Now()
			var seen atomic.Int32
			c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/first" || r.URL.Path == "/last" {
					reply(200, `{}`)(w, r)
					return
				}
				if n := seen.Add(1); n == 1 && tc.status != 0 {
					w.WriteHeader(tc.status)
					return
				}
				reply(200, `{}`)(w, r)
			}, func(cfg *Config) { cfg.Clock, cfg.Windows = clock, tc.windows })
			if !tc.unguarded {
				c.Guard(func() error {
					if clock.Now().Sub(begin) > tc.goesFor {
						return errLost
					}
					return nil
				})
			}
			if tc.before {
				if _, err := c.Do(t.Context(), Request{Method: "GET", Path: "/first"}); err != nil {
					t.Fatal(err)
				}
			}
			count := c.Requests()
			_, err := c.Do(t.Context(), tc.request)
			var held *NotSentError
			var unknown *AmbiguousError
			switch {
			case tc.wantAnswer && err != nil:
				t.Errorf("error %v", err)
			case !tc.wantAnswer && (!errors.As(err, &held) || !errors.Is(err, errLost)):
				t.Errorf("error %v, want one of the guard", err)
			}
			if errors.As(err, &unknown) != tc.ambiguous {
				t.Errorf("outcome in doubt: %v; want %v", err, tc.ambiguous)
			}
			if int(seen.Load()) != tc.sent || c.Requests()-count != tc.sent {
				t.Errorf("the server saw %d requests, %d were counted; want %d", seen.Load(), c.Requests()-count, tc.sent)
			}
			// The place of what was not sent is free again: the next request does not wait for it to be answered.
			if _, err := c.Do(t.Context(), Request{Method: "GET", Path: "/last"}); err != nil {
				t.Error(err)
			}
		})
	}
}
