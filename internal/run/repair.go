package run

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"dcsync/internal/resource"
	"dcsync/internal/step"
	"dcsync/state"
)

// State gives the project's state, empty when there is none yet.
func (p *Project) State() (*state.File, error) {
	f, _, err := p.readState()
	return f, err
}

// MoveState lets the object of one address go on under another one of its kind, of which nothing is recorded. Its orders keep their
// key, so nothing is ordered again.
func (p *Project) MoveState(ctx context.Context, from, to resource.Address, hook step.Hook) error {
	return p.repair(ctx, hook, func(f *state.File) error {
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

// RemoveState forgets an address; what it stands for stays in the account. A protected one is refused.
func (p *Project) RemoveState(ctx context.Context, a resource.Address, hook step.Hook) error {
	return p.repair(ctx, hook, func(f *state.File) error {
		e := f.Objects[a]
		if e == nil {
			return noEntry(a)
		}
		if e.Applied.Protect {
			return &Refused{Code: "protected", Message: fmt.Sprintf("%s is protected", a), Hint: "take lifecycle.protect out of its manifest and apply first"}
		}
		delete(f.Objects, a)
		return nil
	})
}

func noEntry(a resource.Address) error {
	return &Refused{Code: "not_in_state", Message: fmt.Sprintf("the state has no %s", a), Hint: "see `dcsync state list`"}
}

// repair changes the state file under the file lock.
func (p *Project) repair(ctx context.Context, hook step.Hook, edit func(*state.File) error) (err error) {
	lock, err := state.TakeLock(filepath.Join(filepath.Dir(p.StateFile), ".dcsync", "lock"), time.Now())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	f, disk, err := p.readState()
	if err != nil {
		return err
	}
	if err := edit(f.Clone()); err != nil {
		return err
	}
	return state.NewStore(p.StateFile, f, disk, hook).Update(ctx, func(f *state.File) { _ = edit(f) })
}
