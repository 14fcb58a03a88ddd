package manifests

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
	"dcsync/internal/secret"
	"dcsync/schema"
)

// document is one YAML document: what is written, where, and what is known to be wrong with it.
type document struct {
	src    *source
	root   *yaml.Node
	digest string

	kind string               // "" unless it is one of the schema's
	name string               // metadata.name, "" when there is none
	desc *resource.Descriptor // nil when kind or product is unknown

	value   resource.Map           // nil when it could not be read as a whole
	refused map[resource.Path]bool // values that have a finding before the schema sees them
	found   []schema.Violation     // what the schema said of it
	said    map[remark]bool        // the same, to ask whether something was said already
	broken  bool                   // has an error

	included map[resource.Path]string      // files whose content stands in value, by path
	members  map[*yaml.Node]map[string]int // where a mapping has each of its keys, as far as asked for
}

// specPath is where a document's spec lies.
const specPath = resource.Path("/spec")

// newDocument looks at the few members that say which table a document is read by.
func newDocument(src *source, p part) *document {
	d := &document{
		src: src, root: p.root, digest: p.digest,
		refused: map[resource.Path]bool{}, included: map[resource.Path]string{},
	}
	d.name = d.text("/metadata/name")
	if kind := d.text("/kind"); slices.Contains(schema.Kinds(), kind) {
		d.kind = kind
		d.desc, _ = schema.Descriptor(kind, d.text("/spec/product"))
	}
	return d
}

// text gives the text at a path, "" when there is none.
func (d *document) text(p resource.Path) string {
	if _, v, ok := d.find(p); ok && v.Kind == yaml.ScalarNode && v.Tag == tagString {
		return v.Value
	}
	return ""
}

// find gives key and value at a path; when there is nothing, those of the nearest thing above it and false. The root has no key,
// and an item of a list is its own.
func (d *document) find(p resource.Path) (key, value *yaml.Node, ok bool) {
	key, value = d.root, d.root
	for _, seg := range p.Segments() {
		k, v := d.child(resolved(value), seg)
		if v == nil {
			return key, value, false
		}
		key, value = k, v
	}
	return key, resolved(value), true
}

// child gives a member of a mapping or an item of a sequence, nil when there is none. Large mappings are searched once and remembered:
// a document may have a finding for each of their members.
func (d *document) child(n *yaml.Node, seg string) (key, value *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode:
		members := d.members[n]
		if members == nil {
			members = make(map[string]int, len(n.Content)/2)
			for i := 0; i+1 < len(n.Content); i += 2 {
				k := resolved(n.Content[i])
				if _, seen := members[k.Value]; !seen && k.Kind == yaml.ScalarNode {
					members[k.Value] = i
				}
			}
			if d.members == nil {
				d.members = map[*yaml.Node]map[string]int{}
			}
			d.members[n] = members
		}
		if i, ok := members[seg]; ok {
			return n.Content[i], n.Content[i+1]
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(seg); err == nil && i >= 0 && i < len(n.Content) {
			return n.Content[i], n.Content[i]
		}
	}
	return nil, nil
}

func resolved(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// pos gives where the document begins.
func (d *document) pos() diag.Pos { return d.src.pos(place(d.root)) }

// keyPos gives the position of a member's name or a list's item, or of the nearest thing above it.
func (d *document) keyPos(p resource.Path) diag.Pos {
	key, _, _ := d.find(p)
	return d.src.pos(place(key))
}

// valuePos gives the position of a value. When nothing is there, it is the name of the nearest thing above.
func (d *document) valuePos(p resource.Path) diag.Pos {
	key, value, ok := d.find(p)
	if !ok {
		value = key
	}
	return d.src.pos(place(value))
}

// address gives the document's address, zero while kind or name is unknown and for the project, which is no object.
func (d *document) address() resource.Address {
	if d.kind == "" || d.kind == projectKind || d.name == "" {
		return resource.Address{}
	}
	return resource.Address{Kind: d.kind, Name: d.name}
}

// isSecret tells whether the value at a path must not be shown: by the table, or by its name where no table is known.
func (d *document) isSecret(p resource.Path) bool {
	if strings.Contains(string(p), "/credit_card") {
		return true
	}
	return d.desc != nil && p.Under(specPath) && d.desc.SecretAt(p[len(specPath):])
}

// masked gives a path as it may be shown. Below a secret only the names that the table has are: somebody may have written the secret
// where a name belongs.
func (d *document) masked(p resource.Path) resource.Path {
	if !d.isSecret(p) {
		return p
	}
	var at, out resource.Path
	for _, seg := range p.Segments() {
		at = at.Child(seg)
		if d.isSecret(at) && !d.isKnown(at) {
			seg = secret.Redacted
		}
		out = out.Child(seg)
	}
	return out
}

// isKnown tells whether a path below the spec leads to a field of the table, or to a member of {env: NAME} or {file: PATH}.
func (d *document) isKnown(p resource.Path) bool {
	switch last := p.Last(); {
	case last == "credit_card", last == "env", last == "file":
		return true
	case d.desc == nil || !p.Under(specPath):
		return false
	}
	parent := d.desc.Field(p.Parent()[len(specPath):])
	return parent != nil && parent.Item == nil && d.desc.Field(p[len(specPath):]) != nil
}

// shownKey gives how many characters of a key at a secret path may be seen: those of a known name, which are as many as were written
// unless it is quoted.
func (d *document) shownKey(key *yaml.Node, p resource.Path) int {
	if key.Kind != yaml.ScalarNode || !d.isKnown(p) {
		return 0
	}
	width := utf8.RuneCountInString(key.Value)
	if key.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		width += 2
	}
	return width
}

// diagnostic places what the schema says.
func (d *document) diagnostic(v schema.Violation) diag.Diagnostic {
	path, pos := v.Path, d.valuePos
	if v.Member != "" || v.OnKey {
		pos = d.keyPos
	}
	out := diag.Diagnostic{
		Severity: v.Severity, AtSend: v.AtSend, Code: v.Code, Summary: v.Summary, Detail: v.Detail, Hint: schema.Hint(d.kind, d.value, v),
		Pos: pos(path), Address: d.address().String(),
	}
	if name, ok := d.included[path]; ok {
		out.Related = []diag.Related{{Pos: diag.Pos{File: name}, Message: "the file"}}
	}
	if v.Member != "" {
		path = path.Child(v.Member)
	}
	out.Path = string(shortPath(d.masked(path)))
	if d.isSecret(v.Path) {
		d.scrub(&out, v.Path)
	}
	if v.Code == diag.UnknownField && d.masked(v.Path) != v.Path {
		out.Summary = "unknown field " + secret.Redacted
	}
	return out
}

// scrub takes what is written at or below a path out of a finding's text.
func (d *document) scrub(f *diag.Diagnostic, p resource.Path) {
	var s secret.Scrubber
	var walk func(resource.Value)
	walk = func(v resource.Value) {
		switch v := v.(type) {
		case resource.Map:
			for _, e := range v {
				walk(e)
			}
		case resource.List:
			for _, e := range v {
				walk(e)
			}
		default:
			s.Add(secret.New(resource.Text(v)))
		}
	}
	walk(resource.Get(d.value, p))
	f.Summary, f.Detail, f.Hint = s.Scrub(f.Summary), s.Scrub(f.Detail), s.Scrub(f.Hint)
}

// shortPath makes a pointer into the spec of one into the document; what lies beside the spec keeps its own.
func shortPath(p resource.Path) resource.Path {
	if p.Under(specPath) {
		return p[len(specPath):]
	}
	return p
}

// answered tells whether something was already said about the place of a violation.
func (d *document) answered(v schema.Violation) bool {
	if v.Member == "" {
		for p := v.Path; ; p = p.Parent() {
			if d.refused[p] {
				return true
			}
			if p == "" {
				break
			}
		}
	}
	return d.said[remark{v.Path, v.Member, v.Code}]
}

// remark is a violation without its words.
type remark struct {
	path   resource.Path
	member string
	code   diag.Code
}

func (d *document) remember(v schema.Violation) {
	if d.said == nil {
		d.said = map[remark]bool{}
	}
	d.said[remark{v.Path, v.Member, v.Code}] = true
	d.found = append(d.found, v)
}
