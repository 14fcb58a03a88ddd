package sandbox

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"dcsync/schema/glossary"
)

// Products, prices and limits (API facts, section 12).

// tokenPlatform is what a token shipped by DigiCert reads back as. The document
// gives the number; no list gives its name.
const tokenPlatform = 23

// platformByID names a platform from the glossary.
func platformByID(id int) *platform {
	if id == tokenPlatform {
		return &platform{id, "DigiCert-provided token"}
	}
	for _, topic := range []string{"platforms_ev_code_signing", "platforms_code_signing"} {
		if p := platformIn(topic, id); p != nil {
			return p
		}
	}
	return nil
}

// tlsPlatform names a platform of the TLS list, whose ids mean other things than
// those of the code signing lists.
func tlsPlatform(id int) *platform { return platformIn("platforms_tls", id) }

func platformIn(topic string, id int) *platform {
	l, _ := glossary.Lookup(topic)
	if i := slices.Index(l.Column("id"), strconv.Itoa(id)); i >= 0 {
		return &platform{id, l.Column("name")[i]}
	}
	return nil
}

// platforms lists what product info offers.
func (p catalogue) platforms() []platform {
	topic := "platforms_ev_code_signing"
	switch {
	case p.tls():
		topic = "platforms_tls"
	case !p.provisioned():
		return nil
	}
	l, _ := glossary.Lookup(topic)
	var list []platform
	for _, id := range l.Values() {
		n, _ := strconv.Atoi(id)
		list = append(list, *platformIn(topic, n))
	}
	return list
}

// hashes are the signature hashes a product takes.
func (p catalogue) hashes() []string {
	switch p.family {
	case publicTLS, domainTLS:
		return []string{"sha256", "sha384", "sha512"}
	case privateTLS:
		return []string{"sha256", "sha384", "sha512", "sha1"}
	}
	return []string{"sha256"}
}

func (c *call) productInfo(p *catalogue) map[string]any {
	l, _ := glossary.Lookup("hash_types")
	var hashes []map[string]string
	for _, id := range p.hashes() {
		hashes = append(hashes, map[string]string{"id": id, "name": l.Column("name")[slices.Index(l.Column("id"), id)]})
	}
	csr, _ := glossary.Lookup("csr_requirements")
	body := map[string]any{
		"group_name": p.Group, "name_id": p.NameID, "name": p.Name, "type": p.Group,
		"allowed_validity_years": []string{"1"}, "allowed_order_validity_years": []string{"1", "2", "3"},
		"custom_order_expiration_date_allowed": true,
		"signature_hash_types":                 map[string]any{"allowed_hash_types": hashes, "default_hash_type_id": "sha256"},
		"duplicates_allowed":                   p.tls(), "additional_dns_names_allowed": p.tls(), "custom_expiration_date_allowed": true,
		"csr_required":     p.tls() || slices.Contains(csr.Values(), p.Group) && csr.Column("required")[slices.Index(csr.Values(), p.Group)] == "always",
		"allow_auto_renew": true,
	}
	if p.ValidationType != "" {
		body["validation_type"] = p.ValidationType
	}
	if list := p.platforms(); list != nil {
		body["server_platforms"] = list
	}
	// Where the intermediate can be chosen: private TLS alone in this account.
	if p.family == privateTLS {
		var list []map[string]any
		for _, name := range []string{caPrivateTLS, caPrivateOther} {
			if ca, err := c.acct.authority(name); err == nil {
				list = append(list, map[string]any{"id": ca.ID, "name": ca.Name})
			}
		}
		body["allowed_ca_certs"] = list
	}
	return body
}

// atContainer reads the query's container_id, which must be visible.
func (c *call) atContainer() *reply {
	text := c.query.Get("container_id")
	if text == "" {
		return nil
	}
	if id, err := strconv.Atoi(text); err != nil || c.acct.container(id) == nil || !c.sees(id) {
		out := fail(http.StatusNotFound, "not_found|container", "There is no such container")
		return &out
	}
	return nil
}

func (c *call) listProducts() reply {
	if bad := c.atContainer(); bad != nil {
		return *bad
	}
	var list []any
	for i := range products {
		list = append(list, c.productInfo(&products[i]))
	}
	return ok(map[string]any{"products": list})
}

func (c *call) getProduct() reply {
	if bad := c.atContainer(); bad != nil {
		return *bad
	}
	p := findProduct(c.params["name_id"])
	if p == nil {
		return fail(http.StatusNotFound, "not_found|product", "There is no such product in this account")
	}
	return ok(c.productInfo(p))
}

func (c *call) listPrices() reply {
	var list []any
	for _, p := range products {
		var prices []any
		for i, cost := range p.prices {
			prices = append(prices, map[string]any{"lifetime": i + 1, "cost": cost, "currency": "usd"})
		}
		list = append(list, map[string]any{"group_name": p.Group, "name_id": p.NameID, "name": p.Name, "prices": prices})
	}
	return ok(map[string]any{"standard_prices": list})
}

// estimatePrice is written for TLS; what it says of other products is unknown,
// and 0 is its word for that (assumed for all of them).
func (c *call) estimatePrice() reply {
	f, out, read := c.form()
	if !read {
		return out
	}
	p := findProduct(f.need("product_name_id", 0))
	if f.has("product_name_id") && p == nil {
		f.bad("product_name_id", "there is no such product")
	}
	var names []string
	if cert, given := f.object("certificate"); given {
		if names, _ = cert.texts("dns_names"); len(names) == 0 && !cert.has("dns_names") {
			cert.missing("dns_names")
		}
	} else if !f.has("certificate") {
		f.missing("certificate")
	}
	v := c.validityOf(f)
	if out, refused := f.refused(); refused {
		return out
	}
	base := 0.0
	if p != nil && p.tls() {
		base = priceOf(p.NameID, v.pricedYears(c.now()))
	}
	plain, wild := 0, 0
	for _, name := range names {
		if len(name) > 1 && name[0] == '*' {
			wild++
		} else {
			plain++
		}
	}
	return ok(map[string]any{
		"base_price": base, "total_price": base, "addons_price": 0, "san_package_price": 0, "benefits_discount_total": 0,
		"fqdns":     map[string]any{"subtotal": base, "units": plain},
		"wildcards": map[string]any{"subtotal": 0, "units": wild},
		"balance":   100000, "currency": "USD", "tax": "0.00", "tax_error": false,
	})
}

// pricedYears is how many years a validity costs, begun ones in full.
func (v validity) pricedYears(now time.Time) int {
	for years := 1; years < 3; years++ {
		if !v.end(now).After(now.AddDate(years, 0, 0)) {
			return years
		}
	}
	return 3
}
