package contract

import (
	"net/url"
	"slices"
)

// writes make organizations and orders under names no earlier run has used.
var writes = slices.Concat(organizationWrites, orderWrites)

func organizationBody() tree {
	return tree{
		"name": unique("Contract "), "address": "1 Test Way", "city": "Lehi", "state": "Utah", "zip": "84043", "country": "us", "telephone": "801-555-0100",
		"organization_contact": tree{"first_name": "Ann", "last_name": "Contract", "email": "ann@contract.example", "job_title": "CTO", "telephone": "801-555-0101"},
	}
}

func newOrganization(p *probe) string {
	p.Helper()
	return id(p.do(201, "POST", "/organization", organizationBody())["id"])
}

func codeSigning(p *probe, organization string) tree {
	p.Helper()
	return tree{
		"certificate":            tree{"csr": csr(p), "signature_hash": "sha256"},
		"cs_provisioning_method": "email", "order_validity": tree{"years": 1}, "alternative_order_id": unique("contract-"),
		"organization": tree{"id": organization, "contacts": []any{tree{
			"contact_type": "verified_contact", "first_name": "Vic", "last_name": "Contract", "email": "vic@contract.example", "job_title": "CISO", "telephone": "801-555-0102",
		}}},
	}
}

// newOrder places an order that nobody approves.
func newOrder(p *probe) (path string, body, made tree) {
	p.Helper()
	body = codeSigning(p, newOrganization(p))
	made = p.do(201, "POST", "/order/certificate/code_signing", body)
	return "/order/certificate/" + id(made["id"]), body, made
}

// furnish gives a fresh sandbox one order of each kind the reads look at.
func furnish(p *probe) {
	newOrder(p)
	tls := tree{"csr": csr(p), "signature_hash": "sha256", "common_name": "www.contract.example"}
	p.do(201, "POST", "/order/certificate/ssl_dv_rapidssl", tree{"certificate": tls, "order_validity": tree{"years": 1}})
	p.do(201, "POST", "/order/certificate/ssl_basic", tree{
		"certificate": tls, "order_validity": tree{"years": 3}, "organization": tree{"id": newOrganization(p)}, "skip_approval": true,
	})
}

var organizationWrites = []check{
	{"creating an organization answers its id", "4.3", doc, func(p *probe) {
		o := p.get("/organization/" + newOrganization(p))
		if o["status"] != "active" || at(o, "organization_contact", "first_name") != "Ann" {
			p.Errorf("organization %v", o)
		}
	}},
	{"a second organization of the same details is refused", "4.3", doc, func(p *probe) {
		body := organizationBody()
		p.do(201, "POST", "/organization", body)
		p.refused(p.call("POST", "/organization", body), 400)
		body["skip_duplicate_org_check"] = true
		p.do(201, "POST", "/organization", body)
	}},
	{"contacts: what is left out is erased", "4.7", doc, func(p *probe) {
		path := "/organization/" + newOrganization(p)
		before := p.get(path)
		p.do(204, "PUT", path+"/contact", tree{"contacts": []any{tree{"contact_type": "organization_contact", "first_name": "Ann", "last_name": "Contract", "email": "ann@contract.example"}}})
		after := p.get(path)
		p.hasNot(after["organization_contact"], "job_title", "telephone")
		if id(at(after, "organization_contact", "id")) != id(at(before, "organization_contact", "id")) {
			p.Error("the same person has another contact id")
		}
		p.do(204, "PUT", path+"/contact", tree{"contacts": []any{tree{"contact_type": "organization_contact", "first_name": "Bea", "last_name": "Contract", "email": "bea@contract.example"}}})
		if id(at(p.get(path), "organization_contact", "id")) == id(at(before, "organization_contact", "id")) {
			p.Error("another person has the same contact id")
		}
	}},
	{"contacts: a bare type removes the technical contact", "4.7", doc, func(p *probe) {
		path := "/organization/" + newOrganization(p)
		p.do(204, "PUT", path+"/contact", tree{"contacts": []any{tree{"contact_type": "technical_contact", "first_name": "Tom", "last_name": "Contract", "email": "tom@contract.example"}}})
		p.has(p.get(path), "technical_contact", "organization_contact")
		p.do(204, "PUT", path+"/contact", tree{"contacts": []any{tree{"contact_type": "technical_contact"}}})
		p.hasNot(p.get(path), "technical_contact")
	}},
	{"contacts: one of a type at most", "4.7", doc, func(p *probe) {
		one := tree{"contact_type": "organization_contact", "first_name": "A", "last_name": "B", "email": "a@contract.example"}
		p.refused(p.call("PUT", "/organization/"+newOrganization(p)+"/contact", tree{"contacts": []any{one, one}}), 400, "contact_type_duplicate")
	}},
	{"a submitted validation is pending or in force", "4.5", doc, func(p *probe) {
		path := "/organization/" + newOrganization(p) + "/validation"
		p.do(204, "POST", path, tree{"validations": []any{tree{"type": "ov"}}})
		if status := at(p.get(path), "validations", 0, "status"); status != "pending" && status != "active" {
			p.Errorf("status %v", status)
		}
	}},
}

var orderWrites = []check{
	{"an order that nobody approved waits", "7", seed, func(p *probe) {
		path, body, made := newOrder(p)
		p.has(at(made, "requests", 0), "id", "status")
		p.hasNot(made, "certificate_id", "organization")
		o := p.get(path)
		if o["alternative_order_id"] != body["alternative_order_id"] || o["cs_provisioning_method"] != "email" {
			p.Errorf("order %v", o)
		}
	}},
	{"an order is found by its alternative id", "14.1", doc, func(p *probe) {
		path, body, _ := newOrder(p)
		v := p.get("/order/alternate/" + url.PathEscape(body["alternative_order_id"].(string)))
		p.has(v["page"], "total")
		if got := "/order/certificate/" + id(at(v, "orders", 0, "order_id")); got != path {
			p.Errorf("found %s, want %s", got, path)
		}
	}},
	{"a CSR with a shipped token is refused", "7.3", seed, func(p *probe) {
		body := codeSigning(p, newOrganization(p))
		body["cs_provisioning_method"] = "ship_token"
		p.refused(p.call("POST", "/order/certificate/code_signing", body), 400)
	}},
	{"a validity of four years is refused", "2", doc, func(p *probe) {
		body := codeSigning(p, newOrganization(p))
		body["order_validity"] = tree{"years": 4}
		p.refused(p.call("POST", "/order/certificate/code_signing", body), 400, "invalid_value:validity_years")
	}},
	{"a body that is no JSON is refused", "2", doc, func(p *probe) {
		p.refused(p.call("POST", "/order/certificate/code_signing", "text"), 400, "bad_request_format")
	}},
	{"emails: the list is replaced", "8", doc, func(p *probe) {
		path, _, _ := newOrder(p)
		p.do(204, "PUT", path+"/additional-emails", tree{"additional_emails": []any{"a@contract.example", "b@contract.example"}})
		p.do(204, "PUT", path+"/additional-emails", tree{"additional_emails": []any{"c@contract.example"}})
		if list := p.items(p.get(path), "additional_emails"); len(list) != 1 || list[0] != "c@contract.example" {
			p.Errorf("emails %v", list)
		}
		p.do(204, "PUT", path+"/additional-emails", tree{"additional_emails": []any{}})
		if list := p.items(p.get(path), "additional_emails"); len(list) != 0 {
			p.Errorf("emails %v", list)
		}
	}},
	{"order contacts: what is left out stays", "8", doc, func(p *probe) {
		path, _, _ := newOrder(p)
		p.do(204, "PUT", path+"/contact", tree{"contacts": []any{tree{"contact_type": "organization_contact", "first_name": "Cat", "last_name": "Contract", "email": "cat@contract.example"}}})
		o := p.get(path)
		if at(o, "organization_contact", "first_name") != "Cat" || at(o, "organization_contact", "job_title") != "CTO" {
			p.Errorf("contact %v", o["organization_contact"])
		}
	}},
	{"notes are added, listed newest first, and deleted", "9", seed, func(p *probe) {
		path, _, _ := newOrder(p)
		first := p.do(201, "POST", path+"/note", tree{"text": "same"})
		p.has(first, "id", "date_created", "text", "user")
		second := p.do(201, "POST", path+"/note", tree{"text": "same"})
		list := p.items(p.get(path+"/note"), "notes")
		if len(list) != 2 || id(at(list, 0, "id")) != id(second["id"]) {
			p.Errorf("notes %v", list)
		}
		p.do(204, "DELETE", path+"/note/"+id(first["id"]), nil)
		if n := len(p.items(p.get(path+"/note"), "notes")); n != 1 {
			p.Errorf("%d notes", n)
		}
	}},
	{"cancel needs a note and an order under way", "8.1", doc, func(p *probe) {
		path, _, _ := newOrder(p)
		p.refused(p.call("PUT", path+"/status", tree{"status": "canceled"}), 400)
		p.refused(p.call("PUT", path+"/status", tree{"status": "canceled", "note": "it waits for approval"}), 400)
	}},
	{"rejecting the request ends the order", "8.1", guess, func(p *probe) {
		path, _, made := newOrder(p)
		p.do(204, "PUT", "/request/"+id(at(made, "requests", 0, "id"))+"/status", tree{"status": "rejected", "processor_comment": "contract"})
		if status := p.get(path)["status"]; status != "rejected" {
			p.Errorf("status %v", status)
		}
	}},
	{"DV orders have no request and no organization", "7", client, func(p *probe) {
		cert := tree{"csr": csr(p), "signature_hash": "sha256", "common_name": unique("c") + ".contract.example"}
		body := tree{"certificate": cert, "order_validity": tree{"years": 1}, "dcv_method": "dns-txt-token"}
		made := p.do(201, "POST", "/order/certificate/ssl_dv_rapidssl", body)
		p.has(made, "id", "certificate_id", "dcv_random_value")
		p.hasNot(made, "requests")
		body["organization"] = tree{"id": newOrganization(p)}
		p.refused(p.call("POST", "/order/certificate/ssl_dv_rapidssl", body), 400)
	}},
	{"a price can be asked for", "12", doc, func(p *probe) {
		v := p.do(200, "POST", "/finance/order-pricing", tree{"product_name_id": "ssl_basic", "certificate": tree{"dns_names": []any{"contract.example"}}, "order_validity": tree{"years": 1}})
		p.has(v, "total_price", "currency", "tax")
		if _, isText := v["tax"].(string); !isText {
			p.Errorf("tax is %v", v["tax"])
		}
	}},
}
