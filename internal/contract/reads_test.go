package contract

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/pem"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

var (
	stamp = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}[+-]\d{2}:\d{2}$`)
	day   = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)
)

// reads change nothing.
var reads = slices.Concat(conventions, people, organizationReads, orderReads, accountReads)

var conventions = []check{
	{"an unknown key gives 403", "2", client, func(p *probe) {
		p.refused(p.call("GET", "/user/me", nil, "X-DC-DEVKEY", "no-such-key-0000"), 403, "access_denied|access_denied_invalid_key")
	}},
	{"no key gives 401", "2", seed, func(p *probe) {
		p.refused(p.call("GET", "/user/me", nil, "X-DC-DEVKEY", ""), 401)
	}},
	{"an unknown path gives 404", "2", doc, func(p *probe) {
		p.refused(p.call("GET", "/no/such/path", nil), 404, "not_found")
	}},
	{"an order that is not there gives 404", "2", doc, func(p *probe) {
		p.refused(p.call("GET", "/order/certificate/1", nil), 404, "not_found|order")
	}},
	{"a product that is not there gives 404", "2", doc, func(p *probe) {
		p.refused(p.call("GET", "/product/no_such_product", nil), 404, "not_found|product")
	}},
	{"a type nobody has gives 406", "1", seed, func(p *probe) {
		if out := p.call("GET", "/user/me", nil, "Accept", "image/png"); out.status != 406 {
			p.Errorf("status %d", out.status)
		}
	}},
	{"answers are JSON without charset", "1", client, func(p *probe) {
		if kind := p.call("GET", "/user/me", nil).header.Get("Content-Type"); kind != "application/json" {
			p.Errorf("Content-Type %q", kind)
		}
	}},
	{"a page says total, limit and offset", "1.1", doc, func(p *probe) {
		v := p.get("/order/certificate?limit=2&offset=1&sort=order_id")
		p.has(v["page"], "total", "limit", "offset")
		if len(p.items(v, "orders")) > 2 || at(v, "page", "limit") != 2.0 || at(v, "page", "offset") != 1.0 {
			p.Errorf("page %v with %d items", v["page"], len(p.items(v, "orders")))
		}
	}},
	{"offset counts items", "1.1", doc, func(p *probe) {
		both := p.items(p.get("/order/certificate?limit=2&sort=order_id"), "orders")
		if len(both) < 2 {
			p.Skip("the account has fewer than two orders")
		}
		second := p.items(p.get("/order/certificate?limit=1&offset=1&sort=order_id"), "orders")
		if len(second) != 1 || id(at(second, 0, "id")) != id(at(both, 1, "id")) {
			p.Errorf("offset 1 gives %v, want %v", at(second, 0, "id"), at(both, 1, "id"))
		}
	}},
	{"behind the end there is no item", "1.1", doc, func(p *probe) {
		if n := len(p.items(p.get("/order/certificate?limit=1&offset=100000000"), "orders")); n != 0 {
			p.Errorf("%d items", n)
		}
	}},
	{"a minus sorts downwards", "1.1", seed, func(p *probe) {
		up := p.items(p.get("/order/certificate?limit=1&sort=order_id"), "orders")
		down := p.items(p.get("/order/certificate?limit=1&sort=-order_id"), "orders")
		if len(up) == 0 {
			p.Skip("the account has no order")
		}
		if at(up, 0, "id").(float64) > at(down, 0, "id").(float64) {
			p.Errorf("%v up, %v down", at(up, 0, "id"), at(down, 0, "id"))
		}
	}},
	{"filters may be encoded or not", "1.1", client, func(p *probe) {
		one := id(p.order("order", func(tree) bool { return true })["id"])
		for _, query := range []string{filter("id", one), "filters[id]=" + one} {
			list := p.items(p.get("/order/certificate?"+query), "orders")
			if len(list) != 1 || id(at(list, 0, "id")) != one {
				p.Errorf("%s gives %d orders", query, len(list))
			}
		}
	}},
}

var people = []check{
	{"the key's user says who and where", "3", doc, func(p *probe) {
		me := p.get("/user/me")
		p.has(me, "id", "username", "account_id", "first_name", "last_name", "email", "status", "container", "access_roles", "container_visibility")
		p.has(at(me, "access_roles", 0), "id", "name")
		p.has(at(me, "container_visibility", 0), "id", "name")
		p.hasNot(me, "api_key")
	}},
	{"the user is found by id", "3", doc, func(p *probe) {
		me := p.get("/user/me")
		if got := p.get("/user/" + id(me["id"])); got["username"] != me["username"] {
			p.Errorf("%v, want %v", got["username"], me["username"])
		}
	}},
	{"users are listed with a page", "3", client, func(p *probe) {
		v := p.get("/user?offset=0&limit=5")
		p.has(v, "users", "page")
		p.has(at(v, "users", 0), "id", "username", "status", "container", "access_roles")
	}},
	{"permissions can be asked for", "3", doc, func(p *probe) {
		list := p.items(p.get("/authorization"), "authorizations")
		if len(list) == 0 {
			p.Fatal("no permission is named")
		}
		p.has(list[0], "permission", "authorized")
		word, _ := at(list, 0, "permission").(string)
		p.has(p.get("/authorization/"+word), "permission", "authorized")
	}},
	{"keys are listed with their restriction", "3", doc, func(p *probe) {
		v := p.get("/key")
		p.has(at(v, "api_keys", 0), "id", "user", "status", "name", "restricted_to_role_id")
		p.hasNot(at(v, "api_keys", 0), "api_key", "key")
	}},
	{"key roles have ids and names", "3", doc, func(p *probe) {
		p.has(at(p.get("/key/api-roles"), "access_roles", 0), "id", "name")
	}},
	{"a view-only key writes nothing", "3", guess, func(p *probe) {
		if p.viewKey == "" {
			p.Skip("no view-only key is given")
		}
		p.key = p.viewKey
		p.get("/order/certificate?limit=1")
		p.refused(p.call("POST", "/organization", tree{}), 403, "access_denied")
	}},
	{"an orders key sees no organizations", "3", guess, func(p *probe) {
		if p.ordersKey == "" {
			p.Skip("no key with role 100 is given")
		}
		p.key = p.ordersKey
		p.get("/order/certificate?limit=1")
		p.refused(p.call("GET", "/organization", nil), 403, "access_denied")
	}},
}

var organizationReads = []check{
	{"listed organizations have no contacts", "4.1", doc, func(p *probe) {
		o := p.organization()
		p.has(o, "id", "status", "name", "display_name", "is_active", "address", "zip", "city", "state", "country", "container")
		p.hasNot(o, "organization_contact", "technical_contact", "verified_contacts", "validations")
	}},
	{"validations are listed when asked for", "4.1", doc, func(p *probe) {
		o := p.find("/organization?include_validation=true&limit=200", "organizations", "organization with a validation", func(o tree) bool { return o["validations"] != nil })
		p.has(at(o, "validations", 0), "type", "name", "status")
	}},
	{"organizations are filtered by status", "4.1", client, func(p *probe) {
		for _, o := range p.items(p.get("/organization?limit=50&"+filter("status", "active")), "organizations") {
			if at(o, "status") != "active" {
				p.Errorf("organization %v is %v", at(o, "id"), at(o, "status"))
			}
		}
	}},
	{"organization info has the contact", "4.2", doc, func(p *probe) {
		o := p.get("/organization/" + id(p.organization()["id"]))
		p.has(o, "id", "status", "name", "is_active", "organization_contact")
		p.has(o["organization_contact"], "id", "first_name", "last_name", "email")
		p.hasNot(o, "validations")
		for _, name := range []string{"assumed_name", "address2", "technical_contact"} {
			if v, there := o[name]; there && (v == nil || v == "") {
				p.Errorf("empty %s is there as %v", name, v)
			}
		}
	}},
	{"validation details have types and states", "4.6", doc, func(p *probe) {
		o := p.find("/organization?include_validation=true&limit=200", "organizations", "organization with a validation", func(o tree) bool { return o["validations"] != nil })
		for _, v := range p.items(p.get("/organization/"+id(o["id"])+"/validation"), "validations") {
			p.has(v, "type", "name", "description", "status")
			if status, _ := at(v, "status").(string); !slices.Contains([]string{"pending", "active", "rejected", "expired"}, status) {
				p.Errorf("status %q", status)
			}
			if at(v, "status") == "pending" {
				p.hasNot(v, "date_created", "validated_until")
			}
		}
	}},
	{"candidates for approval have ids as text", "4.5", doc, func(p *probe) {
		v := p.get("/organization/potential-approvers")
		p.has(v, "users", "contacts")
		if _, isText := at(v, "users", 0, "user_id").(string); !isText {
			p.Errorf("user_id is %v", at(v, "users", 0, "user_id"))
		}
	}},
}

var orderReads = []check{
	{"listed orders have what lists have", "5", client, func(p *probe) {
		o := p.order("issued order", issued)
		p.has(o, "id", "certificate", "status", "is_renewed", "date_created", "organization", "order_validity", "order_valid_till", "container", "product", "product_name_id",
			"has_duplicates", "duplicates_count", "has_reissues", "reissues_count", "price")
		p.has(o["certificate"], "id", "common_name", "serial_number", "valid_from", "valid_till")
		p.has(o["product"], "name_id", "name", "type")
		if at(o, "product", "name_id") != o["product_name_id"] {
			p.Errorf("product %v and %v", at(o, "product", "name_id"), o["product_name_id"])
		}
	}},
	{"listed orders lack what lists lack", "5", client, func(p *probe) {
		o := p.order("issued order", issued)
		p.hasNot(o, "organization_contact", "additional_emails", "notes", "auto_renew", "alternative_order_id", "cs_provisioning_method", "requests", "user", "custom_renewal_message", "payment_method", "ship_info")
		p.hasNot(o["certificate"], "csr", "server_platform", "organization_units")
	}},
	{"stamps have a numeric zone, dates none", "1", client, func(p *probe) {
		o := p.order("issued order", issued)
		if s, _ := o["date_created"].(string); !stamp.MatchString(s) {
			p.Errorf("date_created %q", s)
		}
		for _, v := range []any{o["order_valid_till"], at(o, "certificate", "valid_from"), at(o, "certificate", "valid_till")} {
			if s, _ := v.(string); !day.MatchString(s) {
				p.Errorf("date %q", s)
			}
		}
	}},
	{"pending orders have no serial number", "5", client, func(p *probe) {
		o := p.order("order under way", func(o tree) bool { return o["status"] == "needs_approval" })
		p.hasNot(o, "order_valid_till")
		p.hasNot(o["certificate"], "serial_number", "valid_from", "valid_till")
	}},
	{"a DV order's organization is an empty array", "5", doc, func(p *probe) {
		o := p.order("DV order", isDV)
		if list, isList := o["organization"].([]any); !isList || len(list) > 0 {
			p.Errorf("organization is %v", o["organization"])
		}
	}},
	{"is_multi_year_plan is the text 1 or absent", "5", client, func(p *probe) {
		o := p.order("multi-year order", func(o tree) bool { return o["is_multi_year_plan"] != nil })
		if o["is_multi_year_plan"] != "1" {
			p.Errorf("is_multi_year_plan is %v", o["is_multi_year_plan"])
		}
	}},
	{"orders are filtered by product", "5", doc, func(p *probe) {
		want := p.order("order", func(tree) bool { return true })["product_name_id"]
		for _, o := range p.items(p.get("/order/certificate?limit=50&"+filter("product_name_id", fmt.Sprint(want))), "orders") {
			if at(o, "product_name_id") != want {
				p.Errorf("order %v is for %v", at(o, "id"), at(o, "product_name_id"))
			}
		}
	}},
	{"orders are found by serial number", "5", doc, func(p *probe) {
		o := p.order("issued order", issued)
		list := p.items(p.get("/order/certificate?"+filter("serial_number", fmt.Sprint(at(o, "certificate", "serial_number")))), "orders")
		if len(list) != 1 || id(at(list, 0, "id")) != id(o["id"]) {
			p.Errorf("%d orders", len(list))
		}
	}},
	{"a search with a percent sign finds parts", "1.1", seed, func(p *probe) {
		o := p.order("order with a name", func(o tree) bool { name, _ := at(o, "certificate", "common_name").(string); return len(name) > 6 })
		part := at(o, "certificate", "common_name").(string)[1:5]
		if len(p.items(p.get("/order/certificate?"+filter("search", "%"+part)), "orders")) == 0 {
			p.Errorf("%%%s finds nothing", part)
		}
	}},
	{"order info holds what the list lacks", "6", doc, func(p *probe) {
		o := p.get("/order/certificate/" + id(p.order("issued order of an organization", func(o tree) bool { return issued(o) && !isDV(o) })["id"]))
		p.has(o, "id", "certificate", "status", "is_renewal", "date_created", "organization", "disable_renewal_notifications", "container", "product", "user", "requests", "organization_contact", "payment_method")
		p.has(o["certificate"], "id", "thumbprint", "serial_number", "date_created", "date_issued", "valid_from", "valid_till", "signature_hash", "ca_cert")
		p.has(o["organization"], "id", "name", "display_name", "is_active", "city", "state", "country")
		p.has(at(o, "requests", 0), "id", "date", "type", "status")
		p.has(o["user"], "id", "first_name", "last_name")
	}},
	{"order info takes a serial number", "6", doc, func(p *probe) {
		o := p.order("issued order", issued)
		if got := p.get(fmt.Sprint("/order/certificate/", at(o, "certificate", "serial_number"))); id(got["id"]) != id(o["id"]) {
			p.Errorf("order %v, want %v", got["id"], o["id"])
		}
	}},
	{"no order carries an id nobody gave", "14.1", client, func(p *probe) {
		out := p.call("GET", "/order/alternate/"+unique("none-"), nil)
		if out.status != 404 && (out.status != 200 || len(p.items(out.body, "orders")) > 0) {
			p.Errorf("%d: %.200s", out.status, out.raw)
		}
	}},
	{"status changes need a window", "8.4", doc, func(p *probe) {
		p.refused(p.call("GET", "/order/certificate/status-changes", nil), 400)
	}},
	{"status changes reach seven days back", "8.4", doc, func(p *probe) {
		p.refused(p.call("GET", "/order/certificate/status-changes?minutes=10081", nil), 400, "time_frame_too_long")
		v := p.get("/order/certificate/status-changes?minutes=10080")
		for _, change := range p.items(v, "orders") {
			p.has(change, "order_id", "status")
		}
		p.hasNot(v, "page")
	}},
	{"notes are a list without a page", "9", doc, func(p *probe) {
		v := p.get("/order/certificate/" + id(p.order("order", func(tree) bool { return true })["id"]) + "/note")
		p.has(v, "notes")
		p.hasNot(v, "page")
	}},
	{"requests name their order", "10", doc, func(p *probe) {
		r := p.find("/request?limit=20", "requests", "request", func(tree) bool { return true })
		p.has(r, "id", "date", "type", "status", "requester", "order")
		full := p.get("/request/" + id(r["id"]))
		p.has(full, "id", "type", "status", "order")
		p.has(at(full, "order"), "id", "certificate", "product")
	}},
	{"requests are filtered by status", "10", doc, func(p *probe) {
		for _, query := range []string{filter("status", "approved"), "status=approved"} {
			for _, r := range p.items(p.get("/request?limit=20&"+query), "requests") {
				if at(r, "status") != "approved" {
					p.Errorf("%s gives %v", query, at(r, "status"))
				}
			}
		}
	}},
	{"PEM bundles have CRLF line ends", "11", client, func(p *probe) {
		o := p.order("issued order", issued)
		out := p.call("GET", fmt.Sprint("/certificate/", id(at(o, "certificate", "id")), "/download/format/pem_all"), nil, "Accept", "*/*")
		if out.status != 200 || !bytes.Contains(out.raw, []byte("-----\r\n")) {
			p.Fatalf("%d %.200s", out.status, out.raw)
		}
		n := 0
		for rest := out.raw; ; n++ {
			var block *pem.Block
			if block, rest = pem.Decode(rest); block == nil {
				break
			}
		}
		if n < 3 {
			p.Errorf("%d certificates, want end entity, intermediate and root", n)
		}
	}},
	{"the default download is an archive", "11", seed, func(p *probe) {
		o := p.order("issued order", issued)
		out := p.call("GET", fmt.Sprint("/certificate/", id(at(o, "certificate", "id")), "/download/format/default"), nil, "Accept", "*/*")
		if kind := out.header.Get("Content-Type"); out.status != 200 || !strings.HasPrefix(kind, "application/zip") {
			p.Fatalf("%d %s", out.status, kind)
		}
		if _, err := zip.NewReader(bytes.NewReader(out.raw), int64(len(out.raw))); err != nil {
			p.Error(err)
		}
	}},
	{"an order's certificate can be downloaded", "11", client, func(p *probe) {
		o := p.order("issued order", issued)
		out := p.call("GET", "/certificate/download/order/"+id(o["id"])+"/format/pem_nointermediate", nil, "Accept", "*/*")
		if out.status != 200 || bytes.Count(out.raw, []byte("BEGIN CERTIFICATE")) != 1 {
			p.Errorf("%d %.200s", out.status, out.raw)
		}
	}},
	{"the chain names the intermediate", "11", client, func(p *probe) {
		o := p.order("issued order", issued)
		v := p.get(fmt.Sprint("/certificate/", id(at(o, "certificate", "id")), "/chain"))
		p.has(at(v, "intermediates", 0), "subject_common_name", "pem")
	}},
	{"the order report is CSV with quoted values", "5.1", doc, func(p *probe) {
		out := p.call("GET", "/report/order?limit=5", nil, "Accept", "*/*")
		rows, err := csv.NewReader(bytes.NewReader(out.raw)).ReadAll()
		if out.status != 200 || err != nil || len(rows) == 0 || out.raw[0] != '"' {
			p.Fatalf("%d %v %.200s", out.status, err, out.raw)
		}
		for _, name := range []string{"order_id", "status", "organization_id", "additional_emails", "csr", "product_name_id"} {
			if !slices.Contains(rows[0], name) {
				p.Errorf("no column %s", name)
			}
		}
	}},
	{"lists come as CSV when asked for", "1", doc, func(p *probe) {
		out := p.call("GET", "/order/certificate?limit=2", nil, "Accept", "text/csv")
		if _, err := csv.NewReader(bytes.NewReader(out.raw)).ReadAll(); out.status != 200 || err != nil || out.body != nil {
			p.Errorf("%d %v %.200s", out.status, err, out.raw)
		}
	}},
}

var accountReads = []check{
	{"the account names its root container", "12", client, func(p *probe) {
		v := p.get("/account")
		p.has(v, "id", "root_container_id")
		if id(v["id"]) != id(p.get("/user/me")["account_id"]) {
			p.Error("the user belongs to another account")
		}
	}},
	{"containers come without a page", "12", doc, func(p *probe) {
		v := p.get("/container")
		p.has(at(v, "containers", 0), "id", "name", "is_active")
		p.hasNot(v, "page")
		one := p.get("/container/" + id(at(v, "containers", 0, "id")))
		if one["name"] != at(v, "containers", 0, "name") {
			p.Errorf("container %v", one)
		}
	}},
	{"product limits say whether there are any", "12", doc, func(p *probe) {
		p.has(p.get("/container/"+id(p.get("/user/me")["container"].(tree)["id"])+"/product-limits"), "is_limited")
	}},
	{"organizations for orders come with validations", "12", doc, func(p *probe) {
		v := p.get("/container/" + id(p.get("/user/me")["container"].(tree)["id"]) + "/order/organization")
		p.has(v, "organizations")
	}},
	{"products have names, groups and types", "12", client, func(p *probe) {
		list := p.items(p.get("/product"), "products")
		if len(list) == 0 {
			p.Fatal("no product is sold")
		}
		p.has(list[0], "group_name", "name_id", "name", "type")
		p.has(p.get("/product/"+fmt.Sprint(at(list, 0, "name_id"))), "group_name", "name_id", "signature_hash_types")
	}},
	{"prices are listed by lifetime", "12", doc, func(p *probe) {
		p.has(at(p.get("/product/pricing"), "standard_prices", 0), "name_id", "prices")
	}},
	{"custom fields have ids and labels", "12", doc, func(p *probe) {
		v := p.get("/account/metadata")
		p.hasNot(v, "page")
		if list := p.items(v, "metadata"); len(list) > 0 {
			p.has(list[0], "id", "label", "is_required", "is_active")
		}
	}},
	{"the date header tells the server's clock", "1", guess, func(p *probe) {
		date, err := time.Parse(time.RFC1123, p.call("GET", "/user/me", nil).header.Get("Date"))
		if err != nil || time.Since(date).Abs() > 24*time.Hour {
			p.Errorf("date %v, %v", date, err)
		}
	}},
}
