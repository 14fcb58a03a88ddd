package certcentral

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/secret"
	"dcsync/internal/step"
)

const testKey = "K3Y0123456789ABCDEF"

// fakeClock passes time by sleeping only, and remembers for how long it was asked to.
type fakeClock struct {
	mu     sync.Mutex
	now    time.Time
	sleeps []time.Duration
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.sleeps = append(c.sleeps, d)
	return ctx.Err()
}

func newFakeClock() *fakeClock { return &fakeClock{now: time.Unix(1_800_000_000, 0)} }

// newClient serves the handler at an API address and gives a client of it, without jitter and on a fake clock.
func newClient(t *testing.T, h http.HandlerFunc, change ...func(*Config)) *Client {
	t.Helper()
	server := httptest.NewServer(http.StripPrefix("/services/v2", h))
	t.Cleanup(server.Close)
	cfg := Config{
		BaseURL: server.URL + "/services/v2", Key: secret.New(testKey), Version: "1.2.3", Clock: newFakeClock(),
		Jitter: func() float64 { return 0 }, Timeout: 10 * time.Second,
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func reply(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, base, key, want string }{
		{"no address", "", testKey, "not a URL with a host"},
		{"no host", "https:///services/v2", testKey, "not a URL with a host"},
		{"not a URL", "https://[::1", testKey, "not a URL with a host"},
		{"plain http", "http://example.com/services/v2", testKey, "use https for example.com"},
		{"http to a host that begins like loopback", "http://127.0.0.1.example.com/", testKey, "use https"},
		{"other scheme", "ftp://example.com", testKey, "must begin with https://"},
		{"password", "https://u:hunter2@example.com", testKey, "must not hold a user"},
		{"query", "https://example.com/?a=b", testKey, "must not hold a query"},
		{"fragment", "https://example.com/#x", testKey, "must not hold a query or fragment"},
		{"no key", USBaseURL, "", "it is empty"},
		{"key with line end", USBaseURL, testKey + "\n", "line ends"},
	} {
		_, err := New(Config{BaseURL: tc.base, Key: secret.New(tc.key)})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q in it", tc.name, err, tc.want)
		}
		if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), testKey)) {
			t.Errorf("%s: error shows a secret: %v", tc.name, err)
		}
	}
	for _, base := range []string{USBaseURL, EUBaseURL, USBaseURL + "/", "http://localhost:1/x", "http://127.0.0.2:1", "http://[::1]:1"} {
		if _, err := New(Config{BaseURL: base, Key: secret.New(testKey)}); err != nil {
			t.Errorf("%s: %v", base, err)
		}
	}
}

func TestDoSends(t *testing.T) {
	t.Parallel()
	type seen struct{ Method, URI, Key, Accept, Agent, Type, Body, Length string }
	var got []seen
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, seen{r.Method, r.URL.EscapedPath() + "?" + r.URL.RawQuery, r.Header.Get("X-DC-DEVKEY"), r.Header.Get("Accept"),
			r.Header.Get("User-Agent"), r.Header.Get("Content-Type"), string(body), r.Header.Get("Content-Length")})
		if r.Method == http.MethodPut {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		reply(201, `{"id": 12345678901234567890, "requests": []}`)(w, r)
	})
	resp, err := c.Do(t.Context(), Request{
		Method: "POST", Path: "/order/alternate/" + PathEscape("a/b ?"), Query: map[string][]string{"filters[x]": {"a b"}}, Body: map[string]any{"a": 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"id": json.Number("12345678901234567890"), "requests": []any{}}
	if diff := cmp.Diff(want, resp.Body); diff != "" || resp.Status != 201 || resp.Date.IsZero() {
		t.Errorf("answer %d, date %s (-want +got)\n%s", resp.Status, resp.Date, diff)
	}
	resp, err = c.Do(t.Context(), Request{Method: "PUT", Path: "/organization/1/activate"})
	if err != nil || resp.Status != 204 || resp.Body != nil {
		t.Errorf("204: got %+v, %v", resp, err)
	}
	wantSeen := []seen{
		{"POST", "/order/alternate/a%2Fb%20%3F?filters%5Bx%5D=a+b", testKey, "application/json", "dcsync/1.2.3", "application/json", `{"a":1}`, "7"},
		{"PUT", "/organization/1/activate?", testKey, "application/json", "dcsync/1.2.3", "", "", "0"},
	}
	if diff := cmp.Diff(wantSeen, got); diff != "" {
		t.Errorf("requests (-want +got)\n%s", diff)
	}
	if c.Requests() != 2 {
		t.Errorf("Requests() = %d, want 2", c.Requests())
	}
}

func TestDoRefusesUnfitRequests(t *testing.T) {
	t.Parallel()
	c := newClient(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	for name, r := range map[string]Request{
		"method":         {Method: "BREW", Path: "/a"},
		"relative path":  {Method: "GET", Path: "a"},
		"query in path":  {Method: "GET", Path: "/a?b"},
		"dot segment":    {Method: "GET", Path: "/a/../b"},
		"empty segment":  {Method: "GET", Path: "/order/certificate/" + PathEscape("")},
		"bad escape":     {Method: "GET", Path: "/a%zz"},
		"body not JSON":  {Method: "POST", Path: "/a", Body: map[string]any{"f": func() {}}},
		"lower method":   {Method: "get", Path: "/a"},
		"path is spaced": {Method: "GET", Path: "/\x7f"},
	} {
		if _, err := c.Do(t.Context(), r); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, s := range []string{".", "..", "a/../b"} {
		if got := PathEscape(s); strings.Trim(got, ".") == "" || strings.Contains(got, "/") {
			t.Errorf("PathEscape(%q) = %q", s, got)
		}
	}
}

func TestStepPoints(t *testing.T) {
	t.Parallel()
	var got []step.Point
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		got = append(got, step.Point(r.Method))
		reply(200, `{}`)(w, r)
	}, func(cfg *Config) { cfg.Step = func(p step.Point) { got = append(got, p) } })
	for _, method := range []string{"GET", "POST"} {
		if _, err := c.Do(t.Context(), Request{Method: method, Path: "/a"}); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]step.Point{"GET", PointSending, "POST", PointAnswered}, got); diff != "" {
		t.Errorf("points (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]step.Point{PointSending, PointAnswered}, Points()); diff != "" {
		t.Errorf("Points() (-want +got)\n%s", diff)
	}
}

func TestMeAndAccount(t *testing.T) {
	t.Parallel()
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/user/me":
			reply(200, `{"id": 9001, "account_id": "77", "first_name": "Ada", "last_name": "L", "email": "ada@contoso.example",
				"container": {"id": 11, "parent_id": 0, "name": "Contoso", "is_active": true}, "access_roles": [{"id": 1, "name": "Administrator"}],
				"container_visibility": [{"id": 11, "name": "Contoso"}, []]}`)(w, r)
		case "/account":
			reply(200, `{"id": 77, "root_container_id": 11, "primary_organization_name": "Contoso Ltd"}`)(w, r)
		}
	})
	me, err := c.Me(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := &User{ID: "9001", AccountID: "77", Name: "Ada L", Email: "ada@contoso.example", Roles: []Role{{"1", "Administrator"}},
		Container: Container{"11", "0", "Contoso", true}, Visible: []Container{{ID: "11", Name: "Contoso"}}}
	if diff := cmp.Diff(want, me); diff != "" {
		t.Errorf("Me (-want +got)\n%s", diff)
	}
	account, err := c.Account(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&Account{"77", "11", "Contoso Ltd"}, account); diff != "" {
		t.Errorf("Account (-want +got)\n%s", diff)
	}

	empty := newClient(t, reply(200, `{}`))
	if _, err := empty.Me(t.Context()); err == nil || !strings.Contains(err.Error(), "has no id") {
		t.Errorf("Me without id: %v", err)
	}
	if _, err := empty.Account(t.Context()); err == nil || !strings.Contains(err.Error(), "has no id") {
		t.Errorf("Account without id: %v", err)
	}
}
