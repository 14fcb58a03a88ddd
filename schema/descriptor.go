package schema

import (
	"dcsync/internal/resource"
)

// describe makes the descriptor of one product of a kind, "" for a kind without products.
func describe(d *document, product string, spec *node, isValueOnly func(kind string) bool) *resource.Descriptor {
	root := field(spec, isValueOnly)
	root.Path, root.Name = "", ""
	return &resource.Descriptor{
		Kind:         d.kind,
		Product:      product,
		Root:         root,
		Expires:      d.flags["expires"],
		Billable:     d.flags["billable"],
		Downloadable: d.flags["downloadable"],
		ValueOnly:    d.flags["value_only"],
		Nonce:        d.nonce,
		Validation:   d.needs[product],
		ReissueKeeps: d.keeps[product],
	}
}

// field makes the resource.Field of a node and all below it. The ref member of an object is no field: it is gone once references
// are resolved.
func field(n *node, isValueOnly func(kind string) bool) *resource.Field {
	f := &resource.Field{
		Name:        n.row.name,
		Path:        n.path,
		Type:        n.typ,
		Req:         n.row.req,
		Send:        n.row.send,
		Change:      n.row.change,
		Method:      n.row.method,
		Read:        n.row.read,
		Set:         n.rule(wordSet) != nil,
		Secret:      n.rule(wordSecret) != nil || n.belowSecret(),
		Clearable:   n.rule(wordClearable) != nil,
		File:        n.rule(wordFile) != nil,
		Identity:    n.rule(wordIdentity) != nil,
		Description: n.row.text,
		Normalise:   normaliser(n),
	}
	if n.required {
		f.Req = resource.Required
	}
	if c := n.rule(wordFormat); c != nil {
		f.Format = c.text
	}
	if c := n.rule(wordIncludes); c != nil {
		f.Includes = n.path.Parent().Child(c.names[0])
	}
	if c := n.rule(wordRevokesWhen); c != nil {
		f.Revokes = resource.RevokesOn(c.values[0])
	}
	if c := n.rule(wordSpread); c != nil {
		f.Spread = c.names[0]
	}
	if c := n.rule(wordDefault); c != nil && c.words == "" {
		f.Default, _ = value(n.typ, c.values[0])
	}
	if c := n.rule(wordRef); c != nil {
		f.RefKind = c.text
	}
	for _, m := range n.members {
		if m.implicit {
			continue
		}
		child := field(m, isValueOnly)
		if f.RefKind != "" && m.row.name == "id" && !isValueOnly(f.RefKind) {
			child.RefKind = f.RefKind
		}
		f.Members = append(f.Members, child)
	}
	if n.item != nil {
		f.Item = field(n.item, isValueOnly)
		f.Item.Name = ""
	}
	return f
}
