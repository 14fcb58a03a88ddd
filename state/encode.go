package state

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
)

// file and entry are the JSON shapes of format version 1.
type file struct {
	FormatVersion int                         `json:"format_version"`
	Lineage       string                      `json:"lineage"`
	Serial        int                         `json:"serial"`
	Account       *Account                    `json:"account"`
	Compromised   map[string]string           `json:"compromised_keys,omitempty"`
	Objects       map[resource.Address]*entry `json:"objects"`
}

type entry struct {
	Identity  Identity           `json:"identity"`
	Applied   applied            `json:"applied"`
	Observed  *observed          `json:"observed,omitempty"`
	Source    Source             `json:"source"`
	DependsOn []resource.Address `json:"depends_on,omitempty"`
}

type applied struct {
	Spec      json.RawMessage `json:"spec"`
	Lifecycle lifecycle       `json:"lifecycle"`
	Asked     *asked          `json:"asked,omitempty"`
}

type asked struct {
	Fields        []resource.Path `json:"fields"`
	Spec          json.RawMessage `json:"spec"`
	CertificateID string          `json:"certificate_id,omitempty"`
	Reissues      int             `json:"reissues,omitempty"`
}

type lifecycle struct {
	Generation int  `json:"generation"`
	Protect    bool `json:"protect,omitempty"`
}

type observed struct {
	At     time.Time       `json:"at"`
	Fields json.RawMessage `json:"fields"`
}

// Encode gives the canonical bytes: sorted keys, two-space indent, one newline at the end. Equal files give equal bytes.
func Encode(f *File) ([]byte, error) {
	out := file{FormatVersion: f.FormatVersion, Lineage: f.Lineage, Serial: f.Serial, Account: f.Account, Compromised: f.Compromised,
		Objects: map[resource.Address]*entry{}}
	for a, e := range f.Objects {
		w, err := e.shape()
		if err != nil {
			return nil, fmt.Errorf("encode state of %s: %w", a, err)
		}
		out.Objects[a] = w
	}
	return canonical(out)
}

// EncodeEntry gives one entry as Encode writes it.
func EncodeEntry(e *Entry) ([]byte, error) {
	w, err := e.shape()
	if err != nil {
		return nil, fmt.Errorf("encode state: %w", err)
	}
	return canonical(w)
}

func (e *Entry) shape() (*entry, error) {
	spec, err := marshal(e.Applied.Spec)
	if err != nil {
		return nil, err
	}
	w := &entry{Identity: e.Identity, Source: e.Source, DependsOn: e.DependsOn,
		Applied: applied{Spec: spec, Lifecycle: lifecycle{e.Applied.Generation, e.Applied.Protect}}}
	if a := e.Applied.Asked; a != nil {
		spec, err := marshal(a.Spec)
		if err != nil {
			return nil, err
		}
		w.Applied.Asked = &asked{Fields: a.Fields, Spec: spec, CertificateID: a.CertificateID, Reissues: a.Reissues}
	}
	if e.Observed != nil {
		fields, err := marshal(e.Observed)
		if err != nil {
			return nil, err
		}
		w.Observed = &observed{At: e.SeenAt.UTC(), Fields: fields}
	}
	return w, nil
}

func canonical(v any) ([]byte, error) {
	raw, err := marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode state: %w", err)
	}
	// Through a tree of maps, so that every level has its keys sorted.
	tree, err := resource.FromJSON(raw)
	if err != nil {
		return nil, fmt.Errorf("encode state: %w", err)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(tree); err != nil {
		return nil, fmt.Errorf("encode state: %w", err)
	}
	return b.Bytes(), nil
}

func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return b.Bytes(), err
}

// Digest gives "sha256:…" of a file's bytes.
func Digest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Decode reads a state file's bytes; name is used in messages. What is wrong with them is a diag.Diagnostic.
func Decode(name string, data []byte) (*File, error) {
	if i := bytes.Index(data, []byte("<<<<<<< ")); i >= 0 && (i == 0 || data[i-1] == '\n') {
		return nil, invalid(name, data, int64(i), "the state file holds an unresolved merge", "take one side with git checkout --ours or --theirs, then run dcsync plan")
	}
	var head struct {
		FormatVersion int `json:"format_version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, invalidJSON(name, data, err)
	}
	switch {
	case head.FormatVersion < 1:
		return nil, invalid(name, data, 0, "not a dcsync state file: no format_version", "name another file with --state, or restore it with git checkout")
	case head.FormatVersion > FormatVersion:
		return nil, diag.Diagnostic{Severity: diag.Error, Code: diag.StateTooNew, Pos: diag.Pos{File: name, Line: 1, Column: 1},
			Summary: fmt.Sprintf("state format %d was written by a newer dcsync; this one reads up to %d", head.FormatVersion, FormatVersion),
			Hint:    "update dcsync"}
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var in file
	if err := dec.Decode(&in); err != nil {
		return nil, invalidJSON(name, data, err)
	}
	f := &File{FormatVersion: in.FormatVersion, Lineage: in.Lineage, Serial: in.Serial, Account: in.Account, Compromised: in.Compromised,
		Objects: map[resource.Address]*Entry{}}
	owner := map[string]resource.Address{}
	for a, e := range in.Objects {
		if e != nil {
			k := a.Kind + " " + e.Identity.ID
			if other, taken := owner[k]; taken {
				first, second := min(a.String(), other.String()), max(a.String(), other.String())
				return nil, invalid(name, data, int64(max(0, bytes.Index(data, []byte(`"`+second+`"`)))), fmt.Sprintf("%s and %s both own %s", first, second, e.Identity.ID), "restore the last committed file with git checkout")
			}
			owner[k] = a
		}
		if e == nil || e.Identity.ID == "" {
			return nil, invalid(name, data, int64(max(0, bytes.Index(data, []byte(`"`+a.String()+`"`)))), fmt.Sprintf("%s has no id", a), "restore the file with git checkout")
		}
		spec, err := decodeMap(e.Applied.Spec)
		if err != nil {
			return nil, invalidJSON(name, data, fmt.Errorf("applied spec of %s: %w", a, err))
		}
		n := &Entry{Identity: e.Identity, Source: e.Source, DependsOn: e.DependsOn,
			Applied: Applied{Spec: spec, Generation: e.Applied.Lifecycle.Generation, Protect: e.Applied.Lifecycle.Protect}}
		if q := e.Applied.Asked; q != nil {
			spec, err := decodeMap(q.Spec)
			if err != nil {
				return nil, invalidJSON(name, data, fmt.Errorf("spec asked for of %s: %w", a, err))
			}
			n.Applied.Asked = &Asked{Fields: q.Fields, Spec: spec, CertificateID: q.CertificateID, Reissues: q.Reissues}
		}
		if e.Observed != nil {
			if n.Observed, err = decodeMap(e.Observed.Fields); err != nil {
				return nil, invalidJSON(name, data, fmt.Errorf("observed fields of %s: %w", a, err))
			}
			n.SeenAt = e.Observed.At
		}
		f.Objects[a] = n
	}
	return f, nil
}

func decodeMap(raw json.RawMessage) (resource.Map, error) {
	v, err := resource.FromJSON(raw)
	if err != nil {
		return nil, err
	}
	m, ok := v.(resource.Map)
	if !ok {
		return nil, errors.New("not an object")
	}
	return m, nil
}

func invalidJSON(name string, data []byte, err error) error {
	var offset int64
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &typ):
		offset = typ.Offset
	}
	return invalid(name, data, offset, "not a readable state file: "+err.Error(), "restore the last committed file with git checkout")
}

func invalid(name string, data []byte, offset int64, summary, hint string) error {
	before := data[:min(int(offset), len(data))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := len([]rune(string(before[bytes.LastIndexByte(before, '\n')+1:]))) + 1
	return diag.Diagnostic{Severity: diag.Error, Code: diag.StateInvalid, Pos: diag.Pos{File: name, Line: line, Column: column}, Summary: summary, Hint: hint}
}

// ErrNone says that there is no state file yet.
var ErrNone = errors.New("no state file")

// Read reads a state file and its bytes, with LF for the CRLF that git may have checked it out with: canonical bytes have no other. It
// gives ErrNone when there is none and a diag.Diagnostic for what is wrong inside.
func Read(path string) (*File, []byte, error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, ErrNone
	}
	if err == nil && !info.Mode().IsRegular() {
		return nil, nil, diag.Diagnostic{Severity: diag.Error, Code: diag.StateInvalid, Pos: diag.Pos{File: path}, Summary: "the state file is no regular file", Hint: "name another one with --state or spec.state.file"}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read state: %w", err)
	}
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	f, err := Decode(path, data)
	if err != nil {
		return nil, nil, err
	}
	return f, data, nil
}
