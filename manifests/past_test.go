package manifests

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"dcsync/internal/diag"
	"dcsync/internal/gitrepo"
	"dcsync/internal/resource"
	"dcsync/reconcile"
)

var _ Objects = (*gitrepo.Snapshots)(nil)

// vault holds files and folders by digest, as git does, and counts how often each is read.
type vault struct {
	blobs   map[string]string
	folders map[string][]item
	reads   map[string]int
	lost    map[string]bool // ids that cannot be read
}

func newVault() *vault {
	return &vault{blobs: map[string]string{}, folders: map[string][]item{}, reads: map[string]int{}, lost: map[string]bool{}}
}

var errLost = errors.New("lost")

func (v *vault) Folder(id string, visit func(name, id string, mode fs.FileMode)) error {
	if v.reads[id]++; v.lost[id] {
		return errLost
	}
	for _, e := range v.folders[id] {
		visit(e.name, e.id, e.mode)
	}
	return nil
}

func (v *vault) Blob(id string, limit int64) ([]byte, bool, error) {
	if v.reads[id]++; v.lost[id] {
		return nil, false, errLost
	}
	text := v.blobs[id]
	if int64(len(text)) > limit {
		return nil, false, nil
	}
	return []byte(text), true, nil
}

func (v *vault) blob(text string) string {
	sum := sha256.Sum256([]byte(text))
	id := hex.EncodeToString(sum[:])
	v.blobs[id] = text
	return id
}

// tree keeps some files, with the test project's dcsync.yaml when they hold none. A text that begins with "-> " is a link.
func (v *vault) tree(files map[string]string) string {
	files = maps.Clone(files)
	if _, ok := files[projectFile]; !ok {
		files[projectFile] = testProject
	}
	return v.folder(files)
}

func (v *vault) folder(files map[string]string) string {
	below := map[string]map[string]string{}
	var items []item
	for name, text := range files {
		target, isLink := strings.CutPrefix(text, "-> ")
		switch dir, rest, deeper := strings.Cut(name, "/"); {
		case deeper && below[dir] == nil:
			below[dir] = map[string]string{rest: text}
		case deeper:
			below[dir][rest] = text
		case isLink:
			items = append(items, item{name, v.blob(target), fs.ModeSymlink})
		default:
			items = append(items, item{name, v.blob(text), 0})
		}
	}
	for name, files := range below {
		items = append(items, item{name, v.folder(files), fs.ModeDir})
	}
	slices.SortFunc(items, func(a, b item) int { return a.compare(b) })
	id := v.blob(fmt.Sprint("folder ", items))
	v.folders[id] = items
	return id
}

func at(t testing.TB, p *Past, tree string) *Snapshot {
	t.Helper()
	s, err := p.At(tree)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func places(t testing.TB, s *Snapshot) []Place {
	t.Helper()
	var out []Place
	for p, err := range s.Places() {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
	return out
}

// committed puts a folder into a repository of its own, with system git, below a folder of another name.
func committed(t testing.TB, dir string) (snapshots *gitrepo.Snapshots, tree string) {
	t.Helper()
	root := t.TempDir()
	if err := os.CopyFS(filepath.Join(root, "team", "project"), os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "-A", "-f"}, {"commit", "-q", "-m", "all"}} {
		git(t, root, args...)
	}
	r, err := gitrepo.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	s := r.Snapshots()
	t.Cleanup(func() { _ = s.Close() })
	if tree, err = s.Tree("", "team/project"); err != nil {
		t.Fatal(err)
	}
	// What is on disk is not what the past says.
	if err := os.RemoveAll(filepath.Join(root, "team")); err != nil {
		t.Fatal(err)
	}
	return s, tree
}

func git(t testing.TB, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull,
		"GIT_AUTHOR_NAME=Ann", "GIT_AUTHOR_EMAIL=ann@example.com", "GIT_COMMITTER_NAME=Ann", "GIT_COMMITTER_EMAIL=ann@example.com")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// What a valid project asks for is read out of a commit as it is from disk.
func TestPastIsDisk(t *testing.T) {
	t.Parallel()
	dirs := fixtures(t, "../testdata/valid")
	dirs["demo"] = "../testdata/demo"
	for name, dir := range dirs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			disk := load(t, dir)
			if disk.Set == nil {
				t.Fatal(text(disk.Findings))
			}
			objects, tree := committed(t, dir)
			s := at(t, NewPast(objects), tree)
			project, findings := s.Project()
			wanted := *disk.Project
			wanted.Root = ""
			if d := cmp.Diff(&wanted, project); d != "" || len(findings) > 0 {
				t.Errorf("project (-disk +past):\n%s%s", d, text(findings))
			}
			if unread, err := s.Unread(); len(unread) > 0 || err != nil {
				t.Errorf("unread: %v %s", err, text(unread))
			}
			if got := places(t, s); len(got) != disk.Manifests {
				t.Errorf("%d places, want %d", len(got), disk.Manifests)
			}
			for _, want := range slices.Concat(disk.Set.Objects, disk.Set.Values) {
				got, found, err := s.Object(want.Address)
				if err != nil || got == nil {
					t.Errorf("%s: %v\n%s", want.Address, err, text(found))
					continue
				}
				if d := cmp.Diff(want, got, sameDescriptor); d != "" {
					t.Errorf("%s (-disk +past):\n%s", want.Address, d)
				}
				if reconcile.DesiredDigest(got) != reconcile.DesiredDigest(want) {
					t.Errorf("%s: another digest", want.Address)
				}
				if missing := without(found, disk.Findings); len(missing) > 0 {
					t.Errorf("%s: found in the past only:\n%s", want.Address, text(missing))
				}
				p, err := s.Find(want.Address)
				place := Place{want.Source.File, Document{Address: want.Address, Line: want.Source.Line, Digest: want.Source.Digest, MovedFrom: want.MovedFrom}}
				if d := cmp.Diff([]Place{place}, p, cmpopts.IgnoreFields(Document{}, "Files"), cmpopts.EquateEmpty()); d != "" || err != nil {
					t.Errorf("%s: place (-want +got): %v\n%s", want.Address, err, d)
				}
			}
		})
	}
}

// without gives the findings that are not among others. Hints may name manifests that the past did not look at.
func without(list, others diag.List) diag.List {
	return slices.DeleteFunc(slices.Clone(list), func(f diag.Diagnostic) bool {
		return slices.ContainsFunc(others, func(o diag.Diagnostic) bool { f.Hint, o.Hint = "", ""; return cmp.Equal(f, o) })
	})
}

// Whatever is wrong with a project, what the past says of one manifest the disk says too, and an object without errors is the same
// as where it stands alone.
func TestPastOfBrokenProjects(t *testing.T) {
	t.Parallel()
	for name, dir := range fixtures(t, "../testdata/invalid") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			disk := load(t, dir)
			objects, tree := committed(t, dir)
			s := at(t, NewPast(objects), tree)
			if _, err := s.Unread(); err != nil {
				t.Fatal(err)
			}
			for _, p := range places(t, s) {
				o, found, err := s.Object(p.Address)
				if err != nil {
					t.Errorf("%s: %v", p.Address, err)
				}
				if missing := without(found, disk.Findings); len(missing) > 0 {
					t.Errorf("%s: found in the past only:\n%s", p.Address, text(missing))
				}
				if o == nil && !found.HasErrors() {
					t.Errorf("%s is not known, and nothing says why", p.Address)
				}
			}
		})
	}
}

const order = `apiVersion: dcsync/v1
kind: Order
metadata: {name: %s}
spec:
  product: code_signing
  certificate: {csr: {file: ../csr/a.csr}, signature_hash: sha256}
  cs_provisioning_method: email
  organization: {id: 12345}
  organization_contact: {ref: jane}
  order_validity: {years: 1}
`

// good is a project in which all is well.
func good(t testing.TB) map[string]string {
	t.Helper()
	csr, err := os.ReadFile("../testdata/valid/csr_file/csr/firmware.csr")
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"csr/a.csr":                string(csr),
		"manifests/people/ja.yaml": fmt.Sprintf(contact, "jane"),
		"manifests/order.yaml":     fmt.Sprintf(order, "web"),
	}
}

var web, jane = resource.Address{Kind: "Order", Name: "web"}, resource.Address{Kind: "Contact", Name: "jane"}

// Each case changes the good project. "" removes a file.
func TestPastObject(t *testing.T) {
	t.Parallel()
	policy := strings.Replace(testProject, "spec: {settle: 0s}", "spec: {policy: {rules: [{name: few, products: [ssl_basic]}]}}", 1)
	for name, c := range map[string]struct {
		change map[string]string
		want   []diag.Code // of what is found at Order/web
		lost   bool        // it is not known
		gone   bool        // it is not there
		unread []diag.Code
	}{
		"good":                  {},
		"neighbour not YAML":    {change: map[string]string{"manifests/b.yaml": "a: [\n"}, unread: []diag.Code{diag.YAMLSyntax}},
		"neighbour not UTF-8":   {change: map[string]string{"manifests/b.yaml": "a: \xff\n"}, unread: []diag.Code{diag.FileNotUTF8}},
		"neighbour empty":       {change: map[string]string{"manifests/b.yaml": " \n"}},
		"neighbour too large":   {change: map[string]string{"manifests/b.yaml": "# " + strings.Repeat("x", maxFile)}, unread: []diag.Code{diag.FileTooLarge}},
		"neighbour with a key":  {change: map[string]string{"manifests/b.yaml": "# -----BEGIN PRIVATE KEY-----\n# MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n# -----END PRIVATE KEY-----\na: 1\n"}, unread: []diag.Code{diag.PrivateKey}},
		"neighbour refused":     {change: map[string]string{"manifests/b.yaml": strings.Replace(fmt.Sprintf(order, "b"), "years: 1", "years: 99", 1)}},
		"neighbour a folder":    {change: map[string]string{"manifests/b.yaml/x": ""}},
		"project not YAML":      {change: map[string]string{projectFile: "a: [\n"}},
		"file not there":        {change: map[string]string{"csr/a.csr": ""}, want: []diag.Code{diag.ReferencedFile}, lost: true},
		"file too large":        {change: map[string]string{"csr/a.csr": strings.Repeat("x", maxIncluded+1)}, want: []diag.Code{diag.ReferencedFile}, lost: true},
		"file is a folder":      {change: map[string]string{"csr/a.csr": "", "csr/a.csr/x": "x"}, want: []diag.Code{diag.ReferencedFile}, lost: true},
		"file is another":       {change: map[string]string{"csr/a.csr": "none\n"}, want: []diag.Code{diag.CSRInvalid}, lost: true},
		"file by link":          {change: map[string]string{"csr/a.csr": "-> b.csr", "csr/b.csr": "-> ../csr/./c.csr", "csr/c.csr": good(t)["csr/a.csr"]}},
		"file by folder's link": {change: map[string]string{"csr/a.csr": "", "csr": "-> requests", "requests/a.csr": good(t)["csr/a.csr"]}},
		"file by link outside":  {change: map[string]string{"csr/a.csr": "-> /etc/hostname"}, want: []diag.Code{diag.PathEscapes}, lost: true},
		"file by link above":    {change: map[string]string{"csr/a.csr": "-> ../../a.csr"}, want: []diag.Code{diag.PathEscapes}, lost: true},
		"file by link in vain":  {change: map[string]string{"csr/a.csr": "-> b.csr"}, want: []diag.Code{diag.PathEscapes}, lost: true},
		"file by link to self":  {change: map[string]string{"csr/a.csr": "-> a.csr"}, want: []diag.Code{diag.PathEscapes}, lost: true},
		"contact not there":     {change: map[string]string{"manifests/people/ja.yaml": ""}, want: []diag.Code{diag.RefMissing}, lost: true},
		"contact not YAML":      {change: map[string]string{"manifests/people/ja.yaml": "a: [\n"}, want: []diag.Code{diag.YAMLSyntax}, lost: true, unread: []diag.Code{diag.YAMLSyntax}},
		"contact elsewhere":     {change: map[string]string{"manifests/people/ja.yaml": "", "manifests/x/y/z.yml": fmt.Sprintf(contact, "jane")}},
		"contact by link":       {change: map[string]string{"manifests/people/ja.yaml": "-> ../../other/j.yaml", "other/j.yaml": fmt.Sprintf(contact, "jane")}},
		"contact refused":       {change: map[string]string{"manifests/people/ja.yaml": strings.Replace(fmt.Sprintf(contact, "jane"), "jane@", "jane", 1)}, want: []diag.Code{diag.BadValue}, lost: true},
		"link to a folder":      {change: map[string]string{"manifests/more": "-> ../csr"}, unread: []diag.Code{diag.PathEscapes}},
		"link out of it":        {change: map[string]string{"manifests/more.yaml": "-> /etc/x.yaml"}, unread: []diag.Code{diag.PathEscapes}},
		"written twice":         {change: map[string]string{"manifests/z.yaml": fmt.Sprintf(order, "web")}, want: []diag.Code{diag.DuplicateName}},
		"moved and still there": {change: map[string]string{"manifests/order.yaml": strings.Replace(fmt.Sprintf(order, "web"), "name: web", "name: web, moved_from: [b]", 1), "manifests/b.yaml": fmt.Sprintf(order, "b")}, want: []diag.Code{diag.MovedConflict}, lost: true},
		"refused":               {change: map[string]string{"manifests/order.yaml": strings.Replace(fmt.Sprintf(order, "web"), "years: 1", "years: 99", 1)}, want: []diag.Code{diag.BadValue}, lost: true},
		"not there":             {change: map[string]string{"manifests/order.yaml": ""}, gone: true},
		"in a hidden folder":    {change: map[string]string{"manifests/order.yaml": "", "manifests/.old/order.yaml": fmt.Sprintf(order, "web")}, gone: true},
		"outside of policy":     {change: map[string]string{projectFile: policy}, want: []diag.Code{diag.PolicyProduct}},
		"manifest folder gone":  {change: map[string]string{projectFile: strings.Replace(testProject, "settle: 0s", "manifests: [orders]", 1)}, gone: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, files := newVault(), good(t)
			past := NewPast(v)
			want, _, err := at(t, past, v.tree(files)).Object(web)
			if err != nil || want == nil {
				t.Fatal(err)
			}
			for name, text := range c.change {
				if files[name] = text; text == "" {
					delete(files, name)
				}
			}
			s := at(t, past, v.tree(files))
			got, found, err := s.Object(web)
			if c.gone != errors.Is(err, ErrNoManifest) || !c.gone && err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, codes(found)); d != "" {
				t.Errorf("findings (-want +got):\n%s%s", d, text(found))
			}
			if (got == nil) != (c.lost || c.gone) {
				t.Errorf("got %v, lost: %v, gone: %v", got, c.lost, c.gone)
			}
			if got != nil && reconcile.DesiredDigest(got) != reconcile.DesiredDigest(want) {
				t.Error("the object is another one")
			}
			unread, err := s.Unread()
			if d := cmp.Diff(c.unread, codes(unread)); d != "" || err != nil {
				t.Errorf("unread (-want +got): %v\n%s", err, d)
			}
		})
	}
}

// Of two versions of a project only what differs is read, and a YAML file is parsed for the list once.
func TestPastReadsOnce(t *testing.T) {
	t.Parallel()
	v, files := newVault(), good(t)
	past := NewPast(v)
	places(t, at(t, past, v.tree(files)))
	for i := range 3 {
		files["manifests/new.yaml"] = fmt.Sprintf(contact, fmt.Sprint("new-", i))
		s := at(t, past, v.tree(files))
		if got := len(places(t, s)); got != 3 {
			t.Errorf("%d places", got)
		}
		if again := at(t, past, v.tree(files)); again != s {
			t.Error("the same files are another snapshot")
		}
	}
	for id, n := range v.reads {
		if n > 1 {
			t.Errorf("read %d times: %.40q %v", n, v.blobs[id], v.folders[id])
		}
	}
	docs, err := past.Documents(v.blob(files["manifests/new.yaml"]))
	if err != nil || len(docs) != 1 || docs[0].Address != (resource.Address{Kind: "Contact", Name: "new-2"}) || docs[0].Line != 1 {
		t.Errorf("documents %v, %v", docs, err)
	}
}

// The policy is that of the time, also where only the schema changed that dcsync.yaml names.
func TestPastPolicyChanges(t *testing.T) {
	t.Parallel()
	v, files := newVault(), good(t)
	past := NewPast(v)
	files[projectFile] = strings.Replace(testProject, "settle: 0s", "policy: {schemas: {Order: team.json}}", 1)
	for _, step := range []struct {
		schema string
		want   []diag.Code
	}{
		{"{}", nil},
		{`{"required": ["lifecycle"]}`, []diag.Code{diag.PolicySchema}},
		{"{}", nil},
	} {
		files["team.json"] = step.schema
		o, found, err := at(t, past, v.tree(files)).Object(web)
		if d := cmp.Diff(step.want, codes(found)); d != "" || o == nil || err != nil {
			t.Errorf("%s: %v, %v (-want +got):\n%s", step.schema, o, err, d)
		}
	}
	delete(files, "team.json")
	s := at(t, past, v.tree(files))
	if _, found := s.Project(); !cmp.Equal([]diag.Code{diag.PolicyInvalid}, codes(found)) {
		t.Errorf("without the schema: %s", text(found))
	}
}

// What cannot be read is an error of the world, never a finding and never "not there".
func TestPastLost(t *testing.T) {
	t.Parallel()
	files := good(t)
	for _, name := range append(slices.Collect(maps.Keys(files)), projectFile, "manifests/", "manifests/people/", "csr/", "") {
		v := newVault()
		tree := v.tree(files)
		id := tree
		if name != "" {
			for _, part := range strings.Split(strings.TrimSuffix(name, "/"), "/") {
				i := slices.IndexFunc(v.folders[id], func(e item) bool { return e.name == part })
				id = v.folders[id][i].id
			}
		}
		v.lost[id] = true
		s, err := NewPast(v).At(tree)
		if err == nil {
			_, _, err = s.Object(web)
		}
		if !errors.Is(err, errLost) {
			t.Errorf("%q: %v", name, err)
		}
	}
	v := newVault()
	var missing diag.Diagnostic
	if _, err := NewPast(v).At(v.folder(map[string]string{"x": "y"})); !errors.As(err, &missing) || missing.Code != diag.ProjectMissing {
		t.Errorf("no project: %v", err)
	}
}

// Folders in one another that make much of few bytes end the reading, not the process.
func TestPastBomb(t *testing.T) {
	t.Parallel()
	v, files := newVault(), good(t)
	tree := v.tree(files)
	level := v.folder(map[string]string{"a.yaml": fmt.Sprintf(contact, "a")})
	for range 30 {
		items := []item{{"a", level, fs.ModeDir}, {"b", level, fs.ModeDir}}
		level = v.blob(fmt.Sprint("folder ", items))
		v.folders[level] = items
	}
	v.folders["bomb"] = slices.Clone(v.folders[tree])
	for i, e := range v.folders["bomb"] {
		if e.name == "manifests" {
			v.folders["bomb"][i].id = level
		}
	}
	if _, _, err := at(t, NewPast(v), "bomb").Object(jane); !errors.Is(err, errTooMany) {
		t.Errorf("got %v", err)
	}
}

// What a snapshot lists does not depend on which one was looked at before.
func TestPastNeighbours(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		v, files := newVault(), good(t)
		files[projectFile] = strings.Replace(testProject, "settle: 0s", rapid.SampledFrom([]string{
			"manifests: [manifests]", "manifests: [., manifests]", "manifests: [manifests/people, manifests]", "manifests: [lists]"}).Draw(rt, "folders"), 1)
		past := NewPast(v)
		for range rapid.IntRange(2, 6).Draw(rt, "steps") {
			name := rapid.SampledFrom([]string{"manifests/order.yaml", "manifests/people/ja.yaml", "manifests/.x/y.yaml", "manifests/README", "manifests/new.yaml",
				"manifests/people/new.yaml", "csr/a.csr", "other/x.yaml", "lists"}).Draw(rt, "name")
			files[name] = rapid.SampledFrom([]string{"a: [", fmt.Sprintf(contact, "jane"), fmt.Sprintf(contact, "new"), fmt.Sprintf(order, "web"), "-> order.yaml",
				"-> ../csr", "-> manifests", "-> ../other/x.yaml", "---\n"}).Draw(rt, "text")
			if rapid.Bool().Draw(rt, "gone") {
				delete(files, name)
			}
			tree := v.tree(files)
			type answer struct {
				Places []Place
				Unread string
				Web    string
			}
			ask := func(p *Past) answer {
				s := at(t, p, tree)
				unread, err := s.Unread()
				if err != nil {
					rt.Fatal(err)
				}
				o, found, err := s.Object(web)
				a := answer{places(t, s), text(unread), fmt.Sprint(o != nil, err, text(found))}
				if o != nil {
					a.Web += reconcile.DesiredDigest(o)
				}
				return a
			}
			if d := cmp.Diff(ask(NewPast(v)), ask(past)); d != "" {
				rt.Fatalf("(-alone +after others):\n%s", d)
			}
		}
	})
}

// What a manifest's text alone tells of it: its earlier names, and the files it may be made of, wherever they stand.
func TestPastDocuments(t *testing.T) {
	t.Parallel()
	v := newVault()
	text := "kind: Order\nmetadata: {name: a, moved_from: [x, y]}\nspec: {certificate: {csr: {file: ../k.csr}}, b: [{file: c.csr}], c: {file: 5}, d: {file: e, f: g}}\n---\nkind: Contact\nmetadata: {name: b}\n---\nkind: Order\n"
	list, err := NewPast(v).Documents(v.blob(text))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range list {
		got = append(got, strings.Join(slices.Concat([]string{d.Address.String()}, d.MovedFrom, d.Files), " "))
	}
	if d := cmp.Diff([]string{"Order/a x y ../k.csr c.csr", "Contact/b"}, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	for file, want := range map[string]string{"../k.csr": "manifests/k.csr", "c.csr": "manifests/orders/c.csr", "../../../out": "", "/etc/x": ""} {
		if got := Beside("manifests/orders/m.yaml", file); got != want {
			t.Errorf("%s: %q, want %q", file, got, want)
		}
	}
}
