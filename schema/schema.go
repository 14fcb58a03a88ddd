// Package schema turns the parameter tables under tables/ into everything dcsync knows about a kind: its JSON Schema, its
// resource.Descriptor, the findings about a document and the text of explain.
//
// The tables are the single source. This package knows no kind and no field by name, reads no YAML and no files of the user, and
// sends nothing. What no rule word can say is a check(name), a function that manifests supplies.
package schema

import (
	"embed"
	"fmt"
	"slices"
	"sync"

	"dcsync/internal/resource"
)

//go:generate go run ./gen

//go:embed tables/*.md
var tableFiles embed.FS

// tableNames lists the tables in the order in which kinds and products are named.
var tableNames = []string{"manifest", "organization", "contact", "order_common", "order_code_signing", "order_client", "project"}

// built is everything derived from the tables, made once. A table that does not parse is a mistake in this package, which its tests
// find, hence the panics.
var built = sync.OnceValue(func() *catalog {
	var tables []*table
	for _, name := range tableNames {
		text, err := tableFiles.ReadFile("tables/" + name + ".md")
		if err != nil {
			panic(fmt.Sprintf("schema: read table: %v", err))
		}
		t, err := parseTable("tables/"+name+".md", string(text))
		if err != nil {
			panic(fmt.Sprintf("schema: parse table: %v", err))
		}
		tables = append(tables, t)
	}
	c, err := newCatalog(tables)
	if err != nil {
		panic(fmt.Sprintf("schema: join tables: %v", err))
	}
	return c
})

// Kinds names the kinds of document: Organization, Contact, Order and Project.
func Kinds() []string {
	var kinds []string
	for _, d := range built().documents {
		kinds = append(kinds, d.kind)
	}
	return kinds
}

// Products names the products of a kind in the order of the tables; none for a kind without products.
func Products(kind string) []string {
	if d := built().document(kind); d != nil {
		return slices.Clone(d.products)
	}
	return nil
}

// Descriptor gives what the tables know about a kind or one product of it; kinds without products want "". It is shared: callers
// only read it.
func Descriptor(kind, product string) (*resource.Descriptor, bool) {
	d := built().document(kind)
	if d == nil {
		return nil, false
	}
	desc, ok := d.descriptors()[product]
	return desc, ok
}

// JSON gives the JSON Schema of a kind's documents: draft 2020-12, self-contained, in canonical bytes.
func JSON(kind string) ([]byte, bool) {
	d := built().document(kind)
	if d == nil {
		return nil, false
	}
	s, _ := generate(d, d.products)
	return encode(s), true
}

// CheckNames names every check the tables call for, sorted.
func CheckNames() []string {
	var names []string
	for _, d := range built().documents {
		for _, root := range d.roots() {
			root.walk(func(n *node) {
				if c := n.rule(wordCheck); c != nil {
					names = append(names, c.text)
				}
			})
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
