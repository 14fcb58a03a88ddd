package gitrepo

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"
)

// Commit gives the id of the commit a revision stands for: "" for the head, a commit's id, or a full reference name. It is "" when there
// is no such reference.
func (r *Repo) Commit(revision string) (string, error) {
	id, err := r.resolve(revision)
	return shown(id), err
}

// Tip asks the remote for the newest commit of a branch, "" for its default branch. It is "" when there is none. Nothing is fetched.
func (r *Repo) Tip(ctx context.Context, remote, branch string, a Access) (string, error) {
	ref := plumbing.HEAD
	if branch != "" {
		var err error
		if ref, err = r.target(branch); err != nil {
			return "", err
		}
	}
	rem, err := r.layout.remote(remote, a)
	if err != nil {
		return "", err
	}
	now, err := rem.tips(ctx)
	return shown(now[ref]), err
}

// Contains tells which of some commits the checkout has: its own commit and the ancestors of it. Where history is cut off, what lies
// further behind does not count.
func (r *Repo) Contains(ctx context.Context, commits []string) (map[string]bool, error) {
	wanted := map[plumbing.Hash]bool{}
	for _, c := range commits {
		if id, ok := parseID(c); ok {
			wanted[id] = true
		}
	}
	found := map[string]bool{}
	if r.head.commit.IsZero() || len(wanted) == 0 {
		return found, nil
	}
	_, err := r.ancestors(ctx, r.head.commit, func(id plumbing.Hash) bool {
		if wanted[id] {
			found[shown(id)] = true
			delete(wanted, id)
		}
		return len(wanted) == 0
	})
	if errors.Is(err, ErrMissingObject) {
		err = nil
	}
	return found, err
}

// Pushed tells whether the checked out commit is on a remote's branch, "" for the one that is checked out. It gives ErrNoBranch when
// the remote has no such branch and ErrUnpushed where this clone can tell that the commit is not on it.
func (r *Repo) Pushed(ctx context.Context, remote, branch string, a Access) error {
	ref, err := r.target(branch)
	if err != nil {
		return err
	}
	rem, err := r.layout.remote(remote, a)
	if err != nil {
		return err
	}
	now, err := rem.tips(ctx)
	if err != nil {
		return err
	}
	return r.isOn(ctx, rem.name, ref, now[ref])
}

// isOn is Pushed for a branch whose tip is known, zero for no branch.
func (r *Repo) isOn(ctx context.Context, remote string, ref plumbing.ReferenceName, tip plumbing.Hash) error {
	if r.head.commit.IsZero() {
		return nil
	}
	if tip.IsZero() {
		return fmt.Errorf("%w: %s has no branch %s", ErrNoBranch, remote, ref.Short())
	}
	on, err := r.ancestors(ctx, tip, func(id plumbing.Hash) bool { return id == r.head.commit })
	if err == nil && !on {
		err = fmt.Errorf("%w: push %s to %s first", ErrUnpushed, r.Head()[:12], ref.Short())
	}
	if errors.Is(err, ErrMissingObject) {
		return nil // this clone does not have enough history to tell
	}
	return err
}

// ancestors shows a commit and its ancestors, nearest first, until enough says so, and tells whether it did. It gives ErrMissingObject
// when history ended before: the first commit behind the cut is shown, its parents are not.
func (r *Repo) ancestors(ctx context.Context, from plumbing.Hash, enough func(plumbing.Hash) bool) (bool, error) {
	seen := map[plumbing.Hash]bool{from: true}
	var missing error
	for queue := []plumbing.Hash{from}; len(queue) > 0; queue = queue[1:] {
		if enough(queue[0]) {
			return true, nil
		}
		if err := ctx.Err(); err != nil {
			return false, err
		}
		c, err := readCommit(r.store, queue[0])
		if errors.Is(err, ErrMissingObject) {
			missing = err
			continue
		}
		if err != nil {
			return false, err
		}
		for _, p := range c.parents {
			if !seen[p] {
				seen[p] = true
				queue = append(queue, p)
			}
		}
	}
	return false, missing
}
