package schema

import (
	"slices"

	"dcsync/internal/resource"
)

// node is one field of one kind and product: a table row in its place in the document.
type node struct {
	row      *row
	typ      resource.Type
	path     resource.Path // from its root; list items as "[]"
	root     *node         // where conditions that start with "/" begin; the node itself for a root
	parent   *node         // the object it is a member of, or the list it is the item of
	members  []*node       // of an object
	item     *node         // of a list
	required bool          // always
	rules    []clause
	allowed  []string // values of a closed or open list, nil for any
	implicit bool     // the ref member of an object that may be a reference
}

// clause is a rule of a node, its condition narrowed to the node's kind and product.
type clause struct {
	*rule
	when  condition // what is left of the condition; empty for always
	words string    // the whole condition in words
}

// Rules of a list's row belong to the list itself or to each of its items.
var listWords = []string{wordMinItems, wordSet, wordIncludes, wordRevokesWhen, wordUnverified, wordUnique, wordSpread, wordRequiredWhen, wordForbiddenWhen, wordIgnoredWhen,
	wordUnverifiedWhen, wordOverrides, wordDeprecated, wordSecret, wordIdentity, wordClearable, wordDefault}

func (r *rule) isOfList() bool {
	return slices.Contains(listWords, r.word) || r.word == wordAtMostOne && r.values != nil
}

// newRoot makes the root of a spec or of a document from table rows.
func newRoot(title string, chosen selection, rows []*row) *node {
	n := &node{row: &row{name: title, typ: resource.TypeObject, text: title}, typ: resource.TypeObject}
	n.root = n
	n.addMembers(rows, chosen)
	return n
}

func (n *node) addMembers(rows []*row, chosen selection) {
	if ref := n.rule(wordRef); ref != nil {
		r := &row{name: "ref", file: n.row.file, line: n.row.line, req: resource.Optional, typ: resource.TypeString,
			rules: []rule{{word: wordFormat, text: "name"}}, send: resource.SendNever, change: n.row.change, method: n.row.method,
			text: "Name of the " + ref.text + " manifest that this stands for."}
		m := n.addMember(r, chosen)
		m.implicit = true
	}
	for _, r := range rows {
		n.addMember(r, chosen)
	}
}

func (n *node) addMember(r *row, chosen selection) *node {
	m := &node{row: r, typ: r.typ, path: n.path.Child(r.name), root: n.root, parent: n, required: r.req == resource.Required}
	n.members = append(n.members, m)
	if r.typ == resource.TypeList {
		m.item = &node{row: r, typ: r.item, path: m.path + "/" + resource.Item, root: n.root, parent: m}
	}
	for i := range r.rules {
		m.addRule(&r.rules[i], chosen)
	}
	if m.item != nil {
		m.item.addMembers(r.members, chosen)
	} else {
		m.addMembers(r.members, chosen)
	}
	return m
}

// addRule gives the node, or its items, a rule of its row, unless it can never hold for the kind or product.
func (n *node) addRule(r *rule, chosen selection) {
	when, possible := r.when.narrow(chosen)
	if !possible {
		return
	}
	if r.word == wordRequiredWhen && len(when) == 0 && !r.atSend {
		n.required = true
		return
	}
	to := n
	if n.item != nil && !r.isOfList() {
		to = n.item
	}
	to.rules = append(to.rules, clause{rule: r, when: when, words: r.when.about(chosen).String()})
	if r.word == wordSelects {
		to.allowed = []string{chosen.value}
	}
	if r.word == wordEnum || r.word == wordOpen && r.values != nil {
		to.allowed = append(to.allowed, r.values...)
	}
}

// joinRefs makes the rules that follow from ref=Kind: beside a reference nothing is required, and beside one to a value-only kind
// nothing is allowed but fields marked beside_ref.
func (n *node) joinRefs(isValueOnly func(kind string) bool) {
	n.walk(func(o *node) {
		ref := o.rule(wordRef)
		if ref == nil {
			return
		}
		given := term{path: []string{"ref"}}
		absent := term{path: []string{"ref"}, not: true}
		for _, m := range o.members {
			if m.implicit || m.rule(wordBesideRef) != nil {
				continue
			}
			if isValueOnly(ref.text) {
				for i, c := range m.rules {
					if c.word == wordRequiredWhen {
						m.rules[i].when = append(slices.Clone(c.when), absent)
					}
				}
				when := condition{given}
				m.rules = append(m.rules, clause{rule: &rule{word: wordForbiddenWhen}, when: when, words: when.String()})
			}
			if m.required {
				m.required = false
				when := condition{absent}
				m.rules = append(m.rules, clause{rule: &rule{word: wordRequiredWhen}, when: when, words: when.String()})
			}
		}
	})
}

// rule gives the first rule with a word that holds in all cases or may hold, nil when there is none.
func (n *node) rule(word string) *clause {
	for i := range n.rules {
		if n.rules[i].word == word {
			return &n.rules[i]
		}
	}
	return nil
}

// walk calls f for the node and all below it, in table order.
func (n *node) walk(f func(*node)) {
	f(n)
	for _, m := range n.members {
		m.walk(f)
	}
	if n.item != nil {
		n.item.walk(f)
	}
}

// member gives the member of a name, nil when there is none.
func (n *node) member(name string) *node {
	for _, m := range n.members {
		if m.row.name == name {
			return m
		}
	}
	return nil
}

// object gives the object whose members a rule of this node speaks of: the node itself, else the one it stands in.
func (n *node) object() *node {
	if n.typ == resource.TypeObject {
		return n
	}
	return n.parent
}

// find gives the node that a condition's path names, nil when the tables have none.
func (t term) find(n *node) *node {
	at := n.parent
	if t.root {
		at = n.root
	}
	for _, seg := range t.path {
		if at == nil {
			return nil
		}
		if seg == resource.Item {
			at = at.item
		} else {
			at = at.member(seg)
		}
	}
	return at
}
