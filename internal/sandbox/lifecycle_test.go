package sandbox

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestApprovalAndIssuance(t *testing.T) {
	r := newRig(t, Options{IssueAfter: time.Hour})
	org := idOf(r.post("/organization", orgBody()))
	made := r.post(csPath, with(csBody(org), "skip_approval", false))
	id, req := idOf(made), fmt.Sprint(at(made, "requests", 0, "id"))
	r.want(made, "pending", "requests", 0, "status")
	r.want(made, nil, "certificate_id")
	r.want(r.get(info(id)), "needs_approval", "status")
	r.want(r.get(info(id)), true, "has_pending_request")
	r.want(r.get(info(id)), nil, "certificate", "id")
	r.want(r.get("/request?status=pending"), id, "requests", 0, "order", "id")
	r.want(r.get("/request?filters[status]=approved"), 0, "page", "total")
	r.want(r.get("/request?filters[type]=new_request&filters[search]=Acme+Ltd"), 1, "page", "total")
	q := r.get("/request/" + req)
	r.want(q, "code_signing", "order", "product", "name_id")
	r.want(q, nil, "date_processed")
	r.refuse(400, "invalid_order_status", "PUT", info(id)+"/status", obj{"status": "canceled", "note": "x"})
	r.refuse(400, "invalid_value:status", "PUT", "/request/"+req+"/status", obj{"status": "done"})
	r.refuse(404, "not_found|request", "PUT", "/request/5/status", obj{"status": "approved"})
	r.clock.add(30 * time.Minute)
	r.put("/request/"+req+"/status", obj{"status": "approved", "processor_comment": "fine"})
	r.want(r.get("/request/"+req), "fine", "processor_comment")
	r.refuse(400, "invalid_request_status", "PUT", "/request/"+req+"/status", obj{"status": "rejected"})
	r.want(r.get(info(id)), "pending", "status")
	r.clock.add(59 * time.Minute) // the validation is in force, the hour since approval is not over
	r.want(r.get("/organization/"+org+"/validation"), "active", "validations", 0, "status")
	r.want(r.get(info(id)), "pending", "status")
	r.clock.add(time.Minute)
	r.want(r.get(info(id)), "issued", "status")
	r.want(r.get(info(id)), "2026-04-01T09:30:00+00:00", "certificate", "date_issued")

	rejected := r.post(csPath, with(csBody(org), "skip_approval", nil))
	r.put(fmt.Sprintf("/request/%v/status", at(rejected, "requests", 0, "id")), obj{"status": "rejected"})
	r.want(r.get(info(idOf(rejected))), "rejected", "status")

	canceled := idOf(r.post(csPath, csBody(org)))
	for code, body := range map[string]obj{
		"required_param:note": {"status": "canceled"}, "invalid_value:status": {"status": "Canceled", "note": "x"}, "required_param:status": {}, "invalid_order_status": {"status": "renewed"},
	} {
		r.refuse(400, code, "PUT", info(canceled)+"/status", body)
	}
	r.put(info(canceled)+"/status", obj{"status": "canceled", "note": "not needed"})
	r.clock.add(2 * time.Hour)
	r.want(r.get(info(canceled)), "canceled", "status")

	r.do(200, "POST", "/_sandbox/clock", obj{"advance": "8784h"})
	r.want(r.get(info(id)), "expired", "status")
	r.want(r.get("/order/certificate?filters[status]=issued"), id, "orders", 0, "id")
	r.want(r.get(info(id)), nil, "certificate", "days_remaining")
}

func TestControlActions(t *testing.T) {
	r := newRig(t, Options{IssueAfter: time.Hour})
	org := idOf(r.post("/organization", orgBody()))
	order := func() string { return idOf(r.post(csPath, with(csBody(org), "skip_approval", false))) }
	act := func(status int, id, what string) obj {
		r.Helper()
		return r.do(status, "POST", "/_sandbox/orders/"+id+"/"+what, nil)
	}
	a, b := order(), order()
	r.want(act(200, a, "approve"), "pending", "status")
	act(409, a, "approve")
	r.want(act(200, a, "issue"), "issued", "status")
	act(409, a, "issue")
	r.want(act(200, a, "expire"), "expired", "status")
	r.want(act(200, a, "revoke"), "revoked", "status")
	r.want(act(200, b, "reject"), "rejected", "requests", 0, "status")
	act(409, b, "revoke")
	act(404, "5", "issue")
	act(404, a, "explode")
	r.refuse(400, "bad_request_format", "POST", "/_sandbox/clock", obj{"advance": "-1h"})
	r.refuse(400, "bad_request_format", "POST", "/_sandbox/clock", "x")
	r.refuse(404, "not_found|route", "GET", "/_sandbox/nothing", nil)
	r.do(204, "POST", "/_sandbox/reset", nil)
	d := r.get("/_sandbox/dump")
	if len(d["orders"].([]any))+len(d["organizations"].([]any))+len(d["requests"].([]any)) != 0 || len(d["users"].([]any)) != 1 {
		t.Errorf("after reset: %v", d)
	}
}

func TestEdits(t *testing.T) {
	r := newRig(t, Options{})
	org := idOf(r.post("/organization", orgBody()))
	o := info(idOf(r.post(csPath, csBody(org))))
	r.put(o+"/additional-emails", obj{"additional_emails": list{"a@b.example"}})
	r.want(r.get(o), "a@b.example", "additional_emails", 0)
	r.put(o+"/additional-emails", obj{"additional_emails": list{}})
	r.want(r.get(o), nil, "additional_emails")
	r.refuse(400, "required_param:additional_emails", "PUT", o+"/additional-emails", obj{})
	r.refuse(400, "invalid_value:additional_emails", "PUT", o+"/additional-emails", obj{"additional_emails": list{"x"}})

	for _, v := range []string{"one", "two"} {
		r.do(204, "POST", o+"/custom-field", obj{"metadata_id": 13, "value": v})
	}
	r.want(r.get(o), "[map[label:Team metadata_id:13 value:two]]", "custom_fields")
	r.want(r.get("/order/certificate?filters[metadata_id]=13"), "two", "orders", 0, "custom_fields", 0, "value")
	r.refuse(400, "invalid_custom_field_value", "POST", o+"/custom-field", obj{"metadata_id": 14, "value": "x"})
	r.refuse(400, "required_param:metadata_id", "POST", o+"/custom-field", obj{"value": "x"})

	contact := func(p obj) obj { return obj{"contacts": list{with(p, "contact_type", "organization_contact")}} }
	r.put(o+"/contact", contact(with(person("June"), "telephone", "5")))
	r.want(r.get(o), "June", "organization_contact", "first_name")
	r.want(r.get(o), "CTO", "organization_contact", "job_title") // left out: kept
	r.want(r.get("/organization/"+org), "Jane", "organization_contact", "first_name")
	r.refuse(400, "required_param:contacts[0].first_name", "PUT", o+"/contact", obj{"contacts": list{obj{"contact_type": "technical_contact"}}})
	r.refuse(400, "contact_type_duplicate", "PUT", o+"/contact", obj{"contacts": append(contact(person("A"))["contacts"].(list), contact(person("B"))["contacts"].(list)...)})

	r.put(o+"/renewal-emails/disabled", nil)
	r.want(r.get(o), true, "disable_renewal_notifications")
	r.put(o+"/renewal-emails/1", nil)
	r.want(r.get(o), false, "disable_renewal_notifications")
	r.refuse(400, "invalid_value:status", "PUT", o+"/renewal-emails/perhaps", nil)
	r.put(o+"/custom-renewal-message", obj{"custom_renewal_message": "hello"})
	r.want(r.get(o), "hello", "custom_renewal_message")
	r.put(o+"/custom-renewal-message", obj{"custom_renewal_message": ""})
	r.want(r.get(o), nil, "custom_renewal_message")
	r.refuse(400, "required_param:custom_renewal_message", "PUT", o+"/custom-renewal-message", obj{})

	r.refuse(400, "invalid_value:auto_reissue", "PUT", o+"/auto-reissue", obj{"auto_reissue": 1})
	code := info(idOf(r.post(csPath, with(csBody(org), "order_validity", obj{"years": 2}))))
	r.refuse(400, "invalid_value:auto_reissue", "PUT", code+"/auto-reissue", obj{"auto_reissue": 1}) // TLS only
	long := info(idOf(r.post(tlsPath, with(tlsBody(org), "order_validity", obj{"years": 2}))))
	r.put(long+"/auto-reissue", obj{"auto_reissue": 1})
	r.want(r.get(long), 1, "auto_reissue")
	r.put(long+"/auto-reissue", obj{"auto_reissue": 0})
	r.want(r.get(long), 0, "auto_reissue")

	if n := len(r.get(o + "/note")["notes"].([]any)); n != 0 {
		t.Errorf("%d notes", n)
	}
	first := r.post(o+"/note", obj{"text": "same"})
	second := r.post(o+"/note", obj{"text": "same"})
	r.want(first, "Ada", "user", "first_name")
	if notes := r.get(o + "/note")["notes"].([]any); len(notes) != 2 || idOf(notes[0].(obj)) != idOf(second) {
		t.Errorf("notes %v, want two, newest first", notes)
	}
	r.do(204, "DELETE", o+"/note/"+idOf(first), nil)
	r.refuse(404, "not_found|note", "DELETE", o+"/note/"+idOf(first), nil)
	r.want(r.get(o), "same", "notes", 0, "text")
	r.refuse(400, "required_param:text", "POST", o+"/note", obj{})
	r.refuse(400, "invalid_value:text", "POST", o+"/note", obj{"text": 5})
	for _, c := range [][2]string{{"PUT", "/additional-emails"}, {"POST", "/custom-field"}, {"PUT", "/contact"}, {"PUT", "/status"}, {"POST", "/note"}, {"GET", "/note"}, {"GET", ""}, {"PUT", "/auto-reissue"}, {"PUT", "/renewal-emails/1"}} {
		r.refuse(404, "not_found|order", c[0], "/order/certificate/5"+c[1], obj{})
	}
}

func TestPatch(t *testing.T) {
	r := newRig(t, Options{})
	org := idOf(r.post("/organization", orgBody()))
	id := idOf(r.post(csPath, with(csBody(org), "additional_emails", list{"a@b.example"})))
	r.post(info(id)+"/note", obj{"text": "first"})
	r.post(info(id)+"/note", obj{"text": "second"})
	patch := func(status int, kind, id string, p any) obj {
		r.Helper()
		return r.do(status, "PATCH", "/_sandbox/objects/"+kind+"/"+id, p)
	}
	patch(200, "organization", org, obj{"name": "Acme SE", "organization_contact": obj{"email": "new@acme.example", "job_title": nil}})
	o := r.get("/organization/" + org)
	r.want(o, "Acme SE", "display_name")
	r.want(o, "new@acme.example", "organization_contact", "email")
	r.want(o, "Jane", "organization_contact", "first_name")
	r.want(o, nil, "organization_contact", "job_title")
	patch(200, "organization", org, obj{"status": "inactive"})
	r.want(r.get("/organization/"+org), false, "is_active")

	patch(200, "order", id, obj{"additional_emails": nil, "status": "pending", "auto_renew": 1, "certificate": obj{"csr": "x", "serial_number": nil}})
	o = r.get(info(id))
	for _, w := range [][]any{{nil, "additional_emails"}, {"pending", "status"}, {1, "auto_renew"}, {"x", "certificate", "csr"}, {nil, "certificate", "serial_number"},
		{"Acme SE", "organization", "name"}, {"second", "notes", 0, "text"}, {"first", "notes", 1, "text"}} {
		r.want(o, w[0], w[1:]...)
	}
	patch(200, "order", id, obj{"requests": list{obj{"id": at(o, "requests", 0, "id"), "type": "new_request", "status": "rejected", "date": "", "comments": ""}}})
	r.want(r.get(info(id)), "rejected", "requests", 0, "status")
	patch(400, "order", id, obj{"colour": "red"})
	patch(400, "order", id, obj{"id": 5})
	patch(400, "order", id, list{})
	patch(404, "order", "5", obj{})
	patch(404, "organization", "5", obj{})
	patch(404, "user", "9001", obj{})
}

func TestOrderList(t *testing.T) {
	r := newRig(t, Options{})
	org := idOf(r.post("/organization", orgBody()))
	if v := r.get("/order/certificate"); len(v) != 1 || at(v, "page", "limit") != 1000.0 {
		t.Errorf("empty list %v, want a page and no orders key", v)
	}
	a := idOf(r.post(csPath, csBody(org)))
	r.clock.add(24 * time.Hour)
	b := idOf(r.post(premiumPath, premiumBody(org)))
	r.clock.add(24 * time.Hour)
	c := idOf(r.post("/order/certificate/class1_smime", obj{"certificate": obj{"emails": list{"z@acme.example"}, "signature_hash": "sha256"}, "order_validity": obj{"days": 10}}))
	r.put(info(a)+"/renewal-emails/disabled", nil)
	letters := strings.NewReplacer(a, "a", b, "b", c, "c")
	serial := at(r.get(info(a)), "certificate", "serial_number").(string)
	for query, want := range map[string]string{
		"": "cba", "sort=order_id": "abc", "sort=-order_id": "cba", "sort=status,order_id": "abc", "sort=common_name": "abc", "sort=-date_created": "cba", "sort=product_name,-valid_till": "cba",
		"sort=order_id&limit=1&offset=1": "b", "filters[id]=" + b: "b", "filters[status]=issued&sort=order_id": "ab", "filters[status]=needs_approval": "c",
		"filters[organization_id]=" + org + "&sort=id": "ab", "filters[product_name_id]=client_premium": "b",
		"filters[product_name_id][0]=client_premium&filters[product_name_id][1]=code_signing": "ba",
		"filters[user_id]=9001": "cba", "filters[common_name]=Acme+Ltd": "a", "filters[domain_name]=alice+example": "b", "filters[container_id]=11": "cba", "container_id=12": "",
		"filters[metadata_id]=12": "", "filters[is_renewed]=0": "cba", "filters[is_renewed]=1": "", "filters[disable_renewal_notifications]=1": "a",
		"filters[email]=alice@acme.example": "b", "filters[origin]=certcentral": "cba", "filters[origin]=migrated": "", "filters[serial_number]=" + serial: "a",
		"filters[certificate_id]=" + fmt.Sprint(at(r.get(info(b)), "certificate", "id")): "b",
		"filters[search]=%25acme": "cba", "filters[search]=z@acme.example": "c",
		"filters[date_created]=2026-04-02": "b", "filters[date_created]=2026-04-02+08:00:00": "b", "filters[date_created]=>2026-04-02": "cb",
		"filters[date_created]=<2026-04-02": "a", "filters[date_created]=2026-04-01+00:00:00...2026-04-02+23:59:59": "ba", "filters[date_created]=2026-04-02%2B08:00:00": "b",
		"filters[date_created]=nonsense": "", "filters[valid_till]=<2027-04-02": "a",
	} {
		var got []string
		if items, _ := r.get("/order/certificate?" + strings.ReplaceAll(query, " ", "+"))["orders"].([]any); items != nil {
			for _, o := range items {
				got = append(got, letters.Replace(idOf(o.(obj))))
			}
		}
		if strings.Join(got, "") != want {
			t.Errorf("%s: %v, want %s", query, got, want)
		}
	}
	item := r.get("/order/certificate?filters[id]=" + a)["orders"].([]any)[0].(obj)
	for _, name := range []string{"additional_emails", "notes", "organization_contact", "alternative_order_id", "cs_provisioning_method", "requests", "auto_renew", "user"} {
		if _, has := item[name]; has {
			t.Errorf("list items have %s", name)
		}
	}
	for _, name := range []string{"csr", "server_platform", "emails"} {
		if at(item, "certificate", name) != nil {
			t.Errorf("list certificates have %s", name)
		}
	}
	r.want(item, "code_signing", "product_name_id")
	r.want(item, 363, "certificate", "days_remaining")
	r.refuse(400, "invalid_value:filters[alternative_order_id]", "GET", "/order/certificate?filters[alternative_order_id]=x", nil)
	r.refuse(400, "invalid_value:sort", "GET", "/order/certificate?sort=x", nil)
}
