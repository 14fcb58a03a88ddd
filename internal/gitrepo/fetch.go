package gitrepo

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
)

// tracking gives the reference under which this clone keeps a ref of the remote, by the remote's own mapping where it has one.
func (r *remote) tracking(ref plumbing.ReferenceName) plumbing.ReferenceName {
	for _, raw := range r.conf.all("remote", r.name, "fetch") {
		spec := config.RefSpec(raw)
		if spec.Validate() == nil && spec.Match(ref) {
			return spec.Dst(ref)
		}
	}
	return trackingName(r.name, ref)
}

func trackingName(remote string, ref plumbing.ReferenceName) plumbing.ReferenceName {
	short := strings.TrimPrefix(strings.TrimPrefix(string(ref), "refs/"), "heads/")
	return plumbing.NewRemoteReferenceName(remote, short)
}

// Tracking gives the full name of the reference under which this clone last saw a branch of the remote, for Read.
func (r *Repo) Tracking(remote, branch string) (string, error) {
	ref, err := r.target(branch)
	if err != nil {
		return "", err
	}
	rem, err := r.layout.remote(remote, Access{})
	if err != nil {
		return "", err
	}
	return string(rem.tracking(ref)), nil
}

// Fetch brings one branch of a remote into the clone with its history and moves the remote-tracking reference to it. It gives the
// commit, "" when the remote has no such branch. A shallow clone gets what is new since its own commits, as git does it; of a branch that it
// has not seen yet, the newest commit only.
func (r *Repo) Fetch(ctx context.Context, remote, branch string, a Access) (string, error) {
	ref, err := r.target(branch)
	if err != nil {
		return "", err
	}
	rem, err := r.layout.remote(remote, a)
	if err != nil {
		return "", err
	}
	haves, shallow, err := r.haves()
	if err != nil {
		return "", err
	}
	w := want{ref: ref, haves: haves, shallow: shallow}
	track := rem.tracking(ref)
	seen, err := r.localRef(track)
	if err != nil {
		return "", err
	}
	if len(shallow) > 0 && seen.IsZero() {
		w.depth = 1
	}
	now, err := rem.tips(ctx)
	if err != nil || now[ref].IsZero() {
		return "", err
	}
	tip := now[ref]
	known, err := r.refersTo(tip)
	if err != nil {
		return "", err
	}
	if !known {
		found, err := rem.fetch(ctx, r.store, w)
		if err != nil || found.id.IsZero() {
			return "", err
		}
		tip = found.id
		if err := r.cut(shallow, found.cut); err != nil {
			return "", err
		}
	}
	if err := r.store.SetReference(plumbing.NewHashReference(track, tip)); err != nil {
		return "", fmt.Errorf("write git reference %s: %w", track, err)
	}
	return shown(tip), nil
}

// FetchWhole brings the newest commit of a branch with all its files, whatever of it is here already: a partial clone lacks files, and a
// server that is told of a commit takes all that it reaches for known.
func (r *Repo) FetchWhole(ctx context.Context, remote, branch string, a Access) error {
	ref, err := r.target(branch)
	if err != nil {
		return err
	}
	rem, err := r.layout.remote(remote, a)
	if err == nil {
		_, err = rem.fetch(ctx, r.store, want{ref: ref, depth: 1})
	}
	return err
}

// cut records further commits at which history ends in this clone.
func (r *Repo) cut(known, more []plumbing.Hash) error {
	all := slices.Clone(known)
	for _, id := range more {
		if !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	if len(all) == len(known) {
		return nil
	}
	if err := r.store.SetShallow(all); err != nil {
		return fmt.Errorf("write git shallow commits: %w", err)
	}
	return nil
}

// Check tells before a run whether its landing could go through: the branch exists, the remote lets these credentials push, the
// index can be edited, and the checked out commit is on the branch (ErrUnpushed where this clone can tell that it is not). Nothing
// is written anywhere.
func (r *Repo) Check(ctx context.Context, l Landing) error {
	w := &landing{Landing: l, repo: r}
	if err := w.prepare(); err != nil {
		return err
	}
	if !l.Apart {
		if err := r.indexEditable(); err != nil {
			return err
		}
	}
	if l.Push == nil {
		return nil
	}
	rem, err := r.layout.remote(l.Push.Remote, l.Push.Access)
	if err != nil {
		return err
	}
	now, atomic, err := rem.pushable(ctx)
	if err != nil {
		return err
	}
	if l.Push.Lock != nil && !atomic {
		return fmt.Errorf("push to %s: %w", bare(rem.push.Endpoint), ErrNoAtomic)
	}
	if l.Apart {
		return nil
	}
	return r.isOn(ctx, rem.name, w.ref, now[w.ref])
}
