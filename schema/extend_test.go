package schema

import (
	"io/fs"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/resource"
)

// tablesWith gives the tables, some of them changed or new.
func tablesWith(t *testing.T, changed map[string]string) fs.FS {
	t.Helper()
	out := fstest.MapFS{}
	files, err := fs.Glob(os.DirFS("."), "tables/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = &fstest.MapFile{Data: text}
	}
	for name, text := range changed {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

// A row is all that a new field needs: it is checked, suggested, sent, compared and explained.
func TestNewFieldIsARow(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("tables/order_tls.md")
	if err != nil {
		t.Fatal(err)
	}
	c, err := load(tablesWith(t, map[string]string{"tables/order_tls.md": string(text) +
		"| cost_center | optional | string | `max=4`, `lower` | create | immutable | info:cost_center | Who pays. |\n"}))
	if err != nil {
		t.Fatal(err)
	}
	spec := `{"product": "ssl_basic", "certificate": {"common_name": "www.example.com", "csr": "x", "signature_hash": "sha256"},
		"organization": {"id": 1}, "order_validity": {"years": 1}, "cost_center": "R-D-7"}`
	doc := parse(t, manifest("Order", spec))
	want := []string{`/spec/cost_center: error: cost_center is too long: 5 characters, at most 4 [DC1012]`}
	if diff := cmp.Diff(want, lines(c.check("Order", doc, nil))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	put(t, doc, "/spec/cost_centre", `"R-D"`)
	put(t, doc, "/spec/cost_center", "")
	want = []string{`/spec/cost_centre: error: unknown field "cost_centre" [DC1014] (did you mean "cost_center"?)`}
	if diff := cmp.Diff(want, lines(c.check("Order", doc, nil))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	d := c.document("Order").descriptors["ssl_basic"]()
	f := d.Field("/cost_center")
	if f == nil || f.Read.Info != "cost_center" || f.Change != resource.Immutable || f.Normalise(resource.String("R-D")) != resource.String("r-d") {
		t.Errorf("field %+v", f)
	}
	body, err := resource.Encode(d, parse(t, `{"cost_center": "R-D"}`), nil)
	if diff := cmp.Diff(resource.Map{"cost_center": resource.String("R-D")}, body); err != nil || diff != "" {
		t.Errorf("request (-want +got)\n%s%v", diff, err)
	}
	if !strings.Contains(string(c.document("Order").json()), `"description": "Who pays."`) {
		t.Error("the JSON Schema does not have it")
	}
}

// A file is all that a new product needs.
func TestNewProductIsAFile(t *testing.T) {
	t.Parallel()
	c, err := load(tablesWith(t, map[string]string{"tables/order_timestamp.md": `# Time stamping order

Certificates for time stamping, which only this test knows.

| Setting | Value |
| --- | --- |
| kind | Order |
| part | product |
| products | timestamp |
| validation | timestamp: cs |

| Name | Req | Type | Rules | Send | Change | Read | Description |
| --- | --- | --- | --- | --- | --- | --- | --- |
| certificate | required | object | – | create | reissue | list:certificate | What the certificate holds. |
| .. csr | required | string | ` + "`format=csr`, `file`" + ` | create | reissue | info:certificate.csr | Signing request. |
| policy | conditional | string | ` + "`required_when(/organization/id)`" + ` | create | immutable | info:policy | Policy of the time stamps. |
`}))
	if err != nil {
		t.Fatal(err)
	}
	doc := parse(t, manifest("Order", `{"product": "timestamp", "certificate": {"csr": {"file": "a.csr"}}, "organization": {"id": 1}, "order_validity": {"years": 1}}`))
	want := []string{`/spec+policy: error: policy is required when organization.id is given [DC1015] (add policy)`}
	if diff := cmp.Diff(want, lines(c.check("Order", doc, nil))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	d := c.document("Order").descriptors["timestamp"]()
	if d.Validation != "cs" || d.Nonce == "" || !d.Billable || d.Field("/certificate/csr") == nil || d.Field("/notes") == nil {
		t.Errorf("descriptor %+v", d)
	}
	if !strings.Contains(string(c.document("Order").json()), "Time stamping order: timestamp") {
		t.Error("the JSON Schema does not have it")
	}
}

// However many documents are checked at once, the schema of a product is compiled once, and no other product's with it.
func TestCompiledOnce(t *testing.T) {
	t.Parallel()
	c, err := load(tableFiles)
	if err != nil {
		t.Fatal(err)
	}
	d := c.document("Order")
	var mu sync.Mutex
	compiled := map[string]map[*validator]bool{}
	for _, p := range append(d.products, "") {
		get := d.validators[p]
		d.validators[p] = func() *validator {
			v := get()
			mu.Lock()
			defer mu.Unlock()
			if compiled[p] == nil {
				compiled[p] = map[*validator]bool{}
			}
			compiled[p][v] = true
			return v
		}
	}
	var group sync.WaitGroup
	for range 8 {
		for _, spec := range []string{codeSigning, client} {
			group.Go(func() {
				for range 3 {
					c.check("Order", parse(t, manifest("Order", spec)), nil)
				}
			})
		}
	}
	group.Wait()
	if len(compiled) != 2 || len(compiled["code_signing"]) != 1 || len(compiled["client_authentication_plus"]) != 1 {
		t.Errorf("compiled: %v", compiled)
	}
}

// The schema of every product compiles by itself, and a document without anything in it is refused.
func TestEveryProductCompiles(t *testing.T) {
	t.Parallel()
	for _, kind := range Kinds() {
		for _, product := range append(Products(kind), "") {
			doc := resource.Map{"spec": resource.Map{"product": resource.String(product)}}
			if len(Check(kind, doc, nil)) == 0 {
				t.Errorf("an empty %s %s is valid", kind, product)
			}
		}
	}
}
