package resource

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"dcsync/internal/diag"
)

// Object is one desired object: a manifest after its references were resolved.
type Object struct {
	Address    Address
	Descriptor *Descriptor
	Labels     map[string]string
	Spec       Map // files read, value-only references inlined; ids of other manifests' objects are Ref
	Lifecycle  Lifecycle
	Retire     *Retire  // nil: none asked for
	MovedFrom  []string // earlier names, oldest first
	Source     Source
	DependsOn  []Address        // ascending
	Via        map[Path]Address // fields that came from another manifest, by the path they were inlined at
	Positions  map[Path]diag.Pos
}

// Lifecycle holds dcsync's own instructions for one object.
type Lifecycle struct {
	Generation   int     // raised to order again; at least 1
	Protect      bool    // refuses removal, retirement and replacement
	Ignore       []Path  // fields left to others
	Contacts     string  // "follow" lets contact changes reach an issued order; else ""
	RenewBefore  Span    // how long before the end it is renewed; zero: never
	Allow        []Grant // consent to what cannot be taken back
	ApplyChanges string  // "now" or "at_renewal"; "" takes the field's own way
	ReuseKey     bool    // a renewal or reissue may keep the key of the current certificate
}

// Allows tells whether a consent was given.
func (l Lifecycle) Allows(g Grant) bool { return slices.Contains(l.Allow, g) }

// Grant is one consent of lifecycle.allow.
type Grant string

// The consents.
const (
	AllowReplace         Grant = "replace"
	AllowReissueRevoking Grant = "reissue-revoking"
	AllowDeactivateInUse Grant = "deactivate-in-use"
)

// Span is a length of time before an end: a number of days, or a share of the whole life in percent. At most one is set.
type Span struct {
	Days    int
	Percent int
}

// ParseSpan reads "30d" or "33%".
func ParseSpan(text string) (Span, error) {
	var s Span
	number, days := strings.CutSuffix(text, "d")
	if !days {
		var share bool
		if number, share = strings.CutSuffix(text, "%"); !share {
			return s, fmt.Errorf("parse span %q: want days such as 30d, or a share such as 33%%", text)
		}
	}
	n, err := strconv.Atoi(number)
	switch {
	case err != nil || n < 1:
		return s, fmt.Errorf("parse span %q: want a whole number above 0", text)
	case days:
		s.Days = n
	case n > 99:
		return s, fmt.Errorf("parse span %q: a share is at most 99%%", text)
	default:
		s.Percent = n
	}
	return s, nil
}

// Retire is the end of life that a manifest asks for.
type Retire struct {
	Target        string // current, previous, an order id, or certificate:SERIAL
	Action        Action // Cancel, Revoke or Withdraw
	Reason        string // revocation reason; TLS only
	Comments      string
	CancelReissue bool // cancel a pending reissue first
}

// Source says where a manifest was written: the file relative to the project's root with "/" separators, where its document
// begins, and the SHA-256 (hex) of the document's bytes.
type Source struct {
	File   string
	Line   int
	Column int
	Digest string
}

// Pos gives the position of a field of the object, or of the nearest thing that holds it.
func (o *Object) Pos(p Path) diag.Pos {
	for {
		if pos, ok := o.Positions[p]; ok {
			return pos
		}
		if p == "" {
			return diag.Pos{File: o.Source.File, Line: o.Source.Line, Column: o.Source.Column}
		}
		p = p.Parent()
	}
}

// ViaAt gives the address that the field at a path was inlined from, if any.
func (o *Object) ViaAt(p Path) (Address, bool) {
	for {
		if a, ok := o.Via[p]; ok {
			return a, true
		}
		if p == "" {
			return Address{}, false
		}
		p = p.Parent()
	}
}

// Set is a whole project as its manifests want it.
type Set struct {
	Objects []*Object // those that have an object in the API, by address
	Values  []*Object // value-only ones, by address
}

// Get gives the object at an address, nil when the set has none.
func (s *Set) Get(a Address) *Object {
	for _, list := range [][]*Object{s.Objects, s.Values} {
		for _, o := range list {
			if o.Address == a {
				return o
			}
		}
	}
	return nil
}
