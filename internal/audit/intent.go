package audit

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"dcsync/internal/diag"
	"dcsync/internal/gitrepo"
	"dcsync/internal/resource"
	"dcsync/manifests"
)

// The history of intent: which manifest came, became another one or went, by the digest of its document. A document that only moved to
// another file is no event; one whose metadata.moved_from names another is the same intent under a new name.

// documents gives the manifests of one version of a file, read once.
func (a *auditor) documents(name, blob string) []manifests.Document {
	if blob == "" {
		return nil
	}
	list, err := a.past.read.Documents(blob)
	if err != nil {
		a.lacks("a version of %s could not be read: %v", a.path(name), err)
	}
	return list
}

// side is what one commit holds of the files that another one changed: documents by address, the first where one is written twice.
type side map[resource.Address]written

// written is a manifest and where it stands.
type written struct {
	manifests.Document
	file string
}

// files gives the names of the files that it is made of, relative to the project's root.
func (w written) files() []string {
	var out []string
	for _, f := range w.Files {
		if name := manifests.Beside(w.file, f); name != "" {
			out = append(out, name)
		}
	}
	return out
}

func (s side) add(file string, list []manifests.Document) {
	for _, d := range list {
		if _, twice := s[d.Address]; !twice {
			s[d.Address] = written{d, file}
		}
	}
}

// intents reads the events of all manifests, oldest first.
func (a *auditor) intents() {
	files := map[string]map[resource.Address]bool{} // file → addresses whose manifests were ever made of it
	latest := side{}
	for _, c := range a.commits {
		now, before := a.sides(c)
		for _, address := range slices.SortedFunc(maps.Keys(now), resource.Address.Compare) {
			doc := now[address]
			if a.asked[doc.Digest] == nil {
				a.asked[doc.Digest] = c
			}
			latest[address] = doc
			for _, name := range doc.MovedFrom {
				if from := (resource.Address{Kind: address.Kind, Name: name}); !slices.Contains(a.earlier[address], from) {
					a.earlier[address] = append(a.earlier[address], from)
				}
			}
			for _, file := range doc.files() {
				if files[file] == nil {
					files[file] = map[resource.Address]bool{}
				}
				files[file][address] = true
			}
		}
		if c.boundary {
			continue // what was there before, not what it changed
		}
		touched := a.compare(c, now, before)
		for _, ch := range c.changes {
			name, inside := strings.CutPrefix(ch.Path, a.prefix)
			if !inside || ch.Old == "" {
				continue // a new file is of no effect before a manifest names it
			}
			for _, address := range slices.SortedFunc(maps.Keys(files[name]), resource.Address.Compare) {
				if touched[address] || !slices.Contains(latest[address].files(), name) {
					continue
				}
				touched[address], a.refiled[address] = true, true
				detail := "its file " + name + " changed"
				if ch.New == "" {
					detail = "its file " + name + " was removed"
				}
				a.event(c, address, Changed, detail)
			}
		}
		for address := range touched {
			if _, stays := now[address]; !stays && latest[address].Digest == before[0][address].Digest {
				delete(latest, address)
			}
		}
	}
	a.takenBack(latest)
}

// takenBack reports manifests that are not as the newest commit left them that changed them: a merge that takes one side's file whole drops
// what the other side's commits had asked for, and changes no file itself.
func (a *auditor) takenBack(latest side) {
	if !a.report.Complete || a.report.Head == "" {
		return
	}
	project, err := a.past.snapshot("")
	if err != nil {
		return
	}
	now := side{}
	for p, err := range project.Places() {
		if err != nil {
			return
		}
		now.add(p.File, []manifests.Document{p.Document})
	}
	for _, address := range slices.SortedFunc(maps.Keys(a.merged), resource.Address.Compare) {
		is, there := now[address]
		was, wanted := latest[address]
		if there == wanted && is.Digest == was.Digest {
			continue
		}
		e := a.merged[address]
		a.addNow(Finding{Code: diag.AuditDropped, Severity: diag.Warning, Address: address, At: e.At,
			Summary:  fmt.Sprintf("the branch has not what commit %s made of the manifest: a merge took it back", short(e.Commit)),
			Hint:     "compare the manifest with that commit, and make the change again if it was meant",
			Evidence: []Evidence{{EvidenceCommit, e.Commit}, {EvidenceText, "author " + e.Author.String()}}})
	}
}

// sides gives the documents of the files that a commit changed, in it and in each of its parents.
func (a *auditor) sides(c *commit) (now side, before []side) {
	now, before = side{}, make([]side, max(1, len(c.parents)))
	for i := range before {
		before[i] = side{}
	}
	for _, ch := range c.changes {
		name, ok := a.isManifest(ch.Path)
		if !ok {
			continue
		}
		now.add(name, a.documents(name, ch.New))
		before[0].add(name, a.documents(name, ch.Old))
		for i := 1; i < len(before) && !c.boundary; i++ {
			before[i].add(name, a.documents(name, a.at(c.parents[i], ch.Path)))
		}
	}
	return now, before
}

// compare makes the events of one commit and gives the addresses they are about.
func (a *auditor) compare(c *commit, now side, before []side) map[resource.Address]bool {
	touched := map[resource.Address]bool{}
	gone := map[resource.Address]bool{}
	for address := range before[0] {
		_, stays := now[address]
		everywhere := !slices.ContainsFunc(before, func(s side) bool { _, ok := s[address]; return !ok })
		if !stays && everywhere {
			gone[address] = true
		}
	}
	successor := map[resource.Address]resource.Address{}
	for _, address := range slices.SortedFunc(maps.Keys(now), resource.Address.Compare) {
		doc := now[address]
		known := false
		same := false
		for _, s := range before {
			if was, ok := s[address]; ok {
				known, same = true, same || was.Digest == doc.Digest
			}
		}
		if same {
			continue
		}
		touched[address] = true
		event, detail := Changed, ""
		if !known {
			event = Requested
			for _, name := range slices.Backward(doc.MovedFrom) {
				if from := (resource.Address{Kind: address.Kind, Name: name}); gone[from] && successor[from] == (resource.Address{}) {
					successor[from] = address
					detail = "goes on from " + from.String()
					break
				}
			}
		}
		a.event(c, address, event, detail)
	}
	for _, address := range slices.SortedFunc(maps.Keys(gone), resource.Address.Compare) {
		touched[address] = true
		detail := "manifest removed"
		if to, ok := successor[address]; ok {
			detail = "goes on as " + to.String()
		}
		a.event(c, address, Changed, detail)
	}
	for from, to := range successor {
		a.renamed[from] = append(a.renamed[from], rename{to, a.merge(c).when, len(a.entries)})
	}
	return touched
}

// event adds an entry of the manifests' history. It came to the branch, and so counts from, when the merge was committed that brought
// it; where that is another commit, the worse of the two signatures is the entry's.
func (a *auditor) event(c *commit, address resource.Address, event Event, detail string) {
	m := a.merge(c)
	e := Entry{Address: address, Event: event, At: m.when, Commit: c.id, Author: c.author, Committer: m.committer, Signature: worse(c.judged, m.judged), Detail: detail}
	a.entries = append(a.entries, placed{e, c.nth})
	a.merged[address] = &e
	a.versions[address] = append(a.versions[address], c.id)
	c.about = append(c.about, address)
}

// worse gives the judgement that says less in favour of its commit.
func worse(a, b gitrepo.Judgement) gitrepo.Judgement {
	order := []gitrepo.Verdict{gitrepo.Bad, gitrepo.Unsigned, gitrepo.UnknownKey, gitrepo.Good}
	if slices.Index(order, b.Verdict) < slices.Index(order, a.Verdict) {
		return b
	}
	return a
}
