package certcentral

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// DefaultRateLimit is what CertCentral allows a key at present (API facts, section 1.2), in the form ParseWindows reads.
const DefaultRateLimit = "100/5s,1000/180s"

// Window allows a number of requests in any span of time of the given length.
type Window struct {
	Requests int
	Per      time.Duration
}

// String gives the form that ParseWindows reads.
func (w Window) String() string { return fmt.Sprintf("%d/%s", w.Requests, w.Per) }

const (
	maxWindowRequests = 1_000_000
	maxWindowPer      = 24 * time.Hour
)

// ParseWindows reads a rate limit such as "100/5s,1000/180s". "off" gives none.
func ParseWindows(text string) ([]Window, error) {
	if strings.TrimSpace(text) == "off" {
		return nil, nil
	}
	var out []Window
	for part := range strings.SplitSeq(text, ",") {
		w, err := parseWindow(strings.TrimSpace(part))
		if err != nil {
			return nil, fmt.Errorf("read rate limit %q: %w", text, err)
		}
		out = append(out, w)
	}
	return out, nil
}

func parseWindow(text string) (Window, error) {
	count, span, found := strings.Cut(text, "/")
	if !found {
		return Window{}, fmt.Errorf(`%q is not REQUESTS/DURATION, such as 100/5s (or "off" for the whole)`, text)
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 1 || n > maxWindowRequests {
		return Window{}, fmt.Errorf("%q is not a number of requests from 1 to %d", count, maxWindowRequests)
	}
	per, err := time.ParseDuration(span)
	if err != nil || per <= 0 || per > maxWindowPer {
		return Window{}, fmt.Errorf("%q is not a duration of at most %s, such as 5s", span, maxWindowPer)
	}
	return Window{Requests: n, Per: per}, nil
}
