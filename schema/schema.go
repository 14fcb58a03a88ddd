// Package schema turns the parameter tables under tables/ into everything dcsync knows about a kind: its JSON Schema, its
// resource.Descriptor, the findings about a document and the text of explain.
//
// The tables are the single source. This package knows no kind and no field by name, reads no YAML and no files of the user, and
// sends nothing. What no rule word can say is a check(name), a function that manifests supplies.
package schema

import (
	"cmp"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"dcsync/internal/resource"
)

//go:generate go run ./gen

//go:embed tables/*.md
var tableFiles embed.FS

// kindTables lists the tables of the kinds, in the order in which kinds are named. Whatever else stands beside them is the table of
// some products.
var kindTables = []string{"manifest", "organization", "contact", "order_common", "project"}

// built is everything derived from the tables, made once. A table that does not parse is a mistake in this package, which its tests
// find, hence the panic.
var built = sync.OnceValue(func() *catalog {
	c, err := load(tableFiles)
	if err != nil {
		panic("schema: " + err.Error())
	}
	return c
})

// load reads the tables/*.md of a file system and puts them together.
func load(files fs.FS) (*catalog, error) {
	tables, err := parseTables(files)
	if err != nil {
		return nil, err
	}
	return newCatalog(tables)
}

// parseTables reads the tables of the kinds, then those of products by name.
func parseTables(files fs.FS) ([]*table, error) {
	names, err := fs.Glob(files, "tables/*.md")
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	var tables []*table
	for _, name := range names {
		if tableName(name) == "README" {
			continue
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("read table: %w", err)
		}
		t, err := parseTable(name, string(text))
		if err != nil {
			return nil, fmt.Errorf("parse table: %w", err)
		}
		tables = append(tables, t)
	}
	return tables, nil
}

func tableName(file string) string { return strings.TrimSuffix(path.Base(file), ".md") }

// rank gives the place of a table file: that of its kind, or behind all kinds.
func rank(file string) int {
	if i := slices.Index(kindTables, tableName(file)); i >= 0 {
		return i
	}
	return len(kindTables)
}

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
	describe, ok := d.descriptors[product]
	if !ok {
		return nil, false
	}
	return describe(), true
}

// JSON gives the JSON Schema of a kind's documents: draft 2020-12, self-contained, in canonical bytes.
func JSON(kind string) ([]byte, bool) {
	d := built().document(kind)
	if d == nil {
		return nil, false
	}
	return d.json(), true
}

// json gives the schema of all products.
func (d *document) json() []byte {
	s, _ := generate(d, d.products, true)
	share(s)
	return encode(s)
}

// CheckNames names every check the tables call for, sorted.
func CheckNames() []string {
	var names []string
	for _, d := range built().documents {
		for _, root := range d.roots() {
			root.walk(func(n *node) {
				for _, c := range n.rules {
					if c.word == wordCheck {
						names = append(names, c.text)
					}
				}
			})
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
