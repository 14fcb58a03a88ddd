package gitrepo_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/gitrepo"
)

func TestLandOnTheCheckedOutCommit(t *testing.T) {
	t.Parallel()
	bare := newRemote(t)
	dir := clone(t, bare)
	write(t, filepath.Join(dir, "staged.txt"), "staged")
	git(t, dir, "add", "staged.txt")
	write(t, filepath.Join(dir, "README"), "changed, not staged")
	write(t, filepath.Join(dir, "manifests", "a.yaml"), "a: 2, staged\n")
	git(t, dir, "add", "manifests/a.yaml")
	write(t, filepath.Join(dir, "manifests", "a.yaml"), "a: 3, not staged\n")
	write(t, filepath.Join(dir, stateFile), "a=2\nb=1\n")
	before := git(t, dir, "diff", "--cached")
	index := git(t, dir, "ls-files", "--stage", "--debug", "--", "README", "manifests", "staged.txt")

	got, err := open(t, dir).Land(t.Context(), landing("a=2\nb=1\n"))
	if err != nil {
		t.Fatal(err)
	}
	if !got.Followed || got.Nothing || got.Attempts != 1 || got.Ref != "refs/heads/main" {
		t.Errorf("landed %+v", got)
	}
	if tip := git(t, bare, "rev-parse", "main"); tip != got.Commit || git(t, dir, "rev-parse", "HEAD") != tip || git(t, dir, "rev-parse", "origin/main") != tip {
		t.Errorf("remote is at %s, landed %s", tip, got.Commit)
	}
	if after := git(t, dir, "diff", "--cached"); after != before {
		t.Errorf("staged changes (-before +after)\n%s", cmp.Diff(before, after))
	}
	if after := git(t, dir, "ls-files", "--stage", "--debug", "--", "README", "manifests", "staged.txt"); after != index {
		t.Errorf("index (-before +after)\n%s", cmp.Diff(index, after))
	}
	if files := git(t, dir, "show", "--name-only", "--format=", "HEAD"); files != stateFile {
		t.Errorf("the commit holds %q", files)
	}
	want := "dcsync: apply\n\nDcsync-Run: r1|dcsync|dcsync@example.com"
	if log := git(t, dir, "log", "-1", "--format=%B|%an|%ce"); strings.ReplaceAll(log, "\n|", "|") != want {
		t.Errorf("log %q", log)
	}
	if trailers := git(t, dir, "log", "-1", "--format=%(trailers:key=Dcsync-Run,valueonly)"); strings.TrimSpace(trailers) != "r1" {
		t.Errorf("git reads the trailer as %q", trailers)
	}
	if status := git(t, dir, "status", "--porcelain", "--", stateFile); status != "" {
		t.Errorf("the state file is %q", status)
	}
	if log := git(t, dir, "reflog", "-1", "--format=%H %gs"); log != got.Commit+" commit: dcsync: apply" {
		t.Errorf("reflog %q", log)
	}
	sound(t, dir)
	sound(t, bare)
}

func TestLandTwice(t *testing.T) {
	t.Parallel()
	dir := clone(t, newRemote(t))
	r := open(t, dir)
	for i, want := range []bool{false, true, false} {
		content := "a=2\nb=1\n"
		if i == 2 {
			content = "a=3\nb=1\n"
		}
		got, err := r.Land(t.Context(), landing(content))
		if err != nil {
			t.Fatal(err)
		}
		if got.Nothing != want {
			t.Errorf("landing %d: %+v", i, got)
		}
	}
	if n := git(t, dir, "rev-list", "--count", "HEAD"); n != "3" {
		t.Errorf("%s commits", n)
	}
}

// TestLandAfterOthers: every kind of clone puts its own change into what is there by now.
func TestLandAfterOthers(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(t *testing.T, bare string) string{
		"full":    func(t *testing.T, bare string) string { return clone(t, bare) },
		"shallow": func(t *testing.T, bare string) string { return clone(t, "file://"+bare, "--depth=1") },
		"partial": func(t *testing.T, bare string) string { return clone(t, "file://"+bare, "--filter=blob:none") },
		"partial, nothing checked out": func(t *testing.T, bare string) string {
			return clone(t, "file://"+bare, "--filter=blob:none", "--no-checkout")
		},
		"treeless": func(t *testing.T, bare string) string { return clone(t, "file://"+bare, "--filter=tree:0") },
		"detached": func(t *testing.T, bare string) string {
			dir := clone(t, bare)
			git(t, dir, "checkout", "-q", "--detach")
			git(t, dir, "branch", "-D", "main")
			return dir
		},
		"linked worktree": func(t *testing.T, bare string) string {
			dir := clone(t, bare)
			git(t, dir, "checkout", "-q", "-b", "other")
			git(t, dir, "worktree", "add", "-q", filepath.Join(dir, "..", "linked"), "main")
			return filepath.Join(dir, "..", "linked")
		},
		"worktreeConfig": func(t *testing.T, bare string) string {
			dir := clone(t, bare)
			git(t, dir, "config", "extensions.worktreeConfig", "true")
			git(t, dir, "config", "--worktree", "core.sparseCheckout", "false")
			return dir
		},
		"sparse checkout": func(t *testing.T, bare string) string {
			dir := clone(t, bare)
			git(t, dir, "sparse-checkout", "set", "--no-cone", "/"+stateFile)
			return dir
		},
		"another branch checked out": func(t *testing.T, bare string) string {
			dir := clone(t, bare)
			git(t, dir, "checkout", "-q", "-b", "feature")
			return dir
		},
		"shared objects": func(t *testing.T, bare string) string { return clone(t, bare, "--shared") },
		"packed refs": func(t *testing.T, bare string) string {
			dir := clone(t, bare)
			git(t, dir, "pack-refs", "--all")
			return dir
		},
		"http": func(t *testing.T, bare string) string { return clone(t, serve(t, bare, "")) },
		"shallow over http": func(t *testing.T, bare string) string {
			return clone(t, serve(t, bare, ""), "--depth=1")
		},
		"partial over http": func(t *testing.T, bare string) string {
			return clone(t, serve(t, bare, ""), "--filter=blob:none")
		},
		"index version 4": func(t *testing.T, bare string) string {
			dir := clone(t, bare)
			git(t, dir, "update-index", "--index-version", "4")
			return dir
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bare := newRemote(t)
			other := clone(t, bare)
			commit(t, other, "manifests/a.yaml", "a: before\n", "before")
			git(t, other, "push", "-q")
			dir := prepare(t, bare)
			r := open(t, dir)
			commit(t, other, stateFile, "a=1\nb=2\n", "other state")
			commit(t, other, "manifests/b.yaml", "b: 1\n", "other manifest")
			git(t, other, "push", "-q")
			tip := git(t, bare, "rev-parse", "main")
			head := git(t, dir, "rev-parse", "HEAD")
			write(t, filepath.Join(dir, stateFile), "a=2\nb=1\n")

			got, err := r.Land(t.Context(), landing("a=2\nb=1\n"))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff("a=2\nb=2\n", string(got.Files[stateFile])); d != "" {
				t.Errorf("landed (-want +got)\n%s", d)
			}
			if content := git(t, bare, "show", "main:"+stateFile); content != "a=2\nb=2" {
				t.Errorf("remote holds %q", content)
			}
			if parent := git(t, bare, "rev-parse", "main^"); parent != tip || git(t, bare, "rev-parse", "main") != got.Commit {
				t.Errorf("parent %s, want %s", parent, tip)
			}
			if files := git(t, bare, "show", "--name-only", "--format=", "main"); files != stateFile {
				t.Errorf("the commit holds %q", files)
			}
			if got.Followed || git(t, dir, "rev-parse", "HEAD") != head {
				t.Errorf("HEAD moved: %+v", got)
			}
			sound(t, bare)
			sound(t, dir)
			// The caller writes what the checkout is to have; then the next pull goes through.
			if name == "partial, nothing checked out" {
				return
			}
			write(t, filepath.Join(dir, stateFile), string(got.Checkout[stateFile]))
			if status := git(t, dir, "status", "--porcelain"); status != "" {
				t.Errorf("before the pull: %q", status)
			}
			if branch := git(t, dir, "branch", "--show-current"); branch == "main" {
				git(t, dir, "pull", "-q", "--ff-only")
				if git(t, dir, "rev-parse", "HEAD") != got.Commit {
					t.Error("the pull did not reach the commit")
				}
				if status := git(t, dir, "status", "--porcelain"); status != "" {
					t.Errorf("after the pull: %q", status)
				}
			}
		})
	}
}

func TestLandDetachedFollows(t *testing.T) {
	t.Parallel()
	bare := newRemote(t)
	dir := clone(t, "file://"+bare, "--depth=1")
	git(t, dir, "checkout", "-q", "--detach")
	write(t, filepath.Join(dir, stateFile), "a=9\nb=1\n")
	got, err := open(t, dir).Land(t.Context(), landing("a=9\nb=1\n"))
	if err != nil {
		t.Fatal(err)
	}
	if !got.Followed || git(t, dir, "rev-parse", "HEAD") != git(t, bare, "rev-parse", "main") {
		t.Errorf("%+v", got)
	}
	if status := git(t, dir, "status", "--porcelain"); status != "" {
		t.Errorf("status %q", status)
	}
	sound(t, dir)
	l := landing("a=10\nb=1\n")
	l.Branch = ""
	if _, err := open(t, dir).Land(t.Context(), l); !errors.Is(err, gitrepo.ErrNoBranch) {
		t.Errorf("detached without a branch's name: %v", err)
	}
}

func TestLandUnborn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bare, work := filepath.Join(dir, "r.git"), filepath.Join(dir, "w")
	git(t, dir, "init", "-q", "--bare", "-b", "main", bare)
	git(t, dir, "init", "-q", "-b", "main", work)
	git(t, work, "remote", "add", "origin", bare)
	write(t, filepath.Join(work, stateFile), "a=1\n")
	l := landing("a=1\n")
	l.Branch = ""
	got, err := open(t, work).Land(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Followed || git(t, bare, "log", "--format=%H", "main") != got.Commit || git(t, work, "status", "--porcelain") != "" {
		t.Errorf("%+v, status %q", got, git(t, work, "status", "--porcelain"))
	}
	sound(t, work)
	sound(t, bare)
}

func TestLandLocally(t *testing.T) {
	t.Parallel()
	dir := clone(t, newRemote(t))
	l := landing("a=5\nb=1\n")
	l.Push = nil
	l.Files = append(l.Files, gitrepo.File{Path: "deep/er/report.txt", Content: []byte("hello\n")})
	write(t, filepath.Join(dir, stateFile), "a=5\nb=1\n")
	write(t, filepath.Join(dir, "deep/er/report.txt"), "hello\n")
	got, err := open(t, dir).Land(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Followed || git(t, dir, "rev-parse", "HEAD") != got.Commit || git(t, dir, "status", "--porcelain") != "" {
		t.Errorf("%+v, status %q", got, git(t, dir, "status", "--porcelain"))
	}
	if ahead := git(t, dir, "rev-list", "--count", "origin/main..HEAD"); ahead != "1" {
		t.Errorf("ahead by %s", ahead)
	}
	sound(t, dir)
	if err := open(t, dir).Check(t.Context(), landing("")); !errors.Is(err, gitrepo.ErrUnpushed) {
		t.Errorf("check of an unpushed head: %v", err)
	}
	git(t, dir, "push", "-q")
	if err := open(t, dir).Check(t.Context(), landing("")); err != nil {
		t.Errorf("check: %v", err)
	}
	git(t, dir, "checkout", "-q", "-b", "feature")
	if _, err := open(t, dir).Land(t.Context(), l); !errors.Is(err, gitrepo.ErrNoBranch) {
		t.Errorf("committing to a branch that is not checked out: %v", err)
	}
}

// TestLandApart keeps state on a branch of its own: begun, read back, gone on with from a clone that knows it and one that does not.
func TestLandApart(t *testing.T) {
	t.Parallel()
	for _, depth := range []string{"", "--depth=1"} {
		t.Run("clone "+depth, func(t *testing.T) {
			t.Parallel()
			bare := newRemote(t)
			args := []string{"--single-branch"}
			if depth != "" {
				args = append(args, depth)
			}
			dir := clone(t, "file://"+bare, args...)
			head, status := git(t, dir, "rev-parse", "HEAD"), git(t, dir, "status", "--porcelain")
			apart := func(content, base string) gitrepo.Landing {
				l := landing(content)
				l.Branch, l.Apart, l.Base = "refs/heads/dcsync-state", true, base
				return l
			}
			r := open(t, dir)
			if tip, err := r.Fetch(t.Context(), "origin", "dcsync-state", gitrepo.Access{}); err != nil || tip != "" {
				t.Fatalf("fetch of a missing branch: %q, %v", tip, err)
			}
			first, err := r.Land(t.Context(), apart("a=1\n", ""))
			if err != nil {
				t.Fatal(err)
			}
			second, err := r.Land(t.Context(), apart("a=1\nb=1\n", first.Commit))
			if err != nil {
				t.Fatal(err)
			}
			late := clone(t, "file://"+bare, args...)
			lr := open(t, late)
			tip, err := lr.Fetch(t.Context(), "origin", "dcsync-state", gitrepo.Access{})
			if err != nil || tip != second.Commit {
				t.Fatalf("fetched %q, want %s: %v", tip, second.Commit, err)
			}
			track, err := lr.Tracking("origin", "dcsync-state")
			if err != nil {
				t.Fatal(err)
			}
			data, err := lr.Read(track, stateFile)
			if err != nil || string(data) != "a=1\nb=1\n" {
				t.Errorf("read %q, %v", data, err)
			}
			sound(t, late)
			if _, err := r.Land(t.Context(), apart("a=2\nb=1\n", second.Commit)); err != nil {
				t.Fatal(err)
			}
			if _, err := lr.Land(t.Context(), apart("a=1\nb=2\n", tip)); err != nil {
				t.Fatal(err)
			}
			if got := git(t, bare, "show", "dcsync-state:"+stateFile); got != "a=2\nb=2" {
				t.Errorf("state is %q", got)
			}
			if files := git(t, bare, "ls-tree", "-r", "--name-only", "dcsync-state"); files != stateFile {
				t.Errorf("the branch holds %q", files)
			}
			if git(t, dir, "rev-parse", "HEAD") != head || git(t, dir, "status", "--porcelain") != status {
				t.Error("the checkout was touched")
			}
			if tip, err := lr.Fetch(t.Context(), "origin", "dcsync-state", gitrepo.Access{}); err != nil || tip != git(t, bare, "rev-parse", "dcsync-state") {
				t.Errorf("fetched %q: %v", tip, err)
			}
			for _, d := range []string{dir, late, bare} {
				sound(t, d)
			}
		})
	}
}

func TestLandConflict(t *testing.T) {
	t.Parallel()
	bare := newRemote(t)
	dir, other := clone(t, bare), clone(t, bare)
	commit(t, other, stateFile, "a=7\nb=1\n", "other")
	git(t, other, "push", "-q")
	tip := git(t, bare, "rev-parse", "main")
	var conflict *gitrepo.ConflictError
	if _, err := open(t, dir).Land(t.Context(), landing("a=8\nb=1\n")); !errors.As(err, &conflict) || conflict.Path != stateFile || !errors.Is(err, errConflict("a")) {
		t.Errorf("got %v", err)
	}
	l := landing("a=8\nb=1\n")
	l.Files[0].Merge = nil
	if _, err := open(t, dir).Land(t.Context(), l); !errors.As(err, &conflict) {
		t.Errorf("without a merge: %v", err)
	}
	git(t, other, "rm", "-q", stateFile)
	git(t, other, "commit", "-q", "-m", "folder instead")
	commit(t, other, stateFile+"/x", "x", "a folder")
	git(t, other, "push", "-q")
	if _, err := open(t, dir).Land(t.Context(), landing("a=8\nb=1\n")); !errors.As(err, &conflict) {
		t.Errorf("a folder in its place: %v", err)
	}
	if git(t, bare, "rev-parse", "main^^") != tip {
		t.Error("something was pushed")
	}
}

func TestLandRejected(t *testing.T) {
	t.Parallel()
	bare := newRemote(t)
	hook := filepath.Join(bare, "hooks", "pre-receive")
	write(t, hook, "#!/bin/sh\necho 'main is protected: open a pull request' >&2\nexit 1\n")
	if err := os.Chmod(hook, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"file": clone(t, bare), "http": clone(t, serve(t, bare, ""))} {
		t.Run(name, func(t *testing.T) {
			head, index := git(t, dir, "rev-parse", "HEAD"), read(t, filepath.Join(dir, ".git", "index"))
			var rejected *gitrepo.RejectedError
			_, err := open(t, dir).Land(t.Context(), landing("a=2\nb=1\n"))
			if !errors.As(err, &rejected) || rejected.Reason != "pre-receive hook declined" || !strings.Contains(rejected.Note, "main is protected") || rejected.Hint == "" {
				t.Errorf("got %+v (%v)", rejected, err)
			}
			if git(t, dir, "rev-parse", "HEAD") != head || read(t, filepath.Join(dir, ".git", "index")) != index {
				t.Error("the clone was changed")
			}
		})
	}
}

func TestLandRefusesWhatItCannotEdit(t *testing.T) {
	t.Parallel()
	bare := newRemote(t)
	for name, tc := range map[string]struct {
		prepare func(dir string)
		feature string
		mend    []string
	}{
		"split index":  {func(dir string) { git(t, dir, "update-index", "--split-index") }, "a split index", []string{"update-index", "--no-split-index"}},
		"sparse index": {func(dir string) { git(t, dir, "sparse-checkout", "set", "--cone", "--sparse-index") }, "a sparse index", []string{"sparse-checkout", "reapply", "--no-sparse-index"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := clone(t, bare)
			tc.prepare(dir)
			var unsupported *gitrepo.UnsupportedError
			if err := open(t, dir).Check(t.Context(), landing("")); !errors.As(err, &unsupported) || unsupported.Feature != tc.feature {
				t.Fatalf("check: %v", err)
			}
			if want := "git " + strings.Join(tc.mend, " "); !strings.Contains(unsupported.Hint, want) {
				t.Errorf("hint %q, want %q", unsupported.Hint, want)
			}
			git(t, dir, tc.mend...)
			if err := open(t, dir).Check(t.Context(), landing("")); err != nil {
				t.Errorf("after what the hint says: %v", err)
			}
		})
	}
	sha := filepath.Join(t.TempDir(), "sha256")
	git(t, filepath.Dir(sha), "init", "-q", "--object-format=sha256", sha)
	if _, err := gitrepo.Open(sha); !errors.Is(err, gitrepo.ErrUnsupported) || !strings.Contains(err.Error(), "sha256") {
		t.Errorf("open SHA-256: %v", err)
	}
	table := clone(t, bare)
	git(t, table, "config", "core.repositoryformatversion", "1")
	git(t, table, "config", "extensions.refStorage", "reftable")
	if _, err := gitrepo.Open(table); !errors.Is(err, gitrepo.ErrUnsupported) || !strings.Contains(err.Error(), "reftable") {
		t.Errorf("open reftable: %v", err)
	}
	future := clone(t, bare)
	git(t, future, "config", "core.repositoryformatversion", "1")
	git(t, future, "config", "extensions.surprise", "true")
	if _, err := gitrepo.Open(future); !errors.Is(err, gitrepo.ErrUnsupported) {
		t.Errorf("open an unknown extension: %v", err)
	}
	if _, err := gitrepo.Open(bare); !errors.Is(err, gitrepo.ErrNone) {
		t.Errorf("open a bare repository: %v", err)
	}
}

func TestLandLockedIndex(t *testing.T) {
	t.Parallel()
	dir := clone(t, newRemote(t))
	write(t, filepath.Join(dir, ".git", "index.lock"), "")
	l := landing("a=2\nb=1\n")
	l.Clock = newFakeClock()
	got, err := open(t, dir).Land(t.Context(), l)
	if !errors.Is(err, gitrepo.ErrFileLocked) || got == nil || git(t, dir, "rev-parse", "origin/main") != got.Commit {
		t.Errorf("got %+v, %v", got, err)
	}
	if read(t, filepath.Join(dir, ".git", "index.lock")) != "" {
		t.Error("somebody else's lock was touched")
	}
}

// TestConcurrentLanders: everybody's change ends in the file, each in a commit of its own.
func TestConcurrentLanders(t *testing.T) {
	t.Parallel()
	landers := 10
	if os.Getenv("DCSYNC_SOAK") != "" {
		landers = 50
	}
	bare := newRemote(t)
	url := serve(t, bare, "")
	dirs := make([]string, landers)
	for i := range dirs {
		from := bare
		if i%3 == 1 {
			from = url
		}
		if i%3 == 2 {
			dirs[i] = clone(t, "file://"+bare, "--depth=1")
			continue
		}
		dirs[i] = clone(t, from)
	}
	var wg sync.WaitGroup
	for i, dir := range dirs {
		r := open(t, dir)
		wg.Go(func() {
			got, err := r.Land(context.Background(), landing(fmt.Sprintf("a=1\nb=1\nlander%d=done\n", i)))
			if err != nil {
				t.Errorf("lander %d: %v", i, err)
			} else if got.Attempts > 1 {
				t.Logf("lander %d: %d attempts", i, got.Attempts)
			}
		})
	}
	wg.Wait()
	final := git(t, bare, "show", "main:"+stateFile)
	for i := range landers {
		if !strings.Contains(final, fmt.Sprintf("lander%d=done", i)) {
			t.Errorf("lander %d is not in state", i)
		}
	}
	if n := git(t, bare, "rev-list", "--count", "main"); n != fmt.Sprint(landers+1) {
		t.Errorf("%s commits", n)
	}
	sound(t, bare)
}
