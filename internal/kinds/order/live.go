package order

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"dcsync/internal/certcentral"
	"dcsync/internal/resource"
	"dcsync/schema"
)

// live makes of a list item or an info answer the order as the rest of dcsync sees it. An order of a product that has no table is
// seen by its status and names only.
func live(item map[string]any, depth resource.Depth) *resource.Live {
	body, _ := resource.FromAny(item).(resource.Map)
	at := func(p resource.Path) string { return resource.Text(resource.Get(body, p)) }
	l := &resource.Live{Kind: kind, ID: certcentral.ID(item["id"]), Depth: depth, Product: at("/product/name_id"), Status: strings.ToLower(at("/status")),
		Nonce: at("/alternative_order_id"), ParentID: at("/organization/id"), ContainerID: at("/container/id"), Title: at("/certificate/common_name"),
		Created: at("/date_created"), Spec: resource.Map{}, Requests: requestsOf(item), Notes: notesOf(item)}
	if l.Product == "" {
		l.Product = at("/product_name_id")
	}
	if s := at("/renewed_order_id"); s != "" && s != "0" {
		l.Successor = s
	}
	l.Renewed = l.Successor != "" || at("/is_renewed") == "true"
	l.Life = life(body)
	if d, ok := schema.Descriptor(kind, l.Product); ok {
		l.Spec = resource.Decode(d, body, depth)
	}
	l.Phase, l.WaitingOn = phase(l)
	l.Reissuing = l.Status == "reissue_pending" || open(l, "reissue")
	l.Revoking = open(l, "revoke")
	l.End = ending(l)
	if who := approversOf(item); len(who) > 0 {
		l.Approvers = map[string][]resource.Approver{"": who}
	}
	l.Observed = observed(body, l)
	return l
}

// phase says what a status means. One that is not known is taken for pending: nothing is concluded from it.
func phase(l *resource.Live) (resource.Phase, resource.WaitingOn) {
	switch l.Status {
	case "issued", "reissue_pending":
		return resource.Active, ""
	case "rejected", "denied", "canceled", "revoked", "expired":
		return resource.Ended, ""
	case "needs_approval":
		return resource.Pending, resource.OnApproval
	case "needs_csr":
		return resource.Pending, resource.OnCSR
	case "waiting_pickup":
		return resource.Pending, resource.OnPickup
	}
	for _, r := range l.Requests {
		if r.Type == "new_request" && r.Status == "pending" {
			return resource.Pending, resource.OnApproval
		}
	}
	return resource.Pending, resource.OnDigiCert
}

// open tells whether a request of a type still waits for an answer.
func open(l *resource.Live, typ string) bool {
	return slices.ContainsFunc(l.Requests, func(r resource.Request) bool {
		return r.Type == typ && (r.Status == "pending" || r.Status == "submitted")
	})
}

// ending says how an order can be ended as it is (API facts, sections 8.1 and 8.2; domain rules, section 9).
func ending(l *resource.Live) resource.Action {
	switch l.Status {
	case "pending", "waiting_pickup":
		return resource.Cancel
	case "needs_approval":
		return resource.Withdraw
	case "issued", "reissue_pending":
		return resource.Revoke
	}
	return ""
}

// life reads the dates and counts of an order.
func life(body resource.Map) resource.Life {
	text := func(p resource.Path) string { return resource.Text(resource.Get(body, p)) }
	number := func(p resource.Path) int {
		n, _ := strconv.Atoi(text(p)) // absent is none
		return n
	}
	day := func(p resource.Path) time.Time {
		t, _ := time.Parse(time.DateOnly, text(p)) // absent until issued
		return t
	}
	return resource.Life{
		CertificateID: text("/certificate/id"), Serial: text("/certificate/serial_number"),
		From: day("/certificate/valid_from"), Till: day("/certificate/valid_till"), OrderTill: day("/order_valid_till"),
		Reissues: number("/reissues_count"), Duplicates: number("/duplicates_count"),
		AutoRenew: number("/auto_renew"), AutoReissue: number("/auto_reissue") > 0,
	}
}

// shown are the fields of a list item that are kept to see later whether an order moved (domain rules, section 12), under the names they are
// kept by. Days remaining, prices and display names are not among them.
var shown = []struct {
	name string
	path resource.Path
}{
	{"certificate_id", "/certificate/id"},
	{"serial_number", "/certificate/serial_number"},
	{"valid_from", "/certificate/valid_from"},
	{"valid_till", "/certificate/valid_till"},
	{"common_name", "/certificate/common_name"},
	{"dns_names", "/certificate/dns_names"},
	{"order_valid_till", "/order_valid_till"},
	{"organization_id", "/organization/id"},
	{"container_id", "/container/id"},
	{"order_validity", "/order_validity"},
	{"disable_renewal_notifications", "/disable_renewal_notifications"},
	{"is_renewed", "/is_renewed"},
	{"duplicates_count", "/duplicates_count"},
	{"reissues_count", "/reissues_count"},
}

func observed(body resource.Map, l *resource.Live) resource.Map {
	out := resource.Map{"status": resource.String(l.Status), "product": resource.String(l.Product)}
	for _, s := range shown {
		if v := resource.Get(body, s.path); !resource.IsEmpty(v) {
			out[s.name] = resource.Clone(v)
		}
	}
	if fields := customFields(body); len(fields) > 0 {
		out["custom_fields"] = fields
	}
	return out
}

// customFields gives number and value of each custom field, without the name it is displayed by.
func customFields(body resource.Map) resource.List {
	list, _ := body["custom_fields"].(resource.List)
	out := make(resource.List, 0, len(list))
	for _, item := range list {
		out = append(out, resource.Map{"metadata_id": resource.Get(item, "/metadata_id"), "value": resource.Get(item, "/value")})
	}
	return out
}

func requestsOf(body map[string]any) []resource.Request {
	var out []resource.Request
	for _, r := range certcentral.Items(body, "requests") {
		typ, _ := r["type"].(string)
		status, _ := r["status"].(string)
		comments, _ := r["comments"].(string)
		out = append(out, resource.Request{ID: certcentral.ID(r["id"]), Type: typ, Status: status, Comments: comments})
	}
	return out
}

// approversOf gives who may approve an order. Their ids are those of contacts, not of users (API facts, section 4.2).
func approversOf(body map[string]any) []resource.Approver {
	var out []resource.Approver
	for _, c := range certcentral.Items(body, "verified_contacts") {
		first, _ := c["first_name"].(string)
		last, _ := c["last_name"].(string)
		out = append(out, resource.Approver{FirstName: first, LastName: last})
	}
	return out
}

func notesOf(body map[string]any) []resource.Note {
	var out []resource.Note
	for _, n := range certcentral.Items(body, "notes") {
		text, _ := n["text"].(string)
		out = append(out, resource.Note{ID: certcentral.ID(n["id"]), Text: text, UserID: certcentral.ID(certcentral.Object(n["user"])["id"])})
	}
	return out
}
