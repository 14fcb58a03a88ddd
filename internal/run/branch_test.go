package run_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dcsync/internal/diag"
	"dcsync/internal/gitrepo"
	"dcsync/internal/resource"
	"dcsync/internal/run"
	"dcsync/internal/sandbox"
	"dcsync/reconcile"
	"dcsync/state"
)

const stateBranch = "dcsync-state"

// apart lets the project keep its state on a branch of its own.
func (w *world) apart() {
	w.Helper()
	w.file("dcsync.yaml", strings.Replace(projectYAML, "settle: 0s", "settle: 0s, state: {ref: "+stateBranch+"}", 1))
}

// landed gives the state on the remote's branch.
func (w *world) landed(bare string) *state.File {
	w.Helper()
	f, err := state.Decode("branch", []byte(w.git(bare, "show", stateBranch+":dcsync.state.json")+"\n"))
	if err != nil {
		w.Fatalf("state of the branch: %v", err)
	}
	return f
}

// onTheBranch lands another version of the state from another clone.
func (w *world) onTheBranch(dir string, edit func(*state.File)) {
	w.Helper()
	w.git(dir, "fetch", "-q", "origin", stateBranch)
	w.git(dir, "checkout", "-q", "--detach", "FETCH_HEAD")
	path := filepath.Join(dir, "dcsync.state.json")
	f, _, err := state.Read(path)
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
	w.git(dir, "commit", "-q", "-a", "-m", "from elsewhere")
	w.git(dir, "push", "-q", "origin", "HEAD:refs/heads/"+stateBranch)
}

var mail = resource.Address{Kind: "Order", Name: "mail"}

// branchPlan builds a plan; git is kept away from the machine's own configuration.
func (w *world) branchPlan(refresh reconcile.Refresh) (*reconcile.Plan, error) {
	var o run.ApplyOptions
	landing("none")(&o)
	opts := w.planOptions(refresh)
	opts.Env = o.Env
	if refresh == reconcile.RefreshNone {
		return w.open().Plan(context.Background(), nil, opts)
	}
	return w.open().Plan(context.Background(), w.account(), opts)
}

// State beside the manifests moves to the branch with the first apply, and what stays on main counts no more.
func TestBranchBegins(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, demo())
	bare, _ := w.remote(t)
	w.mustApply(landing("none"))
	before := w.state()
	w.sent.take()
	w.apart()
	w.pushAll()
	a := w.mustApply(landing("git"))
	w.want("writes of the first apply to the branch", w.writes())
	if a.Branch != stateBranch || !a.Pushed || w.git(bare, "rev-parse", stateBranch) != a.Commit {
		t.Errorf("landed on %s at %s", a.Branch, a.Commit)
	}
	if got := w.landed(bare); got.Serial != before.Serial || len(got.Objects) != len(before.Objects) {
		t.Errorf("the branch began with serial %d and %v", got.Serial, got.Addresses())
	}
	w.file("dcsync.state.json", "{}")
	if p, err := w.branchPlan(reconcile.RefreshAuto); err != nil || p.State == nil || p.State.Serial != before.Serial {
		t.Errorf("plan beside a stale file: %v %+v", err, p)
	}
}

// A push that loses on the state's branch is merged address by address.
func TestBranchMerges(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, demo())
	w.apart()
	bare, other := w.remote(t)
	w.mustApply(landing("none"))
	w.write("more.yaml", strings.NewReplacer("acme", "more", "Acme", "More").Replace(demo()["acme.yaml"]))
	w.pushAll()
	a := w.mustApply(landing("none"), once(gitrepo.BeforePush, func() { w.onTheBranch(other, foreign) }))
	if got := w.landed(bare); got.Objects[gone] == nil || got.Serial != a.Serial {
		t.Errorf("landed %v, serial %d, result says %d", got.Addresses(), got.Serial, a.Serial)
	}
	w.git(bare, "fsck", "--strict")
}

// Two runs that recorded different live objects under one address cannot be put together: the results stay, and nobody goes over them.
func TestBranchConflict(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, demo())
	w.apart()
	bare, other := w.remote(t)
	delayed := demo()["mail.yaml"]
	w.remove("mail.yaml")
	w.pushAll()
	w.mustApply(landing("none"))
	w.write("mail.yaml", delayed)
	w.pushAll()
	var tip string
	_, err := w.apply(landing("none"), once(gitrepo.BeforePush, func() {
		w.onTheBranch(other, func(f *state.File) {
			foreign(f)
			f.Objects[mail] = f.Objects[gone]
			delete(f.Objects, gone)
		})
		tip = w.git(bare, "rev-parse", stateBranch)
	}))
	var failed *run.GitError
	work := filepath.Join(".dcsync", "work", "dcsync.state.json")
	if !errors.As(err, &failed) || !strings.Contains(err.Error(), "Order/mail changed on both sides") || !strings.Contains(failed.Hint, work) {
		t.Fatalf("error %v", err)
	}
	if now := w.git(bare, "rev-parse", stateBranch); now != tip {
		t.Errorf("the branch moved to %s", now)
	}
	if _, err := w.apply(landing("none")); !errors.As(err, &failed) || !strings.Contains(err.Error(), "Order/mail") {
		t.Errorf("the next apply goes over it: %v", err)
	}
	if f, _, err := state.Read(filepath.Join(w.dir, work)); err != nil || f.Objects[mail] == nil || f.Objects[mail].Identity.ID == "424242" {
		t.Errorf("the results are not kept: %v", err)
	}
}

// A branch that vanished is not an empty one.
func TestBranchGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, demo())
	w.apart()
	bare, _ := w.remote(t)
	w.mustApply(landing("none"))
	w.git(bare, "update-ref", "-d", "refs/heads/"+stateBranch)
	var refused *run.Refused
	if _, err := w.branchPlan(reconcile.RefreshAuto); !errors.As(err, &refused) || refused.Code != "state_branch_gone" {
		t.Fatalf("plan: %v", err)
	}
	_, put, _ := strings.Cut(refused.Hint, "git push ")
	put, _, _ = strings.Cut(put, ",")
	w.git(w.dir, append([]string{"push", "-q"}, strings.Fields(put)...)...)
	w.sent.take()
	w.mustApply(landing("none"))
	w.want("writes after it was put back as the hint says", w.writes())
}

// An apply that does not push keeps its results in the folder, and the next one lands them.
func TestBranchLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, demo())
	w.apart()
	bare, _ := w.remote(t)
	var notes diag.List
	w.mustApply(landing("none"), func(o *run.ApplyOptions) {
		o.Landing = run.Landing{}
		o.Note = func(d diag.Diagnostic) { notes = append(notes, d) }
	})
	said := false
	for _, n := range notes {
		said = said || n.Code == diag.StateUnlanded
	}
	if !said {
		t.Errorf("it was not said that nothing landed: %v", notes)
	}
	p, err := w.branchPlan(reconcile.RefreshNone)
	if err != nil || p.HasIntent() {
		t.Errorf("offline, the results are not seen: %v %+v", err, p)
	}
	w.sent.take()
	w.mustApply(landing("none"))
	w.want("writes of the apply that lands", w.writes())
	if n := len(w.landed(bare).Objects); n != 3 {
		t.Errorf("%d objects landed", n)
	}
	if left, err := os.ReadDir(filepath.Join(w.dir, ".dcsync", "work")); err != nil || len(left) > 0 {
		t.Errorf("left: %v %v", left, err)
	}
}
