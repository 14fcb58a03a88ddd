package gitrepo_test

import (
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/gitrepo"
)

// half puts the commit object of a remote's branch into a clone, and nothing that it reaches: what a local clone made during a push, or
// a fetch that was killed, may leave behind.
func half(t *testing.T, bare, branch, dir string) {
	t.Helper()
	raw := git(t, bare, "cat-file", "commit", branch)
	cmd := exec.Command("git", "hash-object", "-t", "commit", "-w", "--stdin")
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(raw+"\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git hash-object: %v\n%s", err, out)
	}
	if got, want := strings.TrimSpace(string(out)), git(t, bare, "rev-parse", branch); got != want {
		t.Fatalf("wrote %s, want %s", got, want)
	}
}

// A commit that lies about in the clone without its tree is fetched as if it were not there.
func TestHalfACommit(t *testing.T) {
	t.Parallel()
	for name, overHTTP := range map[string]bool{"file": false, "http": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bare := newRemote(t)
			dir, other := clone(t, bare), clone(t, bare)
			if overHTTP {
				git(t, dir, "remote", "set-url", "origin", serve(t, bare, ""))
			}
			commit(t, other, stateFile, "a=1\nb=2\n", "theirs")
			git(t, other, "push", "-q", "origin", "HEAD:main", "HEAD:refs/heads/state")
			half(t, bare, "main", dir)
			done, err := open(t, dir).Land(t.Context(), landing("a=2\nb=1\n"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff("a=2\nb=2", git(t, bare, "show", "main:"+stateFile)); diff != "" {
				t.Errorf("landed (-want +got)\n%s", diff)
			}
			sound(t, bare)
			if got := git(t, dir, "rev-parse", "origin/main"); got != done.Commit {
				t.Errorf("the clone is at %s, landed %s", got, done.Commit)
			}
			sound(t, dir)
			r := open(t, dir)
			tip, err := r.Fetch(t.Context(), "origin", "state", gitrepo.Access{})
			if err != nil {
				t.Fatal(err)
			}
			data, err := r.Read(tip, stateFile)
			if diff := cmp.Diff("a=1\nb=2\n", string(data)); err != nil || diff != "" {
				t.Errorf("read after a fetch: %v (-want +got)\n%s", err, diff)
			}
			git(t, dir, "fetch", "-q")
			sound(t, dir)
		})
	}
}

// A ref that moves between asking where it is and fetching it is fetched where it is then.
func TestRefMovesBeforeTheFetch(t *testing.T) {
	t.Parallel()
	bare := newRemote(t)
	dir, other := clone(t, bare), clone(t, bare)
	next := func(n, content string) string {
		git(t, other, "checkout", "-q", "--detach", "origin/main")
		id := commit(t, other, stateFile, content, n)
		git(t, other, "push", "-q", "--force", "origin", "HEAD:refs/heads/state")
		return id
	}
	second := next("two", "a=2\nb=1\n")
	first := next("one", "a=1\nb=2\n")
	var asked atomic.Int32
	url := serveThrough(t, bare, func(git1 http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.RawQuery, "upload-pack") && asked.Add(1) == 2 {
				git(t, bare, "update-ref", "refs/heads/state", second)
			}
			git1.ServeHTTP(w, r)
		})
	})
	git(t, dir, "remote", "set-url", "origin", url)
	got, err := open(t, dir).Fetch(t.Context(), "origin", "state", gitrepo.Access{})
	if err != nil || got != second {
		t.Errorf("fetched %s, %v; it was at %s and moved to %s", got, err, first, second)
	}
	if track := git(t, dir, "rev-parse", "refs/remotes/origin/state"); track != got {
		t.Errorf("the clone says %s", track)
	}
	sound(t, filepath.Clean(dir))
}

// Contains goes by history as far as the clone has it, and by one commit beyond.
func TestContains(t *testing.T) {
	t.Parallel()
	bare := newRemote(t)
	work := clone(t, bare)
	var ids []string
	ids = append(ids, git(t, work, "rev-parse", "HEAD"))
	for _, n := range []string{"1", "2", "3"} {
		ids = append(ids, commit(t, work, "n", n, n))
	}
	git(t, work, "push", "-q")
	git(t, work, "checkout", "-q", "-b", "side", ids[0])
	ids = append(ids, commit(t, work, "n", "side", "side"))
	git(t, work, "push", "-q", "origin", "side")
	for name, tc := range map[string]struct {
		args []string
		want []int
	}{
		"whole":   {nil, []int{0, 1, 2, 3}},
		"shallow": {[]string{"--depth", "1"}, []int{2, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := clone(t, "file://"+bare, tc.args...)
			want := map[string]bool{}
			for _, i := range tc.want {
				want[ids[i]] = true
			}
			got, err := open(t, dir).Contains(t.Context(), append(ids, "", "no id"))
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%v (-want +got)\n%s", err, diff)
			}
			tip, err := open(t, dir).Tip(t.Context(), "origin", "", gitrepo.Access{})
			if err != nil || tip != ids[3] {
				t.Errorf("the default branch is at %s, %v; want %s", tip, err, ids[3])
			}
		})
	}
}
