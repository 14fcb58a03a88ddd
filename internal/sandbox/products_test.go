package sandbox

import (
	"testing"
	"time"
)

// TestOrderRules: what is particular to each group (API facts, section 7.4).
func TestOrderRules(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	org := idOf(r.post("/organization", orgBody()))
	body := func(product string) obj { return bodyOf(org, findProduct(product)) }
	for name, c := range map[string]struct {
		code, product string
		body          obj
	}{
		"tls no csr":           {"required_param:certificate.csr", "ssl_plus", with(body("ssl_plus"), "certificate.csr", nil)},
		"tls no name":          {"required_param:certificate.common_name", "ssl_plus", with(body("ssl_plus"), "certificate.common_name", nil)},
		"tls bad name":         {"invalid_value:certificate.common_name", "ssl_plus", with(body("ssl_plus"), "certificate.common_name", "localhost")},
		"tls ip":               {"invalid_value:certificate.dns_names", "ssl_plus", with(body("ssl_plus"), "certificate.dns_names", list{"10.0.0.1"})},
		"tls sha1":             {"invalid_value:certificate.signature_hash", "ssl_plus", with(body("ssl_plus"), "certificate.signature_hash", "sha1")},
		"tls platform":         {"invalid_value:certificate.server_platform.id", "ssl_plus", with(body("ssl_plus"), "certificate.server_platform", obj{"id": 999})},
		"tls no organization":  {"required_param:organization", "ssl_plus", with(body("ssl_plus"), "organization", nil)},
		"tls dcv method":       {"invalid_value:dcv_method", "ssl_plus", with(body("ssl_plus"), "dcv_method", "pigeon")},
		"tls dcv scope":        {"invalid_value:certificate_dcv_scope", "ssl_plus", with(body("ssl_plus"), "certificate_dcv_scope", "all")},
		"tls first too long":   {"cert_validity_exceeds_order_validity", "ssl_plus", with(body("ssl_plus"), "certificate.cert_validity", obj{"years": 2})},
		"tls auto_reissue":     {"invalid_value:auto_reissue", "ssl_plus", with(body("ssl_plus"), "auto_reissue", 2)},
		"tls four years":       {"invalid_value:validity_years", "ssl_plus", with(body("ssl_plus"), "order_validity", obj{"years": 4})},
		"dv organization":      {"invalid_value:organization", "ssl_dv_rapidssl", with(body("ssl_dv_rapidssl"), "organization", obj{"id": org})},
		"dv contact":           {"invalid_value:organization_contact", "ssl_dv_rapidssl", with(body("ssl_dv_rapidssl"), "organization_contact", person("A"))},
		"dv cname":             {"invalid_value:dcv_method", "ssl_dv_rapidssl", with(body("ssl_dv_rapidssl"), "dcv_method", "dns-cname-token")},
		"dv emails":            {"required_param:dcv_emails[0].email", "ssl_dv_rapidssl", with(body("ssl_dv_rapidssl"), "dcv_emails", list{obj{"dns_name": "acme.example"}})},
		"private ca":           {"invalid_value:certificate.ca_cert_id", "private_ssl_plus", with(body("private_ssl_plus"), "certificate.ca_cert_id", "00")},
		"hint":                 {"ambiguous_product", "ssl", body("ssl_plus")},
		"mail usage":           {"required_param:certificate.usage_designation", "secure_email_mailbox", with(body("secure_email_mailbox"), "certificate.usage_designation", nil)},
		"mail primary":         {"invalid_value:certificate.usage_designation.primary_usage", "secure_email_mailbox", with(body("secure_email_mailbox"), "certificate.usage_designation.primary_usage", "both")},
		"mail strict":          {"invalid_value:certificate.usage_designation.additional_usages", "secure_email_mailbox", with(with(body("secure_email_mailbox"), "certificate.profile_type", "strict"), "certificate.usage_designation.additional_usages", list{"client_auth"})},
		"mail legacy":          {"invalid_value:certificate.profile_type", "secure_email_mailbox", with(body("secure_email_mailbox"), "certificate.profile_type", "legacy")},
		"mail provider":        {"email_domain_not_validated", "secure_email_organization", with(body("secure_email_organization"), "certificate.emails", list{"a@gmail.com"})},
		"mail indicator":       {"required_param:certificate.common_name_indicator", "secure_email_sponsor", with(body("secure_email_sponsor"), "certificate.common_name_indicator", nil)},
		"mail org indicator":   {"invalid_value:certificate.common_name_indicator", "secure_email_organization", with(body("secure_email_organization"), "certificate.common_name_indicator", "pseudonym")},
		"mail no individual":   {"required_param:certificate.individual", "secure_email_sponsor", with(body("secure_email_sponsor"), "certificate.individual", nil)},
		"mail mailbox org":     {"invalid_value:organization", "secure_email_mailbox", with(body("secure_email_mailbox"), "organization", obj{"id": org})},
		"mail key":             {"invalid_value:certificate.csr", "secure_email_mailbox", with(body("secure_email_mailbox"), "certificate.csr", edCSR())},
		"ds email needs csr":   {"required_param:certificate.csr", "document_signing_org_1", with(body("document_signing_org_1"), "certificate.csr", nil)},
		"ds subject":           {"required_param:subject", "document_signing_org_1", with(body("document_signing_org_1"), "use_org_as_common_name", false)},
		"ds agreement":         {"invalid_value:csa_agreed_to", "document_signing_org_2", with(body("document_signing_org_2"), "csa_agreed_to", 0)},
		"ds usage":             {"invalid_value:certificate.usage_designation.primary_usage", "ds_org", with(body("ds_org"), "certificate.usage_designation.primary_usage", "dual_use")},
		"ds person":            {"required_param:individual", "ds_individual", with(body("ds_individual"), "individual", nil)},
		"ds person email":      {"required_param:individual.email", "ds_org_individual", with(body("ds_org_individual"), "individual.email", nil)},
		"ds individual no org": {"invalid_value:organization", "ds_individual", with(body("ds_individual"), "organization", obj{"id": org})},
		"grid":                 {"not_found|product", "client_grid_premium", body("client_premium")},
	} {
		t.Run(name, func(t *testing.T) {
			r := *r
			r.T = t
			status := 400
			if c.code == "not_found|product" {
				status = 404
			}
			r.refuse(status, c.code, "POST", "/order/certificate/"+c.product, c.body)
		})
	}
}

func TestTLSOrders(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{IssueAfter: time.Hour})
	org := idOf(r.post("/organization", orgBody()))
	made := r.post("/order/certificate/ssl_ev_basic", with(with(tlsBody(org), "dcv_method", "dns-txt-token"), "order_validity", obj{"years": 3}))
	token := made["dcv_random_value"]
	r.want(made, "acme.example", "domains", 0, "name")
	r.want(made, token, "domains", 0, "dcv_token", "token")
	r.want(made, nil, "certificate_chain")
	id := idOf(made)
	o := r.get(info(id))
	for _, w := range [][]any{
		{"1", "is_multi_year_plan"}, {"dns-txt-token", "dcv_method"}, {"Ada", "verified_contacts", 0, "first_name"}, {nil, "cs_provisioning_method"},
		{"www.acme.example", "certificate", "dns_names", 0}, {"acme.example", "certificate", "dns_names", 1}, {-1, "certificate", "server_platform", "id"},
	} {
		r.want(o, w[0], w[1:]...)
	}
	r.want(r.get("/order/certificate?filters[domain_name]=acme.example"), "1", "orders", 0, "is_multi_year_plan")

	dom := "/domain/" + idOf(made["domains"].([]any)[0].(obj))
	r.want(r.get(dom+"?include_dcv=true"), "pending", "dcv_token", "status")
	r.want(r.get(dom+"?include_validation=true"), "pending", "validations", 0, "status")
	r.want(r.get(dom), nil, "dcv_token")

	put := func(status int, what string, body any) obj {
		r.Helper()
		return r.do(status, "PUT", info(id)+"/"+what, body)
	}
	r.refuse(400, "invalid_dns_txt", "PUT", info(id)+"/check-dcv", nil)
	next := put(200, "dcv-random-value", nil)
	if next["dcv_random_value"] == token || next["expiration_date"] == nil {
		t.Errorf("new random value %v after %v", next, token)
	}
	put(200, "dcv-method", obj{"dcv_method": "http-token"})
	r.refuse(400, "file_random_value_not_found", "PUT", info(id)+"/check-dcv", nil)
	put(204, "dcv-method", obj{"dcv_method": "email"})
	r.want(put(200, "check-dcv", nil), "pending", "dcv_status")
	put(204, "resend-emails", nil)
	r.refuse(400, "invalid_value:dcv_method", "PUT", info(id)+"/dcv-random-value", nil)
	r.refuse(400, "required_param:dcv_method", "PUT", info(id)+"/dcv-method", obj{})
	put(204, "order-approval/resend-emails", obj{"emails": list{"ada.admin@sandbox.example"}})
	r.refuse(400, "invalid_value:emails", "PUT", info(id)+"/order-approval/resend-emails", obj{"emails": list{"a@b.example"}})
	put(204, "ct-status", obj{"disable_ct": true})
	r.want(r.get(info(id)), true, "disable_ct")

	r.clock.add(time.Hour)
	r.want(put(200, "check-dcv", nil), "valid", "dcv_status")
	r.want(r.get(info(id)), "issued", "status")
	r.want(r.get(dom+"?include_dcv=true"), "valid", "dcv_token", "status")
	r.refuse(400, "invalid_order_status", "PUT", info(id)+"/resend-emails", nil)
	r.refuse(400, "invalid_order_status", "PUT", info(id)+"/order-approval/resend-emails", obj{})
	// The domain is validated now: the next order needs no proof, and is issued at
	// once but for IssueAfter.
	again := r.post(tlsPath, tlsBody(org))
	r.want(again, nil, "domains")
	r.want(r.post("/order/certificate/ssl", with(tlsBody(org), "product", obj{"type_hint": "ov"})), nil, "domains")
	one := newRig(t, Options{Seed: "demo"})
	chain := one.post(tlsPath, tlsBody("70001"))["certificate_chain"].([]any)
	if len(chain) != 2 {
		t.Errorf("an order issued at once has the chain %v", chain)
	}
	first := one.get(info(idOf(one.post(tlsPath, with(tlsBody("70001"), "certificate.cert_validity", obj{"days": 30})))))
	one.want(first, "2026-05-01", "certificate", "valid_till")
	one.want(first, 30, "certificate", "cert_validity", "days")
}

func TestDVOrders(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{IssueAfter: time.Hour})
	body := with(bodyOf("", findProduct("ssl_dv_geotrust")), "dcv_method", "dns-txt-token")
	made := r.post("/order/certificate/ssl_dv_geotrust", with(body, "technical_contact", person("Tech")))
	id := idOf(made)
	if len(made) != 3 || made["certificate_id"] == nil || made["dcv_random_value"] == nil {
		t.Errorf("answer %v, want id, certificate_id and dcv_random_value alone", made)
	}
	for _, o := range []obj{r.get(info(id)), at(r.get("/order/certificate"), "orders", 0).(obj)} {
		if l, isList := o["organization"].([]any); !isList || len(l) > 0 {
			t.Errorf("organization is %v, want []", o["organization"])
		}
		r.want(o, nil, "requests")
	}
	r.want(r.get(info(id)), "tech@acme.example", "technical_contact", "email")
	r.want(r.get("/request"), 0, "page", "total")
	r.refuse(400, "invalid_value:contacts", "PUT", info(id)+"/contact", obj{"contacts": list{with(person("A"), "contact_type", "organization_contact")}})
	r.refuse(400, "invalid_value:dcv_method", "PUT", info(id)+"/dcv-method", obj{"dcv_method": "dns-cname-token"})
	r.clock.add(time.Hour)
	r.want(r.get(info(id)), "issued", "status")
	again := r.post(info(id)+"/reissue", obj{"certificate": obj{"csr": wideCSR()}})
	r.want(again, nil, "requests")
	r.want(r.get(info(id)), "reissue_pending", "status")
}

func TestMailAndDocumentNames(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	org := idOf(r.post("/organization", orgBody()))
	for name, c := range map[string]struct {
		want, product string
		change        map[string]any
	}{
		"mailbox":      {"alice@acme.example", "secure_email_mailbox", nil},
		"sponsor":      {"Alice Example", "secure_email_sponsor", map[string]any{"certificate.common_name_indicator": byNames}},
		"pseudonym":    {"Al", "secure_email_sponsor", map[string]any{"certificate.common_name_indicator": byPseudonym, "certificate.individual": obj{"pseudonym": "Al"}}},
		"organization": {"Acme Ltd", "secure_email_organization", map[string]any{"certificate.common_name_indicator": "organization_name"}},
		"document":     {"Acme Ltd", "document_signing_org_1", nil},
		"document man": {"Al", "document_signing_org_1", map[string]any{"use_org_as_common_name": false, "subject": obj{"name": "Al", "email": "al@acme.example"}}},
		"ds_org":       {"Acme Ltd", "ds_org", map[string]any{"organization.contacts": list{obj{"id": 501, "type": "existing_contact"}}}},
		"ds person":    {"Alice Example", "ds_org_individual", map[string]any{"individual.country": "DE"}},
	} {
		body := bodyOf(org, findProduct(c.product))
		for place, v := range c.change {
			body = with(body, place, v)
		}
		o := r.get(info(idOf(r.post("/order/certificate/"+c.product, body))))
		if got := at(o, "certificate", "common_name"); got != c.want {
			t.Errorf("%s: common name %v, want %s", name, got, c.want)
		}
	}
	waiting := with(bodyOf(org, findProduct("secure_email_mailbox")), "certificate.csr", nil)
	r.want(r.get(info(idOf(r.post("/order/certificate/secure_email_mailbox", waiting)))), "waiting_pickup", "status")
	token := r.get(info(r.ordered(org, "ds_org")))
	r.want(token, "ship_token", "cs_provisioning_method")
	r.want(token, "Sandbox Receiving", "ship_info", "name")
}

func TestPrivateTLS(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Seed: "demo"})
	cas := r.get("/product/private_ssl_plus")["allowed_ca_certs"].([]any)
	body := with(with(tlsBody("70001"), "certificate.common_name", "printer"), "certificate.dns_names", list{"10.0.0.1", "printer.internal"})
	body = with(body, "certificate.organization_units", list{"IT"})
	for _, ca := range cas {
		made := r.post("/order/certificate/private_ssl_plus", with(body, "certificate.ca_cert_id", at(ca, "id")))
		r.want(made, nil, "dcv_random_value")
		o := r.get(info(idOf(made)))
		r.want(o, at(ca, "id"), "certificate", "ca_cert", "id")
		r.want(o, nil, "is_multi_year_plan")
		r.want(o, "2027-04-01", "certificate", "valid_till") // no cap
		r.want(o, "IT", "certificate", "organization_units", 0)
		leaf := parts(t, r.file("/certificate/download/order/"+idOf(made)+"/format/pem_all", "application/x-pem-file"))
		if len(leaf[0].IPAddresses) != 1 || leaf[0].Issuer.CommonName != at(ca, "name") {
			t.Errorf("issued by %s with %v", leaf[0].Issuer, leaf[0].IPAddresses)
		}
	}
}

func TestProductEndpoints(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	for _, p := range r.get("/product")["products"].([]any) {
		for _, name := range []string{"group_name", "name_id", "name", "type", "signature_hash_types"} {
			if at(p, name) == nil || at(p, name) == "" {
				t.Errorf("%v has no %s", at(p, "name_id"), name)
			}
		}
	}
	r.want(r.get("/product/ssl_dv_rapidssl"), true, "csr_required")
	r.want(r.get("/product/client_premium"), false, "csr_required")
	r.want(r.get("/product/ssl_basic?container_id=11"), "OV", "validation_type")
	r.refuse(404, "not_found|container", "GET", "/product/ssl_basic?container_id=12", nil)
	r.refuse(404, "not_found|container", "GET", "/product?container_id=x", nil)
	price := obj{"product_name_id": "ssl_plus", "certificate": obj{"dns_names": list{"a.example", "*.b.example"}}, "order_validity": obj{"years": 1}}
	r.want(r.do(200, "POST", "/finance/order-pricing", price), 268, "total_price")
	r.want(r.do(200, "POST", "/finance/order-pricing", price), 1, "wildcards", "units")
	r.want(r.do(200, "POST", "/finance/order-pricing", with(price, "product_name_id", "code_signing")), 0, "total_price")
	r.refuse(400, "invalid_value:product_name_id", "POST", "/finance/order-pricing", with(price, "product_name_id", "x"))
	r.refuse(400, "required_param:certificate.dns_names", "POST", "/finance/order-pricing", with(price, "certificate", obj{}))

	r.srv.acct.ProductLimits = []productLimit{{ContainerID: 11, ProductNameID: "ssl_plus", AllowedHashes: []string{"sha384"}, AllowedOrderLifetimes: []string{"2"}}}
	r.want(r.get("/container/11/product-limits"), "2", "product_limits", 0, "allowed_order_lifetimes", 0)
	org := idOf(r.post("/organization", orgBody()))
	r.refuse(400, "invalid_value:certificate.signature_hash", "POST", tlsPath, tlsBody(org))
	r.refuse(400, "invalid_value:validity_years", "POST", tlsPath, tlsBody(org))
	r.post(tlsPath, with(with(tlsBody(org), "certificate.signature_hash", "sha384"), "order_validity", obj{"years": 2}))
}
