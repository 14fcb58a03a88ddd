package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Control calls below /_sandbox: what stands outside the emulated API. They
// need no key and are neither limited nor counted.

// dump is the account as GET /_sandbox/dump shows it: the info shapes, sorted by
// id. Organizations also carry their validations and all that is known of their
// verified contacts; requests name their order instead of repeating it. Beside
// the four lists stand containers, domains and certificates, where there is more
// than the account's one container and none of the others.
type dump struct {
	Organizations []*organization  `json:"organizations"`
	Orders        []*order         `json:"orders"`
	Users         []*user          `json:"users"`
	Requests      []map[string]any `json:"requests"`
	Containers    []containerRef   `json:"containers,omitempty"`
	Domains       []*domain        `json:"domains,omitempty"`
	Certificates  []*issued        `json:"certificates,omitempty"`
}

func (s *Server) control(w http.ResponseWriter, r *http.Request, path string) (out reply) {
	if foreign(r) {
		return fail(http.StatusForbidden, "access_denied", "Control calls are not for web pages")
	}
	body, err := readBody(w, r, maxControlBody)
	if err != nil {
		return unread(maxControlBody)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() {
		if p := recover(); p != nil {
			out = broken().encoded()
		}
	}()
	s.progress()
	undo, err := s.restorePoint(r.Method)
	if err != nil {
		return notKept()
	}
	out = s.controlled(r.Method, path, body)
	s.progress()
	if r.Method != http.MethodGet && out.status < 400 && s.save() != nil {
		undo()
		return notKept()
	}
	return out.encoded()
}

// foreign says that a page in a browser is calling, which needs no key here and
// must not get through: it names its origin, or reaches loopback by a name of
// its own.
func foreign(r *http.Request) bool {
	if r.Header.Get("Origin") != "" {
		return true
	}
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if local == nil {
		return false
	}
	here, _, err := net.SplitHostPort(local.String())
	if err != nil || !net.ParseIP(here).IsLoopback() {
		return false
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return host != "localhost" && !net.ParseIP(strings.Trim(host, "[]")).IsLoopback()
}

func (s *Server) controlled(method, path string, body []byte) reply {
	seg := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case method == http.MethodGet && path == "/stats":
		return ok(s.stats)
	case method == http.MethodDelete && path == "/stats":
		s.stats = newStats()
		return noContent
	case method == http.MethodGet && path == "/clock":
		return ok(map[string]string{"now": stamp(s.now())})
	case method == http.MethodPost && path == "/clock":
		return s.moveClock(body)
	case method == http.MethodGet && path == "/faults":
		return ok(append([]*fault{}, s.faults...))
	case method == http.MethodPost && path == "/faults":
		return s.addFaults(body)
	case method == http.MethodDelete && path == "/faults":
		s.faults = nil
		return noContent
	case method == http.MethodGet && path == "/dump":
		return ok(s.dump())
	case method == http.MethodPost && path == "/reset":
		s.acct, s.faults, s.stats, s.windows = emptyAccount(), nil, newStats(), map[string]*window{}
		return noContent
	case method == http.MethodPost && len(seg) == 3 && seg[0] == "orders":
		return s.act(seg[1], seg[2])
	case method == http.MethodPatch && len(seg) == 3 && seg[0] == "objects":
		return s.patch(seg[1], seg[2], body)
	}
	return fail(http.StatusNotFound, "not_found|route", "There is no such control call")
}

func (s *Server) dump() dump {
	d := dump{Organizations: []*organization{}, Orders: []*order{}, Users: s.acct.Users, Requests: []map[string]any{}}
	for _, o := range s.acct.Organizations {
		d.Organizations = append(d.Organizations, o.dumped())
	}
	for _, o := range s.acct.Orders {
		d.Orders = append(d.Orders, s.view(o))
	}
	if len(s.acct.Containers) > 1 {
		d.Containers = s.acct.Containers
	}
	for _, one := range s.acct.Domains {
		d.Domains = append(d.Domains, one.shown(true, true))
	}
	for _, one := range s.acct.Certificates {
		cp := *one
		cp.DER = nil
		d.Certificates = append(d.Certificates, &cp)
	}
	for _, r := range s.acct.Requests {
		d.Requests = append(d.Requests, s.dumpedRequest(r))
	}
	return d
}

func (s *Server) moveClock(body []byte) reply {
	var in struct {
		Advance string `json:"advance"`
	}
	if err := strictDecode(body, &in); err != nil {
		return badControl("%v", err)
	}
	by, err := time.ParseDuration(in.Advance)
	if err != nil || by < 0 {
		return badControl("advance %q: want a duration that is not negative, as in 720h", in.Advance)
	}
	s.acct.ClockOffset += by
	return ok(map[string]string{"now": stamp(s.now())})
}

func badControl(format string, args ...any) reply {
	return fail(http.StatusBadRequest, "bad_request_format", format, args...)
}

// addFaults puts faults behind those that are pending; of several that match a
// call, the first is used. An empty list clears the queue.
func (s *Server) addFaults(body []byte) reply {
	var list []*fault
	if err := strictDecode(body, &list); err != nil {
		return badControl("%v", err)
	}
	for _, f := range list {
		if f == nil {
			return badControl("an entry is empty")
		}
		if err := f.parse(); err != nil {
			return badControl("%v", err)
		}
	}
	if len(list) == 0 {
		s.faults = nil
	}
	s.faults = append(s.faults, list...)
	return noContent
}

// act is what people and DigiCert do to an order.
func (s *Server) act(id, what string) reply {
	n, _ := strconv.Atoi(id)
	o := s.acct.order(n)
	if o == nil {
		return fail(http.StatusNotFound, "not_found|order", "There is no such order")
	}
	conflict := fail(http.StatusConflict, "invalid_order_status", "An order that is %s cannot do that", o.Status)
	open := slices.DeleteFunc(s.acct.requestsOf(o.ID), func(r *request) bool { return !r.open() })
	admin := s.acct.Users[0]
	switch what {
	case "approve":
		if len(open) == 0 {
			return conflict
		}
		for _, r := range open {
			s.approve(r, admin, "")
		}
	case "reject":
		placed := !o.underWay() // then it is something asked of the order that is rejected
		if placed && len(open) == 0 {
			return conflict
		}
		reissue := o.Status == "reissue_pending"
		for _, r := range open {
			s.reject(r, admin, "")
		}
		if !placed && !reissue {
			o.Status = "rejected"
		}
	case "issue":
		if !o.underWay() {
			return conflict
		}
		for _, r := range open {
			s.approve(r, admin, "")
		}
		s.issueNow(o)
	case "revoke":
		if o.Status != "issued" && o.Status != "expired" && o.Status != "reissue_pending" {
			return conflict
		}
		s.acct.revokeOrder(o)
	case "expire":
		if o.Status != "issued" {
			return conflict
		}
		if yesterday := day(s.now().AddDate(0, 0, -1)); o.Certificate.ValidTill > yesterday {
			o.Certificate.ValidTill = yesterday
		}
		if yesterday := day(s.now().AddDate(0, 0, -1)); o.OrderValidTill > yesterday {
			o.OrderValidTill = yesterday
		}
		o.Status = "expired"
	default:
		return fail(http.StatusNotFound, "not_found|route", "Orders can be approved, issued, rejected, revoked and expired here")
	}
	return ok(s.view(o))
}

// issueNow gives an order what it waits for: its reissue or its certificate.
func (s *Server) issueNow(o *order) {
	if o.Hidden != nil {
		for _, w := range slices.Clone(o.Hidden.Rework) {
			s.finishRework(o, w, s.now())
		}
		if o.Hidden.Proof != nil {
			s.acct.proven(o, s.now())
		}
	}
	if o.Status != "issued" {
		s.issue(o, s.now())
	}
}

// patch edits an object as somebody with a console would, without any of the
// API's rules: an RFC 7396 merge patch of the object as dump shows it. A field
// the object cannot have is refused, so that no test edits into the void.
func (s *Server) patch(kind, id string, body []byte) reply {
	n, _ := strconv.Atoi(id)
	switch kind {
	case "organization":
		o := s.acct.organization(n)
		if o == nil {
			break
		}
		var next organization
		if err := merged(o.dumped(), body, &next); err != nil {
			return badControl("%v", err)
		}
		if next.ID != o.ID {
			return badControl("an id cannot be changed")
		}
		if next.DisplayName == o.DisplayName {
			next.DisplayName = displayName(next.Name, next.AssumedName)
		}
		if next.Status != o.Status && next.IsActive == o.IsActive {
			next.IsActive = next.Status == "active"
		} else if next.IsActive != o.IsActive && next.Status == o.Status {
			next.Status = map[bool]string{true: "active", false: "inactive"}[next.IsActive]
		}
		next.Hidden = o.Hidden
		s.acct.samePeople(o, &next)
		*o = next
		return ok(o.dumped())
	case "order":
		o := s.acct.order(n)
		if o == nil {
			break
		}
		var next order
		if err := merged(s.view(o), body, &next); err != nil {
			return badControl("%v", err)
		}
		if next.ID != o.ID {
			return badControl("an id cannot be changed")
		}
		for _, ref := range next.Requests {
			if r := s.acct.request(ref.ID); r != nil && r.Order.ID == o.ID {
				r.requestRef = ref
			}
		}
		next.Requests, next.HasPendingRequest = nil, false
		next.Certificate.DaysRemaining = 0
		s.acct.mendNotes(&next)
		next.Hidden = o.Hidden
		if next.Status != o.Status && o.Hidden != nil {
			// It stays where it was put.
			next.Hidden = &orderHidden{VisibleAt: o.Hidden.VisibleAt}
		}
		*o = next
		return ok(s.view(o))
	default:
		return fail(http.StatusNotFound, "not_found|route", "Objects are organizations and orders")
	}
	return fail(http.StatusNotFound, "not_found|"+kind, "There is no such object")
}

// merged applies a merge patch to an object and decodes the result.
func merged(object any, patch []byte, into any) error {
	text, err := json.Marshal(object)
	if err != nil {
		return err
	}
	var tree, change map[string]any
	if err := decodeTree(text, &tree); err != nil {
		return err
	}
	if err := decodeTree(patch, &change); err != nil {
		return fmt.Errorf("patch: %w", inWords(err))
	}
	text, err = json.Marshal(mergePatch(tree, change))
	if err != nil {
		return err
	}
	return strictDecode(text, into)
}

func decodeTree(text []byte, into *map[string]any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	return dec.Decode(into)
}

// mergePatch is RFC 7396, section 2.
func mergePatch(target, patch any) any {
	p, isObject := patch.(map[string]any)
	if !isObject {
		return patch
	}
	t, isObject := target.(map[string]any)
	if !isObject {
		t = map[string]any{}
	}
	for name, value := range p {
		if value == nil {
			delete(t, name)
		} else {
			t[name] = mergePatch(t[name], value)
		}
	}
	return t
}
