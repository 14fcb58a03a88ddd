package manifests

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
)

// checkIntents warns about billable objects that say the same under two names: one of them is likely a copy that was forgotten, and
// each costs money.
func (l *loader) checkIntents() {
	first := map[string]*resource.Object{}
	for _, d := range l.documents {
		o := l.objects[d.address()]
		if o == nil || !o.Descriptor.Billable || l.byAddress[o.Address] != d {
			continue
		}
		key := intent(o)
		other := first[key]
		if other == nil {
			first[key] = o
			continue
		}
		l.add(d, diag.Diagnostic{
			Severity: diag.Warning, Code: diag.SameIntent, Pos: d.valuePos("/metadata/name"), Path: "/metadata/name",
			Summary: fmt.Sprintf("%s asks for the same as %s", o.Address, other.Address),
			Hint:    "remove one of the two, unless both are wanted and paid for",
			Related: []diag.Related{{Pos: l.byAddress[other.Address].valuePos("/metadata/name"), Message: "the other one"}},
		})
	}
}

// intent puts into words what an object asks for: product, organization and names where the table knows names; else, because one
// organization may well want several things without a name, everything that makes another order of it.
func intent(o *resource.Object) string {
	var named, owner, all []string
	for _, f := range o.Descriptor.Leaves() {
		v := resource.Get(o.Spec, f.Path)
		if v == nil || f.Path == o.Descriptor.Nonce || f.Secret {
			continue
		}
		if f.Normalise != nil {
			v = f.Normalise(v)
		}
		text, err := json.Marshal(v)
		if err != nil {
			continue // values of manifests always have a JSON form
		}
		said := fmt.Sprintf("%s=%s", f.Path, text)
		all = append(all, said)
		switch parent := o.Descriptor.Field(f.Path.Parent()); {
		case slices.ContainsFunc(parent.Members, func(m *resource.Field) bool { return m.Identity && m.RefKind != "" }):
			if f.Type != resource.TypeList {
				owner = append(owner, said)
			}
		case f.Identity:
			named = append(named, said)
		case f.Change != resource.Immutable && f.Change != resource.Reissue:
			all = all[:len(all)-1]
		}
	}
	if named != nil {
		all = append(named, owner...)
	}
	return fmt.Sprintf("%s %s\n%s", o.Descriptor.Kind, o.Descriptor.Product, strings.Join(all, "\n"))
}
