package schema

import (
	"fmt"
	"slices"
	"strings"
)

// condition is a conjunction of terms about other fields of the same document.
type condition []term

// term asks whether the field at a path is given or, with values, whether it has one of them.
type term struct {
	not    bool
	root   bool     // the path starts at the root of the spec, not at the row's object
	path   []string // "[]" steps into the items of a list: one of them is enough
	values []string
}

// parseCondition reads `term {& term}`, a term being `[!] path [= v {| v}]`.
func parseCondition(s string) (condition, error) {
	var c condition
	for _, part := range strings.Split(s, "&") {
		t, err := parseTerm(strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		c = append(c, t)
	}
	return c, nil
}

func parseTerm(s string) (term, error) {
	text := s
	var t term
	if rest, ok := strings.CutPrefix(s, "!"); ok {
		t.not, s = true, strings.TrimSpace(rest)
	}
	path, values, hasValues := strings.Cut(s, "=")
	path = strings.TrimSpace(path)
	if rest, ok := strings.CutPrefix(path, "/"); ok {
		t.root, path = true, rest
	}
	t.path = strings.Split(path, "/")
	for _, seg := range t.path {
		if seg != "[]" && !isName(seg) {
			return term{}, fmt.Errorf("bad condition %q: %q is no field name", text, seg)
		}
	}
	if hasValues {
		t.values = strings.Split(values, "|")
		for i, v := range t.values {
			if t.values[i] = strings.TrimSpace(v); t.values[i] == "" {
				return term{}, fmt.Errorf("bad condition %q: empty value", text)
			}
		}
	}
	return t, nil
}

func isName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_')
	})
}

// selection is what chose a table: the kind of a document, or the product of a spec. Terms about it are decided when the table is
// put together.
type selection struct {
	field string // kind or product
	value string
}

func (t term) isAbout(s selection) bool { return t.root && len(t.path) == 1 && t.path[0] == s.field }

// narrow decides the terms about the selection. It gives the terms that are left, and false when the condition can never hold.
func (c condition) narrow(s selection) (condition, bool) {
	left := condition{}
	for _, t := range c {
		if !t.isAbout(s) {
			left = append(left, t)
			continue
		}
		if (t.values == nil || slices.Contains(t.values, s.value)) == t.not {
			return nil, false
		}
	}
	return left, true
}

// String says the condition in words: "cs_provisioning_method is email and csr is given".
func (c condition) String() string {
	var words []string
	for i, t := range c {
		if !c.impliedBy(i) {
			words = append(words, t.String())
		}
	}
	return strings.Join(words, " and ")
}

// impliedBy tells whether term i only says that a field is given about which a later term says more.
func (c condition) impliedBy(i int) bool {
	t := c[i]
	return t.values == nil && !t.not && slices.ContainsFunc(c[i+1:], func(o term) bool {
		return o.root == t.root && o.values != nil && slices.Equal(o.path, t.path)
	})
}

// about gives the condition for messages about one selection: terms about it name its value and no other.
func (c condition) about(s selection) condition {
	out := slices.Clone(c)
	for i, t := range out {
		if t.isAbout(s) && s.value != "" {
			out[i] = term{root: true, path: t.path, values: []string{s.value}}
		}
	}
	return out
}

func (t term) String() string {
	name := t.name()
	switch {
	case t.values == nil && t.not:
		return name + " is not given"
	case t.values == nil:
		return name + " is given"
	case slices.Contains(t.path, "[]") && t.not:
		return "no " + name + " is " + orList(t.values)
	case slices.Contains(t.path, "[]"):
		return "a " + name + " is " + orList(t.values)
	case t.not:
		return name + " is not " + orList(t.values)
	}
	return name + " is " + orList(t.values)
}

// name gives the field as people call it: "certificate.common_name_indicator".
func (t term) name() string {
	var names []string
	for _, seg := range t.path {
		if seg != "[]" {
			names = append(names, seg)
		}
	}
	return strings.Join(names, ".")
}

// orList says "a", "a or b", "a, b or c".
func orList(words []string) string { return wordList(words, "or") }

func wordList(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	n := len(words) - 1
	return strings.Join(words[:n], ", ") + " " + last + " " + words[n]
}
