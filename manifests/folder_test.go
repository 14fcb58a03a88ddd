package manifests

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/diag"
)

func TestLinks(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	writeFile(t, outside, "jane.yaml", fmt.Sprintf(contact, "jane"))
	writeFile(t, outside, "a.csr", "x")
	dir := project(t, map[string]string{
		"other/jane.yaml": fmt.Sprintf(contact, "jane"),
		"other/README":    "text",
		"manifests/a.yaml": `apiVersion: dcsync/v1
kind: Order
metadata: {name: a}
spec:
  product: code_signing
  certificate: {csr: {file: a.csr}, signature_hash: sha256}
  cs_provisioning_method: email
  organization: {id: 1}
  order_validity: {years: 1}
`,
	})
	for name, target := range map[string]string{
		"a.csr":        filepath.Join(outside, "a.csr"),
		"broken.yaml":  "../nowhere.yaml",
		"broken":       "../nowhere",
		"folder":       "../other",
		"inside.yaml":  "../other/jane.yaml",
		"loop.yaml":    "loop.yaml",
		"out":          outside,
		"out.yaml":     filepath.Join(outside, "jane.yaml"),
		"README":       "../other/README",
		"out.README":   filepath.Join(outside, "a.csr"),
		".hidden.yaml": "../nowhere.yaml",
	} {
		if err := os.Symlink(target, filepath.Join(dir, "manifests", name)); err != nil {
			t.Skipf("symbolic links are not to be had: %v", err)
		}
	}
	l := load(t, dir)
	want := `manifests/a.yaml:6:29: error: the file a.csr leads out of the project [DC1010]
manifests/broken:1:1: error: manifests/broken is a symbolic link that leads nowhere [DC1010]
manifests/broken.yaml:1:1: error: manifests/broken.yaml is a symbolic link that leads nowhere [DC1010]
manifests/folder:1:1: error: manifests/folder is a symbolic link to a folder, which is not followed [DC1010]
manifests/loop.yaml:1:1: error: manifests/loop.yaml is a symbolic link that leads nowhere [DC1010]
manifests/out:1:1: error: manifests/out leads out of the project [DC1010]
manifests/out.yaml:1:1: error: manifests/out.yaml leads out of the project [DC1010]
`
	var got strings.Builder
	for _, d := range l.Findings {
		fmt.Fprintf(&got, "%s: %s: %s [%s]\n", d.Pos, d.Severity, d.Summary, d.Code)
	}
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestManifestFolderIsLink(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	writeFile(t, outside, "jane.yaml", fmt.Sprintf(contact, "jane"))
	for name, c := range map[string]struct {
		target string
		want   []diag.Code
	}{
		"out":    {outside, []diag.Code{diag.PathEscapes}},
		"inside": {"other", nil},
	} {
		dir := project(t, map[string]string{"other/jane.yaml": fmt.Sprintf(contact, "jane")})
		if err := os.Symlink(c.target, filepath.Join(dir, "manifests")); err != nil {
			t.Skipf("symbolic links are not to be had: %v", err)
		}
		l := load(t, dir)
		if diff := cmp.Diff(c.want, codes(l.Findings)); diff != "" {
			t.Errorf("%s: findings (-want +got):\n%s", name, diff)
		}
		if name == "inside" && l.Manifests != 1 {
			t.Errorf("%d manifests in a folder that is a link to one inside", l.Manifests)
		}
	}
}

func TestUnreadable(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"manifests/a.yaml/x": "", "manifests/b.yaml": fmt.Sprintf(contact, "b")})
	if err := os.Chmod(filepath.Join(dir, "manifests/b.yaml"), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := os.ReadFile(filepath.Join(dir, "manifests/b.yaml")); err == nil {
		t.Skip("this user may read everything")
	}
	l := load(t, dir)
	if diff := cmp.Diff([]diag.Code{diag.FileUnreadable}, codes(l.Findings)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestFolders(t *testing.T) {
	t.Parallel()
	l := load(t, project(t, map[string]string{
		projectFile:                 strings.Replace(testProject, "settle: 0s", "manifests: [., manifests]", 1),
		"manifests/deep/er/a.yaml":  fmt.Sprintf(contact, "a"),
		"manifests/b.yml":           fmt.Sprintf(contact, "b"),
		"c.yaml":                    fmt.Sprintf(contact, "c"),
		"manifests/.hidden.yaml":    "not read",
		".github/workflows/ci.yaml": "not read",
		"manifests/notes.txt":       "not read",
	}))
	if len(l.Findings) > 0 || l.Manifests != 3 || l.Files != 4 {
		t.Errorf("%d files, %d manifests\n%s", l.Files, l.Manifests, text(l.Findings))
	}
}
