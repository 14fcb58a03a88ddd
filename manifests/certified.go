package manifests

import (
	"regexp"
	"slices"
	"strings"

	"dcsync/internal/resource"
)

// certifiedName is a domain that a certificate would speak for: a DNS name, or that of an e-mail address.
type certifiedName struct {
	path   resource.Path // in the spec
	domain string        // lower case, without "*."
}

var dnsName = regexp.MustCompile(`^(?:\*\.)?(?:[0-9a-z_-]+\.)+[0-9a-z-]+$`)

// certifiedNames lists the domains in the part of a spec that becomes the certificate, in table order. Names of people, and requests in
// PEM, are no domains.
func certifiedNames(o *resource.Object) []certifiedName {
	var out []certifiedName
	add := func(at resource.Path, v resource.Value) {
		text := strings.ToLower(resource.Text(v))
		if _, domain, ok := strings.Cut(text, "@"); ok {
			text = domain
		}
		if dnsName.MatchString(text) {
			out = append(out, certifiedName{at, strings.TrimPrefix(text, "*.")})
		}
	}
	for _, f := range o.Descriptor.Leaves() {
		if !f.Path.Under("/certificate") || f.Format == "csr" {
			continue
		}
		switch v := resource.Get(o.Spec, f.Path).(type) {
		case resource.String:
			add(f.Path, v)
		case resource.List:
			for i, e := range v {
				add(f.Path.Index(i), e)
			}
		}
	}
	return out
}

// isIn tells whether a name is one of some domains or below one.
func isIn(name string, domains []string) bool {
	return slices.ContainsFunc(domains, func(d string) bool { return name == d || strings.HasSuffix(name, "."+d) })
}

// organization gives the names under which an object's organization may be known (its manifest, its number, its legal name) and where
// it is given; nil when the object has none.
func organization(o *resource.Object) (known []string, at resource.Path) {
	for _, f := range o.Descriptor.Root.Members {
		id := slices.IndexFunc(f.Members, func(m *resource.Field) bool { return m.Name == "id" && m.RefKind != "" })
		v, _ := o.Spec[f.Name].(resource.Map)
		if id < 0 || v == nil {
			continue
		}
		switch given := v["id"].(type) {
		case resource.Ref:
			return []string{given.Name}, f.Path
		case nil:
			return []string{resource.Text(v["name"])}, f.Path
		default:
			return []string{resource.Text(given)}, f.Path
		}
	}
	return nil, ""
}
