package sandbox

import (
	"net/http"
	"slices"
	"strconv"

	"dcsync/schema/glossary"
)

// catalogue is one product that can be ordered here, with what the order
// documents say about it.
type catalogue struct {
	NameID         string
	Name           string
	Group          string
	ValidationName string
	ValidationType string // as product info writes it
	// needs is the validation its organization must have; assumed for client
	// products, whose document names none. Empty: no organization at all.
	needs string
	// sponsor marks the three sponsor-validated S/MIME products.
	sponsor bool
	// smime marks public S/MIME, whose organization units are ignored.
	smime bool
	// capDays is the longest certificate (API facts, sections 7.4.4 and 13), 0 for none.
	capDays int
	prices  [3]float64 // by years; invented
}

var products = named([]catalogue{
	{NameID: "code_signing", ValidationType: "CS", ValidationName: "Code Signing", needs: "cs", capDays: 459, prices: [3]float64{598, 1196, 1794}},
	{NameID: "code_signing_ev", ValidationType: "EV CS", ValidationName: "EV Code Signing", needs: "ev_cs", capDays: 459, prices: [3]float64{798, 1596, 2394}},
	{NameID: "client_premium", ValidationName: "Sponsor validated", needs: "smime", sponsor: true, smime: true, capDays: 825, prices: [3]float64{115, 218, 310}},
	{NameID: "client_digital_signature_plus", ValidationName: "Sponsor validated", needs: "smime", sponsor: true, smime: true, capDays: 825, prices: [3]float64{65, 123, 175}},
	{NameID: "client_email_security_plus", ValidationName: "Sponsor validated", needs: "smime", sponsor: true, smime: true, capDays: 825, prices: [3]float64{55, 104, 148}},
	{NameID: "client_authentication_plus", ValidationName: "Organization validated", needs: "ov", prices: [3]float64{45, 85, 121}},
	{NameID: "class1_smime", ValidationName: "Mailbox validated", smime: true, capDays: 825, prices: [3]float64{25, 47, 67}},
})

// named takes names and groups from the glossary.
func named(list []catalogue) []catalogue {
	l, _ := glossary.Lookup("products")
	ids, groups, names := l.Column("name_id"), l.Column("group_name"), l.Column("name")
	for i := range list {
		at := slices.Index(ids, list[i].NameID)
		list[i].Group, list[i].Name = groups[at], names[at]
	}
	return list
}

func findProduct(nameID string) *catalogue {
	i := slices.IndexFunc(products, func(p catalogue) bool { return p.NameID == nameID })
	if i < 0 {
		return nil
	}
	return &products[i]
}

func (p catalogue) codeSigning() bool { return p.Group == "code_signing_certificate" }

func (p catalogue) onOrder() product {
	return product{
		NameID: p.NameID, Name: p.Name, Type: p.Group, ValidationType: p.needs, ValidationName: p.ValidationName,
		ValidationDescription: p.ValidationName + " certificate",
	}
}

func priceOf(nameID string, years int) float64 {
	p := findProduct(nameID)
	if p == nil {
		return 0
	}
	return p.prices[min(max(years, 1), 3)-1]
}

// tokenPlatform is what a token shipped by DigiCert reads back as. The document
// gives the number; no list gives its name.
const tokenPlatform = 23

// platformByID names a platform from the glossary.
func platformByID(id int) *platform {
	if id == tokenPlatform {
		return &platform{id, "DigiCert-provided token"}
	}
	for _, topic := range []string{"platforms_ev_code_signing", "platforms_tls", "platforms_code_signing"} {
		l, _ := glossary.Lookup(topic)
		if i := slices.Index(l.Column("id"), strconv.Itoa(id)); i >= 0 {
			return &platform{id, l.Column("name")[i]}
		}
	}
	return nil
}

func (p catalogue) info() map[string]any {
	body := map[string]any{
		"group_name": p.Group, "name_id": p.NameID, "name": p.Name, "type": p.Group,
		"allowed_validity_years": []string{"1"}, "allowed_order_validity_years": []string{"1", "2", "3"},
		"custom_order_expiration_date_allowed": true,
		"signature_hash_types": map[string]any{
			"allowed_hash_types":   []map[string]string{{"id": "sha256", "name": "SHA-256"}},
			"default_hash_type_id": "sha256",
		},
		"duplicates_allowed": false, "additional_dns_names_allowed": false, "custom_expiration_date_allowed": true,
		"csr_required": false, "allow_auto_renew": true,
	}
	if p.ValidationType != "" {
		body["validation_type"] = p.ValidationType
	}
	if p.codeSigning() {
		l, _ := glossary.Lookup("platforms_ev_code_signing")
		var list []platform
		for _, id := range l.Values() {
			n, _ := strconv.Atoi(id)
			list = append(list, *platformByID(n))
		}
		body["server_platforms"] = list
	}
	return body
}

func (c *call) listProducts() reply {
	var list []any
	for _, p := range products {
		list = append(list, p.info())
	}
	return ok(map[string]any{"products": list})
}

func (c *call) getProduct() reply {
	p := findProduct(c.params["name_id"])
	if p == nil {
		return fail(http.StatusNotFound, "not_found|product", "There is no such product in this account")
	}
	return ok(p.info())
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
