package sandbox

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// obj is a JSON object of a request or an answer.
type obj = map[string]any

type list = []any

// rig is a sandbox behind a real HTTP server, on a clock the test moves.
type rig struct {
	*testing.T
	srv   *Server
	http  *httptest.Server
	clock *fakeClock
	key   string
}

type fakeClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *fakeClock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }

func (c *fakeClock) add(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.at = c.at.Add(d) }

func newRig(t *testing.T, opts Options) *rig {
	t.Helper()
	clock := &fakeClock{at: time.Date(2026, 4, 1, 8, 0, 0, 0, time.UTC)}
	opts.Now = clock.now
	srv, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	hs := httptest.NewServer(srv.Handler())
	t.Cleanup(func() { hs.Close(); srv.Close() })
	return &rig{T: t, srv: srv, http: hs, clock: clock, key: "sandbox-key"}
}

// raw makes one call; body may be nil, a string or anything JSON.
func (r *rig) raw(method, path string, body any, header ...string) (*http.Response, []byte, error) {
	r.Helper()
	var text io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		text = strings.NewReader(b)
	default:
		j, err := json.Marshal(b)
		if err != nil {
			r.Fatal(err)
		}
		text = bytes.NewReader(j)
	}
	prefix := apiPrefix
	if strings.HasPrefix(path, controlPrefix) {
		prefix = ""
	}
	req, err := http.NewRequestWithContext(r.Context(), method, r.http.URL+prefix+path, text)
	if err != nil {
		r.Fatal(err)
	}
	if r.key != "" {
		req.Header.Set("X-DC-DEVKEY", r.key)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := r.http.Client().Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	return resp, out, err
}

// nulls finds a JSON null, and not four letters of a certificate.
var nulls = regexp.MustCompile(`[:,\[]null`)

// do wants a status and returns the body, which must be absent with a 204.
func (r *rig) do(status int, method, path string, body any) obj {
	r.Helper()
	resp, out, err := r.raw(method, path, body)
	if err != nil {
		r.Fatalf("%s %s: %v", method, path, err)
	}
	if resp.StatusCode != status {
		r.Fatalf("%s %s: status %d, want %d: %s", method, path, resp.StatusCode, status, out)
	}
	if status == http.StatusNoContent {
		if len(out) > 0 {
			r.Fatalf("%s %s: 204 with body %s", method, path, out)
		}
		return nil
	}
	if nulls.Match(out) {
		r.Errorf("%s %s: null in %s", method, path, out)
	}
	var v obj
	if err := json.Unmarshal(out, &v); err != nil {
		if path == controlPrefix+"/faults" {
			return nil
		}
		r.Fatalf("%s %s: %v in %s", method, path, err, out)
	}
	return v
}

func (r *rig) get(path string) obj            { r.Helper(); return r.do(200, "GET", path, nil) }
func (r *rig) put(path string, body any)      { r.Helper(); r.do(204, "PUT", path, body) }
func (r *rig) post(path string, body any) obj { r.Helper(); return r.do(201, "POST", path, body) }

// refuse wants a status and one code among the errors.
func (r *rig) refuse(status int, code, method, path string, body any) {
	r.Helper()
	v := r.do(status, method, path, body)
	var codes []string
	for _, e := range v["errors"].([]any) {
		codes = append(codes, e.(obj)["code"].(string))
		if e.(obj)["message"] == "" {
			r.Errorf("%s %s: an error without message", method, path)
		}
	}
	for _, c := range codes {
		if c == code {
			return
		}
	}
	r.Errorf("%s %s: codes %q, want %q", method, path, codes, code)
}

// at walks into an answer: at(v, "certificate", "id") or with an index.
func at(v any, keys ...any) any {
	for _, k := range keys {
		switch k := k.(type) {
		case string:
			m, isObj := v.(obj)
			if !isObj {
				return nil
			}
			v = m[k]
		case int:
			l, isList := v.([]any)
			if !isList || k >= len(l) {
				return nil
			}
			v = l[k]
		}
	}
	return v
}

// want compares one place of an answer; nil means absent.
func (r *rig) want(v any, value any, keys ...any) {
	r.Helper()
	got := at(v, keys...)
	if f, isNumber := got.(float64); isNumber && f == float64(int(f)) {
		got = int(f) // Sprint would write large ones with an exponent
	}
	if f, isNumber := value.(float64); isNumber {
		value = int(f)
	}
	if fmt.Sprint(got) != fmt.Sprint(value) {
		r.Errorf("%v is %v, want %v", keys, got, value)
	}
}

func idOf(v obj) string { return fmt.Sprint(int(v["id"].(float64))) }

var (
	rsaCSR   = sync.OnceValue(func() string { k, _ := rsa.GenerateKey(rand.Reader, 3072); return csrOf(k) })
	smallCSR = sync.OnceValue(func() string { k, _ := rsa.GenerateKey(rand.Reader, 2048); return csrOf(k) })
	ecCSR    = sync.OnceValue(func() string { k, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader); return csrOf(k) })
	edCSR    = sync.OnceValue(func() string { _, k, _ := ed25519.GenerateKey(rand.Reader); return csrOf(k) })
	wideCSR  = sync.OnceValue(func() string { k, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader); return csrOf(k) })
)

func csrOf(key crypto.Signer) string {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// with copies an object with one place changed; a nil value removes it. Places
// are written as in certificate.csr.
func with(o obj, place string, value any) obj {
	j, _ := json.Marshal(o)
	var cp obj
	json.Unmarshal(j, &cp)
	in, keys := cp, strings.Split(place, ".")
	for _, k := range keys[:len(keys)-1] {
		if _, isObj := in[k].(obj); !isObj {
			in[k] = obj{}
		}
		in = in[k].(obj)
	}
	if last := keys[len(keys)-1]; value == nil {
		delete(in, last)
	} else {
		in[last] = value
	}
	return cp
}

func person(first string) obj {
	return obj{"first_name": first, "last_name": "Doe", "email": strings.ToLower(first) + "@acme.example"}
}

func orgBody() obj {
	return obj{
		"name": "Acme Ltd", "address": "1 Main St", "city": "Berlin", "state": "Berlin", "zip": "10115", "country": "DE",
		"telephone": "+49 30 1", "organization_contact": with(person("Jane"), "job_title", "CTO"),
	}
}

func csBody(org string) obj {
	return obj{
		"certificate":            obj{"csr": ecCSR(), "signature_hash": "sha256"},
		"cs_provisioning_method": "email", "organization": obj{"id": json.Number(org)},
		"order_validity": obj{"years": 1}, "skip_approval": true,
	}
}

func premiumBody(org string) obj {
	return obj{
		"certificate": obj{
			"csr": ecCSR(), "signature_hash": "sha256", "common_name": "Alice Example", "emails": list{"alice@acme.example"},
			"common_name_indicator": "given_name_surname", "individual": obj{"first_name": "Alice", "last_name": "Example"},
		},
		"organization": obj{"id": json.Number(org)}, "order_validity": obj{"years": 1}, "skip_approval": true,
	}
}

func tlsBody(org string) obj {
	return obj{
		"certificate":  obj{"csr": ecCSR(), "signature_hash": "sha256", "common_name": "www.acme.example", "dns_names": list{"acme.example"}},
		"organization": obj{"id": json.Number(org)}, "order_validity": obj{"years": 1}, "skip_approval": true,
	}
}

const (
	csPath      = "/order/certificate/code_signing"
	premiumPath = "/order/certificate/client_premium"
	tlsPath     = "/order/certificate/ssl_plus"
)

func info(id string) string { return "/order/certificate/" + id }
