package sandbox

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestCodeSigningByEmail(t *testing.T) {
	r := newRig(t, Options{})
	org := idOf(r.post("/organization", orgBody()))
	body := csBody(org)
	for place, v := range map[string]any{
		"alternative_order_id": "dcsync-1", "additional_emails": list{"pki@acme.example"}, "comments": "please",
		"custom_fields": list{obj{"metadata_id": 12, "value": "4711"}}, "certificate.server_platform": obj{"id": 55},
		"organization_contact": person("Root"), "custom_renewal_message": "soon", "auto_renew": 0,
	} {
		body = with(body, place, v)
	}
	made := r.post(csPath, body)
	r.want(made, "approved", "requests", 0, "status")
	r.want(made, nil, "organization")
	o := r.get(info(idOf(made)))
	for _, w := range [][]any{
		{"issued", "status"}, {"dcsync-1", "alternative_order_id"}, {"pki@acme.example", "additional_emails", 0},
		{"4711", "custom_fields", 0, "value"}, {"Cost center", "custom_fields", 0, "label"}, {-1, "certificate", "server_platform", "id"},
		{"Other", "certificate", "server_platform", "name"}, {"root@acme.example", "organization_contact", "email"},
		{nil, "organization_contact", "id"}, {nil, "technical_contact"}, {"soon", "custom_renewal_message"},
		{"email", "cs_provisioning_method"}, {nil, "hardware_init_code"}, {nil, "ship_info"}, {1, "order_validity", "years"},
		{nil, "order_validity", "days"}, {1, "validity_years"}, {"2027-04-01", "certificate", "valid_till"},
		{"2027-04-01", "order_valid_till"}, {"2026-04-01", "certificate", "valid_from"}, {365, "certificate", "days_remaining"},
		{"2026-04-01T08:00:00+00:00", "date_created"}, {"please", "requests", 0, "comments"}, {"new_request", "requests", 0, "type"},
		{"balance", "payment_method"}, {"code_signing", "product", "name_id"}, {"Code Signing Certificate", "product", "name"},
		{"de", "organization", "country"}, {"Acme Ltd", "certificate", "common_name"}, {nil, "notes"}, {nil, "sandbox"},
		{made["certificate_id"], "certificate", "id"}, {256, "certificate", "key_size"}, {"Ada", "verified_contacts", 0, "first_name"},
	} {
		r.want(o, w[0], w[1:]...)
	}
	if serial := at(o, "certificate", "serial_number").(string); len(serial) != 32 || strings.ToUpper(serial) != serial {
		t.Errorf("serial number %q", serial)
	} else {
		r.want(r.get(info(serial)), o["id"], "id")
		r.want(r.get(info(at(o, "certificate", "thumbprint").(string))), o["id"], "id")
	}
	r.want(r.get("/organization/"+org+"/validation"), "active", "validations", 0, "status")
}

func TestProvisioning(t *testing.T) {
	r := newRig(t, Options{})
	org := idOf(r.post("/organization", orgBody()))
	base := with(csBody(org), "certificate.csr", nil)

	ship := with(base, "cs_provisioning_method", "ship_token")
	o := r.get(info(idOf(r.post("/order/certificate/code_signing_ev", ship))))
	r.want(o, 23, "certificate", "server_platform", "id")
	r.want(o, "Sandbox Receiving", "ship_info", "name")
	if code, _ := o["hardware_init_code"].(string); code == "" {
		t.Error("an issued token order has no hardware_init_code")
	}
	address := obj{"name": "N", "addr1": "A", "city": "C", "state": "S", "zip": "1", "country": "de", "method": "EXPEDITED"}
	o = r.get(info(idOf(r.post(csPath, with(with(ship, "ship_info", address), "certificate.server_platform", obj{"id": 19})))))
	r.want(o, "EXPEDITED", "ship_info", "method")
	r.want(o, 19, "certificate", "server_platform", "id")

	app := with(with(base, "cs_provisioning_method", "client_app"), "certificate.server_platform", obj{"id": 20})
	r.want(r.get(info(idOf(r.post(csPath, app)))), "SafeNet eToken 5110 FIPS", "certificate", "server_platform", "name")

	r.post(csPath, with(with(csBody(org), "certificate.csr", wideCSR()), "certificate.signature_hash", "sha384"))
	r.post(csPath, with(csBody(org), "certificate.csr", strings.ReplaceAll(rsaCSR(), "\n", "")))
	r.post(csPath, with(csBody(org), "cs_provisioning_method", nil)) // the account's default is email

	for name, c := range map[string]struct {
		code string
		body obj
	}{
		"csr with token":   {"invalid_value:certificate.csr", with(ship, "certificate.csr", ecCSR())},
		"csr with app":     {"invalid_value:certificate.csr", with(app, "certificate.csr", ecCSR())},
		"email, no csr":    {"required_param:certificate.csr", base},
		"app, no platform": {"required_param:certificate.server_platform.id", with(app, "certificate.server_platform", nil)},
		"tls platform":     {"invalid_value:certificate.server_platform.id", with(csBody(org), "certificate.server_platform", obj{"id": 45})},
		"method":           {"invalid_value:cs_provisioning_method", with(csBody(org), "cs_provisioning_method", "pigeon")},
		"small key":        {"invalid_value:certificate.csr", with(csBody(org), "certificate.csr", smallCSR())},
		"bad csr":          {"csr_invalid_cannot_parse", with(csBody(org), "certificate.csr", "hello")},
		"hash":             {"invalid_value:certificate.signature_hash", with(csBody(org), "certificate.signature_hash", "sha512")},
		"no hash":          {"required_param:certificate.signature_hash", with(csBody(org), "certificate.signature_hash", nil)},
		"ship city":        {"required_param:ship_info.city", with(with(ship, "ship_info", address), "ship_info.city", nil)},
		"ship method":      {"invalid_value:ship_info.method", with(with(ship, "ship_info", address), "ship_info.method", "standard")},
		"ship no method":   {"required_param:ship_info.method", with(with(ship, "ship_info", address), "ship_info.method", nil)},
		"subject":          {"email_domain_not_validated", with(csBody(org), "subject", obj{"email": "a@gmail.com"})},
	} {
		t.Run(name, func(t *testing.T) { r := *r; r.T = t; r.refuse(400, c.code, "POST", csPath, c.body) })
	}
	r.post("/order/certificate/code_signing_ev", with(csBody(org), "subject", obj{"email": "a@gmail.com"})) // ignored for EV
}

func TestCommonRefusals(t *testing.T) {
	r := newRig(t, Options{})
	org := idOf(r.post("/organization", orgBody()))
	dark := idOf(r.post("/organization", with(orgBody(), "name", "Dark Ltd")))
	r.put("/organization/"+dark+"/deactivate", nil)
	card := with(with(with(csBody(org), "payment_method", "card"),
		"credit_card", obj{"number": "4111111111111111", "expiration_month": 4, "expiration_year": 2030, "cvv": 123, "cardholder_name": "J"}),
		"billing_address", obj{"address": "A", "city": "C", "country": "de"})
	r.post(csPath, card)
	if _, out, _ := r.raw("GET", "/_sandbox/dump", nil); strings.Contains(string(out), "4111111111111111") {
		t.Error("the card number is kept")
	}
	for _, c := range []struct {
		code, place string
		value       any
		base        obj
	}{
		{"required_param:certificate", "certificate", nil, nil},
		{"invalid_value:certificate", "certificate", "x", nil},
		{"required_param:organization", "organization", nil, nil},
		{"invalid_value:organization.id", "organization.id", 99, nil},
		{"invalid_value:organization.id", "organization.id", json.Number(dark), nil},
		{"invalid_value:organization.id", "organization.id", "x1", nil},
		{"required_param:order_validity", "order_validity", nil, nil},
		{"required_param:order_validity.years", "order_validity", obj{}, nil},
		{"invalid_value:order_validity.years", "order_validity", obj{"years": "one"}, nil},
		{"invalid_value:validity_years", "order_validity", obj{"years": 4}, nil},
		{"invalid_value:validity_years", "order_validity", obj{"years": 0}, nil},
		{"invalid_value:validity_days", "order_validity", obj{"days": 2000}, nil},
		{"invalid_value:validity_days", "order_validity", obj{"days": 0}, nil},
		{"invalid_value:custom_expiration_date", "order_validity", obj{"custom_expiration_date": "2026-06-09"}, nil},
		{"invalid_value:custom_expiration_date", "order_validity", obj{"custom_expiration_date": "09 Jun 2026"}, nil},
		{"invalid_value:custom_expiration_date", "order_validity", obj{"custom_expiration_date": "09 JUN 2025"}, nil},
		{"invalid_value:custom_expiration_date", "order_validity", obj{"custom_expiration_date": "31 FEB 2027"}, nil},
		{"invalid_value:additional_emails", "additional_emails", list{"nobody"}, nil},
		{"invalid_value:additional_emails", "additional_emails", "a@b.example", nil},
		{"invalid_value:alternative_order_id", "alternative_order_id", strings.Repeat("a", 65), nil},
		{"invalid_value:alternative_order_id", "alternative_order_id", "a b", nil},
		{"invalid_value:alternative_order_id", "alternative_order_id", 5, nil},
		{"invalid_value:auto_renew", "auto_renew", "x", nil},
		{"invalid_value:skip_approval", "skip_approval", "maybe", nil},
		{"invalid_value:locale", "locale", "ko", nil},
		{"invalid_value:enable_guest_access", "enable_guest_access", 2, nil},
		{"invalid_value:container.id", "container", obj{"id": 12}, nil},
		{"invalid_value:payment_method", "payment_method", "cash", nil},
		{"required_param:credit_card", "credit_card", nil, card},
		{"required_param:billing_address", "billing_address", nil, card},
		{"required_param:credit_card.cvv", "credit_card.cvv", nil, card},
		{"invalid_value:credit_card.expiration_month", "credit_card.expiration_month", 13, card},
		{"invalid_value:credit_card.number", "credit_card.number", 4111, card},
		{"required_param:organization_contact.email", "organization_contact", obj{"first_name": "A", "last_name": "B"}, nil},
		{"invalid_value:technical_contact.email", "technical_contact", with(person("A"), "email", "x"), nil},
		{"invalid_value:technical_contact.job_title", "technical_contact", with(person("A"), "job_title", strings.Repeat("x", 65)), nil},
		{"invalid_value:custom_fields", "custom_fields", obj{"metadata_id": 12, "value": "x"}, nil},
		{"invalid_value:custom_fields[0].metadata_id", "custom_fields", list{obj{"metadata_id": 17, "value": "x"}}, nil},
		{"invalid_custom_field_value", "custom_fields", list{obj{"metadata_id": 14, "value": "x"}}, nil},
		{"invalid_custom_field_value", "custom_fields", list{obj{"metadata_id": 15, "value": "x"}}, nil},
		{"invalid_custom_field_value", "custom_fields", list{obj{"metadata_id": 16, "value": "a@b.example,a@b.example"}}, nil},
		{"required_param:custom_fields[0].value", "custom_fields", list{obj{"metadata_id": 12}}, nil},
		{"order_not_eligible_for_renewal", "renewal_of_order_id", 5, nil},
		{"invalid_value:user_id_assignments", "user_id_assignments", list{5}, nil},
	} {
		if c.base == nil {
			c.base = csBody(org)
		}
		t.Run(fmt.Sprintf("%s=%v", c.place, c.value), func(t *testing.T) {
			r := *r
			r.T = t
			r.refuse(400, c.code, "POST", csPath, with(c.base, c.place, c.value))
		})
	}
	if n := len(r.get("/_sandbox/dump")["orders"].([]any)); n != 1 {
		t.Errorf("%d orders after refusals, want the one with the card", n)
	}
	r.refuse(404, "not_found|product", "POST", "/order/certificate/grid_host_ssl", csBody(org))
	r.refuse(400, "bad_request_format", "POST", csPath, `{"certificate":`)
	r.refuse(400, "bad_request_format", "POST", csPath, `[]`)
	r.refuse(400, "bad_request_format", "POST", csPath, `null`)
	r.refuse(400, "bad_request_format", "POST", csPath, `{} {}`)
}

func TestValidity(t *testing.T) {
	r := newRig(t, Options{})
	org := idOf(r.post("/organization", orgBody()))
	for _, c := range []struct {
		body       obj
		unit       string
		value      any
		till, ends string
	}{
		{obj{"order_validity": obj{"years": 3}}, "years", 3, "2027-07-04", "2029-04-01"},
		{obj{"order_validity": obj{"years": 9, "days": 30}}, "days", 30, "2026-05-01", "2026-05-01"},
		{obj{"order_validity": obj{"years": 1, "days": 30, "custom_expiration_date": "09 JUN 2026"}}, "custom_expiration_date", "09 JUN 2026", "2026-06-09", "2026-06-09"},
		{obj{"validity_years": 1}, "years", 1, "2027-04-01", "2027-04-01"},
		{obj{"validity_years": 1, "custom_expiration_date": "2026-06-09"}, "custom_expiration_date", "09 JUN 2026", "2026-06-09", "2026-06-09"},
	} {
		body := with(csBody(org), "order_validity", nil)
		for k, v := range c.body {
			body[k] = v
		}
		o := r.get(info(idOf(r.post(csPath, body))))
		if v := o["order_validity"].(obj); len(v) != 1 || fmt.Sprint(v[c.unit]) != fmt.Sprint(c.value) {
			t.Errorf("%v reads back as %v", c.body, v)
		}
		r.want(o, c.till, "certificate", "valid_till")
		r.want(o, c.ends, "order_valid_till")
	}
}

func TestClientProducts(t *testing.T) {
	r := newRig(t, Options{})
	org := idOf(r.post("/organization", orgBody()))
	for _, id := range []string{"client_premium", "client_digital_signature_plus", "client_email_security_plus"} {
		o := r.get(info(idOf(r.post("/order/certificate/"+id, premiumBody(org)))))
		r.want(o, "issued", "status")
		r.want(o, "Alice", "certificate", "individual", "first_name")
		r.want(o, nil, "verified_contacts")
		r.want(o, nil, "cs_provisioning_method")
	}
	plus := obj{ // the document's own example
		"certificate":   obj{"common_name": "john.doe@example.com", "emails": list{"john.doe@example.com"}, "signature_hash": "sha256", "csr": ecCSR()},
		"skip_approval": true, "organization": obj{"id": org}, "order_validity": obj{"years": 1}, "payment_method": "balance",
	}
	r.want(r.get(info(idOf(r.post("/order/certificate/client_authentication_plus", plus)))), "issued", "status")
	units := with(plus, "certificate.organization_units", list{"IT"})
	r.want(r.get(info(idOf(r.post("/order/certificate/client_authentication_plus", units)))), "IT", "certificate", "organization_units", 0)
	r.post("/order/certificate/client_authentication_plus", with(plus, "certificate.emails", list{"a@gmail.com"}))

	class1 := obj{"certificate": obj{"emails": list{"bob@gmail.com"}, "signature_hash": "sha256"}, "order_validity": obj{"days": 90}, "skip_approval": true}
	id := idOf(r.post("/order/certificate/class1_smime", class1))
	o := r.get(info(id))
	r.want(o, "waiting_pickup", "status") // no csr: its owner makes the key
	r.want(o, "bob@gmail.com", "certificate", "common_name")
	for _, v := range []obj{o, r.get("/order/certificate?filters[id]=" + id)["orders"].([]any)[0].(obj)} {
		if l, isList := v["organization"].([]any); !isList || len(l) != 0 {
			t.Errorf("organization is %v, want []", v["organization"])
		}
	}
	r.do(200, "POST", "/_sandbox/orders/"+id+"/issue", nil)
	r.want(r.get(info(id)), "issued", "status")

	pseudo := with(with(premiumBody(org), "certificate.common_name_indicator", "pseudonym"), "certificate.individual", obj{"pseudonym": "Al"})
	r.want(r.get(info(idOf(r.post(premiumPath, pseudo)))), "Al", "certificate", "individual", "pseudonym")

	for name, c := range map[string]struct {
		code, product string
		body          obj
	}{
		"indicator":      {"required_param:certificate.common_name_indicator", "client_premium", with(premiumBody(org), "certificate.common_name_indicator", nil)},
		"indicator enum": {"invalid_value:certificate.common_name_indicator", "client_premium", with(premiumBody(org), "certificate.common_name_indicator", "email_address")},
		"individual":     {"required_param:certificate.individual", "client_premium", with(premiumBody(org), "certificate.individual", nil)},
		"last name":      {"required_param:certificate.individual.last_name", "client_premium", with(premiumBody(org), "certificate.individual.last_name", nil)},
		"pseudonym":      {"required_param:certificate.individual.pseudonym", "client_premium", with(pseudo, "certificate.individual", obj{"first_name": "x"})},
		"common name":    {"required_param:certificate.common_name", "client_premium", with(premiumBody(org), "certificate.common_name", nil)},
		"emails":         {"required_param:certificate.emails", "client_premium", with(premiumBody(org), "certificate.emails", nil)},
		"no emails":      {"required_param:certificate.emails", "client_premium", with(premiumBody(org), "certificate.emails", list{})},
		"bad email":      {"invalid_value:certificate.emails", "client_premium", with(premiumBody(org), "certificate.emails", list{"x"})},
		"provider":       {"email_domain_not_validated", "client_email_security_plus", with(premiumBody(org), "certificate.emails", list{"a@Gmail.com"})},
		"hash":           {"invalid_value:certificate.signature_hash", "client_premium", with(premiumBody(org), "certificate.signature_hash", "sha1")},
		"organization":   {"required_param:organization", "client_authentication_plus", with(plus, "organization", nil)},
		"class1 org":     {"invalid_value:organization", "class1_smime", with(class1, "organization", obj{"id": org})},
		"class1 name":    {"invalid_value:certificate.common_name", "class1_smime", with(class1, "certificate.common_name", "Bob")},
	} {
		t.Run(name, func(t *testing.T) {
			r := *r
			r.T = t
			r.refuse(400, c.code, "POST", "/order/certificate/"+c.product, c.body)
		})
	}
}

func TestOrganizationsOnOrders(t *testing.T) {
	r := newRig(t, Options{})
	fresh := with(csBody("0"), "organization", orgBody())
	contacts := list{
		with(with(with(person("Vera"), "contact_type", "verified_contact"), "job_title", "CISO"), "telephone", "1"),
		with(person("One"), "contact_type", "organization_contact"),
		obj{"contact_type": "organization_contact"}, // ignored, however wrong
		with(person("Tech"), "contact_type", "technical_contact"),
	}
	fresh = with(fresh, "organization.contacts", contacts)
	made := r.post(csPath, fresh)
	org := idOf(made["organization"].(obj))
	o := r.get("/organization/" + org)
	r.want(o, "one@acme.example", "organization_contact", "email")
	r.want(o, "tech@acme.example", "technical_contact", "email")
	r.want(o, "Vera", "verified_contacts", 0, "first_name")
	r.want(o, nil, "verified_contacts", 0, "email")
	r.want(r.get(info(idOf(made))), "tech@acme.example", "technical_contact", "email")

	again := r.post(csPath, fresh) // matched, and nothing of it changes
	r.want(again, nil, "organization")
	r.want(r.get(info(idOf(again))), org, "organization", "id")
	forced := r.post(csPath, with(fresh, "organization.skip_duplicate_org_check", true))
	if idOf(forced["organization"].(obj)) == org {
		t.Error("skip_duplicate_org_check makes no new organization")
	}
	// An order's contacts replace the organization's own, root ones do not.
	r.post(csPath, with(csBody(org), "organization.contacts", list{with(person("Two"), "contact_type", "organization_contact")}))
	r.post(csPath, with(csBody(org), "organization_contact", person("Three")))
	r.want(r.get("/organization/"+org), "two@acme.example", "organization_contact", "email")
	// The key's own user stands in where nobody is named and nobody is there.
	bare := idOf(r.post("/organization", with(orgBody(), "name", "Bare Ltd")))
	r.post(csPath, csBody(bare))
	r.want(r.get("/organization/"+bare), "Ada", "verified_contacts", 0, "first_name")
	// Named approvers alone are asked.
	named := with(csBody(org), "organization.contacts", list{obj{"contact_type": "verified_contact", "user_id": fmt.Sprint(adminID)}})
	v := r.get(info(idOf(r.post(csPath, named))))["verified_contacts"].([]any)
	if len(v) != 1 {
		t.Errorf("approvers %v, want the named one", v)
	}
	for name, c := range map[string]struct {
		code  string
		items list
	}{
		"no title":  {"required_param:organization.contacts[0].job_title", list{with(person("V"), "contact_type", "verified_contact")}},
		"no type":   {"required_param:organization.contacts[0].contact_type", list{person("V")}},
		"bad type":  {"invalid_value:organization.contacts[0].contact_type", list{with(person("V"), "contact_type", "boss")}},
		"no user":   {"invalid_value:organization.contacts[0].user_id", list{obj{"contact_type": "verified_contact", "user_id": 5}}},
		"long name": {"invalid_value:organization.contacts[0].first_name", list{with(with(person("V"), "contact_type", "technical_contact"), "first_name", strings.Repeat("é", 129))}},
	} {
		t.Run(name, func(t *testing.T) {
			r := *r
			r.T = t
			r.refuse(400, c.code, "POST", csPath, with(csBody(org), "organization.contacts", c.items))
		})
	}
	service := newRig(t, Options{})
	org = idOf(service.post("/organization", orgBody()))
	service.srv.acct.Users[0].JobTitle = ""
	service.refuse(400, "required_param:organization.contacts", "POST", csPath, csBody(org))
}

func TestRenewalAndAlternativeIDs(t *testing.T) {
	r := newRig(t, Options{VisibleAfter: time.Minute})
	org := idOf(r.post("/organization", orgBody()))
	body := with(csBody(org), "alternative_order_id", "twin-1")
	first := idOf(r.post(csPath, body))
	r.refuse(404, "not_found|order", "GET", "/order/alternate/twin-1", nil)
	r.want(r.get("/order/certificate"), nil, "orders")
	r.get(info(first))
	second := idOf(r.post(csPath, with(body, "renewal_of_order_id", first)))
	r.clock.add(time.Minute)
	look := r.get("/order/alternate/twin-1?limit=1&offset=1")
	r.want(look, second, "orders", 0, "order_id")
	r.want(look, 2, "page", "total")
	r.want(r.get(info(first)), second, "renewed_order_id")
	r.want(r.get(info(second)), true, "is_renewal")
	r.refuse(400, "order_renewed_already", "POST", csPath, with(body, "renewal_of_order_id", first))

	u := newRig(t, Options{UniqueAlternativeIDs: true})
	org = idOf(u.post("/organization", orgBody()))
	body = with(csBody(org), "alternative_order_id", "twin-1")
	u.post(csPath, body)
	u.refuse(400, "duplicate_alternative_order_id", "POST", csPath, body)
	u.post(csPath, csBody(org))
	u.post(csPath, csBody(org))
}
