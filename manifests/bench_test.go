package manifests

import (
	"fmt"
	"os"
	"testing"
)

// BenchmarkLoad loads a thousand orders with a reference and a CSR in a file each.
func BenchmarkLoad(b *testing.B) {
	csr, err := os.ReadFile("../testdata/valid/csr_file/csr/firmware.csr")
	if err != nil {
		b.Fatal(err)
	}
	files := map[string]string{"manifests/jane.yaml": fmt.Sprintf(contact, "jane"), "manifests/a.csr": string(csr)}
	for i := range 1000 {
		files[fmt.Sprintf("manifests/%04d.yaml", i)] = fmt.Sprintf(`apiVersion: dcsync/v1
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
	dir := project(b, files)
	for b.Loop() {
		if l := load(b, dir); l.Set == nil {
			b.Fatal(text(l.Findings))
		}
	}
}
