package run

import (
	"errors"
	"fmt"
	"path/filepath"

	"dcsync/internal/diag"
	"dcsync/internal/gitrepo"
	"dcsync/reconcile"
	"dcsync/state"
)

// siblings gives what other projects on the same account own (domain rules, section 10), as their state files on disk say. A file that
// cannot be read, or lies outside of the repository, is a warning: what it holds then counts as unmanaged, which hides nothing.
func (p *Project) siblings(repo *gitrepo.Repo, account int64) (map[reconcile.Key]bool, diag.List) {
	owned := map[reconcile.Key]bool{}
	var unread diag.List
	for _, name := range p.Project.Siblings {
		f, err := p.sibling(repo, name)
		if err == nil && f.Account != nil && f.Account.ID != account {
			err = fmt.Errorf("it belongs to account %d", f.Account.ID)
		}
		if err != nil {
			unread.Add(diag.Diagnostic{Severity: diag.Warning, Code: diag.SiblingUnread, Pos: diag.Pos{File: "dcsync.yaml"}, Path: "/siblings",
				Summary: fmt.Sprintf("the state of the sibling project %s cannot be used: %v", name, err), Hint: "correct spec.siblings; until then what that project owns counts as unmanaged"})
			continue
		}
		for a, e := range f.Objects {
			owned[reconcile.Key{Kind: a.Kind, ID: e.Identity.ID}] = true
			for _, was := range e.Identity.Earlier {
				owned[reconcile.Key{Kind: a.Kind, ID: was.ID}] = true
			}
		}
	}
	return owned, unread
}

func (p *Project) sibling(repo *gitrepo.Repo, name string) (*state.File, error) {
	file := filepath.Join(p.Root, filepath.FromSlash(name))
	if repo != nil {
		if _, err := repo.Path(file); err != nil {
			return nil, errors.New("it lies outside of the repository")
		}
	}
	f, _, err := state.Read(file)
	var d diag.Diagnostic
	if errors.As(err, &d) {
		return nil, errors.New(d.Summary)
	}
	return f, err
}
