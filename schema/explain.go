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

// explain says a rule in words; "" for those that other parts of an explanation say.
func (c *clause) explain() string {
	words := c.sentence()
	if c.atSend && words != "" {
		return "when it is sent: " + words
	}
	return words
}

func (c *clause) sentence() string {
	names := orList(c.names)
	switch c.word {
	case wordMax:
		return fmt.Sprintf("at most %d characters", c.number)
	case wordMin:
		return fmt.Sprintf("at least %s", counted(c.number, "character"))
	case wordMinItems:
		return fmt.Sprintf("at least %s", counted(c.number, "item"))
	case wordRange:
		return c.rangeWords()
	case wordFormat:
		return formats[c.text].words
	case wordPattern:
		return "matches " + c.text
	case wordDigits:
		return "may be written as a string of digits"
	case wordFile:
		return "may be {file: PATH}, a file of the project"
	case wordOpen:
		if c.values != nil {
			return orList(c.values) + " are seen in use but not documented: a warning"
		}
		return "other values give a warning: the list is known to be incomplete"
	case wordDefault:
		if c.words != "" {
			return fmt.Sprintf("%s by default when %s", c.values[0], c.words)
		}
	case wordRequiredWhen:
		return "required" + c.suffix()
	case wordForbiddenWhen:
		return "must not be given" + c.suffix()
	case wordIgnoredWhen:
		return "ignored" + c.suffix()
	case wordUnverifiedWhen:
		return "up to the account" + c.suffix()
	case wordUnverified:
		return "not verified" + c.suffix() + ": " + c.text
	case wordCheck:
		return c.checkWords() + c.suffix()
	case wordIncludes:
		return "the value of " + names + " counts among them"
	case wordRevokesWhen:
		if c.values[0] == string(resource.RevokesRemoved) {
			return "a reissue that takes one away makes DigiCert revoke the earlier certificates"
		}
		return "a reissue that changes it makes DigiCert revoke the earlier certificates"
	case wordMeans:
		var lines []string
		for i, v := range c.values {
			lines = append(lines, v+": "+c.texts[i])
		}
		return strings.Join(lines, "; ")
	case wordAtLeastOne:
		return "needs one of " + names
	case wordExactlyOne:
		return "needs exactly one of " + names
	case wordAtMostOne:
		if c.values != nil {
			return fmt.Sprintf("at most one item whose %s is %s: the API ignores others", names, orList(c.values))
		}
		return "at most one of " + names
	case wordOverrides:
		return "overrides " + wordList(c.names, "and")
	case wordConverts:
		return fmt.Sprintf("%d to %d become %d", *c.low, *c.high, c.number)
	case wordMaxTotal:
		return fmt.Sprintf("%s have at most %d characters together", wordList(c.names, "and"), c.number)
	case wordUnique:
		return "no two items have the same " + names
	case wordSecret:
		return "secret: written as {env: NAME} or {file: PATH}, never stored or shown"
	case wordRef:
		return fmt.Sprintf("may be {ref: NAME}, a manifest of kind %s", c.text)
	case wordSpread:
		return fmt.Sprintf("each item stands for the field that its %s names", names)
	case wordSet:
		return "order does not matter"
	case wordClearable:
		return "cleared when it is removed from the manifest"
	case wordLower:
		return "upper and lower case mean the same"
	case wordNamesField:
		return "names a field of the spec"
	case wordDeprecated:
		return "deprecated: " + c.text
	case wordDiscouraged:
		return fmt.Sprintf("%s is not advisable: %s", c.values[0], c.text)
	case wordHint:
		return c.text
	}
	return ""
}

// suffix says when a rule holds that may stand without a condition.
func (c *clause) suffix() string {
	if c.words == "" {
		return ""
	}
	return " when " + c.words
}

// checkWords says what a check wants; "" for one that nobody described.
func (c *clause) checkWords() string {
	switch c.text {
	case "csr":
		return "a signing request that can be read and is signed by its own key"
	case "csr_key":
		return "a key of one of these sizes: " + c.given
	case "csr_names":
		return "a signing request for other names than the order's gives a warning"
	case "mailbox_provider":
		return "an address at a public mail provider gives a warning"
	case "not_past":
		return "not in the past"
	case "within_days":
		return "at most " + c.given + " days"
	case "within_order":
		return "not longer than order_validity"
	case "wildcard":
		return map[string]string{"never": "no wildcard", "first": "a wildcard", "unusual": "a wildcard gives a warning"}[c.given]
	case "strict_profile":
		return "client_auth is not in the strict profile"
	}
	return ""
}

func (r *row) changeWords() string {
	if r.send == resource.SendNever && r.read == (resource.Read{}) {
		return ""
	}
	switch r.change {
	case resource.InPlace:
		return "changed in place (" + strings.ReplaceAll(r.method, "_", " ") + ")"
	case resource.Reissue:
		return "needs a reissue of the certificate"
	case resource.CreateOnly:
		return "counts only when the object is created; never compared later"
	}
	return "cannot be changed once the object is there"
}

func (r *row) sendWords() string {
	switch r.send {
	case resource.SendCreate:
		return "when the object is created"
	case resource.SendCreatePut:
		return "when the object is created, and by a call of its own when it changes"
	case resource.SendAfter:
		return "by a call of its own after the object is created"
	}
	return "never"
}

func (r *row) readWords() string {
	switch {
	case r.read.List != "":
		return "in the account's list: " + r.read.List
	case r.read.Info != "":
		return "in the object's own page: " + r.read.Info
	}
	return "the API does not show it"
}
