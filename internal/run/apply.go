package run

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"dcsync/internal/diag"
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
	Locking     Locking
	Landing     Landing
	Parallelism int
	Settle      time.Duration
	Wait        time.Duration    // how long to wait for what was asked for to be issued
	Clock       func() time.Time // for durations and times of observation
	Sleep       func(context.Context, time.Duration) error
	Drain       <-chan struct{}
	Observer    reconcile.Observer
	Note        func(diag.Diagnostic) // told of what does not stop the run; may be nil
	Step        step.Hook
}

// Applied is what an apply did.
type Applied struct {
	Plan      *reconcile.Plan
	Ledger    *reconcile.Ledger // nil when nothing was begun
	Serial    int
	Requests  int    // sent to the account, from the first look on
	Commit    string // that holds the state, "" when it was not committed
	Branch    string // that holds Commit
	Pushed    bool   // by this run
	Unchanged bool   // Commit held this very state already: nothing was committed or pushed
	Declined  bool   // Confirm said no
}

// Apply takes the lock, builds the plan, asks, carries it out, records it, and lands the state where it is told to. The result is
// returned also with an error, as far as the run came; a *LandError says that the results are in the state file only.
func (p *Project) Apply(ctx context.Context, acct Account, o ApplyOptions) (result *Applied, err error) {
	s, err := p.openRepo()
	if err != nil {
		return nil, err
	}
	if o.Landing.Commit {
		if err := p.mayLand(ctx, &s, o); err != nil {
			return nil, err
		}
	}
	id := strings.ToLower(rand.Text()[:12]) // of this run, in the lock and in the commit
	lock, err := p.lock(ctx, acct, s, o, id)
	if err != nil {
		return nil, err
	}
	defer func() {
		err = errors.Join(err, lock.release(ctx, result != nil && result.Ledger != nil && result.Ledger.Interrupted))
	}()
	if err = p.loadState(ctx, &s, o.Env, false); err != nil {
		return nil, err
	}
	var taken *state.File
	if o.Landing.Push && !p.onBranch() {
		if taken, err = p.takeTip(ctx, &s, o); err != nil {
			return nil, err
		}
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
	b, err := p.build(ctx, acct, s, o.PlanOptions)
	if b != nil && lock.left && seeks(b.plan) && o.Settle > 0 {
		if err := o.Sleep(ctx, o.Settle); err != nil {
			return nil, err
		}
		b, err = p.build(ctx, acct, s, o.PlanOptions)
	}
	if b == nil {
		return nil, err
	}
	result = &Applied{Plan: b.plan, Serial: b.file.Serial}
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
	if p.onBranch() {
		if err := p.begin(b.start, o.Step); err != nil {
			return result, err
		}
		defer func() { err = errors.Join(err, p.idle()) }()
	}
	store := state.NewStore(p.stateStore(), b.file, b.disk, o.Step)
	acct.Guard(lock.guard)
	result.Ledger, err = reconcile.Apply(ctx, b.plan, b.in, acct, store, reconcile.Options{
		Parallelism: o.Parallelism, Settle: o.Settle, Wait: o.Wait, Now: o.Clock, Sleep: o.Sleep, Drain: o.Drain, Observer: o.Observer, Step: o.Step,
		Source: p.sources(b, o.Version)})
	result.Serial, result.Requests = store.Snapshot().Serial, acct.Requests()
	if o.Landing.Commit && result.Serial > 0 {
		err = errors.Join(err, p.land(ctx, landed{b.start, store.Snapshot(), taken, lock.git, id}, o, result))
	} else if p.onBranch() {
		p.unlandedNote(o)
	}
	return result, err
}

// seeks tells whether a plan looks for orders before it orders or ends something: what a run that died a moment ago placed must be to be found by
// then (domain rules, section 1).
func seeks(p *reconcile.Plan) bool {
	for _, c := range p.Changes {
		if c.Action.Orders() || c.Action.Destroys() {
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
	case (saved.Account == nil) != (now.Account == nil) || saved.Account != nil && *saved.Account != *now.Account:
		return "it names another account than the state"
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
