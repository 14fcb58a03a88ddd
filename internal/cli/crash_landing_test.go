package cli

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// What a scene with a git remote has beside the others.

const lockRef = "refs/dcsync/lock"

func (s *scene) git(dir string, args ...string) string {
	s.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), gitEnv()...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// publish puts the project into a repository with a bare remote.
func (s *scene) publish() {
	s.t.Helper()
	s.remote = filepath.Join(s.root, "remote.git")
	s.write(filepath.Join(s.dir, ".gitignore"), []byte(".dcsync/\n.dcsync.state.json*\n"))
	s.git(s.root, "init", "-q", "--template=", "--bare", "-b", "main", s.remote)
	s.git(s.dir, "init", "-q", "--template=", "-b", "main")
	s.git(s.dir, "remote", "add", "origin", s.remote)
	s.push("ask for certificates")
}

// push commits all that changed and pushes it.
func (s *scene) push(message string) {
	s.t.Helper()
	s.git(s.dir, "add", "-A")
	s.git(s.dir, "commit", "-q", "-m", message)
	s.git(s.dir, "push", "-q", "-u", "origin", "HEAD:main")
}

// locked tells whether the remote has a lock.
func (s *scene) locked() bool {
	s.t.Helper()
	return s.git(s.remote, "for-each-ref", lockRef) != ""
}

// letLeaseEnd lets the lease of a dead run's lock be over for as long as other runs must leave it alone: its holder stays, and both its
// times lie that much further back.
func (s *scene) letLeaseEnd() {
	s.t.Helper()
	var holder map[string]any
	if err := json.Unmarshal([]byte(s.git(s.remote, "log", "-1", "--format=%B", lockRef)), &holder); err != nil {
		s.t.Fatal(err)
	}
	at := func(name string) time.Time {
		t, err := time.Parse(time.RFC3339, holder[name].(string))
		if err != nil {
			s.t.Fatal(err)
		}
		return t
	}
	const grace = 61 * time.Second
	back := time.Until(at("until")) + grace
	for _, name := range []string{"since", "until"} {
		holder[name] = at(name).Add(-back).UTC().Truncate(time.Second).Format(time.RFC3339)
	}
	message, err := json.Marshal(holder)
	if err != nil {
		s.t.Fatal(err)
	}
	tree := s.git(s.remote, "rev-parse", lockRef+"^{tree}")
	s.git(s.remote, "update-ref", lockRef, s.git(s.remote, "commit-tree", tree, "-m", string(message)))
}

// landed wants the remote unlocked and sound, all of the state on its branch, and this clone as clean as its branch.
func (s *scene) landed() {
	s.t.Helper()
	branches, branch := "refs/heads/main", "main"
	if s.branch != "" {
		branches, branch = "refs/heads/"+s.branch+"\nrefs/heads/main", s.branch
		s.git(s.dir, "fetch", "-q")
	}
	if refs := s.git(s.remote, "for-each-ref", "--format=%(refname)"); refs != branches {
		s.t.Errorf("references of the remote: %s", refs)
	}
	for _, dir := range []string{s.remote, s.dir} {
		s.git(dir, "fsck", "--strict")
	}
	if there, here := s.git(s.remote, "show", branch+":dcsync.state.json"), strings.TrimSpace(string(s.state())); there != here {
		s.t.Errorf("the branch has\n%s\nthis clone\n%s", there, here)
	}
	if last := s.git(s.dir, "log", "-1", "--format=%s", "origin/"+branch); !strings.HasPrefix(last, "dcsync: record") {
		s.t.Errorf("the last commit of %s is %s", branch, last)
	}
	s.git(s.dir, "pull", "-q", "--ff-only")
	if left := s.git(s.dir, "status", "--porcelain"); left != "" {
		s.t.Errorf("the clone is left with %s", left)
	}
}
