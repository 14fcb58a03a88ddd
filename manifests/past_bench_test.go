package manifests

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dcsync/internal/gitrepo"
	"dcsync/internal/resource"
)

// pastOfMany makes a repository of some manifests in which each commit after the first changes one, and gives its commits, oldest first.
func pastOfMany(b *testing.B, manifests, commits int) (repo *gitrepo.Repo, ids []string) {
	b.Helper()
	dir := b.TempDir()
	git(b, dir, "init", "-q", "-b", "main")
	var in bytes.Buffer
	file := func(name, text string) {
		fmt.Fprintf(&in, "M 100644 inline %s\ndata %d\n%s\n", name, len(text), text)
	}
	for i := range commits {
		fmt.Fprintf(&in, "commit refs/heads/main\ncommitter C <c@example.com> %d +0000\ndata 0\n", 1700000000+i)
		if i > 0 {
			file(nameOf(i%manifests), fmt.Sprintf("# commit %d\n"+order, i, fmt.Sprint("order-", i%manifests)))
			continue
		}
		for name, text := range good(b) {
			file(name, text)
		}
		file(projectFile, testProject)
		for m := range manifests {
			file(nameOf(m), fmt.Sprintf(order, fmt.Sprint("order-", m)))
		}
	}
	cmd := exec.Command("git", "fast-import", "--quiet")
	cmd.Dir, cmd.Stdin = dir, &in
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	git(b, dir, "repack", "-adq")
	list := exec.Command("git", "rev-list", "--reverse", "main")
	list.Dir = dir
	out, err := list.Output()
	if err != nil {
		b.Fatal(err)
	}
	if repo, err = gitrepo.Open(filepath.Clean(dir)); err != nil {
		b.Fatal(err)
	}
	return repo, strings.Fields(string(out))
}

func nameOf(i int) string { return fmt.Sprintf("manifests/o%05d.yaml", i) }

// BenchmarkPast lists 1,000 manifests at each of 200 commits and reads the one that changed.
func BenchmarkPast(b *testing.B) {
	manifests, commits := 1000, 200
	if os.Getenv("DCSYNC_SOAK") != "" {
		commits = 10_000
	}
	repo, ids := pastOfMany(b, manifests, commits)
	b.ReportAllocs()
	for b.Loop() {
		objects := repo.Snapshots()
		past := NewPast(objects)
		for i, id := range ids {
			tree, err := objects.Tree(id, "")
			if err != nil {
				b.Fatal(err)
			}
			s := at(b, past, tree)
			if unread, err := s.Unread(); len(unread) > 0 || err != nil || len(s.files) != manifests+2 {
				b.Fatalf("%d files, %v %v", len(s.files), unread, err)
			}
			o, found, err := s.Object(resource.Address{Kind: "Order", Name: fmt.Sprint("order-", i%manifests)})
			if o == nil || err != nil {
				b.Fatalf("%v\n%s", err, text(found))
			}
		}
		if err := objects.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
