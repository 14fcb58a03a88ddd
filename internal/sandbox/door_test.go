package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestListingFaults: answers that a client must not believe as they stand.
func TestListingFaults(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	for i := range 5 {
		r.post("/organization", with(orgBody(), "name", fmt.Sprint("Org ", i)))
	}
	set := func(do string, times int) {
		r.Helper()
		r.do(204, "POST", "/_sandbox/faults", list{obj{"match": "GET /organization", "times": times, "do": do}})
	}
	page := func(query string) (ids string, total any) {
		r.Helper()
		v := r.get("/organization?sort=id&" + query)
		for _, o := range v["organizations"].([]any) {
			ids += at(o, "name").(string)[4:]
		}
		return ids, at(v, "page", "total")
	}
	set("total:+3", 1)
	if ids, total := page(""); ids != "01234" || total != 8.0 {
		t.Errorf("total:+3 gives %s of %v", ids, total)
	}
	set("total:-9", 1)
	if _, total := page(""); total != 0.0 {
		t.Errorf("total:-9 gives %v", total)
	}
	set("repeat_items", 1)
	if ids, total := page("limit=2&offset=2"); ids != "12" || total != 5.0 {
		t.Errorf("repeat_items gives %s of %v", ids, total)
	}
	if ids, _ := page("limit=2&offset=2"); ids != "23" {
		t.Errorf("after the fault %s", ids)
	}
	set("repeat_items", 1)
	if ids, _ := page("limit=2"); ids != "01" {
		t.Errorf("the first page under repeat_items is %s", ids)
	}
	set("content_type:text/plain", 1)
	resp, text, err := r.raw("GET", "/organization", nil)
	if err != nil || resp.Header.Get("Content-Type") != "text/plain" || !json.Valid(text) {
		t.Errorf("content_type: %v %v", resp.Header, err)
	}
	set("cut_body", 1)
	resp, text, err = r.raw("GET", "/organization", nil)
	if !errors.Is(err, io.ErrUnexpectedEOF) || resp.StatusCode != 200 || len(text) == 0 || json.Valid(text) {
		t.Errorf("cut_body: %v, %d bytes", err, len(text))
	}
	set("slow:160ms", 1)
	began := time.Now()
	page("")
	if took := time.Since(began); took < 160*time.Millisecond {
		t.Errorf("slow took %v", took)
	}
	r.do(204, "POST", "/_sandbox/faults", list{obj{"match": "POST /organization", "do": "cut_body"}, obj{"match": "POST /organization", "do": "total:+1"}})
	if _, _, err := r.raw("POST", "/organization", with(orgBody(), "name", "Org 5")); err == nil {
		t.Error("cut_body of a POST is answered in full")
	}
	r.post("/organization", with(orgBody(), "name", "Org 6")) // nothing there to count
	if ids, _ := page(""); ids != "0123456" {
		t.Errorf("after the faults %s", ids)
	}
	for _, bad := range []string{"slow:x", "slow:-1s", "total:many", "content_type:", "delay:-1s"} {
		r.refuse(400, "bad_request_format", "POST", "/_sandbox/faults", list{obj{"match": "GET /x", "do": bad}})
	}
}

// TestControlIsNotForWebPages: a page in a browser reaches loopback too.
func TestControlIsNotForWebPages(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	resp, text, _ := r.raw("POST", "/_sandbox/reset", nil, "Origin", "https://evil.example")
	if resp.StatusCode != 403 {
		t.Errorf("a page of another origin: %d %s", resp.StatusCode, text)
	}
	req, _ := http.NewRequestWithContext(t.Context(), "GET", r.http.URL+"/_sandbox/dump", nil)
	req.Host = "rebound.example"
	resp, err := r.http.Client().Do(req)
	if err != nil || resp.StatusCode != 403 {
		t.Errorf("a name that leads to loopback: %v %v", resp, err)
	}
	resp.Body.Close()
	resp, _, _ = r.raw("POST", "/_sandbox/clock", strings.Repeat("x", maxControlBody+1))
	if resp.StatusCode != 400 {
		t.Errorf("a huge control body: %d", resp.StatusCode)
	}
}

// TestOddRequests: whatever comes in is answered as the API answers.
func TestOddRequests(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Seed: "demo"})
	for _, c := range [][2]string{
		{"GET", "/order/certificate/%2e%2e"}, {"GET", "/order/certificate/9999999999999999999999"}, {"GET", "/order/certificate/-1"}, {"GET", "/order/certificate/%00"},
		{"GET", "/organization/%F0%9F%92%A9"}, {"PATCH", "/organization/70001"}, {"HEAD", "/account"}, {"OPTIONS", "/account"}, {"TRACE", "/account"}, {"GET", "//account"},
		{"GET", "/order/certificate/880000//"}, {"GET", "/certificate/download/order/"}, {"PUT", "/order/certificate/status-changes"},
	} {
		resp, text, err := r.raw(c[0], c[1], nil)
		if err != nil || resp.StatusCode != 404 {
			t.Errorf("%s %s: %v %v", c[0], c[1], resp, err)
		} else if c[0] != "HEAD" && !strings.HasPrefix(string(text), `{"errors":[{"code":"not_found|`) {
			t.Errorf("%s %s: %s", c[0], c[1], text)
		}
	}
	r.refuse(400, "bad_request_format", "GET", "/organization?a=%zz", nil)
	for _, body := range []string{"", "x", "[]", "null", "5", `"x"`, "{", `{"a":1}{`, "\xff\xfe", strings.Repeat("[", 100000), `{"text":"` + strings.Repeat("a", 2<<20) + `"}`} {
		r.refuse(400, "bad_request_format", "POST", "/order/certificate/880000/note", body)
	}
}

// TestForgivingDoor: what clients others wrote send, and the words they get.
func TestForgivingDoor(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Seed: "demo"})
	r.want(r.get("/order/certificate/880000/"), 880000, "id")
	r.want(r.get("/organization/"), 70001, "organizations", 0, "id")
	r.get("/_sandbox/dump/")
	r.refuse(400, "order_not_eligible_for_delete", "DELETE", "/order/certificate/880000", nil)
	r.do(204, "POST", "/_sandbox/faults", list{obj{"match": "GET /**", "do": "status:500"}})
	r.do(204, "POST", "/_sandbox/faults", list{})
	r.get("/account")
	for _, c := range [][2]string{
		{"/order/certificate/880000/note", "[]"}, {"/order/certificate/880000/note", "{"},
		{"/_sandbox/clock", "{"}, {"/_sandbox/clock", `{"advance":5}`}, {"/_sandbox/clock", `{"back":1}`}, {"/_sandbox/faults", "{}"},
	} {
		_, text, err := r.raw("POST", c[0], c[1])
		if err != nil || strings.Contains(string(text), "json:") || strings.Contains(string(text), "Go ") || strings.Contains(string(text), "sandbox.") {
			t.Errorf("POST %s %s: %s %v", c[0], c[1], text, err)
		}
	}
	resp, text, err := r.raw("POST", "/order/certificate/880000/note", strings.Repeat(" ", 32<<20))
	if err != nil || resp.StatusCode != 400 || !resp.Close {
		t.Errorf("a huge body: %v %s %v", resp, text, err)
	}
}

// TestSlowClients are cut off while they send their headers.
func TestSlowClients(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a timeout")
	}
	t.Parallel()
	srv, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ready, done := make(chan string, 1), make(chan error, 1)
	go func() { done <- srv.Serve(ctx, func(url string) { ready <- url }) }()
	host := strings.TrimSuffix(strings.TrimPrefix(<-ready, "http://"), apiPrefix)
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "GET /services/v2/account HTTP/1.1\r\nHost: x\r\nX-Slow")
	conn.SetReadDeadline(time.Now().Add(15 * time.Second))
	if _, err := io.ReadAll(conn); err != nil {
		t.Errorf("a client that never ends its headers is not cut off: %v", err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
