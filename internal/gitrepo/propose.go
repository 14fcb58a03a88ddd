package gitrepo

import (
	"context"
	"errors"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

// proposal is a commit on one parent.
type proposal struct {
	parent, commit plumbing.Hash
	nothing        bool
	made           []plumbing.Hash // every new object of it
	entries        map[string]entry
	contents       map[string][]byte
}

// propose builds the commit that puts the files on a parent (zero: the first commit).
func (w *landing) propose(ctx context.Context, parent plumbing.Hash) (*proposal, error) {
	p := &proposal{parent: parent, entries: map[string]entry{}, contents: map[string][]byte{}}
	w.desk.clear()
	var tree plumbing.Hash
	if !parent.IsZero() {
		c, err := readCommit(w.desk, parent)
		if err != nil {
			return nil, err
		}
		tree = c.tree
	}
	next := tree
	for _, f := range w.Files {
		content, now, err := w.settle(ctx, f, tree)
		if err != nil {
			return nil, err
		}
		put := entry{mode: modeFile}
		if now.mode == modeExecutable {
			put.mode = now.mode
		}
		if put.hash, err = writeObject(w.desk.fresh, plumbing.BlobObject, content); err != nil {
			return nil, err
		}
		p.entries[f.Path], p.contents[f.Path] = put, content
		if put.hash != now.hash {
			if next, err = graft(w.desk, w.desk.fresh, next, f.Path, put); err != nil {
				return nil, err
			}
		}
	}
	if p.nothing = next == tree; p.nothing {
		p.commit = parent
		return p, nil
	}
	at := w.Clock.Now().Truncate(time.Second)
	raw, err := newCommit(next, parent, Person{w.Author, at}, Person{w.Committer, at}, withTrailers(w.Message, w.Trailers), w.Signer)
	if err != nil {
		return nil, err
	}
	if p.commit, err = writeObject(w.desk.fresh, plumbing.CommitObject, raw); err != nil {
		return nil, err
	}
	p.made, err = w.desk.made(p.commit)
	return p, err
}

// settle decides a file's content on top of a tree, and gives the entry that stands there now.
func (w *landing) settle(ctx context.Context, f File, tree plumbing.Hash) ([]byte, entry, error) {
	now, err := find(w.desk, tree, f.Path)
	if err != nil {
		return nil, now, err
	}
	if !now.hash.IsZero() && !now.isFile() {
		return nil, now, &ConflictError{Path: f.Path, Err: errors.New("the branch holds something other than a file there")}
	}
	base, err := find(w.desk, w.base, f.Path)
	if err != nil {
		return nil, now, err
	}
	if now.hash == base.hash || now.hash == plumbing.ComputeHash(plumbing.BlobObject, f.Content) {
		return f.Content, now, nil
	}
	if f.Merge == nil {
		return nil, now, &ConflictError{Path: f.Path}
	}
	var before, tip []byte
	if base.isFile() {
		if before, err = w.desk.blob(ctx, w.remote, base.hash); err != nil {
			return nil, now, err
		}
	}
	if !now.hash.IsZero() {
		if tip, err = w.desk.blob(ctx, w.remote, now.hash); err != nil {
			return nil, now, err
		}
	}
	merged, err := f.Merge(f.Content, before, tip)
	if err != nil {
		return nil, now, &ConflictError{Path: f.Path, Err: err}
	}
	return merged, now, nil
}
