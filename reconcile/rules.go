package reconcile

import (
	"fmt"
	"slices"
	"strings"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
)

// The fields that accounts limit (API facts, section 12).
const (
	customFields  = resource.Path("/custom_fields")
	signatureHash = resource.Path("/certificate/signature_hash")
	containerID   = resource.Path("/container/id")
	orderYears    = resource.Path("/order_validity/years")
)

// outdated says what of a manifest was right once and would be refused if it were sent now: rules that time brings never make a merged
// manifest invalid, only what is sent anew must keep them (domain rules, section 7). sent tells which fields are.
func (b *builder) outdated(o *resource.Object, sent func(*resource.Field) bool) (reason, hint string) {
	for _, d := range b.in.Findings {
		if d.AtSend && d.Address == o.Address.String() && sent(o.Descriptor.Field(resource.Path(d.Path))) {
			return d.Summary, d.Hint
		}
	}
	return "", ""
}

// unheard gives, by address, the fields of which the API takes no notice: it ignores them, or another field wins. They are never compared.
func unheard(findings diag.List) map[string][]resource.Path {
	out := map[string][]resource.Path{}
	for _, d := range findings {
		if d.Code == diag.FieldIgnored || d.Code == diag.FieldOverridden {
			out[d.Address] = append(out[d.Address], resource.Path(d.Path))
		}
	}
	return out
}

// outside says why something may not be created in the container it would go to: the project does not look at it (domain rules, section 10).
// A container that the manifest names itself was checked with the manifest.
func (b *builder) outside(o *resource.Object) (reason, hint string) {
	list, container := b.in.Settings.Scope.Containers, b.in.Container()
	if resource.Get(o.Spec, containerID) != nil || container == 0 || len(list) == 0 || slices.Contains(list, container) {
		return "", ""
	}
	return fmt.Sprintf("it would go to container %d, which lies outside of spec.scope", container), "write spec.container_id into dcsync.yaml, or widen the scope"
}

// notAllowed says why the account would refuse an order: a custom field that it requires is missing, or its limits leave the product,
// the hash or the validity out. Where the key may not read that, nothing is concluded.
func (b *builder) notAllowed(o *resource.Object) (reason, hint string) {
	rules := b.in.Rules
	if rules == nil || !o.Descriptor.Billable {
		return "", ""
	}
	given := items(resource.Get(o.Spec, customFields))
	if why, hint := unknownField(rules, given); why != "" {
		return why, hint
	}
	for _, f := range rules.Fields {
		if f.Required && f.Active && !slices.ContainsFunc(given, func(v resource.Value) bool { return resource.Get(v, "/metadata_id") == resource.Int(f.ID) }) {
			return fmt.Sprintf("the account requires the custom field %q of every order", f.Label), fmt.Sprintf("add {metadata_id: %d, value: …} to custom_fields", f.ID)
		}
	}
	if len(rules.Limits) == 0 {
		return "", ""
	}
	i := slices.IndexFunc(rules.Limits, func(l resource.ProductLimit) bool { return l.Product == o.Descriptor.Product })
	if i < 0 {
		return fmt.Sprintf("the container does not allow the product %s", o.Descriptor.Product), "order it in another container, or have the container's product settings changed"
	}
	limit := rules.Limits[i]
	const ask = "choose another, or have the container's product settings changed"
	if hash := strings.ToLower(resource.Text(resource.Get(o.Spec, signatureHash))); hash != "" && len(limit.Hashes) > 0 && !slices.Contains(limit.Hashes, hash) {
		return fmt.Sprintf("the container allows signature_hash %s for %s, not %s", strings.Join(limit.Hashes, ", "), o.Descriptor.Product, hash), ask
	}
	if years, ok := resource.Get(o.Spec, orderYears).(resource.Int); ok && len(limit.Years) > 0 && !slices.Contains(limit.Years, int64(years)) {
		return fmt.Sprintf("the container does not allow orders of %d years of %s", years, o.Descriptor.Product), ask
	}
	return "", ""
}

// unknownField says which of the custom fields that an order gives the account does not have, or no longer takes.
func unknownField(rules *resource.Rules, given resource.List) (reason, hint string) {
	if rules.Fields == nil {
		return "", ""
	}
	for _, v := range given {
		id, _ := resource.Get(v, "/metadata_id").(resource.Int)
		i := slices.IndexFunc(rules.Fields, func(f resource.CustomField) bool { return f.ID == int64(id) })
		switch {
		case i < 0:
			return fmt.Sprintf("the account has no custom field %d", id), "correct metadata_id in custom_fields"
		case !rules.Fields[i].Active:
			return fmt.Sprintf("the custom field %d (%q) is not active in the account", id, rules.Fields[i].Label), "take it out of custom_fields, or have it activated"
		}
	}
	return "", ""
}
