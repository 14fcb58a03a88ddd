package gitrepo_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/gitrepo"
)

// snapshots opens a repository for reading what its commits hold.
func snapshots(t testing.TB, dir string) *gitrepo.Snapshots {
	t.Helper()
	s := open(t, dir).Snapshots()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// listed gives what a folder holds, folders below included: "mode name id" as git ls-tree -r -t prints them.
func listed(t testing.TB, s *gitrepo.Snapshots, id, prefix string) []string {
	t.Helper()
	var out []string
	var below []func()
	if err := s.Folder(id, func(name, id string, mode fs.FileMode) {
		i := len(out)
		out = append(out, fmt.Sprintf("%v %s %s", mode, prefix+name, id))
		if mode.IsDir() {
			below = append(below, func() { out = append(out[:i+1], append(listed(t, s, id, prefix+name+"/"), out[i+1:]...)...) })
		}
	}); err != nil {
		t.Fatal(err)
	}
	for i := len(below) - 1; i >= 0; i-- {
		below[i]()
	}
	return out
}

// A snapshot shows each commit of a history as git shows it.
func TestSnapshots(t *testing.T) {
	t.Parallel()
	dir := tale(t)
	if err := os.Symlink("../other", filepath.Join(dir, "manifests", "link")); err != nil {
		t.Skipf("symbolic links are not to be had: %v", err)
	}
	git(t, dir, "add", "-A")
	git(t, dir, "update-index", "--add", "--cacheinfo", "160000,"+strings.Repeat("1", 40)+",manifests/module")
	git(t, dir, "update-index", "--add", "--chmod=+x", "other/x")
	git(t, dir, "commit", "-q", "-m", "a link, a module and a program")
	git(t, dir, "repack", "-adq")
	s := snapshots(t, dir)
	modes := strings.NewReplacer("100644 blob", "----------", "100755 blob", "----------", "040000 tree", "d---------", "120000 blob", "L---------", "160000 commit", "?---------")
	for _, commit := range strings.Fields(git(t, dir, "rev-list", "--all")) {
		tree, err := s.Tree(commit, "")
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, line := range strings.Split(git(t, dir, "ls-tree", "-r", "-t", "--full-tree", commit), "\n") {
			head, name, _ := strings.Cut(line, "\t")
			words := strings.Fields(head)
			want = append(want, modes.Replace(words[0]+" "+words[1])+" "+name+" "+words[2])
		}
		if d := cmp.Diff(want, listed(t, s, tree, "")); d != "" {
			t.Errorf("%s (-want +got)\n%s", commit, d)
		}
	}
	head := git(t, dir, "rev-parse", "HEAD:manifests")
	for _, revision := range []string{"", "HEAD", "refs/heads/main"} {
		if id, err := s.Tree(revision, "manifests"); id != head || err != nil {
			t.Errorf("%q: tree %s, %v, want %s", revision, id, err, head)
		}
	}
	for _, at := range [][2]string{{"", "none"}, {"", "other/x"}, {"refs/heads/none", ""}} {
		if _, err := s.Tree(at[0], at[1]); !errors.Is(err, gitrepo.ErrNoFile) {
			t.Errorf("%v: %v", at, err)
		}
	}
	blob := git(t, dir, "rev-parse", "HEAD:other/x")
	if data, whole, err := s.Blob(blob, 1); string(data) != "y" || !whole || err != nil {
		t.Errorf("blob %q, %v, %v", data, whole, err)
	}
	if data, whole, err := s.Blob(blob, 0); data != nil || whole || err != nil {
		t.Errorf("blob larger than asked for: %q, %v, %v", data, whole, err)
	}
}

// What a clone lacks is said to be missing, and what is no id is refused.
func TestSnapshotsLack(t *testing.T) {
	t.Parallel()
	bare := newRemote(t)
	nothing := func(string, string, fs.FileMode) {}
	s := snapshots(t, clone(t, "file://"+bare, "--filter=blob:none", "--no-checkout"))
	blob := git(t, bare, "rev-parse", "HEAD:manifests/a.yaml")
	if _, _, err := s.Blob(blob, 100); !errors.Is(err, gitrepo.ErrMissingObject) {
		t.Errorf("blob: %v", err)
	}
	s = snapshots(t, clone(t, "file://"+bare, "--filter=tree:0", "--no-checkout"))
	if _, err := s.Tree("", "manifests"); !errors.Is(err, gitrepo.ErrMissingObject) {
		t.Errorf("tree: %v", err)
	}
	if err := s.Folder(git(t, bare, "rev-parse", "HEAD:manifests"), nothing); !errors.Is(err, gitrepo.ErrMissingObject) {
		t.Errorf("folder: %v", err)
	}
	if _, _, err := s.Blob("x", 1); err == nil || errors.Is(err, gitrepo.ErrMissingObject) {
		t.Errorf("no id: %v", err)
	}
	if err := s.Folder("x", nothing); err == nil || errors.Is(err, gitrepo.ErrMissingObject) {
		t.Errorf("no id: %v", err)
	}
	// A clone that borrows its objects has them all.
	s = snapshots(t, clone(t, bare, "--shared"))
	if data, whole, err := s.Blob(blob, 100); string(data) != "a: 1\n" || !whole || err != nil {
		t.Errorf("borrowed blob %q, %v, %v", data, whole, err)
	}
	if _, whole, err := s.Blob(blob, 1); whole || err != nil {
		t.Errorf("borrowed blob, too large: %v, %v", whole, err)
	}
}

// Names that git would not write to disk are not shown, and a tree that is none is an error.
func TestSnapshotsHostile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	git(t, dir, "init", "-q", "-b", "main")
	write(t, filepath.Join(dir, "f"), "f")
	blob := git(t, dir, "hash-object", "-w", "f")
	id := make([]byte, 20)
	if _, err := fmt.Sscanf(blob, "%x", &id); err != nil {
		t.Fatal(err)
	}
	tree := func(names ...string) string {
		var raw bytes.Buffer
		for _, n := range names {
			raw.WriteString("100644 " + n + "\x00" + string(id))
		}
		return hashTree(t, dir, raw.Bytes())
	}
	s := snapshots(t, dir)
	got := listed(t, s, tree("", ".", "..", ".git", "a/b", "good", "/"), "")
	if d := cmp.Diff([]string{"---------- good " + blob}, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	for name, raw := range map[string]string{"cut off": "100644 a\x00abc", "no end of name": "100644 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "no mode": "aaa\x00" + string(id)} {
		if err := s.Folder(hashTree(t, dir, []byte(raw)), func(string, string, fs.FileMode) {}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A folder is listed the same whatever was listed before it, and while others are.
func TestSnapshotsAfterOthers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	git(t, dir, "init", "-q", "-b", "main")
	var trees []string
	for _, entries := range []string{"a1 b1 c1 d1", "a1 b2 c1 d1", "a1 c1 d1", "a1 b1 b+1 b/1 c1 d1", "a1 b1 c1 d2 e1", "a1", "", "a2 b1 c1 d1", "b1 c1", "d1 c1 b1 a1", "a1 a1 a2 b1", "a1 b1 c1"} {
		var raw bytes.Buffer
		for _, e := range strings.Fields(entries) {
			name, mode := e[:len(e)-1], "100644"
			if folder, ok := strings.CutSuffix(name, "/"); ok {
				name, mode = folder, "40000"
			}
			raw.WriteString(mode + " " + name + "\x00" + strings.Repeat(e[len(e)-1:], 20))
		}
		trees = append(trees, hashTree(t, dir, raw.Bytes()))
	}
	list := func(s *gitrepo.Snapshots, id string, during func()) (out []string) {
		if err := s.Folder(id, func(name, id string, mode fs.FileMode) {
			out = append(out, fmt.Sprint(name, id, mode))
			during()
		}); err != nil {
			t.Fatal(err)
		}
		return out
	}
	used := snapshots(t, dir)
	for _, first := range trees {
		for _, second := range trees {
			want := list(snapshots(t, dir), second, func() {})
			list(used, first, func() {})
			if d := cmp.Diff(want, list(used, second, func() {})); d != "" {
				t.Errorf("%s after %s (-want +got)\n%s", second, first, d)
			}
			if d := cmp.Diff(want, list(used, second, func() { list(used, first, func() {}) })); d != "" {
				t.Errorf("%s while %s (-want +got)\n%s", second, first, d)
			}
		}
	}
}

// hashTree writes bytes as a tree, whatever they are.
func hashTree(t *testing.T, dir string, raw []byte) string {
	t.Helper()
	cmd := exec.Command("git", "hash-object", "-t", "tree", "-w", "--literally", "--stdin")
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(raw)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git hash-object: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// TestSnapshotsFile: files and commits by name, and what is none.
func TestSnapshotsFile(t *testing.T) {
	t.Parallel()
	dir := tale(t)
	s := snapshots(t, dir)
	for path, want := range map[string]string{"manifests/d.yaml": git(t, dir, "rev-parse", "HEAD:manifests/d.yaml"), "manifests": "", "manifests/none": "", "other/x/y": ""} {
		if got, err := s.File("", path); got != want || err != nil {
			t.Errorf("%s: %q, want %q, %v", path, got, want, err)
		}
	}
	head := git(t, dir, "rev-parse", "HEAD")
	if got, err := s.File("HEAD", "manifests/d.yaml"); got == "" || err != nil {
		t.Errorf("by HEAD: %q, %v", got, err)
	}
	if c, err := s.Commit(head); err != nil || c.ID != head || c.Subject() != "a file where a folder was" {
		t.Errorf("got %+v, %v", c, err)
	}
	if _, err := s.Commit(strings.Repeat("1", 40)); !errors.Is(err, gitrepo.ErrMissingObject) {
		t.Errorf("a commit that is not there: %v", err)
	}
	if _, err := s.Commit("HEAD"); err == nil {
		t.Error("a name passed for an id")
	}
}
