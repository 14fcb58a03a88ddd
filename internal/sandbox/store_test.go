package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDataSurvivesRestart(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data.json")
	r := newRig(t, Options{Data: data, Seed: "demo", IssueAfter: time.Hour, VisibleAfter: time.Hour})
	org := idOf(r.post("/organization", orgBody()))
	id := idOf(r.post(csPath, with(csBody(org), "alternative_order_id", "n1")))
	r.post(info(id)+"/note", obj{"text": "kept"})
	r.do(200, "POST", "/_sandbox/clock", obj{"advance": "10m"})
	before := r.get("/_sandbox/dump")

	if _, err := New(Options{Data: data}); err == nil || !strings.Contains(err.Error(), "another sandbox uses it") {
		t.Errorf("a second sandbox on the same data: %v", err)
	}
	if err := r.srv.Close(); err != nil {
		t.Fatal(err)
	}
	again := newRig(t, Options{Data: data, Seed: "demo", IssueAfter: time.Hour, VisibleAfter: time.Hour})
	if diff := cmp.Diff(before, again.get("/_sandbox/dump")); diff != "" {
		t.Errorf("dump after restart (-before +after):\n%s", diff)
	}
	again.refuse(404, "not_found|order", "GET", "/order/alternate/n1", nil)
	again.clock.add(time.Hour)
	again.want(again.get("/order/alternate/n1"), id, "orders", 0, "order_id")
	again.want(again.get(info(id)), "issued", "status")
	if next := idOf(again.post(csPath, csBody(org))); next <= id {
		t.Errorf("order id %s after %s", next, id)
	}
	if names, _ := filepath.Glob(filepath.Join(filepath.Dir(data), "*")); len(names) != 2 { // the data and its lock
		t.Errorf("files left: %q", names)
	}
}

func TestSeeds(t *testing.T) {
	demo := newRig(t, Options{Seed: "demo"})
	d := demo.get("/_sandbox/dump")
	demo.want(d, "Sam", "users", 1, "first_name")
	demo.want(d, 70001, "organizations", 0, "id")
	demo.want(d, "issued", "orders", 0, "status")
	demo.want(d, 880000, "requests", 0, "order", "id")
	if id := idOf(demo.post("/organization", orgBody())); id != "70011" {
		t.Errorf("first new organization is %s", id)
	}
	// A dump is a seed, and the other way round.
	_, text, err := demo.raw("GET", "/_sandbox/dump", nil)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "seed.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	copied := newRig(t, Options{Seed: file})
	if diff := cmp.Diff(demo.get("/_sandbox/dump"), copied.get("/_sandbox/dump")); diff != "" {
		t.Errorf("dump of a dump (-want +got):\n%s", diff)
	}
	for name, text := range map[string]string{
		"not JSON": "{", "unknown field": `{"orders":[{"id":1,"colour":1}]}`, "no id": `{"organizations":[{"name":"x"}]}`,
		"twice": `{"orders":[{"id":1},{"id":1}]}`, "null": `{"orders":[null]}`, "more": `{} {}`,
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := New(Options{Seed: file}); err == nil {
			t.Errorf("%s: seeded", name)
		}
		if _, err := New(Options{Data: file}); err == nil {
			t.Errorf("%s: loaded", name)
		}
	}
	if _, err := New(Options{Seed: file + ".none"}); err == nil {
		t.Error("a seed that is not there is passed over")
	}
	if err := os.WriteFile(file, []byte(`{"organizations":[{"id":5,"name":"Hand Ltd"}],"orders":[{"id":6,"status":"issued","product":{"name_id":"code_signing"},"organization":{"id":5},"requests":[{"id":7,"status":"approved"}],"notes":[{"text":"n"}]}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	hand := newRig(t, Options{Seed: file})
	o := hand.get(info("6"))
	for _, w := range [][]any{{"Hand Ltd", "organization", "display_name"}, {7, "requests", 0, "id"}, {11, "container", "id"}, {3301, "notes", 0, "id"}, {"Code Signing Certificate", "product", "name"}} {
		hand.want(o, w[0], w[1:]...)
	}
}

// TestSaveFailureUndoes: a change that was not kept has not happened, and the
// answer names no place of the machine.
func TestSaveFailureUndoes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, Options{Data: filepath.Join(dir, "data.json"), Seed: "demo"})
	before := r.get("/_sandbox/dump")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{{"POST", "/organization"}, {"POST", "/_sandbox/reset"}} {
		_, text, err := r.raw(c[0], c[1], orgBody())
		if err != nil || !strings.Contains(string(text), "internal_error") || strings.Contains(string(text), dir) {
			t.Errorf("%s: %s %v", c[1], text, err)
		}
	}
	if diff := cmp.Diff(before, r.get("/_sandbox/dump")); diff != "" {
		t.Errorf("dump after failed saves (-want +got):\n%s", diff)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if id := idOf(r.post("/organization", orgBody())); id != "70011" {
		t.Errorf("after the folder is back the next organization is %s", id)
	}
}

func TestUnwritableData(t *testing.T) {
	dir := t.TempDir()
	if _, err := New(Options{Data: filepath.Join(dir, "none", "data.json")}); err == nil {
		t.Error("a folder that is not there is taken")
	}
	if _, err := New(Options{Data: dir}); err == nil {
		t.Error("a folder is taken for a file")
	}
	if os.Geteuid() == 0 {
		return // root may write anywhere
	}
	file := filepath.Join(dir, "data.json")
	if err := os.WriteFile(file, []byte("{}"), 0o400); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{Data: file}); err == nil {
		t.Error("a write-protected file is taken")
	}
}

// TestStopReportsFailedSave: whoever stops the server learns of the loss.
func TestStopReportsFailedSave(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	srv, err := New(Options{Data: filepath.Join(dir, "data.json")})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = srv.Serve(ctx, func(string) { os.RemoveAll(dir); cancel() })
	if err == nil || !strings.Contains(err.Error(), "save data") {
		t.Errorf("stop without the folder: %v", err)
	}
}

func TestServe(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data.json")
	srv, err := New(Options{Data: data})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ready, done := make(chan string, 1), make(chan error, 1)
	go func() { done <- srv.Serve(ctx, func(url string) { ready <- url }) }()
	url := <-ready
	if !strings.HasPrefix(url, "http://127.0.0.1:") || !strings.HasSuffix(url, "/services/v2") || srv.URL() != url {
		t.Errorf("url %q, URL() %q", url, srv.URL())
	}
	if status, out := get(t, url+"/user/me"); status != 200 {
		t.Errorf("%d %s", status, out)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	text, err := os.ReadFile(data)
	if err != nil || !json.Valid(text) {
		t.Errorf("data after stop: %v %s", err, text)
	}
}

// TestConcurrency drives everything at once; the race detector does the looking.
func TestConcurrency(t *testing.T) {
	r := newRig(t, Options{UniqueAlternativeIDs: true, Data: filepath.Join(t.TempDir(), "data.json")})
	org := idOf(r.post("/organization", orgBody()))
	csr := ecCSR()
	var wg sync.WaitGroup
	var mu sync.Mutex
	statuses := map[int]int{}
	for i := range 8 {
		wg.Go(func() {
			body := fmt.Sprintf(`{"certificate":{"csr":%q,"signature_hash":"sha256"},"organization":{"id":%s},"order_validity":{"years":1},"alternative_order_id":"one"}`, csr, org)
			resp, _, err := r.raw("POST", csPath, body)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			statuses[resp.StatusCode]++
			mu.Unlock()
			for _, path := range []string{"/order/certificate", "/organization?include_validation=1", "/_sandbox/dump", "/_sandbox/stats", "/request", "/user"} {
				if resp, _, err := r.raw("GET", path, nil); err != nil || resp.StatusCode != http.StatusOK {
					t.Errorf("%s: %v %v", path, resp, err)
				}
			}
			r.raw("PATCH", "/_sandbox/objects/organization/"+org, obj{"telephone": fmt.Sprint(i)})
			r.raw("POST", "/_sandbox/clock", obj{"advance": "1s"})
		})
	}
	wg.Wait()
	if statuses[201] != 1 || statuses[400] != 7 {
		t.Errorf("statuses %v, want one order", statuses)
	}
}
