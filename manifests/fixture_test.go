package manifests

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/diag"
)

var update = flag.Bool("update", false, "write the .out files of testdata/invalid anew")

const testProject = `apiVersion: dcsync/v1
kind: Project
metadata: {name: test, uid: 0123456789abcdef}
spec: {settle: 0s}
`

// project writes files into a new folder, with a dcsync.yaml when they hold none.
func project(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	if _, ok := files[projectFile]; !ok {
		writeFile(t, dir, projectFile, testProject)
	}
	for name, text := range files {
		writeFile(t, dir, name, text)
	}
	return dir
}

func writeFile(t testing.TB, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func load(t testing.TB, dir string) *Loaded {
	t.Helper()
	l, err := Load(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// fixtures gives, by name, a project made of each entry of a folder: a YAML file becomes the only manifest, a folder the project.
func fixtures(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case e.IsDir():
			root := project(t, nil)
			copyTree(t, path, root)
			out[e.Name()] = root
		case isYAML(e.Name()):
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			out[strings.TrimSuffix(e.Name(), ".yaml")] = project(t, map[string]string{"manifests/" + e.Name(): string(data)})
		}
	}
	return out
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if e.Type()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			link := filepath.Join(to, name)
			if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
				return err
			}
			return os.Symlink(target, link)
		}
		data, err := os.ReadFile(path)
		if err == nil {
			writeFile(t, to, filepath.ToSlash(name), string(data))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// text writes findings down with all that a person could be shown of them.
func text(findings diag.List) string {
	var b strings.Builder
	for _, d := range findings {
		fmt.Fprintf(&b, "%s: %s: %s [%s]\n", d.Pos, d.Severity, d.Summary, d.Code)
		if d.Snippet != "" {
			fmt.Fprintf(&b, "    | %s\n", d.Snippet)
		}
		if d.Address != "" || d.Path != "" {
			fmt.Fprintf(&b, "    at %s\n", strings.TrimSpace(d.Address+" "+d.Path))
		}
		for _, r := range d.Related {
			fmt.Fprintf(&b, "    %s: %s\n", r.Pos, r.Message)
		}
		if d.Detail != "" {
			fmt.Fprintf(&b, "    %s\n", d.Detail)
		}
		if d.Hint != "" {
			fmt.Fprintf(&b, "    hint: %s\n", d.Hint)
		}
	}
	return b.String()
}

func TestValid(t *testing.T) {
	for name, dir := range fixtures(t, "../testdata/valid") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := load(t, dir)
			if diff := cmp.Diff("", text(l.Findings)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if l.Set == nil || l.Manifests == 0 {
				t.Errorf("no set of %d manifests", l.Manifests)
			}
		})
	}
}

// Every mistake is shown where it is, with what to do about it.
func TestInvalid(t *testing.T) {
	const dir = "../testdata/invalid"
	for name, root := range fixtures(t, dir) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := load(t, root)
			got := text(l.Findings)
			golden := filepath.Join(dir, name+".out")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if (l.Set == nil) != l.Findings.HasErrors() {
				t.Errorf("set is %v with these findings", l.Set)
			}
			for _, d := range l.Findings {
				if d.Hint == "" || d.Pos.Line == 0 || d.Pos.Column == 0 {
					t.Errorf("finding without hint or position: %s", d)
				}
			}
		})
	}
}
