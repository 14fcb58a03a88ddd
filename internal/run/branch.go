package run

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"dcsync/internal/diag"
	"dcsync/internal/gitrepo"
	"dcsync/internal/resource"
	"dcsync/internal/step"
	"dcsync/state"
)

// State on a branch of its own (spec.state.ref). What counts is the branch on the remote: every run reads it there, and lands there. What
// a run has done and not landed yet is in the work file, a state file under .dcsync/work; the file beside it holds the state that the run
// went on from. Both are gone once they have landed. A run that died leaves them, and the next one in that folder merges them into what
// the branch has by then.

// onBranch tells whether the state is on a branch of its own.
func (p *Project) onBranch() bool { return p.Project.StateRef != "" }

// workFile is where a run keeps its results until they have landed.
func (p *Project) workFile() string {
	return filepath.Join(filepath.Dir(p.StateFile), ".dcsync", "work", filepath.Base(p.StateFile))
}

// baseFile is where the state is kept that the work file went on from, empty for none.
func (p *Project) baseFile() string { return p.workFile() + ".base" }

// stateStore is the file that an apply writes its results to.
func (p *Project) stateStore() string {
	if p.onBranch() {
		return p.workFile()
	}
	return p.StateFile
}

// loadState reads the state into s: the file, or with spec.state.ref what the branch holds and what never landed of this folder. Offline
// asks the remote for nothing and takes what this clone saw of it last.
func (p *Project) loadState(ctx context.Context, s *start, env func(string) string, offline bool) error {
	s.findings, s.later = nil, nil
	if !p.onBranch() {
		var err error
		s.file, s.disk, err = p.readState()
		return err
	}
	tip, err := p.stateTip(ctx, s, env, offline)
	if err != nil {
		return err
	}
	s.tip = tip
	if s.file, s.disk, err = p.stateAt(s.repo, tip); err != nil {
		return err
	}
	if err := p.takeWork(s); err != nil {
		return err
	}
	if s.disk == nil {
		// The branch has not begun: the state so far, beside the manifests, is what it begins with.
		s.file, s.disk, err = p.readState()
		return err
	}
	return p.spare(ctx, s, env, offline)
}

// stateTip gives the commit of the state's branch, "" when it has not begun.
func (p *Project) stateTip(ctx context.Context, s *start, env func(string) string, offline bool) (string, error) {
	switch {
	case s.odd != nil:
		return "", explain(s.odd)
	case s.repo == nil:
		return "", explain(fmt.Errorf("read the state from %s: %w", p.Project.StateRef, gitrepo.ErrNone))
	}
	if _, err := s.repo.Path(p.StateFile); err != nil {
		return "", outside(err)
	}
	remote, branch := p.Project.Git.Remote, p.Project.StateRef
	track, err := s.repo.Tracking(remote, branch)
	if err != nil {
		return "", explain(err)
	}
	seen, err := s.repo.Commit(track)
	if err != nil {
		return "", err
	}
	if offline {
		if seen == "" {
			s.findings.Add(diag.Diagnostic{Severity: diag.Warning, Code: diag.StateUnseen, Summary: fmt.Sprintf("this clone has not seen the state's branch %s, so nothing counts as applied", branch),
				Hint: fmt.Sprintf("git fetch %s %s:%s", remote, branch, track)})
		}
		return seen, nil
	}
	tip, err := s.repo.Fetch(ctx, remote, branch, gitrepo.AccessFrom(env))
	if err == nil && tip == "" && seen != "" {
		return "", &Refused{Code: "state_branch_gone", Message: fmt.Sprintf("the branch %s with the state is gone from %s; this clone saw it last at %s", branch, remote, seen[:12]),
			Hint: fmt.Sprintf("put it back with git push %s %s:refs/heads/%s, or, to begin it anew, git update-ref -d %s", remote, track, branch, track)}
	}
	return tip, explain(err)
}

// stateAt gives the state a commit of the branch holds and its bytes, an empty one and nil when it holds none.
func (p *Project) stateAt(repo *gitrepo.Repo, commit string) (*state.File, []byte, error) {
	if commit == "" {
		return state.New(p.Project.UID), nil, nil
	}
	f, data, err := p.committedState(repo, commit)
	if f == nil && err == nil {
		return state.New(p.Project.UID), nil, nil
	}
	if err == nil {
		err = p.ours(f, "the state on "+p.Project.StateRef)
	}
	return f, data, err
}

// takeWork merges what an earlier run in this folder did and never landed.
func (p *Project) takeWork(s *start) error {
	base, err := os.ReadFile(p.baseFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var work []byte
	if err == nil {
		work, err = os.ReadFile(p.workFile())
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it landed, or was never begun
	}
	if err != nil {
		return fmt.Errorf("read what an earlier run did: %w", err)
	}
	if s.disk == nil && len(base) > 0 {
		return &Refused{Code: "state_branch_gone", Message: fmt.Sprintf("the branch %s with the state is gone from %s, and an earlier run here went on from it", p.Project.StateRef, p.Project.Git.Remote),
			Hint: fmt.Sprintf("put the branch back, or, to begin it anew, take %s away", p.baseFile())}
	}
	f, err := p.mergeWork(base, work, s.file)
	if err != nil {
		return err
	}
	merged, err := state.Encode(f)
	if err != nil {
		return err
	}
	if !bytes.Equal(merged, s.disk) {
		s.findings.Add(diag.Diagnostic{Severity: diag.Note, Code: diag.StateUnlanded, Summary: "results of an earlier run here have not landed; they were taken over",
			Hint: "the next apply --push lands them"})
	}
	s.file, s.disk, s.unlanded = f, merged, true
	return nil
}

// mergeWork puts the results of an earlier run into what the branch has. Where both went on with one live object, the side that knows of a
// later one counts, else the branch: what is missing there is planned again. A live object that only one side knows of is never dropped.
func (p *Project) mergeWork(base, work []byte, tip *state.File) (*state.File, error) {
	from := state.New(p.Project.UID)
	var err error
	if len(base) > 0 {
		if from, err = state.Decode(p.baseFile(), base); err != nil {
			return nil, err
		}
	}
	ours, err := state.Decode(p.workFile(), work)
	if err != nil {
		return nil, err
	}
	if err := p.ours(ours, p.workFile()); err != nil {
		return nil, err
	}
	merged, conflicts, err := state.Merge(from, ours, tip)
	if err == nil && len(conflicts) > 0 {
		tip = tip.Clone()
		for _, a := range conflicts {
			was, here, there := from.Objects[a], ours.Objects[a], tip.Objects[a]
			switch {
			case here == nil, knows(tip, a, here.Identity.ID), there == nil && was != nil && was.Identity.ID == here.Identity.ID:
				restore(ours, a, was)
			case there != nil && knows(ours, a, there.Identity.ID):
				restore(tip, a, was)
			}
		}
		merged, conflicts, err = state.Merge(from, ours, tip)
	}
	if err == nil && len(conflicts) > 0 {
		err = conflict(conflicts)
	}
	if err != nil {
		return nil, &GitError{Hint: fmt.Sprintf("look at %s; taking it away forgets what that run recorded, not what it did", p.workFile()),
			Err: fmt.Errorf("take over what an earlier run here did: %w", err)}
	}
	return merged, nil
}

// restore puts an address back to what it was, nil for not there.
func restore(f *state.File, a resource.Address, was *state.Entry) {
	delete(f.Objects, a)
	if was != nil {
		f.Objects[a] = was
	}
}

// knows tells whether a state has a live object, or had it under an address.
func knows(f *state.File, a resource.Address, id string) bool {
	if _, ok := f.ByID(a.Kind, id); ok {
		return true
	}
	e := f.Objects[a]
	return e != nil && slices.ContainsFunc(e.Identity.Earlier, func(was state.Earlier) bool { return was.ID == id })
}

// spare finds the objects of the state that have no manifest here and may get one by commits that this checkout lacks: such an object
// must not look removed. What cannot be told is spared too.
func (p *Project) spare(ctx context.Context, s *start, env func(string) string, offline bool) error {
	known := p.concerns(nil)
	var orphans []resource.Address
	var commits []string
	for _, a := range s.file.Addresses() {
		if !known[a] {
			orphans = append(orphans, a)
			commits = append(commits, s.file.Objects[a].Source.Commit)
		}
	}
	if orphans == nil {
		return nil
	}
	newest, err := p.intentTip(ctx, s.repo, env, offline)
	if err != nil {
		return err
	}
	has, err := s.repo.Contains(ctx, append(commits, newest))
	if err != nil || has[newest] {
		return err
	}
	s.later = map[resource.Address]bool{}
	for i, a := range orphans {
		if !has[commits[i]] {
			s.later[a] = true
		}
	}
	if n := len(s.later); n > 0 {
		s.findings.Add(diag.Diagnostic{Severity: diag.Note, Code: diag.LaterIntent,
			Summary: fmt.Sprintf("%d objects of the state have no manifest here and may belong to commits this checkout lacks; they are left alone", n),
			Hint:    "check out the newest commit of the branch with the manifests, and name that branch in spec.git.branch"})
	}
	return nil
}

// intentTip gives the newest commit of the branch with the manifests on the remote, as far as can be told, else "".
func (p *Project) intentTip(ctx context.Context, repo *gitrepo.Repo, env func(string) string, offline bool) (string, error) {
	if !offline {
		tip, err := repo.Tip(ctx, p.Project.Git.Remote, p.Project.Git.Branch, gitrepo.AccessFrom(env))
		return tip, explain(err)
	}
	if p.Project.Git.Branch == "" {
		return "", nil
	}
	track, err := repo.Tracking(p.Project.Git.Remote, p.Project.Git.Branch)
	if err != nil {
		return "", explain(err)
	}
	return repo.Commit(track)
}

// begin prepares the work file for a run that goes on from s. When one is there already, it is replaced first: at every moment it and its
// base amount to the same results.
func (p *Project) begin(s start, hook step.Hook) error {
	base, err := p.baseOf(s)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(p.workFile()), 0o755)
	}
	if err == nil && s.unlanded {
		err = state.Write(p.workFile(), s.disk, hook)
	}
	if err == nil {
		err = state.Write(p.baseFile(), base, hook)
	}
	return err
}

// baseOf gives the bytes of the state that the branch held when s was read.
func (p *Project) baseOf(s start) ([]byte, error) {
	if s.tip == "" {
		return nil, nil
	}
	_, data, err := p.committedState(s.repo, s.tip)
	return data, err
}

// unlandedNote says that the results of a run are in this folder only.
func (p *Project) unlandedNote(o ApplyOptions) {
	if _, err := os.Stat(p.workFile()); err == nil {
		o.tell(diag.Diagnostic{Severity: diag.Note, Code: diag.StateUnlanded, Summary: fmt.Sprintf("the state is in %s only, and not on %s", p.workFile(), p.Project.StateRef),
			Hint: "the next apply --push here lands it"})
	}
}

// done takes the work file away once it has landed.
func (p *Project) done() error {
	for _, path := range []string{p.workFile(), p.baseFile()} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("take away what has landed: %w", err)
		}
	}
	return nil
}

// idle takes the base away when the run recorded nothing beyond it.
func (p *Project) idle() error {
	if _, err := os.Stat(p.workFile()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return p.done()
}
