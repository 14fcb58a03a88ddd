package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	apiPrefix     = "/services/v2"
	controlPrefix = "/_sandbox"
	maxBody       = 1 << 20
	// A control call may bring an account to edit, not a body of the API.
	maxControlBody = 8 << 20
	// maxDrain is how much of a body that is too large is still taken in.
	maxDrain = 64 << 20
)

var errTooLarge = errors.New("body too large")

// apiError is one entry of the body every failure has (API facts, section 2).
type apiError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// reply is an answer before it is written: a body that becomes JSON, raw bytes of
// some kind, or neither.
type reply struct {
	status int
	body   any
	raw    []byte
	kind   string // media type of raw
	name   string // file name of raw
}

func ok(body any) reply      { return reply{status: http.StatusOK, body: body} }
func created(body any) reply { return reply{status: http.StatusCreated, body: body} }

var noContent = reply{status: http.StatusNoContent}

func fail(status int, code, format string, args ...any) reply {
	return failAll(status, []apiError{{code, fmt.Sprintf(format, args...)}})
}

func failAll(status int, errs []apiError) reply {
	return reply{status: status, body: map[string]any{"errors": errs}}
}

// call is one request to the API that has passed the gate: its key is known, its
// route found, its body read. Handlers run one at a time, under Server.mu.
type call struct {
	*Server
	user       *user
	containers []int // that the user sees
	query      url.Values
	params     map[string]string
	body       []byte
	shifted    bool // a fault moves pages by one item
}

func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	// A slash at the end changes nothing: there are clients that send one.
	path, rest := strings.TrimSuffix(r.URL.EscapedPath(), "/"), ""
	switch {
	case cutPrefix(path, controlPrefix, &rest):
		s.write(w, s.control(w, r, rest), 0)
	case cutPrefix(path, apiPrefix, &rest):
		s.serveAPI(w, r, rest)
	default:
		s.write(w, fail(http.StatusNotFound, "not_found|route", "The API is served below %s", apiPrefix), 0)
	}
}

// cutPrefix cuts whole path segments.
func cutPrefix(path, prefix string, rest *string) bool {
	after, found := strings.CutPrefix(path, prefix)
	if !found || after != "" && after[0] != '/' {
		return false
	}
	*rest = after
	return true
}

func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request, path string) {
	rt, params := findRoute(r.Method, path)
	// An order can be placed by a call whose client has gone: the body is read
	// before anything happens, and what happens then is finished.
	body, err := readBody(w, r, maxBody)

	s.mu.Lock()
	s.stats.count(r.Method, rt)
	f := s.takeFault(r.Method, path)
	s.mu.Unlock()

	time.Sleep(s.opts.Latency)
	if f != nil && f.act == dropBefore {
		panic(http.ErrAbortHandler) // closes the connection without an answer
	}
	var out reply
	if err != nil {
		out = unread(maxBody)
	} else if f == nil || f.act != replace {
		out = s.answer(r, rt, params, body, f != nil && f.act == repeatItems)
	}
	if f == nil {
		s.write(w, out, 0)
		return
	}
	s.writeFaulty(w, r, out, f)
}

// readBody reads at most limit bytes. Of a longer body some more is passed over,
// so that a client that is still sending gets the answer and not a reset.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err == nil && int64(len(body)) > limit {
		io.CopyN(io.Discard, r.Body, maxDrain)
		err = errTooLarge
	}
	if err != nil {
		w.Header().Set("Connection", "close")
		return nil, err
	}
	return body, nil
}

func unread(limit int64) reply {
	return fail(http.StatusBadRequest, "bad_request_format", "The body cannot be read or is larger than %d bytes", limit)
}

// broken answers for a mistake of the sandbox, whose text is nobody's business.
func broken() reply {
	return fail(http.StatusInternalServerError, "internal_error", "The sandbox made a mistake")
}

// answer runs the gate and the handler. The order of the checks is assumed; that
// an unknown key gives 403 and not 401 was seen (API facts, section 2).
func (s *Server) answer(r *http.Request, rt *route, params map[string]string, body []byte, shifted bool) (out reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() {
		if p := recover(); p != nil { // a mistake of the sandbox, not the end of it
			out = broken().encoded()
		}
	}()
	key := r.Header.Get("X-DC-DEVKEY")
	k, owner := s.authenticate(key)
	media := acceptable(r.Header.Values("Accept"), rt.offers())
	switch {
	case key == "":
		return fail(http.StatusUnauthorized, "access_denied|missing_key", "Send an API key in the header X-DC-DEVKEY")
	case k == nil:
		return fail(http.StatusForbidden, "access_denied|access_denied_invalid_key", "The API key is not valid")
	case s.opts.RateLimits && !s.admit(key):
		return fail(http.StatusTooManyRequests, "request_limit_exceeded", "Service unavailable, please limit request volume")
	case media == "":
		return fail(http.StatusNotAcceptable, "not_acceptable", "Accept %s", strings.Join(rt.offers(), " or "))
	case rt == nil:
		return fail(http.StatusNotFound, "not_found|route", "There is no such endpoint")
	case !permitted(k.RestrictedToRoleID, r.Method, rt):
		return fail(http.StatusForbidden, "access_denied|missing_permission", "The API key may not do this")
	}
	if !owner.allowed(rt) {
		return missingPermission()
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return fail(http.StatusBadRequest, "bad_request_format", "The query cannot be read")
	}
	s.progress()
	k.LastUsedDate = stamp(s.now())
	undo, err := s.restorePoint(r.Method)
	if err != nil {
		return notKept()
	}
	c := &call{Server: s, user: owner, containers: s.acct.containersOf(owner), query: query, params: params, body: body, shifted: shifted}
	out = rt.handle(c)
	s.progress()
	if r.Method != http.MethodGet && out.status < 400 && s.save() != nil {
		undo()
		return notKept()
	}
	// Bodies point into the account; they are encoded while it is locked.
	out = out.encoded()
	if media == "text/csv" && out.raw == nil {
		out = out.asCSV()
	}
	return out
}

// encoded replaces the body by its JSON.
func (out reply) encoded() reply {
	if out.body == nil {
		return out
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(out.body); err != nil {
		return reply{status: http.StatusInternalServerError, body: json.RawMessage(`{"errors":[{"code":"internal_error","message":"cannot encode the answer"}]}`)}
	}
	out.body = json.RawMessage(bytes.TrimSpace(b.Bytes()))
	return out
}

func (s *Server) write(w http.ResponseWriter, out reply, retryAfter int) {
	text := s.head(w, out, retryAfter)
	w.WriteHeader(out.status)
	w.Write(text)
}

// head sets the headers and returns the body.
func (s *Server) head(w http.ResponseWriter, out reply, retryAfter int) []byte {
	if out.status == http.StatusTooManyRequests {
		s.mu.Lock()
		s.stats.Rejected429++
		s.mu.Unlock()
	}
	h := w.Header()
	// The API documents no Retry-After; only faults send one.
	if retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(retryAfter))
	}
	if out.raw == nil && out.body == nil {
		return nil
	}
	h.Set("Cache-Control", "private,no-cache")
	if out.raw != nil {
		h.Set("Content-Type", out.kind)
		if out.name != "" {
			h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": out.name}))
		}
		return out.raw
	}
	h.Set("Content-Type", "application/json")
	return out.encoded().body.(json.RawMessage)
}

// writeHTML is what a CDN in front of the API answers when it is unhappy.
func (s *Server) writeHTML(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusServiceUnavailable)
	io.WriteString(w, "<html><head><title>Service Unavailable</title></head><body><h1>503</h1></body></html>\n")
}

// acceptable is the first offer the client takes, "" for none. A request without
// the header takes anything.
func acceptable(accept, offers []string) string {
	if len(accept) == 0 {
		return offers[0]
	}
	var taken []string
	for _, part := range strings.Split(strings.Join(accept, ","), ",") {
		media, params, err := mime.ParseMediaType(part)
		if err == nil && params["q"] != "0" {
			taken = append(taken, media)
		}
	}
	for _, offer := range offers {
		group, _, _ := strings.Cut(offer, "/")
		if slices.Contains(taken, offer) || slices.Contains(taken, group+"/*") || slices.Contains(taken, "*/*") {
			return offer
		}
	}
	return ""
}
