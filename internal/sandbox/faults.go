package sandbox

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// fault makes a number of matching calls go wrong.
type fault struct {
	Match      string `json:"match"`
	Times      int    `json:"times"`
	Do         string `json:"do"`
	RetryAfter int    `json:"retry_after,omitempty"`

	act    action
	status int
	html   bool
	delay  time.Duration
}

type action int

const (
	justDelay    action = iota
	dropBefore          // cut the connection, do nothing
	dropAfter           // do it, then cut the connection
	replace             // answer with a status or HTML, do nothing
	replaceAfter        // do it, then answer with a status
)

// parse reads Do: status:N, status_after:N, drop_before, drop_after, delay:D, html.
func (f *fault) parse() error {
	if method, path, found := strings.Cut(f.Match, " "); !found || method == "" || !strings.HasPrefix(path, "/") {
		return fmt.Errorf("match %q: want a method and a path, as in \"GET /order/certificate/*\"", f.Match)
	}
	if f.Times == 0 {
		f.Times = 1
	}
	if f.Times < 0 || f.RetryAfter < 0 {
		return fmt.Errorf("times and retry_after must not be negative")
	}
	kind, arg, _ := strings.Cut(f.Do, ":")
	var err error
	switch kind {
	case "status":
		f.act = replace
		f.status, err = strconv.Atoi(arg)
	case "status_after":
		f.act = replaceAfter
		f.status, err = strconv.Atoi(arg)
	case "html":
		f.act, f.html, f.status = replace, true, http.StatusServiceUnavailable
	case "drop_before":
		f.act = dropBefore
	case "drop_after":
		f.act = dropAfter
	case "delay":
		f.delay, err = time.ParseDuration(arg)
	default:
		err = fmt.Errorf("unknown")
	}
	if err == nil && (f.act == replace || f.act == replaceAfter) && (f.status < 400 || f.status > 599) {
		err = fmt.Errorf("status must be 400 to 599")
	}
	if err != nil {
		return fmt.Errorf("do %q: %w", f.Do, err)
	}
	return nil
}

// takeFault uses up one time of the first fault that matches. The caller holds mu.
func (s *Server) takeFault(method, path string) *fault {
	for i, f := range s.faults {
		m, p, _ := strings.Cut(f.Match, " ")
		if m != "*" && !strings.EqualFold(m, method) || !matchGlob(strings.Split(p, "/"), strings.Split(path, "/")) {
			continue
		}
		taken := *f
		if f.Times--; f.Times == 0 {
			s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
		}
		return &taken
	}
	return nil
}

// matchGlob matches segments: * is one, ** is any rest, none included.
func matchGlob(glob, segments []string) bool {
	for i, g := range glob {
		if g == "**" {
			return true
		}
		if i >= len(segments) || g != "*" && g != segments[i] || g == "*" && segments[i] == "" {
			return false
		}
	}
	return len(glob) == len(segments)
}

func faultCode(status int) string {
	switch status {
	case http.StatusTooManyRequests:
		return "request_limit_exceeded"
	case http.StatusNotFound:
		return "not_found"
	case http.StatusForbidden:
		return "access_denied|missing_permission"
	case http.StatusServiceUnavailable:
		return "service_unavailable"
	}
	if status >= 500 {
		return "internal_error"
	}
	return "bad_request"
}
