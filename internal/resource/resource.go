// Package resource is the vocabulary of managed objects: addresses, value trees, paths into them, descriptors that say how each
// field is sent, read, compared and changed, and the actions a plan may hold.
//
// The four versions of an object have fixed names everywhere: desired (manifest), applied (last applied, from state), live (API
// now) and result (after apply). This package holds plain data; it reads no file, knows no network and decides nothing.
package resource

import (
	"cmp"
	"fmt"
	"strings"
)

// Address names one object of a project: "Order/installer-signing".
type Address struct {
	Kind string
	Name string
}

// String gives "Kind/name".
func (a Address) String() string {
	if a == (Address{}) {
		return ""
	}
	return a.Kind + "/" + a.Name
}

// Compare orders addresses by kind, then name.
func (a Address) Compare(b Address) int {
	return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name))
}

// ParseAddress reads "Kind/name".
func ParseAddress(s string) (Address, error) {
	kind, name, ok := strings.Cut(s, "/")
	if !ok || kind == "" || name == "" || strings.Contains(name, "/") {
		return Address{}, fmt.Errorf("parse address %q: want Kind/name", s)
	}
	return Address{Kind: kind, Name: name}, nil
}

// MarshalText gives "Kind/name", so that an address can be a JSON string or map key.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads "Kind/name".
func (a *Address) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*a = Address{}
		return nil
	}
	p, err := ParseAddress(string(b))
	if err == nil {
		*a = p
	}
	return err
}
