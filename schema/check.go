package schema

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
)

// Check gives all findings about one whole document (apiVersion, kind, metadata, spec, lifecycle) of a kind, sorted by path. It
// calls the checks that the tables name; one that is not supplied is passed over. A document of an unknown kind has no findings.
//
// What a rule behind at=send finds is a warning marked AtSend: it refuses only what a plan would send, so that time passing never
// makes a merged manifest invalid (domain rules, section 7).
func Check(kind string, doc resource.Map, checks Checks) []Violation {
	return built().check(kind, doc, checks)
}

func (all *catalog) check(kind string, doc resource.Map, checks Checks) []Violation {
	d := all.document(kind)
	if d == nil {
		return nil
	}
	c := &checker{document: d, doc: doc, checks: checks}
	c.spec, _ = doc["spec"].(resource.Map)
	if d.products != nil {
		c.product = resource.Text(c.spec["product"])
	}
	d.validator(c.product).validate(doc, c.failed)
	c.advise(d.envelope, doc, "")
	if spec := d.spec(c.product); spec != nil && c.spec != nil {
		c.advise(spec, c.spec, specPath)
	}
	return c.findings()
}

// specPath is where the spec stands in a document.
const specPath resource.Path = "/spec"

// checker collects the findings about one document.
type checker struct {
	document *document
	doc      resource.Map
	spec     resource.Map
	product  string
	checks   Checks
	found    []Violation
}

// whenSent explains a finding that does not touch what was sent already.
const whenSent = "It counts when the field is sent: a new order or the next renewal is refused, one that was placed is not touched."

// addSending takes a finding of a rule behind at=send.
func (c *checker) addSending(v Violation) {
	v.Severity, v.AtSend, v.Detail = diag.Warning, true, cmp.Or(v.Detail, whenSent)
	c.add(v)
}

func (c *checker) add(v Violation) {
	v.Severity = cmp.Or(v.Severity, diag.Error)
	c.found = append(c.found, v)
}

// findings sorts what was found, says each thing once, and drops the advice about fields that are wrong or ignored anyway.
func (c *checker) findings() []Violation {
	slices.SortStableFunc(c.found, func(a, b Violation) int {
		return cmp.Or(comparePaths(a.Path, b.Path), cmp.Compare(a.Member, b.Member), cmp.Compare(a.rank(), b.rank()),
			cmp.Compare(a.Code, b.Code), cmp.Compare(a.Summary, b.Summary))
	})
	var out []Violation
	ignored := map[resource.Path]bool{}
	here := 0 // where in out the findings about the present place begin
	for _, v := range c.found {
		if here < len(out) && (out[here].Path != v.Path || out[here].Member != v.Member) {
			here = len(out)
		}
		if v.Severity == diag.Warning && isBelow(v.Path, ignored) || slices.ContainsFunc(out[here:], func(o Violation) bool { return o.covers(v) }) {
			continue
		}
		if v.Code == diag.FieldIgnored {
			ignored[v.Path] = true
		}
		out = append(out, v)
	}
	return out
}

// isBelow tells whether a path is one of some paths or lies below one.
func isBelow(p resource.Path, paths map[resource.Path]bool) bool {
	for ; p != ""; p = p.Parent() {
		if paths[p] {
			return true
		}
	}
	return false
}

// covers tells whether a finding makes a later one about the same place superfluous.
func (v Violation) covers(o Violation) bool {
	if v.Member == "" && v.Severity == diag.Error && o.Severity == diag.Warning && !v.isGroup() {
		return true
	}
	return v.Code == o.Code && (v.Summary == o.Summary || !v.isGroup())
}

// isGroup tells whether a finding is about several fields of the object at its path, so that others may stand beside it.
func (v Violation) isGroup() bool {
	return v.Code == diag.OneOfViolated || v.Code == diag.CombinedLength
}

// rank puts errors before warnings, and among warnings those that make others superfluous first.
func (v Violation) rank() int {
	switch {
	case v.Severity == diag.Error:
		return 0
	case v.Code == diag.FieldIgnored:
		return 1
	}
	return 2
}

// comparePaths orders paths by their segments, list items by number.
func comparePaths(a, b resource.Path) int {
	return slices.CompareFunc(a.Segments(), b.Segments(), func(x, y string) int {
		i, errX := strconv.Atoi(x)
		j, errY := strconv.Atoi(y)
		if errX == nil && errY == nil {
			return cmp.Compare(i, j)
		}
		return strings.Compare(x, y)
	})
}

// failed takes one failed place of the schema.
func (c *checker) failed(o origin, keyword string, at resource.Path) {
	value := resource.Get(c.doc, at)
	switch {
	case keyword == "required":
		for _, m := range o.node.members {
			if object, ok := value.(resource.Map); ok && m.required && object[m.row.name] == nil {
				c.add(Violation{Path: at, Member: m.row.name, Code: diag.MissingField, Summary: m.row.name + " is required",
					Hint: m.hint(m.missingHint())})
			}
		}
		if at == "" && c.doc["spec"] == nil {
			c.add(Violation{Path: at, Member: "spec", Code: diag.MissingField, Summary: "spec is required"})
		}
	case keyword == "additionalProperties":
		c.unknownMembers(o.node, at, value)
	default:
		c.add(c.valueFailed(o.node, keyword, at, value))
	}
}

// unknownMembers reports the members of an object that its table does not have.
func (c *checker) unknownMembers(n *node, at resource.Path, value resource.Value) {
	object, _ := value.(resource.Map)
	for name := range object {
		if n.member(name) != nil || at == "" && name == "spec" {
			continue
		}
		var known []string
		for _, m := range n.members {
			known = append(known, m.row.name)
		}
		c.add(Violation{Path: at.Child(name), OnKey: true, Code: diag.UnknownField, Summary: "unknown field " + strconv.Quote(shown(resource.String(name))),
			Hint: suggestion(name, known)})
	}
}

// isEnvelope tells whether a path belongs to what every document starts with.
func isEnvelope(p resource.Path) bool {
	return p == "/apiVersion" || p == "/kind" || p.Under("/metadata")
}
