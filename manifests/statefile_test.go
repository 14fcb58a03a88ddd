package manifests

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"dcsync/internal/diag"
)

func TestStateFile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		folder, file string
		refused      bool
	}{
		"beside":                   {"manifests", "dcsync.state.json", false},
		"in a folder of its own":   {"manifests", "state/dcsync.json", false},
		"named like the manifests": {"manifests", "manifests.json", false},
		"project file":             {"manifests", "./state/../dcsync.yaml", true},
		"another case":             {"manifests", "DCSYNC.YAML", true},
		"link to the project file": {"manifests", "link.json", true},
		"manifest":                 {"manifests", "manifests/a.yaml", true},
		"among manifests":          {"manifests", "manifests/deep/state.json", true},
		"through a linked folder":  {"manifests", "linked/state.json", true},
		"the folder":               {"manifests", "manifests", true},
		"whole project":            {".", "dcsync.state.json", false},
		"YAML in whole project":    {".", "state.yml", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := project(t, map[string]string{
				projectFile: fmt.Sprintf("apiVersion: dcsync/v1\nkind: Project\nmetadata: {name: test, uid: 0123456789abcdef}\n"+
					"spec: {manifests: [%s], state: {file: %s}}\n", c.folder, c.file),
				"manifests/a.yaml": fmt.Sprintf(contact, "a"),
			})
			for link, to := range map[string]string{"link.json": projectFile, "linked": "manifests"} {
				if c.folder == "." {
					continue // links to folders are refused among manifests
				}
				if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
					t.Fatal(err)
				}
			}
			l := load(t, dir)
			got := len(l.Findings) == 1 && l.Findings[0].Code == diag.BadValue && l.Findings[0].Path == "/state/file"
			if got != c.refused || !c.refused && len(l.Findings) > 0 {
				t.Errorf("refused is %v, findings:\n%s", got, text(l.Findings))
			}
		})
	}
}
