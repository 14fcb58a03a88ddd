package gitrepo_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"dcsync/internal/gitrepo"
)

// The system's git makes the repositories and reads what this package wrote.

// git runs git in a folder and gives its output.
func git(t testing.TB, dir string, args ...string) string {
	t.Helper()
	out, err := gitErr(dir, args...)
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimRight(out, "\n")
}

func gitErr(dir string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull, "TZ=UTC", "LC_ALL=C",
		"GIT_AUTHOR_NAME=Ann Author", "GIT_AUTHOR_EMAIL=ann@example.com", "GIT_COMMITTER_NAME=Carl Committer", "GIT_COMMITTER_EMAIL=carl@example.com")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

const stateFile = "dcsync.state.json"

// seed is a bare repository with one commit on main: a manifest, a state file and some text. It is made once and copied.
var seed = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "dcsync-gitrepo-test-")
	if err != nil {
		return "", err
	}
	bare, work := filepath.Join(dir, "remote.git"), filepath.Join(dir, "work")
	files := map[string]string{stateFile: "a=1\nb=1\n", "manifests/a.yaml": "a: 1\n", "README": strings.Repeat("readme\n", 500)}
	for name, content := range files {
		path := filepath.Join(work, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
			return dir, err
		}
	}
	for _, args := range [][]string{{"init", "-q", "--bare", "-b", "main", bare}, {"-C", bare, "config", "http.receivepack", "true"},
		{"-C", bare, "config", "uploadpack.allowFilter", "true"}, {"-C", bare, "config", "uploadpack.allowAnySHA1InWant", "true"},
		{"-C", bare, "config", "receive.fsckObjects", "true"}, {"init", "-q", "-b", "main", work}, {"-C", work, "add", "-A"},
		{"-C", work, "commit", "-q", "-m", "seed"}, {"-C", work, "push", "-q", bare, "main"}} {
		if out, err := gitErr(dir, args...); err != nil {
			return dir, fmt.Errorf("git %v: %w: %s", args, err, out)
		}
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, _ := seed(); dir != "" {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// newRemote gives a bare repository of its own.
func newRemote(t testing.TB) string {
	t.Helper()
	dir, err := seed()
	if err != nil {
		t.Fatal(err)
	}
	bare := filepath.Join(t.TempDir(), "remote.git")
	if err := os.CopyFS(bare, os.DirFS(filepath.Join(dir, "remote.git"))); err != nil {
		t.Fatal(err)
	}
	return bare
}

// clone clones a remote into a new folder.
func clone(t testing.TB, remote string, args ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "clone")
	git(t, filepath.Dir(dir), append(append([]string{"clone", "-q"}, args...), remote, dir)...)
	return dir
}

// commit changes a file of a clone and commits it.
func commit(t testing.TB, dir, file, content, message string) string {
	t.Helper()
	write(t, filepath.Join(dir, file), content)
	git(t, dir, "add", file)
	git(t, dir, "commit", "-q", "-m", message)
	return git(t, dir, "rev-parse", "HEAD")
}

// serve gives a bare repository over HTTP, by git's own server. When password is not "", it is asked for.
func serve(t testing.TB, bare, password string) string {
	t.Helper()
	return serveThrough(t, bare, func(git http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if password != "" {
				if _, got, ok := r.BasicAuth(); !ok || got != password {
					w.Header().Set("WWW-Authenticate", "Basic")
					http.Error(w, "bad credentials: "+got+" "+r.Header.Get("Authorization"), http.StatusUnauthorized)
					return
				}
			}
			git.ServeHTTP(w, r)
		})
	})
}

// serveThrough gives a bare repository over HTTP, with something in between.
func serveThrough(t testing.TB, bare string, between func(http.Handler) http.Handler) string {
	t.Helper()
	core := strings.TrimSpace(git(t, bare, "--exec-path"))
	backend := &cgi.Handler{Path: filepath.Join(core, "git-http-backend"), InheritEnv: []string{"PATH"},
		Env: []string{"GIT_PROJECT_ROOT=" + filepath.Dir(bare), "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=ci"}, Stderr: io.Discard}
	srv := httptest.NewServer(between(backend))
	t.Cleanup(srv.Close)
	return srv.URL + "/" + filepath.Base(bare)
}

func open(t testing.TB, dir string) *gitrepo.Repo {
	t.Helper()
	r, err := gitrepo.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// lines merges as state does: by line, each side's changes to its own lines.
func lines(ours, base, tip []byte) ([]byte, error) {
	parse := func(b []byte) map[string]string {
		m := map[string]string{}
		for line := range strings.Lines(string(b)) {
			k, v, _ := strings.Cut(strings.TrimSpace(line), "=")
			m[k] = v
		}
		return m
	}
	o, b, t := parse(ours), parse(base), parse(tip)
	for k, v := range o {
		if b[k] == v {
			continue
		}
		if t[k] != b[k] && t[k] != v {
			return nil, errConflict(k)
		}
		t[k] = v
	}
	return render(t), nil
}

type errConflict string

func (e errConflict) Error() string { return "both changed " + string(e) }

func render(m map[string]string) []byte {
	var out []string
	for k, v := range m {
		out = append(out, k+"="+v)
	}
	slices.Sort(out)
	return []byte(strings.Join(out, "\n") + "\n")
}

func landing(content string) gitrepo.Landing {
	return gitrepo.Landing{Branch: "main", Message: "dcsync: apply", Trailers: []gitrepo.Trailer{{Key: "Dcsync-Run", Value: "r1"}},
		Author: gitrepo.Identity{Name: "dcsync", Email: "dcsync@example.com"}, Committer: gitrepo.Identity{Name: "dcsync", Email: "dcsync@example.com"},
		Files: []gitrepo.File{{Path: stateFile, Content: []byte(content), Merge: lines}}, Push: &gitrepo.Push{Remote: "origin"}}
}

// sound checks that git finds nothing wrong with a repository.
func sound(t testing.TB, dir string) {
	t.Helper()
	git(t, dir, "fsck", "--strict", "--no-dangling")
}
