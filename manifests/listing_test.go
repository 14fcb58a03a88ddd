package manifests_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"dcsync/internal/resource"
	"dcsync/manifests"
)

// TestListAgreesWithLoad: what a file's text alone tells is what loading the project says of it.
func TestListAgreesWithLoad(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "testdata", "demo")
	loaded, err := manifests.Load(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	if err := loaded.Findings.Err(); err != nil {
		t.Fatal(err)
	}
	type line struct {
		Address resource.Address
		Digest  string
	}
	got, want := map[string][]line{}, map[string][]line{}
	for _, name := range loaded.Sources {
		if !manifests.IsManifest(name) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range manifests.List(name, data) {
			got[name] = append(got[name], line{l.Address, l.Digest})
		}
		for _, objects := range [][]*resource.Object{loaded.Set.Objects, loaded.Set.Values} {
			for _, o := range objects {
				if o.Source.File == name {
					want[name] = append(want[name], line{o.Address, o.Source.Digest})
				}
			}
		}
	}
	byAddress := cmpopts.SortSlices(func(a, b line) bool { return a.Address.Compare(b.Address) < 0 })
	if d := cmp.Diff(want, got, byAddress); d != "" || len(got) < 3 {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	doc := func(kind, name, more string) string {
		return "apiVersion: dcsync/v1\nkind: " + kind + "\nmetadata:\n  name: " + name + "\n" + more
	}
	for name, tc := range map[string]struct {
		text string
		want []string
	}{
		"two":              {doc("Order", "a", "") + "---\n" + doc("Contact", "b", ""), []string{"Order/a", "Contact/b"}},
		"moved":            {doc("Order", "a", "  moved_from: [x, y]\n"), []string{"Order/a was x was y"}},
		"files":            {doc("Order", "a", "spec: {certificate: {csr: {file: ../k.csr}}, b: {file: c.csr}, out: {file: ../../../x}}\n"), []string{"Order/a of manifests/k.csr of manifests/orders/c.csr"}},
		"up to the error":  {doc("Order", "a", "") + "---\n[\n", []string{"Order/a"}},
		"another kind":     {doc("Project", "a", "") + "---\n" + doc("Thing", "b", ""), nil},
		"no name":          {"kind: Order\n", nil},
		"not UTF-8":        {"kind: Order\nmetadata: {name: \xff}\n", nil},
		"too large":        {doc("Order", "a", "#"+strings.Repeat("x", 8<<20)), nil},
		"an endless alias": {doc("Order", "a", "spec: &s {x: *s, f: [*s]}\n"), []string{"Order/a"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, l := range manifests.List("manifests/orders/m.yaml", []byte(tc.text)) {
				s := l.Address.String()
				for _, m := range l.MovedFrom {
					s += " was " + m
				}
				for _, f := range l.Files {
					s += " of " + f
				}
				got = append(got, s)
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

// FuzzList: any bytes give a list or none, the same each time.
func FuzzList(f *testing.F) {
	f.Add([]byte("kind: Order\nmetadata: {name: a, moved_from: [b]}\nspec: &x {certificate: {csr: {file: a.csr}}}\n---\n- *x\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if d := cmp.Diff(manifests.List("m.yaml", data), manifests.List("m.yaml", data)); d != "" {
			t.Errorf("a second look gives another list:\n%s", d)
		}
	})
}
