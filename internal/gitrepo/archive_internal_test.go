package gitrepo

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/google/go-cmp/cmp"
)

// Whatever the archive puts together is what git itself gives of the same object, from one pack and from several, and stays so while the
// room of what nobody else has is used again.
func TestArchive(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "repo")
	git := func(in string, args ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
		cmd.Stdin = strings.NewReader(in)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("git %v: %v", args, err)
		}
		return string(out)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	git("", "init", "-q", "-b", "main")
	lines := make([]string, 900)
	for i := range lines {
		lines[i] = fmt.Sprintf("line %d of a file that changes a little", i)
	}
	history := func(from, to int) {
		var in bytes.Buffer
		for i := from; i < to; i++ {
			lines[i*7%len(lines)] = fmt.Sprint("change ", i)
			text := strings.Join(lines, "\n")
			fmt.Fprintf(&in, "commit refs/heads/main\ncommitter C <c@example.com> %d +0000\ndata 1\nx\n", 1700000000+i)
			if i == from && from > 0 {
				in.WriteString("from refs/heads/main^0\n")
			}
			fmt.Fprintf(&in, "M 100644 inline f\ndata %d\n%s\nM 100644 inline d/%d\ndata 1\n%d\n", len(text), text, i, i%10)
		}
		git(in.String(), "fast-import", "--quiet")
	}
	history(0, 60)
	git("", "repack", "-adq", "--depth=50")
	history(60, 120)
	git("", "repack", "-dq")
	history(120, 121)
	git("loose", "hash-object", "-w", "--stdin")

	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	a := r.archive()
	defer func() { _ = a.Close() }()
	if len(a.packs) < 2 {
		t.Fatalf("%d packs", len(a.packs))
	}
	a.recent.most = 8 * minSpare
	s := &Snapshots{repo: r, store: a}
	archived, copied, reused := 0, 0, 0
	var buffer []byte
	lent := map[plumbing.Hash]*packed{}
	for i, line := range strings.Split(strings.TrimSpace(git("", "cat-file", "--batch-all-objects", "--batch-check")), "\n") {
		id, kind := plumbing.NewHash(line[:40]), strings.Fields(line)[1]
		if kind == "blob" && i%3 > 0 {
			var whole bool
			if buffer, whole, err = s.BlobInto(buffer, id.String(), maxArchived); err != nil || !whole || plumbing.ComputeHash(plumbing.BlobObject, buffer) != id {
				t.Errorf("%s is copied otherwise: %t, %v", line, whole, err)
			}
			if data, whole, err := s.BlobInto(nil, id.String(), int64(len(buffer)-1)); len(data) > 0 || whole || err != nil {
				t.Errorf("%s is copied though it is too large: %t, %v", line, whole, err)
			}
			copied, reused = copied+1, max(reused, len(a.recent.spare))
			continue
		}
		o, err := a.EncodedObject(plumbing.AnyObject, id)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if p, ok := o.(*packed); ok {
			archived++
			lent[id] = p
		}
		data, err := contentOf(o)
		if err != nil {
			t.Fatal(err)
		}
		if got := plumbing.ComputeHash(o.Type(), data); got != id || o.Hash() != id || o.Type().String() != kind || o.Size() != int64(len(data)) {
			t.Errorf("%s is read as %s %s", line, o.Type(), got)
		}
	}
	if archived+copied < 400 || reused == 0 {
		t.Errorf("only %d objects came from packs, and %d buffers were left", archived+copied, reused)
	}
	for id, p := range lent {
		if plumbing.ComputeHash(p.kind, p.data) != id {
			t.Errorf("%s was written over while it was lent", id)
		}
	}
	if _, err := a.EncodedObject(plumbing.BlobObject, r.head.commit); err != plumbing.ErrObjectNotFound {
		t.Errorf("a commit as a blob: %v", err)
	}
}

// Two halves hold what was put in last, and no more than twice their size.
func TestRecent(t *testing.T) {
	t.Parallel()
	r := recent{most: maxRecent}
	for i := range 10 {
		r.put(place{at: int64(i)}, content{data: make([]byte, maxRecent/4)})
	}
	var got []int64
	for i := range int64(10) {
		if r.get(place{at: i}) != nil {
			got = append(got, i)
		}
	}
	if diff := cmp.Diff([]int64{4, 5, 6, 7, 8, 9}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// FuzzPatched compares the application of differences with go-git's. What is refused is read by go-git, which also takes sizes that are cut
// off; TestArchive tells that whole packs are read without it.
func FuzzPatched(f *testing.F) {
	base := []byte("0123456789abcdefghijklmnopqrstuvwxyz")
	f.Add(base, []byte{36, 12, 0x90, 10, 2, 'x', 'y'})
	f.Add(base, []byte{36, 10, 0x91, 26, 10})
	f.Add(base, []byte{36, 3, 3, 'a', 'b', 'c'})
	f.Add(base, []byte{36, 36, 0x80})
	f.Add(base, []byte{36, 0x80})
	f.Add(base, []byte{36, 5, 0xff, 1, 0, 0, 0, 5, 0, 0})
	f.Add(base, []byte{36, 4, 0})
	f.Fuzz(func(t *testing.T, base, delta []byte) {
		got, err := patched(base, delta, new(recent).room)
		want, wantErr := packfile.PatchDelta(base, delta)
		if err == nil && wantErr == nil {
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Fatalf("(-want +got)\n%s", diff)
			}
		}
	})
}
