package archtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"dcsync/schema"
)

// rooms is the table of docs/architecture.md: the floor of each place and what it may import besides, with the reason wherever the
// rule "lower floors only" does not say it all. A place covers the packages below it unless they are listed themselves.
var rooms = []struct {
	place   string
	floor   int
	imports []string // own places; nil: none
	reason  string   // why nothing else
}{
	{".", 8, []string{"internal/cli"}, "main does nothing but call cli"},
	{"internal/cli", 7, []string{"internal/render", "internal/run", "internal/audit", "internal/sandbox", "internal/kinds", "internal/certcentral", "reconcile", "manifests", "schema", "schema/glossary", "state", "internal/resource", "internal/diag", "internal/term", "internal/secret", "internal/step"}, "cli wires what stands below it"},
	{"internal/render", 6, []string{"internal/run", "internal/audit", "internal/gitrepo", "reconcile", "internal/resource", "internal/diag", "internal/term", "schema", "schema/glossary"}, "render shows data and fetches none"},
	{"internal/run", 5, []string{"reconcile", "manifests", "state", "internal/gitrepo", "internal/resource", "internal/diag", "internal/step"}, "run knows the account only as an interface"},
	{"internal/audit", 5, []string{"reconcile", "manifests", "state", "internal/gitrepo", "internal/resource", "internal/diag", "internal/pki"}, "audit reads history and makes no request"},
	{"reconcile", 4, []string{"internal/diff", "internal/graph", "state", "internal/resource", "internal/diag", "internal/step"}, "reconcile knows no network, no file and no kind"},
	{"manifests", 3, []string{"schema", "internal/resource", "internal/graph", "internal/diag", "internal/pki", "internal/secret"}, "manifests reads the user's files and nothing else"},
	{"internal/kinds", 3, []string{"internal/certcentral", "internal/kinds/organization", "internal/kinds/order", "schema", "internal/resource", "internal/secret"}, "kinds joins the client to the tables"},
	{"internal/kinds/organization", 3, []string{"internal/certcentral", "schema", "internal/resource"}, "a kind stands alone"},
	{"internal/kinds/order", 3, []string{"internal/certcentral", "schema", "internal/resource"}, "a kind stands alone"},
	{"schema", 2, []string{"schema/glossary", "internal/resource", "internal/diag", "internal/pki"}, "schema is made from the tables alone"},
	{"schema/gen", 3, []string{"schema"}, "it writes what schema derives"},
	{"schema/fixture", 2, []string{"internal/resource"}, "tests of several rooms read the same fixtures"},
	{"internal/diff", 2, []string{"internal/resource"}, "diff is pure"},
	{"state", 2, []string{"internal/resource", "internal/diag", "internal/step"}, "state knows only its own file"},
	{"internal/resource", 1, []string{"internal/diag", "internal/secret"}, "the vocabulary depends on nothing that acts"},
	{"internal/certcentral", 1, []string{"internal/secret", "internal/step"}, "the client passes bodies as plain JSON trees"},
	{"internal/gitrepo", 1, []string{"internal/step"}, "git knows nothing of manifests or state"},
	{"internal/diag", 0, nil, "the ground floor imports nothing of ours"},
	{"internal/term", 0, nil, "the ground floor imports nothing of ours"},
	{"internal/graph", 0, nil, "the ground floor imports nothing of ours"},
	{"internal/secret", 0, nil, "the ground floor imports nothing of ours"},
	{"internal/pki", 0, nil, "the ground floor imports nothing of ours"},
	{"internal/step", 0, nil, "the ground floor imports nothing of ours"},
	{"schema/glossary", 0, nil, "the ground floor imports nothing of ours"},
	{"internal/sandbox", 1, []string{"schema/glossary", "internal/pki"}, "the sandbox checks the tables, so it may not use them"},
	{"internal/contract", 8, nil, "the suite knows only HTTP; its tests start the sandbox"},
	{"internal/demo", 8, nil, "the demo drives the built command as a user does"},
	{"internal/archtest", 8, []string{"schema"}, "it looks at the others from outside"},
}

// owners says which place alone may import a third-party package.
var owners = map[string]string{
	"gopkg.in/yaml.v3":                      "manifests",
	"github.com/santhosh-tekuri/jsonschema": "schema",
	"github.com/go-git/go-git":              "internal/gitrepo",
	"github.com/go-git/go-billy":            "internal/gitrepo",
	"github.com/ProtonMail/go-crypto":       "internal/gitrepo",
	"github.com/sergi/go-diff":              "internal/render",
	"github.com/urfave/cli":                 "internal/cli",
	"github.com/google/renameio":            "state",
	"github.com/gofrs/flock":                "state",
	"github.com/mattn/go-isatty":            "internal/term",
	"github.com/chromedp/chromedp":          "internal/render",
	"github.com/chromedp/cdproto":           "internal/render",
}

type pkg struct {
	ImportPath string
	Dir        string
	Imports    []string
	GoFiles    []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,GoFiles", "./...")
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatalf("go list: %v", err)
	}
	var list []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

// place gives the place of an import path of ours, "" for others.
func place(path string) string {
	if path == "dcsync" {
		return "."
	}
	rest, ours := strings.CutPrefix(path, "dcsync/")
	if !ours {
		return ""
	}
	return rest
}

func TestFloors(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		from := place(p.ImportPath)
		i := slices.IndexFunc(rooms, func(r struct {
			place   string
			floor   int
			imports []string
			reason  string
		}) bool {
			return r.place == from
		})
		if i < 0 {
			t.Errorf("%s stands on no floor: give it a line in docs/architecture.md and in this test", from)
			continue
		}
		for _, imp := range p.Imports {
			if to := place(imp); to != "" && !slices.Contains(rooms[i].imports, to) {
				t.Errorf("%s may not import %s: %s", from, to, rooms[i].reason)
			}
			for prefix, owner := range owners {
				if (imp == prefix || strings.HasPrefix(imp, prefix+"/")) && from != owner {
					t.Errorf("%s may not import %s: it belongs to %s", from, imp, owner)
				}
			}
		}
	}
}

// TestTableIsDownwards holds the table above against itself: what a room may import stands on a lower floor, kinds below their
// list and the asides apart.
func TestTableIsDownwards(t *testing.T) {
	t.Parallel()
	floor := map[string]int{}
	for _, r := range rooms {
		floor[r.place] = r.floor
	}
	for _, r := range rooms {
		for _, imp := range r.imports {
			to, ok := floor[imp]
			if !ok {
				t.Errorf("%s may import %s, which has no floor", r.place, imp)
			}
			if to >= r.floor && !strings.HasPrefix(imp, r.place+"/") {
				t.Errorf("%s (floor %d) may not stand above %s (floor %d)", r.place, r.floor, imp, to)
			}
		}
	}
}

// TestCoreNamesNoKind: outside of the kinds' own rooms, code asks the descriptor.
func TestCoreNamesNoKind(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		if !slices.Contains([]string{"internal/diff", "reconcile", "state", "internal/run", "internal/render"}, place(p.ImportPath)) {
			continue
		}
		for _, name := range p.GoFiles {
			for _, found := range kindLiterals(t, filepath.Join(p.Dir, name)) {
				t.Error(found)
			}
		}
	}
}

func kindLiterals(t *testing.T, file string) []string {
	t.Helper()
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	ast.Inspect(tree, func(n ast.Node) bool {
		lit, ok := n.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			return true
		}
		if s, err := strconv.Unquote(lit.Value); err == nil && slices.Contains(schema.Kinds(), s) && s != "Project" {
			out = append(out, fmt.Sprintf("%s names the kind %s: ask the descriptor", fset.Position(lit.Pos()), s))
		}
		return true
	})
	return out
}

// TestEveryRoomSaysWhatItIsFor: each package has a comment, and it says more than its name.
func TestEveryRoomSaysWhatItIsFor(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		longest := 0
		for _, name := range p.GoFiles {
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.ParseComments|parser.PackageClauseOnly)
			if err != nil {
				t.Fatal(err)
			}
			longest = max(longest, len(f.Doc.Text()))
		}
		if longest < 60 {
			t.Errorf("%s has no package comment that says what it is for", place(p.ImportPath))
		}
	}
}
