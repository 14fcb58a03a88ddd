package manifests

import (
	"os"
	"strings"
	"testing"
)

// One run reads each file once, however many manifests name it.
func TestReadOnce(t *testing.T) {
	t.Parallel()
	csr, err := os.ReadFile("../testdata/valid/csr_file/csr/firmware.csr")
	if err != nil {
		t.Fatal(err)
	}
	order := `apiVersion: dcsync/v1
kind: Order
metadata: {name: NAME}
spec:
  product: code_signing
  certificate: {csr: {file: a.csr}, signature_hash: sha256}
  cs_provisioning_method: email
  organization: {id: NUMBER}
  order_validity: {years: 1}
---
`
	dir := project(t, map[string]string{
		projectFile:                 strings.TrimSuffix(testProject, "spec: {settle: 0s}\n") + "spec: {manifests: [manifests, manifests, manifests/deep]}\n",
		"manifests/a.csr":           string(csr),
		"manifests/one.yaml":        replaced(order, "NAME", "one", "NUMBER", "1") + replaced(order, "NAME", "two", "NUMBER", "2"),
		"manifests/deep/three.yaml": replaced(order, "NAME", "three", "NUMBER", "3", "a.csr", "../a.csr"),
	})
	l, err := newLoader(dir)
	if err != nil {
		t.Fatal(err)
	}
	opened := map[string]int{}
	l.folder.open = func(path string) (*os.File, error) {
		opened[path]++
		return os.Open(path)
	}
	loaded, err := l.load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if loaded.Set == nil {
		t.Error(text(loaded.Findings))
	}
	if len(opened) != 4 {
		t.Errorf("opened %v, want 4 files", opened)
	}
	for path, n := range opened {
		if n != 1 {
			t.Errorf("%s was read %d times", path, n)
		}
	}
}

func replaced(text string, pairs ...string) string {
	return strings.NewReplacer(pairs...).Replace(text)
}
