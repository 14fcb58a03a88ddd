package sandbox

import (
	"encoding/csv"
	"slices"
	"strings"
	"testing"
)

func TestCustomFieldDefinitions(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Seed: "demo"})
	id := idOf(r.post("/account/metadata", obj{"label": "Budget", "data_type": "int", "is_required": true, "description": "whose money"}))
	r.refuse(400, "required_param:custom_fields", "POST", csPath, csBody("70001"))
	r.put("/account/metadata/"+id, obj{"is_required": false, "data_type": "anything"})
	fields := r.get("/account/metadata")["metadata"].([]any)
	last := fields[len(fields)-1]
	for _, w := range [][]any{{"Budget", "label"}, {nil, "data_type"}, {false, "is_required"}, {true, "is_active"}, {"whose money", "description"}} {
		r.want(last, w[0], w[1:]...)
	}
	bulk := r.post("/account/metadata/bulk", obj{"metadata": list{obj{"label": "A"}, obj{"label": "B"}}})
	if n := len(bulk["metadata"].([]any)); n != 2 {
		t.Errorf("bulk made %d", n)
	}
	r.do(204, "DELETE", "/account/metadata/"+id, nil)
	r.refuse(404, "not_found|metadata", "DELETE", "/account/metadata/"+id, nil)
	r.refuse(404, "not_found|metadata", "PUT", "/account/metadata/"+id, obj{})
	r.refuse(400, "required_param:label", "POST", "/account/metadata", obj{})
	r.refuse(400, "invalid_value:data_type", "POST", "/account/metadata", obj{"label": "x", "data_type": "date"})
	r.refuse(400, "required_param:metadata", "POST", "/account/metadata/bulk", obj{})
}

func TestDomains(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Seed: "demo"})
	body := obj{"name": "Acme.example", "organization": obj{"id": 70001}, "validations": list{obj{"type": "ov"}, obj{"type": "ev"}}, "dcv_method": "dns-txt-token"}
	made := r.post("/domain", body)
	path := "/domain/" + idOf(made)
	if at(made, "dcv_token", "token") == nil {
		t.Errorf("answer %v has no token", made)
	}
	r.want(r.get(path+"?include_dcv=true&include_validation=true"), "active", "validations", 1, "status")
	r.want(r.get("/domain?filters[name]=acme.example&container_id=11&sort=-name"), 1, "page", "total")
	r.want(r.get("/domain?filters[search]=nothing"), 0, "page", "total")
	r.want(r.post(tlsPath, tlsBody("70001")), nil, "domains") // validated already
	r.put(path+"/deactivate", nil)
	r.want(r.get(path), false, "is_active")
	r.put(path+"/activate", nil)
	r.want(r.get(path), "active", "status")
	r.refuse(400, "invalid_value:name", "POST", "/domain", body) // twice
	r.refuse(400, "invalid_value:name", "POST", "/domain", with(body, "name", "x"))
	r.refuse(400, "invalid_value:organization.id", "POST", "/domain", with(body, "organization.id", 5))
	r.refuse(400, "required_param:organization", "POST", "/domain", with(body, "organization", nil))
	r.refuse(404, "not_found|domain", "GET", "/domain/5", nil)
}

func TestDeleteOrganization(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Seed: "demo"})
	r.refuse(400, "organization_in_use", "DELETE", "/organization/70001", nil) // the first
	id := idOf(r.post("/organization", orgBody()))
	r.post("/domain", obj{"name": "acme.example", "organization": obj{"id": id}})
	order := idOf(r.post(csPath, csBody(id)))
	r.do(200, "POST", "/_sandbox/orders/"+order+"/revoke", nil)
	r.refuse(400, "organization_in_use", "DELETE", "/organization/"+id, nil) // whatever its state
	other := idOf(r.post("/organization", with(orgBody(), "name", "Other Ltd")))
	r.post("/domain", obj{"name": "other.example", "organization": obj{"id": other}})
	r.do(204, "DELETE", "/organization/"+other, nil)
	r.refuse(404, "not_found|organization", "GET", "/organization/"+other, nil)
	r.want(r.get("/domain"), 1, "page", "total")
	v := r.get("/organization/potential-approvers")
	if id, isText := at(v, "users", 0, "user_id").(string); !isText || id != "9001" {
		t.Errorf("user_id is %v, want a string", at(v, "users", 0, "user_id"))
	}
	r.want(v, "Vic Works", "contacts", 0, "name")
}

func TestCSV(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Seed: "demo"})
	id := idOf(r.post(csPath, with(csBody("70001"), "additional_emails", list{"a@b.example", "c@d.example"})))
	read := func(path string) [][]string {
		r.Helper()
		resp, text, err := r.raw("GET", path, nil, "Accept", "text/csv")
		if err != nil || resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/csv" {
			r.Fatalf("%s: %v %s", path, resp, text)
		}
		rows, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		return rows
	}
	cell := func(rows [][]string, row int, column string) string {
		return rows[row][slices.Index(rows[0], column)]
	}
	report := read("/report/order")
	if len(report) != 3 || len(report[0]) != len(reportColumns) {
		t.Fatalf("report has %d rows of %d columns", len(report), len(report[0]))
	}
	for column, want := range map[string]string{
		"order_id": id, "additional_emails": "a@b.example,c@d.example", "csr": strings.ReplaceAll(ecCSR(), "\r", ""), "organization_name": "Unmanaged Works Ltd",
		"date_created": "2026-04-01 08:00:00", "valid_till": "2027-04-01 00:00:00", "is_renewed": "0", "customer_order_id": "",
	} {
		if got := cell(report, 2, column); got != want {
			t.Errorf("%s is %q, want %q", column, got, want)
		}
	}
	if n := len(read("/report/order?filters[id]=" + id)); n != 2 {
		t.Errorf("filtered report has %d rows", n)
	}
	if n := len(read("/report/order?limit=1&offset=1")); n != 2 {
		t.Errorf("paged report has %d rows", n)
	}
	r.refuse(400, "invalid_value:filters[serial_number]", "GET", "/report/order?filters[serial_number]=1", nil)
	orders := read("/order/certificate?sort=order_id")
	if orders[0][0] != "id" || orders[2][0] != id || cell(orders, 2, "product.name_id") != "code_signing" {
		t.Errorf("orders as CSV: %q", orders)
	}
	read("/organization")
	if resp, _, _ := r.raw("GET", "/order/certificate", nil, "Accept", "application/json, text/csv"); resp.Header.Get("Content-Type") != "application/json" {
		t.Error("CSV although JSON is taken")
	}
}
