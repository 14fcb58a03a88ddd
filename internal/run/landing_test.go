package run_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dcsync/internal/diag"
	"dcsync/internal/gitrepo"
	"dcsync/internal/resource"
	"dcsync/internal/run"
	"dcsync/internal/sandbox"
	"dcsync/internal/step"
	"dcsync/state"
)

// git runs the system's git.
func (w *world) git(dir string, args ...string) string {
	w.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=Ann", "GIT_AUTHOR_EMAIL=ann@example.com",
		"GIT_COMMITTER_NAME=Ann", "GIT_COMMITTER_EMAIL=ann@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// remote puts the project into a repository, pushes it to a bare one, and gives that and another clone of it.
func (w *world) remote(t *testing.T) (bare, other string) {
	w.Helper()
	bare, other = filepath.Join(t.TempDir(), "a.git"), filepath.Join(t.TempDir(), "other")
	w.git(w.dir, "init", "-q", "-b", "main")
	w.git(w.dir, "init", "-q", "--bare", "-b", "main", bare)
	w.git(w.dir, "remote", "add", "origin", bare)
	w.file(".gitignore", ".dcsync/\n.dcsync.state.json*\n")
	w.pushAll()
	w.git(w.dir, "clone", "-q", bare, other)
	return bare, other
}

func (w *world) pushAll() {
	w.Helper()
	w.git(w.dir, "add", "-A")
	w.git(w.dir, "commit", "-q", "-m", "intent")
	w.git(w.dir, "push", "-q", "-u", "origin", "main")
}

// landing makes an apply push, under a lock mode.
func landing(mode string) func(*run.ApplyOptions) {
	return func(o *run.ApplyOptions) {
		o.Landing = run.Landing{Commit: true, Push: true}
		o.Locking = run.Locking{Mode: mode, Owner: "test", Request: time.Minute}
		o.Env = func(name string) string {
			return map[string]string{"GIT_CONFIG_GLOBAL": os.DevNull, "GIT_CONFIG_NOSYSTEM": "1"}[name]
		}
	}
}

// once calls do the first time a point is reached.
func once(at step.Point, do func()) func(*run.ApplyOptions) {
	done := false
	return func(o *run.ApplyOptions) {
		o.Step = func(p step.Point) {
			if p == at && !done {
				done = true
				do()
			}
		}
	}
}

// elsewhere lands another version of the state from another clone.
func (w *world) elsewhere(dir string, edit func(*state.File)) {
	w.Helper()
	w.git(dir, "pull", "-q", "--ff-only")
	path := filepath.Join(dir, "dcsync.state.json")
	f, _, err := state.Read(path)
	if errors.Is(err, state.ErrNone) {
		f, err = state.New("11111111-2222-3333-4444-555555555555"), nil
	}
	if err != nil {
		w.Fatalf("read state: %v", err)
	}
	f.Serial++
	edit(f)
	data, err := state.Encode(f)
	if err == nil {
		err = os.WriteFile(path, data, 0o644)
	}
	if err != nil {
		w.Fatalf("write state: %v", err)
	}
	w.git(dir, "add", "-A")
	w.git(dir, "commit", "-q", "-m", "from elsewhere")
	w.git(dir, "push", "-q")
}

var gone = resource.Address{Kind: "Organization", Name: "elsewhere"}

func foreign(f *state.File) {
	f.Objects[gone] = &state.Entry{Identity: state.Identity{ID: "424242", Origin: "elsewhere", Generation: 1}, Applied: state.Applied{Spec: resource.Map{}, Generation: 1}, Source: state.Source{Path: "manifests/x.yaml"}}
}

// A push that loses is merged address by address and tried again; what the other run recorded is neither lost nor planned away.
func TestLandingMerges(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, demo())
	bare, other := w.remote(t)
	a := w.mustApply(landing("none"), once(gitrepo.BeforePush, func() {
		if err := os.WriteFile(filepath.Join(other, "manifests", "x.yaml"), []byte("# what the other run applied\n"), 0o644); err != nil {
			t.Error(err)
		}
		w.elsewhere(other, foreign)
	}))
	tip, err := state.Decode("tip", []byte(w.git(bare, "show", "main:dcsync.state.json")+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(tip.Objects) != 4 || tip.Objects[gone] == nil || tip.Serial != a.Serial {
		t.Errorf("landed %v, serial %d, result says %d", tip.Addresses(), tip.Serial, a.Serial)
	}
	if a.Commit != w.git(bare, "rev-parse", "main") || !a.Pushed || a.Branch != "main" {
		t.Errorf("result: commit %s on %s, pushed %v", a.Commit, a.Branch, a.Pushed)
	}
	if left := w.git(w.dir, "status", "--porcelain"); left != "" {
		t.Errorf("the checkout that is behind is left with %s", left)
	}
	w.sent.take()
	a = w.mustApply(landing("git"))
	w.want("writes of an apply from a checkout that is behind", w.writes())
	if len(a.Ledger.Results) != 0 {
		t.Errorf("it had something to do: %v", outcomes(a))
	}
	if n := w.git(bare, "rev-list", "--count", "main"); n != "3" {
		t.Errorf("%s commits on the branch, want 3", n)
	}
}

// A key that an object of later commits had revoked as compromised is refused in a checkout that knows nothing of that object.
func TestCompromisedKeyOfLaterCommits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, installer(t, ""))
	bare, other := w.remote(t)
	key := keyIn(w.open().Set.Get(resource.Address{Kind: "Order", Name: "installer"}))
	w.elsewhere(other, func(f *state.File) {
		foreign(f)
		f.Objects[gone].Identity.Tombstones = []state.Tombstone{{ID: "424242", Status: "revoked", Reason: "keyCompromise", Key: key}}
	})
	a, err := w.apply(landing("none"))
	if err != nil {
		t.Fatal(err)
	}
	w.want("results", outcomes(a), "blocked Order/installer: blocked", "create Organization/acme: done")
	tip, err := state.Decode("tip", []byte(w.git(bare, "show", "main:dcsync.state.json")+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	if tip.CompromisedKeys()[key] != "424242" || len(tip.Objects) != 2 || len(tip.Objects[gone].Identity.Tombstones) != 1 {
		t.Errorf("landed %v, %v", tip.Addresses(), tip.Compromised)
	}
}

// One address changed on both sides lands nowhere: the run fails, and its results stay in the state file.
func TestLandingConflict(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, demo())
	bare, other := w.remote(t)
	mine := resource.Address{Kind: "Order", Name: "mail"}
	var tip string
	a, err := w.apply(landing("none"), once(gitrepo.BeforePush, func() {
		w.elsewhere(other, func(f *state.File) {
			foreign(f)
			f.Objects[mine] = f.Objects[gone]
			delete(f.Objects, gone)
		})
		tip = w.git(bare, "rev-parse", "main")
	}))
	var failed *run.GitError
	if !errors.As(err, &failed) || !strings.Contains(err.Error(), "Order/mail changed on both sides") || failed.Hint == "" {
		t.Fatalf("error %v", err)
	}
	if a == nil || a.Commit != "" || w.git(bare, "rev-parse", "main") != tip {
		t.Errorf("something landed: %+v", a)
	}
	if e := w.state().Objects[mine]; e == nil || e.Identity.ID == "424242" {
		t.Errorf("the results are not in the state file: %+v", e)
	}
	if _, err := w.apply(landing("none")); !errors.As(err, &failed) {
		t.Errorf("the next apply goes over it: %v", err)
	}
}

// A run that loses its lock asks for nothing more, and lands nothing.
func TestLockLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, demo())
	bare, _ := w.remote(t)
	w.sent.take()
	a, err := w.apply(landing("git"), func(o *run.ApplyOptions) { o.Locking.Request = time.Hour }) // longer than any lease
	if a == nil || a.Ledger == nil {
		t.Fatalf("no result: %v", err)
	}
	said := ""
	for _, r := range a.Ledger.Results {
		if r.Outcome != resource.Skipped || r.Err == nil {
			t.Errorf("%s %s: %s %v", r.Action, r.Address, r.Outcome, r.Err)
			continue
		}
		said += r.Err.Message + "\n"
	}
	if !strings.Contains(said, "the lock was lost") {
		t.Errorf("reasons: %s", said)
	}
	w.want("writes", w.writes())
	_, err = w.apply(landing("git"), once(gitrepo.BeforePush, func() { w.git(bare, "update-ref", "-d", "refs/dcsync/lock") }))
	if !errors.Is(err, gitrepo.ErrLockLost) {
		t.Errorf("landed without its lock: %v", err)
	}
	if now := w.git(bare, "show", "-s", "--format=%s", "main"); strings.Contains(now, "record 3") {
		t.Errorf("landed: %s", now)
	}
	w.holds(1, 2)
	w.mustApply(landing("git"))
	w.holds(1, 2)
	if refs := w.git(bare, "for-each-ref", "--format=%(refname)"); refs != "refs/heads/main" {
		t.Errorf("references left: %s", refs)
	}
}

// Without its lock a run ends nothing either, and deletes no note.
func TestLockLostEndsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, demo())
	w.remote(t)
	w.mustApply(landing("git"))
	w.write("driver.yaml", driverYAML+"retire: {target: current, action: revoke, comments: done}\n")
	w.pushAll()
	w.sent.take()
	a, err := w.apply(landing("git"), func(o *run.ApplyOptions) { o.Locking.Request, o.MaxDestroy = time.Hour, 1 })
	if a == nil || a.Ledger == nil {
		t.Fatalf("no result: %v", err)
	}
	if n := a.Ledger.Count(resource.Skipped); n != 1 || len(a.Ledger.Results) != 1 {
		t.Errorf("outcomes %v", outcomes(a))
	}
	w.want("writes", w.writes())
	if n := a.Ledger.Results[0].Requests; n != 1 { // the look right before; the call itself was held back
		t.Errorf("%d requests are counted", n)
	}
	a = w.mustApply(landing("git"), func(o *run.ApplyOptions) { o.MaxDestroy = 1 })
	if len(w.writes()) != 1 {
		t.Errorf("with its lock: %v", outcomes(a))
	}
}

// A repository that cannot be read does not keep anybody from planning, and is refused by name where a commit is asked for.
func TestUnsupportedRepository(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, demo())
	w.git(w.dir, "init", "-q", "--object-format=sha256", "-b", "main")
	p, err := w.open().Plan(context.Background(), w.account(), w.planOptions("auto"))
	if err != nil || p.Commit != "" || len(p.Findings) != 1 || !strings.Contains(p.Findings[0].Summary, "sha256") {
		t.Fatalf("plan: %v, %+v", err, []diag.Diagnostic(p.Findings))
	}
	_, err = w.apply(landing("none"))
	var refused *run.Refused
	if !errors.As(err, &refused) || refused.Code != "git_unsupported" {
		t.Errorf("apply --push: %v", err)
	}
	w.mustApply()
}
