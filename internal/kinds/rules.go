package kinds

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"dcsync/internal/certcentral"
	"dcsync/internal/resource"
)

// Rules reads what the account demands of orders: the custom fields that each may give or must, and what may be ordered in a container by a
// user's role (API facts, section 12). Two requests; nil when the key may read neither.
func (r *Remote) Rules(ctx context.Context, container int64, role int) (*resource.Rules, error) {
	fields, err := r.client.Do(ctx, certcentral.Request{Method: http.MethodGet, Path: "/account/metadata"})
	if err != nil && !forbidden(err) {
		return nil, wrap(err)
	}
	known := err == nil
	out := &resource.Rules{}
	if known {
		out.Fields = []resource.CustomField{}
		for _, f := range certcentral.Items(fields.Body, "metadata") {
			label, _ := f["label"].(string)
			out.Fields = append(out.Fields, resource.CustomField{ID: number(certcentral.ID(f["id"])), Label: label,
				Required: isTrue(f["is_required"]), Active: isTrue(f["is_active"])})
		}
	}
	limits, err := r.client.Do(ctx, certcentral.Request{Method: http.MethodGet, Path: "/container/" + strconv.FormatInt(container, 10) + "/product-limits"})
	switch {
	case forbidden(err) && !known:
		return nil, nil
	case forbidden(err):
		return out, nil
	case err != nil:
		return nil, wrap(err)
	}
	for _, l := range certcentral.Items(limits.Body, "product_limits") {
		at, forRole := number(certcentral.ID(l["container_id"])), int(number(certcentral.ID(l["role_id"])))
		if at != 0 && at != container || forRole != 0 && forRole != role {
			continue
		}
		product, _ := l["product_name_id"].(string)
		limit := resource.ProductLimit{Product: product, Hashes: words(l["allowed_hashes"])}
		for _, y := range words(l["allowed_order_lifetimes"]) {
			limit.Years = append(limit.Years, number(y))
		}
		out.Limits = append(out.Limits, limit)
	}
	return out, nil
}

// words gives the texts of an array that holds texts, or numbers written either way.
func words(v any) []string {
	list, _ := v.([]any)
	out := make([]string, 0, len(list))
	for _, e := range list {
		if s := certcentral.ID(e); s != "" {
			out = append(out, s)
		}
	}
	return slices.Clip(out)
}

func isTrue(v any) bool { return v == true || certcentral.ID(v) == "1" }
