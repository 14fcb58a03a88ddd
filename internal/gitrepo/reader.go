package gitrepo

import (
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// Reader reads many objects of a repository one after the other. It keeps the repository's files open in between, which Repo's own
// methods do not, and must be closed. It is not safe for concurrent use.
type Reader struct {
	repo  *Repo
	store *filesystem.Storage
}

// Reader gives a reader of the repository's objects as they are now.
func (r *Repo) Reader() *Reader { return &Reader{r, r.layout.storage(true)} }

// Close closes the files it holds open.
func (r *Reader) Close() error { return r.store.Close() }

// Blob gives the bytes of a file by its id. It gives ErrMissingObject when this clone lacks them, and ErrTooLarge when they are more
// than limit.
func (r *Reader) Blob(id string, limit int64) ([]byte, error) {
	h, ok := parseID(id)
	if !ok {
		return nil, fmt.Errorf("read git blob: %q is no object id", id)
	}
	if size, err := r.store.EncodedObjectSize(h); err == nil && size > limit {
		return nil, fmt.Errorf("%w: blob %s has %d bytes", ErrTooLarge, id, size)
	}
	return readObject(r.store, plumbing.BlobObject, h)
}

// Commit is Repo.Describe.
func (r *Reader) Commit(id string) (Commit, error) {
	h, ok := parseID(id)
	if !ok {
		return Commit{}, fmt.Errorf("read git commit: %q is no object id", id)
	}
	raw, err := readCommit(r.store, h)
	if err != nil {
		return Commit{}, err
	}
	return raw.commit(h), nil
}

// File gives the id of a file in a commit, for Blob; "" when the commit has no file there. revision is as for Repo.Read.
func (r *Reader) File(revision, path string) (string, error) {
	id, err := r.repo.resolve(revision)
	if err != nil || id.IsZero() {
		return "", err
	}
	c, err := readCommit(r.store, id)
	if err != nil {
		return "", err
	}
	e, err := find(r.store, c.tree, path)
	if err != nil || e.isTree() {
		return "", err
	}
	return shown(e.hash), nil
}
