package run

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"dcsync/internal/diag"
	"dcsync/internal/gitrepo"
	"dcsync/internal/resource"
	"dcsync/state"
)

// State on a branch of its own (spec.state.ref). What counts is the branch on the remote: every run reads it there, and lands there. What
// this folder has beyond it is in the work file.

// onBranch tells whether the state is on a branch of its own.
func (p *Project) onBranch() bool { return p.Project.StateRef != "" }

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
	s.tip, s.unlanded, s.later, s.findings = "", false, nil, nil
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
	s.file, s.disk, err = p.stateAt(s.repo, tip)
	if errors.Is(err, gitrepo.ErrMissingObject) && !offline {
		if err = s.repo.FetchWhole(ctx, p.Project.Git.Remote, p.Project.StateRef, gitrepo.AccessFrom(env)); err == nil {
			s.file, s.disk, err = p.stateAt(s.repo, tip)
		}
	}
	if err != nil {
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
	full := branch
	if !strings.HasPrefix(branch, "refs/") {
		full = "refs/heads/" + branch
	}
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
			s.findings.Add(diag.Diagnostic{Severity: diag.Warning, Code: diag.StateUnseen, Summary: fmt.Sprintf("this clone has not seen the state's branch %s, so what was applied is not known", branch),
				Hint: fmt.Sprintf("git fetch %s %s:%s", remote, branch, track)})
		}
		return seen, nil
	}
	tip, err := s.repo.Fetch(ctx, remote, branch, gitrepo.AccessFrom(env))
	if err == nil && tip == "" && seen != "" {
		return "", &Refused{Code: "state_branch_gone", Message: fmt.Sprintf("the branch %s with the state is gone from %s; this clone saw it last at %s", branch, remote, seen[:12]),
			Hint: fmt.Sprintf("put it back with git push %s %s:%s, or, to begin it anew, git update-ref -d %s", remote, track, full, track)}
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
