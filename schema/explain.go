package schema

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"dcsync/internal/resource"
)

// Explanation says all there is to know about a kind or one of its fields, in sentences without a full stop.
type Explanation struct {
	Path     string    // as it was asked for, without "[]": "Order.certificate.csr"
	Title    string    // of a kind
	Text     string    // of a kind
	Variants []Variant // of a field: one for each group of products that agree
	Members  []Member  // of an object, or of a list's items
}

// Variant is what holds for some products of a kind.
type Variant struct {
	Products []string // nil: all, or the kind has none
	Text     string   // what the field is
	Type     string   // "a string", "a list of mappings"
	Req      string   // required, optional or conditional; Rules say the conditions
	Rules    []string
	Allowed  []string // documented values
	Topic    string   // the glossary list they come from
	Default  string
	Change   string // what changing it does; "" for what the API knows nothing of
	Send     string // when it is sent
	Read     string // where the API shows it
}

// Member is one line about a field of an explained object.
type Member struct {
	Name     string
	Type     string
	Req      string
	Text     string
	Products []string // nil: all
}

// Explain explains KIND[.path], such as "Order", "Order.certificate.csr" or, for one product, "Order.code_signing.certificate".
// Paths lead through the items of lists without a mark of their own; "apiVersion", "metadata" and "lifecycle" lead outside the spec.
// The error says what is unknown and what is near.
func Explain(path string) (Explanation, error) {
	segs := strings.Split(strings.ReplaceAll(path, "[]", ""), ".")
	d := built().document(segs[0])
	if d == nil {
		return Explanation{}, fmt.Errorf("unknown kind %q: %s", segs[0], suggestion(segs[0], Kinds()))
	}
	products, segs := d.products, segs[1:]
	if len(segs) > 0 && slices.Contains(products, segs[0]) {
		products, segs = segs[:1], segs[1:]
	}
	if len(segs) > 0 && segs[0] == "spec" && d.envelope.member("spec") == nil {
		segs = segs[1:]
	}
	found, known := d.lookUp(products, segs)
	if len(found) == 0 {
		return Explanation{}, fmt.Errorf("%s has no field %q: %s", d.kind, strings.Join(segs, "."), suggestion(strings.Join(segs, "."), known))
	}
	e := Explanation{Path: strings.Join(append([]string{d.kind}, segs...), ".")}
	if len(segs) == 0 {
		e.Title, e.Text = d.title, d.text
		if len(products) == 1 {
			e.Title = d.titles[products[0]] + ": " + products[0]
		}
		for _, m := range d.envelope.members {
			if !m.isUnwelcome() {
				e.Members = append(e.Members, Member{Name: m.row.name, Type: m.typeWords(), Req: m.reqWords(), Text: m.row.text})
			}
		}
	} else {
		e.Variants = variants(found, len(products))
	}
	e.Members = append(e.Members, members(found, len(products))...)
	return e, nil
}

// place is a field as one product has it.
type place struct {
	product string
	node    *node
}

// lookUp gives the field in each product that has it, and all paths there are when none has it.
func (d *document) lookUp(products, segs []string) (found []place, known []string) {
	roots := []place{{"", d.envelope}}
	if products == nil {
		roots = append(roots, place{"", d.specs[""]})
	}
	for _, p := range products {
		roots = append(roots, place{p, d.specs[p]})
	}
	if len(segs) == 0 {
		return roots[1:], nil
	}
	for _, r := range roots {
		n := r.node
		for _, seg := range segs {
			if n = n.content().member(seg); n == nil {
				break
			}
		}
		if n != nil && !n.implicit {
			found = append(found, place{r.product, n})
		}
	}
	if found == nil {
		known = paths(roots)
	}
	return found, known
}

// paths lists all fields below some places, as explain names them.
func paths(roots []place) []string {
	seen := map[string]bool{}
	for _, r := range roots {
		r.node.walk(func(n *node) {
			if n.path != "" && !n.implicit && n.parent.item != n {
				seen[n.dotted()] = true
			}
		})
	}
	return slices.Sorted(maps.Keys(seen))
}

// content gives the node that holds a field's members: the item of a list, else the field itself.
func (n *node) content() *node {
	if n.item != nil {
		return n.item
	}
	return n
}

// dotted gives the path as explain takes it.
func (n *node) dotted() string {
	return strings.ReplaceAll(strings.TrimPrefix(strings.ReplaceAll(string(n.path), "/"+resource.Item, ""), "/"), "/", ".")
}

// variants groups the products by what they say of a field.
func variants(found []place, of int) []Variant {
	var out []Variant
	for _, p := range found {
		v := p.node.undecided().variant() // the products are named beside it
		if p.node.isProduct() {
			v.Allowed = nil
		}
		i := slices.IndexFunc(out, func(o Variant) bool {
			o.Products = nil
			return fmt.Sprint(o) == fmt.Sprint(v)
		})
		if i < 0 {
			out, i = append(out, v), len(out)
		}
		if p.product != "" {
			out[i].Products = append(out[i].Products, p.product)
		}
	}
	for i := range out {
		if found[0].node.isProduct() {
			out[i].Allowed = out[i].Products
		}
	}
	if len(out) == 1 && len(out[0].Products) == of {
		out[0].Products = nil
	}
	return out
}

// isProduct tells whether the field chooses among products.
func (n *node) isProduct() bool { return n.rule(wordSelects) != nil && n.row.name == "product" }

// members lists the fields below a field over all products, in table order.
func members(found []place, of int) []Member {
	var out []Member
	for _, p := range found {
		for _, m := range p.node.content().members {
			if m.isUnwelcome() {
				continue
			}
			i := slices.IndexFunc(out, func(o Member) bool { return o.Name == m.row.name })
			if i < 0 {
				out, i = append(out, Member{Name: m.row.name, Type: m.typeWords(), Req: m.reqWords(), Text: m.row.text}), len(out)
			}
			if out[i].Req != m.reqWords() {
				out[i].Req = string(resource.Conditional)
			}
			if p.product != "" {
				out[i].Products = append(out[i].Products, p.product)
			}
		}
	}
	for i := range out {
		if len(out[i].Products) == of {
			out[i].Products = nil
		}
	}
	return out
}

func (n *node) reqWords() string {
	switch {
	case n.required:
		return string(resource.Required)
	case n.row.req == resource.Required:
		return "required unless ref is given"
	case n.row.req == resource.Conditional && !n.isConditional():
		return string(resource.Optional)
	}
	return string(n.row.req)
}

// isConditional tells whether anything is left that says when the field must or must not be given.
func (n *node) isConditional() bool {
	return n.rule(wordRequiredWhen) != nil || n.rule(wordForbiddenWhen) != nil || n.parent.counts(n.row.name)
}

// isUnwelcome tells whether the field must never be given for this kind or product.
func (n *node) isUnwelcome() bool {
	c := n.rule(wordForbiddenWhen)
	return c != nil && len(c.when) == 0 && !c.atSend
}

func (n *node) variant() Variant {
	v := Variant{Text: n.row.text, Type: n.typeWords(), Req: n.reqWords(), Change: n.row.changeWords(), Send: n.row.sendWords(), Read: n.row.readWords()}
	values := n
	if n.item != nil && n.item.typ != resource.TypeObject {
		values = n.item
		v.Type = "a list, each item " + n.item.typeWords()
	} else if n.item != nil {
		v.Type = "a list of mappings"
	}
	v.Allowed = values.documented()
	if c := values.rule(wordEnum); c != nil {
		v.Topic = c.topic
	}
	rules := n.rules
	if n.item != nil {
		rules = append(slices.Clone(rules), n.item.rules...)
	}
	for _, c := range rules {
		if words := c.explain(); words != "" {
			v.Rules = append(v.Rules, words)
		}
		if c.word == wordDefault && c.words == "" {
			v.Default = c.values[0]
		}
	}
	return v
}
