package manifests

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCanonicalText(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"in order", "apiVersion: dcsync/v1\nkind: Contact\nmetadata: {name: a}\nspec: {}\n", ""},
		{"envelope", "# head\n\nspec:\n  email: a@example.com\n  first_name: A\n\nmetadata:\n  labels: {b: c}\n  name: a\n# of kind\nkind: Contact # here\napiVersion: dcsync/v1\n",
			"# head\n\napiVersion: dcsync/v1\n# of kind\nkind: Contact # here\n\nmetadata:\n  name: a\n  labels: {b: c}\nspec:\n  first_name: A\n  email: a@example.com\n"},
		{"unknown kind", "spec: 1\nkind: Other\n", "spec: 1\nkind: Other\n"},
		{"line ends", "\ufeffapiVersion: dcsync/v1  \r\nkind: Contact\t\r\n\r\n\r\n", "apiVersion: dcsync/v1\nkind: Contact\n"},
		{"no last line end", "kind: Contact", "kind: Contact\n"},
		{"documents", "---\nkind: Contact\napiVersion: dcsync/v1\n# end of one\n---\n# start of two\nkind: Contact\napiVersion: dcsync/v1\n...\n",
			"---\napiVersion: dcsync/v1\nkind: Contact\n# end of one\n---\n# start of two\napiVersion: dcsync/v1\nkind: Contact\n...\n"},
		{"items", "kind: Organization\napiVersion: dcsync/v1\nspec:\n  contacts:\n    # the first\n    - last_name: A # here\n      # of the type\n      contact_type: technical_contact\n\n    -\n      email: a@example.com\n      contact_type: organization_contact\n  name: Acme\n",
			"apiVersion: dcsync/v1\nkind: Organization\nspec:\n  name: Acme\n  contacts:\n    # the first\n      # of the type\n    - contact_type: technical_contact\n      last_name: A # here\n\n    -\n      contact_type: organization_contact\n      email: a@example.com\n"},
		{"literals", "spec:\n  custom_renewal_message: |\n    # no comment  \n\n    text\n  # of the product\n  product: code_signing\nkind: Order\n",
			"kind: Order\nspec:\n  # of the product\n  product: code_signing\n  custom_renewal_message: |\n    # no comment  \n\n    text\n"},
		{"anchors in order", "kind: Contact\nspec:\n  last_name: &a B\n  first_name: *a\n", ""},
		{"anchors kept", "kind: Contact\nspec:\n  first_name: &a B\n  email: c\n  last_name: *a\n", "kind: Contact\nspec:\n  first_name: &a B\n  last_name: *a\n  email: c\n"},
		{"flow", "{spec: {email: a,\n  first_name: b}, kind: Contact}\n", ""},
		{"quotes", "kind: Contact\nspec:\n  email: 'a'\n  first_name: \"b\\n\"\n", "kind: Contact\nspec:\n  first_name: \"b\\n\"\n  email: 'a'\n"},
		{"labels are the writer's", "kind: Contact\nmetadata:\n  labels:\n    z: a\n    a: z\n  name: x\n", "kind: Contact\nmetadata:\n  name: x\n  labels:\n    z: a\n    a: z\n"},
		{"kept line ends", "kind: Contact\nspec:\n  first_name: |+\n    a\n\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := tt.want
			if want == "" {
				want = tt.in
			}
			got := canonicalText("a.yaml", tt.in)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(got, canonicalText("a.yaml", got)); diff != "" {
				t.Errorf("again (-want +got)\n%s", diff)
			}
		})
	}
}

// The form a file is brought into is its own form, says the same, and has lost no comment.
func FuzzFormat(f *testing.F) {
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
			f.Add(string(data))
		}
	}
	f.Fuzz(func(t *testing.T, in string) {
		if _, ok := contents("a.yaml", in); !ok {
			t.Skip("not YAML as manifests allow it")
		}
		once := canonicalText("a.yaml", in)
		if diff := cmp.Diff(once, canonicalText("a.yaml", once)); diff != "" {
			t.Errorf("formatted twice (-once +twice):\n%s", diff)
		}
		if !sayTheSame("a.yaml", in, once) {
			t.Errorf("says something else:\n%s", once)
		}
		if diff := cmp.Diff(words(in), words(once)); diff != "" {
			t.Errorf("words were lost (-in +out):\n%s", diff)
		}
	})
}

// words gives the words of a text without their order.
func words(text string) []string {
	out := strings.Fields(strings.TrimPrefix(text, "\ufeff"))
	out = slices.DeleteFunc(out, func(w string) bool { return w == "-" })
	slices.Sort(out)
	return out
}

// The projects of the fixtures load to the same set when they are formatted.
func TestFormatKeepsSet(t *testing.T) {
	t.Parallel()
	for name, dir := range fixtures(t, "../testdata/valid") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := load(t, dir)
			files, findings, err := Format(t.Context(), dir)
			if err != nil || findings.HasErrors() || len(files) != before.Files {
				t.Fatalf("%d files, %v, %v", len(files), findings, err)
			}
			for _, f := range files {
				if err := f.Write(); err != nil {
					t.Fatal(err)
				}
			}
			after := load(t, dir)
			for i, o := range before.Set.Objects {
				if diff := cmp.Diff(o.Spec, after.Set.Objects[i].Spec); diff != "" {
					t.Errorf("%s (-before +after):\n%s", o.Address, diff)
				}
			}
			again, _, err := Format(t.Context(), dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range again {
				if f.Differs() {
					t.Errorf("%s differs after it was formatted:\n%s", f.Name, cmp.Diff(f.Before, f.After))
				}
			}
		})
	}
}

// Writing keeps permissions, follows a link, and leaves nothing beside the file.
func TestFormatWrite(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"manifests/a.yaml": "kind: Contact\napiVersion: dcsync/v1\nmetadata: {name: a}\nspec: {first_name: A, last_name: B, email: a@example.com}\n",
		"manifests/b.yaml": "kind: Nothing\n"})
	path := filepath.Join(dir, "manifests", "a.yaml")
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	files, findings, err := Format(t.Context(), dir)
	if err != nil || !findings.HasErrors() || len(files) != 2 || !files[1].Differs() {
		t.Fatalf("%+v, %v, %v", files, findings, err)
	}
	if err := files[1].Write(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o640 {
		t.Errorf("permissions are %v", info.Mode())
	}
	entries, err := os.ReadDir(filepath.Join(dir, "manifests"))
	if err != nil || len(entries) != 2 {
		t.Errorf("%v, %v", entries, err)
	}
}
