package resource

import (
	"dcsync/internal/diag"
)

// Object is one desired object: a manifest after its references were resolved.
type Object struct {
	Address    Address
	Descriptor *Descriptor
	Labels     map[string]string
	Spec       Map // files read, value-only references inlined; ids of other manifests' objects are Ref
	Lifecycle  Lifecycle
	Source     Source
	DependsOn  []Address        // ascending
	Via        map[Path]Address // fields that came from another manifest, by the path they were inlined at
	Positions  map[Path]diag.Pos
}

// Lifecycle holds dcsync's own instructions for one object.
type Lifecycle struct {
	Generation int    // raised to order again; at least 1
	Protect    bool   // refuses removal
	Ignore     []Path // fields left to others
	Contacts   string // "follow" lets contact changes reach an issued order; else ""
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
