package sandbox

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestOrganizationCreateAndRead(t *testing.T) {
	r := newRig(t, Options{})
	body := with(with(orgBody(), "assumed_name", "Acme"), "container", obj{"id": 11})
	id := idOf(r.post("/organization", body))
	got := r.get("/organization/" + id)
	contactID := at(got, "organization_contact", "id")
	want := obj{
		"id": got["id"], "status": "active", "name": "Acme Ltd", "assumed_name": "Acme", "display_name": "Acme Ltd (Acme)", "is_active": true,
		"address": "1 Main St", "zip": "10115", "city": "Berlin", "state": "Berlin", "country": "de", "telephone": "+49 30 1",
		"container":            obj{"id": 11.0, "parent_id": 0.0, "name": "Sandbox", "is_active": true},
		"organization_contact": obj{"id": contactID, "first_name": "Jane", "last_name": "Doe", "email": "jane@acme.example", "job_title": "CTO"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("info (-want +got):\n%s", diff)
	}
	delete(want, "organization_contact")
	item := r.get("/organization?include_validation=true")["organizations"].([]any)[0]
	if diff := cmp.Diff(any(want), item); diff != "" {
		t.Errorf("list item (-want +got):\n%s", diff)
	}
	r.refuse(400, "duplicate_organization", "POST", "/organization", with(body, "address", "1  MAIN st"))
	r.post("/organization", with(body, "skip_duplicate_org_check", true))
	r.post("/organization", with(body, "city", "Potsdam"))
	// Without a contact the key's user is it; the array form works too.
	r.want(r.get("/organization/"+idOf(r.post("/organization", with(with(orgBody(), "name", "B"), "organization_contact", nil)))),
		"ada.admin@sandbox.example", "organization_contact", "email")
	alt := with(with(with(orgBody(), "name", "C"), "organization_contact", nil), "contacts", list{obj{"contact_type": "technical_contact", "user_id": adminID}})
	r.want(r.get("/organization/"+idOf(r.post("/organization", alt))), "Ada", "technical_contact", "first_name")
	r.refuse(404, "not_found|organization", "GET", "/organization/5", nil)

	for _, c := range []struct {
		code, place string
		value       any
	}{
		{"required_param:name", "name", nil}, {"required_param:name", "name", "  "}, {"invalid_value:name", "name", strings.Repeat("x", 65)},
		{"invalid_value:name", "assumed_name", strings.Repeat("x", 54)}, {"required_param:address", "address", nil},
		{"invalid_value:address2", "address2", strings.Repeat("x", 65)}, {"required_param:city", "city", ""}, {"required_param:state", "state", nil},
		{"required_param:zip", "zip", nil}, {"invalid_value:zip", "zip", 10115}, {"invalid_value:zip", "zip", strings.Repeat("1", 129)},
		{"invalid_value:country", "country", "UK"}, {"invalid_value:country", "country", "Germany"}, {"required_param:country", "country", nil},
		{"required_param:telephone", "telephone", nil}, {"invalid_value:telephone", "telephone", strings.Repeat("1", 33)},
		{"invalid_value:organization_contact.email", "organization_contact.email", "jane"},
		{"invalid_value:organization_contact.telephone_extension", "organization_contact.telephone_extension", strings.Repeat("1", 17)},
		{"invalid_value:validations[0].type", "validations", list{obj{"type": "dv"}}},
		{"invalid_value:container.id", "container.id", 5},
	} {
		t.Run(fmt.Sprintf("%s=%.20v", c.place, c.value), func(t *testing.T) {
			r := *r
			r.T = t
			r.refuse(400, c.code, "POST", "/organization", with(orgBody(), c.place, c.value))
		})
	}
	r.post("/organization", with(with(orgBody(), "name", strings.Repeat("n", 58)), "assumed_name", "abc"))
	r.post("/organization", with(orgBody(), "zip", strings.Repeat("1", 128)))
}

func TestOrganizationContacts(t *testing.T) {
	r := newRig(t, Options{})
	path := "/organization/" + idOf(r.post("/organization", orgBody()))
	put := func(items ...any) { r.Helper(); r.put(path+"/contact", obj{"contacts": items}) }
	contact := func(kind string, p obj) obj { return with(p, "contact_type", kind) }
	before := at(r.get(path), "organization_contact", "id")

	put(contact("organization_contact", with(person("Jane"), "telephone", "5")))
	o := r.get(path)
	r.want(o, before, "organization_contact", "id") // same names and email: the same person
	r.want(o, "5", "organization_contact", "telephone")
	r.want(o, nil, "organization_contact", "job_title") // left out: erased
	put(contact("organization_contact", person("June")), contact("technical_contact", with(person("Tech"), "language_id", "1")))
	o = r.get(path)
	if at(o, "organization_contact", "id") == before {
		t.Error("another person keeps the contact id")
	}
	r.want(o, "Tech", "technical_contact", "first_name")
	put(obj{"contact_type": "technical_contact"})
	o = r.get(path)
	r.want(o, nil, "technical_contact")
	r.want(o, "June", "organization_contact", "first_name")

	for code, body := range map[string]any{
		"contact_type_duplicate":                 obj{"contacts": list{contact("technical_contact", person("A")), contact("technical_contact", person("B"))}},
		"required_param:contacts":                obj{},
		"required_param:contacts[0].first_name":  obj{"contacts": list{obj{"contact_type": "organization_contact"}}},
		"invalid_value:contacts[0].contact_type": obj{"contacts": list{contact("verified_contact", person("A"))}},
		"invalid_value:contacts[0].language_id":  obj{"contacts": list{contact("technical_contact", with(person("A"), "language_id", 1))}},
		"bad_request_format":                     "x",
	} {
		r.refuse(400, code, "PUT", path+"/contact", body)
	}
	r.refuse(404, "not_found|organization", "PUT", "/organization/5/contact", obj{})
}

func TestValidation(t *testing.T) {
	r := newRig(t, Options{IssueAfter: time.Hour})
	path := "/organization/" + idOf(r.post("/organization", orgBody()))
	submit := func(items ...any) { r.Helper(); r.do(204, "POST", path+"/validation", obj{"validations": items}) }
	if n := len(r.get(path + "/validation")["validations"].([]any)); n != 0 {
		t.Errorf("%d validations", n)
	}
	submit(obj{"type": "ov"}, obj{"type": "cs", "verified_users": list{
		obj{"id": adminID, "first_name": 5}, with(with(person("Vera"), "job_title", "x"), "telephone", "1")}})
	v := r.get(path + "/validation")
	r.want(v, "pending", "validations", 1, "status")
	r.want(v, nil, "validations", 1, "date_created")
	r.want(v, adminID, "validations", 1, "verified_users", 0, "id")
	if at(r.get(path), "verified_contacts", 0, "id") == float64(adminID) {
		t.Error("the contact id is the user id")
	}
	r.clock.add(time.Hour)
	v = r.get(path + "/validation")
	r.want(v, "active", "validations", 1, "status")
	r.want(v, "2026-04-01T09:00:00+00:00", "validations", 1, "date_created")
	r.do(200, "POST", "/_sandbox/clock", obj{"advance": "9600h"})
	r.want(r.get("/organization?include_validation=true"), "expired", "organizations", 0, "validations", 0, "status")
	submit(obj{"type": "ov"})
	r.want(r.get(path+"/validation"), "pending", "validations", 0, "status")

	for code, body := range map[string]any{
		"required_param:validations":                            obj{},
		"invalid_value:validations[0].type":                     obj{"validations": list{obj{"type": "vmc"}}},
		"required_param:validations[0].type":                    obj{"validations": list{obj{}}},
		"required_param:validations[0].verified_users":          obj{"validations": list{obj{"type": "ev"}}},
		"required_param:validations[0].verified_users[0].email": obj{"validations": list{obj{"type": "cs", "verified_users": list{obj{"first_name": "A"}}}}},
		"invalid_value:validations[0].verified_users[0].id":     obj{"validations": list{obj{"type": "cs", "verified_users": list{obj{"id": 5}}}}},
	} {
		r.refuse(400, code, "POST", path+"/validation", body)
	}
}

func TestOrganizationStatusAndList(t *testing.T) {
	r := newRig(t, Options{IssueAfter: time.Hour})
	ids := []string{}
	for _, name := range []string{"Beta Ltd", "Alpha Ltd", "Gamma Inc"} {
		ids = append(ids, idOf(r.post("/organization", with(orgBody(), "name", name))))
	}
	names := func(query string) string {
		r.Helper()
		var list []string
		for _, o := range r.get("/organization?" + query)["organizations"].([]any) {
			list = append(list, o.(obj)["name"].(string)[:1])
		}
		return strings.Join(list, "")
	}
	r.post(csPath, csBody(ids[0]))
	r.refuse(400, "organization_in_use", "PUT", "/organization/"+ids[0]+"/deactivate", nil)
	r.put("/organization/"+ids[1]+"/deactivate", nil)
	for query, want := range map[string]string{
		"": "BAG", "sort=name": "ABG", "sort=-name": "GBA", "sort=status,-name": "GBA", "limit=2": "BA", "limit=2&offset=2": "G", "offset=9": "",
		"limit=0": "BAG", "limit=5000": "BAG", "filters[status]=active": "BG", "filters%5Bstatus%5D=inactive": "A", "filters[search]=Beta+Ltd": "B",
		"filters[search]=%25ltd": "BA", "filters[search]=" + ids[2]: "G", "filters[search]=Beta": "", "container_id=11": "BAG", "container_id=12": "",
		"filters[name][0]=Beta+Ltd&filters[name][1]=Gamma+Inc": "BG",
	} {
		if got := names(query); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	r.want(r.get("/organization?limit=2&offset=2"), "map[limit:2 offset:2 total:3]", "page")
	for code, query := range map[string]string{"invalid_value:sort": "sort=colour", "invalid_value:limit": "limit=x", "invalid_value:offset": "offset=-1", "invalid_value:filters[colour]": "filters[colour]=1"} {
		r.refuse(400, code, "GET", "/organization?"+query, nil)
	}
	r.put("/organization/"+ids[1]+"/activate", nil)
	r.want(r.get("/organization/"+ids[1]), true, "is_active")
	r.refuse(404, "not_found|organization", "PUT", "/organization/5/activate", nil)
}
