package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/memory"
)

// desk is where a commit is put together: the objects of the clone, those fetched for this landing, and those newly made. What is
// fetched lies in a temporary folder, so a shallow or partial clone stays what it was, and a landing that loses leaves nothing.
type desk struct {
	local   *filesystem.Storage
	fetched *filesystem.Storage // nil until something had to be fetched
	dir     string
	fresh   *memory.Storage
}

func (r *Repo) desk() *desk { return &desk{local: r.store, fresh: memory.NewStorage()} }

func (d *desk) close() {
	if d.dir != "" {
		_ = os.RemoveAll(d.dir)
	}
}

// clear takes newly made objects off the desk.
func (d *desk) clear() { d.fresh = memory.NewStorage() }

// EncodedObject makes desk a source.
func (d *desk) EncodedObject(t plumbing.ObjectType, h plumbing.Hash) (plumbing.EncodedObject, error) {
	o, err := d.fresh.EncodedObject(t, h)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		o, err = d.local.EncodedObject(t, h)
	}
	if errors.Is(err, plumbing.ErrObjectNotFound) && d.fetched != nil {
		o, err = d.fetched.EncodedObject(t, h)
	}
	return o, err
}

// fetch brings objects from the remote onto the desk, without history.
func (d *desk) fetch(ctx context.Context, r *remote, w want) (plumbing.Hash, error) {
	if d.fetched == nil {
		dir, err := os.MkdirTemp("", "dcsync-git-")
		if err != nil {
			return plumbing.ZeroHash, fmt.Errorf("fetch from git: %w", err)
		}
		d.dir = dir
		d.fetched = filesystem.NewStorage(osfs.New(dir), cache.NewObjectLRUDefault())
	}
	found, err := r.fetch(ctx, d.fetched, w)
	return found.id, err
}

// bring fetches the tip of a branch with its tree, and gives its id.
func (d *desk) bring(ctx context.Context, repo *Repo, r *remote, ref plumbing.ReferenceName) (plumbing.Hash, error) {
	haves, shallow, err := repo.haves()
	if err != nil {
		return plumbing.ZeroHash, err
	}
	return d.fetch(ctx, r, want{ref: ref, haves: haves, shallow: shallow, depth: 1})
}

// blob gives a file's bytes; in a partial clone they may have to be asked for by id. r is nil when there is no remote.
func (d *desk) blob(ctx context.Context, r *remote, id plumbing.Hash) ([]byte, error) {
	data, err := readObject(d, plumbing.BlobObject, id)
	if r == nil || !errors.Is(err, ErrMissingObject) {
		return data, err
	}
	if _, err := d.fetch(ctx, r, want{object: id}); err != nil {
		return nil, err
	}
	return readObject(d, plumbing.BlobObject, id)
}

// made gives the ids of what is newly made and reached from a new commit.
func (d *desk) made(commit plumbing.Hash) ([]plumbing.Hash, error) {
	if d.fresh.HasEncodedObject(commit) != nil {
		return nil, nil
	}
	c, err := readCommit(d.fresh, commit)
	if err != nil {
		return nil, err
	}
	ids := []plumbing.Hash{commit}
	seen := map[plumbing.Hash]bool{}
	for queue := []plumbing.Hash{c.tree}; len(queue) > 0; queue = queue[1:] {
		id := queue[0]
		if seen[id] || d.fresh.HasEncodedObject(id) != nil {
			continue
		}
		seen[id] = true
		ids = append(ids, id)
		if _, isTree := d.fresh.Trees[id]; !isTree {
			continue
		}
		entries, err := readTree(d.fresh, id)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			queue = append(queue, e.hash)
		}
	}
	return ids, nil
}

// keep writes objects of the desk into the clone.
func (d *desk) keep(ids []plumbing.Hash) error {
	for _, id := range ids {
		if d.local.HasEncodedObject(id) == nil {
			continue
		}
		o, err := d.EncodedObject(plumbing.AnyObject, id)
		if err == nil {
			_, err = d.local.SetEncodedObject(o)
		}
		if err != nil {
			return fmt.Errorf("write git object: %w", err)
		}
	}
	return nil
}

// maxHaves bounds what a fetch tells the remote of this clone; the newest commits are what counts.
const maxHaves = 64

// haves gives commits this clone has, which the remote need not send again, and those at which its history is cut off.
func (r *Repo) haves() (haves, shallow []plumbing.Hash, err error) {
	if shallow, err = r.store.Shallow(); err != nil {
		return nil, nil, fmt.Errorf("read git shallow commits: %w", err)
	}
	seen := map[plumbing.Hash]bool{plumbing.ZeroHash: true}
	add := func(h plumbing.Hash) {
		if !seen[h] && len(haves) < maxHaves && r.store.HasEncodedObject(h) == nil {
			seen[h] = true
			haves = append(haves, h)
		}
	}
	add(r.head.commit)
	err = r.eachRef(func(ref *plumbing.Reference) {
		if ref.Name().IsRemote() || ref.Name().IsBranch() {
			add(ref.Hash())
		}
	})
	return haves, shallow, err
}

// refersTo tells whether a commit is the head's or a reference's, so that this clone has whatever it reaches, as far as it has it of any.
func (r *Repo) refersTo(commit plumbing.Hash) (bool, error) {
	found := commit == r.head.commit && !commit.IsZero()
	err := r.eachRef(func(ref *plumbing.Reference) { found = found || ref.Hash() == commit })
	return found, err
}

// eachRef shows every reference of the clone that is not another one's name.
func (r *Repo) eachRef(show func(*plumbing.Reference)) error {
	refs, err := r.store.IterReferences()
	if err == nil {
		err = refs.ForEach(func(ref *plumbing.Reference) error {
			if ref.Type() == plumbing.HashReference {
				show(ref)
			}
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("read git references: %w", err)
	}
	return nil
}
