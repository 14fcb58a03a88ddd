package schema

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The committed reference is what the tables give.
func TestReferenceIsCommitted(t *testing.T) {
	t.Parallel()
	const dir = "../docs/reference"
	known := map[string]bool{}
	for _, page := range Reference() {
		known[page.Name] = true
		committed, err := os.ReadFile(filepath.Join(dir, page.Name))
		if err != nil {
			t.Error(err)
			continue
		}
		if !bytes.Equal(committed, page.Text) {
			t.Errorf("docs/reference/%s is not what the tables give: run go generate ./schema\n%s", page.Name, cmp.Diff(string(committed), string(page.Text)))
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !known[f.Name()] {
			t.Errorf("docs/reference/%s belongs to no table", f.Name())
		}
	}
}

// Every table has a page, and every row of it a section that says what its description says.
func TestReferenceSaysAll(t *testing.T) {
	t.Parallel()
	pages := map[string]string{}
	for _, page := range Reference() {
		pages[page.Name] = string(page.Text)
	}
	for _, tab := range built().tables {
		text := pages[tableName(tab.file)+".md"]
		for _, n := range tab.fields() {
			if !strings.Contains(text, "\n## "+n.dotted()+"\n\n"+n.row.text+"\n") {
				t.Errorf("%s:%d: %s has no section", n.row.file, n.row.line, n.dotted())
			}
		}
	}
}

// What a table marks as unverified is listed where people look for it.
func TestUnknownsAreListed(t *testing.T) {
	t.Parallel()
	unknowns, err := os.ReadFile("../docs/unknowns.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, tab := range built().tables {
		for _, n := range tab.fields() {
			for _, r := range n.row.rules {
				line := "| `" + tableName(tab.file) + "` | `" + n.dotted() + "` |"
				uncertain := r.word == wordUnverified || r.word == wordOpen || r.word == wordUnverifiedWhen
				if uncertain && !strings.Contains(string(unknowns), line) {
					t.Errorf("%s:%d: docs/unknowns.md has no line %s", n.row.file, n.row.line, line)
				}
			}
		}
	}
}
