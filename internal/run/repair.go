package run

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"dcsync/internal/gitrepo"
	"dcsync/internal/resource"
	"dcsync/internal/step"
	"dcsync/state"
)

// Repair says where the state is that is looked at or repaired.
type Repair struct {
	Env  func(string) string // what git's credentials and configuration are looked up in
	Step step.Hook
}

// State gives the project's state, empty when there is none yet.
func (p *Project) State(ctx context.Context, env func(string) string) (*state.File, error) {
	s, err := p.openRepo()
	if err == nil {
		err = p.loadState(ctx, &s, env, false)
	}
	return s.file, err
}

// MoveState lets the object of one address go on under another one of its kind, of which nothing is recorded. Its orders keep their
// key, so nothing is ordered again.
func (p *Project) MoveState(ctx context.Context, from, to resource.Address, r Repair) error {
	return p.repair(ctx, r, fmt.Sprintf("dcsync: %s is %s now", from, to), func(f *state.File) error {
		switch {
		case f.Objects[from] == nil:
			return noEntry(from)
		case from.Kind != to.Kind:
			return &Refused{Code: "other_kind", Message: fmt.Sprintf("%s cannot become %s: the kinds differ", from, to)}
		case f.Objects[to] != nil:
			return &Refused{Code: "taken", Message: fmt.Sprintf("the state has %s already", to), Hint: "remove that entry first, or choose another name"}
		}
		f.Objects[to] = f.Objects[from]
		delete(f.Objects, from)
		for _, e := range f.Objects {
			if i := slices.Index(e.DependsOn, from); i >= 0 {
				e.DependsOn[i] = to
			}
		}
		return nil
	})
}

// RemoveState forgets an address; what it stands for stays in the account, and its compromised keys stay refused. A protected one is refused.
func (p *Project) RemoveState(ctx context.Context, a resource.Address, r Repair) error {
	return p.repair(ctx, r, fmt.Sprintf("dcsync: %s is no longer managed", a), func(f *state.File) error {
		e := f.Objects[a]
		if e == nil {
			return noEntry(a)
		}
		if e.Applied.Protect {
			return &Refused{Code: "protected", Message: fmt.Sprintf("%s is protected", a), Hint: "take lifecycle.protect out of its manifest and apply first"}
		}
		f.Forget(a)
		return nil
	})
}

func noEntry(a resource.Address) error {
	return &Refused{Code: "not_in_state", Message: fmt.Sprintf("the state has no %s", a), Hint: "see `dcsync state list`"}
}

// repair changes the state under the file lock: in the file, or with spec.state.ref by a commit on its branch, together with what of this
// folder has not landed yet.
func (p *Project) repair(ctx context.Context, r Repair, message string, edit func(*state.File) error) (err error) {
	s, err := p.openRepo()
	if err != nil {
		return err
	}
	lock, err := state.TakeLock(filepath.Join(filepath.Dir(p.StateFile), ".dcsync", "lock"), time.Now())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	if err := p.loadState(ctx, &s, r.Env, false); err != nil {
		return err
	}
	f := s.file.Clone()
	if err := edit(f); err != nil {
		return err
	}
	if !p.onBranch() {
		return state.NewStore(p.StateFile, s.file, s.disk, r.Step).Update(ctx, func(f *state.File) { _ = edit(f) })
	}
	f.Serial++
	return p.landRepair(ctx, &s, f, message, r)
}

// landRepair commits a repaired state to its branch.
func (p *Project) landRepair(ctx context.Context, s *start, f *state.File, message string, r Repair) error {
	name, err := s.repo.Path(p.StateFile)
	if err != nil {
		return err
	}
	content, err := state.Encode(f)
	if err != nil {
		return err
	}
	l, err := p.landing(s, ApplyOptions{PlanOptions: PlanOptions{Env: r.Env}, Landing: Landing{Commit: true, Push: true}, Step: r.Step})
	if err != nil {
		return err
	}
	l.Message = message
	l.Files = []gitrepo.File{{Path: name, Content: content, Merge: merging(name, nil)}}
	if _, err := s.repo.Land(ctx, l); err != nil {
		return explain(fmt.Errorf("land the state: %w", err))
	}
	return p.done()
}
