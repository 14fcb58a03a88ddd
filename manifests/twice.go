package manifests

import (
	"fmt"
	"slices"
	"strings"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
)

// checkIntents warns of manifests that ask for the same thing twice, which costs money twice: the same product, organization and set
// of names; or the renewal of one order, which the API takes once only.
func (l *loader) checkIntents() {
	intents, renewals := map[string]*document{}, map[string]*document{}
	for _, d := range l.documents {
		if d.desc == nil || !d.desc.Billable || d.value == nil || l.byAddress[d.address()] != d {
			continue
		}
		if intent := intentOf(d); intent != "" {
			if first := intents[intent]; first != nil {
				l.add(d, diag.Diagnostic{
					Severity: diag.Warning, Code: diag.DuplicateIntent, Pos: d.valuePos("/metadata/name"), Path: "/metadata/name",
					Summary: fmt.Sprintf("%s asks for the same product, organization and names as %s", d.address(), first.address()),
					Hint:    "remove one of the two, unless two certificates are meant",
					Related: []diag.Related{{Pos: first.valuePos("/metadata/name"), Message: "the first one"}},
				})
			} else {
				intents[intent] = d
			}
		}
		l.checkRenewal(d, renewals)
	}
}

// renewalPath is where an order names the one it renews.
const renewalPath = specPath + "/renewal_of_order_id"

func (l *loader) checkRenewal(d *document, seen map[string]*document) {
	renewed := resource.Text(resource.Get(d.value, renewalPath))
	if renewed == "" {
		return
	}
	first := seen[renewed]
	if first == nil {
		seen[renewed] = d
		return
	}
	l.add(d, diag.Diagnostic{
		Severity: diag.Warning, AtSend: true, Code: diag.DuplicateIntent, Pos: d.valuePos(renewalPath), Path: string(shortPath(renewalPath)),
		Summary: fmt.Sprintf("order %s is renewed by %s too", renewed, first.address()),
		Detail:  "The API takes the renewal of an order once.",
		Hint:    "remove the field from one of the two",
		Related: []diag.Related{{Pos: first.valuePos(renewalPath), Message: "first written here"}},
	})
}

// intentOf gives what an order is for, equal for two that ask for the same; "" when it names nothing, as code signing does, where
// several certificates of one organization are usual.
func intentOf(d *document) string {
	spec, _ := d.value["spec"].(resource.Map)
	var names []string
	organization := ""
	for _, f := range d.desc.Leaves() {
		switch {
		case f.RefKind != "" && f.Identity:
			holder, _ := resource.Get(spec, f.Path.Parent()).(resource.Map)
			for _, member := range []string{"id", "ref", "name"} {
				organization += member + "=" + resource.Text(holder[member]) + " "
			}
		case f.Identity || f.Includes != "":
			names = append(names, compared(f, resource.Get(spec, f.Path))...)
		}
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return strings.Join(append([]string{d.desc.Product, organization}, slices.Compact(names)...), "\n")
}

// compared gives a value, or the items of a list, as they are compared.
func compared(f *resource.Field, v resource.Value) []string {
	if v == nil {
		return nil
	}
	if f.Normalise != nil {
		v = f.Normalise(v)
	}
	if _, isList := v.(resource.List); !isList {
		return []string{resource.Text(v)}
	}
	return texts(v)
}
