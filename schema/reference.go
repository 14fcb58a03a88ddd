package schema

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"dcsync/internal/resource"
)

// Page is one page of the reference: a Markdown file.
type Page struct {
	Name string // of the file
	Text []byte
}

// Reference gives a page for each table, and README.md, which lists them. They say what explain says, with the products that a rule
// is about named in it.
func Reference() []Page {
	tables := built().tables
	index := bytes.NewBufferString("# Reference\n\nEvery field of every file, made from the tables by `go generate ./schema`. `dcsync explain` says the same.\n\n" +
		"| Page | About |\n| --- | --- |\n")
	var pages []Page
	for _, t := range tables {
		p := Page{Name: tableName(t.file) + ".md", Text: t.page(commonPage(t, tables))}
		pages = append(pages, p)
		about := strings.Join(t.kinds, ", ")
		if t.products != nil {
			about += ": " + strings.Join(t.products, ", ")
		}
		fmt.Fprintf(index, "| [%s](%s) | %s |\n", t.title, p.Name, about)
	}
	return append(pages, Page{Name: "README.md", Text: index.Bytes()})
}

// page writes a table for people; common is the page of the rows its products share.
func (t *table) page(common string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "<!-- Made from schema/%s by go generate. Change the table, not this page. -->\n\n# %s\n\n%s\n", t.file, t.title, t.text)
	if t.products != nil {
		fmt.Fprintf(&b, "\nProducts: `%s`.\n", strings.Join(t.products, "`, `"))
	}
	for _, v := range slices.Compact(slices.Sorted(maps.Values(t.validation))) {
		of := slices.DeleteFunc(slices.Clone(t.products), func(p string) bool { return t.validation[p] != v })
		fmt.Fprintf(&b, "\nThe organization must be validated for `%s`: `%s`.\n", v, strings.Join(of, "`, `"))
	}
	if t.part == partProduct {
		fmt.Fprintf(&b, "\nFields that are not here are those of [all of the kind](%s).\n", common)
	}
	b.WriteString("\n| Field | Given | Type |\n| --- | --- | --- |\n")
	fields := t.fields()
	for _, n := range fields {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s |\n", n.dotted(), n.anchor(), n.row.req, n.variant().Type)
	}
	for _, n := range fields {
		n.section(&b, t)
	}
	return b.Bytes()
}

// fields gives the rows of the table as nodes that no kind or product narrows.
func (t *table) fields() []*node {
	var out []*node
	newRoot(t.title, selection{}, t.rows).walk(func(n *node) {
		if n.path != "" && !n.implicit && n.parent.item != n {
			out = append(out, n)
		}
	})
	return out
}

// anchor gives the link target that hosts make of a heading.
func (n *node) anchor() string { return strings.ReplaceAll(strings.ToLower(n.dotted()), ".", "") }

func (n *node) section(b *bytes.Buffer, t *table) {
	v := n.variant()
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n", n.dotted(), v.Text)
	fmt.Fprintf(b, "- %s, %s\n", v.Type, n.row.req)
	if n.rule(wordSelects) != nil {
		v.Allowed = t.products
	}
	if v.Topic != "" {
		fmt.Fprintf(b, "- allowed: `dcsync reference %s`\n", v.Topic)
	} else if v.Allowed != nil {
		fmt.Fprintf(b, "- allowed: `%s`\n", strings.Join(v.Allowed, "`, `"))
	}
	if v.Default != "" {
		fmt.Fprintf(b, "- default: `%s`\n", v.Default)
	}
	for _, r := range v.Rules {
		fmt.Fprintf(b, "- %s\n", r)
	}
	if n.row.send != resource.SendNever {
		fmt.Fprintf(b, "- sent %s\n", v.Send)
	}
	if v.Change != "" {
		fmt.Fprintf(b, "- %s\n", v.Change)
	}
	if n.row.send != resource.SendNever || n.row.read != (resource.Read{}) {
		fmt.Fprintf(b, "- shown: %s\n", v.Read)
	}
}

// commonPage gives the page of the rows that the products of a table share.
func commonPage(t *table, tables []*table) string {
	i := slices.IndexFunc(tables, func(c *table) bool { return c.part == partCommon && slices.Equal(c.kinds, t.kinds) })
	if i < 0 {
		return ""
	}
	return tableName(tables[i].file) + ".md"
}
