package sandbox

import (
	"crypto/x509"
	"encoding/pem"
	"testing"
)

// TestForeignClients: bodies as clients others wrote send them must be taken.
func TestForeignClients(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Seed: "demo"})
	org := "70001"
	code, tls := csBody(org), tlsBody(org)
	empty := obj{"first_name": "", "last_name": "", "email": nil}
	for name, c := range map[string]struct {
		path string
		body obj
		want any
		keys []any
	}{
		"renewal 0":          {csPath, with(code, "renewal_of_order_id", 0), nil, []any{"renewal_of_order_id"}},
		"renewal empty":      {csPath, with(code, "renewal_of_order_id", ""), nil, []any{"renewal_of_order_id"}},
		"platform digits":    {csPath, with(code, "certificate.server_platform", obj{"id": "-1"}), -1, []any{"certificate", "server_platform", "id"}},
		"platform 0":         {tlsPath, with(tls, "certificate.server_platform", obj{"id": 0}), -1, []any{"certificate", "server_platform", "id"}},
		"empty contacts":     {tlsPath, with(with(tls, "organization_contact", empty), "technical_contact", empty), "Uma", []any{"organization_contact", "first_name"}},
		"date with time":     {tlsPath, with(with(tls, "order_validity", nil), "custom_expiration_date", "2027-03-01T00:00:00"), "01 MAR 2027", []any{"order_validity", "custom_expiration_date"}},
		"years 0 and a date": {tlsPath, with(with(with(tls, "order_validity", nil), "custom_expiration_date", "2027-03-01"), "validity_years", 0), nil, []any{"validity_years"}},
		"years as text":      {tlsPath, with(tls, "order_validity.years", "1"), 1, []any{"order_validity", "years"}},
		"zip as number": {csPath, with(with(with(code, "certificate.csr", nil), "cs_provisioning_method", "ship_token"), "ship_info",
			obj{"name": "N", "addr1": "A", "city": "C", "state": "S", "zip": 12345, "country": "us", "method": "STANDARD"}), "12345", []any{"ship_info", "zip"}},
		"field as number":  {tlsPath, with(tls, "custom_fields", list{obj{"metadata_id": 14, "value": 5}}), "5", []any{"custom_fields", 0, "value"}},
		"hash in capitals": {tlsPath, with(tls, "certificate.signature_hash", "SHA256"), "sha256", []any{"certificate", "signature_hash"}},
		"wire transfer":    {tlsPath, with(tls, "payment_method", "wire_transfer"), "wire_transfer", []any{"payment_method"}},
		"private by hint":  {"/order/certificate/ssl", with(tls, "product", obj{"type_hint": "private"}), "private_ssl_flex", []any{"product", "name_id"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := &rig{T: t, srv: r.srv, http: r.http, clock: r.clock, key: r.key}
			r.want(r.get(info(idOf(r.post(c.path, c.body)))), c.want, c.keys...)
		})
	}
	r.refuse(400, "required_param:order_validity", "POST", tlsPath, with(with(tls, "order_validity", nil), "validity_years", 0))
	r.refuse(400, "required_param:certificate.server_platform.id", "POST", csPath,
		with(with(with(code, "certificate.csr", nil), "cs_provisioning_method", "client_app"), "certificate.server_platform", obj{"id": 0}))
	r.refuse(400, "invalid_value:certificate.server_platform.id", "POST", tlsPath, with(tls, "certificate.server_platform", obj{"id": "x"}))
	r.refuse(400, "required_param:organization_contact.last_name", "POST", tlsPath, with(tls, "organization_contact", obj{"first_name": "A", "email": "a@b.example"}))
	r.refuse(400, "invalid_value:comments", "POST", tlsPath, with(tls, "comments", 5))
}

func TestForeignReworkAndCancel(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Seed: "demo"})
	apache := with(tlsBody("70001"), "certificate.server_platform", obj{"id": "2"})
	id := idOf(r.post(tlsPath, apache))
	again := obj{"certificate": obj{"csr": ecCSR(), "signature_hash": "SHA384", "server_platform": obj{"id": 0}}, "skip_approval": true}
	r.post(info(id)+"/reissue", again)
	got := r.get(info(id))
	r.want(got, 2, "certificate", "server_platform", "id")
	r.want(got, "sha384", "certificate", "signature_hash")
	r.post(info(id)+"/reissue", with(again, "certificate.server_platform", obj{"id": "-1"}))
	r.want(r.get(info(id)), -1, "certificate", "server_platform", "id")

	waiting := newRig(t, Options{Seed: "demo", IssueAfter: 1 << 40})
	id = idOf(waiting.post(tlsPath, tlsBody("70001")))
	waiting.refuse(400, "invalid_value:status", "PUT", info(id)+"/status", obj{"status": "Canceled", "note": "n"})
	waiting.put(info(id)+"/status", obj{"status": "CANCELED", "note": "n", "send_emails": false})
	waiting.want(waiting.get(info(id)), "canceled", "status")
}

// TestUserPermissions: writes follow what GET /authorization says of the user.
func TestUserPermissions(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Seed: "demo"})
	key := r.post("/key/user/9002", obj{"name": "sam"})["api_key"].(string)
	r.want(r.get("/key"), firstKeyDate, "api_keys", 0, "create_date")
	for _, v := range []obj{r.get("/user/me"), r.get("/user/9002"), r.get("/user")["users"].([]any)[0].(obj)} {
		r.want(v, "sandbox-root", "container", "public_id")
		r.want(v, false, "container", "has_logo")
	}
	r.key = key
	for _, c := range [][2]string{
		{"POST", "/organization"}, {"POST", "/domain"}, {"PUT", "/domain/1/activate"}, {"POST", "/account/metadata"},
		{"POST", "/account/metadata/bulk"}, {"DELETE", "/account/metadata/12"}, {"POST", "/user"}, {"POST", "/key/user/9001"},
	} {
		r.refuse(403, "access_denied|missing_permission", c[0], c[1], obj{"name": "n"})
	}
	r.post("/key/user/9002", obj{"name": "own"})
	r.post(tlsPath, tlsBody("70001"))
}

// TestAskedUsages: an X9 PKI certificate says what its order asked for.
func TestAskedUsages(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Seed: "demo"})
	body := with(with(tlsBody("70001"), "certificate.key_usages", list{"key_agreement"}), "certificate.extended_key_usages", list{"client_authentication"})
	out := r.post("/order/certificate/x9_pki", body)
	block, _ := pem.Decode([]byte(at(out, "certificate_chain", 0, "pem").(string)))
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if cert.KeyUsage != x509.KeyUsageKeyAgreement || len(cert.ExtKeyUsage) != 1 || cert.ExtKeyUsage[0] != x509.ExtKeyUsageClientAuth {
		t.Errorf("key usage %b, extended %v", cert.KeyUsage, cert.ExtKeyUsage)
	}
	r.refuse(400, "invalid_value:certificate.key_usages", "POST", "/order/certificate/x9_pki", with(body, "certificate.key_usages", list{"any"}))
}
