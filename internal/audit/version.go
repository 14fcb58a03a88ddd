package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"dcsync/internal/resource"
	"dcsync/state"
)

// A state file may hold a thousand objects and have ten thousand versions, most of which differ in one. So a version is cut into the
// bytes of its entries, which the canonical form allows without decoding any, and only entries whose bytes differ from those of the
// version before are decoded. The canonical form is proved part by part: the file without its entries, and each entry by itself when it
// is decoded.

// version is one version of the state file.
type version struct {
	head      *state.File // all but the objects; nil when the file cannot be read
	entries   []*stored   // by address
	canonical bool        // its bytes are those dcsync would write, apart from entries not decoded yet
	crlf      bool        // but for its lines' ends
	problem   error       // why it cannot be read
	data      []byte
	body      []byte                                  // of data, the entries
	starts    []int                                   // of each entry in body
	twice     map[resource.Address][]resource.Address // others that own an address's live id
}

// stored is one entry of a version. Versions share it as long as its bytes stay the same.
type stored struct {
	name    string // Kind/name
	address resource.Address
	raw     []byte
	id      []byte // live id as it is written, once it was asked for

	decoded bool
	entry   *state.Entry // nil when it cannot be read
	odd     bool         // its bytes are not those dcsync would write
	problem error
}

// noVersion stands for a file that is not there.
func noVersion() *version { return &version{head: state.New(""), canonical: true} }

// readVersion cuts a state file into its parts, and keeps its bytes until they are released. What cannot be read at all has a problem. near
// is another version, perhaps equal in most, or nil.
func readVersion(data []byte, near *version) *version {
	v := &version{data: data}
	if v.cut(data, near) {
		v.canonical = true
		return v
	}
	if plain := bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")); len(plain) < len(data) {
		v.data, v.crlf = plain, true
		if v.cut(plain, near) {
			v.canonical = true
			return v
		}
	}
	f, err := state.Decode("state", v.data)
	if err != nil {
		return &version{problem: err}
	}
	again, err := state.Encode(f)
	if err != nil || !v.cut(again, nil) {
		return &version{problem: errors.Join(err, errors.New("it cannot be written again"))}
	}
	v.data = again
	return v
}

var (
	objectsBegin = []byte("\n  \"objects\": {")
	objectsEnd   = []byte("\n  }")
	entryBegin   = []byte("\n    \"")
	keyEnd       = []byte("\": ")
)

// cut takes the canonical form apart. It gives false for any other form, and then leaves v as it was but for its data.
func (v *version) cut(data []byte, near *version) bool {
	start := bytes.Index(data, objectsBegin)
	if start < 0 {
		return false
	}
	start += len(objectsBegin)
	end := start // none
	if start < len(data) && data[start] != '}' {
		if end = bytes.LastIndex(data, objectsEnd); end < start {
			return false
		}
	}
	after := bytes.TrimPrefix(data[end:], []byte("\n  "))
	shell := append(bytes.Clone(data[:start]), after...)
	head, err := state.Decode("state", shell)
	if err != nil || len(head.Objects) > 0 {
		return false
	}
	if again, err := state.Encode(head); err != nil || !bytes.Equal(again, shell) {
		return false
	}
	c := cutter{body: data[start:end]}
	if near == nil || near.data == nil || !c.like(near) {
		c.entries, c.starts = nil, nil
		if !c.entriesUntil(0, len(c.body), nil) {
			return false
		}
	}
	v.head, v.entries, v.body, v.starts = head, c.entries, c.body, c.starts
	return true
}

// cutter cuts the entries of a version out of its bytes.
type cutter struct {
	body    []byte
	entries []*stored
	starts  []int
}

// like takes the entries over that another version has in the same bytes at the beginning and at the end, and cuts those between.
func (c *cutter) like(near *version) bool {
	same := commonPrefix(c.body, near.body)
	first, _ := slices.BinarySearch(near.starts, same+1)
	if first--; first < 0 { // the entry in which the first difference lies
		return false
	}
	rest := commonSuffix(c.body[near.starts[first]:], near.body[near.starts[first]:])
	last, _ := slices.BinarySearch(near.starts, len(near.body)-rest) // the first one that is the same again
	last = max(last, first)
	shift := len(c.body) - len(near.body)
	end := len(c.body)
	if last < len(near.starts) {
		end = near.starts[last] + shift
	}
	c.entries, c.starts = slices.Clone(near.entries[:first]), slices.Clone(near.starts[:first])
	if !c.entriesUntil(near.starts[first], end, near.entries[first:last]) {
		return false
	}
	for i, e := range near.entries[last:] {
		if i == 0 && len(c.entries) > 0 && c.entries[len(c.entries)-1].name >= e.name {
			return false
		}
		c.entries, c.starts = append(c.entries, e), append(c.starts, near.starts[last+i]+shift)
	}
	return true
}

// entriesUntil cuts a part of the bytes, of whole entries. Those that another version has the same are taken over from it; near is where
// it has them. New ones have their bytes for themselves.
func (c *cutter) entriesUntil(at, end int, near []*stored) bool {
	for at < end {
		body := c.body[at:end]
		if !bytes.HasPrefix(body, entryBegin) {
			return false
		}
		name, raw, ok := bytes.Cut(body[len(entryBegin):], keyEnd)
		if !ok || bytes.ContainsAny(name, "\\\"\n") {
			return false
		}
		next := end
		if i := bytes.Index(raw, entryBegin); i >= 0 {
			next, raw = end-len(raw)+i, raw[:i]
		}
		if next < len(c.body) {
			if raw, ok = bytes.CutSuffix(raw, []byte(",")); !ok {
				return false
			}
		}
		if len(c.entries) > 0 && c.entries[len(c.entries)-1].name >= string(name) {
			return false
		}
		for len(near) > 0 && near[0].name < string(name) {
			near = near[1:]
		}
		if len(near) > 0 && near[0].name == string(name) && bytes.Equal(near[0].raw, raw) {
			c.entries = append(c.entries, near[0])
		} else {
			address, err := resource.ParseAddress(string(name))
			if err != nil {
				return false
			}
			c.entries = append(c.entries, &stored{name: string(name), address: address, raw: bytes.Clone(raw)})
		}
		c.starts = append(c.starts, at)
		at = next
	}
	return true
}

// block is how much is compared at once.
const block = 4096

func commonPrefix(a, b []byte) int {
	n, most := 0, min(len(a), len(b))
	for n+block <= most && bytes.Equal(a[n:n+block], b[n:n+block]) {
		n += block
	}
	for n < most && a[n] == b[n] {
		n++
	}
	return n
}

func commonSuffix(a, b []byte) int {
	n, most := 0, min(len(a), len(b))
	for n+block <= most && bytes.Equal(a[len(a)-n-block:len(a)-n], b[len(b)-n-block:len(b)-n]) {
		n += block
	}
	for n < most && a[len(a)-n-1] == b[len(b)-n-1] {
		n++
	}
	return n
}

// decode reads the entry and holds it against its canonical form, once.
func (s *stored) decode() *state.Entry {
	if s == nil || s.decoded {
		return s.read()
	}
	s.decoded = true
	key, err := json.Marshal(s.name)
	if err != nil {
		s.problem = err
		return nil
	}
	f, err := state.Decode("state", fmt.Appendf(nil, `{"format_version":%d,"objects":{%s:%s}}`, state.FormatVersion, key, s.raw))
	if err != nil {
		s.problem = err
		return nil
	}
	s.entry = f.Objects[s.address]
	if len(f.Objects) != 1 || s.entry == nil {
		s.entry, s.problem = nil, errors.New("it is no single entry")
		return nil
	}
	again, err := state.Encode(f)
	var check version
	s.odd = err != nil || !check.cut(again, nil) || !bytes.Equal(check.entries[0].raw, s.raw)
	return s.entry
}

func (s *stored) read() *state.Entry {
	if s == nil {
		return nil
	}
	return s.entry
}

// find gives the entry of an address, nil when there is none.
func (v *version) find(a resource.Address) *stored {
	name := a.String()
	low, high := 0, len(v.entries)
	for low < high {
		if mid := (low + high) / 2; v.entries[mid].name < name {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low < len(v.entries) && v.entries[low].name == name {
		return v.entries[low]
	}
	return nil
}

// distrusts tells whether a version knows a key as compromised, by itself or by a tombstone.
func (v *version) distrusts(key string) bool {
	if _, known := v.head.Compromised[key]; known {
		return true
	}
	return slices.ContainsFunc(v.entries, func(s *stored) bool {
		if !bytes.Contains(s.raw, []byte(key)) {
			return false
		}
		e := s.decode()
		return e != nil && slices.ContainsFunc(e.Identity.Tombstones, func(t state.Tombstone) bool { return t.Key == key })
	})
}

// seekTwice keeps which of some entries own a live id that others own too.
func (v *version) seekTwice(changed []change) {
	for _, c := range changed {
		e := c.after.read()
		if e == nil {
			continue
		}
		own := c.after.liveID()
		for _, s := range v.entries {
			if s.address.Kind == c.address.Kind && s != c.after && own != nil && bytes.Equal(s.liveID(), own) {
				if v.twice == nil {
					v.twice = map[resource.Address][]resource.Address{}
				}
				v.twice[c.address] = append(v.twice[c.address], s.address)
			}
		}
	}
}

// release lets go of the version's bytes and gives them to be written over: its entries have their own.
func (v *version) release() []byte {
	data := v.data
	v.data, v.body, v.starts = nil, nil, nil
	return data
}

// idLine is what the line of a live id begins with in an entry, and in no other part of it.
var idLine = []byte("\n        \"id\": ")

// liveID gives the live id as the entry's bytes write it, nil when they do not as dcsync does.
func (s *stored) liveID() []byte {
	if s.id == nil {
		s.id = []byte{}
		if _, rest, ok := bytes.Cut(s.raw, idLine); ok {
			line, _, _ := bytes.Cut(rest, []byte("\n"))
			s.id = bytes.Clone(bytes.TrimSuffix(line, []byte(",")))
		}
	}
	if len(s.id) == 0 {
		return nil
	}
	return s.id
}

// step is the way from one version to the next.
type step struct {
	before, after *version
	changed       []change // by address
}

// skips tells whether runs whose state was never committed lie between the two versions.
func (s step) skips() bool {
	return s.before.head != nil && s.after.head != nil && s.after.head.Serial > s.before.head.Serial+1
}

// change is one address whose entry differs; nil for none.
type change struct {
	address       resource.Address
	before, after *stored
}

// between compares two versions, and lets them share the entries that are the same.
func between(before, after *version) step {
	s := step{before: before, after: after}
	i, j := 0, 0
	for i < len(before.entries) || j < len(after.entries) {
		order := 0
		switch {
		case i == len(before.entries):
			order = 1
		case j == len(after.entries):
			order = -1
		default:
			order = strings.Compare(before.entries[i].name, after.entries[j].name)
		}
		switch {
		case order < 0:
			s.changed = append(s.changed, change{before.entries[i].address, before.entries[i], nil})
			i++
		case order > 0:
			s.changed = append(s.changed, change{after.entries[j].address, nil, after.entries[j]})
			j++
		default:
			if before.entries[i] == after.entries[j] || bytes.Equal(before.entries[i].raw, after.entries[j].raw) {
				before.entries[i] = after.entries[j]
			} else {
				s.changed = append(s.changed, change{after.entries[j].address, before.entries[i], after.entries[j]})
			}
			i++
			j++
		}
	}
	return s
}
