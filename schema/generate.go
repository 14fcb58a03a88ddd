package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"dcsync/internal/resource"
)

const (
	draft    = "https://json-schema.org/draft/2020-12/schema"
	idPrefix = "urn:dcsync:v1:"
)

// object is one JSON Schema, or a part of one.
type object = map[string]any

// origin is the table row, and for a conditional part the rule, that a place in a generated schema comes from.
type origin struct {
	node *node
	rule *clause // nil: the row's own type and value rules
}

// generator writes the JSON Schema of one document and notes where each part comes from.
type generator struct {
	prose   bool              // with texts for people, which validating does not need
	origins map[string]origin // by JSON pointer into the schema
	pending map[*node][]part  // parts that must stand at a root, because their condition looks there
	shapes  bool              // leave out what several fields have to do with each other
}

// part is one entry of an allOf.
type part struct {
	schema object
	origin origin
}

// generate gives the JSON Schema of a document, with the specs of the given products, and the origins of its parts. Documents of the
// kind's other products pass it whatever their spec holds. Prose adds titles, descriptions and meanings for editors.
func generate(d *document, products []string, prose bool) (object, map[string]origin) {
	g := &generator{prose: prose, origins: map[string]origin{}, pending: map[*node][]part{}}
	return g.document(d, products), g.origins
}

func (g *generator) document(d *document, products []string) object {
	doc := g.node(d.envelope, "")
	doc["$schema"], doc["$id"], doc["title"], doc["description"] = draft, idPrefix+d.kind, d.kind, d.text
	properties := doc["properties"].(object)
	required, _ := doc["required"].([]any)
	doc["required"] = append(required, "spec")
	if d.products == nil {
		properties["spec"] = g.node(d.specs[""], "/properties/spec")
		return doc
	}
	known := make([]any, len(d.products))
	for i, p := range d.products {
		known[i] = p
	}
	defs := object{}
	all, _ := doc["allOf"].([]any)
	for _, p := range products {
		defs[p] = g.node(d.specs[p], "/$defs/"+p)
		defs[p].(object)["title"] = d.titles[p] + ": " + p
		all = append(all, object{
			"if": object{"required": []any{"spec"}, "properties": object{"spec": object{"type": "object",
				"required": []any{"product"}, "properties": object{"product": object{"const": p}}}}},
			"then": object{"properties": object{"spec": object{"$ref": "#/$defs/" + p}}},
		})
	}
	first := *d.specs[d.products[0]].member("product")
	first.allowed = d.products
	g.origins["/properties/spec"] = origin{node: &node{row: &row{name: "spec"}, typ: resource.TypeObject, members: []*node{&first}}}
	g.origins["/properties/spec/properties/product"] = origin{node: &first}
	properties["spec"] = object{"type": "object", "required": []any{"product"},
		"properties": object{"product": object{"type": "string", "enum": known, "description": first.row.text}}}
	if all != nil {
		doc["allOf"], doc["$defs"] = all, defs
	}
	return doc
}

// generateShapes gives the schema that documents of one product are held against here: each field for itself. What fields have to do
// with each other is in the published schema too, for editors, but evaluated by relate, which is cheaper: a validator collects the
// properties of an object anew for each entry of allOf.
func generateShapes(d *document, product string) (object, map[string]origin) {
	g := &generator{origins: map[string]origin{}, shapes: true}
	s := g.document(d, nil)
	if spec := d.specs[product]; spec != nil && d.products != nil {
		s["properties"].(object)["spec"] = g.node(spec, "/properties/spec")
	}
	return s, g.origins
}

// node gives the schema of a field; at is the pointer under which it will stand.
func (g *generator) node(n *node, at string) object {
	g.origins[at] = origin{node: n}
	s := g.shape(n, at)
	switch {
	case n.isSecretLeaf():
		s = secretReference()
	case n.belowSecret():
		s = object{"if": object{"type": "object"}, "then": secretReference(), "else": s}
	case n.rule(wordFile) != nil:
		s = object{"if": object{"type": "object"}, "then": reference("file"), "else": s}
	}
	if g.prose && n.parent != nil && n.parent.item != n {
		s["title"], s["description"] = n.row.name, n.row.text
		if text := n.markdown(); text != "" {
			s["markdownDescription"] = text
		}
		if c := n.rule(wordDeprecated); c != nil {
			s["deprecated"] = true
		}
		if c := n.rule(wordDefault); c != nil && len(c.when) == 0 && c.words == "" {
			v, _ := value(n.typ, c.values[0])
			s["default"] = resource.ToAny(v)
		}
	}
	return s
}

// shape gives the schema of a field's plain value.
func (g *generator) shape(n *node, at string) object {
	switch n.typ {
	case resource.TypeObject:
		return g.object(n, at)
	case resource.TypeList:
		s := object{"type": "array", "items": g.node(n.item, at+"/items")}
		if c := n.rule(wordMinItems); c != nil {
			s["minItems"] = c.number
		}
		return s
	}
	s := object{"type": string(n.typ)}
	if n.rule(wordDigits) != nil {
		s["type"], s["pattern"] = []any{"integer", "string"}, "^[0-9]+$"
	}
	if n.allowed != nil {
		values := make([]any, len(n.allowed))
		for i, text := range n.allowed {
			v, _ := value(n.typ, text)
			values[i] = resource.ToAny(v)
		}
		if c := n.rule(wordOpen); c != nil && c.values == nil {
			s["examples"] = values
		} else {
			s["enum"] = values
			if texts := n.meanings(n.allowed); g.prose && texts != nil {
				s["markdownEnumDescriptions"] = texts
			}
		}
	}
	if n.typ == resource.TypeString && n.row.req == resource.Required && n.allowed == nil {
		s["minLength"] = 1
	}
	for _, c := range n.rules {
		if c.atSend {
			continue
		}
		switch c.word {
		case wordMax:
			s["maxLength"] = c.number
		case wordMin:
			s["minLength"] = c.number
		case wordRange:
			if c.low != nil {
				s["minimum"] = *c.low
			}
			if c.high != nil {
				s["maximum"] = *c.high
			}
		case wordFormat:
			s["format"] = "dcsync-" + c.text
			if p := formats[c.text].pattern; p != nil {
				s["pattern"] = p.String()
			}
		case wordPattern:
			s["pattern"] = c.text
		}
	}
	return s
}

// object gives the schema of a closed object: its members, and its members' conditions.
func (g *generator) object(n *node, at string) object {
	if n.row.isMap {
		return object{"type": "object", "additionalProperties": object{"type": "string"}}
	}
	properties, required := object{}, []any{}
	for _, m := range n.members {
		properties[m.row.name] = g.node(m, at+"/properties/"+m.row.name)
		if m.required {
			required = append(required, m.row.name)
		}
	}
	s := object{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	if all := g.relations(n, at); all != nil {
		s["allOf"] = all
	}
	return s
}

// relations gives what the members of an object have to do with each other and with other fields; nil for shapes.
func (g *generator) relations(n *node, at string) []any {
	if g.shapes {
		return nil
	}
	var parts []part
	for _, m := range n.members {
		for i := range m.rules {
			if c := &m.rules[i]; !c.atSend && (c.word == wordRequiredWhen || c.word == wordForbiddenWhen) {
				parts = append(parts, g.conditional(n, m, c)...)
			}
		}
		if c := m.rule(wordSpread); c != nil {
			parts = append(parts, spreadParts(m, c)...)
		}
	}
	for i := range n.rules {
		if p, ok := chosen(n, &n.rules[i]); ok {
			parts = append(parts, p)
		}
	}
	parts = append(parts, g.pending[n]...)
	var all []any
	for i, p := range parts {
		g.origins[fmt.Sprintf("%s/allOf/%d", at, i)] = p.origin
		all = append(all, p.schema)
	}
	return all
}

// conditional gives the part for a rule of member m of object n. When the condition looks at the root too, the part is kept for the
// root and reaches down to n from there.
func (g *generator) conditional(n, m *node, c *clause) []part {
	then := object{"required": []any{m.row.name}}
	if c.word == wordForbiddenWhen {
		then = object{"properties": object{m.row.name: false}}
	}
	var here, root condition
	for _, t := range c.when {
		if t.root && n != n.root {
			root = append(root, t)
		} else {
			here = append(here, t)
		}
	}
	s := wrap(here.schema(m), then)
	if root == nil {
		return []part{{s, origin{m, c}}}
	}
	for _, seg := range slices.Backward(n.path.Segments()) {
		if seg == resource.Item {
			s = object{"items": s}
		} else {
			s = object{"properties": object{seg: s}}
		}
	}
	g.pending[n.root] = append(g.pending[n.root], part{wrap(root.schema(m), s), origin{m, c}})
	return nil
}

// wrap gives "if, then", or only then when there is no condition.
func wrap(condition, then object) object {
	if condition == nil {
		return then
	}
	return object{"if": condition, "then": then}
}

// schema gives the condition as a schema for the object its paths begin at; nil when there are no terms.
func (c condition) schema(n *node) object {
	if len(c) == 0 {
		return nil
	}
	if len(c) == 1 {
		return c[0].schema(n)
	}
	all := make([]any, len(c))
	for i, t := range c {
		all[i] = t.schema(n)
	}
	return object{"allOf": all}
}

func (t term) schema(n *node) object {
	s := object{}
	if t.values != nil {
		typ := t.find(n).typ
		values := make([]any, len(t.values))
		for i, text := range t.values {
			v, _ := value(typ, text)
			values[i] = resource.ToAny(v)
		}
		s = object{"enum": values}
	}
	for _, seg := range slices.Backward(t.path) {
		if seg == resource.Item {
			s = object{"type": "array", "contains": s}
		} else if len(s) == 0 {
			s = object{"type": "object", "required": []any{seg}}
		} else {
			s = object{"type": "object", "required": []any{seg}, "properties": object{seg: s}}
		}
	}
	if t.not {
		return object{"not": s}
	}
	return s
}

// chosen gives the part for a rule about how many of an object's members may be given.
func chosen(n *node, c *clause) (part, bool) {
	each := make([]any, len(c.names))
	for i, name := range c.names {
		each[i] = object{"required": []any{name}}
	}
	var s object
	switch {
	case n.typ != resource.TypeObject:
		return part{}, false
	case c.word == wordExactlyOne:
		s = object{"oneOf": each}
	case c.word == wordAtLeastOne:
		s = object{"anyOf": each}
	case c.word == wordAtMostOne:
		s = object{"oneOf": append(each, object{"not": object{"anyOf": slices.Clone(each)}})}
	default:
		return part{}, false
	}
	return part{s, origin{n, c}}, true
}

// spreadParts gives the parts for a list whose items stand for fields beside it: each field once, in one of its two forms.
func spreadParts(m *node, c *clause) []part {
	var parts []part
	by := c.names[0]
	for _, field := range m.item.member(by).allowed {
		item := object{"type": "object", "required": []any{by}, "properties": object{by: object{"const": field}}}
		parts = append(parts,
			part{object{"properties": object{m.row.name: object{"contains": item, "minContains": 0, "maxContains": 1}}}, origin{m, c}},
			part{object{"if": object{"required": []any{field}}, "then": object{"properties": object{m.row.name: object{"not": object{"contains": item}}}}}, origin{m, c}})
	}
	return parts
}

// isSecretLeaf tells whether the field takes nothing but a reference to a secret.
func (n *node) isSecretLeaf() bool {
	return n.typ != resource.TypeObject && n.rule(wordSecret) != nil
}

// belowSecret tells whether the field belongs to a secret object, so that it may be a reference to a secret.
func (n *node) belowSecret() bool {
	return n.typ != resource.TypeObject && n.parent != nil && n.parent.rule(wordSecret) != nil
}

func secretReference() object {
	s := reference("env", "file")
	s["minProperties"], s["maxProperties"] = 1, 1
	delete(s, "required")
	return s
}

// reference gives the schema of a value that stands elsewhere: {file: PATH} or {env: NAME}.
func reference(members ...string) object {
	properties := object{}
	for _, m := range members {
		properties[m] = object{"type": "string", "minLength": 1}
		if m == "env" {
			properties[m] = object{"type": "string", "pattern": variable.String()}
		}
	}
	return object{"type": "object", "properties": properties, "required": []any{members[0]}, "additionalProperties": false}
}

// encode gives the canonical bytes of a schema: keys sorted, two spaces, one newline at the end.
func encode(s object) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(s); err != nil {
		panic(fmt.Sprintf("schema: encode: %v", err)) // maps, slices, strings and numbers only
	}
	return b.Bytes()
}

// originAt gives the origin of the deepest known place at or above a pointer, and what of the pointer is left.
func originAt(origins map[string]origin, pointer string) (origin, string, bool) {
	for at := pointer; ; {
		if o, ok := origins[at]; ok {
			return o, strings.TrimPrefix(pointer[len(at):], "/"), true
		}
		i := strings.LastIndexByte(at, '/')
		if i < 0 {
			return origin{}, "", false
		}
		at = at[:i]
	}
}
