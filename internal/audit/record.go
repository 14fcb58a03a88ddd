package audit

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"dcsync/internal/diag"
	"dcsync/internal/gitrepo"
	"dcsync/internal/resource"
	"dcsync/manifests"
	"dcsync/reconcile"
	"dcsync/state"
)

// Whether a record follows from the manifest it names. State says of each object from which document, of which commit, it was last
// applied; what that document asked for then is read anew from that commit and held against what was recorded.

// past reads projects as commits held them.
type past struct {
	objects *gitrepo.Snapshots
	read    *manifests.Past
	uid     string
	folders []string          // where the project lay, with slashes at their ends; the first is the present one
	states  []string          // what its state file was called, relative to the folder; the first is the present name
	keys    []string          // the files of keys that its settings ever named
	traced  map[string]bool   // folders of which it is known where the project lay before
	lay     map[string]string // folder by commit
	trees   map[string]string
}

func newPast(objects *gitrepo.Snapshots, prefix string, project *manifests.Project) *past {
	return &past{objects: objects, read: manifests.NewPast(objects), uid: project.UID, folders: []string{prefix}, states: []string{project.StateFile},
		keys: keyNames(project.Trust), traced: map[string]bool{}, lay: map[string]string{}, trees: map[string]string{}}
}

// snapshot gives the project of a commit; nil and the reason when there is none, or it cannot be read.
func (p *past) snapshot(commit string) (*manifests.Snapshot, error) {
	tree, ok := p.trees[commit]
	if !ok {
		var err error
		if tree, err = p.objects.Tree(commit, strings.TrimSuffix(p.folder(commit), "/")); err != nil {
			return nil, err
		}
		p.trees[commit] = tree
	}
	return p.read.At(tree)
}

// settings gives what dcsync.yaml of a commit said; false when it had none that can be read.
func (p *past) settings(commit string) (*manifests.Project, bool) {
	s, err := p.snapshot(commit)
	if err != nil {
		return nil, false
	}
	project, _ := s.Project()
	return project, project != nil
}

// recorded gives what in an entry does not follow from the manifest it names. It reports by itself what was applied that nobody asked
// for, or that the policy of the time refused.
func (a *auditor) recorded(r *replay, c change, moved moves) []string {
	after, before := c.after.read(), c.before.read()
	if was, ok := moved.before[c.address]; ok && before == nil {
		before = was
	}
	if before != nil && before.Source == after.Source && before.Applied.Protect == after.Applied.Protect && resource.Equal(before.Applied.Spec, after.Applied.Spec) &&
		before.Identity.ID == after.Identity.ID {
		return nil
	}
	fresh := before == nil || before.Source != after.Source
	if fresh && !a.wasAsked(r, c.address, after, moved) {
		return nil
	}
	if a.offBranch(after.Source) && a.report.Complete {
		return a.byDocument(r, c.address, before, after, moved, fresh)
	}
	if after.Source.Commit == "" {
		return nil // the document may be in the part of the history that is not here
	}
	project, err := a.past.snapshot(after.Source.Commit)
	if err != nil {
		return a.notKnown(r, c.address, after, err)
	}
	name, err := a.nameThen(project, c.address, moved, placeOf(after.Source))
	switch {
	case err != nil:
		return a.notKnown(r, c.address, after, err)
	case name == (resource.Address{}) && fresh:
		return []string{fmt.Sprintf("it names a document of %s that commit %s does not hold", after.Source.Path, short(after.Source.Commit))}
	case name == (resource.Address{}):
		return nil // moved by hand
	}
	object, findings, err := project.Object(name)
	if err != nil {
		return a.notKnown(r, c.address, after, err)
	}
	if fresh {
		a.policy(r, c.address, after, findings, name, after.Source.Commit)
	}
	if object == nil {
		a.remark(r, c.address, "not comparable (its manifest cannot be read as it was)")
		return nil
	}
	return a.differs(r, c.address, object, before, after)
}

// placeOf tells a place that holds the document which a record names.
func placeOf(s state.Source) func(manifests.Place) bool {
	return func(p manifests.Place) bool { return p.File == s.Path && p.Digest == s.Document }
}

// nameThen gives the address under which a project had the document at such a place: that of its record, or an earlier one; the zero address
// when it had none.
func (a *auditor) nameThen(project *manifests.Snapshot, address resource.Address, moved moves, at func(manifests.Place) bool) (resource.Address, error) {
	names := []resource.Address{address}
	if from, ok := moved.from[address]; ok {
		names = append(names, from)
	}
	for _, name := range append(names, a.earlier[address]...) {
		places, err := project.Find(name)
		if err != nil {
			return resource.Address{}, err
		}
		if slices.ContainsFunc(places, at) {
			return name, nil
		}
	}
	return resource.Address{}, nil
}

// differs holds a record against the object its manifest stood for.
func (a *auditor) differs(r *replay, address resource.Address, o *resource.Object, before, after *state.Entry) []string {
	if reconcile.DesiredDigest(o) != after.Source.Desired && !a.mixed(address, o, after.Source) {
		if !reconcile.Comparable(after.Source.Version, a.Version) {
			a.remark(r, address, "not comparable ("+printable(after.Source.Version)+")")
			return nil
		}
		return []string{"its digest of what is wanted is not that of the manifest it names"}
	}
	var why []string
	held := after.Applied.Protect && before != nil && before.Applied.Protect // it outlives the manifest's while it holds something back
	if o.Lifecycle.Protect != after.Applied.Protect && !held && !(after.Applied.Protect && a.protectedOnce(address)) {
		why = append(why, fmt.Sprintf("it says protect: %t, and the manifest %t", after.Applied.Protect, o.Lifecycle.Protect))
	}
	v := r.steps[0].after
	id := func(to resource.Address) string {
		if e := v.find(to).decode(); e != nil {
			return e.Identity.ID
		}
		return ""
	}
	if before == nil || before.Identity.ID != after.Identity.ID {
		return why // what was found and taken over keeps what the account showed of it, until that can be changed
	}
	for _, p := range reconcile.Follows(o, after.Applied.Spec, id) {
		// What could not be made true keeps the value it had, and a run that stopped half way leaves fields of another version.
		if reconcile.Same(o.Descriptor, p, before.Applied.Spec, after.Applied.Spec) || a.wantedOnce(address, o, p, after.Applied.Spec, id) {
			continue
		}
		why = append(why, "what it says was applied at "+string(p)+" was never asked for")
	}
	return why
}

// protectedOnce tells whether any version of a manifest asked for protection: it holds also while the rest of what that says is blocked.
func (a *auditor) protectedOnce(address resource.Address) bool {
	return a.saidOnce(names(address), names(address), func(o *resource.Object) bool { return o != nil && o.Lifecycle.Protect })
}

// released tells whether a version of a manifest after the one that an entry was recorded from asked for no protection.
func (a *auditor) released(address resource.Address, e *state.Entry) bool {
	later := true
	found := a.saidOnce(names(address), names(address), func(o *resource.Object) bool {
		later = later && (o == nil || o.Source.Digest != e.Source.Document)
		return !later || o == nil || !o.Lifecycle.Protect
	})
	return found && later
}

// wantedOnce tells whether what an object was, under any of its names and with any version of what it is made of, ever asked for the value
// that is recorded of a field.
func (a *auditor) wantedOnce(address resource.Address, o *resource.Object, path resource.Path, applied resource.Map, id func(resource.Address) string) bool {
	own := names(address, a.earlier[address]...)
	return a.saidOnce(own, names(address, slices.Concat(a.earlier[address], slices.Collect(maps.Values(o.Via)))...), func(was *resource.Object) bool {
		return was == nil || !slices.Contains(reconcile.Follows(was, applied, id), path)
	})
}

func names(address resource.Address, more ...resource.Address) []resource.Address {
	return append([]resource.Address{address}, more...)
}

// saidOnce tells whether what some names stood for was ever as asked, at any commit that changed one of the parts it is made of: newest
// first. A manifest that was there and cannot be read stands for nil. What cannot be told counts as said.
func (a *auditor) saidOnce(own, parts []resource.Address, as func(*resource.Object) bool) bool {
	seen := map[string]bool{}
	for _, part := range parts {
		for _, commit := range slices.Backward(a.versions[part]) {
			if seen[commit] {
				continue
			}
			seen[commit] = true
			project, err := a.past.snapshot(commit)
			if err != nil {
				return true
			}
			for _, name := range own {
				o, _, err := project.Object(name)
				if errors.Is(err, manifests.ErrNoManifest) {
					continue
				}
				if err != nil || as(o) {
					return true
				}
			}
		}
	}
	return !a.report.Complete
}

// wasAsked tells whether the manifest a record names was ever on the branch, and reports it where it was not.
func (a *auditor) wasAsked(r *replay, address resource.Address, e *state.Entry, moved moves) bool {
	if !a.report.Complete {
		return true // it may be in the part of the history that is not here
	}
	if a.Project.StateRef != "" && e.Source.Commit != "" && !a.reached[e.Source.Commit] {
		if _, err := a.Repo.Describe(e.Source.Commit); err != nil {
			a.lacks("%s was applied from commit %s, which this clone has not seen", address, short(e.Source.Commit)) // the state's branch is ahead of it
			return true
		}
	}
	known := a.asked[e.Source.Document] != nil
	if a.offBranch(e.Source) {
		at, err := a.stoodBy(r, address, e.Source, moved)
		if at != nil || err != nil || known && e.Source.Commit == "" {
			return true
		}
	} else if !known { // in a folder that holds manifests no longer
		project, err := a.past.snapshot(e.Source.Commit)
		if err == nil {
			if name, err := a.nameThen(project, address, moved, placeOf(e.Source)); err == nil && name != (resource.Address{}) {
				return true
			}
		}
	}
	f := Finding{Code: diag.AuditUnasked, Severity: diag.Error, Address: address, At: r.commit.when,
		Hint: "find out who applied it from where; what is wanted has to be merged before it is applied",
		Evidence: []Evidence{{EvidenceState, r.commit.id}, {EvidenceOrder, e.Identity.ID}, {EvidenceFile, e.Source.Path},
			{EvidenceText, "committer " + r.commit.committer.String()}}}
	switch {
	case !known:
		f.Summary = fmt.Sprintf("%s was applied from a manifest that never was on the branch", address)
	case a.offBranch(e.Source):
		f.Summary = fmt.Sprintf("%s was applied from commit %s, which is not on the branch", address, short(e.Source.Commit))
		f.Evidence = append(f.Evidence, Evidence{EvidenceCommit, e.Source.Commit})
	default:
		return true
	}
	a.add(f)
	return false
}

// policy reports what the policy of the time refused and was applied all the same; name is the address the manifest had in the commit that is
// judged by.
func (a *auditor) policy(r *replay, address resource.Address, e *state.Entry, findings diag.List, name resource.Address, commit string) {
	for _, d := range findings {
		if d.Severity != diag.Error || !strings.HasPrefix(string(d.Code), "DC15") || d.Address != name.String() {
			continue
		}
		f := Finding{Code: diag.AuditPolicy, Severity: diag.Error, Address: address, At: r.commit.when,
			Summary: fmt.Sprintf("it was applied although the policy refuses it: %s (%s)", d.Summary, d.Code),
			Hint:    "bring the manifest within the policy, or have the policy changed by those who own it",
			Evidence: []Evidence{{EvidenceState, r.commit.id}, {EvidenceCommit, commit}, {EvidenceOrder, e.Identity.ID},
				{EvidenceFile, a.path(e.Source.Path)}}}
		if d.Path != "" {
			f.Evidence = append(f.Evidence, Evidence{EvidenceField, d.Path})
		}
		a.add(f)
	}
}

// notKnown is for a manifest that cannot be read as it was: nothing is concluded from that.
func (a *auditor) notKnown(r *replay, address resource.Address, e *state.Entry, err error) []string {
	if errors.Is(err, gitrepo.ErrMissingObject) {
		a.lacks("the manifests of commit %s could not be read: %v", short(e.Source.Commit), err)
		return nil
	}
	a.remark(r, address, "not comparable (its manifest cannot be read as it was)")
	return nil
}

// remark adds a few words to the entries that a commit made of an address.
func (a *auditor) remark(r *replay, address resource.Address, text string) {
	for i := len(a.entries) - 1; i >= 0 && a.entries[i].StateCommit == r.commit.id; i-- {
		if e := &a.entries[i]; e.Address == address {
			e.Detail = strings.TrimPrefix(e.Detail+", "+text, ", ")
		}
	}
}

// printable keeps text of the history from the terminal's control characters, and short.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, s)
	return strings.ToValidUTF8(s[:min(len(s), 40)], "?")
}
