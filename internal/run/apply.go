package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"dcsync/internal/resource"
	"dcsync/internal/step"
	"dcsync/reconcile"
	"dcsync/state"
)

// ApplyOptions say how a plan is carried out.
type ApplyOptions struct {
	PlanOptions
	Saved       *reconcile.Plan                     // a saved plan: apply does this or nothing
	Confirm     func(*reconcile.Plan) (bool, error) // asked once, before the first write; nil: yes
	Lock        string                              // file or none
	Parallelism int
	Settle      time.Duration
	Wait        time.Duration    // how long to wait for what was asked for to be issued
	Clock       func() time.Time // for durations and times of observation
	Sleep       func(context.Context, time.Duration) error
	Drain       <-chan struct{}
	Observer    reconcile.Observer
	Step        step.Hook
}

// Applied is what an apply did.
type Applied struct {
	Plan     *reconcile.Plan
	Ledger   *reconcile.Ledger // nil when nothing was begun
	Serial   int
	Commit   string // of the manifests that were applied, "" when they are not committed
	Declined bool   // Confirm said no
}

// Apply takes the lock, builds the plan, asks, carries it out and records it. The result is returned also with an error, as far as
// the run came.
func (p *Project) Apply(ctx context.Context, acct Account, o ApplyOptions) (result *Applied, err error) {
	var left *state.Owner
	if o.Lock == "file" {
		lock, err := state.TakeLock(filepath.Join(filepath.Dir(p.StateFile), ".dcsync", "lock"), time.Now())
		if err != nil {
			return nil, err
		}
		left = lock.Left
		defer func() {
			// An interrupted run keeps its name in the lock: what it asked for last may not be findable yet.
			if result == nil || result.Ledger == nil || !result.Ledger.Interrupted {
				err = errors.Join(err, lock.Release())
			}
		}()
	}
	if o.Saved != nil {
		o.AsOf, o.Refresh, o.Targets = o.Saved.AsOf, o.Saved.Refresh, o.Saved.Targets
		if o.Refresh == reconcile.RefreshNone {
			return nil, fmt.Errorf("%w: it was made with --refresh none and knows nothing of the account; plan again", ErrStale)
		}
	}
	if o.AsOf.After(o.Now) {
		return nil, fmt.Errorf("%w: it is for %s, which has not come yet", ErrStale, o.AsOf.Format(time.RFC3339))
	}
	b, err := p.build(ctx, acct, o.PlanOptions)
	if b != nil && left != nil && creates(b.plan) && o.Settle > 0 {
		if err := o.Sleep(ctx, o.Settle); err != nil {
			return nil, err
		}
		b, err = p.build(ctx, acct, o.PlanOptions)
	}
	if b == nil {
		return nil, err
	}
	result = &Applied{Plan: b.plan, Serial: b.file.Serial, Commit: b.plan.Commit}
	if o.Saved != nil {
		if stale := fits(o.Saved, b.plan); stale != "" {
			return result, fmt.Errorf("%w: %s", ErrStale, stale)
		}
	}
	if err != nil {
		return result, err
	}
	if err := mayWrite(b.plan, b.who); err != nil {
		return result, err
	}
	if works(b.plan) && o.Confirm != nil {
		yes, err := o.Confirm(b.plan)
		if err != nil || !yes {
			result.Declined = !yes
			return result, err
		}
	}
	store := state.NewStore(p.StateFile, b.file, b.disk, o.Step)
	result.Ledger, err = reconcile.Apply(ctx, b.plan, b.in, acct, store, reconcile.Options{
		Parallelism: o.Parallelism, Settle: o.Settle, Wait: o.Wait, Now: o.Clock, Sleep: o.Sleep, Drain: o.Drain, Observer: o.Observer, Step: o.Step,
		Source: p.sources(b, o.Version)})
	result.Serial = store.Snapshot().Serial
	return result, err
}

func creates(p *reconcile.Plan) bool {
	for _, c := range p.Changes {
		if c.Action.Orders() {
			return true
		}
	}
	return false
}

func works(p *reconcile.Plan) bool {
	for _, c := range p.Changes {
		if c.Action.Works() {
			return true
		}
	}
	return false
}

// fits says in what a saved plan differs from what would be done now, "" when it does not (architecture, section 8).
func fits(saved, now *reconcile.Plan) string {
	switch {
	case reconcile.DigestOf(saved.Changes) != saved.Digest:
		return "the plan file was edited"
	case saved.Inputs != now.Inputs:
		return "the project's files changed since"
	case (saved.State == nil) != (now.State == nil) || saved.State != nil && *saved.State != *now.State:
		return "the state changed since"
	case saved.Target == nil || *saved.Target != *now.Target:
		return "it was made for another account or address"
	case saved.Digest != now.Digest:
		return "the account changed since, so other changes are due"
	}
	return ""
}

// sources gives what is recorded of the manifests: the commit only when the head commit holds the file as it was applied.
func (p *Project) sources(b *built, version string) func(*resource.Object) state.Source {
	committed := map[string]string{}
	for _, o := range p.Set.Objects {
		file := o.Source.File
		if _, seen := committed[file]; seen || b.repo == nil {
			continue
		}
		path := filepath.Join(p.Root, filepath.FromSlash(file))
		committed[file] = ""
		if data, err := os.ReadFile(path); err == nil && b.repo.Holds(path, data) {
			committed[file] = b.repo.Head()
		}
	}
	return func(o *resource.Object) state.Source {
		return state.Source{Path: o.Source.File, Document: o.Source.Digest, Desired: reconcile.DesiredDigest(o), Commit: committed[o.Source.File], Version: version}
	}
}
