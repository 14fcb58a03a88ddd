package contract

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

type tree = map[string]any

// probe makes the calls of one check.
type probe struct {
	*testing.T
	base, key          string
	viewKey, ordersKey string // further keys of the same user, restricted; may be empty
	strict             bool   // the target has something of everything
}

// answer is what came back. Body is nil unless it is a JSON object.
type answer struct {
	status int
	header http.Header
	raw    []byte
	body   tree
}

// call makes one call; headers are pairs of name and value that replace the usual.
func (p *probe) call(method, path string, body any, headers ...string) answer {
	p.Helper()
	var in io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			p.Fatal(err)
		}
		in = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(p.Context(), method, p.base+path, in)
	if err != nil {
		p.Fatal(err)
	}
	req.Header.Set("X-DC-DEVKEY", p.key)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "dcsync-contract")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if req.Header.Set(headers[i], headers[i+1]); headers[i+1] == "" {
			req.Header.Del(headers[i])
		}
	}
	resp, err := (&http.Client{Timeout: time.Minute}).Do(req)
	if err != nil {
		p.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	out := answer{status: resp.StatusCode, header: resp.Header}
	if out.raw, err = io.ReadAll(resp.Body); err != nil {
		p.Fatalf("%s %s: %v", method, path, err)
	}
	if json.Unmarshal(out.raw, &out.body) != nil {
		out.body = nil
	}
	return out
}

// do wants a status, and a body exactly when the status has one.
func (p *probe) do(status int, method, path string, body any) tree {
	p.Helper()
	out := p.call(method, path, body)
	if out.status != status {
		p.Fatalf("%s %s: status %d, want %d: %.300s", method, path, out.status, status, out.raw)
	}
	if status == http.StatusNoContent && len(out.raw) > 0 {
		p.Errorf("%s %s: 204 with a body", method, path)
	}
	if status != http.StatusNoContent && out.body == nil {
		p.Fatalf("%s %s: %d without a JSON object: %.300s", method, path, status, out.raw)
	}
	return out.body
}

func (p *probe) get(path string) tree { p.Helper(); return p.do(200, "GET", path, nil) }

// refused wants an error status and a code that begins with one of the given.
func (p *probe) refused(out answer, status int, codes ...string) {
	p.Helper()
	list, _ := out.body["errors"].([]any)
	if out.status != status || len(list) == 0 {
		p.Fatalf("status %d, want %d with errors: %.300s", out.status, status, out.raw)
	}
	for _, e := range list {
		code, _ := at(e, "code").(string)
		message, _ := at(e, "message").(string)
		if code == "" || message == "" {
			p.Errorf("an error without code or message: %v", e)
		}
		if len(codes) == 0 || slices.ContainsFunc(codes, func(want string) bool { return strings.HasPrefix(code, want) }) {
			return
		}
	}
	p.Errorf("errors %v, want one of %q", list, codes)
}

// at walks into a tree by names and places.
func at(v any, keys ...any) any {
	for _, k := range keys {
		switch k := k.(type) {
		case string:
			m, _ := v.(tree)
			v = m[k]
		case int:
			l, _ := v.([]any)
			if k >= len(l) {
				return nil
			}
			v = l[k]
		}
	}
	return v
}

// id writes an id, which may be a number or digits.
func id(v any) string {
	if f, isNumber := v.(float64); isNumber {
		return fmt.Sprintf("%.0f", f)
	}
	s, _ := v.(string)
	return s
}

// has wants members to be there.
func (p *probe) has(v any, names ...string) {
	p.Helper()
	m, isObject := v.(tree)
	if !isObject {
		p.Fatalf("%v is no object", v)
	}
	for _, name := range names {
		if m[name] == nil {
			p.Errorf("%s is missing in %.300s", name, fmt.Sprint(m))
		}
	}
}

// hasNot wants members to be absent.
func (p *probe) hasNot(v any, names ...string) {
	p.Helper()
	m, _ := v.(tree)
	for _, name := range names {
		if value, there := m[name]; there {
			p.Errorf("%s is there: %v", name, value)
		}
	}
}

// items is the list under a key; one that is missing means none.
func (p *probe) items(body tree, key string) []any {
	p.Helper()
	if body[key] == nil {
		return nil
	}
	list, isList := body[key].([]any)
	if !isList {
		p.Fatalf("%s is no array: %v", key, body[key])
	}
	return list
}

// find is the first item that fits, or the check is skipped.
func (p *probe) find(path, key, what string, fits func(tree) bool) tree {
	p.Helper()
	for _, item := range p.items(p.get(path), key) {
		if m, isObject := item.(tree); isObject && fits(m) {
			return m
		}
	}
	p.Skipf("the account has no %s", what)
	return nil
}

func (p *probe) order(what string, fits func(tree) bool) tree {
	p.Helper()
	return p.find("/order/certificate?sort=order_id&limit=200", "orders", what, fits)
}

func (p *probe) organization() tree {
	p.Helper()
	return p.find("/organization?sort=id&limit=50", "organizations", "organization", func(tree) bool { return true })
}

func issued(o tree) bool {
	return o["status"] == "issued" && at(o, "certificate", "serial_number") != nil
}

func isDV(o tree) bool { return at(o, "product", "type") == "dv_ssl_certificate" }

// filter writes one filters[name]=value.
func filter(name, value string) string {
	return url.QueryEscape("filters["+name+"]") + "=" + url.QueryEscape(value)
}

func csr(p *probe) string {
	p.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		p.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		p.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// unique makes names that no earlier run has used.
func unique(prefix string) string {
	return prefix + strings.ToLower(rand.Text()[:12])
}
