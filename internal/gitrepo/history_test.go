package gitrepo_test

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/gitrepo"
)

// tale is a small history with side branches, merges, a revert, a rename and a folder that becomes a file.
func tale(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	git(t, dir, "init", "-q", "-b", "main")
	write(t, filepath.Join(dir, "other", "x"), "x")
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-q", "-m", "nothing of ours")
	commit(t, dir, "manifests/a.yaml", "a: 1\n", "ask for a")
	commit(t, dir, "manifests/deep/b.yaml", "b: 1\n", "ask for b")
	commit(t, dir, "other/x", "y", "not ours")
	git(t, dir, "checkout", "-q", "-b", "side")
	commit(t, dir, "manifests/a.yaml", "a: 2\n", "change a on the side")
	commit(t, dir, "manifests/c.yaml", "c: 1\n", "ask for c on the side")
	git(t, dir, "checkout", "-q", "main")
	commit(t, dir, stateFile, "{}\n", "state")
	git(t, dir, "merge", "-q", "--no-ff", "-m", "merge side", "side")
	git(t, dir, "checkout", "-q", "-b", "left")
	commit(t, dir, "manifests/a.yaml", "a: left\n", "left")
	git(t, dir, "checkout", "-q", "main")
	commit(t, dir, "manifests/a.yaml", "a: right\n", "right")
	_, _ = gitErr(dir, "merge", "-q", "left")
	write(t, filepath.Join(dir, "manifests", "a.yaml"), "a: both\n")
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-q", "-m", "merge left by hand")
	git(t, dir, "mv", "manifests/c.yaml", "manifests/d.yaml")
	git(t, dir, "commit", "-q", "-m", "rename c")
	git(t, dir, "rm", "-q", "-r", "manifests/deep")
	git(t, dir, "commit", "-q", "-m", "give up b")
	commit(t, dir, "manifests/deep", "a file\n", "a file where a folder was\n\nWhy not.\n\nReviewed-by: Rita <rita@example.com>\nTicket: DESK-1\n  and more")
	return dir
}

func collect(t testing.TB, r *gitrepo.Repo, o gitrepo.HistoryOptions) []gitrepo.Commit {
	t.Helper()
	var out []gitrepo.Commit
	for c, err := range r.History(t.Context(), o) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, c)
	}
	return out
}

func TestHistory(t *testing.T) {
	t.Parallel()
	dir := tale(t)
	blob := func(content string) string {
		cmd := exec.Command("git", "hash-object", "--stdin")
		cmd.Stdin = strings.NewReader(content)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(bytes.TrimSpace(out))
	}
	subject := func(id string) string { return git(t, dir, "log", "-1", "--format=%s", id) }
	type line struct{ subject, mainline, changes string }
	var got []line
	position := map[string]int{}
	for i, c := range collect(t, open(t, dir), gitrepo.HistoryOptions{Paths: []string{"manifests", stateFile}}) {
		position[c.Subject()] = i
		var changes []string
		for _, ch := range c.Changes {
			changes = append(changes, fmt.Sprintf("%s %.7s %.7s", ch.Path, ch.Old, ch.New))
		}
		got = append(got, line{c.Subject(), subject(c.Mainline), strings.Join(changes, ", ")})
		want := git(t, dir, "log", "-1", "--format=%an <%ae> %at|%cn <%ce> %ct|%P|%B", c.ID)
		have := fmt.Sprintf("%s %d|%s %d|%s|%s", c.Author.Identity, c.Author.When.Unix(), c.Committer.Identity, c.Committer.When.Unix(), strings.Join(c.Parents, " "), c.Message)
		if d := cmp.Diff(want, strings.TrimRight(have, "\n")); d != "" {
			t.Errorf("commit (-git +got)\n%s", d)
		}
		for _, p := range c.Parents {
			if at, ok := position[subject(p)]; ok && at < i {
				t.Errorf("%s comes after its parent", c.Subject())
			}
		}
	}
	short := func(s string) string { return blob(s)[:7] }
	want := []line{
		{"a file where a folder was", "a file where a folder was", "manifests/deep  " + short("a file\n")},
		{"give up b", "give up b", "manifests/deep/b.yaml " + short("b: 1\n") + " "},
		{"rename c", "rename c", "manifests/c.yaml " + short("c: 1\n") + " , manifests/d.yaml  " + short("c: 1\n")},
		{"merge left by hand", "merge left by hand", "manifests/a.yaml " + short("a: right\n") + " " + short("a: both\n")},
		{"right", "right", "manifests/a.yaml " + short("a: 2\n") + " " + short("a: right\n")},
		{"left", "merge left by hand", "manifests/a.yaml " + short("a: 2\n") + " " + short("a: left\n")},
		{"state", "state", stateFile + "  " + short("{}\n")},
		{"ask for c on the side", "merge side", "manifests/c.yaml  " + short("c: 1\n")},
		{"change a on the side", "merge side", "manifests/a.yaml " + short("a: 1\n") + " " + short("a: 2\n")},
		{"ask for b", "ask for b", "manifests/deep/b.yaml  " + short("b: 1\n")},
		{"ask for a", "ask for a", "manifests/a.yaml  " + short("a: 1\n")},
	}
	key := cmp.Transformer("sorted", func(in []line) map[string]line {
		m := map[string]line{}
		for _, l := range in {
			m[l.subject] = l
		}
		return m
	})
	if d := cmp.Diff(want, got, cmp.AllowUnexported(line{}), key); d != "" || len(got) != len(want) {
		t.Errorf("(-want +got)\n%s", d)
	}
	first := collect(t, open(t, dir), gitrepo.HistoryOptions{Paths: []string{"manifests/deep"}})
	if d := cmp.Diff([]gitrepo.Trailer{{Key: "Reviewed-by", Value: "Rita <rita@example.com>"}, {Key: "Ticket", Value: "DESK-1 and more"}}, first[0].Trailers); d != "" {
		t.Errorf("trailers (-want +got)\n%s", d)
	}
	data, err := open(t, dir).Blob(first[0].Changes[0].New)
	if err != nil || string(data) != "a file\n" {
		t.Errorf("blob %q, %v", data, err)
	}
}

func TestHistoryBounds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	git(t, dir, "init", "-q", "-b", "main")
	r := open(t, dir)
	if got := collect(t, r, gitrepo.HistoryOptions{Paths: []string{"f"}}); got != nil {
		t.Errorf("history before the first commit: %v", got)
	}
	var ids []string
	for i := range 5 {
		write(t, filepath.Join(dir, "f"), fmt.Sprint(i))
		git(t, dir, "add", "-A")
		git(t, dir, "-c", "user.name=x", "commit", "-q", "-m", fmt.Sprint(i), "--date", fmt.Sprintf("2026-01-0%dT00:00:00Z", i+1))
		ids = append(ids, git(t, dir, "rev-parse", "HEAD"))
	}
	r = open(t, dir)
	if got := collect(t, r, gitrepo.HistoryOptions{Paths: []string{"f"}, From: ids[2]}); len(got) != 3 {
		t.Errorf("from the third: %d commits", len(got))
	}
	if got := collect(t, r, gitrepo.HistoryOptions{Paths: []string{""}, From: "refs/heads/main"}); len(got) != 5 {
		t.Errorf("from a branch, everything: %d commits", len(got))
	}
	future := time.Now().Add(time.Hour)
	if got := collect(t, r, gitrepo.HistoryOptions{Paths: []string{"f"}, Since: future}); len(got) != 0 {
		t.Errorf("since tomorrow: %d commits", len(got))
	}
	if got := collect(t, r, gitrepo.HistoryOptions{Paths: []string{"f"}, Until: future}); len(got) != 5 {
		t.Errorf("until tomorrow: %d commits", len(got))
	}
	for _, from := range []string{"refs/heads/none", strings.Repeat("1", 40)} {
		var last error
		for _, err := range r.History(t.Context(), gitrepo.HistoryOptions{Paths: []string{"f"}, From: from}) {
			last = err
		}
		if !errors.Is(last, gitrepo.ErrNoFile) && !errors.Is(last, gitrepo.ErrMissingObject) {
			t.Errorf("from %s: %v", from, last)
		}
	}
}

func TestHistoryShallow(t *testing.T) {
	t.Parallel()
	bare := newRemote(t)
	other := clone(t, bare)
	commit(t, other, "manifests/a.yaml", "a: 2\n", "second")
	commit(t, other, "manifests/b.yaml", "b: 1\n", "third")
	git(t, other, "push", "-q")
	r := open(t, clone(t, "file://"+bare, "--depth=2"))
	if cut, err := r.Shallow(); !cut || err != nil {
		t.Errorf("shallow: %v, %v", cut, err)
	}
	got := collect(t, r, gitrepo.HistoryOptions{Paths: []string{"manifests"}})
	if len(got) != 2 || got[0].Boundary || !got[1].Boundary || got[1].Subject() != "second" || len(got[1].Changes) != 1 || got[1].Changes[0].Old != "" {
		t.Errorf("got %+v", got)
	}
	if cut, err := open(t, other).Shallow(); cut || err != nil {
		t.Errorf("whole clone: %v, %v", cut, err)
	}
	// A clone without trees of old commits says what it lacks; one without blobs can tell which files changed.
	if got := collect(t, open(t, clone(t, "file://"+bare, "--filter=blob:none")), gitrepo.HistoryOptions{Paths: []string{"manifests"}}); len(got) != 3 {
		t.Errorf("blobless: %d commits", len(got))
	}
	var last error
	for _, err := range open(t, clone(t, "file://"+bare, "--filter=tree:0")).History(t.Context(), gitrepo.HistoryOptions{Paths: []string{"manifests"}}) {
		last = err
	}
	if !errors.Is(last, gitrepo.ErrMissingObject) {
		t.Errorf("treeless: %v", last)
	}
}

func TestReadAndHolds(t *testing.T) {
	t.Parallel()
	bare := newRemote(t)
	dir := clone(t, bare)
	r := open(t, filepath.Join(dir, "manifests"))
	if !r.Holds(filepath.Join(dir, "manifests", "a.yaml"), []byte("a: 1\n")) || r.Holds(filepath.Join(dir, "manifests", "a.yaml"), []byte("a: 2\n")) ||
		r.Holds(filepath.Join(dir, "none"), nil) || r.Holds(filepath.Join(dir, "..", "outside"), nil) {
		t.Error("holds is wrong")
	}
	if !r.Holds(filepath.Join(dir, "manifests", "a.yaml"), []byte("a: 1\r\n")) || r.Holds(filepath.Join(dir, "manifests", "a.yaml"), []byte("a: 1\r")) {
		t.Error("holds is wrong about line ends")
	}
	if r.Branch() != "main" || r.Head() != git(t, dir, "rev-parse", "HEAD") {
		t.Errorf("branch %q, head %q", r.Branch(), r.Head())
	}
	if p, err := r.Path(filepath.Join(dir, "manifests", "x")); p != "manifests/x" || err != nil {
		t.Errorf("path %q, %v", p, err)
	}
	if _, err := r.Path(filepath.Join(dir, "..", "x")); err == nil {
		t.Error("a path outside was accepted")
	}
	if data, err := r.Read("", stateFile); string(data) != "a=1\nb=1\n" || err != nil {
		t.Errorf("read %q, %v", data, err)
	}
	if _, err := r.Read("refs/remotes/origin/main", "none/such"); !errors.Is(err, gitrepo.ErrNoFile) {
		t.Errorf("read: %v", err)
	}
	if _, err := r.Read("refs/remotes/origin/none", stateFile); !errors.Is(err, gitrepo.ErrNoFile) {
		t.Errorf("read: %v", err)
	}
	if c, err := r.Describe(r.Head()); err != nil || c.Subject() != "seed" || c.Author.Name != "Ann Author" {
		t.Errorf("describe %+v, %v", c, err)
	}
	if _, err := gitrepo.Open(t.TempDir()); !errors.Is(err, gitrepo.ErrNone) {
		t.Errorf("outside: %v", err)
	}
}

// TestHistoryReached: every commit is told of, and where those that are given lie on the branch.
func TestHistoryReached(t *testing.T) {
	t.Parallel()
	dir := tale(t)
	reached := map[string]bool{}
	chain := strings.Fields(git(t, dir, "rev-list", "--first-parent", "--reverse", "HEAD"))
	for _, c := range collect(t, open(t, dir), gitrepo.HistoryOptions{Paths: []string{"manifests"}, Reached: func(id string) { reached[id] = true }}) {
		if chain[c.Place] != c.Mainline {
			t.Errorf("%s: place %d is %s, not %s", c.Subject(), c.Place, chain[c.Place], c.Mainline)
		}
	}
	want := map[string]bool{}
	for _, id := range strings.Fields(git(t, dir, "rev-list", "HEAD")) {
		want[id] = true
	}
	if d := cmp.Diff(want, reached); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}
