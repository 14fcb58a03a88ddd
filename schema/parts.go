package schema

import (
	"slices"
	"strings"
	"sync"

	"dcsync/internal/resource"
)

// partValidators holds the validators of parts of a document, each compiled when it is first needed.
type partValidators struct {
	mu    sync.Mutex
	known map[string]*validator // by product and fields
}

// partValidator gives the validator for some fields of a product's spec.
func (d *document) partValidator(product string, parts []resource.Path) *validator {
	var fields []resource.Path
	for _, p := range parts {
		fields = append(fields, fieldPath(p))
	}
	slices.Sort(fields)
	fields = slices.Compact(fields)
	key := product
	for _, f := range fields {
		key += " " + string(f)
	}
	d.parts.mu.Lock()
	defer d.parts.mu.Unlock()
	v := d.parts.known[key]
	if v == nil {
		s, origins := generateParts(d, d.spec(product), fields)
		v = compile(d.kind, s, origins)
		if d.parts.known == nil {
			d.parts.known = map[string]*validator{}
		}
		d.parts.known[key] = v
	}
	return v
}

// fieldPath gives the path of the field that a value's path leads to: list items as "[]".
func fieldPath(p resource.Path) resource.Path {
	segs := p.Segments()
	for i, seg := range segs {
		if seg != "" && strings.Trim(seg, "0123456789") == "" {
			segs[i] = resource.Item
		}
	}
	var out resource.Path
	for _, seg := range segs {
		out = out.Child(seg)
	}
	return out
}
