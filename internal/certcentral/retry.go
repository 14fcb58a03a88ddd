package certcentral

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	maxFailures   = 5                // attempts that may fail before a call is given up
	maxHolds      = 8                // attempts that may be refused with 429; their waits span the longest rate window
	maxRetryAfter = 10 * time.Minute // a server that asks for a longer wait is not waited for
)

// verdict is what to do after an attempt that failed.
type verdict int

const (
	giveUp verdict = iota
	repeat         // send it again after a back-off
	hold           // not accepted for now: send it again, and let nobody else send before
)

// judge decides by the kind of call and the outcome of one attempt alone; how often and how long is up to tally.
func judge(repeatable bool, a *attempt) verdict {
	switch {
	case a.status == http.StatusTooManyRequests:
		return hold
	case a.transient() && (repeatable || !a.sent):
		return repeat
	}
	return giveUp
}

// transient tells whether the same request may well succeed later.
func (a *attempt) transient() bool {
	return !a.lasting && (a.status == 0 || a.status == http.StatusRequestTimeout || a.status >= 500 || a.garbled)
}

// uncertain tells whether the server may have acted on a request without a usable word about it. A redirect counts: some
// servers answer a write that they have carried out with one.
func (a *attempt) uncertain() bool {
	return a.sent && (a.status < 400 || a.status >= 500)
}

// tally counts the attempts of one call.
type tally struct {
	failures int
	holds    int
	last     error
}

// next counts an attempt and gives the wait before another one, and false when there must not be one or have been enough.
// jitter is in [0,1); it only ever lengthens the wait.
func (t *tally) next(v verdict, a *attempt, jitter float64) (time.Duration, bool) {
	var wait time.Duration
	switch v {
	case repeat:
		wait = min(time.Second<<t.failures, 30*time.Second)
		t.failures++
	case hold:
		wait = min(5*time.Second<<t.holds, time.Minute)
		t.holds++
	default:
		return 0, false
	}
	if t.failures >= maxFailures || t.holds >= maxHolds || a.retryAfter > maxRetryAfter {
		return 0, false
	}
	spread := wait / 2
	if a.retryAfter > 0 {
		wait, spread = a.retryAfter, time.Second
	}
	return wait + time.Duration(jitter*float64(spread)), true
}

// retryAfter reads the Retry-After header: seconds, or a date to be taken by the server's own clock. Zero means none.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(text, 10, 64); err == nil {
		return time.Duration(min(seconds, uint64(24*time.Hour/time.Second))) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return max(0, at.Sub(now))
}
