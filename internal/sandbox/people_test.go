package sandbox

import "testing"

// The demo account's second user has neither job title nor telephone.
func TestUsersAsContacts(t *testing.T) {
	r := newRig(t, Options{Seed: "demo"})
	body := csBody("70001")
	sam := obj{"contact_type": "verified_contact", "user_id": guestID}
	r.refuse(400, "required_param:organization.contacts[0].job_title", "POST", csPath, with(body, "organization.contacts", list{sam}))
	r.refuse(400, "required_param:organization.contacts[0].telephone", "POST", csPath, with(body, "organization.contacts", list{sam}))
	r.refuse(400, "invalid_value:organization.contacts[0].user_id", "POST", csPath, with(body, "organization.contacts", list{with(sam, "user_id", "x")}))
	r.refuse(400, "invalid_value:organization.contacts", "POST", csPath, with(body, "organization.contacts", "x"))
	r.post(csPath, with(body, "organization.contacts", list{with(with(sam, "job_title", "Builder"), "telephone", "7")}))
	o := r.get("/organization/70001")
	r.want(o, "Sam", "verified_contacts", 1, "first_name")
	if at(o, "verified_contacts", 1, "id") == float64(guestID) {
		t.Error("the contact id is the user id")
	}
	// Leaving them out asks all; nobody is added twice.
	all := r.get(info(idOf(r.post(csPath, body))))["verified_contacts"].([]any)
	if len(all) != 2 {
		t.Errorf("approvers %v, want both", all)
	}

	made := r.get(info(idOf(r.post(csPath, with(with(body, "user_id_assignments", list{guestID}), "enable_guest_access", 1)))))
	r.want(made, guestID, "user_assignments", 0, "id")
	r.want(made, true, "is_guest_access_enabled")
	r.refuse(400, "invalid_value:user_id_assignments", "POST", csPath, with(body, "user_id_assignments", "x"))
	r.refuse(400, "invalid_value:user_id_assignments", "POST", csPath, with(body, "user_id_assignments", list{"x"}))
}

// Clients send bools as numbers and text, and nulls for what they leave out
// (API facts, section 15).
func TestLooseValues(t *testing.T) {
	r := newRig(t, Options{Seed: "demo"})
	for _, yes := range []any{true, "true", 1, "1"} {
		r.want(r.post(csPath, with(csBody("70001"), "skip_approval", yes)), "approved", "requests", 0, "status")
	}
	for _, no := range []any{false, "false", 0, "0", ""} {
		r.want(r.post(csPath, with(csBody("70001"), "skip_approval", no)), "pending", "requests", 0, "status")
	}
	body := csBody("70001")
	for _, name := range []string{"user_id_assignments", "additional_emails", "comments", "custom_fields", "ship_info", "technical_contact"} {
		body[name] = nil
	}
	body["something_new"] = 5
	r.post(csPath, body)
	r.post(csPath, with(body, "organization.id", "70001"))
	r.want(r.get("/request?filters[metadata_id]=12"), 0, "page", "total")
	r.want(r.get("/request?filters[container_id]=11&limit=1"), 12, "page", "total")
	r.refuse(400, "invalid_value:filters[colour]", "GET", "/request?filters[colour]=1", nil)
}

// A required custom field must come with every order.
func TestRequiredCustomField(t *testing.T) {
	r := newRig(t, Options{Seed: "demo"})
	r.srv.acct.Metadata[0].IsRequired = true
	r.refuse(400, "required_param:custom_fields", "POST", csPath, csBody("70001"))
	id := idOf(r.post(csPath, with(csBody("70001"), "custom_fields", list{obj{"metadata_id": "12", "value": "4711"}})))
	r.want(r.get("/request?filters[metadata_value]=4711"), id, "requests", 0, "order", "id")
}
