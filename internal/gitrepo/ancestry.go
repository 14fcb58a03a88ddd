package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
	_, _, err := r.ancestors(ctx, r.head.commit, func(id plumbing.Hash) bool {
		if wanted[id] {
			found[shown(id)] = true
			delete(wanted, id)
		}
		return len(wanted) == 0
	})
	return found, err
}

// Pushed fetches a remote's branch, "" for the one that is checked out, and gives its newest commit when the checked out commit is on it. It
// gives ErrNoBranch when the remote has no such branch, and ErrUnpushed where this clone can tell that the commit is not on it.
func (r *Repo) Pushed(ctx context.Context, remote, branch string, a Access) (string, error) {
	ref, err := r.target(branch)
	if err != nil {
		return "", err
	}
	tip, err := r.Fetch(ctx, remote, branch, a)
	if err != nil {
		return "", err
	}
	return tip, r.isOn(ctx, remote, ref, plumbing.NewHash(tip))
}

// isOn tells whether the checked out commit is on a branch with a newest commit, zero for no branch.
func (r *Repo) isOn(ctx context.Context, remote string, ref plumbing.ReferenceName, tip plumbing.Hash) error {
	if r.head.commit.IsZero() {
		return nil
	}
	if tip.IsZero() {
		return fmt.Errorf("%w: %s has no branch %s", ErrNoBranch, remote, ref.Short())
	}
	on, behind, err := r.ancestors(ctx, tip, func(id plumbing.Hash) bool { return id == r.head.commit })
	if err != nil || on {
		return err
	}
	// What this clone lacks of the branch lies behind these commits. Where they are all ancestors of HEAD, HEAD is not behind any of them.
	if len(behind) > 0 {
		if behind[0] == tip {
			return nil // nothing of the branch's news is here
		}
		own := map[plumbing.Hash]bool{}
		if _, _, err := r.ancestors(ctx, r.head.commit, func(id plumbing.Hash) bool { own[id] = true; return false }); err != nil {
			return err
		}
		if slices.ContainsFunc(behind, func(id plumbing.Hash) bool { return !own[id] }) {
			return nil // not enough history to tell
		}
	}
	return fmt.Errorf("%w: push %s to %s first", ErrUnpushed, r.Head()[:12], ref.Short())
}

// ancestors shows a commit and its ancestors, nearest first, until enough says so, and tells whether it did. Commits that this clone lacks are
// shown, and given as missing; what lies behind them is not shown. A way beyond near commits is walked through an archive, which takes
// longer to open and much less for each.
func (r *Repo) ancestors(ctx context.Context, from plumbing.Hash, enough func(plumbing.Hash) bool) (found bool, missing []plumbing.Hash, err error) {
	const near = 1000
	walked := 0
	var store source = r.store
	seen := map[plumbing.Hash]bool{from: true}
	for queue := []plumbing.Hash{from}; len(queue) > 0; queue = queue[1:] {
		if enough(queue[0]) {
			return true, missing, nil
		}
		if err := ctx.Err(); err != nil {
			return false, nil, err
		}
		if walked++; walked == near {
			far := r.archive()
			defer func() { _ = far.Close() }()
			store = far
		}
		c, err := readCommit(store, queue[0])
		if errors.Is(err, ErrMissingObject) {
			missing = append(missing, queue[0])
			continue
		}
		if err != nil {
			return false, nil, err
		}
		for _, p := range c.parents {
			if !seen[p] {
				seen[p] = true
				queue = append(queue, p)
			}
		}
	}
	return false, missing, nil
}
