package audit

import (
	"fmt"
	"maps"
	"slices"

	"dcsync/internal/resource"
	"dcsync/manifests"
	"dcsync/reconcile"
	"dcsync/state"
)

// Records that name no commit of the branch. A rebase or a squash gives commits other ids while state keeps those it was written with, and
// what was applied from files that were not committed names none. Both still name a document by its digest, which the branch has or has not,
// and are held against the branch's own versions of it.

// offBranch tells whether the commit a record names, if any, is not on the branch.
func (a *auditor) offBranch(s state.Source) bool { return !a.reached[s.Commit] }

// stood is a commit of the branch that held a document.
type stood struct {
	commit  string
	project *manifests.Snapshot
	name    resource.Address // of the document there
}

// stoodBy gives a commit that held the document of a record when the branch got the record; one without a commit may have come before its
// manifest. Nil for none.
func (a *auditor) stoodBy(r *replay, address resource.Address, s state.Source, moved moves) (*stood, error) {
	var commits []string
	if !r.commit.apart {
		commits = append(commits, r.commit.id)
	}
	if first := a.asked[s.Document]; first != nil && (s.Commit == "" || a.byThen(first, r.commit)) {
		commits = append(commits, first.id)
	}
	var failed error
	for _, id := range commits {
		project, err := a.past.snapshot(id)
		if err == nil {
			var name resource.Address
			name, err = a.nameThen(project, address, moved, func(p manifests.Place) bool { return p.Digest == s.Document })
			if name != (resource.Address{}) {
				return &stood{id, project, name}, nil
			}
		}
		if err != nil && failed == nil {
			failed = err
		}
	}
	return nil, failed
}

// byThen tells whether a commit of the manifests was on the branch by the time one of the state was.
func (a *auditor) byThen(c, recorded *commit) bool {
	if recorded.apart {
		return !a.merge(c).when.After(recorded.when)
	}
	return c.nth <= recorded.nth
}

// byDocument gives what in a record does not follow from the document it names, where it names no commit of the branch.
func (a *auditor) byDocument(r *replay, address resource.Address, before, after *state.Entry, moved moves, fresh bool) []string {
	at, err := a.stoodBy(r, address, after.Source, moved)
	switch {
	case err != nil:
		return a.notKnown(r, address, after, err)
	case at == nil && fresh && a.report.Complete:
		return []string{fmt.Sprintf("it names a document of %s that never stood for it", printable(after.Source.Path))}
	case at == nil:
		return nil
	}
	object, findings, err := at.project.Object(at.name)
	if err != nil {
		return a.notKnown(r, address, after, err)
	}
	if fresh && after.Source.Commit != "" {
		a.remark(r, address, "from a commit that was rewritten since")
	}
	if fresh {
		a.policy(r, address, after, findings, at.name, at.commit)
	}
	if object == nil {
		a.remark(r, address, "not comparable (its manifest cannot be read as it was)")
		return nil
	}
	return a.differs(r, address, object, before, after)
}

// mixed tells whether a record that names no commit of the branch may follow from its document all the same, though its digest is not that of
// the version at hand: what else the object is made of was another version then, perhaps one that the branch never had beside this document.
func (a *auditor) mixed(address resource.Address, o *resource.Object, s state.Source) bool {
	via := slices.Collect(maps.Values(o.Via))
	if !a.offBranch(s) {
		return false
	}
	if a.refiled[address] || slices.ContainsFunc(via, func(part resource.Address) bool { return len(a.versions[part]) > 1 }) {
		return true
	}
	return a.saidOnce(names(address, a.earlier[address]...), names(address, a.earlier[address]...), func(was *resource.Object) bool {
		return was == nil || was.Source.Digest == s.Document && reconcile.DesiredDigest(was) == s.Desired
	})
}
