package run

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"dcsync/internal/diag"
	"dcsync/internal/gitrepo"
	"dcsync/internal/resource"
	"dcsync/state"
)

// Landing says whether the state is committed after an apply, and pushed. Push implies Commit.
type Landing struct{ Commit, Push bool }

// GitError is a git repository or remote that did not do what it was asked for. Hint names the next step, "" for none.
type GitError struct {
	Hint string
	Err  error
}

// Error gives the message of what went wrong.
func (e *GitError) Error() string { return e.Err.Error() }

// Unwrap gives what went wrong.
func (e *GitError) Unwrap() error { return e.Err }

// explain makes of an error of git what its reader can act on: a *Refused where the repository does not allow what was asked for, else
// a *GitError.
func explain(err error) error {
	refusal := func(code string) error { return &Refused{Code: code, Message: err.Error(), Hint: hintOf(err)} }
	switch {
	case err == nil:
		return nil
	case errors.Is(err, gitrepo.ErrUnsupported):
		return refusal("git_unsupported")
	case errors.Is(err, gitrepo.ErrNone):
		return refusal("no_git")
	case errors.Is(err, gitrepo.ErrNoRemote):
		return refusal("no_remote")
	case errors.Is(err, gitrepo.ErrNoBranch):
		return refusal("no_branch")
	case errors.Is(err, gitrepo.ErrUnpushed):
		return refusal("unpushed")
	}
	return &GitError{Hint: hintOf(err), Err: err}
}

// hintOf names the next step after an error of git, "" when there is none to name.
func hintOf(err error) string {
	var rejected *gitrepo.RejectedError
	var unsupported *gitrepo.UnsupportedError
	switch {
	case errors.As(err, &rejected):
		return rejected.Hint
	case errors.As(err, &unsupported):
		return cmp.Or(unsupported.Hint, "clone the repository anew without it")
	case errors.Is(err, gitrepo.ErrNone):
		return "work in a clone of the project's repository"
	case errors.Is(err, gitrepo.ErrNoRemote):
		return "name the remote in spec.git.remote"
	case errors.Is(err, gitrepo.ErrNoBranch):
		return "check the branch out and push it, or name it in spec.git.branch"
	case errors.Is(err, gitrepo.ErrUnpushed):
		return "push it, so that the state does not land before its manifests"
	case errors.Is(err, gitrepo.ErrAuth):
		return "give a token that may push in DCSYNC_GIT_TOKEN"
	case errors.Is(err, gitrepo.ErrNoAtomic):
		return "use --lock file; runs on other machines are not excluded then"
	case errors.Is(err, gitrepo.ErrMissingObject):
		return "this clone lacks a part of the history or of its files: git fetch --unshallow, or git fetch --refetch --no-filter, brings it"
	case errors.Is(err, gitrepo.ErrClock):
		return "set the clock of this machine"
	}
	return ""
}

// mayLand refuses, before anything is written, a run whose state could not be committed: intent that is not in git has no author, and
// a state that cannot land is lost with the machine.
func (p *Project) mayLand(ctx context.Context, s *start, o ApplyOptions) error {
	switch {
	case p.onBranch() && !o.Landing.Push:
		return &Refused{Code: "needs_push", Message: fmt.Sprintf("the state is on the remote's branch %s, which --commit alone does not reach", p.Project.StateRef), Hint: "use --push"}
	case s.odd != nil:
		return explain(s.odd)
	case s.repo == nil:
		return explain(fmt.Errorf("commit the state: %w", gitrepo.ErrNone))
	}
	if err := p.loadState(ctx, s, o.Env, false); err != nil {
		return err
	}
	file, err := p.uncommitted(s)
	if err != nil {
		return err
	}
	if file != "" {
		return &Refused{Code: "uncommitted", Message: file + " is not committed as it is", Hint: "commit it first: what is applied must be in the history"}
	}
	if _, err := s.repo.Path(p.StateFile); err != nil {
		return outside(err)
	}
	l, err := p.landing(s, o)
	if err != nil {
		return err
	}
	if err := s.repo.Check(ctx, l); err != nil || !p.onBranch() {
		return explain(err)
	}
	branch := cmp.Or(p.Project.Git.Branch, s.repo.Branch())
	if branch == "" {
		return nil // a checkout without a branch, which need not be named to reach the state
	}
	_, err = s.repo.Pushed(ctx, l.Push.Remote, branch, l.Push.Access)
	return explain(err)
}

// outside refuses a state file that is not in the repository.
func outside(err error) error {
	return &Refused{Code: "state_outside", Message: err.Error(), Hint: "keep the state file in the repository"}
}

// uncommitted gives a file of the project that the checked out commit has not, or has otherwise; "" for none. A manifest that was
// removed counts as long as the commit has it.
func (p *Project) uncommitted(s *start) (string, error) {
	repo := s.repo
	for _, name := range p.Sources {
		file, err := filepath.EvalSymlinks(filepath.Join(p.Root, filepath.FromSlash(name)))
		if err != nil {
			return name, nil //nolint:nilerr // it was there a moment ago
		}
		if data, err := os.ReadFile(file); err != nil || !repo.Holds(file, data) {
			return name, nil
		}
	}
	top, err := repo.Path(filepath.Join(p.Root, "dcsync.yaml"))
	if err != nil {
		return "", err
	}
	for _, a := range s.file.Addresses() {
		name := s.file.Objects[a].Source.Path
		if _, err := os.Stat(filepath.Join(p.Root, filepath.FromSlash(name))); name == "" || !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		_, err := repo.Read("", path.Join(path.Dir(top), name))
		if err == nil || errors.Is(err, gitrepo.ErrMissingObject) {
			return "the removal of " + name, nil
		}
		if !errors.Is(err, gitrepo.ErrNoFile) {
			return "", err
		}
	}
	return "", nil
}

// landing gives what is common to the check before a run and the landing after it.
func (p *Project) landing(s *start, o ApplyOptions) (gitrepo.Landing, error) {
	access := gitrepo.AccessFrom(o.Env)
	who, err := p.identity(s.repo, access)
	if err != nil {
		return gitrepo.Landing{}, err
	}
	l := gitrepo.Landing{Branch: p.Project.Git.Branch, Author: who, Committer: who, Trailers: provenance(o.Env), Step: o.Step}
	if p.onBranch() {
		l.Branch, l.Apart, l.Base = p.Project.StateRef, true, s.tip
	}
	if o.Landing.Push {
		l.Push = &gitrepo.Push{Remote: p.Project.Git.Remote, Access: access}
	}
	l.Signer, err = p.signer(o.Env)
	return l, err
}

// identity gives who commits: the project's identity, else git's own, else dcsync.
func (p *Project) identity(repo *gitrepo.Repo, access gitrepo.Access) (gitrepo.Identity, error) {
	user, err := repo.User(access)
	return gitrepo.Identity{
		Name:  cmp.Or(p.Project.Git.Name, user.Name, "dcsync"),
		Email: cmp.Or(p.Project.Git.Email, user.Email, "dcsync@example.com"),
	}, err
}

// message gives the message of a state commit and its trailers. Changes are those that were carried out.
func message(a *Applied, id string) (string, []gitrepo.Trailer) {
	n := a.Ledger.Count(resource.Done) + a.Ledger.Count(resource.Waiting)
	subject := fmt.Sprintf("dcsync: record %d changes", n)
	switch n {
	case 0:
		subject = "dcsync: record what was observed"
	case 1:
		subject = "dcsync: record 1 change"
	}
	return subject, []gitrepo.Trailer{{Key: "Dcsync-Plan", Value: a.Plan.Digest}, {Key: "Dcsync-Run", Value: id}, {Key: "Dcsync-Changes", Value: strconv.Itoa(n)}}
}

// landed is what a run lands.
type landed struct {
	start start // what the run went on from
	file  *state.File
	taken *state.File   // what takeTip gave
	lock  *gitrepo.Held // nil for none
	run   string
}

// land commits the state of a run, and brings the state file to what the branch then holds.
func (p *Project) land(ctx context.Context, what landed, o ApplyOptions, result *Applied) error {
	name, err := what.start.repo.Path(p.StateFile)
	if err != nil {
		return err
	}
	l, err := p.landing(&what.start, o)
	if err != nil {
		return err
	}
	subject, trailers := message(result, what.run)
	l.Message, l.Trailers = subject, append(trailers, l.Trailers...)
	if l.Push != nil {
		l.Push.Lock = what.lock
	}
	content, err := state.Encode(what.file)
	if err != nil {
		return err
	}
	l.Files = []gitrepo.File{{Path: name, Content: content, Merge: merging(name, what.taken)}}
	done, err := what.start.repo.Land(ctx, l)
	if done != nil {
		result.Commit, result.Branch, result.Unchanged = done.Commit, strings.TrimPrefix(done.Ref, "refs/heads/"), done.Nothing
		result.Pushed = l.Push != nil && !done.Nothing
		err = errors.Join(err, p.keep(done.Files[name], done.Checkout[name], l, result))
		if !l.Apart && !bytes.Equal(done.Checkout[name], done.Files[name]) {
			o.tell(p.stayed(what.start.repo.Branch(), result.Branch))
		}
	}
	if err == nil {
		return nil
	}
	hint := cmp.Or(hintOf(err), "the results are in the state file; commit and push it, or run apply again")
	var both *gitrepo.ConflictError
	var rejected *gitrepo.RejectedError
	switch {
	case p.onBranch():
		hint = fmt.Sprintf("the results are in %s; apply --push in this folder lands them", p.workFile())
		if errors.As(err, &rejected) {
			hint = "let this identity push to the branch; " + hint
		} else if more := hintOf(err); more != "" {
			hint = more + "; " + hint
		}
	case errors.As(err, &both):
		hint = keptHint
	}
	return &GitError{Hint: hint, Err: fmt.Errorf("land the state: %w", err)}
}

// stayed says why the checkout did not follow to what landed on a branch, and what brings it there. here is the branch that is checked out: one
// of another name is the user's own, and never moves.
func (p *Project) stayed(here, landed string) diag.Diagnostic {
	d := diag.Diagnostic{Severity: diag.Note, Code: diag.StateElsewhere, Summary: "the branch has commits that this checkout lacks; the state landed on top of them"}
	pull := "git pull"
	if here != "" && here != landed {
		d.Summary = fmt.Sprintf("the state is on %s; %s, which is checked out, stays where it is", landed, here)
		pull = fmt.Sprintf("git pull %s %s", p.Project.Git.Remote, landed)
	}
	d.Hint = pull + " before the next plan: the state file here is that of the commit checked out"
	return d
}

// keep writes the state as it landed, which may hold more than this run's results, or, where HEAD stayed behind, as HEAD's commit has
// it: nil for no file. What landed is on the branch, and a checkout that differs from its commit is one that git does not pull into.
func (p *Project) keep(landed, checkout []byte, l gitrepo.Landing, result *Applied) error {
	f, err := state.Decode(p.StateFile, landed)
	if err != nil {
		return err
	}
	result.Serial = f.Serial
	if p.onBranch() {
		return p.done()
	}
	disk, err := os.ReadFile(p.StateFile)
	switch gone := errors.Is(err, fs.ErrNotExist); {
	case err != nil && !gone:
		return fmt.Errorf("read state: %w", err)
	case gone && checkout == nil, err == nil && checkout != nil && bytes.Equal(disk, checkout):
		return nil
	case checkout == nil:
		if err := os.Remove(p.StateFile); err != nil {
			return fmt.Errorf("put the state file back: %w", err)
		}
		return nil
	}
	return state.Write(p.StateFile, checkout, l.Step)
}
