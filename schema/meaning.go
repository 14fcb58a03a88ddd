package schema

import (
	"slices"
	"strings"

	"dcsync/schema/glossary"
)

// few is how many values are listed where people read.
const few = 12

// markdown gives what an editor shows of a field: what it is, then its rules and what changing it does, as explain says them. What
// the product has decided is not said again, so that products that agree have the same text.
func (n *node) markdown() string {
	v := n.undecided().variant()
	lines := []string{n.row.text}
	for _, r := range v.Rules {
		lines = append(lines, "- "+r)
	}
	if v.Topic != "" {
		lines = append(lines, "- values: `dcsync reference "+v.Topic+"`")
	}
	if n.content().rule(wordOpen) != nil && len(v.Allowed) <= few { // an open list is no enum, whose meanings editors show by themselves
		for i, text := range n.content().meanings(v.Allowed) {
			lines = append(lines, "  - `"+v.Allowed[i]+"`: "+text)
		}
	}
	if v.Change != "" {
		lines = append(lines, "- "+v.Change)
	}
	if len(lines) == 1 {
		return ""
	}
	lines[0] += "\n"
	return strings.Join(lines, "\n")
}

// undecided gives the node with rules that name only what is left of their conditions.
func (n *node) undecided() *node {
	out := *n
	out.rules = slices.Clone(n.rules)
	for i, c := range out.rules {
		out.rules[i].words = c.when.String()
	}
	if n.item != nil {
		out.item = n.item.undecided()
	}
	return &out
}

// meanings says what each of the values stands for, "" where nobody says; nil when nothing is said of any.
func (n *node) meanings(values []string) []string {
	out := make([]string, len(values))
	if c := n.rule(wordMeans); c != nil {
		for i, v := range values {
			if at := slices.Index(c.values, v); at >= 0 {
				out[i] = c.texts[at]
			}
		}
	}
	if c := n.rule(wordEnum); c != nil && c.topic != "" {
		list, _ := glossary.Lookup(c.topic)
		for i, v := range values {
			out[i] = meaning(list, v)
		}
	}
	if !slices.ContainsFunc(out, func(s string) bool { return s != "" }) {
		return nil
	}
	return out
}

// meaning gives the other cells of a value's row in its glossary list.
func meaning(list glossary.List, value string) string {
	row := slices.Index(list.Values(), value)
	if row < 0 {
		return ""
	}
	var words []string
	for i, cell := range list.Rows[row] {
		if list.Columns[i] != list.Key() {
			words = append(words, cell)
		}
	}
	return strings.Join(words, ": ")
}
