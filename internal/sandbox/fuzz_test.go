package sandbox

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// FuzzBodies throws bodies at every changing endpoint: nothing may panic, and
// every failure has the error body. Each body meets the same account, in which
// one order of the product can still be approved.
func FuzzBodies(f *testing.F) {
	for i := range products {
		text, err := json.Marshal(bodyOf("70001", &products[i]))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text), uint8(i))
	}
	for _, seed := range []string{`{}`, `{"contacts":[{"contact_type":"x"}],"certificate":{"csr":"a","emails":["b"]},"organization":{"id":70001,"contacts":[1]}}`,
		`{"order_validity":{"custom_expiration_date":"09 JUN 2027"},"validations":[{"type":"cs","verified_users":[{"id":"9001"}]}]}`, `[1]`, `nul`,
		`{"status":"approved","skip_approval":true,"name":"a.example","label":"x","metadata":[{"label":"y"}],"dcv_method":"email","restricted_to_role_id":1e9}`} {
		f.Add(seed, uint8(0))
	}
	srv, err := New(Options{})
	if err != nil {
		f.Fatal(err)
	}
	start, err := json.Marshal(demoAccount(time.Now()))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body string, product uint8) {
		acct, err := decodeAccount(start)
		if err != nil {
			t.Fatal(err)
		}
		srv.acct = acct
		fill := strings.NewReplacer("{organization_id}", "70001", "{order_id}", "880000", "{product_name_id}", products[int(product)%len(products)].NameID,
			"{request_id}", "4400", "{status}", "1", "{note_id}", "1", "{certificate_id}", "990000", "{user_id}", "9001", "{key_id}", "1",
			"{domain_id}", "50001", "{metadata_id}", "12")
		for _, rt := range routes {
			if rt.method == http.MethodGet {
				continue
			}
			check(t, srv, rt.method, fill.Replace(rt.pattern), body)
		}
		check(t, srv, http.MethodGet, "/order/certificate", "")
		if _, err := json.Marshal(srv.acct); err != nil {
			t.Errorf("the account cannot be saved any more: %v", err)
		}
	})
}

func check(t *testing.T, srv *Server, method, path, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, apiPrefix+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-DC-DEVKEY", "sandbox-key")
	w := &recorder{header: http.Header{}}
	srv.Handler().ServeHTTP(w, req)
	if w.status >= 500 || w.status >= 400 && !strings.HasPrefix(string(w.body), `{"errors":[{"code":`) {
		t.Errorf("%s %s with %q: %d %s", method, path, body, w.status, w.body)
	}
}

// FuzzSeed: an account from a file is taken whole or refused, and one that was
// taken can be saved and read again.
func FuzzSeed(f *testing.F) {
	start, err := json.Marshal(demoAccount(time.Now()))
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{string(start), divided, `{}`, `{"orders":[{"id":1,"status":"issued","certificate":{"id":2,"serial_number":"x","valid_till":"y"}}]}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		acct, err := decodeAccount([]byte(text))
		if err != nil {
			return
		}
		saved, err := json.Marshal(acct)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decodeAccount(saved); err != nil {
			t.Errorf("%s: taken, saved, then refused: %v", text, err)
		}
		srv, err := New(Options{})
		if err != nil {
			t.Fatal(err)
		}
		srv.acct = acct
		check(t, srv, http.MethodGet, "/order/certificate", "")
		check(t, srv, http.MethodGet, "/organization?include_validation=true", "")
	})
}

type recorder struct {
	header http.Header
	status int
	body   []byte
}

func (w *recorder) Header() http.Header         { return w.header }
func (w *recorder) WriteHeader(s int)           { w.status = s }
func (w *recorder) Write(b []byte) (int, error) { w.body = append(w.body, b...); return len(b), nil }
