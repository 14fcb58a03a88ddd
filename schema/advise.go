package schema

import (
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
)

// advise evaluates what the schema of shapes does not say: what fields have to do with each other, warnings, rules that count or compare
// items, and checks. The value is that of a root node and at its place in the document.
func (c *checker) advise(n *node, v resource.Value, at resource.Path) {
	c.adviseNode(n, v, at, nil, v)
}

func (c *checker) adviseNode(n *node, v resource.Value, at resource.Path, object, root resource.Value) {
	for i := range n.rules {
		if r := &n.rules[i]; holds(r.when, object, root) {
			c.apply(r, n, v, at, object)
		}
	}
	switch v := v.(type) {
	case resource.Map:
		c.relate(n, v, at, root)
		for _, m := range n.members {
			if child := v[m.row.name]; child != nil {
				c.adviseNode(m, child, at.Child(m.row.name), v, root)
			} else {
				c.missingWhenSent(m, v, at, root)
			}
		}
	case resource.List:
		if n.item != nil {
			for i, e := range v {
				c.adviseNode(n.item, e, at.Index(i), nil, root)
			}
		}
	}
}

// missingWhenSent reports a member that has to be there once the object is sent.
func (c *checker) missingWhenSent(m *node, object resource.Map, at resource.Path, root resource.Value) {
	for i := range m.rules {
		if r := &m.rules[i]; r.word == wordRequiredWhen && r.atSend && holds(r.when, object, root) {
			c.addSending(ruleFailed(m, r, at))
		}
	}
}

// holds tells whether every term holds for an object and the root it belongs to.
func holds(when condition, object, root resource.Value) bool {
	for _, t := range when {
		from := object
		if t.root {
			from = root
		}
		if t.holds(from, t.path) == t.not {
			return false
		}
	}
	return true
}

// holds tells whether the path leads from a value to one that the term asks for; its not is left to the caller.
func (t term) holds(v resource.Value, path []string) bool {
	if v == nil {
		return false
	}
	if len(path) == 0 {
		return t.values == nil || slices.Contains(t.values, resource.Text(v))
	}
	if path[0] == resource.Item {
		list, _ := v.(resource.List)
		return slices.ContainsFunc(list, func(e resource.Value) bool { return t.holds(e, path[1:]) })
	}
	object, _ := v.(resource.Map)
	return t.holds(object[path[0]], path[1:])
}

// apply gives the findings of one rule, whose condition holds, about one value.
func (c *checker) apply(r *clause, n *node, v resource.Value, at resource.Path, object resource.Value) {
	name := n.name()
	warn := Violation{Path: at, Severity: diag.Warning}
	switch r.word {
	case wordIgnoredWhen:
		warn.Code, warn.OnKey = diag.FieldIgnored, true
		warn.Summary, warn.Hint = fmt.Sprintf("%s is ignored when %s", name, r.words), "remove it"
	case wordUnverifiedWhen:
		warn.Code, warn.OnKey = diag.ValueUnverified, true
		warn.Summary = fmt.Sprintf("whether %s may be given is up to the account when %s", name, r.words)
		warn.Hint = "say it in the manifest, so that it does not depend on the account's settings"
		if own, _ := r.splitOwn(n); own != nil {
			warn.OnKey = false
			warn.Summary = fmt.Sprintf("whether %s may be %s is not established", name, resource.Text(v))
			warn.Hint = n.hint("docs/unknowns.md says what is known")
		}
	case wordUnverified:
		warn.Code, warn.OnKey = diag.ValueUnverified, true
		warn.Summary, warn.Hint = name+" is not verified", r.text
	case wordForbiddenWhen:
		if r.atSend {
			c.addSending(ruleFailed(n, r, at))
		}
		return
	case wordRange:
		if i, ok := v.(resource.Int); ok && r.atSend && !r.inRange(int64(i)) {
			c.addSending(Violation{Path: at, Code: diag.BadValue, Summary: fmt.Sprintf("%s must be %s", name, r.rangeWords()), Hint: n.hint("")})
		}
		return
	case wordDeprecated:
		warn.Code, warn.OnKey = diag.FieldDeprecated, true
		warn.Summary, warn.Hint = name+" is deprecated", r.text
	case wordOverrides:
		c.overridden(r, n, at, object)
		return
	case wordOpen:
		warn = c.unverified(r, n, v, at)
	case wordConverts:
		i, ok := v.(resource.Int)
		if !ok || int64(i) < *r.low || int64(i) > *r.high {
			return
		}
		warn.Code = diag.ValueConverted
		warn.Summary, warn.Hint = fmt.Sprintf("%s %d becomes %d", name, i, r.number), fmt.Sprintf("write %d", r.number)
	case wordDiscouraged:
		if resource.Text(v) != r.values[0] {
			return
		}
		warn.Code = diag.ValueDiscouraged
		warn.Summary, warn.Hint = fmt.Sprintf("%s %s is not advisable", name, r.values[0]), r.text
	case wordAtMostOne:
		c.extraItems(r, v, at)
		return
	case wordUnique:
		c.repeatedItems(r, v, at)
		return
	case wordMaxTotal:
		c.combined(r, at, object)
		return
	case wordNamesField:
		c.namesField(n, v, at)
		return
	case wordCheck:
		c.runCheck(r, n, v, at)
		return
	}
	if warn.Code != "" {
		c.add(warn)
	}
}

// overridden warns about the fields that another one, given beside them, overrides.
func (c *checker) overridden(r *clause, n *node, at resource.Path, object resource.Value) {
	m, _ := object.(resource.Map)
	for _, name := range r.names {
		if m[name] != nil {
			c.add(Violation{Path: at.Parent().Child(name), OnKey: true, Severity: diag.Warning, Code: diag.FieldOverridden,
				Summary: fmt.Sprintf("%s is overridden by %s", name, n.row.name), Hint: "give only one of them"})
		}
	}
}

// unverified warns about a value that the documents do not list. A value that the API converts is known.
func (c *checker) unverified(r *clause, n *node, v resource.Value, at resource.Path) Violation {
	text := resource.Text(v)
	documented := n.rule(wordEnum).values
	if text == "" || slices.Contains(documented, text) || r.values != nil && !slices.Contains(r.values, text) {
		return Violation{}
	}
	if conv := n.rule(wordConverts); conv != nil && !resource.Equal(conv.convert(v), v) {
		return Violation{}
	}
	hint := "the list is known to be incomplete; documented: " + orList(documented)
	if near := nearest(text, documented); near != "" && n.typ == resource.TypeString && r.values == nil {
		hint = fmt.Sprintf("the list is known to be incomplete, but did you mean %q?", near)
	} else if len(documented) > few {
		hint = "the list is known to be incomplete; check the number"
	}
	return Violation{Path: at, Severity: diag.Warning, Code: diag.ValueUnverified,
		Summary: fmt.Sprintf("%s %s is not documented", n.name(), shown(v)), Hint: hint}
}

// extraItems warns about items beyond the first that have a value only one may have.
func (c *checker) extraItems(r *clause, v resource.Value, at resource.Path) {
	list, _ := v.(resource.List)
	seen := false
	for i, e := range list {
		m, _ := e.(resource.Map)
		if !slices.Contains(r.values, resource.Text(m[r.names[0]])) {
			continue
		}
		if seen {
			c.add(Violation{Path: at.Index(i), Severity: diag.Warning, Code: diag.FieldIgnored,
				Summary: fmt.Sprintf("a second %s is ignored: the API takes the first one", orList(r.values)), Hint: "remove it"})
		}
		seen = true
	}
}

// repeatedItems reports items that have a value in common which tells items apart.
func (c *checker) repeatedItems(r *clause, v resource.Value, at resource.Path) {
	list, _ := v.(resource.List)
	name := r.names[0]
	seen := map[string]bool{}
	for i, e := range list {
		m, _ := e.(resource.Map)
		text := resource.Text(m[name])
		if text != "" && seen[text] {
			c.add(Violation{Path: at.Index(i).Child(name), Code: diag.BadValue, Summary: fmt.Sprintf("%s %s is there twice", name, shown(m[name])),
				Hint: "keep one of the two"})
		}
		seen[text] = true
	}
}

// combined reports fields that are too long together.
func (c *checker) combined(r *clause, at resource.Path, object resource.Value) {
	m, _ := object.(resource.Map)
	total := int64(0)
	for _, name := range r.names {
		s, ok := m[name].(resource.String)
		if !ok || s == "" {
			return
		}
		total += int64(utf8.RuneCountInString(string(s)))
	}
	if total > r.number {
		c.add(Violation{Path: at, Code: diag.CombinedLength,
			Summary: fmt.Sprintf("%s have %d characters together, at most %d", wordList(r.names, "and"), total, r.number), Hint: "shorten one of them"})
	}
}

// namesField reports a JSON pointer that names no field of the spec. A list is one field: its items cannot be told apart.
func (c *checker) namesField(n *node, v resource.Value, at resource.Path) {
	s, ok := v.(resource.String)
	spec := c.document.spec(c.product)
	if !ok || spec == nil {
		return
	}
	var paths []string
	spec.walk(func(f *node) {
		if f.path != "" && !f.implicit && !slices.Contains(f.path.Segments(), resource.Item) { // a list is one field
			paths = append(paths, string(f.path))
		}
	})
	if !slices.Contains(paths, string(s)) {
		c.add(Violation{Path: at, Code: diag.BadValue, Summary: fmt.Sprintf("%s names no field: %s", n.row.name, strconv.Quote(shown(v))),
			Hint: suggestion(string(s), paths)})
	}
}

// runCheck calls a check for a value of the row's type.
func (c *checker) runCheck(r *clause, n *node, v resource.Value, at resource.Path) {
	f := c.checks[r.text]
	if f == nil || !n.fits(v) {
		return
	}
	for _, found := range f(CheckInput{Path: at, Value: v, Spec: c.spec, Product: c.product, Argument: r.given}) {
		if r.atSend {
			c.addSending(found)
		} else {
			c.add(found)
		}
	}
}

func (r *rule) inRange(i int64) bool {
	return (r.low == nil || i >= *r.low) && (r.high == nil || i <= *r.high)
}

// fits tells whether a value has the field's type.
func (n *node) fits(v resource.Value) bool {
	switch v.(type) {
	case resource.String:
		return n.typ == resource.TypeString
	case resource.Int:
		return n.typ == resource.TypeInt
	case resource.Bool:
		return n.typ == resource.TypeBool
	case resource.Map:
		return n.typ == resource.TypeObject
	case resource.List:
		return n.typ == resource.TypeList
	}
	return false
}
