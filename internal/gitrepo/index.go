package gitrepo

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // the index is sealed with it
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The index is edited as bytes: an entry that is not dcsync's is written as it was read, with everything the user staged in it and
// every flag. go-git's encoder would drop flags and extensions. Format: git's documentation, "index format".

const (
	indexStat     = 40 // bytes of stat data before the hash
	indexHash     = indexStat + 20
	indexFlags    = indexHash + 2
	indexExtended = indexFlags + 2

	flagAssumeValid  = 0x8000
	flagExtended     = 0x4000
	flagStage        = 0x3000
	flagName         = 0x0fff
	flagSkipWorktree = 0x4000 // of the extended flags
)

// index is a parsed index file.
type index struct {
	version    uint32
	entries    []indexEntry
	extensions []byte
	sealed     bool // ends with a checksum; index.skipHash leaves zeros
}

type indexEntry struct {
	fixed []byte // stat data, hash and flags, as they were
	name  string
}

// errIndex says that an index cannot be read; which part does not help a user.
var errIndex = errors.New("read git index: malformed")

// parseIndex reads an index file. A split or sparse index, and anything git marks as required, is ErrUnsupported.
func parseIndex(data []byte) (*index, error) {
	if len(data) == 0 {
		return &index{version: 2, sealed: true}, nil
	}
	if len(data) < 32 || string(data[:4]) != "DIRC" {
		return nil, errIndex
	}
	x := &index{version: binary.BigEndian.Uint32(data[4:])}
	if x.version < 2 || x.version > 4 {
		return nil, &UnsupportedError{Feature: fmt.Sprintf("index version %d", x.version)}
	}
	body, seal := data[:len(data)-20], data[len(data)-20:]
	x.sealed = !bytes.Equal(seal, make([]byte, 20))
	if sum := sha1.Sum(body); x.sealed && !bytes.Equal(sum[:], seal) { //nolint:gosec // as above
		return nil, errIndex
	}
	rest := body[12:]
	previous := ""
	for range binary.BigEndian.Uint32(data[8:]) {
		var e indexEntry
		var err error
		if e, rest, err = x.next(rest, previous); err != nil {
			return nil, err
		}
		x.entries = append(x.entries, e)
		previous = e.name
	}
	return x, x.keepExtensions(rest)
}

// next reads one entry.
func (x *index) next(data []byte, previous string) (indexEntry, []byte, error) {
	if len(data) < indexFlags {
		return indexEntry{}, nil, errIndex
	}
	size := indexFlags
	if binary.BigEndian.Uint16(data[indexHash:])&flagExtended != 0 {
		size = indexExtended
	}
	if len(data) < size {
		return indexEntry{}, nil, errIndex
	}
	e := indexEntry{fixed: data[:size]}
	rest := data[size:]
	if x.version == 4 {
		strip, n := offset(rest)
		if n == 0 || strip > uint64(len(previous)) {
			return indexEntry{}, nil, errIndex
		}
		rest = rest[n:]
		e.name = previous[:uint64(len(previous))-strip]
	}
	end := bytes.IndexByte(rest, 0)
	if end < 0 {
		return indexEntry{}, nil, errIndex
	}
	e.name += string(rest[:end])
	used := end + 1
	if x.version < 4 {
		used = padded(size+end) - size
	}
	if len(rest) < used {
		return indexEntry{}, nil, errIndex
	}
	return e, rest[used:], nil
}

// padded gives the length an entry of versions 2 and 3 takes: one to eight zeros, up to a multiple of eight.
func padded(n int) int { return (n/8 + 1) * 8 }

// offset reads git's variable-length number; n is 0 when it is cut off.
func offset(b []byte) (v uint64, n int) {
	for i, c := range b {
		if i > 8 {
			return 0, 0
		}
		if i > 0 {
			v++
		}
		v = v<<7 | uint64(c&0x7f)
		if c&0x80 == 0 {
			return v, i + 1
		}
	}
	return 0, 0
}

func appendOffset(b []byte, v uint64) []byte {
	at := [10]byte{9: byte(v & 0x7f)}
	i := 9
	for v >>= 7; v > 0; v >>= 7 {
		v--
		i--
		at[i] = byte(v&0x7f) | 0x80
	}
	return append(b, at[i:]...)
}

// keepExtensions keeps those that stay true when an entry changes. Dropped are caches of whole trees and of offsets, and the file
// system monitor's, all of which git makes anew.
func (x *index) keepExtensions(data []byte) error {
	for len(data) > 0 {
		if len(data) < 8 || uint64(len(data)-8) < uint64(binary.BigEndian.Uint32(data[4:])) {
			return errIndex
		}
		name, size := string(data[:4]), 8+int(binary.BigEndian.Uint32(data[4:]))
		switch name {
		case "link":
			return &UnsupportedError{Feature: "a split index", Hint: "run git update-index --no-split-index"}
		case "sdir":
			return &UnsupportedError{Feature: "a sparse index", Hint: "run git sparse-checkout reapply --no-sparse-index"}
		case "REUC", "UNTR":
			x.extensions = append(x.extensions, data[:size]...)
		default:
			if name[0] < 'A' || name[0] > 'Z' {
				return &UnsupportedError{Feature: fmt.Sprintf("the index extension %q", name)}
			}
		}
		data = data[size:]
	}
	return nil
}

// set makes one file's entry: content and mode as given, nothing said of the file in the work tree, so that git looks at it: of a file
// whose size is another than it remembers, git takes for granted that it was changed, and core.autocrlf lets one content have two sizes. It
// tells whether anything changed.
func (x *index) set(path string, file entry) bool {
	mode := uint32(0o100644)
	if file.mode == modeExecutable {
		mode = 0o100755
	}
	at, found := slices.BinarySearchFunc(x.entries, path, func(e indexEntry, name string) int { return strings.Compare(e.name, name) })
	end := at
	for end < len(x.entries) && x.entries[end].name == path {
		end++
	}
	flags, extended := uint16(min(len(path), flagName)), uint16(0)
	if found && end == at+1 {
		old := x.entries[at].fixed
		was := binary.BigEndian.Uint16(old[indexHash:])
		flags |= was & flagAssumeValid
		if was&flagExtended != 0 {
			extended = binary.BigEndian.Uint16(old[indexFlags:]) & flagSkipWorktree
		}
	}
	fixed := make([]byte, indexStat, indexExtended)
	binary.BigEndian.PutUint32(fixed[24:], mode)
	fixed = append(fixed, file.hash[:]...)
	if extended != 0 {
		fixed = binary.BigEndian.AppendUint16(fixed, flags|flagExtended)
		fixed = binary.BigEndian.AppendUint16(fixed, extended)
	} else {
		fixed = binary.BigEndian.AppendUint16(fixed, flags)
	}
	if !found {
		x.dropUntracked()
	}
	if found && end == at+1 && bytes.Equal(fixed, x.entries[at].fixed) {
		return false
	}
	x.entries = slices.Replace(x.entries, at, end, indexEntry{fixed: fixed, name: path})
	return true
}

// remove takes one file out. It tells whether it was there.
func (x *index) remove(path string) bool {
	before := len(x.entries)
	x.entries = slices.DeleteFunc(x.entries, func(e indexEntry) bool { return e.name == path })
	if len(x.entries) == before {
		return false
	}
	x.dropUntracked()
	return true
}

// dropUntracked forgets git's cache of untracked files, which may be wrong about a file that has just become tracked or is no longer.
func (x *index) dropUntracked() {
	var kept []byte
	for data := x.extensions; len(data) > 0; {
		size := 8 + int(binary.BigEndian.Uint32(data[4:]))
		if string(data[:4]) != "UNTR" {
			kept = append(kept, data[:size]...)
		}
		data = data[size:]
	}
	x.extensions = kept
}

func (x *index) encode() []byte {
	out := binary.BigEndian.AppendUint32([]byte("DIRC"), x.version)
	out = binary.BigEndian.AppendUint32(out, uint32(len(x.entries)))
	previous := ""
	for _, e := range x.entries {
		out = append(out, e.fixed...)
		if x.version < 4 {
			out = append(out, e.name...)
			out = append(out, make([]byte, padded(len(e.fixed)+len(e.name))-len(e.fixed)-len(e.name))...)
			continue
		}
		common := 0
		for common < min(len(previous), len(e.name)) && previous[common] == e.name[common] {
			common++
		}
		out = appendOffset(out, uint64(len(previous)-common))
		out = append(append(out, e.name[common:]...), 0)
		previous = e.name
	}
	out = append(out, x.extensions...)
	if !x.sealed {
		return append(out, make([]byte, 20)...)
	}
	sum := sha1.Sum(out) //nolint:gosec // as above
	return append(out, sum[:]...)
}

// stage puts files into the index of the work tree, or takes them out of it (a zero entry), under git's own lock, waiting a little for another
// process to free it. A clone that has commits but no index has nothing checked out, and stays so.
func (r *Repo) stage(ctx context.Context, clock Clock, files map[string]entry) error {
	path := filepath.Join(r.gitDir, "index")
	lock, err := takeFileLock(ctx, clock, path)
	if err != nil {
		return err
	}
	defer lock.drop()
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && !r.head.commit.IsZero() {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read git index: %w", err)
	}
	x, err := parseIndex(data)
	if err != nil {
		return err
	}
	changed := false
	for name, file := range files {
		if file.hash.IsZero() {
			changed = x.remove(name) || changed
		} else {
			changed = x.set(name, file) || changed
		}
	}
	if !changed {
		return nil
	}
	return lock.commit(x.encode())
}

// indexEditable refuses an index that stage could not write.
func (r *Repo) indexEditable() error {
	data, err := os.ReadFile(filepath.Join(r.gitDir, "index"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read git index: %w", err)
	}
	_, err = parseIndex(data)
	return err
}
