package schema

import (
	"fmt"
	"slices"
	"strings"

	"dcsync/internal/resource"
)

// table is one file of tables/: what it is about, and its rows.
type table struct {
	file       string
	title      string
	text       string
	kinds      []string
	part       string            // common, product, spec, or document: what the rows describe
	products   []string          // of a product table
	validation map[string]string // product → organization validation it needs
	nonce      resource.Path
	flags      map[string]bool
	keeps      bool // a reissue leaves earlier certificates valid
	rows       []*row
}

// row is one row of a table, with the rows nested below it.
type row struct {
	file    string
	line    int
	name    string
	req     resource.Req
	typ     resource.Type
	item    resource.Type // of a list
	isMap   bool          // an object with any member names and string values
	rules   []rule
	send    resource.Send
	change  resource.ChangeMode
	method  string
	read    resource.Read
	text    string
	members []*row
}

// The parts of a document that a table can describe.
const (
	partCommon   = "common"   // rows that all products of a kind share
	partProduct  = "product"  // rows of some products
	partSpec     = "spec"     // the spec of a kind without products
	partEnvelope = "envelope" // what manifests hold beside their spec
	partDocument = "document" // a whole document
)

var (
	columns = []string{"Name", "Req", "Type", "Rules", "Send", "Change", "Read", "Description"}
	parts   = []string{partCommon, partProduct, partSpec, partEnvelope, partDocument}
	flags   = []string{"expires", "billable", "downloadable", "value_only"}
	methods = []string{"emails", "custom_fields", "contacts", "renewal_notices", "renewal_message", "auto_reissue", "ct", "notes", "status", "validation"}
)

// parseTable reads a table file: heading, text, a table of settings, the table of rows. Errors name the file and the line.
func parseTable(file, text string) (*table, error) {
	p, err := readPage(file, text)
	if err != nil {
		return nil, err
	}
	if len(p.blocks) != 2 || !slices.Equal(p.blocks[0].header, []string{"Setting", "Value"}) || !slices.Equal(p.blocks[1].header, columns) {
		return nil, fmt.Errorf("%s:1: want a table Setting | Value and a table %s", file, strings.Join(columns, " | "))
	}
	t := &table{file: file, title: p.title, text: p.prose}
	for _, l := range p.blocks[0].rows {
		if err := t.set(l.cells[0], l.cells[1]); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, l.number, err)
		}
	}
	for _, name := range slices.Concat(t.kinds, t.products) {
		if !isName(name) {
			return nil, fmt.Errorf("%s:1: %q is no name of a kind or product", file, name)
		}
	}
	if t.kinds == nil || t.part == "" || (t.part == partProduct) != (t.products != nil) {
		return nil, fmt.Errorf("%s:1: settings must give the kind, the part and, for a product table, the products", file)
	}
	var open []*row // the row last read at each depth
	for _, l := range p.blocks[1].rows {
		r, depth, err := parseRow(file, l)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, l.number, err)
		}
		if depth > len(open) {
			return nil, fmt.Errorf("%s:%d: %s is nested too deep", file, l.number, r.name)
		}
		siblings := &t.rows
		if depth > 0 {
			parent := open[depth-1]
			if parent.isMap || parent.typ != resource.TypeObject && parent.item != resource.TypeObject {
				return nil, fmt.Errorf("%s:%d: %s is nested in %s, which is no object", file, l.number, r.name, parent.name)
			}
			siblings = &parent.members
		}
		if slices.ContainsFunc(*siblings, func(s *row) bool { return s.name == r.name }) {
			return nil, fmt.Errorf("%s:%d: %s is there twice", file, l.number, r.name)
		}
		*siblings = append(*siblings, r)
		open = append(open[:depth], r)
	}
	return t, nil
}

// set takes one row of the settings.
func (t *table) set(name, value string) error {
	list := func() []string {
		var out []string
		for _, v := range strings.Split(value, ",") {
			out = append(out, strings.TrimSpace(v))
		}
		return out
	}
	switch name {
	case "kind":
		t.kinds = list()
	case "part":
		t.part = value
		if !slices.Contains(parts, value) {
			return fmt.Errorf("unknown part %q", value)
		}
	case "products":
		t.products = list()
	case "validation":
		t.validation = map[string]string{}
		for _, v := range list() {
			product, validation, ok := strings.Cut(v, ": ")
			if !ok || !slices.Contains(t.products, product) {
				return fmt.Errorf("validation %q is not PRODUCT: TYPE of a product named above", v)
			}
			t.validation[product] = validation
		}
	case "nonce":
		t.nonce = resource.Path(value)
	case "reissue":
		if t.keeps = value == "keeps"; !t.keeps {
			return fmt.Errorf("reissue %q is not keeps", value)
		}
	case "flags":
		t.flags = map[string]bool{}
		for _, f := range list() {
			if !slices.Contains(flags, f) {
				return fmt.Errorf("unknown flag %q", f)
			}
			t.flags[f] = true
		}
	default:
		return fmt.Errorf("unknown setting %q", name)
	}
	return nil
}

// parseRow reads one row and its depth. It checks what the row alone can tell; link checks the rest.
func parseRow(file string, l line) (*row, int, error) {
	r := &row{file: file, line: l.number, text: l.cells[7]}
	name, depth := l.cells[0], 0
	for strings.HasPrefix(name, ".. ") {
		name, depth = strings.TrimSpace(name[3:]), depth+1
	}
	if r.name = name; !isName(name) {
		return nil, 0, fmt.Errorf("%q is no field name", name)
	}
	r.req = resource.Req(l.cells[1])
	if !slices.Contains([]resource.Req{resource.Required, resource.Optional, resource.Conditional}, r.req) {
		return nil, 0, fmt.Errorf("%s: unknown Req %q", name, r.req)
	}
	if err := r.setType(l.cells[2]); err != nil {
		return nil, 0, fmt.Errorf("%s: %w", name, err)
	}
	var err error
	if r.rules, err = parseRules(l.cells[3]); err != nil {
		return nil, 0, fmt.Errorf("%s: %w", name, err)
	}
	r.send = resource.Send(l.cells[4])
	if !slices.Contains([]resource.Send{resource.SendCreate, resource.SendCreatePut, resource.SendAfter, resource.SendNever}, r.send) {
		return nil, 0, fmt.Errorf("%s: unknown Send %q", name, r.send)
	}
	if err := r.setChange(l.cells[5]); err != nil {
		return nil, 0, fmt.Errorf("%s: %w", name, err)
	}
	if err := r.setRead(l.cells[6]); err != nil {
		return nil, 0, fmt.Errorf("%s: %w", name, err)
	}
	if r.text == "" {
		return nil, 0, fmt.Errorf("%s: no description", name)
	}
	return r, depth, nil
}

func (r *row) setType(s string) error {
	simple := map[string]resource.Type{"string": resource.TypeString, "int": resource.TypeInt, "bool": resource.TypeBool, "object": resource.TypeObject}
	if s == "map of string" {
		r.typ, r.isMap = resource.TypeObject, true
		return nil
	}
	if item, ok := strings.CutPrefix(s, "array of "); ok {
		r.typ = resource.TypeList
		if r.item, ok = simple[item]; ok {
			return nil
		}
	} else if r.typ, ok = simple[s]; ok {
		return nil
	}
	return fmt.Errorf("unknown Type %q", s)
}

func (r *row) setChange(s string) error {
	mode, method, hasMethod := strings.Cut(s, ":")
	r.change, r.method = resource.ChangeMode(mode), method
	known := slices.Contains([]resource.ChangeMode{resource.InPlace, resource.Reissue, resource.Immutable, resource.CreateOnly}, r.change)
	if !known || hasMethod != (r.change == resource.InPlace) || hasMethod && !slices.Contains(methods, method) {
		return fmt.Errorf("unknown Change %q", s)
	}
	if r.change == resource.InPlace && r.send != resource.SendCreatePut && r.send != resource.SendAfter {
		return fmt.Errorf("changed in place but sent %q", r.send)
	}
	return nil
}

func (r *row) setRead(s string) error {
	if s == "never" {
		return nil
	}
	place, path, _ := strings.Cut(s, ":")
	if path == "" || strings.Contains(path, " ") {
		return fmt.Errorf("unknown Read %q", s)
	}
	switch place {
	case "list":
		r.read = resource.Read{List: path, Info: path}
	case "info":
		r.read = resource.Read{Info: path}
	default:
		return fmt.Errorf("unknown Read %q", s)
	}
	return nil
}
