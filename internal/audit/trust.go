package audit

import (
	"fmt"
	"slices"

	"dcsync/internal/diag"
	"dcsync/internal/gitrepo"
)

// trustChanges reports who changed whose signatures count without being trusted before, and finds since when anybody is. The first
// commit that names a key cannot be signed by one named before it; whoever reviews the repository has to look at that one.
func (a *auditor) trustChanges() {
	first := true
	newest := map[string]*commit{} // that changed a file of keys
	for _, c := range a.commits {
		for _, ch := range c.changes {
			newest[ch.Path] = c
		}
		if !a.changesKeys(c) {
			continue
		}
		if first && a.trusts(c.id) {
			first = false
			a.trustedFrom = max(a.trustedFrom, c.place)
		}
		a.vouched(c)
	}
	for _, file := range a.trustFiles(a.Project.Trust) {
		if last, ok := newest[file]; ok && a.at("", file) != last.change(file).New {
			a.add(Finding{Code: diag.AuditTrustChanged, Severity: diag.Error, At: last.when,
				Summary:  fmt.Sprintf("a merge took back how commit %s changed whose signatures count", short(last.id)),
				Hint:     "compare the file with that commit, and have somebody who is trusted put it right",
				Evidence: []Evidence{{EvidenceCommit, last.id}, {EvidenceFile, file}}})
		}
	}
}

// vouched wants a change of whose signatures count, and the merge that brought it, signed by those who were trusted before: as its parent
// has it, or, where a branch goes back to a time when nobody was, as the branch it was merged into had it.
func (a *auditor) vouched(c *commit) {
	m := a.merge(c)
	for _, who := range []*commit{c, m} {
		if who.boundary || len(who.parents) == 0 {
			return
		}
		before, ok := a.trusted(who.parents[0])
		if ok && before == nil && len(m.parents) > 0 {
			before, ok = a.trusted(m.parents[0])
		}
		if !ok || before == nil {
			continue
		}
		raw, err := a.objects.Commit(who.id)
		if err != nil {
			continue
		}
		if j := before.Judge(raw); j.Verdict != gitrepo.Good {
			a.untrusted(c, who, j)
			return
		}
	}
}

func (a *auditor) untrusted(c, who *commit, j gitrepo.Judgement) {
	why := j.Reason
	if j.Verdict == gitrepo.Unsigned {
		why = "it is not signed"
	}
	what := "commit " + short(c.id)
	if who != c {
		what += ", merged by " + short(who.id) + ","
	}
	c.untrusted = true
	f := Finding{Code: diag.AuditTrustChanged, Severity: diag.Error, At: c.when,
		Summary:  fmt.Sprintf("%s changes whose signatures count, and nobody trusted before vouches for it: %s", what, why),
		Hint:     "have somebody who was trusted before look at the change, and sign it anew when it is right",
		Evidence: []Evidence{{EvidenceCommit, c.id}, {EvidenceText, "author " + c.author.String()}}}
	if who != c {
		f.Evidence = append(f.Evidence, Evidence{EvidenceCommit, who.id})
	}
	if j.Key != "" {
		f.Evidence = append(f.Evidence, Evidence{EvidenceKey, j.Key})
	}
	files := a.keysIn(c)
	if file := a.path(projectFile); c.change(file) != (gitrepo.Change{}) {
		files = append(files, file)
	}
	for _, file := range files {
		f.Evidence = append(f.Evidence, Evidence{EvidenceFile, a.then(c.id, file)})
	}
	a.add(f)
}

// formerTrust takes the keys that were named last where the checkout names none: what had to be signed then is still judged.
func (a *auditor) formerTrust() {
	if a.trust != nil {
		return
	}
	for _, c := range slices.Backward(a.commits) {
		if len(c.parents) == 0 || c.boundary || !a.changesKeys(c) {
			continue
		}
		now, known := a.trusted(c.id)
		before, ok := a.trusted(c.parents[0])
		if !known || now != nil || !ok || before == nil {
			continue
		}
		a.trust, a.trustedTo = before, c.place
		for _, was := range slices.Concat(a.commits, a.states) {
			if raw, err := a.objects.Commit(was.id); err == nil {
				was.judged = a.judge(raw)
			}
		}
		return
	}
}

// changesKeys tells whether a commit changed whose signatures count, for better or worse.
func (a *auditor) changesKeys(c *commit) bool {
	return len(a.keysIn(c)) > 0 || c.change(a.path(projectFile)) != (gitrepo.Change{}) && !a.sameKeys(c)
}

// keysIn gives the files of keys that a commit changed: those that its settings name, or its parent's.
func (a *auditor) keysIn(c *commit) []string {
	var changed []string
	for _, name := range a.past.keys {
		if file := a.path(name); c.change(file) != (gitrepo.Change{}) {
			changed = append(changed, file)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	var named []string
	for _, id := range append([]string{c.id}, c.parents[:min(len(c.parents), 1)]...) {
		if project, ok := a.past.settings(id); ok {
			named = append(named, a.trustFiles(project.Trust)...)
		} else {
			named = append(named, changed...) // which ones cannot be told
		}
	}
	return slices.DeleteFunc(changed, func(file string) bool { return !slices.Contains(named, file) })
}

// trusts tells whether a commit names any key.
func (a *auditor) trusts(commit string) bool {
	t, ok := a.trusted(commit)
	return ok && t != nil
}

// trusted gives whom a commit trusts, nil for nobody; false when its files cannot be read.
func (a *auditor) trusted(commit string) (*gitrepo.Trust, bool) {
	project, ok := a.past.settings(commit)
	if !ok {
		return nil, false
	}
	t, err := a.trustAt(commit, project.Trust)
	return t, err == nil
}

// sameKeys tells whether the settings of a commit name the same files of keys as those of its parent.
func (a *auditor) sameKeys(c *commit) bool {
	now, ok := a.past.settings(c.id)
	if !ok || len(c.parents) == 0 || c.boundary {
		return ok
	}
	before, ok := a.past.settings(c.parents[0])
	return ok && now.Trust == before.Trust
}
