package schema

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// share makes a document's schema smaller without changing what it accepts: products whose specs are alike get one definition, and
// a field that several of them have is written once. Validators do without it, because findings differ by product.
func share(doc object) {
	defs, ok := doc["$defs"].(object)
	if !ok {
		return
	}
	doc["allOf"] = joinProducts(doc["allOf"].([]any), defs)
	shareFields(defs)
}

// joinProducts gives the entries of allOf with one for each definition that is left.
func joinProducts(all []any, defs object) []any {
	type group struct {
		entry    object
		def      string
		products []any
	}
	groups := map[string]*group{}
	var out []any
	for _, e := range all {
		entry := e.(object)
		product, def := selected(entry, defs)
		if def == nil {
			out = append(out, e)
			continue
		}
		title := def["title"].(string)
		own := def["properties"].(object)["product"].(object)
		delete(def, "title")
		delete(own, "enum")
		key := string(encode(def))
		def["title"] = title
		g := groups[key]
		if g == nil {
			g = &group{entry, product, nil}
			groups[key] = g
			out = append(out, entry)
		} else {
			delete(defs, product)
		}
		g.products = append(g.products, product)
	}
	for _, g := range groups {
		def := defs[g.def].(object)
		def["properties"].(object)["product"].(object)["enum"] = g.products
		if len(g.products) > 1 {
			product := object{"enum": g.products}
			g.entry["if"].(object)["properties"].(object)["spec"].(object)["properties"].(object)["product"] = product
			heading, _, _ := strings.Cut(def["title"].(string), ": ")
			def["title"] = heading
		}
	}
	return out
}

// selected gives the product and the definition that an entry of allOf chooses, nil for an entry about something else.
func selected(entry object, defs object) (string, object) {
	then, _ := entry["then"].(object)
	properties, _ := then["properties"].(object)
	spec, _ := properties["spec"].(object)
	ref, _ := spec["$ref"].(string)
	product, ok := strings.CutPrefix(ref, "#/$defs/")
	if !ok {
		return "", nil
	}
	return product, defs[product].(object)
}

// shareFields moves fields that several definitions have, letter for letter, into definitions of their own.
func shareFields(defs object) {
	const small = 300 // a reference and its definition take place too
	seen := map[string][]object{}
	for _, name := range slices.Sorted(maps.Keys(defs)) {
		properties := defs[name].(object)["properties"].(object)
		for _, field := range slices.Sorted(maps.Keys(properties)) {
			if text := string(encode(properties[field].(object))); len(text) > small {
				seen[field+"\n"+text] = append(seen[field+"\n"+text], properties)
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(seen)) {
		holders := seen[key]
		if len(holders) < 2 {
			continue
		}
		field, _, _ := strings.Cut(key, "\n")
		name := field
		for i := 2; defs[name] != nil; i++ {
			name = field + "_" + strconv.Itoa(i)
		}
		defs[name] = holders[0][field]
		for _, h := range holders {
			h[field] = object{"$ref": "#/$defs/" + name}
		}
	}
}
