package schema

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
)

// formatHints says for formats how a value is written.
var formatHints = map[string]string{
	"country":  "write the two letters of the country, such as us or de",
	"email":    "write it like name@example.com, without a display name",
	"phone":    "write the number with its country code, such as +1 801 555 0100",
	"date-dmy": "write it like 09 JUN 2025",
	"date-ymd": `write it like "2025-06-09", in quotes`,
	"csr":      "paste the whole PEM text, or name its file with {file: PATH}",
	"hash":     "write it like sha256",
	"hex":      "write digits 0-9 and a-f only",
	"name":     "write it like installer-signing-2",
	"pointer":  "begin with / and put / between the steps",
	"duration": "write a number and a unit, such as 60s or 10m",
	"windows":  "write off, or requests per time, such as 100/5s,1000/180s",
	"path":     "write it relative to dcsync.yaml, with / and without a leading /",
}

// Hint gives the next step for a finding that has no hint of its own, from the row that it is about. It never repeats the value, which
// may be a secret.
func Hint(kind string, doc resource.Map, v Violation) string {
	if v.Hint != "" {
		return v.Hint
	}
	d := built().document(kind)
	if d == nil {
		return "write kind: " + orList(Kinds())
	}
	if v.Member == "spec" && v.Path == "" {
		return fmt.Sprintf("add spec with the fields that dcsync explain %s lists", kind)
	}
	n := d.nodeAt(resource.Text(resource.Get(doc, "/spec/product")), v.Path)
	if n == nil {
		return fmt.Sprintf("dcsync explain %s lists the fields", kind)
	}
	switch v.Code {
	case diag.OneOfViolated:
		return n.groupHint()
	case diag.WrongType:
		return n.shapeHint()
	}
	return n.valueHint(kind, resource.Get(doc, v.Path))
}

// nodeAt gives the field at a path of a document, nil when the tables have none.
func (d *document) nodeAt(product string, at resource.Path) *node {
	n := d.envelope
	if at.Under(specPath) {
		n, at = d.spec(product), at[len(specPath):]
	}
	for _, seg := range at.Segments() {
		switch {
		case n == nil:
			return nil
		case n.item != nil:
			n = n.item
		case n.row.isMap:
			return n
		default:
			n = n.member(seg)
		}
	}
	return n
}

func (n *node) groupHint() string {
	for _, c := range n.rules {
		switch {
		case c.word == wordExactlyOne:
			return "give one of them and no other"
		case c.word == wordAtLeastOne:
			return "add one of them"
		case c.word == wordAtMostOne && c.values == nil:
			return "keep one of them and remove the others"
		}
	}
	return "dcsync explain says which fields go together"
}

// shapeHint says how a value of the field's type is written.
func (n *node) shapeHint() string {
	switch {
	case n.row.isMap:
		return "write NAME: TEXT, one on each line below it"
	case n.typ == resource.TypeString:
		return "write one text here"
	case n.typ == resource.TypeInt:
		return "write a number, without quotes"
	case n.typ == resource.TypeBool:
		return "write true or false, without quotes"
	case n.typ == resource.TypeList:
		return `write it as a list: one "- " line for each item`
	}
	return "write its fields below it, indented"
}

// valueHint says what to write in place of a value that was refused.
func (n *node) valueHint(kind string, v resource.Value) string {
	explain := fmt.Sprintf("dcsync explain %s%s says what it takes", kind,
		strings.ReplaceAll(strings.ReplaceAll(string(n.path), "/"+resource.Item, ""), "/", "."))
	text, isText := v.(resource.String)
	switch limit, format := n.rule(wordMax), n.rule(wordFormat); {
	case n.isSecretLeaf() || n.belowSecret():
		return "use {env: NAME} for an environment variable or {file: PATH} for a file that is not committed"
	case n.typ == resource.TypeList:
		return fmt.Sprintf("add an item, or remove %s", n.row.name)
	case n.allowed != nil && len(n.documented()) == 1:
		return "write " + n.documented()[0]
	case n.allowed != nil && len(n.documented()) <= 12:
		return "write one of these values"
	case n.allowed != nil:
		return explain
	case n.typ == resource.TypeInt && n.rule(wordRange) != nil:
		return "write a number that is " + n.rule(wordRange).rangeWords()
	case isText && text == "":
		return fmt.Sprintf("write a value, or remove %s", n.row.name)
	case isText && limit != nil && int64(utf8.RuneCountInString(string(text))) > limit.number:
		return "shorten it"
	case format != nil && formatHints[format.text] != "":
		return formatHints[format.text]
	}
	return explain
}
