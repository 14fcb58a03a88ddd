package gitrepo

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/storer"
)

// Trees are read and written as bytes: History visits very many of them, and Land changes one entry of each and no other.

// Modes of tree entries, as git writes them.
const (
	modeFile       = "100644"
	modeExecutable = "100755"
	modeTree       = "40000"
)

// entry is one line of a tree. The zero entry stands for "not there".
type entry struct {
	mode string
	name string
	hash plumbing.Hash
}

func (e entry) isTree() bool { return e.mode == modeTree }

// isFile tells whether the entry is a plain file; links and submodules are not.
func (e entry) isFile() bool {
	return e.mode == modeFile || e.mode == modeExecutable || e.mode == "100664"
}

// source is where objects are read from.
type source interface {
	EncodedObject(plumbing.ObjectType, plumbing.Hash) (plumbing.EncodedObject, error)
}

func readObject(s source, t plumbing.ObjectType, h plumbing.Hash) ([]byte, error) {
	o, err := lookUp(s, t, h)
	if err != nil {
		return nil, err
	}
	return contentOf(o)
}

// lookUp finds an object, of which the size is known before its content is read.
func lookUp(s source, t plumbing.ObjectType, h plumbing.Hash) (plumbing.EncodedObject, error) {
	o, err := s.EncodedObject(t, h)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return nil, fmt.Errorf("%w: %s %s", ErrMissingObject, t, h)
	}
	if err != nil {
		return nil, fmt.Errorf("read git %s %s: %w", t, h, err)
	}
	return o, nil
}

// contentOf gives an object's bytes, which nobody may change: others may hold them too.
func contentOf(o plumbing.EncodedObject) ([]byte, error) {
	if p, ok := o.(*packed); ok {
		return p.data, nil
	}
	r, err := o.Reader()
	if err != nil {
		return nil, fmt.Errorf("read git %s %s: %w", o.Type(), o.Hash(), err)
	}
	data := make([]byte, o.Size())
	_, err = io.ReadFull(r, data)
	if err = errors.Join(err, r.Close()); err != nil {
		return nil, fmt.Errorf("read git %s %s: %w", o.Type(), o.Hash(), err)
	}
	return data, nil
}

// writeObject stores an object and gives its id.
func writeObject(s storer.EncodedObjectStorer, t plumbing.ObjectType, data []byte) (plumbing.Hash, error) {
	o := s.NewEncodedObject()
	o.SetType(t)
	w, err := o.Writer()
	if err == nil {
		_, err = w.Write(data)
		err = errors.Join(err, w.Close())
	}
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("write git %s: %w", t, err)
	}
	h, err := s.SetEncodedObject(o)
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("write git %s: %w", t, err)
	}
	return h, nil
}

// nextEntry splits the first entry off a tree's bytes.
func nextEntry(raw []byte) (entry, []byte, error) {
	space, zero := bytes.IndexByte(raw, ' '), bytes.IndexByte(raw, 0)
	if space < 0 || zero < space || len(raw) < zero+1+len(plumbing.ZeroHash) {
		return entry{}, nil, errors.New("read git tree: malformed entry")
	}
	e := entry{mode: string(raw[:space]), name: string(raw[space+1 : zero])}
	n := copy(e.hash[:], raw[zero+1:])
	return e, raw[zero+1+n:], nil
}

// entryLength gives how long the first entry of a tree's bytes is, 0 where they hold no whole one.
func entryLength(raw []byte) int {
	n := bytes.IndexByte(raw, 0) + 1 + len(plumbing.ZeroHash)
	if n <= len(plumbing.ZeroHash) || n > len(raw) {
		return 0
	}
	return n
}

// readTree gives the entries of a tree. The zero hash is the empty tree.
func readTree(s source, h plumbing.Hash) ([]entry, error) {
	if h.IsZero() {
		return nil, nil
	}
	raw, err := readObject(s, plumbing.TreeObject, h)
	var out []entry
	for err == nil && len(raw) > 0 {
		var e entry
		if e, raw, err = nextEntry(raw); err == nil {
			out = append(out, e)
		}
	}
	return out, err
}

// child finds one name in a tree, without making anything of the others.
func child(s source, tree plumbing.Hash, name string) (entry, error) {
	if tree.IsZero() {
		return entry{}, nil
	}
	raw, err := readObject(s, plumbing.TreeObject, tree)
	if err != nil {
		return entry{}, err
	}
	for len(raw) > 0 {
		space, zero := bytes.IndexByte(raw, ' '), bytes.IndexByte(raw, 0)
		if space < 0 || zero < space || len(raw) < zero+1+len(plumbing.ZeroHash) {
			return entry{}, errors.New("read git tree: malformed entry")
		}
		if string(raw[space+1:zero]) == name {
			e, _, err := nextEntry(raw)
			return e, err
		}
		raw = raw[zero+1+len(plumbing.ZeroHash):]
	}
	return entry{}, nil
}

// find walks a path down from a tree. The zero entry means that it is not there. "" and "." are the tree itself.
func find(s source, tree plumbing.Hash, path string) (entry, error) {
	at := entry{mode: modeTree, hash: tree}
	if path == "" || path == "." {
		return at, nil
	}
	for name := range strings.SplitSeq(path, "/") {
		if !at.isTree() {
			return entry{}, nil
		}
		var err error
		if at, err = child(s, at.hash, name); err != nil {
			return entry{}, err
		}
	}
	return at, nil
}

// graft writes the trees that hold file at path and all else as it was, and gives the id of the new root. New trees go to into.
func graft(s source, into storer.EncodedObjectStorer, tree plumbing.Hash, path string, file entry) (plumbing.Hash, error) {
	name, rest, deeper := strings.Cut(path, "/")
	entries, err := readTree(s, tree)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	i := slices.IndexFunc(entries, func(e entry) bool { return e.name == name })
	put := entry{mode: file.mode, name: name, hash: file.hash}
	if deeper {
		var below plumbing.Hash
		if i >= 0 {
			if !entries[i].isTree() {
				return plumbing.ZeroHash, fmt.Errorf("write git tree: %s is not a folder on the branch", name)
			}
			below = entries[i].hash
		}
		put.mode = modeTree
		if put.hash, err = graft(s, into, below, rest, file); err != nil {
			return plumbing.ZeroHash, err
		}
	}
	if i >= 0 {
		entries[i] = put
	} else {
		entries = append(entries, put)
		slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.sortKey(), b.sortKey()) })
	}
	var raw bytes.Buffer
	for _, e := range entries {
		raw.WriteString(e.mode + " " + e.name + "\x00")
		raw.Write(e.hash[:])
	}
	return writeObject(into, plumbing.TreeObject, raw.Bytes())
}

// sortKey is git's order of a tree: folders sort as if their name ended in a slash.
func (e entry) sortKey() string {
	if e.isTree() {
		return e.name + "/"
	}
	return e.name
}
