package run_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dcsync/internal/diag"
	"dcsync/internal/run"
	"dcsync/internal/sandbox"
)

// noting collects what an apply tells of the branch.
func noting(notes *[]diag.Diagnostic) func(*run.ApplyOptions) {
	return func(o *run.ApplyOptions) {
		o.Note = func(d diag.Diagnostic) {
			if d.Code == diag.StateElsewhere {
				*notes = append(*notes, d)
			}
		}
	}
}

// A branch that is checked out under another name than the one that is pushed to stays where it is, and the run says that, and nothing of
// commits that the checkout lacks.
func TestLandingFromABranchOfAnotherName(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		before func(w *world, other string)
		want   string
	}{
		"another name": {func(w *world, _ string) { w.git(w.dir, "checkout", "-q", "-b", "zz", "origin/main") }, "the state is on main; zz, which is checked out, stays where it is"},
		"behind": {func(w *world, other string) {
			if err := os.WriteFile(filepath.Join(other, "other.txt"), []byte("x"), 0o644); err != nil {
				w.Fatalf("write: %v", err)
			}
			w.git(other, "add", "-A")
			w.git(other, "commit", "-q", "-m", "elsewhere")
			w.git(other, "push", "-q")
		}, "the branch has commits that this checkout lacks; the state landed on top of them"},
		"the branch itself": {func(*world, string) {}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, demo())
			w.file("dcsync.yaml", strings.Replace(projectYAML, "settle: 0s", "settle: 0s, git: {branch: main}", 1))
			bare, other := w.remote(t)
			tc.before(w, other)
			head := w.git(w.dir, "rev-parse", "HEAD")
			var notes []diag.Diagnostic
			a := w.mustApply(landing("none"), noting(&notes))
			var got string
			for _, n := range notes {
				got += n.Summary
				if !strings.Contains(n.Hint, "git pull") {
					t.Errorf("hint %q", n.Hint)
				}
			}
			if got != tc.want || !a.Pushed || a.Commit != w.git(bare, "rev-parse", "main") {
				t.Errorf("note %q, want %q; landed %s, pushed %v", got, tc.want, a.Commit, a.Pushed)
			}
			if moved := head != w.git(w.dir, "rev-parse", "HEAD"); moved != (tc.want == "") {
				t.Errorf("HEAD moved: %v", moved)
			}
			if left := w.git(w.dir, "status", "--porcelain"); left != "" {
				t.Errorf("left: %s", left)
			}
		})
	}
}

// Where the branch holds the state already nothing was pushed, or committed, and the result says so.
func TestLandingOfNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, demo())
	bare, _ := w.remote(t)
	tip := func() string { return w.git(bare, "rev-parse", "main") }
	first := w.mustApply(landing("none"))
	second := w.mustApply(landing("none"))
	if !first.Pushed || first.Unchanged || second.Pushed || !second.Unchanged || second.Commit != tip() || first.Commit != tip() {
		t.Errorf("first pushed %v, unchanged %v; second pushed %v, unchanged %v at %s", first.Pushed, first.Unchanged, second.Pushed, second.Unchanged, second.Commit)
	}
}
