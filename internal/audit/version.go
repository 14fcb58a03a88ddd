package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
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
	problem   error       // why it cannot be read
	data      []byte
	twice     map[resource.Address][]resource.Address // others that own an address's live id
}

// stored is one entry of a version. Versions share it as long as its bytes stay the same.
type stored struct {
	name    string // Kind/name
	address resource.Address
	raw     []byte

	decoded bool
	entry   *state.Entry // nil when it cannot be read
	odd     bool         // its bytes are not those dcsync would write
	problem error
}

// noVersion stands for a file that is not there.
func noVersion() *version { return &version{head: state.New(""), canonical: true} }

// readVersion cuts a state file into its parts. What cannot be read at all has a problem.
func readVersion(data []byte) *version {
	v := &version{data: data}
	if v.cut(data) {
		v.canonical = true
		return v
	}
	f, err := state.Decode("state", data)
	if err != nil {
		return &version{problem: err}
	}
	again, err := state.Encode(f)
	if err != nil || !v.cut(again) {
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

// cut takes the canonical form apart. It gives false for any other form, and then leaves v as it was.
func (v *version) cut(data []byte) bool {
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
	body := data[start:end]
	after := bytes.TrimPrefix(data[end:], []byte("\n  "))
	shell := append(bytes.Clone(data[:start]), after...)
	head, err := state.Decode("state", shell)
	if err != nil || len(head.Objects) > 0 {
		return false
	}
	if again, err := state.Encode(head); err != nil || !bytes.Equal(again, shell) {
		return false
	}
	var entries []*stored
	for len(body) > 0 {
		if !bytes.HasPrefix(body, entryBegin) {
			return false
		}
		body = body[len(entryBegin):]
		name, rest, ok := bytes.Cut(body, keyEnd)
		if !ok || bytes.ContainsAny(name, "\\\"\n") {
			return false
		}
		raw := rest
		body = nil
		if next := bytes.Index(rest, entryBegin); next >= 0 {
			raw, body = rest[:next], rest[next:]
			if raw, ok = bytes.CutSuffix(raw, []byte(",")); !ok {
				return false
			}
		}
		address, err := resource.ParseAddress(string(name))
		if err != nil || len(entries) > 0 && entries[len(entries)-1].name >= string(name) {
			return false
		}
		entries = append(entries, &stored{name: string(name), address: address, raw: raw})
	}
	v.head, v.entries = head, entries
	return true
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
	s.odd = err != nil || !check.cut(again) || !bytes.Equal(check.entries[0].raw, s.raw)
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

// seekTwice keeps which of some entries own a live id that others own too, and lets go of the version's bytes.
func (v *version) seekTwice(changed []change) {
	for _, c := range changed {
		e := c.after.read()
		if e == nil {
			continue
		}
		text, err := json.Marshal(e.Identity.ID)
		line := append([]byte("\n        \"id\": "), text...)
		if err != nil || bytes.Count(v.data, line) < 2 {
			continue
		}
		for _, s := range v.entries {
			if s.address.Kind == c.address.Kind && s.address != c.address && bytes.Contains(s.raw, line) {
				if v.twice == nil {
					v.twice = map[resource.Address][]resource.Address{}
				}
				v.twice[c.address] = append(v.twice[c.address], s.address)
			}
		}
	}
	v.data = nil
}

// step is the way from one version to the next.
type step struct {
	before, after *version
	changed       []change // by address
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
			if bytes.Equal(before.entries[i].raw, after.entries[j].raw) {
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
