package gitrepo

import (
	"context"
	"errors"

	"github.com/go-git/go-git/v5/plumbing"
)

// What a landing leaves behind in the checkout. Git refuses to rebase as long as anything is staged, and to merge as long as a file that the
// merge writes is not what HEAD has. So there are two outcomes and nothing between them: HEAD moves to the commit with its files, or index and
// work tree hold the files as HEAD's own commit has them, and the next pull brings them like everybody else's commits. HEAD never moves over a
// change of any other file: what others want comes into a checkout by a pull only.

// adopt gives the checkout the new entries and moves HEAD, or puts its entries back to those of HEAD. In this order a crash between
// the two leaves the files staged, never reverted.
func (w *landing) adopt(ctx context.Context, p *proposal, done *Landed) error {
	follows, err := w.follows(ctx, p)
	if err != nil {
		return err
	}
	entries := p.entries
	if !follows {
		if entries, done.Checkout, err = w.own(ctx); err != nil {
			return err
		}
	}
	w.Step.At(BeforeIndex)
	if err := w.repo.stage(ctx, w.Clock, entries); err != nil {
		return err
	}
	w.Step.At(BeforeRef)
	defer w.Step.At(AfterRef)
	if !follows {
		return nil
	}
	if done.Followed = w.repo.head.commit == p.commit; done.Followed {
		return nil
	}
	why := "commit: " + w.Message
	if p.parent != w.repo.head.commit || p.nothing {
		why = "dcsync: fast-forward"
	}
	moved, err := w.repo.setRef(ctx, w.Clock, w.repo.head.branch, w.repo.head.commit, p.commit, w.person(), why)
	if moved {
		done.Followed = true
		w.repo.head.commit = p.commit
		if c, err := readCommit(w.repo.store, p.commit); err == nil {
			w.repo.tree = c.tree
		}
	}
	return err
}

// follows tells whether HEAD may move to the commit: it is on the branch or on none (a branch of another name is the user's own), the commit
// goes on from its own, and all between them changed nothing but these files.
func (w *landing) follows(ctx context.Context, p *proposal) (bool, error) {
	head := w.repo.head
	if head.branch != "" && head.branch != w.ref {
		return false, nil
	}
	if head.commit == p.commit || head.commit == p.parent {
		return true, nil
	}
	on, err := w.onlyFiles(p)
	if err == nil && on {
		on, _, err = w.repo.ancestors(ctx, p.commit, func(id plumbing.Hash) bool { return id == head.commit })
	}
	if errors.Is(err, ErrMissingObject) {
		return false, nil // not enough of history or of its trees is here to tell
	}
	return on, err
}

// onlyFiles tells whether the commit's tree is HEAD's with these files in it.
func (w *landing) onlyFiles(p *proposal) (bool, error) {
	c, err := readCommit(w.desk, p.commit)
	if err != nil {
		return false, err
	}
	tree := w.repo.tree
	for path, e := range p.entries {
		if tree, err = graft(w.desk, w.desk.fresh, tree, path, e); err != nil {
			return false, err
		}
	}
	return tree == c.tree, nil
}

// own gives the files as HEAD's commit has them: their index entries, a zero one for no file, and their contents. What is something
// other than a file there is left alone.
func (w *landing) own(ctx context.Context) (map[string]entry, map[string][]byte, error) {
	entries, contents := map[string]entry{}, map[string][]byte{}
	for _, f := range w.Files {
		e, err := find(w.desk, w.repo.tree, f.Path)
		if err != nil {
			return nil, nil, err
		}
		switch {
		case e.hash.IsZero():
			contents[f.Path] = nil
		case !e.isFile():
			continue
		default:
			if contents[f.Path], err = w.desk.blob(ctx, w.remote, e.hash); err != nil {
				return nil, nil, err
			}
		}
		entries[f.Path] = e
	}
	return entries, contents, nil
}
