package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"dcsync/internal/resource"
	"dcsync/internal/step"
	"dcsync/state"
)

// Points lists the places of an apply at which a crash must lose nothing.
func Points() []step.Point {
	return []step.Point{BeforeCreate, AfterCreate, AfterRecord, BeforeChange, AfterChange}
}

// The places, in the order in which one object passes them.
const (
	BeforeCreate step.Point = "reconcile.before_create" // looked up, not yet asked for
	AfterCreate  step.Point = "reconcile.after_create"  // the API has it, state does not
	AfterRecord  step.Point = "reconcile.after_record"  // state has it
	BeforeChange step.Point = "reconcile.before_change" // before one in-place call
	AfterChange  step.Point = "reconcile.after_change"  // the API has the change, state does not
)

// Options say how a plan is carried out.
type Options struct {
	Parallelism int           // changes in flight, at least 1
	Settle      time.Duration // how long a new order may not be findable
	Wait        time.Duration // how long to wait at the end for what was asked for to be issued
	Now         func() time.Time
	Sleep       func(context.Context, time.Duration) error
	Drain       <-chan struct{} // closed: begin nothing new, finish what is in flight
	Observer    Observer        // may be nil
	Step        step.Hook
	// Source gives what is recorded of the manifest an object was applied from.
	Source func(*resource.Object) state.Source
}

// Apply carries a plan out. in is the input the plan was built from. Each success is durable in the store before anything that
// depends on it begins and before it is reported. A failure skips what depends on it and nothing else. The error is for what
// concerns the run itself (the state cannot be written, the closing listing failed); failed changes are in the ledger only.
func Apply(ctx context.Context, p *Plan, in Input, remote Remote, store Store, opts Options) (*Ledger, error) {
	r := &runner{in: in, remote: remote, store: store, opts: opts, results: map[*Change]*Result{}, done: map[*Change]chan struct{}{}}
	r.changes = schedule(p, in)
	in.Live.index()
	err := r.begin(ctx)
	r.run(ctx)
	ledger := &Ledger{Interrupted: r.stopping() || ctx.Err() != nil}
	if err == nil {
		err = r.fatal
	}
	if err == nil && !ledger.Interrupted && r.opts.Wait > 0 {
		r.wait(ctx)
		ledger.Interrupted = ctx.Err() != nil
	}
	if err == nil && !ledger.Interrupted {
		err = r.close(ctx, p)
		ledger.Interrupted = r.stopping()
	}
	for _, c := range p.Changes {
		if res := r.results[c]; res != nil {
			ledger.Results = append(ledger.Results, *res)
		}
	}
	return ledger, err
}

// runner carries out the changes of one plan.
type runner struct {
	in      Input
	remote  Remote
	store   Store
	opts    Options
	changes []*Change
	done    map[*Change]chan struct{}

	mu      sync.Mutex
	results map[*Change]*Result
	ended   int
	fatal   error // the state could not be written: nothing more is begun
	denied  error // the key may not write: nothing more is begun
}

// begin records who applies before the first write: when the run dies, the next one must know whose orders it may not see.
func (r *runner) begin(ctx context.Context) error {
	if r.stopping() || !slices.ContainsFunc(r.changes, func(c *Change) bool { return c.Action.Works() }) {
		return nil
	}
	return r.record(ctx, r.sign)
}

// sign writes down which account the state belongs to, and whose key this run uses. A user who sees something else takes the place of
// the one before only when that was accepted: until then none of its creates was allowed either.
func (r *runner) sign(f *state.File) {
	user := r.in.Live.User
	if was := f.Account; was != nil && !r.in.Settings.AcceptKeyChange && (was.User.ID != user.ID || !slices.Equal(was.User.Sees, user.Sees)) {
		user = was.User
	}
	f.Account = &state.Account{ID: r.in.Live.ID, APIURL: r.in.Live.APIURL, ContainerID: r.in.Live.ContainerID, User: user}
}

// schedule gives the changes that need a result, each after all it depends on.
func schedule(p *Plan, in Input) []*Change {
	rank := map[resource.Address]int{}
	for i, o := range ordered(in.Set) {
		rank[o.Address] = i + 1
	}
	var out []*Change
	for _, c := range p.Changes {
		if c.Action.Works() || c.Action == resource.Blocked && c.Trigger != resource.ByDrift {
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(x, y *Change) int { return rank[x.Address] - rank[y.Address] })
	return out
}

// run starts every change in order as soon as a place is free and what it depends on has ended. Because the order is that of the
// dependencies, a change that waits never holds up one it waits for.
func (r *runner) run(ctx context.Context) {
	for _, c := range r.changes {
		r.done[c] = make(chan struct{})
	}
	places := make(chan struct{}, max(1, r.opts.Parallelism))
	var wg sync.WaitGroup
	for _, c := range r.changes {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			defer close(r.done[c])
			r.finish(c, r.carryOut(ctx, c))
		})
	}
	wg.Wait()
}

func (r *runner) carryOut(ctx context.Context, c *Change) *Result {
	if c.Action == resource.Blocked && !c.over {
		return &Result{Address: c.Address, Action: c.Action, Outcome: resource.OutcomeOfBlocked, ID: c.ID, Err: &Problem{Message: c.Reason}}
	}
	r.before(c)
	for _, dep := range r.changes {
		if slices.Contains(c.DependsOn, dep.Address) && dep.Action.Works() {
			<-r.done[dep]
			r.mu.Lock()
			res := r.results[dep]
			r.mu.Unlock()
			if !c.Action.Ends() && (res.Outcome == resource.Failed || res.Outcome == resource.Skipped || res.Outcome == resource.OutcomeOfBlocked) {
				return skipped(c, fmt.Sprintf("it refers to %s, which was not carried out", dep.Address))
			}
		}
	}
	r.mu.Lock()
	fatal, denied := r.fatal, r.denied
	r.mu.Unlock()
	switch {
	case fatal != nil:
		return skipped(c, "the state cannot be written: "+fatal.Error())
	case denied != nil:
		return skipped(c, "the key may not write: "+denied.Error())
	case r.stopping() || ctx.Err() != nil:
		return skipped(c, "interrupted before it began")
	}
	if r.opts.Observer != nil {
		r.mu.Lock()
		r.opts.Observer.Observe(Event{Change: c, Done: r.ended, Total: len(r.changes)})
		r.mu.Unlock()
	}
	begin := r.opts.Now()
	t := &task{runner: r, change: c, nonce: c.nonce, sequence: c.Sequence, origin: c.origin, result: &Result{Address: c.Address, Action: c.Action, Outcome: resource.Done, ID: c.ID}}
	err := t.do(ctx)
	t.result.Duration = r.opts.Now().Sub(begin)
	if err != nil {
		t.fail(err)
	}
	return t.result
}

// before waits for the earlier changes of the same object: its calls come one after the other.
func (r *runner) before(c *Change) {
	for _, other := range r.changes {
		if other == c {
			return
		}
		if other.Address == c.Address {
			<-r.done[other]
		}
	}
}

func (r *runner) finish(c *Change, res *Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.results[c] = res
	r.ended++
	if r.opts.Observer != nil {
		r.opts.Observer.Observe(Event{Change: c, Result: res, Done: r.ended, Total: len(r.changes)})
	}
}

func skipped(c *Change, why string) *Result {
	return &Result{Address: c.Address, Action: c.Action, Outcome: resource.Skipped, ID: c.ID, Err: &Problem{Message: why}}
}

func (r *runner) stopping() bool {
	select {
	case <-r.opts.Drain:
		return true
	default:
		return false
	}
}

// record makes a mutation durable. When the state cannot be written, the run begins nothing more.
func (r *runner) record(ctx context.Context, mutate func(*state.File)) error {
	err := r.store.Update(context.WithoutCancel(ctx), mutate)
	if err != nil {
		r.mu.Lock()
		r.fatal = err
		r.mu.Unlock()
	}
	return err
}

// task is one change on its way.
type task struct {
	*runner
	change *Change
	result *Result
	last   int // requests of the last call

	nonce    string // of the order that the change stands for in the end: a look-up may find that others followed
	sequence int
	origin   string // the name that order was placed under, "" where the object itself tells
}

// errBlocked marks a change that turned out, at the last look, to be one that must not be made.
var errBlocked = errors.New("blocked")

// errDrained says that the run was told to stop between two calls of one change.
var errDrained = errors.New("interrupted; the rest is done by the next apply")

// missingPermission is the API's word for a key or user that may not do a thing. It ends the writes of the run: every further one
// would be refused too (domain rules, section 7).
const missingPermission = "access_denied|missing_permission"

func (t *task) fail(err error) {
	var p *Problem
	if !errors.As(err, &p) {
		p = &Problem{Message: err.Error()}
		var api interface {
			Problem() (code, hint string, status int)
		}
		if errors.As(err, &api) {
			p.Code, p.Hint, p.Status = api.Problem()
		}
	}
	if p.Code == missingPermission {
		t.mu.Lock()
		t.denied = p
		t.mu.Unlock()
	}
	t.result.Err = p
	switch {
	case errors.Is(err, errBlocked):
		t.result.Outcome = resource.OutcomeOfBlocked
	case errors.Is(err, errDrained):
		t.result.Outcome = resource.Skipped
	case errors.Is(err, resource.ErrNotSent) && !isAmbiguous(err):
		t.result.Outcome = resource.Skipped
		t.result.Requests -= t.last // the call was not made
	default:
		t.result.Outcome = resource.Failed
	}
}

func (t *task) do(ctx context.Context) error {
	switch t.change.Action {
	case resource.Create, resource.RenewOrder, resource.Replace:
		return t.create(ctx)
	case resource.ReissueNow:
		return t.reissue(ctx)
	case resource.Cancel, resource.Withdraw, resource.Revoke:
		return t.end(ctx)
	case resource.Adopt:
		return t.adopt(ctx, t.change.live)
	case resource.Update, resource.Activate, resource.Deactivate:
		return t.update(ctx)
	case resource.Blocked:
		return t.foundEnded(ctx)
	case resource.Forget:
		return t.record(ctx, func(f *state.File) { f.Forget(t.change.Address) })
	}
	return fmt.Errorf("carry out %s of %s: no such action in this version", t.change.Action, t.change.Address)
}

// sent counts the requests of a call that is about to be made.
func (t *task) sent(n int) {
	t.last = n
	t.result.Requests += n
}

// desired gives the spec that is sent with every reference resolved from state.
func (t *task) desired() (resource.Map, error) {
	snapshot := t.store.Snapshot()
	var missing error
	spec := resolveRefs(t.change.spec, func(a resource.Address) string {
		if e := snapshot.Objects[a]; e != nil {
			return e.Identity.ID
		}
		missing = fmt.Errorf("resolve reference to %s: it has no id yet", a)
		return ""
	})
	return spec, missing
}
