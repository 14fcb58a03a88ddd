package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// divided is an account of two divisions below the root, with a user and keys for
// each, a limited user and a service user.
const divided = `{
 "containers": [{"id":11,"parent_id":0,"name":"Root","is_active":true},{"id":12,"parent_id":11,"name":"East","is_active":true},{"id":13,"parent_id":12,"name":"Far East","is_active":true},{"id":14,"parent_id":11,"name":"West","is_active":true}],
 "users": [
  {"id":9001,"username":"ada","first_name":"Ada","last_name":"A","email":"ada@x.example","job_title":"CISO","telephone":"1","container":{"id":11}},
  {"id":9002,"username":"eve","first_name":"Eve","last_name":"E","email":"eve@x.example","job_title":"CISO","telephone":"1","container":{"id":12}},
  {"id":9003,"username":"wes","first_name":"Wes","last_name":"W","email":"wes@x.example","container":{"id":14},"access_roles":[{"id":5,"name":"Standard user"}]},
  {"id":9004,"username":"lim","first_name":"Lim","last_name":"L","email":"lim@x.example","container":{"id":12},"access_roles":[{"id":2,"name":"Limited user"}]},
  {"id":9005,"username":"bot","first_name":"Bot","last_name":"B","email":"bot@x.example","container":{"id":11},"is_api_only":true,"container_id_assignments":[14]},
  {"id":9006,"username":"old","first_name":"Old","last_name":"O","email":"old@x.example","container":{"id":11},"status":"inactive"}],
 "api_keys": [{"key":"eve-key","name":"east","user_id":9002},{"key":"wes-key","name":"west","user_id":9003},{"key":"lim-key","name":"lim","user_id":9004},
  {"key":"bot-key","name":"bot","user_id":9005},{"key":"off-key","name":"off","user_id":9002,"status":"inactive"},{"key":"old-key","name":"old","user_id":9006},
  {"key":"hr-key","name":"hr","user_id":9001,"restricted_to_role_id":103}],
 "organizations": [
  {"id":501,"status":"active","is_active":true,"name":"East Ltd","address":"1","city":"B","state":"B","zip":"1","country":"de","telephone":"1","container":{"id":13,"parent_id":12,"name":"Far East","is_active":true},"validations":[{"type":"cs","status":"active","validated_until":"2030-01-01T00:00:00+00:00"}]},
  {"id":502,"status":"active","is_active":true,"name":"West Ltd","address":"1","city":"B","state":"B","zip":"1","country":"de","telephone":"1","container":{"id":14,"parent_id":11,"name":"West","is_active":true}}]
}`

func dividedRig(t *testing.T) *rig {
	t.Helper()
	file := filepath.Join(t.TempDir(), "seed.json")
	if err := os.WriteFile(file, []byte(divided), 0o600); err != nil {
		t.Fatal(err)
	}
	return newRig(t, Options{Seed: file})
}

func (r *rig) as(key string) *rig { cp := *r; cp.key = key; return &cp }

// TestKeysSeeTheirContainers: what is not seen answers like what is not there.
func TestKeysSeeTheirContainers(t *testing.T) {
	t.Parallel()
	r := dividedRig(t)
	east, west := r.as("eve-key"), r.as("wes-key")
	made := east.post(csPath, with(with(csBody("501"), "container", obj{"id": 13}), "alternative_order_id", "east-1"))
	id, req := idOf(made), fmt.Sprint(at(made, "requests", 0, "id"))
	cert := fmt.Sprint(at(r.get(info(id)), "certificate", "serial_number"))
	east.want(r.get(info(id)), 13, "container", "id")
	for _, who := range []*rig{r, east} {
		who.get(info(id))
		who.get("/organization/501")
		who.want(who.get("/order/alternate/east-1"), id, "orders", 0, "order_id")
	}
	for _, path := range []string{
		info(id), info(id) + "/note", info(cert), "/order/alternate/east-1", "/request/" + req, "/organization/501", "/organization/501/validation",
		"/certificate/" + cert + "/chain", "/certificate/download/order/" + id, "/container/12", "/container/12/product-limits", "/user/9002", info(id) + "/reissue",
	} {
		code := "not_found|" + map[bool]string{true: "order"}[strings.HasPrefix(path, "/order") || strings.HasPrefix(path, "/certificate/download")]
		if code == "not_found|" {
			code += map[string]string{"requ": "request", "orga": "organization", "cert": "certificate", "cont": "container", "user": "user"}[path[1:5]]
		}
		west.refuse(404, code, "GET", path, nil)
	}
	west.refuse(404, "not_found|order", "PUT", info(id)+"/additional-emails", obj{"additional_emails": list{}})
	west.refuse(404, "not_found|request", "PUT", "/request/"+req+"/status", obj{"status": "approved"})
	west.refuse(404, "not_found|certificate", "PUT", "/certificate/"+cert+"/revoke", obj{})
	west.want(west.get("/order/certificate"), nil, "orders")
	west.want(west.get("/request"), 0, "page", "total")
	west.want(west.get("/organization"), 1, "page", "total")
	west.want(west.get("/organization"), 502, "organizations", 0, "id")
	west.want(west.get("/user"), 1, "page", "total")
	if v := west.get("/order/certificate/status-changes?minutes=10"); len(v) != 0 {
		t.Errorf("the west sees %v", v)
	}
	_, text, _ := west.raw("GET", "/report/order", nil)
	if strings.Contains(string(text), id) {
		t.Errorf("the west's report holds an order of the east: %s", text)
	}
	west.refuse(400, "invalid_value:organization.id", "POST", csPath, csBody("501"))
	west.refuse(400, "invalid_value:container.id", "POST", csPath, with(csBody("502"), "container", obj{"id": 12}))
	west.refuse(400, "order_not_eligible_for_renewal", "POST", csPath, with(csBody("502"), "renewal_of_order_id", id))
	twin := obj{"name": "East Ltd", "address": "1", "city": "B", "state": "B", "zip": "1", "country": "de", "telephone": "1"}
	east.refuse(400, "duplicate_organization", "POST", "/organization", twin)
	west.refuse(403, "access_denied|missing_permission", "POST", "/organization", twin)
	r.as("bot-key").post("/organization", with(twin, "organization_contact", person("Bo"))) // it knows of none

	me := east.get("/user/me")
	if n := len(me["container_visibility"].([]any)); n != 2 {
		t.Errorf("the east sees %d containers, want itself and the one below", n)
	}
	if n := len(r.get("/container")["containers"].([]any)); n != 4 {
		t.Errorf("the root sees %d containers", n)
	}
	bot := r.as("bot-key").get("/user/me")
	r.want(bot, true, "has_container_assignments")
	r.want(bot, 14, "container_visibility", 0, "id")
	r.want(bot, nil, "container_id_assignments")
	r.as("bot-key").get("/organization/502")
	r.want(r.get("/container/13/order/organization"), 501, "organizations", 0, "id")
	for _, dead := range []string{"off-key", "old-key"} {
		r.as(dead).refuse(403, "access_denied|access_denied_invalid_key", "GET", "/user/me", nil)
	}
	_, dump, _ := r.raw("GET", "/_sandbox/dump", nil)
	for _, key := range []string{"eve-key", "bot-key", "key_sha256"} {
		if strings.Contains(string(dump), key) {
			t.Errorf("the dump holds %s", key)
		}
	}
}

func TestUserRoles(t *testing.T) {
	t.Parallel()
	r := dividedRig(t)
	west, lim := r.as("wes-key"), r.as("lim-key")
	verified := list{with(with(with(person("V"), "contact_type", "verified_contact"), "job_title", "CISO"), "telephone", "1")}
	// A standard user cannot skip the approval, nor give it.
	made := west.post(csPath, with(csBody("502"), "organization.contacts", verified))
	r.want(made, "pending", "requests", 0, "status")
	req := fmt.Sprintf("/request/%v/status", at(made, "requests", 0, "id"))
	west.refuse(403, "access_denied|invalid_approver", "PUT", req, obj{"status": "approved"})
	r.put(req, obj{"status": "approved"})
	r.want(r.get(info(idOf(made))), "issued", "status")
	west.do(201, "PUT", info(idOf(made))+"/revoke", obj{"skip_approval": true})
	for _, what := range []string{"activate", "deactivate"} {
		west.refuse(403, "access_denied|missing_permission", "PUT", "/organization/502/"+what, nil)
	}
	west.refuse(403, "access_denied|missing_permission", "DELETE", "/organization/502", nil)
	west.refuse(403, "access_denied|missing_permission", "POST", "/user", obj{"is_api_only": true, "email": "a@b.example", "api_name": "x"})
	// A limited user sees own orders only.
	foreign := idOf(r.post(csPath, with(csBody("501"), "container", obj{"id": 12})))
	lim.refuse(404, "not_found|order", "GET", info(foreign), nil)
	assigned := idOf(r.post(csPath, with(with(csBody("501"), "container", obj{"id": 12}), "user_id_assignments", list{9004})))
	lim.get(info(assigned))
	own := idOf(lim.post("/order/certificate/class1_smime", obj{"certificate": obj{"emails": list{"z@acme.example"}, "signature_hash": "sha256"}, "order_validity": obj{"days": 10}}))
	if n := len(lim.get("/order/certificate")["orders"].([]any)); n != 2 {
		t.Errorf("the limited user sees %d orders, want %s and %s", n, own, assigned)
	}
	// A service user must name an organization contact.
	body := with(with(orgBody(), "organization_contact", nil), "name", "Bot Ltd")
	r.as("bot-key").refuse(400, "required_param:organization_contact", "POST", "/organization", body)
	hr := r.as("hr-key")
	hr.get("/user")
	hr.refuse(403, "access_denied|missing_permission", "GET", "/order/certificate", nil)
}

func TestKeyEndpoints(t *testing.T) {
	t.Parallel()
	r := dividedRig(t)
	all := r.get("/key")["api_keys"].([]any)
	if len(all) != 8 {
		t.Errorf("%d keys, want the option's and seven", len(all))
	}
	r.want(all[0], "Ada", "user", "first_name")
	r.want(r.get("/key?user_id=9002"), "east", "api_keys", 0, "name")
	r.want(r.as("wes-key").get("/key"), "west", "api_keys", 0, "name")
	made := r.post("/key/user/9002", obj{"name": "new", "restricted_to_role_id": 102})
	fresh := r.as(made["api_key"].(string))
	fresh.get("/order/certificate")
	fresh.refuse(403, "access_denied|missing_permission", "POST", "/organization", orgBody())
	path := "/key/" + idOf(made)
	r.want(r.get(path), 102, "restricted_to_role_id")
	r.want(r.get(path), "2026-04-01T08:00:00+00:00", "last_used_date")
	r.want(r.get(path), nil, "api_key")
	r.put(path, obj{"name": "renamed", "restricted_to_role_id": 100})
	fresh.refuse(403, "access_denied|missing_permission", "GET", "/organization", nil)
	r.put(path+"/status", obj{"status": "inactive"})
	fresh.refuse(403, "access_denied|access_denied_invalid_key", "GET", "/order/certificate", nil)
	r.refuse(400, "invalid_value:restricted_to_role_id", "PUT", path, obj{"name": "x", "restricted_to_role_id": 7})
	r.refuse(400, "required_param:status", "PUT", path+"/status", obj{})
	r.refuse(404, "not_found|api_key", "GET", "/key/5", nil)
	r.refuse(404, "not_found|user", "POST", "/key/user/5", obj{"name": "x"})
	r.want(r.get("/key/api-roles"), 103, "access_roles", 4, "id")

	r.want(r.get("/authorization/create_organizations"), true, "authorized")
	r.want(r.as("wes-key").get("/authorization/create_organizations"), false, "authorized")
	r.want(r.as("wes-key").get("/authorization"), "add_domains", "authorizations", 0, "permission")
	r.want(r.as("eve-key").get("/authorization/view_container/container"), 12, "containers", 0, "id")
	r.refuse(404, "not_found|permission", "GET", "/authorization/fly", nil)

	bot := r.post("/user", obj{"is_api_only": true, "email": "ci@x.example", "api_name": "ci", "restricted_to_role_id": 101, "container_id_assignments": list{12}})
	r.want(r.as(bot["api_key"].(string)).get("/user/me"), 12, "container_visibility", 0, "id")
	r.want(r.get("/user/api-only"), 2, "page", "total")
	r.want(r.get("/user?access_role_id=2"), 9004, "users", 0, "id")
	r.refuse(400, "invalid_value:is_api_only", "POST", "/user", obj{"email": "ci@x.example", "api_name": "ci"})
	r.refuse(400, "invalid_value:container_id_assignments", "POST", "/user", obj{"is_api_only": true, "email": "ci@x.example", "api_name": "ci", "container_id_assignments": list{99}})
}

func TestSeededKeysMustFit(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no user": `{"api_keys":[{"key":"k","user_id":5}]}`, "no key": `{"api_keys":[{"user_id":9001}]}`, "role": `{"api_keys":[{"key":"k","user_id":9001,"restricted_to_role_id":9}]}`,
		"null key": `{"api_keys":[null]}`, "certificate of nothing": `{"certificates":[{"id":1,"order_id":2}]}`,
	} {
		if _, err := New(Options{Seed: write(t, "seed.json", []byte(text))}); err == nil {
			t.Errorf("%s: seeded", name)
		}
	}
}
