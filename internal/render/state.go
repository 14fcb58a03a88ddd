package render

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"dcsync/internal/resource"
)

// Managed is one line of the list of managed objects.
type Managed struct {
	Address resource.Address
	ID      string
	Product string // "" for what has none
}

// StateText lists the managed objects, one a line.
func StateText(w io.Writer, objects []Managed) error {
	var b strings.Builder
	for _, o := range objects {
		fmt.Fprintf(&b, "%s (id %s)", o.Address, clean(o.ID))
		if o.Product != "" {
			b.WriteString(" " + clean(o.Product))
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// StateJSON writes the document of the managed objects.
func StateJSON(w io.Writer, serial int, objects []Managed, version string) error {
	type object struct {
		Address resource.Address `json:"address"`
		ID      any              `json:"id"`
		Product *string          `json:"product"`
	}
	list := []object{}
	for _, o := range objects {
		list = append(list, object{o.Address, id(o.ID), orNil(o.Product)})
	}
	return encode(w, struct {
		header
		Serial  int      `json:"serial"`
		Objects []object `json:"objects"`
	}{newHeader(version), serial, list})
}

// EntryJSON writes the document of one object's entry in the state.
func EntryJSON(w io.Writer, a resource.Address, entry []byte, version string) error {
	return encode(w, struct {
		header
		Address resource.Address `json:"address"`
		Entry   json.RawMessage  `json:"entry"`
	}{newHeader(version), a, entry})
}
