package gitrepo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/idxfile"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"
)

// archive is the store of whoever reads very many objects: most of them lie in packs, as differences to one another. go-git computes the
// id of each that it puts together anew, to remember it by, and copies it several times; of a file of a megabyte with thousands of
// versions that is most of the work. The archive remembers by place in the pack and copies once. Whatever it cannot read, go-git is asked
// for, and says what is wrong.
type archive struct {
	*filesystem.Storage
	packs  []*pack
	recent recent
}

// pack is one pack of the clone, kept open.
type pack struct {
	index   *idxfile.MemoryIndex
	file    io.Closer
	scanner *packfile.Scanner
}

// archive opens the object store for reading many objects. It keeps files open and must be closed.
func (l layout) archive() *archive {
	a := &archive{Storage: l.storage(true)}
	dir := dotgit.New(dotgit.NewRepositoryFilesystem(osfs.New(l.gitDir), osfs.New(l.commonDir)))
	names, err := dir.ObjectPacks()
	if err != nil {
		return a // go-git will meet the same error
	}
	for _, name := range names {
		if p, err := openPack(dir, name); err == nil {
			a.packs = append(a.packs, p)
		}
	}
	return a
}

func openPack(dir *dotgit.DotGit, name plumbing.Hash) (*pack, error) {
	f, err := dir.ObjectPackIdx(name)
	if err != nil {
		return nil, err
	}
	p := &pack{index: idxfile.NewMemoryIndex()}
	err = idxfile.NewDecoder(f).Decode(p.index)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	data, err := dir.ObjectPack(name)
	if err != nil {
		return nil, err
	}
	p.file, p.scanner = data, packfile.NewScanner(data)
	return p, nil
}

// Close closes what was kept open.
func (a *archive) Close() error {
	err := a.Storage.Close()
	for _, p := range a.packs {
		err = errors.Join(err, p.file.Close())
	}
	return err
}

// EncodedObject makes archive a source.
func (a *archive) EncodedObject(t plumbing.ObjectType, h plumbing.Hash) (plumbing.EncodedObject, error) {
	for _, p := range a.packs {
		at, err := p.index.FindOffset(h)
		if err != nil {
			continue
		}
		c, err := a.content(p, at)
		if err != nil || t != plumbing.AnyObject && c.kind != t {
			break
		}
		return &packed{h, c}, nil
	}
	return a.Storage.EncodedObject(t, h)
}

// content is an object put together. Its bytes are shared, and nobody may change them.
type content struct {
	kind plumbing.ObjectType
	data []byte
}

// place is where an object begins.
type place struct {
	pack *pack
	at   int64
}

const (
	maxArchived = 32 << 20 // bytes of an object that the archive puts together
	maxChain    = 4096     // differences to one another; git writes 50, or 250 when it packs aggressively
)

var errNotArchived = errors.New("the archive does not read this object")

// content puts an object together: it goes from difference to difference up to one whose content is known or written out, and back.
func (a *archive) content(p *pack, at int64) (content, error) {
	type link struct {
		at    int64
		delta []byte
	}
	var chain []link
	c, known := a.recent.get(place{p, at})
	for !known {
		h, err := p.scanner.SeekObjectHeader(at)
		if err != nil {
			return c, err
		}
		if h.Length > maxArchived || len(chain) == maxChain {
			return c, errNotArchived
		}
		w := &collector{make([]byte, 0, h.Length)}
		if _, _, err := p.scanner.NextObject(w); err != nil {
			return c, err
		}
		if int64(len(w.data)) != h.Length {
			return c, errNotArchived
		}
		switch h.Type {
		case plumbing.OFSDeltaObject:
			chain = append(chain, link{at, w.data})
			at = h.OffsetReference
		case plumbing.REFDeltaObject:
			chain = append(chain, link{at, w.data})
			if at, err = p.index.FindOffset(h.Reference); err != nil {
				return c, err
			}
		default:
			c, known = content{h.Type, w.data}, true
			a.recent.put(place{p, at}, c)
			continue
		}
		c, known = a.recent.get(place{p, at})
	}
	for i := len(chain) - 1; i >= 0; i-- {
		data, err := patched(c.data, chain[i].delta)
		if err != nil {
			return c, err
		}
		c.data = data
		a.recent.put(place{p, chain[i].at}, c)
	}
	return c, nil
}

// collector takes what is written to it.
type collector struct{ data []byte }

func (c *collector) Write(b []byte) (int, error) {
	c.data = append(c.data, b...)
	return len(b), nil
}

// patched applies a difference (gitformat-pack, "deltified representation"): the sizes of base and result, then what to copy from the
// base and what to insert.
func patched(base, delta []byte) ([]byte, error) {
	from, n := binary.Uvarint(delta)
	size, m := binary.Uvarint(delta[max(n, 0):])
	if n <= 0 || m <= 0 || from != uint64(len(base)) || size > maxArchived {
		return nil, errNotArchived
	}
	out := make([]byte, 0, size)
	for rest := delta[n+m:]; len(rest) > 0; {
		op := rest[0]
		rest = rest[1:]
		part := rest
		if op&0x80 == 0 {
			if int(op) > len(rest) || op == 0 {
				return nil, errNotArchived
			}
			part, rest = rest[:op], rest[op:]
		} else {
			var number [8]byte // offset in four bytes, size in three
			for i := range 7 {
				if op>>i&1 == 0 {
					continue
				}
				if len(rest) == 0 {
					return nil, errNotArchived
				}
				number[i], rest = rest[0], rest[1:]
			}
			start, count := int(binary.LittleEndian.Uint32(number[:4])), int(binary.LittleEndian.Uint32(number[4:]))
			if count == 0 {
				count = 0x10000
			}
			if start > len(base) || count > len(base)-start {
				return nil, errNotArchived
			}
			part = base[start : start+count]
		}
		if uint64(len(out)+len(part)) > size {
			return nil, errNotArchived
		}
		out = append(out, part...)
	}
	if uint64(len(out)) != size {
		return nil, errNotArchived
	}
	return out, nil
}

// recent remembers what was put together last, in two halves: when one is full the other is forgotten. To ask for something makes it no
// younger: a reader that goes against the direction of a chain of differences takes each of them once, after the whole chain was put in.
type recent struct {
	young, old map[place]content
	size       int // bytes in young
}

// maxRecent is how many bytes a half holds.
const maxRecent = 64 << 20

func (r *recent) get(at place) (content, bool) {
	c, ok := r.young[at]
	if !ok {
		c, ok = r.old[at]
	}
	return c, ok
}

func (r *recent) put(at place, c content) {
	if r.young == nil || r.size > 0 && r.size+len(c.data) > maxRecent {
		r.young, r.old, r.size = map[place]content{}, r.young, 0
	}
	r.young[at] = c
	r.size += len(c.data)
}

// packed is an object of the archive; it cannot be written.
type packed struct {
	id plumbing.Hash
	content
}

func (p *packed) Hash() plumbing.Hash             { return p.id }
func (p *packed) Type() plumbing.ObjectType       { return p.kind }
func (p *packed) SetType(plumbing.ObjectType)     {}
func (p *packed) Size() int64                     { return int64(len(p.data)) }
func (p *packed) SetSize(int64)                   {}
func (p *packed) Reader() (io.ReadCloser, error)  { return io.NopCloser(bytes.NewReader(p.data)), nil }
func (p *packed) Writer() (io.WriteCloser, error) { return nil, errNotArchived }
