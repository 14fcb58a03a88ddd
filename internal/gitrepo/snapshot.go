package gitrepo

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// Snapshots reads what commits hold: their folders and files, by id. Equal content has one id whatever commit it is in, so that a caller
// who remembers what it made of an id need not ask again. It keeps files open until Close, and is not safe for concurrent use.
type Snapshots struct {
	repo    *Repo
	store   *archive
	folders [8][]listed // some that were read last: of two versions of a folder most entries are equal
	next    int         // of folders, the one to give up
	spare   []listed    // room for the next one
}

// listed is an entry of a folder: its bytes, and what they say.
type listed struct {
	raw      []byte
	name, id string
	mode     fs.FileMode
}

// maxListed bounds the entries of a folder that is remembered.
const maxListed = 1 << 15

// Snapshots opens the repository's objects for reading many of them.
func (r *Repo) Snapshots() *Snapshots {
	return &Snapshots{repo: r, store: r.layout.archive()}
}

// Close closes the files that were kept open.
func (s *Snapshots) Close() error { return s.store.Close() }

// Tree gives the id of a folder (its name in the repository, "" for the root) at a revision: "" for the head, a commit's id or a full
// reference name. It gives ErrNoFile when there is no such commit or folder, and ErrMissingObject when this clone lacks it.
func (s *Snapshots) Tree(revision, folder string) (string, error) {
	id, err := s.repo.resolve(revision)
	if err != nil {
		return "", err
	}
	if id.IsZero() {
		return "", fmt.Errorf("%w: %s has no commit", ErrNoFile, orHead(revision))
	}
	c, err := readCommit(s.store, id)
	if err != nil {
		return "", err
	}
	e, err := find(s.store, c.tree, folder)
	if err != nil {
		return "", err
	}
	if !e.isTree() {
		return "", fmt.Errorf("%w: folder %s at %s", ErrNoFile, folder, orHead(revision))
	}
	return e.hash.String(), nil
}

// File gives the id of a file at a revision, as for Tree; "" when no file is there.
func (s *Snapshots) File(revision, path string) (string, error) {
	id, err := s.repo.resolve(revision)
	if err != nil || id.IsZero() {
		return "", err
	}
	c, err := readCommit(s.store, id)
	if err != nil {
		return "", err
	}
	e, err := find(s.store, c.tree, path)
	if err != nil || e.isTree() {
		return "", err
	}
	return shown(e.hash), nil
}

// Commit is Repo.Describe.
func (s *Snapshots) Commit(id string) (Commit, error) { return describe(s.store, id) }

// Folder calls visit for everything in a folder, in git's order: with its name, its id and its type, which is 0 for a file, fs.ModeDir,
// fs.ModeSymlink (a file that holds where it leads), or fs.ModeIrregular for what is not in the repository, a submodule. What git refuses
// to check out, such as "..", is left out. It gives ErrMissingObject when this clone lacks the folder.
func (s *Snapshots) Folder(id string, visit func(name, id string, mode fs.FileMode)) error {
	h, ok := parseID(id)
	if !ok {
		return fmt.Errorf("read git tree: %q is no object id", id)
	}
	raw, err := readObject(s.store, plumbing.TreeObject, h)
	if err != nil {
		return err
	}
	slot := s.version(raw)
	was, now := s.folders[slot], s.spare[:0]
	s.spare = nil // visit may ask for other folders
	for len(raw) > 0 {
		for len(was) > 0 && !bytes.HasPrefix(raw, was[0].raw) && comesFirst(was[0].raw, raw) {
			was = was[1:]
		}
		var e listed
		if len(was) > 0 && bytes.HasPrefix(raw, was[0].raw) {
			e, was = was[0], was[1:]
		} else if e, err = list(raw); err != nil {
			return err
		}
		if isCheckedOut(e.name) {
			visit(e.name, e.id, e.mode)
		}
		now, raw = append(now, e), raw[len(e.raw):]
	}
	if len(now) <= maxListed {
		s.folders[slot], s.spare = now, s.folders[slot]
	}
	return nil
}

// version gives the place in folders of another version of a folder, by the name of its first entry, or one to put it in.
func (s *Snapshots) version(raw []byte) int {
	name := raw[:bytes.IndexByte(raw, 0)+1]
	for i, f := range s.folders {
		if len(f) > 0 && bytes.HasPrefix(f[0].raw, name) {
			return i
		}
	}
	s.next = (s.next + 1) % len(s.folders)
	return s.next
}

// list reads the first entry of a tree's bytes.
func list(raw []byte) (listed, error) {
	e, rest, err := nextEntry(raw)
	if err != nil {
		return listed{}, err
	}
	raw = bytes.Clone(raw[:len(raw)-len(rest)])
	return listed{raw, e.name, e.hash.String(), fileMode(raw)}, nil
}

// isCheckedOut tells whether git would write an entry of this name to disk.
func isCheckedOut(name string) bool {
	switch name {
	case "", ".", "..", ".git":
		return false
	}
	return !strings.Contains(name, "/")
}

// fileMode gives the type of the entry that a tree's bytes begin with.
func fileMode(raw []byte) fs.FileMode {
	switch mode, _, _ := bytes.Cut(raw, []byte(" ")); string(mode) {
	case modeTree:
		return fs.ModeDir
	case modeFile, modeExecutable, "100664":
		return 0
	case "120000":
		return fs.ModeSymlink
	}
	return fs.ModeIrregular
}

// Blob gives the bytes of a file by its id, which are not to be changed; whole is false, and nothing read, when they are more than limit. It
// gives ErrMissingObject when this clone lacks them.
func (s *Snapshots) Blob(id string, limit int64) (data []byte, whole bool, err error) {
	h, ok := parseID(id)
	if !ok {
		return nil, false, fmt.Errorf("read git blob: %q is no object id", id)
	}
	o, err := lookUp(s.store, plumbing.BlobObject, h)
	if err != nil || o.Size() > limit {
		return nil, false, err
	}
	data, err = contentOf(o)
	return data, err == nil, err
}

// BlobInto is Blob for a caller who reads many versions of a large file: it copies them, and a buffer of the caller's is used again where
// its room suffices. What the buffer held is lost even where nothing is read.
func (s *Snapshots) BlobInto(buffer []byte, id string, limit int64) (data []byte, whole bool, err error) {
	if h, ok := parseID(id); ok {
		if c := s.store.held(plumbing.BlobObject, h); c != nil {
			if int64(len(c.data)) > limit {
				return nil, false, nil
			}
			return append(buffer[:0], c.data...), true, nil
		}
	}
	data, whole, err = s.Blob(id, limit)
	return append(buffer[:0], data...), whole, err
}
