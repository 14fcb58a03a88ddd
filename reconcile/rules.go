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

// notAllowed says why the account would refuse an order: a custom field that it requires is missing, or its limits leave the product,
// the hash or the validity out. Where the key may not read that, nothing is concluded.
func (b *builder) notAllowed(o *resource.Object) (reason, hint string) {
	rules := b.in.Rules
	if rules == nil || !o.Descriptor.Billable {
		return "", ""
	}
	given := items(resource.Get(o.Spec, customFields))
	for _, f := range rules.Required {
		if !slices.ContainsFunc(given, func(v resource.Value) bool { return resource.Get(v, "/metadata_id") == resource.Int(f.ID) }) {
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
