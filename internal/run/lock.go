package run

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"dcsync/internal/diag"
	"dcsync/internal/gitrepo"
	"dcsync/state"
)

// Locking says how other runs are kept out.
type Locking struct {
	Mode     string        // auto, git, file or none
	Patience time.Duration // how long to wait for a lock that another run holds
	Owner    string        // who runs, for people to read
	Request  time.Duration // the longest that one request to the account takes
}

// locks are what one run holds: the file lock against runs in the same folder, and the lock on the git remote against all others.
type locks struct {
	file    *state.Lock     // nil for none
	git     *gitrepo.Held   // nil for none
	left    bool            // a run that died had one of them: what it asked for last may not be findable yet
	request time.Duration   // what guard wants the lease to last
	stop    func()          // ends the heartbeat
	beating <-chan struct{} // closed when it has ended
}

// releaseTime bounds how long a release may take. It goes on after the run's own context has ended.
const releaseTime = 30 * time.Second

// lock takes the locks of a mode. An error that is state.ErrLocked says that another run has one. Mode auto does without git where
// the remote cannot be pushed to, and says so.
func (p *Project) lock(ctx context.Context, acct Account, s start, o ApplyOptions, id string) (*locks, error) {
	l := &locks{request: o.Locking.Request}
	if o.Locking.Mode == "none" {
		o.tell(diag.Diagnostic{Severity: diag.Note, Code: diag.NoRemoteLock, Summary: "no other run is excluded while this one works"})
		return l, nil
	}
	deadline := time.Now().Add(o.Locking.Patience)
	var err error
	if l.file, err = p.lockFile(ctx, o, deadline); err != nil {
		return nil, err
	}
	l.left = l.file.Left != nil
	if o.Locking.Mode == "file" {
		o.tell(otherMachines("", ""))
		return l, nil
	}
	remote, err := p.remoteLock(s, o.Env, o.Locking.Owner, id)
	if err == nil {
		remote.Step = o.Step
		l.git, err = remote.Acquire(ctx, max(0, time.Until(deadline)), func(ctx context.Context) (time.Time, error) {
			date, err := acct.Date(ctx)
			if err == nil && date.IsZero() {
				err = errors.New("the API does not tell the time")
			}
			return date, err
		})
	}
	switch {
	case err == nil:
		l.left = l.left || l.git.Left != nil
		l.beat(ctx)
		return l, nil
	case errors.Is(err, gitrepo.ErrLocked):
		err = fmt.Errorf("%w: %w", state.ErrLocked, err)
	case o.Locking.Mode == "auto" && ctx.Err() == nil && !errors.Is(err, gitrepo.ErrClock):
		reason := err.Error()
		var none noRemote
		if errors.As(err, &none) {
			reason = ""
		}
		o.tell(otherMachines(reason, hintOf(err)))
		return l, nil
	default:
		err = explain(err)
	}
	return nil, errors.Join(err, l.file.Release())
}

func (p *Project) lockFile(ctx context.Context, o ApplyOptions, deadline time.Time) (*state.Lock, error) {
	const pause = 200 * time.Millisecond
	for {
		l, err := state.TakeLock(filepath.Join(filepath.Dir(p.StateFile), ".dcsync", "lock"), time.Now())
		if !errors.Is(err, state.ErrLocked) || time.Until(deadline) <= 0 {
			return l, err
		}
		if err := o.Sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// noRemote says that there is no remote a lock could be on: mode auto does without one and need not say why.
type noRemote struct{ error }

func (e noRemote) Unwrap() error { return e.error }

// remoteLock prepares the lock on the project's remote.
func (p *Project) remoteLock(s start, env func(string) string, owner, id string) (*gitrepo.Lock, error) {
	if s.odd != nil {
		return nil, s.odd
	}
	if s.repo == nil {
		return nil, noRemote{gitrepo.ErrNone}
	}
	access := gitrepo.AccessFrom(env)
	who, err := p.identity(s.repo, access)
	if err != nil {
		return nil, err
	}
	l, err := s.repo.Lock(gitrepo.LockOptions{Remote: p.Project.Git.Remote, Access: access, Ref: p.Project.Lock.Ref, Owner: owner, Run: id,
		Lease: p.Project.Lock.Lease, Identity: who})
	if errors.Is(err, gitrepo.ErrNoRemote) {
		err = noRemote{err}
	}
	return l, err
}

// otherMachines is what a run says that only has a lock in its own folder. reason is why the remote has none, "" when none was asked
// for.
func otherMachines(reason, hint string) diag.Diagnostic {
	summary := "runs on other machines are not excluded while this one works"
	if reason != "" {
		summary += ", since the lock on the git remote cannot be had: " + reason
	}
	return diag.Diagnostic{Severity: diag.Note, Code: diag.NoRemoteLock, Summary: summary, Hint: hint}
}

// beat renews the git lock until release.
func (l *locks) beat(ctx context.Context) {
	ctx, l.stop = context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	l.beating = ended
	go func() {
		defer close(ended)
		_ = l.git.Keep(ctx) // a lock that was lost shows in guard
	}()
}

// guard tells why nothing may be asked of the account any more, nil as long as the lock surely outlasts one request.
func (l *locks) guard() error {
	if l.git == nil {
		return nil
	}
	return l.git.Check(l.request)
}

// release frees the locks. An interrupted run leaves its name in the file, and one that was cut off while it worked leaves the remote's
// lock too: what it asked for last may not be findable yet, and the next run must wait for it.
func (l *locks) release(ctx context.Context, interrupted bool) error {
	var err error
	if l.git != nil {
		l.stop()
		<-l.beating
		if !interrupted || ctx.Err() == nil {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
			defer cancel()
			if err = l.git.Release(ctx); errors.Is(err, gitrepo.ErrLockLost) {
				err = nil // there is nothing left to free
			}
		}
	}
	if l.file != nil && !interrupted {
		err = errors.Join(err, l.file.Release())
	}
	return err
}

// Holder says who has the lock on the remote.
type Holder struct {
	gitrepo.Holder
	Ended bool // the lease is over, and the next run may take the lock
}

// LockHolder gives the name of the remote's lock and who has it, nil when nobody does.
func (p *Project) LockHolder(ctx context.Context, env func(string) string) (ref string, h *Holder, err error) {
	l, err := p.openLock(env)
	if err != nil {
		return "", nil, err
	}
	found, err := l.Show(ctx)
	if err != nil || found == nil {
		return l.Ref, nil, err
	}
	return l.Ref, &Holder{*found, !found.Until.IsZero() && time.Now().After(found.Until)}, nil
}

// BreakLock takes the lock on the remote from exactly this holder. When somebody else has it by now, the lock stays and it fails.
func (p *Project) BreakLock(ctx context.Context, env func(string) string, from *Holder) error {
	l, err := p.openLock(env)
	if err != nil {
		return err
	}
	return l.Break(ctx, from.Holder)
}

func (p *Project) openLock(env func(string) string) (*gitrepo.Lock, error) {
	s, err := p.openRepo()
	if err != nil {
		return nil, err
	}
	l, err := p.remoteLock(s, env, "", "")
	return l, explain(err)
}

func (o ApplyOptions) tell(d diag.Diagnostic) {
	if o.Note != nil {
		o.Note(d)
	}
}
