package sandbox

import (
	"fmt"
	"testing"
	"time"
)

// process ends the newest request of an order.
func (r *rig) process(id, status string) {
	r.Helper()
	all := r.get(info(id))["requests"].([]any)
	r.put(fmt.Sprintf("/request/%v/status", at(all, len(all)-1, "id")), obj{"status": status})
}

func TestReissue(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Seed: "demo", IssueAfter: time.Hour})
	id := idOf(r.post(tlsPath, with(tlsBody("70001"), "certificate.dns_names", list{"acme.example", "b.example"})))
	r.refuse(400, "invalid_order_status", "POST", info(id)+"/reissue", obj{"certificate": obj{"csr": ecCSR()}})
	r.clock.add(time.Hour)
	before := r.get(info(id))

	// Adding a name revokes nothing.
	made := r.post(info(id)+"/reissue", obj{"certificate": obj{"csr": wideCSR(), "dns_names": list{"acme.example", "b.example", "c.example"}}, "comments": "rekey"})
	r.want(made, id, "id")
	r.want(made, "pending", "requests", 0, "status")
	r.want(r.get(info(id)), "reissue_pending", "status")
	r.want(r.get(info(id)), at(before, "certificate", "id"), "certificate", "id")
	r.refuse(400, "invalid_order_status", "POST", info(id)+"/reissue", obj{"certificate": obj{"csr": ecCSR()}})
	r.refuse(400, "invalid_order_status", "PUT", info(id)+"/revoke", obj{"skip_approval": true})
	r.put(info(id)+"/status", obj{"status": "canceled", "note": "wrong key"})
	o := r.get(info(id))
	r.want(o, "issued", "status")
	r.want(o, "rejected", "requests", 1, "status")
	r.want(o, 0, "reissues_count")

	r.post(info(id)+"/reissue", obj{"certificate": obj{"csr": wideCSR(), "dns_names": list{"acme.example", "b.example", "c.example"}}})
	r.process(id, "rejected")
	r.want(r.get(info(id)), "issued", "status")
	r.post(info(id)+"/reissue", obj{"certificate": obj{"csr": wideCSR(), "dns_names": list{"acme.example", "b.example", "c.example"}}})
	r.process(id, "approved")
	r.want(r.get(info(id)), "reissue_pending", "status")
	r.clock.add(time.Hour)
	o = r.get(info(id))
	for _, w := range [][]any{{"issued", "status"}, {1, "reissues_count"}, {384, "certificate", "key_size"}, {"c.example", "certificate", "dns_names", 3}, {at(before, "order_valid_till"), "order_valid_till"}} {
		r.want(o, w[0], w[1:]...)
	}
	if at(o, "certificate", "id") == at(before, "certificate", "id") {
		t.Error("the reissue has the certificate id of the original")
	}
	shown := r.get(info(id) + "/reissue")
	r.want(shown, at(o, "certificate", "serial_number"), "certificates", 0, "serial_number")
	r.want(shown, "issued", "certificates", 0, "status")
	r.want(shown, nil, "certificates", 0, "order_id")
	r.clock.add(100 * time.Hour)
	r.want(r.get(info(id)+"/reissue"), "issued", "certificates", 0, "status")

	// Taking one out ends what there was after 72 hours.
	copied := r.post(info(id)+"/duplicate", obj{"certificate": obj{"csr": ecCSR()}, "skip_approval": true})
	r.clock.add(time.Hour)
	r.want(r.get(info(id)), 1, "duplicates_count")
	r.want(r.get(info(id)+"/duplicate"), copied["certificate_id"], "certificates", 0, "id")
	r.post(info(id)+"/reissue", obj{"certificate": obj{"csr": ecCSR(), "dns_names": list{"acme.example"}}, "skip_approval": true})
	r.clock.add(72 * time.Hour)
	r.want(r.get(info(id)+"/duplicate"), "issued", "certificates", 0, "status")
	r.clock.add(time.Hour)
	r.want(r.get(info(id)+"/duplicate"), "revoked", "certificates", 0, "status")
	r.want(r.get(info(id)+"/reissue"), "revoked", "certificates", 0, "status")
	r.want(r.get(info(id)+"/reissue"), "issued", "certificates", 1, "status")
	r.want(r.get(info(id)), "issued", "status")
	r.want(r.get("/order/certificate?filters[id]="+id), 2, "orders", 0, "reissues_count")

	r.refuse(400, "required_param:certificate", "POST", info(id)+"/reissue", obj{})
	r.refuse(400, "required_param:certificate.csr", "POST", info(id)+"/reissue", obj{"certificate": obj{}})
	r.refuse(400, "cert_validity_exceeds_order_validity", "POST", info(id)+"/reissue", obj{"certificate": obj{"csr": ecCSR(), "cert_validity": obj{"years": 2}}})
	r.refuse(400, "invalid_value:certificate.signature_hash", "POST", info(id)+"/duplicate", obj{"certificate": obj{"csr": ecCSR(), "signature_hash": "sha1"}})
	r.refuse(400, "duplicates_not_allowed", "POST", info("880000")+"/duplicate", obj{"certificate": obj{"csr": ecCSR()}})
	r.refuse(404, "not_found|order", "POST", info("5")+"/reissue", obj{})
}

func TestReissueCodeSigning(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Seed: "demo"})
	id := idOf(r.post(csPath, with(csBody("70001"), "order_validity", obj{"years": 3})))
	r.want(r.get(info(id)), "2027-07-04", "certificate", "valid_till")
	reissue := func(body obj) obj { r.Helper(); return r.post(info(id)+"/reissue", with(body, "skip_approval", true)) }
	r.clock.add(300 * 24 * time.Hour)
	made := reissue(obj{"certificate": obj{"csr": wideCSR()}})
	o := r.get(info(id))
	r.want(o, made["certificate_id"], "certificate", "id")
	r.want(o, "2028-04-29", "certificate", "valid_till") // the cap again, the order goes on
	r.want(o, "2029-04-01", "order_valid_till")
	reissue(obj{"cs_provisioning_method": "client_app", "certificate": obj{"server_platform": obj{"id": 20}}})
	o = r.get(info(id))
	for _, w := range [][]any{{"client_app", "cs_provisioning_method"}, {nil, "certificate", "csr"}, {20, "certificate", "server_platform", "id"}, {2, "reissues_count"}} {
		r.want(o, w[0], w[1:]...)
	}
	reissue(obj{}) // the order's own method is used again
	r.refuse(400, "invalid_value:certificate.csr", "POST", info(id)+"/reissue", obj{"certificate": obj{"csr": ecCSR()}})
	r.refuse(400, "required_param:certificate.csr", "POST", info(id)+"/reissue", obj{"cs_provisioning_method": "email"})
	r.refuse(400, "invalid_value:certificate.csr", "POST", info(id)+"/reissue", obj{"cs_provisioning_method": "email", "certificate": obj{"csr": smallCSR()}})
}

// A new key for document signing ends the old certificate at once.
func TestReissueDocumentSigning(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Seed: "demo"})
	id := idOf(r.post("/order/certificate/document_signing_org_1", bodyOf("70001", findProduct("document_signing_org_1"))))
	old := at(r.get(info(id)), "certificate", "serial_number")
	r.post(info(id)+"/reissue", obj{"certificate": obj{"csr": wideCSR()}, "skip_approval": true})
	r.want(r.get(info(id)), "issued", "status")
	r.refuse(400, "order_already_revoked", "PUT", fmt.Sprintf("/certificate/%v/revoke", old), obj{"skip_approval": true})
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Seed: "demo"})
	tls := func() string { r.Helper(); return idOf(r.post(tlsPath, tlsBody("70001"))) }
	id := tls()
	made := r.do(201, "PUT", info(id)+"/revoke", obj{"comments": "lost", "revocation_reason": "superseded"})
	for _, w := range [][]any{{"revoke", "type"}, {"pending", "status"}, {"lost", "comments"}, {"Ada", "requester", "first_name"}} {
		r.want(made, w[0], w[1:]...)
	}
	r.want(r.get(info(id)), "issued", "status")
	r.want(r.get(info(id)), true, "has_pending_request")
	r.want(r.get("/request?filters[type]=revoke"), id, "requests", 0, "order", "id")
	r.put("/request/"+idOf(made)+"/status", obj{"status": "approved"})
	r.want(r.get(info(id)), "revoked", "status")
	r.refuse(400, "order_already_revoked", "PUT", info(id)+"/revoke", obj{"skip_approval": true})

	id = tls()
	r.put(info(id)+"/revoke", obj{"skip_approval": true})
	r.want(r.get(info(id)), "revoked", "status")
	r.file("/certificate/download/order/"+id+"/format/pem_all", "application/x-pem-file") // it can still be had

	id = tls()
	r.do(201, "PUT", info(id)+"/revoke", obj{})
	r.process(id, "rejected")
	r.want(r.get(info(id)), "issued", "status")

	// One certificate of several: the order goes on until the last.
	r.post(info(id)+"/duplicate", obj{"certificate": obj{"csr": ecCSR()}, "skip_approval": true})
	copied := fmt.Sprint(at(r.get(info(id)+"/duplicate"), "certificates", 0, "serial_number"))
	r.put("/certificate/"+copied+"/revoke", obj{"skip_approval": true})
	r.want(r.get(info(id)), "issued", "status")
	r.want(r.get(info(id)+"/duplicate"), "revoked", "certificates", 0, "status")
	first := fmt.Sprint(at(r.get(info(id)), "certificate", "serial_number"))
	made = r.do(201, "PUT", "/certificate/"+first+"/revoke", obj{})
	r.put("/request/"+idOf(made)+"/status", obj{"status": "approved"})
	r.want(r.get(info(id)), "revoked", "status")

	r.refuse(400, "invalid_value:revocation_reason", "PUT", info(tls())+"/revoke", obj{"revocation_reason": "bored"})
	r.put(info("880000")+"/revoke", obj{"revocation_reason": "bored", "skip_approval": true}) // TLS only
	r.refuse(400, "invalid_order_status", "PUT", info(idOf(r.post(tlsPath, with(tlsBody("70001"), "skip_approval", false))))+"/revoke", obj{})
	r.refuse(404, "not_found|certificate", "PUT", "/certificate/5/revoke", obj{})
}

func TestFrozenByDeactivation(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Seed: "demo"})
	id := idOf(r.post(tlsPath, tlsBody("70001")))
	r.put("/organization/70001/deactivate", nil)
	r.want(r.get("/domain"), "inactive", "domains", 0, "status")
	for _, what := range []string{"reissue", "duplicate"} {
		r.refuse(400, "organization_inactive", "POST", info(id)+"/"+what, obj{"certificate": obj{"csr": ecCSR()}})
	}
	r.put("/organization/70001/activate", nil)
	r.want(r.get("/domain"), "inactive", "domains", 0, "status") // they stay off
	made := r.do(201, "PUT", info(id)+"/revoke", obj{})
	r.refuse(400, "organization_in_use", "PUT", "/organization/70001/deactivate", nil) // a request is pending
	r.put("/request/"+idOf(made)+"/status", obj{"status": "rejected"})
	r.put("/organization/70001/deactivate", nil)
}

func TestNeedsCSR(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Seed: "demo"})
	id := idOf(r.post(csPath, csBody("70001")))
	r.refuse(400, "invalid_order_status", "POST", info(id)+"/csr", obj{"csr": wideCSR()})
	r.do(200, "PATCH", "/_sandbox/objects/order/"+id, obj{"status": "needs_csr", "certificate": obj{"csr": nil}})
	r.refuse(400, "required_param:csr", "POST", info(id)+"/csr", obj{})
	r.refuse(400, "csr_invalid_cannot_parse", "POST", info(id)+"/csr", obj{"csr": "x"})
	r.do(204, "POST", info(id)+"/csr", obj{"csr": wideCSR()})
	r.want(r.get(info(id)), "issued", "status")
	r.want(r.get(info(id)), 384, "certificate", "key_size")
}

func TestStatusChanges(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Seed: "demo"})
	if v := r.get("/order/certificate/status-changes?minutes=60"); len(v) != 0 {
		t.Errorf("no changes: %v, want {}", v)
	}
	id := idOf(r.post(csPath, with(csBody("70001"), "skip_approval", false)))
	feed := func(query string) any {
		r.Helper()
		return at(r.get("/order/certificate/status-changes?"+query), "orders", 0, "status")
	}
	r.want(r.get("/order/certificate/status-changes?seconds=604800"), id, "orders", 0, "order_id")
	r.want(obj{"s": feed("minutes=1")}, "needs_approval", "s")
	r.clock.add(2 * time.Minute)
	r.process(id, "approved")
	r.want(obj{"s": feed("minutes=1")}, "issued", "s")
	r.want(r.get("/order/certificate/status-changes?minutes=1"), at(r.get(info(id)), "certificate", "id"), "orders", 0, "certificate_id")
	// The clock says 08:02 UTC, which is 02:02 in MDT.
	r.want(obj{"s": feed("filters[status_last_updated]=2026-04-01+02:01:00...2026-04-01+02:03:00")}, "issued", "s")
	r.want(obj{"s": feed("filters[status_last_updated]=2026-04-01+08:01:00...2026-04-01+08:03:00")}, nil, "s")
	for query, code := range map[string]string{
		"": "required_param:minutes", "minutes=x": "invalid_value:minutes", "seconds=0": "invalid_value:seconds", "minutes=10081": "time_frame_too_long", "seconds=604801": "time_frame_too_long",
		"filters[status_last_updated]=2026-03-01...2026-03-20": "time_frame_too_long", "filters[status_last_updated]=2026-03-01": "invalid_value:filters[status_last_updated]",
	} {
		r.refuse(400, code, "GET", "/order/certificate/status-changes?"+query, nil)
	}
}
