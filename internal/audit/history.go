package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"dcsync/internal/diag"
	"dcsync/internal/gitrepo"
	"dcsync/internal/resource"
	"dcsync/manifests"
)

// commit is what an audit keeps of a commit.
type commit struct {
	id        string
	parents   []string
	author    gitrepo.Identity
	committer gitrepo.Identity
	when      time.Time // committed
	mainline  string
	place     int
	nth       int // of the commits of the same walk, oldest first
	boundary  bool
	dcsync    bool             // carries the trailers of a run
	changes   []gitrepo.Change // by the names that the files have in the checkout
	raw       []gitrepo.Change // by those they had
	judged    gitrepo.Judgement
	about     []resource.Address // whose events it made
	untrusted bool               // it changed whom to trust, and that was reported
	apart     bool               // it is of a branch that holds the state only
}

// history walks through the repository once; where the state lies, or lay, on a branch of its own, that is walked too.
func (a *auditor) history(ctx context.Context) error {
	cut, err := a.Repo.Shallow()
	if err != nil {
		return err
	}
	a.takeTrust()
	var all []*commit
	for more := true; more; {
		if all, err = a.walk(ctx, "", a.paths(), func(id string) { a.reached[id] = true }); err != nil {
			return err
		}
		if more, err = a.trace(ctx, all); err != nil {
			return err
		}
	}
	file := a.path(a.Project.StateFile)
	a.stateBlob = a.at("", file)
	for _, c := range all {
		if slices.ContainsFunc(c.changes, func(ch gitrepo.Change) bool { return ch.Path != file }) {
			a.commits = append(a.commits, c)
		}
	}
	apart, err := a.places(ctx, all, file)
	if err != nil {
		return err
	}
	all = append(all, apart...)
	a.elsewhere(file)
	a.formerTrust()
	a.report.Commits = len(all)
	if cut || slices.ContainsFunc(all, func(c *commit) bool { return c.boundary }) {
		a.report.Complete = false
		a.addNow(Finding{Code: diag.AuditHistory, Severity: diag.Warning, Summary: "this clone holds only the newest part of the history",
			Hint: "git fetch --unshallow, then run the audit again"})
	}
	return nil
}

// walk gives the commits that changed something under the paths, oldest first.
func (a *auditor) walk(ctx context.Context, from string, paths []string, reached func(string)) ([]*commit, error) {
	var out []*commit
	for c, err := range a.Repo.History(ctx, gitrepo.HistoryOptions{Paths: paths, From: from, Reached: reached}) {
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			a.lacks("the history could not be read further: %v", err)
		default:
			if k := a.keep(c); len(k.changes) > 0 {
				out = append(out, k)
			}
		}
	}
	slices.Reverse(out)
	for i, c := range out {
		c.nth = i
	}
	return out, nil
}

// keep takes of a commit what an audit needs, and judges its signature while its bytes are at hand.
func (a *auditor) keep(c gitrepo.Commit) *commit {
	return &commit{id: c.ID, parents: c.Parents, author: c.Author.Identity, committer: c.Committer.Identity, when: c.Committer.When, mainline: c.Mainline,
		place: c.Place, boundary: c.Boundary, changes: a.inPlace(c), raw: c.Changes, judged: a.judge(c),
		dcsync: slices.ContainsFunc(c.Trailers, func(t gitrepo.Trailer) bool { return t.Key == "Dcsync-Run" })}
}

// merge gives the commit of the branch itself that a commit came in by: itself, or a merge.
func (a *auditor) merge(c *commit) *commit {
	if c.mainline == c.id || c.mainline == "" {
		return c
	}
	if m := a.merges[c.mainline]; m != nil {
		return m
	}
	m := c
	if raw, err := a.objects.Commit(c.mainline); err == nil {
		m = a.keep(raw)
		m.mainline, m.place = c.mainline, c.place
	}
	a.merges[c.mainline] = m
	return m
}

// maxBlob is the largest file of the history that is read: a state of about 50,000 objects.
const maxBlob = 128 << 20

// blob reads a file's bytes into a buffer, and gives them in its room or a larger one; false when they cannot be read, which is reported
// once.
func (a *auditor) blob(buffer []byte, id, path string) ([]byte, bool) {
	data, whole, err := a.objects.BlobInto(buffer, id, maxBlob)
	if err == nil && !whole {
		err = fmt.Errorf("it is larger than %d MiB", maxBlob>>20)
	}
	if err != nil {
		a.lacks("a version of %s could not be read: %v", path, err)
	}
	return data, err == nil
}

// lacks keeps that a part of the history could not be read.
func (a *auditor) lacks(format string, args ...any) {
	a.report.Complete = false
	if text := fmt.Sprintf(format, args...); !a.lacking[text] {
		a.lacking[text] = true
		a.gaps = append(a.gaps, text)
	}
}

// shownGaps is how many parts that could not be read are named.
const shownGaps = 10

// missing reports all that could not be read, as one finding.
func (a *auditor) missing() {
	if len(a.gaps) == 0 {
		return
	}
	f := Finding{Code: diag.AuditHistory, Severity: diag.Warning, Summary: a.gaps[0], Hint: "run the audit in a whole clone, and look at the repository with git fsck"}
	if n := len(a.gaps) - 1; n > 0 {
		f.Summary = fmt.Sprintf("%s (and %d more)", f.Summary, n)
	}
	for _, text := range a.gaps[1:min(len(a.gaps), shownGaps)] {
		f.Evidence = append(f.Evidence, Evidence{EvidenceText, text})
	}
	a.addNow(f)
}

// at gives the id of a file at a commit by the name it has in the checkout, "" when it is not there or cannot be read.
func (a *auditor) at(commit, path string) string {
	id, err := a.objects.File(commit, a.then(commit, path))
	if err != nil && !errors.Is(err, gitrepo.ErrNoFile) {
		a.lacks("%s at commit %s could not be read: %v", path, orHead(commit), err)
	}
	return id
}

func orHead(commit string) string {
	if commit == "" {
		return "HEAD"
	}
	return short(commit)
}

// outside gives the files beside the manifest folders, relative to the project's, that the checkout's manifests are made of, such as requests
// kept elsewhere.
func (a *auditor) outside() []string {
	var out []string
	if a.Set == nil {
		return nil
	}
	seen := map[string]bool{}
	for _, o := range a.Set.Objects {
		name := o.Source.File
		if seen[name] {
			continue
		}
		seen[name] = true
		for _, doc := range a.documents(name, a.at("", a.path(name))) {
			for _, file := range (written{doc, name}).files() {
				if !a.isBelow(file) {
					out = append(out, file)
				}
			}
		}
	}
	return out
}

// isBelow tells whether a file of the project lies in one of its manifest folders.
func (a *auditor) isBelow(file string) bool {
	return slices.ContainsFunc(a.Project.Manifests, func(dir string) bool { return dir == "." || strings.HasPrefix(file, strings.Trim(dir, "/")+"/") })
}

// isManifest tells whether a file of the repository is read as manifests, and gives its name in the project.
func (a *auditor) isManifest(path string) (string, bool) {
	name, ok := strings.CutPrefix(path, a.prefix)
	hidden := slices.ContainsFunc(strings.Split(name, "/"), func(part string) bool { return strings.HasPrefix(part, ".") })
	return name, ok && !hidden && name != projectFile && manifests.IsManifest(name) && a.isBelow(name)
}
