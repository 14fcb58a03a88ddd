package manifests

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"dcsync/internal/diag"
)

// What the fixtures of secrets hold in place of one appears in nothing that is said of them.
func TestSecretsAreNotShown(t *testing.T) {
	planted := regexp.MustCompile(`4111|4222|987|MI[IGH][A-Za-z0-9]`)
	for name, root := range fixtures(t, "../testdata/invalid") {
		if !strings.HasPrefix(name, "secret_") && !strings.HasPrefix(name, "private_key") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if shown := planted.FindString(text(load(t, root).Findings)); shown != "" {
				t.Errorf("%s… is shown", shown)
			}
		})
	}
}

// A reference into a document that was left out for its private key is not said to lead nowhere.
func TestPrivateKeyLeavesOut(t *testing.T) {
	t.Parallel()
	l := load(t, project(t, map[string]string{
		"manifests/a.yaml": "apiVersion: dcsync/v1\nkind: Contact\nmetadata: {name: jane}\nspec: {'-----BEGIN PRIVATE KEY-----': 1}\n",
		"manifests/b.yaml": fmt.Sprintf(contact, "john") + "---\n" + `apiVersion: dcsync/v1
kind: Organization
metadata: {name: acme}
spec: {name: Acme, address: 1 Street, city: Lehi, state: Utah, zip: "84043", country: us, telephone: "1", organization_contact: {ref: jane}}
`,
	}))
	if got := codes(l.Findings); len(got) != 1 || got[0] != diag.PrivateKey {
		t.Error(text(l.Findings))
	}
}
