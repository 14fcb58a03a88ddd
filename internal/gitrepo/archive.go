package gitrepo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"

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
	a := &archive{Storage: l.storage(true), recent: recent{most: maxRecent}}
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
	if c := a.held(t, h); c != nil {
		c.lent = true
		return &packed{h, c.content}, nil
	}
	return a.Storage.EncodedObject(t, h)
}

// held gives an object of the packs, nil where the archive does not read it. Its bytes are good until the next object is asked for, unless
// it is marked as lent.
func (a *archive) held(t plumbing.ObjectType, h plumbing.Hash) *held {
	for _, p := range a.packs {
		at, err := p.index.FindOffset(h)
		if err != nil {
			continue
		}
		c, err := a.content(p, at)
		if err != nil || t != plumbing.AnyObject && c.kind != t {
			break
		}
		return c
	}
	return nil
}

// content is an object put together. Its bytes are shared, and nobody may change them.
type content struct {
	kind plumbing.ObjectType
	data []byte
}

// held is a content that the archive remembers.
type held struct {
	content
	lent bool // somebody else has its bytes, too: they are not to be written over, ever
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
func (a *archive) content(p *pack, at int64) (*held, error) {
	type link struct {
		at    int64
		delta []byte
	}
	var chain []link
	c := a.recent.get(place{p, at})
	for c == nil {
		h, err := p.scanner.SeekObjectHeader(at)
		if err != nil {
			return nil, err
		}
		if h.Length > maxArchived || len(chain) == maxChain {
			return nil, errNotArchived
		}
		w := &collector{a.recent.room(h.Length)}
		if _, _, err := p.scanner.NextObject(w); err != nil {
			return nil, err
		}
		if int64(len(w.data)) != h.Length {
			return nil, errNotArchived
		}
		switch h.Type {
		case plumbing.OFSDeltaObject:
			chain = append(chain, link{at, w.data})
			at = h.OffsetReference
		case plumbing.REFDeltaObject:
			chain = append(chain, link{at, w.data})
			if at, err = p.index.FindOffset(h.Reference); err != nil {
				return nil, err
			}
		default:
			c = a.recent.put(place{p, at}, content{h.Type, w.data})
			continue
		}
		c = a.recent.get(place{p, at})
	}
	for i := len(chain) - 1; i >= 0; i-- {
		data, err := patched(c.data, chain[i].delta, a.recent.room)
		if err != nil {
			return nil, err
		}
		c = a.recent.put(place{p, chain[i].at}, content{c.kind, data})
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
// base and what to insert. The result is written to what room gives for its size, which is no part of the base.
func patched(base, delta []byte, room func(int64) []byte) ([]byte, error) {
	from, n := binary.Uvarint(delta)
	size, m := binary.Uvarint(delta[max(n, 0):])
	if n <= 0 || m <= 0 || from != uint64(len(base)) || size > maxArchived {
		return nil, errNotArchived
	}
	out := room(int64(size))
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
// What was forgotten and never lent leaves its room to what comes next: thousands of versions of one file take that of some.
type recent struct {
	young, old map[place]*held
	size, most int      // bytes in young, and how many it may hold
	spare      [][]byte // of the half that was forgotten last
}

const (
	maxRecent = 64 << 20 // bytes that a half holds
	minSpare  = 16 << 10 // bytes that are worth using again
)

// get gives what is remembered, nil when nothing is.
func (r *recent) get(at place) *held {
	if c := r.young[at]; c != nil {
		return c
	}
	return r.old[at]
}

// put remembers a content. It may forget any other, and their bytes are then written over.
func (r *recent) put(at place, c content) *held {
	if r.young == nil || r.size > 0 && r.size+len(c.data) > r.most {
		r.spare = nil
		for _, was := range r.old {
			if !was.lent && cap(was.data) >= minSpare {
				r.spare = append(r.spare, was.data)
			}
		}
		r.young, r.old, r.size = map[place]*held{}, r.young, 0
	}
	h := &held{content: c}
	r.young[at] = h
	r.size += len(c.data)
	return h
}

// room gives an empty slice that has room for a number of bytes, and not much more than that.
func (r *recent) room(size int64) []byte {
	for i, b := range slices.Backward(r.spare) {
		if have := int64(cap(b)); size >= minSpare && have >= size && have/2 <= size {
			r.spare = slices.Delete(r.spare, i, i+1)
			return b[:0]
		}
	}
	return make([]byte, 0, size)
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
