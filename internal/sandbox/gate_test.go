package sandbox

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestKeysAndRoles(t *testing.T) {
	r := newRig(t, Options{Keys: map[string]int{"all": 0, "orders": 100, "orgs": 101, "view": 102}})
	r.key = ""
	r.refuse(401, "access_denied|missing_key", "GET", "/account", nil)
	r.key = "wrong"
	r.refuse(403, "access_denied|access_denied_invalid_key", "GET", "/account", nil)
	for _, c := range []struct {
		key, method, path string
		status            int
	}{
		{"all", "GET", "/account", 200}, {"all", "GET", "/organization", 200},
		{"orders", "GET", "/organization", 403}, {"orders", "POST", "/organization", 403}, {"orders", "GET", "/order/certificate", 200},
		{"orders", "GET", "/user/me", 200}, {"orders", "GET", "/request", 200}, {"orders", "GET", "/account", 403},
		{"orgs", "GET", "/organization", 200}, {"orgs", "GET", "/product/pricing", 403}, {"orgs", "POST", "/organization", 400},
		{"view", "GET", "/organization", 200}, {"view", "GET", "/product/pricing", 200}, {"view", "POST", "/organization", 403},
		{"view", "PUT", "/order/certificate/1/status", 403},
	} {
		r.key = c.key
		resp, out, err := r.raw(c.method, c.path, nil)
		if err != nil || resp.StatusCode != c.status {
			t.Errorf("%s: %s %s: %v, want %d: %s", c.key, c.method, c.path, resp.StatusCode, c.status, out)
		}
		if c.status == 403 && !strings.Contains(string(out), "access_denied|missing_permission") {
			t.Errorf("%s: %s %s: %s", c.key, c.method, c.path, out)
		}
	}
	if _, err := New(Options{Keys: map[string]int{"k": 7}}); err == nil {
		t.Error("a role that does not exist is taken")
	}
}

func TestRoutesAndHeaders(t *testing.T) {
	r := newRig(t, Options{})
	for _, c := range [][2]string{{"GET", "/nothing"}, {"DELETE", "/account"}, {"POST", "/order/certificate"}, {"GET", "/"}, {"GET", "/order/certificate//"}} {
		r.refuse(404, "not_found|route", c[0], c[1], nil)
	}
	for accept, want := range map[string]int{
		"application/json": 200, "*/*": 200, "text/html, application/*;q=0.5": 200, "application/xml": 406, "text/csv": 406, "application/json;q=0": 406,
	} {
		resp, out, _ := r.raw("GET", "/account", nil, "Accept", accept)
		if resp.StatusCode != want {
			t.Errorf("Accept %s: %d, want %d: %s", accept, resp.StatusCode, want, out)
		}
		if ct := resp.Header.Get("Content-Type"); ct != "application/json" {
			t.Errorf("Content-Type %q", ct)
		}
	}
	resp, _, _ := r.raw("POST", "/organization", `{"name":"`+strings.Repeat("x", maxBody)+`"}`)
	if resp.StatusCode != 400 {
		t.Errorf("a huge body: %d", resp.StatusCode)
	}
	outside, err := r.http.Client().Get(r.http.URL + "/elsewhere")
	if err != nil || outside.StatusCode != 404 {
		t.Errorf("outside the API: %v, %v", outside, err)
	} else {
		outside.Body.Close()
	}
}

func TestRateWindows(t *testing.T) {
	r := newRig(t, Options{RateLimits: true, Keys: map[string]int{"sandbox-key": 0, "other": 0}})
	burst := func(n int) {
		for range n {
			r.get("/user/me")
		}
	}
	burst(100)
	r.refuse(429, "request_limit_exceeded", "GET", "/user/me", nil)
	r.get("/_sandbox/dump")
	r.key = "other" // windows are per key
	burst(1)
	r.key = "sandbox-key"
	r.clock.add(4 * time.Second)
	r.refuse(429, "request_limit_exceeded", "GET", "/user/me", nil)
	r.clock.add(time.Second)
	for range 9 {
		burst(100)
		r.clock.add(5 * time.Second)
	}
	// 1000 within three minutes: refused although the burst window is free.
	r.clock.add(10 * time.Second)
	r.refuse(429, "request_limit_exceeded", "GET", "/user/me", nil)
	r.clock.add(3*time.Minute - 60*time.Second - time.Second)
	r.refuse(429, "request_limit_exceeded", "GET", "/user/me", nil)
	r.clock.add(time.Second)
	burst(100)
	r.refuse(429, "request_limit_exceeded", "GET", "/user/me", nil)
	stats := r.get("/_sandbox/stats")
	r.want(stats, 5, "rejected_429")
	r.want(stats, 1106, "total")
	r.want(stats, 1106, "requests", "GET /user/me")
	r.do(204, "DELETE", "/_sandbox/stats", nil)
	r.want(r.get("/_sandbox/stats"), 0, "total")
}

func TestFaults(t *testing.T) {
	r := newRig(t, Options{})
	org := idOf(r.post("/organization", orgBody()))
	set := func(faults ...any) { r.Helper(); r.do(204, "POST", "/_sandbox/faults", faults) }
	orders := func() int { r.Helper(); return len(r.get("/_sandbox/dump")["orders"].([]any)) }

	set(obj{"match": "POST /order/certificate/*", "times": 2, "do": "status:503", "retry_after": 3})
	r.get("/order/certificate")
	for range 2 {
		resp, out, err := r.raw("POST", csPath, csBody(org))
		if err != nil || resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "3" || !strings.Contains(string(out), "errors") {
			t.Errorf("status fault: %v %v %s", resp, err, out)
		}
	}
	r.post(csPath, csBody(org))
	if n := orders(); n != 1 {
		t.Errorf("%d orders, want 1", n)
	}
	set(obj{"match": "POST /order/**", "do": "drop_before"}, obj{"match": "POST /order/**", "do": "drop_after"})
	for i, want := range []int{1, 2} {
		if resp, _, err := r.raw("POST", csPath, csBody(org)); err == nil {
			t.Errorf("drop %d: answered %d", i, resp.StatusCode)
		}
		if n := orders(); n != want {
			t.Errorf("drop %d: %d orders, want %d", i, n, want)
		}
	}
	set(obj{"match": "* /account", "do": "html"}, obj{"match": "GET /user/me", "do": "status:429"}, obj{"match": "POST " + csPath, "do": "status_after:500"})
	resp, out, _ := r.raw("GET", "/account", nil)
	if resp.StatusCode != 503 || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") || !strings.HasPrefix(string(out), "<html>") {
		t.Errorf("html fault: %d %s", resp.StatusCode, out)
	}
	r.refuse(429, "request_limit_exceeded", "GET", "/user/me", nil)
	r.want(r.get("/_sandbox/stats"), 1, "rejected_429")
	r.refuse(500, "internal_error", "POST", csPath, csBody(org))
	if n := orders(); n != 3 {
		t.Errorf("%d orders after status_after, want 3", n)
	}
	set(obj{"match": "GET /account", "do": "delay:50ms"})
	began := time.Now()
	r.get("/account")
	if took := time.Since(began); took < 50*time.Millisecond {
		t.Errorf("delay fault took %v", took)
	}
	set(obj{"match": "GET /account", "times": 5, "do": "drop_before"})
	_, out, _ = r.raw("GET", "/_sandbox/faults", nil)
	if !strings.Contains(string(out), `"times":5`) {
		t.Errorf("pending faults: %s", out)
	}
	r.do(204, "DELETE", "/_sandbox/faults", nil)
	r.get("/account")
	for _, bad := range []any{
		obj{}, list{nil}, list{obj{"match": "GET", "do": "html"}}, list{obj{"match": "GET /x", "do": "explode"}}, list{obj{"match": "GET /x", "do": "status:200"}},
		list{obj{"match": "GET /x", "do": "delay:soon"}}, list{obj{"match": "GET /x", "do": "html", "times": -1}}, list{obj{"match": "GET /x", "do": "html", "tiems": 1}},
	} {
		r.refuse(400, "bad_request_format", "POST", "/_sandbox/faults", bad)
	}
}

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		glob, path string
		want       bool
	}{
		{"/a/*", "/a/b", true}, {"/a/*", "/a/b/c", false}, {"/a/*", "/a", false}, {"/a/*", "/a/", false},
		{"/a/**", "/a/b/c", true}, {"/a/**", "/a", true}, {"/**", "/x", true}, {"/a", "/a", true}, {"/a", "/b", false}, {"/*/note", "/1/note", true},
	} {
		if got := matchGlob(strings.Split(c.glob, "/"), strings.Split(c.path, "/")); got != c.want {
			t.Errorf("%s against %s: %v", c.glob, c.path, got)
		}
	}
}

func TestAccountEndpoints(t *testing.T) {
	r := newRig(t, Options{Seed: "demo"})
	r.want(r.get("/account"), accountID, "id")
	r.want(r.get("/account"), 11, "root_container_id")
	r.want(r.get("/account"), 70001, "primary_organization_id")
	me := r.get("/user/me")
	r.want(me, "Administrator", "access_roles", 0, "name")
	r.want(me, 11, "container", "id")
	r.want(me, 11, "container_visibility", 0, "id")
	r.want(me, accountID, "account_id")
	r.want(r.get("/user/9002"), nil, "telephone")
	r.refuse(404, "not_found|user", "GET", "/user/5", nil)
	r.want(r.get("/user?limit=1"), 2, "page", "total")
	r.want(r.get("/user?container_id=12"), 0, "page", "total")
	r.want(r.get("/container"), 11, "containers", 0, "id")
	r.want(r.get("/container/11"), "Sandbox", "name")
	r.want(r.get("/container/11/product-limits"), false, "is_limited")
	r.refuse(404, "not_found|container", "GET", "/container/12/product-limits", nil)
	r.refuse(404, "not_found|container", "GET", "/container/12", nil)
	r.want(r.get("/account/metadata"), "Cost center", "metadata", 0, "label")
	r.want(r.get("/account/metadata"), nil, "metadata", 0, "data_type")
	if n := len(r.get("/product")["products"].([]any)); n != len(products) {
		t.Errorf("%d products", n)
	}
	r.want(r.get("/product/code_signing_ev"), "EV CS", "validation_type")
	r.refuse(404, "not_found|product", "GET", "/product/grid_host_ssl", nil)
	for _, p := range r.get("/product/pricing")["standard_prices"].([]any) {
		if cost, _ := at(p, "prices", 0, "cost").(float64); cost <= 0 {
			t.Errorf("%v has no price", p)
		}
	}
}

func TestServeRefusesAndStops(t *testing.T) {
	srv, err := New(Options{Listen: ":0"})
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Serve(t.Context(), nil); err == nil {
		t.Error("listens on every interface")
	}
	srv, _ = New(Options{Listen: "nonsense"})
	if err := srv.Serve(t.Context(), nil); err == nil {
		t.Error("listens on nonsense")
	}
}

func TestLatency(t *testing.T) {
	r := newRig(t, Options{Latency: 30 * time.Millisecond})
	began := time.Now()
	r.get("/account")
	if took := time.Since(began); took < 30*time.Millisecond {
		t.Errorf("answered after %v", took)
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	req, _ := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	req.Header.Set("X-DC-DEVKEY", "sandbox-key")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, fmt.Sprint(string(out))
}
