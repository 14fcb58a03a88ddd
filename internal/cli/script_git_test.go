package cli

import (
	"fmt"
	"io"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptServe serves the bare repositories of a folder over HTTP by git's own server, and names it in REMOTES.
func scriptServe(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: serve FOLDER")
	}
	core, err := exec.Command("git", "--exec-path").Output()
	ts.Check(err)
	srv := httptest.NewServer(&cgi.Handler{Path: filepath.Join(strings.TrimSpace(string(core)), "git-http-backend"), InheritEnv: []string{"PATH"},
		Env: []string{"GIT_PROJECT_ROOT=" + ts.MkAbs(args[0]), "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=ci"}, Stderr: io.Discard})
	ts.Defer(srv.Close)
	ts.Setenv("REMOTES", srv.URL)
}

// scriptHeld puts a lock into a bare repository as a run of another machine would, whose lease ends so much from now (or ended before).
func scriptHeld(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: held BARE REF UNTIL")
	}
	until, err := time.ParseDuration(args[2])
	ts.Check(err)
	now := time.Now().UTC().Truncate(time.Second)
	message := fmt.Sprintf(`{"owner":"ann@elsewhere","run":"r1","since":%q,"until":%q,"nonce":"n"}`,
		now.Add(min(until, 0)-time.Minute).Format(time.RFC3339), now.Add(until).Format(time.RFC3339))
	bare := ts.MkAbs(args[0])
	tree := gitOutput(ts, bare, "", "mktree")
	commit := gitOutput(ts, bare, message, "commit-tree", tree)
	gitOutput(ts, bare, "", "update-ref", args[1], commit)
}

func gitOutput(ts *testscript.TestScript, dir, input string, args ...string) string {
	cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
	cmd.Env = append(os.Environ(), gitEnv()...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		ts.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// gitEnv keeps git away from the machine's own configuration.
func gitEnv() []string {
	return []string{"GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=Ann Author", "GIT_AUTHOR_EMAIL=ann@example.com",
		"GIT_COMMITTER_NAME=Ann Author", "GIT_COMMITTER_EMAIL=ann@example.com"}
}
