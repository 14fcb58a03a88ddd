// Package audit joins the history of the manifests, that of the state file and the account: who asked for what, who merged it, what was
// applied when and what came of it, and what does not add up (docs/audit.md).
//
// It reads and concludes. It prints nothing (internal/render does), makes no request (what the account showed is handed to it) and writes
// nowhere. History is evidence that others made, perhaps to deceive: nothing in it stops an audit, and what cannot be read is a finding.
package audit

import (
	"context"
	"errors"
	"path"
	"path/filepath"
	"strings"
	"time"

	"dcsync/internal/gitrepo"
	"dcsync/internal/resource"
	"dcsync/manifests"
	"dcsync/reconcile"
	"dcsync/state"
)

// Input is what an audit looks at.
type Input struct {
	Repo    *gitrepo.Repo
	Project *manifests.Project // of the checkout
	Root    string             // folder of dcsync.yaml; it may lie below the repository's root
	State   *state.File        // as it stands now; empty, not nil, before the first apply
	Set     *resource.Set      // what the checkout's manifests want
	Drift   *reconcile.Plan    // of run.Drift with Unmanaged, from a full refresh; nil offline
	Now     time.Time
	Version string // of the running dcsync

	// What to show. Nothing given shows all. The period bounds what has a time of its own; what is so now stays.
	Since, Until time.Time
	Addresses    []resource.Address
	Orders       []string // live ids
}

// Run makes the whole report. An error is one of the file system or of ctx; whatever is wrong with the history is a finding.
func Run(ctx context.Context, in Input) (*Report, error) {
	return replayed(ctx, in, func(a *auditor) *Report {
		a.signatures()
		a.present()
		a.account()
		return a.finish(true)
	})
}

// Verify replays every change of the state file and reports what dcsync cannot have done. It looks at history alone, so the account and
// the manifests of the checkout say nothing in its report, and it lists no events.
func Verify(ctx context.Context, in Input) (*Report, error) {
	in.Drift = nil
	return replayed(ctx, in, func(a *auditor) *Report { return a.finish(false) })
}

// replayed reads the history, replays it, and lets then conclude.
func replayed(ctx context.Context, in Input, then func(*auditor) *Report) (*Report, error) {
	a, err := begin(in)
	if err != nil {
		return nil, err
	}
	defer a.close()
	if err := a.history(ctx); err != nil {
		return nil, err
	}
	a.intents()
	a.transitions()
	return then(a), nil
}

// auditor is one audit at work.
type auditor struct {
	Input
	report  *Report
	prefix  string // of the project's folder in the repository, with a slash at its end; "" for the whole repository
	objects *gitrepo.Snapshots
	past    *past
	wanted  map[resource.Address]*resource.Object
	gaps    []string        // what of the history could not be read
	lacking map[string]bool // the same

	trust       *gitrepo.Trust // nil: nobody is named whose signature counts
	trustedFrom int            // gitrepo.Commit.Place of the commit that first named somebody
	trustedTo   int            // and of the one since which nobody is named; 0 when somebody is

	commits   []*commit          // of the manifests, settings and keys, oldest first
	states    []*commit          // that changed the state file, oldest first
	merges    map[string]*commit // merges that brought others, by id
	reached   map[string]bool    // every commit of the branch
	stateBlob string             // state file of the checkout's commit

	asked    map[string]*commit                      // digest of every manifest the branch ever held, and who held it first
	refiled  map[resource.Address]bool               // a file that a manifest is made of changed while the manifest stayed
	merged   map[resource.Address]*Entry             // the newest event of a manifest
	versions map[resource.Address][]string           // commits that changed a manifest
	earlier  map[resource.Address][]resource.Address // names that a manifest said it had before
	lost     map[resource.Address]loss               // records that the state held and holds no more
	orders   map[string]*record                      // by kind and live id
	unseen   bool                                    // the state's branch is not in this clone
	suspect  map[string]*version                     // by version of the state that was edited: the last one before that was not
	users    map[string]*state.Account               // by version of the state whose user was changed by hand: what it said before that

	renamed  renames        // of manifests
	moved    renames        // of entries of the state
	entries  []placed       // those of the manifests, and then those of the state, oldest first
	found    []finding      // in no order
	weak     map[string]int // findings about weak keys, by number in found
	requests requests
}

// placed is an Entry with its place among those of the same second: that of its commit in the walk through history.
type placed struct {
	Entry
	nth int
}

// finding is a Finding that may be about how things are now, whenever they came to be so.
type finding struct {
	Finding
	now bool
}

func begin(in Input) (*auditor, error) {
	a := &auditor{Input: in, objects: in.Repo.Snapshots(), wanted: map[resource.Address]*resource.Object{}, lacking: map[string]bool{},
		merges: map[string]*commit{}, reached: map[string]bool{}, asked: map[string]*commit{}, refiled: map[resource.Address]bool{}, lost: map[resource.Address]loss{}, merged: map[resource.Address]*Entry{},
		versions: map[resource.Address][]string{}, earlier: map[resource.Address][]resource.Address{}, orders: map[string]*record{}, suspect: map[string]*version{},
		users: map[string]*state.Account{}, weak: map[string]int{}, requests: requests{}, renamed: renames{}, moved: renames{}}
	if in.Drift != nil { // what the account shows is newer, and true whatever the state says
		a.State = in.State.Clone()
		for address, seen := range in.Drift.Seen {
			if e := a.State.Objects[address]; e != nil {
				e.Observed = seen
			}
		}
	}
	a.report = &Report{Project: in.Project.Name, At: in.Now, From: in.Since, To: in.Until, Head: in.Repo.Head(), Complete: true, Offline: in.Drift == nil}
	top, err := in.Repo.Path(filepath.Join(in.Root, projectFile))
	if err == nil {
		a.prefix = strings.TrimPrefix(path.Dir(top)+"/", "./")
		a.stateBlob, err = a.objects.File("", a.path(in.Project.StateFile))
	}
	if err != nil && !errors.Is(err, gitrepo.ErrMissingObject) { // the walk tells of what is missing
		return nil, errors.Join(err, a.objects.Close())
	}
	a.past = newPast(a.objects, a.prefix, in.Project)
	if in.Set != nil {
		for _, o := range in.Set.Objects {
			a.wanted[o.Address] = o
		}
	}
	return a, nil
}

const projectFile = "dcsync.yaml"

func (a *auditor) close() { _ = a.objects.Close() }

func (a *auditor) add(f Finding)    { a.found = append(a.found, finding{Finding: f}) }
func (a *auditor) addNow(f Finding) { a.found = append(a.found, finding{Finding: f, now: true}) }

// path gives the name in the repository of a file of the project.
func (a *auditor) path(name string) string { return path.Join(a.prefix, name) }
