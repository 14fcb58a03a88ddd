// Package run holds the runs themselves: what plan and apply do, from the lock to the last byte of state.
//
// It joins the rooms below (manifests, state, reconcile, gitrepo) in the order in which data moves through them. It prints nothing,
// parses no flag, and decides nothing about single objects.
package run

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"dcsync/internal/diag"
	"dcsync/internal/gitrepo"
	"dcsync/internal/resource"
	"dcsync/manifests"
	"dcsync/reconcile"
	"dcsync/state"
)

// Account is the live account a run works on.
type Account interface {
	reconcile.Remote
	// Whoami tells which account and user the key belongs to.
	Whoami(ctx context.Context) (*resource.Identity, error)
	// Prices gives the price list, nil when the key may not read it.
	Prices(ctx context.Context) (resource.PriceList, error)
	// Rules reads what the account demands of orders in a container by a user's role; nil when the key may not read it.
	Rules(ctx context.Context, container int64, role int) (*resource.Rules, error)
	// Date gives the server's clock, the zero time when it does not tell.
	Date(ctx context.Context) (time.Time, error)
	// Kinds names the kinds that have an object in the account, in the order they depend on each other.
	Kinds() []string
	// Requests gives the number of HTTP requests sent so far.
	Requests() int
	// Guard has every further request that creates or changes something pass a check right before it is sent. What it refuses is an
	// error that is resource.ErrNotSent.
	Guard(check func() error)
}

// Project is a loaded project without errors in its files.
type Project struct {
	*manifests.Loaded
	Root      string // folder of dcsync.yaml
	StateFile string // path of the state file
}

// Refused says that a run would not be right for this account, state or limit. Nothing was changed.
type Refused struct {
	Code    string // stable: wrong_account, wrong_address, max_orders, …
	Message string
	Hint    string
}

// Error gives the message.
func (r *Refused) Error() string { return r.Message }

// ErrStale says that a saved plan no longer fits the files, the state or the account.
var ErrStale = errors.New("the saved plan no longer fits")

// Open finds the project from dir upwards and loads it. Errors in the user's files are a diag.List; the project is returned with it
// when it could be loaded that far. stateFile overrides the project's own; relative to dir. Dates in manifests are held against at; the
// zero time judges none.
func Open(ctx context.Context, dir, stateFile string, at time.Time) (*Project, error) {
	root, err := manifests.Find(dir)
	if err != nil {
		return nil, err
	}
	loaded, err := manifests.LoadAt(ctx, root, at)
	if err != nil {
		return nil, err
	}
	p := &Project{Loaded: loaded, Root: root}
	if err := loaded.Findings.Err(); err != nil {
		return p, err
	}
	p.StateFile = filepath.Join(root, filepath.FromSlash(loaded.Project.StateFile))
	if stateFile != "" {
		p.StateFile = stateFile
		if !filepath.IsAbs(stateFile) {
			p.StateFile = filepath.Join(dir, stateFile)
		}
	}
	return p, nil
}

// PlanOptions say how a plan is made. MaxOrders and MaxDestroy below 0 take the project's.
type PlanOptions struct {
	Refresh         reconcile.Refresh
	Now             time.Time // when the plan is made
	AsOf            time.Time // the instant it is made for; zero: Now
	APIURL          string
	APIURLExplicit  bool // the address was given by flag or environment, not by the project
	MaxOrders       int
	MaxDestroy      int
	AcceptKeyChange bool
	Strict          bool               // an intent that is blocked refuses the whole plan
	Targets         []resource.Address // none: everything; else these and what they refer to
	Unmanaged       bool               // name what is not managed, and do not only count it
	Version         string
	Env             func(string) string // what git's credentials and configuration are looked up in
}

// start is what a run finds on disk before it asks anybody.
type start struct {
	repo *gitrepo.Repo // nil outside of one, and with odd
	odd  error         // why the repository cannot be used, nil for none
	file *state.File
	disk []byte // the bytes file stands for, nil when there is no state yet

	// With spec.state.ref:
	tip      string                    // commit of the branch that the state was read from, "" when it has not begun
	unlanded bool                      // file holds results of an earlier run that the branch lacks
	later    map[resource.Address]bool // objects whose manifests may be in commits that this checkout lacks
	findings diag.List                 // about where the state was read
}

// built is a plan with all that it was made from.
type built struct {
	start
	who  *resource.Identity // nil when the account was not read
	plan *reconcile.Plan
	in   reconcile.Input
}

// Plan says what apply would do. acct may be nil under RefreshNone. When a limit would refuse the apply, the plan is returned
// together with a *Refused.
func (p *Project) Plan(ctx context.Context, acct Account, o PlanOptions) (*reconcile.Plan, error) {
	b, err := p.look(ctx, acct, o)
	if b == nil {
		return nil, err
	}
	return b.plan, err
}

// look builds a plan without any lock, from what is on disk now.
func (p *Project) look(ctx context.Context, acct Account, o PlanOptions) (*built, error) {
	s, err := p.openRepo()
	if err != nil {
		return nil, err
	}
	if err := p.loadState(ctx, &s, o.Env, o.Refresh == reconcile.RefreshNone); err != nil {
		return nil, err
	}
	p.noteLater(&s)
	return p.build(ctx, acct, s, o)
}

// openRepo finds the git repository of the project, if it is in one.
func (p *Project) openRepo() (start, error) {
	repo, err := gitrepo.Open(p.Root)
	switch {
	case errors.Is(err, gitrepo.ErrUnsupported):
		return start{odd: err}, nil
	case err != nil && !errors.Is(err, gitrepo.ErrNone):
		return start{}, err
	}
	return start{repo: repo}, nil
}

func (p *Project) build(ctx context.Context, acct Account, s start, o PlanOptions) (*built, error) {
	b := &built{start: s}
	var err error
	if o.AsOf.IsZero() {
		o.AsOf = o.Now
	}
	var moved diag.List
	b.file, moved = reconcile.Move(p.Set, b.file)
	if err := p.known(b.file, o.Targets); err != nil {
		return nil, err
	}
	b.in = reconcile.Input{Set: p.Set, State: b.file, Later: s.later, AsOf: o.AsOf, Refresh: o.Refresh, Targets: o.Targets, Findings: p.Findings, Settings: reconcile.Settings{
		UID: p.Project.UID, ContainerID: p.Project.ContainerID, SkipApproval: p.Project.SkipApproval, AcceptKeyChange: o.AcceptKeyChange,
		Scope: p.Project.Scope}}
	if o.Refresh != reconcile.RefreshNone {
		if b.in.Live, err = p.readAccount(ctx, acct, b, o); err != nil {
			return nil, err
		}
		var unread diag.List
		b.in.Settings.Siblings, unread = p.siblings(s.repo, b.in.Live.ID)
		moved = append(moved, unread...)
	}
	b.plan = reconcile.Build(b.in)
	if b.plan.Cost.Orders > 0 && b.in.Live != nil {
		if b.in.Rules, err = acct.Rules(ctx, b.in.Container(), b.who.RoleID); err != nil {
			return nil, err
		}
		b.plan = reconcile.Build(b.in)
	}
	b.plan.Findings = slices.Concat(s.findings, moved, b.plan.Findings)
	if !o.Unmanaged {
		b.plan.Unmanaged = nil
	}
	b.plan.CreatedAt, b.plan.Inputs = o.Now, p.Inputs
	if b.repo != nil {
		b.plan.Commit = b.repo.Head()
	}
	if b.odd != nil {
		b.plan.Findings.Add(diag.Diagnostic{Severity: diag.Warning, Code: diag.GitUnsupported, Summary: b.odd.Error(),
			Hint: "no commit is recorded of what is applied from here"})
	}
	if b.disk != nil {
		b.plan.State = &reconcile.StateRef{Lineage: b.file.Lineage, Serial: b.file.Serial, Digest: state.Digest(b.disk)}
	}
	if known := b.file.Account; known != nil {
		b.plan.Account = &reconcile.AccountRef{ID: known.ID, APIURL: known.APIURL}
		b.plan.Target = b.plan.Account
	}
	if b.in.Live != nil {
		b.plan.Target = &reconcile.AccountRef{ID: b.in.Live.ID, APIURL: o.APIURL}
	}
	if err := p.price(ctx, acct, b); err != nil {
		return nil, err
	}
	if err := sending(p.Findings, b.plan).Err(); err != nil {
		return nil, err
	}
	return b, p.limits(b.plan, b.file, o)
}

// sending gives, as errors, the findings that refuse only what is sent, about objects that the plan would order: on what was ordered
// long ago, time passing makes nothing invalid (domain rules, section 7).
func sending(findings diag.List, plan *reconcile.Plan) diag.List {
	ordered := map[string]bool{}
	for _, c := range plan.Changes {
		ordered[c.Address.String()] = ordered[c.Address.String()] || c.Action.Orders()
	}
	var out diag.List
	for _, d := range findings {
		if d.AtSend && ordered[d.Address] {
			d.Severity = diag.Error
			out.Add(d)
		}
	}
	return out
}

// readState reads the state file, or makes an empty one when there is none yet.
func (p *Project) readState() (*state.File, []byte, error) {
	f, disk, err := state.Read(p.StateFile)
	if errors.Is(err, state.ErrNone) {
		return state.New(p.Project.UID), nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	return f, disk, p.ours(f, p.StateFile)
}

// ours refuses the state of another project; where says what holds it.
func (p *Project) ours(f *state.File, where string) error {
	if f.Lineage == p.Project.UID {
		return nil
	}
	return &Refused{Code: "wrong_lineage", Message: fmt.Sprintf("%s belongs to project %s, not to %s", where, f.Lineage, p.Project.UID),
		Hint: "metadata.uid in dcsync.yaml must never change; take the state file of this project"}
}

// readAccount makes sure that it is the right account, and reads what the plan needs of it.
func (p *Project) readAccount(ctx context.Context, acct Account, b *built, o PlanOptions) (*reconcile.Account, error) {
	if err := p.sameAddress(b.file, o); err != nil {
		return nil, err
	}
	who, err := acct.Whoami(ctx)
	if err != nil {
		return nil, err
	}
	if err := p.sameAccount(b.file, who); err != nil {
		return nil, err
	}
	b.who = who
	live := &reconcile.Account{ID: who.AccountID, APIURL: o.APIURL, ContainerID: who.ContainerID,
		User: state.User{ID: who.UserID, RoleID: who.RoleID, Sees: who.Sees}, Limited: who.Limited}
	return live, live.Fetch(ctx, acct, acct.Kinds(), b.in)
}

// sameAddress refuses an API address that is not the one the state was made with, unless it was given on purpose: a pull request
// must not be able to send the key elsewhere (domain rules, section 11).
func (p *Project) sameAddress(f *state.File, o PlanOptions) error {
	if f.Account == nil || f.Account.APIURL == o.APIURL || o.APIURLExplicit {
		return nil
	}
	return &Refused{Code: "wrong_address", Message: fmt.Sprintf("the state was made with %s, this run would ask %s", f.Account.APIURL, o.APIURL),
		Hint: "put spec.instance back, or name the address with --api-url"}
}

// sameAccount refuses a key of another account than the one the project or its state is bound to.
func (p *Project) sameAccount(f *state.File, who *resource.Identity) error {
	want, by := p.Project.AccountID, "dcsync.yaml"
	if want == 0 && f.Account != nil {
		want, by = f.Account.ID, "the state"
	}
	if want != 0 && who.AccountID != want {
		return &Refused{Code: "wrong_account", Message: fmt.Sprintf("%s names account %d, the key belongs to account %d", by, want, who.AccountID),
			Hint: "use a key of that account"}
	}
	if who.AccountID == 0 {
		return &Refused{Code: "unknown_account", Message: "the API does not say which account the key belongs to", Hint: "check the API address"}
	}
	return nil
}
