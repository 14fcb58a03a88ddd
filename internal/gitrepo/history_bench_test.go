package gitrepo_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"dcsync/internal/gitrepo"
)

// bigHistory makes a packed repository in which every tenth commit touches one of many manifests.
func bigHistory(b *testing.B, commits int) string {
	b.Helper()
	dir := filepath.Join(b.TempDir(), "big")
	git(b, filepath.Dir(dir), "init", "-q", "-b", "main", dir)
	var in bytes.Buffer
	for i := range commits {
		fmt.Fprintf(&in, "commit refs/heads/main\nauthor A <a@example.com> %d +0000\ncommitter C <c@example.com> %d +0000\ndata 8\ncommit %d\n", 1700000000+i, 1700000000+i, i%10)
		path := fmt.Sprintf("src/d%d/f%d.txt", i%37, i%211)
		if i%10 == 0 {
			path = fmt.Sprintf("manifests/m%d.yaml", i/10%1000)
		}
		content := fmt.Sprint("content ", i)
		fmt.Fprintf(&in, "M 100644 inline %s\ndata %d\n%s\n", path, len(content), content)
	}
	cmd := exec.Command("git", "fast-import", "--quiet")
	cmd.Dir, cmd.Stdin = dir, &in
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	git(b, dir, "repack", "-adq")
	return dir
}

// BenchmarkHistory is to stay within 25 times BenchmarkGitLog (architecture, section 9).
func BenchmarkHistory(b *testing.B) {
	dir := bigHistory(b, benchCommits())
	r := open(b, dir)
	for b.Loop() {
		n := 0
		for _, err := range r.History(b.Context(), gitrepo.HistoryOptions{Paths: []string{"manifests"}}) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != (benchCommits()+9)/10 {
			b.Fatalf("%d commits", n)
		}
	}
}

func BenchmarkGitLog(b *testing.B) {
	dir := bigHistory(b, benchCommits())
	for b.Loop() {
		git(b, dir, "log", "--raw", "--", "manifests")
	}
}

func benchCommits() int {
	if os.Getenv("DCSYNC_SOAK") != "" {
		return 100_000
	}
	return 10_000
}
