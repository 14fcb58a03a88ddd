package sandbox

import (
	"encoding/json"
	"fmt"
	"mime"
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
	kind   string
	total  int
}

type action int

const (
	justDelay    action = iota
	dropBefore          // cut the connection, do nothing
	dropAfter           // do it, then cut the connection
	replace             // answer with a status or HTML, do nothing
	replaceAfter        // do it, then answer with a status
	slowBody            // do it, then answer over a while
	cutBody             // do it, then cut the connection within the body
	otherKind           // do it, then call the answer something else
	otherTotal          // do it, then count wrong
	repeatItems         // pages move by one item
)

// parse reads Do:
//
//	status:N        answer with a status, do nothing
//	status_after:N  do it, then answer with a status
//	html            a CDN's 503 page, do nothing
//	drop_before     cut the connection, do nothing
//	drop_after      do it, then cut the connection without an answer
//	delay:D         do it, then wait before the answer
//	slow:D          do it, then take so long over the body
//	cut_body        do it, then cut the connection in the middle of the body
//	content_type:T  do it, then answer with another Content-Type
//	total:+N        do it, then add N, or with - take it away, from page.total
//	repeat_items    serve a page as if an item had come in ahead of it: it begins
//	                with the last item of the page before
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
	case "slow":
		f.act = slowBody
		f.delay, err = time.ParseDuration(arg)
	case "cut_body":
		f.act = cutBody
	case "content_type":
		f.act, f.kind = otherKind, arg
		_, _, err = mime.ParseMediaType(arg)
	case "total":
		f.act = otherTotal
		f.total, err = strconv.Atoi(arg)
	case "repeat_items":
		f.act = repeatItems
	default:
		err = fmt.Errorf("unknown")
	}
	if err == nil && f.delay < 0 {
		err = fmt.Errorf("the time must not be negative")
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

// writeFaulty answers as a fault wants it. What was asked for has happened by
// now, unless the fault replaces it.
func (s *Server) writeFaulty(w http.ResponseWriter, r *http.Request, out reply, f *fault) {
	if f.act != slowBody {
		wait(r, f.delay)
	}
	switch f.act {
	case dropAfter:
		panic(http.ErrAbortHandler)
	case replace, replaceAfter:
		if f.html {
			s.writeHTML(w)
			return
		}
		out = fail(f.status, faultCode(f.status), "Made to fail by the sandbox")
	case otherTotal:
		out = out.recounted(f.total)
	}
	text := s.head(w, out, f.RetryAfter)
	if f.act == otherKind {
		w.Header().Set("Content-Type", f.kind)
	}
	switch {
	case f.act == cutBody:
		w.Header().Set("Content-Length", strconv.Itoa(len(text)+1)) // an empty body is cut as well
		w.WriteHeader(out.status)
		w.Write(text[:len(text)/2])
		flush(w)
		panic(http.ErrAbortHandler)
	case f.act == slowBody:
		w.WriteHeader(out.status)
		const pieces = 8
		for i := range pieces {
			w.Write(text[len(text)*i/pieces : len(text)*(i+1)/pieces])
			flush(w)
			wait(r, f.delay/pieces)
		}
	default:
		w.WriteHeader(out.status)
		w.Write(text)
	}
}

func flush(w http.ResponseWriter) {
	if f, can := w.(http.Flusher); can {
		f.Flush()
	}
}

// wait ends early when the client has gone.
func wait(r *http.Request, d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-time.After(d):
	case <-r.Context().Done():
	}
}

// recounted changes page.total of a listing; other answers stay.
func (out reply) recounted(by int) reply {
	text, isJSON := out.body.(json.RawMessage)
	var body map[string]any
	if !isJSON || decodeTree(text, &body) != nil {
		return out
	}
	p, paged := body["page"].(map[string]any)
	if !paged {
		return out
	}
	if n, err := strconv.Atoi(fmt.Sprint(p["total"])); err == nil {
		p["total"] = max(0, n+by)
		out.body = body
	}
	return out
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
