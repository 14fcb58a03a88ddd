package schema

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"dcsync/internal/resource"
)

// catalog is all tables put together: one document per kind.
type catalog struct {
	tables    []*table
	documents []*document
}

// document is what the tables say about one kind.
type document struct {
	kind     string
	title    string
	text     string
	envelope *node // the document without its spec
	products []string
	common   int              // rows that the specs of all products begin with
	specs    map[string]*node // by product, "" for a kind without products
	flags    map[string]bool
	nonce    resource.Path
	titles   map[string]string // of the specs, by product
	needs    map[string]string // product → organization validation
	keeps    map[string]bool   // product → a reissue leaves earlier certificates valid

	// Made on first use, each once.
	descriptors map[string]func() *resource.Descriptor // by product, "" for a kind without products
	validators  map[string]func() *validator           // by product, "" for an unknown one or a kind without products
}

// validator gives the validator for documents of a product.
func (d *document) validator(product string) *validator {
	if v, ok := d.validators[product]; ok {
		return v()
	}
	return d.validators[""]()
}

// spec gives the spec of a product; the only one for a kind without products, whatever the product; nil for an unknown product.
func (d *document) spec(product string) *node {
	if d.products == nil {
		product = ""
	}
	return d.specs[product]
}

func (c *catalog) document(kind string) *document {
	for _, d := range c.documents {
		if d.kind == kind {
			return d
		}
	}
	return nil
}

// newCatalog joins tables by kind and checks every rule against the whole: unknown paths, values and kinds, conditional rows
// without a condition. Errors name the file and the line.
func newCatalog(tables []*table) (*catalog, error) {
	c := &catalog{tables: tables}
	for _, t := range tables {
		if t.part == partEnvelope || t.part == partProduct {
			continue
		}
		for _, kind := range t.kinds {
			if c.document(kind) != nil {
				return nil, fmt.Errorf("%s:1: a second table of kind %s", t.file, kind)
			}
			d, err := newDocument(kind, t, tables)
			if err != nil {
				return nil, err
			}
			c.documents = append(c.documents, d)
		}
	}
	isValueOnly := func(kind string) bool {
		d := c.document(kind)
		return d != nil && d.flags["value_only"]
	}
	for _, d := range c.documents {
		for _, n := range d.roots() {
			if err := c.link(n, d); err != nil {
				return nil, err
			}
			n.joinRefs(isValueOnly)
		}
		d.descriptors = map[string]func() *resource.Descriptor{}
		for product, spec := range d.specs {
			d.descriptors[product] = sync.OnceValue(func() *resource.Descriptor { return describe(d, product, spec, isValueOnly) })
		}
		d.validators = map[string]func() *validator{"": sync.OnceValue(func() *validator { return newValidator(d, "") })}
		for _, p := range d.products {
			d.validators[p] = sync.OnceValue(func() *validator { return newValidator(d, p) })
		}
	}
	return c, nil
}

// roots gives the envelope and every spec.
func (d *document) roots() []*node {
	roots := []*node{d.envelope}
	for _, p := range d.products {
		roots = append(roots, d.specs[p])
	}
	if d.products == nil {
		roots = append(roots, d.specs[""])
	}
	return roots
}

// newDocument joins a kind's main table with its envelope and its products' tables.
func newDocument(kind string, main *table, tables []*table) (*document, error) {
	d := &document{kind: kind, title: main.title, text: main.text, specs: map[string]*node{}, flags: main.flags, nonce: main.nonce,
		needs: map[string]string{}, keeps: map[string]bool{}, titles: map[string]string{}}
	var envelope, spec []*row
	switch main.part {
	case partDocument:
		for _, r := range main.rows {
			if r.name == "spec" {
				spec = r.members
			} else {
				envelope = append(envelope, r)
			}
		}
	default:
		spec = main.rows
		d.common = len(spec)
		for _, t := range tables {
			if t.part == partEnvelope && slices.Contains(t.kinds, kind) {
				envelope = append(envelope, t.rows...)
			}
		}
	}
	d.envelope = newRoot(main.title, selection{"kind", kind}, envelope)
	if main.part != partCommon {
		d.specs[""], d.titles[""] = newRoot(main.title, selection{"product", ""}, spec), main.title
	}
	for _, t := range tables {
		if t.part != partProduct || !slices.Contains(t.kinds, kind) {
			continue
		}
		for _, p := range t.products {
			if d.specs[p] != nil {
				return nil, fmt.Errorf("%s:1: a second table of product %s", t.file, p)
			}
			d.products = append(d.products, p)
			d.specs[p], d.titles[p] = newRoot(t.title, selection{"product", p}, merge(spec, t.rows)), t.title
			d.needs[p], d.keeps[p] = t.validation[p], t.keeps
			if m := d.specs[p].member("product"); m == nil || m.rule(wordSelects) == nil {
				return nil, fmt.Errorf("%s:1: product %s has no row product with the rule selects", t.file, p)
			}
		}
	}
	if len(d.specs) == 0 {
		return nil, fmt.Errorf("%s:1: kind %s has no product", main.file, kind)
	}
	return d, nil
}

// merge puts the rows of a product's table over the common ones: a row replaces the one of the same path, others follow.
func merge(common, product []*row) []*row {
	out := slices.Clone(common)
	for _, r := range product {
		i := slices.IndexFunc(out, func(c *row) bool { return c.name == r.name })
		if i < 0 {
			out = append(out, r)
			continue
		}
		merged := *r
		merged.members = merge(out[i].members, r.members)
		out[i] = &merged
	}
	return out
}

// link checks what a row alone cannot tell.
func (c *catalog) link(root *node, d *document) (err error) {
	root.walk(func(n *node) {
		if err == nil {
			if e := c.linkNode(n, d); e != nil {
				err = fmt.Errorf("%s:%d: %s: %w", n.row.file, n.row.line, n.row.name, e)
			}
		}
	})
	return err
}

func (c *catalog) linkNode(n *node, d *document) error {
	if n.parent == nil || n.parent.item == n && n.typ != resource.TypeObject && len(n.rules) == 0 {
		return nil
	}
	if n.parent.item != n && n.row.req == resource.Conditional && !n.hasCondition() {
		return fmt.Errorf("conditional, but no rule says when")
	}
	for i := range n.rules {
		r := n.rules[i].rule
		if err := n.linkRule(r, c, d); err != nil {
			return fmt.Errorf("rule %s: %w", r.word, err)
		}
	}
	for _, r := range n.row.rules {
		// Conditions that do not hold for this product are checked too.
		for _, t := range r.when {
			if err := c.linkTerm(n, t, d); err != nil {
				return fmt.Errorf("rule %s: %w", r.word, err)
			}
		}
	}
	return nil
}

// hasCondition tells whether a rule of the row, or of the object it stands in, says when the row must or must not be given.
func (n *node) hasCondition() bool {
	for _, r := range n.row.rules {
		if r.word == wordRequiredWhen || r.word == wordForbiddenWhen || r.word == wordCheck {
			return true
		}
	}
	return n.parent.counts(n.row.name)
}

// counts tells whether a rule of the object counts a member among those of which some must be given.
func (n *node) counts(member string) bool {
	return slices.ContainsFunc(n.rules, func(c clause) bool {
		return (c.word == wordExactlyOne || c.word == wordAtLeastOne) && slices.Contains(c.names, member)
	})
}

// selectable gives the kinds or products that a term may speak of, nil when it speaks of an ordinary field.
func (c *catalog) selectable(t term, d *document) []string {
	switch {
	case t.isAbout(selection{field: "product"}) && d.products != nil:
		return d.products
	case t.isAbout(selection{field: "kind"}):
		var kinds []string
		for _, d := range c.documents {
			kinds = append(kinds, d.kind)
		}
		return kinds
	}
	return nil
}

func (c *catalog) linkTerm(n *node, t term, d *document) error {
	if known := c.selectable(t, d); known != nil {
		for _, v := range t.values {
			if !slices.Contains(known, v) {
				return fmt.Errorf("unknown %s %q", t.path[0], v)
			}
		}
		return nil
	}
	if n.parent.item == n {
		return nil // conditions of a list's row were checked at the list
	}
	target := t.find(n)
	if target == nil {
		return fmt.Errorf("unknown path %q", strings.Join(t.path, "/"))
	}
	for _, v := range t.values {
		if target.typ == resource.TypeInt {
			if _, err := strconv.ParseInt(v, 10, 64); err != nil {
				return fmt.Errorf("%s is a number, %q is none", target.row.name, v)
			}
		}
		if target.allowed != nil && target.rule(wordOpen) == nil && !slices.Contains(target.allowed, v) {
			return fmt.Errorf("%s is never %q", target.row.name, v)
		}
	}
	return nil
}

func (n *node) linkRule(r *rule, c *catalog, d *document) error {
	needs := func(types ...resource.Type) error {
		if !slices.Contains(types, n.typ) {
			return fmt.Errorf("does not fit type %s", n.typ)
		}
		return nil
	}
	var err error
	object := n.object()
	switch r.word {
	case wordMax, wordMin, wordFormat, wordPattern, wordFile, wordLower:
		err = needs(resource.TypeString)
	case wordRange, wordConverts, wordDigits:
		err = needs(resource.TypeInt)
	case wordIncludes:
		err, object = needs(resource.TypeList), n.parent
	case wordRevokesWhen:
		if r.values[0] == string(resource.RevokesRemoved) {
			err = needs(resource.TypeList)
		}
	case wordMeans:
		if i := slices.IndexFunc(r.values, func(v string) bool { return !slices.Contains(n.allowed, v) }); i >= 0 {
			err = fmt.Errorf("the row does not allow %q", r.values[i])
		}
	case wordEnum, wordOpen, wordDiscouraged:
		err = needs(resource.TypeString, resource.TypeInt)
		if err == nil && n.typ == resource.TypeInt {
			for _, v := range r.values {
				if _, e := strconv.ParseInt(v, 10, 64); e != nil {
					err = fmt.Errorf("%q is no number", v)
				}
			}
		}
	case wordMinItems, wordSet, wordSpread, wordUnique:
		if err = needs(resource.TypeList); err == nil && r.names != nil {
			object = n.item
		}
	case wordAtMostOne:
		if r.values != nil {
			err, object = needs(resource.TypeList), n.item
		}
	case wordOverrides, wordBesideRef:
		object = n.parent
	case wordRef:
		if err = needs(resource.TypeObject); err == nil && c.document(r.text) == nil {
			err = fmt.Errorf("unknown kind %q", r.text)
		}
	case wordDefault:
		_, err = value(n.typ, r.values[0])
	}
	if err != nil {
		return err
	}
	for _, name := range r.names {
		if object.member(name) == nil {
			return fmt.Errorf("unknown field %q", name)
		}
	}
	return nil
}

// value reads a value written in a table.
func value(t resource.Type, text string) (resource.Value, error) {
	switch t {
	case resource.TypeString:
		return resource.String(text), nil
	case resource.TypeInt:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is no number", text)
		}
		return resource.Int(n), nil
	case resource.TypeBool:
		if text == "true" || text == "false" {
			return resource.Bool(text == "true"), nil
		}
		return nil, fmt.Errorf("%q is neither true nor false", text)
	case resource.TypeList:
		return resource.List{resource.String(text)}, nil
	}
	return nil, fmt.Errorf("an %s has no such value", t)
}
