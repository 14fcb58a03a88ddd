package manifests

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"
	"gopkg.in/yaml.v3"

	"dcsync/schema"
)

// manyOrders writes a project of code signing orders, each with a reference to one contact and a CSR in a file.
func manyOrders(b *testing.B, count int) string {
	b.Helper()
	csr, err := os.ReadFile("../testdata/valid/csr_file/csr/firmware.csr")
	if err != nil {
		b.Fatal(err)
	}
	files := map[string]string{"manifests/jane.yaml": fmt.Sprintf(contact, "jane"), "manifests/a.csr": string(csr)}
	for i := range count {
		files[fmt.Sprintf("manifests/%05d.yaml", i)] = fmt.Sprintf(`apiVersion: dcsync/v1
kind: Order
metadata: {name: order-%d}
spec:
  product: code_signing
  certificate: {csr: {file: a.csr}, signature_hash: sha256}
  cs_provisioning_method: email
  organization: {id: 12345}
  organization_contact: {ref: jane}
  order_validity: {years: 1}
`, i)
	}
	return project(b, files)
}

// BenchmarkLoad loads ten thousand manifests. BenchmarkPlain is what it is measured against: yaml.v3 and jsonschema alone, on the same
// files and with the published schemas. The goal is 1.3 times its time.
func BenchmarkLoad(b *testing.B) {
	dir := manyOrders(b, 10_000)
	b.ReportAllocs()
	for b.Loop() {
		if l := load(b, dir); l.Set == nil {
			b.Fatal(text(l.Findings))
		}
	}
}

func BenchmarkPlain(b *testing.B) {
	dir := manyOrders(b, 10_000)
	b.ReportAllocs()
	for b.Loop() {
		if err := plainLoad(dir); err != nil {
			b.Fatal(err)
		}
	}
}

// plainLoad decodes every YAML file of a project and holds it against the published schema of its kind.
func plainLoad(dir string) error {
	c := jsonschema.NewCompiler()
	compiled := map[string]*jsonschema.Schema{}
	for _, kind := range schema.Kinds() {
		doc, _ := schema.JSON(kind)
		if err := c.AddResource("urn:plain:"+kind, strings.NewReader(string(doc))); err != nil {
			return err
		}
		compiled[kind] = c.MustCompile("urn:plain:" + kind)
	}
	names, err := filepath.Glob(filepath.Join(dir, "manifests", "*.yaml"))
	if err != nil {
		return err
	}
	for _, name := range names {
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		dec := yaml.NewDecoder(file)
		for {
			var doc map[string]any
			if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return err
			}
			if err := compiled[doc["kind"].(string)].Validate(doc); err != nil {
				return err
			}
		}
		file.Close()
	}
	return nil
}
