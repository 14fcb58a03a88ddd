// Package gitrepo is dcsync's git: it reads what is committed, lands files as one commit on a branch, keeps a lock on the remote,
// walks history and judges signatures. It owns go-git: nobody else sees its types.
//
// It knows nothing of manifests or state: files are bytes under a path, and how two versions of one are put together is a function
// given by the caller. It writes to a repository only where its caller says so (Land, Fetch, Pushed, locks), never to the work tree, and
// runs no hooks.
package gitrepo

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"
)

// Repo is an opened repository. It is not safe for concurrent use, with the exception of the locks made from it.
type Repo struct {
	layout
	store *filesystem.Storage
	head  head
	tree  plumbing.Hash // of the head commit
}

// head is what is checked out.
type head struct {
	branch plumbing.ReferenceName // "" when detached
	commit plumbing.Hash          // zero before the first commit
}

// Open finds the repository that holds dir, linked worktrees included, and reads its head. It gives ErrNone outside of one and
// ErrUnsupported for a format this package cannot write.
func Open(dir string) (*Repo, error) {
	at, err := locate(dir)
	if err != nil {
		return nil, err
	}
	own, err := at.ownConfig()
	if err != nil {
		return nil, err
	}
	if err := supported(own); err != nil {
		return nil, err
	}
	if bare, _ := own.last("core", "", "bare"); strings.EqualFold(bare, "true") && at.gitDir == at.commonDir {
		return nil, ErrNone
	}
	r := &Repo{layout: at, store: at.storage(false)}
	if r.head, err = r.readHead(); err != nil {
		return nil, err
	}
	if r.head.commit.IsZero() {
		return r, nil
	}
	c, err := readCommit(r.store, r.head.commit)
	if err != nil {
		return nil, fmt.Errorf("read git head: %w", err)
	}
	r.tree = c.tree
	return r, nil
}

// storage opens the object and reference store. A walk over many objects keeps its files open and must close the store.
func (l layout) storage(walk bool) *filesystem.Storage {
	fs := dotgit.NewRepositoryFilesystem(osfs.New(l.gitDir), osfs.New(l.commonDir))
	return filesystem.NewStorageWithOptions(fs, cache.NewObjectLRU(96*cache.MiByte), filesystem.Options{
		KeepDescriptors: walk, AlternatesFS: osfs.New(string(filepath.Separator))})
}

func (r *Repo) readHead() (head, error) {
	ref, err := r.store.Reference(plumbing.HEAD)
	if err != nil {
		return head{}, fmt.Errorf("read git head: %w", err)
	}
	if ref.Type() == plumbing.HashReference {
		return head{commit: ref.Hash()}, nil
	}
	h := head{branch: ref.Target()}
	h.commit, err = r.localRef(h.branch)
	return h, err
}

// localRef gives the object a reference of the repository points at, zero when there is no such reference.
func (r *Repo) localRef(name plumbing.ReferenceName) (plumbing.Hash, error) {
	ref, err := r.store.Reference(name)
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		return plumbing.ZeroHash, nil
	}
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("read git reference %s: %w", name, err)
	}
	return ref.Hash(), nil
}

// Root gives the folder of the work tree, without symlinks.
func (r *Repo) Root() string { return r.root }

// Head gives the id of the commit that is checked out, "" before the first commit.
func (r *Repo) Head() string { return shown(r.head.commit) }

// Branch gives the short name of the branch that is checked out, "" when HEAD is detached.
func (r *Repo) Branch() string { return r.head.branch.Short() }

// Path gives the name a path of the file system has in the repository, with slashes; neither the file nor its folder need be there. It is
// an error when it lies outside.
func (r *Repo) Path(path string) (string, error) {
	dir, rest := filepath.Dir(path), filepath.Base(path)
	real, err := filepath.EvalSymlinks(dir)
	for errors.Is(err, fs.ErrNotExist) && dir != filepath.Dir(dir) {
		dir, rest = filepath.Dir(dir), filepath.Join(filepath.Base(dir), rest)
		real, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return "", fmt.Errorf("find %s in the git work tree: %w", path, err)
	}
	rel, err := filepath.Rel(r.root, filepath.Join(real, rest))
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return "", fmt.Errorf("find %s in the git work tree: it lies outside of %s", path, r.root)
	}
	return filepath.ToSlash(rel), nil
}

// Holds tells whether the head commit has a file (a path in the file system) with exactly this content, or with LF where this has CRLF: so
// git checks it out with core.autocrlf.
func (r *Repo) Holds(path string, content []byte) bool {
	rel, err := r.Path(path)
	if err != nil || r.tree.IsZero() {
		return false
	}
	e, err := find(r.store, r.tree, rel)
	if err != nil {
		return false
	}
	return e.hash == plumbing.ComputeHash(plumbing.BlobObject, content) ||
		e.hash == plumbing.ComputeHash(plumbing.BlobObject, bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n")))
}

// Read gives the content of a file (its name in the repository) at a revision: "" for the head, a commit's id, or a full reference
// name. It gives ErrNoFile when the revision or the file is not there, and ErrMissingObject when this clone lacks the bytes.
func (r *Repo) Read(revision, path string) ([]byte, error) {
	id, err := r.resolve(revision)
	if err != nil {
		return nil, err
	}
	if id.IsZero() {
		return nil, fmt.Errorf("%w: %s has no commit", ErrNoFile, orHead(revision))
	}
	c, err := readCommit(r.store, id)
	if err != nil {
		return nil, err
	}
	e, err := find(r.store, c.tree, path)
	if err != nil {
		return nil, err
	}
	if e.hash.IsZero() {
		return nil, fmt.Errorf("%w: %s at %s", ErrNoFile, path, orHead(revision))
	}
	return readObject(r.store, plumbing.BlobObject, e.hash)
}

// Blob gives the bytes of a file by the id that a History change names. It gives ErrMissingObject when this clone lacks them.
func (r *Repo) Blob(id string) ([]byte, error) {
	h, ok := parseID(id)
	if !ok {
		return nil, fmt.Errorf("read git blob: %q is no object id", id)
	}
	return readObject(r.store, plumbing.BlobObject, h)
}

// Shallow tells whether history is cut off in this clone.
func (r *Repo) Shallow() (bool, error) {
	ids, err := r.store.Shallow()
	return len(ids) > 0, err
}

// resolve finds the commit of a revision: "" (HEAD), a full id or a reference's full name. Zero means that there is none.
func (r *Repo) resolve(revision string) (plumbing.Hash, error) {
	if revision == "" || revision == "HEAD" {
		return r.head.commit, nil
	}
	if h, ok := parseID(revision); ok {
		return h, nil
	}
	return r.localRef(plumbing.ReferenceName(revision))
}

func orHead(revision string) string {
	if revision == "" {
		return "HEAD"
	}
	return revision
}

func parseID(s string) (plumbing.Hash, bool) {
	h := plumbing.NewHash(s)
	return h, len(s) == 40 && h.String() == strings.ToLower(s)
}

// shown gives an id as text, "" for none.
func shown(h plumbing.Hash) string {
	if h.IsZero() {
		return ""
	}
	return h.String()
}
