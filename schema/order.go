package schema

import (
	"slices"

	"dcsync/internal/resource"
)

// Order names the members of an object in a document of a kind and product in the order of the tables, the one in which manifests are
// written: what the document is first, then its spec, then dcsync's own instructions. at is a pointer into the document. nil where
// the tables know no members: unknown places, and maps whose names are the user's.
func Order(kind, product string, at resource.Path) []string {
	d := built().document(kind)
	if d == nil {
		return nil
	}
	n := d.nodeAt(product, at)
	if n == nil {
		return nil
	}
	var names []string
	for _, m := range n.members {
		names = append(names, m.row.name)
	}
	if n.root == n && at == specPath && d.products != nil {
		// What makes the product what it is comes right behind its name.
		own := slices.Clone(names[d.common:])
		names = slices.Insert(names[:d.common], 1, own...)
	}
	if at == "" {
		names = slices.Insert(names, slices.Index(names, "metadata")+1, "spec")
	}
	return names
}
