package manifests

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// Whatever a manifest holds, loading it ends, says the same each time, and points at places that exist.
func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"../testdata/valid/*.yaml", "../testdata/invalid/*.yaml"} {
		names, err := filepath.Glob(pattern)
		if err != nil || names == nil {
			f.Fatalf("no seeds in %s: %v", pattern, err)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := project(t, map[string]string{"manifests/a.yaml": string(data)})
		l := load(t, dir)
		lines := strings.Split(strings.TrimPrefix(string(data), "\ufeff"), "\n")
		for _, d := range l.Findings {
			if d.Pos.File != "manifests/a.yaml" {
				t.Errorf("finding in another file: %s", d)
				continue
			}
			if d.Pos.Line < 1 || d.Pos.Line > len(lines) {
				t.Errorf("line %d of %d: %s", d.Pos.Line, len(lines), d)
				continue
			}
			if width := utf8.RuneCountInString(lines[d.Pos.Line-1]); d.Pos.Column < 1 || d.Pos.Column > width+1 {
				t.Errorf("column %d of %d: %s", d.Pos.Column, width, d)
			}
			if d.Summary == "" || d.Hint == "" || d.Code == "" || strings.Contains(d.Summary, "\n") {
				t.Errorf("finding without summary, hint or code: %+v", d)
			}
		}
		if (l.Set == nil) != l.Findings.HasErrors() {
			t.Errorf("set %v with:\n%s", l.Set, text(l.Findings))
		}
		if diff := cmp.Diff(l, load(t, dir), sameDescriptor); diff != "" {
			t.Errorf("loaded twice (-first +second):\n%s", diff)
		}
	})
}

// Whatever lies beside a manifest, the past gives for it what it gives without; and what it gives of a project without errors is what the
// disk gives.
func FuzzPast(f *testing.F) {
	names, err := filepath.Glob("../testdata/*valid/*.yaml")
	if err != nil || names == nil {
		f.Fatalf("no seeds: %v", err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add("manifests/a.yaml", string(data), "")
	}
	f.Add("manifests/a.yaml", "-> ../csr/a.csr", "spec: {manifests: [., manifests]}")
	f.Add("csr", "-> manifests/..", "spec: {policy: {schemas: {Order: csr/a.csr}}}")
	f.Fuzz(func(t *testing.T, name, data, project string) {
		files := good(t)
		if _, taken := files[name]; taken || !filepath.IsLocal(name) || filepath.ToSlash(filepath.Clean(name)) != name {
			t.Skip()
		}
		v := newVault()
		past := NewPast(v)
		want, _, err := at(t, past, v.tree(files)).Object(web)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = data
		if project != "" {
			files[projectFile] = strings.Replace(testProject, "spec: {settle: 0s}\n", project, 1)
		}
		s := at(t, past, v.tree(files))
		unread, err := s.Unread()
		if err != nil {
			t.Fatal(err)
		}
		twice := map[string]int{}
		for _, p := range places(t, s) {
			twice[p.Address.String()]++
			o, found, err := s.Object(p.Address)
			if err != nil || o == nil && !found.HasErrors() {
				t.Errorf("%s: %v, %v\n%s", p.Address, o, err, text(found))
			}
		}
		got, _, err := s.Object(web)
		if project == "" && filepath.Dir(name) == "manifests" && twice[web.String()] == 1 && twice[jane.String()] == 1 {
			if diff := cmp.Diff(want, got, sameDescriptor); diff != "" || err != nil {
				t.Errorf("beside %q: %v (-without +with):\n%s%s", name, err, diff, text(unread))
			}
		}
	})
}
