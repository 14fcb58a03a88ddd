package gitrepo_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/gitrepo"
)

// checkout writes what a landing asks its caller to have in the work tree.
func checkout(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	for name, content := range files {
		if path := filepath.Join(dir, name); content != nil {
			write(t, path, string(content))
		} else if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPullAfterLanding: whatever others did meanwhile, each way to pull goes through after a landing, and nothing of the user's is lost.
func TestPullAfterLanding(t *testing.T) {
	t.Parallel()
	pulls := map[string][]string{
		"pull by merge":     {"-c", "pull.rebase=false", "pull", "-q", "--no-edit"},
		"pull --ff-only":    {"pull", "-q", "--ff-only"},
		"pull --rebase":     {"pull", "-q", "--rebase"},
		"pull --autostash":  {"pull", "-q", "--rebase", "--autostash"},
		"checkout of other": {"checkout", "-q", "-b", "feature", "origin/main"},
	}
	scenes := map[string]struct {
		args    []string // of the clone
		prepare func(t *testing.T, dir string)
		staged  string // what git says of the index afterwards
		dirty   bool   // git itself refuses some pulls because of what the user left
		own     bool   // the branch has a commit that the remote lacks
	}{
		"behind":               {},
		"behind, shallow":      {args: []string{"--depth=1"}},
		"behind, partial":      {args: []string{"--filter=blob:none"}},
		"the state was staged": {prepare: func(t *testing.T, dir string) { git(t, dir, "add", stateFile) }},
		"a commit of its own":  {own: true, prepare: func(t *testing.T, dir string) { commit(t, dir, "mine.txt", "mine\n", "mine") }},
		"a file staged": {dirty: true, staged: "A\tstaged.txt", prepare: func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "staged.txt"), "s")
			git(t, dir, "add", "staged.txt")
		}},
		"a file changed":         {dirty: true, prepare: func(t *testing.T, dir string) { write(t, filepath.Join(dir, "README"), "changed\n") }},
		"a file that is unknown": {prepare: func(t *testing.T, dir string) { write(t, filepath.Join(dir, "unknown.txt"), "u") }},
	}
	for name, scene := range scenes {
		for way, pull := range pulls {
			if scene.own && way == "pull --ff-only" || scene.dirty && way == "pull --rebase" {
				continue // git asks how, or refuses, whatever dcsync did
			}
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				bare := newRemote(t)
				other, dir := clone(t, bare), clone(t, "file://"+bare, scene.args...)
				commit(t, other, stateFile, "a=1\nb=2\n", "other state")
				commit(t, other, "manifests/a.yaml", "a: 2\n", "other manifest")
				git(t, other, "push", "-q")
				write(t, filepath.Join(dir, stateFile), "a=2\nb=1\n")
				if scene.prepare != nil {
					scene.prepare(t, dir)
				}
				got, err := open(t, dir).Land(t.Context(), landing("a=2\nb=1\n"))
				if err != nil {
					t.Fatal(err)
				}
				if got.Followed {
					t.Error("HEAD moved over others' manifests")
				}
				checkout(t, dir, got.Checkout)
				if status := git(t, dir, "status", "--porcelain", "--", stateFile, "manifests"); status != "" {
					t.Errorf("before: %q", status)
				}
				if staged := git(t, dir, "diff", "--cached", "--name-status"); staged != scene.staged {
					t.Errorf("staged before: %q", staged)
				}
				git(t, dir, pull...)
				if content := read(t, filepath.Join(dir, stateFile)); content != "a=2\nb=2\n" {
					t.Errorf("the state is %q", content)
				}
				git(t, dir, "merge-base", "--is-ancestor", got.Commit, "HEAD")
				if staged := git(t, dir, "diff", "--cached", "--name-status"); staged != scene.staged && way != "pull --autostash" {
					t.Errorf("staged after: %q", staged)
				}
				if scene.own && way != "checkout of other" && read(t, filepath.Join(dir, "mine.txt")) != "mine\n" {
					t.Error("the user's commit is lost")
				}
				if name == "a file changed" && read(t, filepath.Join(dir, "README")) != "changed\n" {
					t.Error("the user's change is lost")
				}
				sound(t, dir)
			})
		}
	}
}

// TestLandFollows: where others changed nothing but the state, the checkout follows over their commits too.
func TestLandFollows(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		args    []string
		prepare func(dir string)
	}{
		"full":     {},
		"shallow":  {args: []string{"--depth=1"}},
		"partial":  {args: []string{"--filter=blob:none"}},
		"detached": {prepare: func(dir string) { git(t, dir, "checkout", "-q", "--detach") }},
		"fetched":  {prepare: func(dir string) { git(t, dir, "fetch", "-q") }},
	} {
		for _, nothing := range []bool{false, true} {
			bare := newRemote(t)
			other, dir := clone(t, bare), clone(t, "file://"+bare, tc.args...)
			commit(t, other, stateFile, "a=1\nb=2\n", "other state")
			commit(t, other, stateFile, "a=1\nb=3\n", "other state again")
			git(t, other, "push", "-q")
			if tc.prepare != nil {
				tc.prepare(dir)
			}
			write(t, filepath.Join(dir, "staged.txt"), "staged")
			git(t, dir, "add", "staged.txt")
			ours, want := "a=2\nb=1\n", "a=2\nb=3\n"
			if nothing { // a run that was killed after its push comes back
				ours, want = "a=1\nb=3\n", "a=1\nb=3\n"
			}
			write(t, filepath.Join(dir, stateFile), ours)
			got, err := open(t, dir).Land(t.Context(), landing(ours))
			if err != nil {
				t.Fatal(err)
			}
			checkout(t, dir, got.Checkout)
			if !got.Followed || got.Nothing != nothing || git(t, dir, "rev-parse", "HEAD") != got.Commit || git(t, bare, "rev-parse", "main") != got.Commit {
				t.Errorf("%s, %v: landed %+v", name, nothing, got)
			}
			if d := cmp.Diff(want, read(t, filepath.Join(dir, stateFile))); d != "" {
				t.Errorf("%s, %v: state (-want +got)\n%s", name, nothing, d)
			}
			if status := git(t, dir, "status", "--porcelain"); status != "A  staged.txt" {
				t.Errorf("%s, %v: status %q", name, nothing, status)
			}
			sound(t, dir)
		}
	}
}

// TestLandWhereHeadHasNoSuchFile: the file goes again, so that a pull may bring it.
func TestLandWhereHeadHasNoSuchFile(t *testing.T) {
	t.Parallel()
	bare := newRemote(t)
	dir := clone(t, bare)
	git(t, dir, "rm", "-q", stateFile)
	git(t, dir, "commit", "-q", "-m", "without")
	git(t, dir, "push", "-q")
	other := clone(t, bare)
	commit(t, other, stateFile, "a=1\n", "begun elsewhere")
	commit(t, other, "manifests/a.yaml", "a: 2\n", "manifest")
	git(t, other, "push", "-q")
	write(t, filepath.Join(dir, stateFile), "b=1\n")
	got, err := open(t, dir).Land(t.Context(), landing("b=1\n"))
	if err != nil {
		t.Fatal(err)
	}
	if content, listed := got.Checkout[stateFile]; !listed || content != nil {
		t.Errorf("the checkout is to have %q, %v", content, listed)
	}
	checkout(t, dir, got.Checkout)
	if status := git(t, dir, "status", "--porcelain"); status != "" {
		t.Errorf("status %q", status)
	}
	git(t, dir, "pull", "-q", "--rebase")
	if content := read(t, filepath.Join(dir, stateFile)); content != "a=1\nb=1\n" {
		t.Errorf("after the pull: %q", content)
	}
}

// TestPushed: a commit that only this clone has is found out also when the branch went on, and in a shallow clone.
func TestPushed(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		args  []string
		mine  bool  // the clone has a commit of its own
		moved bool  // the branch went on
		want  error // nil: it is on the branch, or this clone cannot tell
	}{
		"at the tip":           {},
		"behind":               {moved: true},
		"unpushed":             {mine: true, want: gitrepo.ErrUnpushed},
		"unpushed and behind":  {mine: true, moved: true, want: gitrepo.ErrUnpushed},
		"shallow":              {args: []string{"--depth=1"}},
		"shallow and behind":   {args: []string{"--depth=1"}, moved: true},
		"shallow and unpushed": {args: []string{"--depth=1"}, mine: true, want: gitrepo.ErrUnpushed},
		"shallow, unpushed and behind": {args: []string{"--depth=1"}, mine: true, moved: true,
			want: gitrepo.ErrUnpushed},
		"partial, unpushed and behind": {args: []string{"--filter=tree:0"}, mine: true, moved: true,
			want: gitrepo.ErrUnpushed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bare := newRemote(t)
			other := clone(t, bare)
			commit(t, other, "manifests/a.yaml", "a: 2\n", "before")
			git(t, other, "push", "-q")
			dir := clone(t, "file://"+bare, tc.args...)
			if tc.mine {
				commit(t, dir, "mine.txt", "mine\n", "mine")
			}
			if tc.moved {
				commit(t, other, "manifests/a.yaml", "a: 3\n", "after")
				git(t, other, "push", "-q")
			}
			tip, err := open(t, dir).Pushed(t.Context(), "origin", "", gitrepo.Access{})
			if !errors.Is(err, tc.want) || err == nil && tip != git(t, bare, "rev-parse", "main") {
				t.Errorf("got %q, %v, want %v", tip, err, tc.want)
			}
			sound(t, dir)
		})
	}
	bare := newRemote(t)
	dir := clone(t, bare)
	if _, err := open(t, dir).Pushed(t.Context(), "origin", "other", gitrepo.Access{}); !errors.Is(err, gitrepo.ErrNoBranch) {
		t.Errorf("a branch that the remote lacks: %v", err)
	}
}
