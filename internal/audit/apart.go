package audit

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"dcsync/internal/diag"
	"dcsync/internal/gitrepo"
)

// Where the state is kept. It may go from beside the manifests to a branch of its own (spec.state.ref) and come back, and its history is
// that of both: what a branch begins with goes on from what was beside the manifests by then, and what comes back goes on from the branch.
// The file is taken away honestly only while a branch holds it.

// stay is a time in which the settings named a branch of its own for the state.
type stay struct {
	ref     string
	over    bool      // the settings name none any more
	removed []*commit // took the file beside the manifests away meanwhile
}

// places puts what changed the state into one history, oldest first, and gives the commits that it read of other branches. all is the
// history of the checked out one.
func (a *auditor) places(ctx context.Context, all []*commit, file string) ([]*commit, error) {
	p := places{auditor: a, ctx: ctx, file: file, read: map[string][]*commit{}, given: map[string]bool{}}
	for _, c := range all {
		if err := p.settings(c); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(c.changes, func(ch gitrepo.Change) bool { return ch.Path == file }) {
			if err := p.state(c); err != nil {
				return nil, err
			}
		}
	}
	if now := a.Project.StateRef; now != "" && (p.now == nil || p.now.over) {
		if err := p.close(nil); err != nil {
			return nil, err
		}
		p.now = &stay{ref: now} // as the checkout has it
	} else if now != "" {
		p.now.ref = now
	}
	if err := p.close(nil); err != nil {
		return nil, err
	}
	a.states = p.states
	return p.others, nil
}

// places is the work of one such look.
type places struct {
	*auditor
	ctx    context.Context
	file   string
	now    *stay // nil while the state is beside the manifests
	states []*commit
	others []*commit
	read   map[string][]*commit // of the branches, by name
	given  map[string]bool      // branches whose commits are among states
}

// settings notes where the settings of a commit place the state, when it changed that.
func (p *places) settings(c *commit) error {
	if (c.change(p.path(projectFile)) == gitrepo.Change{}) {
		return nil
	}
	ref, ok := p.refAt(c.id)
	was := ""
	if len(c.parents) > 0 && !c.boundary {
		was, _ = p.refAt(c.parents[0])
	}
	switch {
	case !ok || ref == was:
	case ref == "":
		if p.now != nil {
			p.now.over = true
		}
	case p.now != nil && !p.now.over:
		p.now.ref = ref // the branch was renamed
	default:
		if err := p.close(nil); err != nil {
			return err
		}
		p.now = &stay{ref: ref}
	}
	return nil
}

func (p *places) refAt(commit string) (ref string, ok bool) {
	if settings, ok := p.past.settings(commit); ok {
		return settings.StateRef, true
	}
	return "", false
}

// state adds a commit that changed the state beside the manifests.
func (p *places) state(c *commit) error {
	ch := c.change(p.file)
	if p.now == nil {
		if ch.Old == "" && !c.boundary && p.goesOn() {
			c.follow(p.file, p.last(nil))
		}
		p.states = append(p.states, c)
		return nil
	}
	ref, _ := p.refAt(c.id)
	switch {
	case ch.New == "" && ref == "":
		p.states = append(p.states, c)
		return nil
	case ch.New == "":
		p.now.removed = append(p.now.removed, c)
		return nil
	case p.now.over, ch.Old == "":
		return p.close(c)
	}
	commits, _, err := p.branch(p.now.ref)
	if err == nil && p.holds(commits, ch.New) {
		return p.close(c) // over the file of before, which nobody had taken away
	}
	p.states = append(p.states, c)
	return err
}

// goesOn tells whether a file that begins goes on from the newest version so far: nobody took that away, it was elsewhere.
func (p *places) goesOn() bool {
	moved := len(p.past.folders)+len(p.past.states) > 2
	return moved && len(p.states) > 0 && p.states[len(p.states)-1].change(p.file).New != ""
}

func (p *places) holds(commits []*commit, blob string) bool {
	return slices.ContainsFunc(commits, func(c *commit) bool { return c.change(p.file).New == blob })
}

// close ends a stay, if there is one: what its branch holds comes next, and then the commit that brought the state back, nil for none.
func (p *places) close(back *commit) error {
	now := p.now
	if now == nil {
		return nil
	}
	p.now = nil
	commits, seen, err := p.branch(now.ref)
	if err != nil {
		return err
	}
	switch {
	case p.given[now.ref]:
		commits = nil
	case back != nil && len(commits) > 0 && commits[0].when.After(back.when):
		commits, seen = nil, false // begun anew since: what it was before is gone
	}
	open := !now.over && back == nil
	last := p.last(nil)
	switch {
	case seen:
	case open && p.Drift != nil: // who asked the remote knows that the branch has not begun
		if p.State.Account == nil {
			p.states = append(p.states, now.removed...)
		}
	case open:
		p.notSeen(now.ref)
	case len(now.removed) > 0, back != nil && back.change(p.file).Old == "":
		p.lacks("for some time the state was on the branch %s, which this clone has not", now.ref)
	}
	if open {
		p.stateBlob = last
	}
	if len(commits) > 0 {
		p.given[now.ref] = true
		p.others = append(p.others, commits...)
		if len(commits[0].parents) == 0 {
			commits[0].follow(p.file, last)
		}
		p.states = append(p.states, commits...)
		if open {
			p.stateBlob = p.states[len(p.states)-1].change(p.file).New
		}
	}
	switch {
	case back == nil, p.holds(commits, back.change(p.file).New): // no version of its own
		return nil
	case len(commits) > 0, back.change(p.file).Old == "":
		back.follow(p.file, p.last(back))
	}
	p.states = append(p.states, back)
	return nil
}

// notSeen reports that the branch which is to hold the state is not in this clone, which alone does not tell why.
func (p *places) notSeen(ref string) {
	p.unseen, p.report.Complete = true, false
	f := Finding{Code: diag.AuditHistory, Severity: diag.Warning, Summary: fmt.Sprintf("this clone has not seen the state's branch %s", ref),
		Hint: "the first apply --push begins it; where one was made, fetch the branch"}
	if track, err := p.Repo.Tracking(p.Project.Git.Remote, ref); err == nil {
		f.Hint += fmt.Sprintf(": git fetch %s %s:%s", p.Project.Git.Remote, ref, track)
	}
	p.addNow(f)
}

// last gives the newest version so far, or with before the newest that a branch had at that commit's time.
func (p *places) last(before *commit) string {
	for _, c := range slices.Backward(p.states) {
		if blob := c.change(p.file).New; blob != "" && (before == nil || !c.apart || !c.when.After(before.when)) {
			return blob
		}
	}
	return ""
}

// branch gives the commits of a branch of the state, oldest first, less those that the manifests' branch has too, and whether this clone
// has seen it.
func (p *places) branch(ref string) (commits []*commit, seen bool, err error) {
	if known, ok := p.read[ref]; ok {
		return known, known != nil, nil
	}
	p.read[ref] = nil
	track, err := p.Repo.Tracking(p.Project.Git.Remote, ref)
	if err != nil {
		return nil, false, nil //nolint:nilerr // without the remote this clone has seen nothing of it
	}
	tip, err := p.Repo.Commit(track)
	if err != nil || tip == "" {
		return nil, false, err
	}
	commits, err = p.walk(p.ctx, tip, p.statePaths(), nil)
	if err != nil {
		return nil, false, err
	}
	commits = slices.DeleteFunc(commits, func(c *commit) bool { return p.reached[c.id] })
	for _, c := range commits {
		c.apart = true
	}
	p.read[ref] = append([]*commit{}, commits...)
	return commits, true, nil
}

// follow lets a commit go on from another version of a file than its parent's.
func (c *commit) follow(file, blob string) {
	for i := range c.changes {
		if c.changes[i].Path == file {
			c.changes[i].Old = blob
		}
	}
}

// elsewhere tells what is not looked at of the state's history: a file that the settings never named, which the first version goes on from, or
// one that the checkout has from a commit in which it was not the state.
func (a *auditor) elsewhere(file string) {
	if a.Project.StateRef == "" && len(a.gaps) == 0 && a.stateBlob != "" && !slices.ContainsFunc(a.states, func(c *commit) bool { return c.change(file).New == a.stateBlob }) {
		a.unfollowed(fmt.Sprintf("no commit is known that made %s what it is", file), file)
	}
	if len(a.states) == 0 {
		return
	}
	first := a.states[0]
	blob := first.change(file).New
	if first.change(file).Old != "" || blob == "" || first.boundary || len(first.parents) == 0 {
		return
	}
	name := ""
	if top, err := a.objects.Tree(first.parents[0], ""); err == nil {
		name = a.named(top, "", blob)
	}
	if name != "" {
		a.unfollowed(fmt.Sprintf("until commit %s the state was %s, which no settings named: its history is not looked at", short(first.id), name), name)
	}
}

// unfollowed reports history that is here and not looked at.
func (a *auditor) unfollowed(what, file string) {
	a.report.Complete = false
	a.addNow(Finding{Code: diag.AuditHistory, Severity: diag.Warning, Summary: what,
		Hint:     "look at that file with git log -p --full-history, and compare the state with the account by dcsync drift",
		Evidence: []Evidence{{EvidenceFile, file}}})
}

// named gives the path of a file below a folder that has these bytes, or is a state of this project; "" for none.
func (a *auditor) named(folder, prefix, blob string) string {
	found := ""
	err := a.objects.Folder(folder, func(name, id string, mode fs.FileMode) {
		switch {
		case found != "":
		case mode.IsDir():
			found = a.named(id, prefix+name+"/", blob)
		case id == blob, strings.HasSuffix(name, ".json") && a.isOurs(id):
			found = prefix + name
		}
	})
	if err != nil {
		return "" // the walk tells of what is missing
	}
	return found
}

// isOurs tells whether a file is a state of this project.
func (a *auditor) isOurs(blob string) bool {
	data, whole, err := a.objects.Blob(blob, maxBlob)
	return err == nil && whole && bytes.Contains(data, []byte(`"lineage": "`+a.Project.UID+`"`))
}
