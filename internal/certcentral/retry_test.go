package certcentral

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/secret"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name       string
		a          attempt
		repeatable verdict
		once       verdict // a write that must not be repeated
	}{
		{"429", attempt{status: 429, sent: true}, hold, hold},
		{"408", attempt{status: 408, sent: true}, repeat, giveUp},
		{"500", attempt{status: 500, sent: true}, repeat, giveUp},
		{"502", attempt{status: 502, sent: true}, repeat, giveUp},
		{"503", attempt{status: 503, sent: true}, repeat, giveUp},
		{"504", attempt{status: 504, sent: true}, repeat, giveUp},
		{"400", attempt{status: 400, sent: true}, giveUp, giveUp},
		{"401", attempt{status: 401, sent: true}, giveUp, giveUp},
		{"403", attempt{status: 403, sent: true}, giveUp, giveUp},
		{"404", attempt{status: 404, sent: true}, giveUp, giveUp},
		{"cut connection", attempt{sent: true}, repeat, giveUp},
		{"no connection", attempt{}, repeat, repeat},
		{"unusable success", attempt{status: 200, sent: true, garbled: true}, repeat, giveUp},
		{"refused redirect", attempt{status: 302, sent: true, lasting: true}, giveUp, giveUp},
		{"untrusted server", attempt{lasting: true}, giveUp, giveUp},
	} {
		if got := judge(true, &tc.a); got != tc.repeatable {
			t.Errorf("%s, repeatable: %d, want %d", tc.name, got, tc.repeatable)
		}
		if got := judge(false, &tc.a); got != tc.once {
			t.Errorf("%s, once: %d, want %d", tc.name, got, tc.once)
		}
	}
}

func TestTally(t *testing.T) {
	t.Parallel()
	waits := func(v verdict, a *attempt, jitter float64) (out []time.Duration) {
		var tried tally
		for {
			wait, again := tried.next(v, a, jitter)
			if !again {
				return out
			}
			out = append(out, wait/time.Millisecond)
		}
	}
	for _, tc := range []struct {
		name   string
		v      verdict
		after  time.Duration
		jitter float64
		want   []time.Duration // ms
	}{
		{"failures", repeat, 0, 0, []time.Duration{1000, 2000, 4000, 8000}},
		{"failures, spread", repeat, 0, 0.5, []time.Duration{1250, 2500, 5000, 10000}},
		{"refusals", hold, 0, 0, []time.Duration{5000, 10000, 20000, 40000, 60000, 60000, 60000}},
		{"server's wish", repeat, 3 * time.Second, 0.5, []time.Duration{3500, 3500, 3500, 3500}},
		{"server's wish is too much", hold, time.Hour, 0, nil},
		{"no use", giveUp, 0, 0, nil},
	} {
		if diff := cmp.Diff(tc.want, waits(tc.v, &attempt{retryAfter: tc.after}, tc.jitter)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tc.name, diff)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	date := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	for _, tc := range []struct {
		value, date string
		want        time.Duration
	}{
		{"", "", 0},
		{"3", "", 3 * time.Second},
		{" 3 ", "", 3 * time.Second},
		{"0", "", 0},
		{"-3", "", 0},
		{"soon", "", 0},
		{"18446744073709551615", "", 24 * time.Hour},
		{date(time.Minute), "", time.Minute},
		{date(-time.Minute), "", 0},
		{date(time.Hour), date(59 * time.Minute), time.Minute}, // by the server's clock
	} {
		h := http.Header{}
		h.Set("Retry-After", tc.value)
		h.Set("Date", tc.date)
		if got := retryAfter(h, now); got != tc.want {
			t.Errorf("Retry-After %q, Date %q: %s, want %s", tc.value, tc.date, got, tc.want)
		}
	}
}

// faults answers with each step in turn, then with success.
func faults(steps ...http.HandlerFunc) http.HandlerFunc {
	n := 0
	return func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		n++
		if n > len(steps) {
			reply(200, `{"ok": true}`)(w, r)
			return
		}
		steps[n-1](w, r)
	}
}

func times(n int, h http.HandlerFunc) (out []http.HandlerFunc) {
	for range n {
		out = append(out, h)
	}
	return out
}

func cut(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// half promises more than it sends.
func half(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100")
	io.WriteString(w, `{"id": 1`)
	panic(http.ErrAbortHandler)
}

func page503(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(503)
	io.WriteString(w, "<html><style>b{}</style><h1>Down &amp; out</h1></html>")
}

func html200(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	io.WriteString(w, "<html>Please wait</html>")
}

func limited(w http.ResponseWriter, r *http.Request) {
	reply(429, `{"errors":[{"code":"request_limit_exceeded","message":"Service unavailable, please limit request volume"}]}`)(w, r)
}

func TestRetries(t *testing.T) {
	t.Parallel()
	const ok, ambiguous = "", "ambiguous"
	type want struct {
		requests int
		err      string // "" for success, "ambiguous", or a part of a plain error
	}
	for _, tc := range []struct {
		name                  string
		steps                 []http.HandlerFunc
		get, put, post, patch want // put is Repeatable
	}{
		{"503 once", times(1, page503), want{2, ok}, want{2, ok}, want{1, ambiguous}, want{1, ambiguous}},
		{"500 once", times(1, reply(500, `{"errors":[]}`)), want{2, ok}, want{2, ok}, want{1, ambiguous}, want{1, ambiguous}},
		{"503 for ever", times(99, page503), want{5, "503"}, want{5, ambiguous}, want{1, ambiguous}, want{1, ambiguous}},
		{"cut once", times(1, cut), want{2, ok}, want{2, ok}, want{1, ambiguous}, want{1, ambiguous}},
		{"half an answer", times(1, half), want{2, ok}, want{2, ok}, want{1, ambiguous}, want{1, ambiguous}},
		{"HTML with 200", times(1, html200), want{2, ok}, want{2, ok}, want{1, ambiguous}, want{1, ambiguous}},
		{"nothing with 200", times(1, reply(200, ``)), want{2, ok}, want{1, ok}, want{1, ok}, want{1, ok}},
		{"an array with 200", times(9, reply(200, `[1]`)), want{5, "not a JSON object"}, want{5, ambiguous}, want{1, ambiguous}, want{1, ambiguous}},
		{"408 once", times(1, reply(408, `{}`)), want{2, ok}, want{2, ok}, want{1, "408"}, want{1, "408"}},
		{"429 thrice", times(3, limited), want{4, ok}, want{4, ok}, want{4, ok}, want{4, ok}},
		{"429 for ever", times(99, limited), want{8, "429 request_limit_exceeded"}, want{8, "429"}, want{8, "429"}, want{8, "429"}},
		{"400", times(1, reply(400, `{"errors":[{"code":"x"}]}`)), want{1, "400 x"}, want{1, "400 x"}, want{1, "400 x"}, want{1, "400 x"}},
		{"503 then 404", []http.HandlerFunc{page503, reply(404, `{}`)}, want{2, "404"}, want{2, "404"}, want{1, ambiguous}, want{1, ambiguous}},
		{"503 then 429 for ever", append(times(1, page503), times(99, limited)...), want{9, "429"}, want{9, ambiguous}, want{1, ambiguous}, want{1, ambiguous}},
		{"429 then 503", []http.HandlerFunc{limited, page503}, want{3, ok}, want{3, ok}, want{2, ambiguous}, want{2, ambiguous}},
		{"401", times(1, reply(401, ``)), want{1, "401 Unauthorized"}, want{1, "401"}, want{1, "401"}, want{1, "401"}},
	} {
		for method, want := range map[string]want{"GET": tc.get, "PUT": tc.put, "POST": tc.post, "PATCH": tc.patch} {
			t.Run(tc.name+"/"+method, func(t *testing.T) {
				t.Parallel()
				c := newClient(t, faults(tc.steps...))
				var body any
				if method != "GET" {
					body = map[string]any{"a": "b"}
				}
				_, err := c.Do(t.Context(), Request{Method: method, Path: "/x", Body: body, Repeatable: method == "PUT"})
				var doubt *AmbiguousError
				switch isDoubt := errors.As(err, &doubt); {
				case isDoubt != (want.err == ambiguous), (err == nil) != (want.err == ok):
					t.Errorf("got error %v, want %q", err, want.err)
				case err != nil && !isDoubt && !strings.Contains(err.Error(), want.err):
					t.Errorf("got error %v, want %q", err, want.err)
				}
				if c.Requests() != want.requests {
					t.Errorf("%d requests, want %d (%v)", c.Requests(), want.requests, err)
				}
			})
		}
	}
}

func TestNothingSentIsNotAmbiguous(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	for name, host := range map[string]string{"connection refused": "http://" + listener.Addr().String(), "no such host": "https://dcsync-test.invalid"} {
		clock := newFakeClock()
		c, err := New(Config{BaseURL: host, Key: secret.New(testKey), Clock: clock})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Do(t.Context(), Request{Method: "POST", Path: "/order"})
		var doubt *AmbiguousError
		var failed *TransportError
		if errors.As(err, &doubt) || !errors.As(err, &failed) {
			t.Errorf("%s: %v", name, err)
		}
		if len(clock.sleeps) != maxFailures-1 {
			t.Errorf("%s: waited %v", name, clock.sleeps)
		}
	}
}

func TestTransportWithoutReportsIsAmbiguous(t *testing.T) {
	t.Parallel()
	c := newClient(t, nil, func(cfg *Config) {
		cfg.Transport = roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("lost") })
	})
	_, err := c.Do(t.Context(), Request{Method: "POST", Path: "/order"})
	var doubt *AmbiguousError
	if !errors.As(err, &doubt) || c.Requests() != 1 {
		t.Errorf("%d requests, %v", c.Requests(), err)
	}
}

func TestRequestTimeout(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			w.WriteHeader(200) // the head in time, the body not
			w.(http.Flusher).Flush()
		}
		<-stop
	}, func(cfg *Config) { cfg.Timeout = 50 * time.Millisecond })
	t.Cleanup(func() { close(stop) })
	_, err := c.Do(t.Context(), Request{Method: "GET", Path: "/x"})
	if err == nil || !strings.Contains(err.Error(), "within 50ms") || errors.Is(err, context.DeadlineExceeded) || c.Requests() != maxFailures {
		t.Errorf("GET: %d requests, %v", c.Requests(), err)
	}
	_, err = c.Do(t.Context(), Request{Method: "POST", Path: "/x"})
	var doubt *AmbiguousError
	if !errors.As(err, &doubt) || !strings.Contains(err.Error(), "within 50ms") {
		t.Errorf("POST: %v", err)
	}
}

func TestContextEndsCall(t *testing.T) {
	t.Parallel()
	var doubt *AmbiguousError

	// While the answer is awaited.
	ctx, cancel := context.WithCancel(t.Context())
	c := newClient(t, func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
	})
	_, err := c.Do(ctx, Request{Method: "POST", Path: "/x", Body: map[string]any{}})
	if !errors.As(err, &doubt) || !errors.Is(err, context.Canceled) || c.Requests() != 1 {
		t.Errorf("POST in flight: %v", err)
	}

	// Before anything was sent.
	_, err = c.Do(ctx, Request{Method: "POST", Path: "/x"})
	if errors.As(err, &doubt) || !errors.Is(err, context.Canceled) || c.Requests() != 1 {
		t.Errorf("POST not yet sent: %v", err)
	}

	// Between attempts: the error says what was being waited for.
	for _, status := range []int{503, 429} {
		ctx, cancel := context.WithCancel(t.Context())
		c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
			reply(status, `{"errors":[{"code":"busy"}]}`)(w, r)
		}, func(cfg *Config) { cfg.Clock = cancelingClock{cfg.Clock, cancel} })
		_, err := c.Do(ctx, Request{Method: "GET", Path: "/x"})
		if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), fmt.Sprintf("%d busy", status)) {
			t.Errorf("%d: %v", status, err)
		}
	}
}

// cancelingClock cancels whoever sleeps.
type cancelingClock struct {
	Clock
	cancel context.CancelFunc
}

func (c cancelingClock) Sleep(ctx context.Context, d time.Duration) error {
	c.cancel()
	return c.Clock.Sleep(ctx, d)
}

func TestAnswerTooLarge(t *testing.T) {
	t.Parallel()
	c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		chunk := []byte(strings.Repeat(" ", 1<<20))
		for range 66 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	_, err := c.Do(t.Context(), Request{Method: "GET", Path: "/x"})
	if err == nil || !strings.Contains(err.Error(), "larger than 64 MiB") || c.Requests() != 1 {
		t.Errorf("%d requests, %v", c.Requests(), err)
	}
}
