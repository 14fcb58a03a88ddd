package sandbox

import (
	"archive/zip"
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dcsync/schema/glossary"
)

// tool finds a program that judges what the sandbox issues.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed: what the sandbox issues is not checked by it", name)
	}
	return path
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Errorf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
	return string(out)
}

func write(t *testing.T, name string, text []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// file downloads and wants a media type.
func (r *rig) file(path, kind string) []byte {
	r.Helper()
	resp, out, err := r.raw("GET", path, nil, "Accept", "*/*")
	if err != nil || resp.StatusCode != 200 || resp.Header.Get("Content-Type") != kind {
		r.Fatalf("GET %s: %v %v, want %s: %.200s", path, resp.Status, resp.Header, kind, out)
	}
	return out
}

// parts are the certificates of a PEM text.
func parts(t *testing.T, text []byte) []*x509.Certificate {
	t.Helper()
	var list []*x509.Certificate
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return list
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, cert)
	}
}

// ordered places an order of every product, each by the smallest body the
// documents allow, and gives its id.
func (r *rig) ordered(org, product string) string {
	r.Helper()
	body := bodyOf(org, findProduct(product))
	return idOf(r.post("/order/certificate/"+product, body))
}

func bodyOf(org string, p *catalogue) obj {
	base := obj{"order_validity": obj{"years": 1}, "skip_approval": true}
	if p.needs != "" {
		base["organization"] = obj{"id": org}
	}
	mail := obj{"emails": list{"alice@acme.example"}, "signature_hash": "sha256", "csr": ecCSR()}
	usage := obj{"primary_usage": "dual_use"}
	person := obj{"first_name": "Alice", "last_name": "Example"}
	switch p.family {
	case publicTLS, domainTLS, privateTLS:
		base["certificate"] = tlsBody("1")["certificate"]
	case codeSigning:
		base["certificate"], base["cs_provisioning_method"] = csBody("1")["certificate"], "email"
	case clientCert:
		if p.needs != "" {
			mail["common_name"] = "Alice Example"
		}
		if p.sponsor {
			mail["common_name_indicator"], mail["individual"] = byNames, person
		}
		base["certificate"] = mail
	case secureEmail:
		mail["usage_designation"], mail["profile_type"] = usage, "multipurpose"
		if p.needs != "" {
			mail["common_name_indicator"] = "email_address"
		}
		if p.sponsor {
			mail["individual"] = person
		}
		base["certificate"] = mail
	case documentOld:
		base["certificate"], base["cs_provisioning_method"] = obj{"csr": ecCSR(), "signature_hash": "sha256"}, "email"
	case documentNew:
		base["certificate"] = obj{"usage_designation": obj{"primary_usage": "signing"}}
		if p.NameID != "ds_org" {
			base["individual"] = with(person, "email", "alice@acme.example")
		}
	}
	return base
}

// purposesOf are openssl's words for what the certificate of a product is for; it
// has one for code signing from version 3.2 only, and none for documents.
var purposesOf = map[family]string{
	publicTLS: "sslserver", domainTLS: "sslserver", privateTLS: "sslserver", secureEmail: "smimesign",
	codeSigning: "any", documentOld: "any", documentNew: "any",
}

// TestEveryProductIsIssued orders each product, and lets openssl verify the
// chain for the purpose.
func TestEveryProductIsIssued(t *testing.T) {
	t.Parallel()
	openssl := tool(t, "openssl")
	r := newRig(t, Options{})
	org := idOf(r.post("/organization", orgBody()))
	now := fmt.Sprint(r.clock.now().Unix() + 60)
	for i := range products {
		p := &products[i]
		id := r.ordered(org, p.NameID)
		o := r.get(info(id))
		if o["status"] != "issued" {
			t.Errorf("%s is %v", p.NameID, o["status"])
			continue
		}
		all := parts(t, r.file("/certificate/download/order/"+id+"/format/pem_all", "application/x-pem-file"))
		if len(all) != 3 {
			t.Fatalf("%s: pem_all has %d certificates", p.NameID, len(all))
		}
		leaf := all[0]
		if got := strings.ToUpper(leaf.SerialNumber.Text(16)); got != at(o, "certificate", "serial_number") {
			t.Errorf("%s: serial number %s, order says %v", p.NameID, got, at(o, "certificate", "serial_number"))
		}
		r.want(o, thumbprint(leaf.Raw), "certificate", "thumbprint")
		r.want(o, leaf.NotBefore.Format(time.DateOnly), "certificate", "valid_from")
		r.want(o, leaf.NotAfter.Format(time.DateOnly), "certificate", "valid_till")
		if life := leaf.NotAfter.Sub(leaf.NotBefore); p.capDays > 0 && life > time.Duration(p.capDays)*24*time.Hour {
			t.Errorf("%s lives for %v", p.NameID, life)
		}
		r.want(o, leaf.Subject.CommonName, "certificate", "common_name")
		if p.needs != "" && !slices.Equal(leaf.Subject.Organization, []string{"Acme Ltd"}) {
			t.Errorf("%s: subject %v", p.NameID, leaf.Subject)
		}
		purpose := purposesOf[p.family]
		if p.family == clientCert {
			purpose = map[bool]string{true: "smimesign", false: "sslclient"}[p.smime]
		}
		root, chain := write(t, "root.pem", pemOf(all[2])), write(t, "ica.pem", pemOf(all[1]))
		run(t, openssl, "verify", "-x509_strict", "-attime", now, "-purpose", purpose, "-CAfile", root, "-untrusted", chain, write(t, "leaf.pem", pemOf(leaf)))
	}
}

func pemOf(c *x509.Certificate) []byte { return []byte(pemText("CERTIFICATE", c.Raw)) }

func TestProfiles(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	org := idOf(r.post("/organization", orgBody()))
	leaf := func(product string) *x509.Certificate {
		r.Helper()
		return parts(t, r.file("/certificate/download/order/"+r.ordered(org, product)+"/format/pem_nointermediate", "application/x-pem-file"))[0]
	}
	tls := leaf("ssl_ev_plus")
	if diff := cmp.Diff([]string{"www.acme.example", "acme.example"}, tls.DNSNames); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if tls.Policies[0].String() != "2.23.140.1.1" || !slices.Equal(tls.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}) {
		t.Errorf("EV TLS: policies %v, usages %v", tls.Policies, tls.ExtKeyUsage)
	}
	if dv := leaf("ssl_dv_rapidssl"); len(dv.Subject.Organization) != 0 || dv.Policies[0].String() != "2.23.140.1.2.1" {
		t.Errorf("DV: subject %v, policies %v", dv.Subject, dv.Policies)
	}
	if cs := leaf("code_signing"); !slices.Equal(cs.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}) || cs.KeyUsage != x509.KeyUsageDigitalSignature {
		t.Errorf("code signing: usages %v %v", cs.KeyUsage, cs.ExtKeyUsage)
	}
	if mail := leaf("client_premium"); !slices.Equal(mail.EmailAddresses, []string{"alice@acme.example"}) || mail.ExtKeyUsage[0] != x509.ExtKeyUsageEmailProtection {
		t.Errorf("S/MIME: %v %v", mail.EmailAddresses, mail.ExtKeyUsage)
	}
	if doc := leaf("ds_org"); len(doc.UnknownExtKeyUsage) != 3 || doc.KeyUsage&x509.KeyUsageContentCommitment == 0 {
		t.Errorf("document signing: usages %v %v", doc.KeyUsage, doc.UnknownExtKeyUsage)
	}
	// The key is the one of the CSR, where there is one.
	key, _ := x509.MarshalPKIXPublicKey(tls.PublicKey)
	block, _ := pem.Decode([]byte(ecCSR()))
	if req, err := x509.ParseCertificateRequest(block.Bytes); err != nil || !bytes.Equal(req.RawSubjectPublicKeyInfo, key) {
		t.Errorf("the certificate has another key than its CSR (%v)", err)
	}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Seed: "demo"})
	id := idOf(r.post(tlsPath, with(tlsBody("70001"), "certificate.server_platform", obj{"id": 45})))
	cert := fmt.Sprint(at(r.get(info(id)), "certificate", "id"))
	r.want(obj{"id": cert}, 990001, "id")
	cert = "990001"
	formats, _ := glossary.Lookup("certificate_formats")
	for i, format := range formats.Column("name") {
		text := r.file("/certificate/"+cert+"/download/format/"+format, formats.Column("content_type")[i])
		switch want := map[string]int{"pem_all": 3, "pem_noroot": 2, "pem_nointermediate": 1}[format]; {
		case want > 0:
			if got := len(parts(t, text)); got != want {
				t.Errorf("%s: %d certificates, want %d", format, got, want)
			}
			if bytes.Count(text, []byte("\n")) != bytes.Count(text, []byte("\r\n")) {
				t.Errorf("%s: line ends are not CRLF", format)
			}
		case formats.Column("content_type")[i] == "application/zip":
			z, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
			if err != nil {
				t.Fatal(err)
			}
			want := 3
			if format == "apache" {
				want = 2
			}
			for _, f := range z.File {
				if filepath.Ext(f.Name) != formats.Column("extension")[i] {
					t.Errorf("%s holds %s", format, f.Name)
				}
			}
			if len(z.File) != want {
				t.Errorf("%s: %d files, want %d", format, len(z.File), want)
			}
			if unzip, err := exec.LookPath("unzip"); err == nil {
				run(t, unzip, "-tq", write(t, "c.zip", text))
			} else {
				t.Log("unzip is not installed: the archive is not checked by it")
			}
		default:
			if openssl, err := exec.LookPath("openssl"); err == nil {
				out := run(t, openssl, "pkcs7", "-print_certs", "-in", write(t, "c.p7b", text))
				if got := len(parts(t, []byte(out))); got != 3 {
					t.Errorf("%s: openssl reads %d certificates", format, got)
				}
			} else {
				t.Log("openssl is not installed: the bundle is not checked by it")
			}
		}
	}
	platforms, _ := glossary.Lookup("platforms_tls")
	for i, platform := range platforms.Column("id") {
		at := slices.Index(formats.Column("name"), platforms.Column("format")[i])
		r.file("/certificate/"+cert+"/download/platform/"+platform, formats.Column("content_type")[at])
	}
	// nginx is the order's own platform.
	for _, path := range []string{"/certificate/" + cert + "/download/platform", "/certificate/download/order/" + id} {
		if got := len(parts(t, r.file(path, "application/x-pem-file"))); got != 2 {
			t.Errorf("%s: %d certificates, want the two of nginx", path, got)
		}
	}
	r.file("/certificate/download/order/880000", "application/zip")
	if chain := r.get("/certificate/" + cert + "/chain")["intermediates"].([]any); len(chain) != 1 || !strings.Contains(at(chain, 0, "subject_common_name").(string), "Public TLS Issuing CA") {
		t.Errorf("chain %v", chain)
	}
	if n := len(r.get("/certificate/intermediates")["intermediates"].([]any)); n != len(authorityNames) {
		t.Errorf("%d intermediates", n)
	}
	pending := idOf(r.post(tlsPath, with(tlsBody("70001"), "skip_approval", false)))
	r.refuse(404, "not_found|certificate", "GET", "/certificate/download/order/"+pending, nil)
	r.refuse(404, "not_found|certificate", "GET", "/certificate/5/chain", nil)
	r.refuse(404, "not_found|certificate", "GET", "/certificate/5/download/platform", nil)
	r.refuse(404, "not_found|server_platform", "GET", "/certificate/"+cert+"/download/platform/999", nil)
	r.refuse(400, "invalid_value:format", "GET", "/certificate/"+cert+"/download/format/jks", nil)
	r.refuse(404, "not_found|order", "GET", "/certificate/download/order/5/format/pem_all", nil)
}

// TestCertificatesSurviveRestart: the same bytes from the data file, and the same
// chain from a copy of the dump.
func TestCertificatesSurviveRestart(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data.json")
	const path = "/certificate/download/order/880000/format/pem_all"
	r := newRig(t, Options{Data: data, Seed: "demo"})
	r.post("/organization", orgBody()) // saves
	want := r.file(path, "application/x-pem-file")
	if err := r.srv.Close(); err != nil {
		t.Fatal(err)
	}
	if got := newRig(t, Options{Data: data}).file(path, "application/x-pem-file"); !bytes.Equal(got, want) {
		t.Error("other certificates after a restart")
	}
	_, dump, _ := r.raw("GET", "/_sandbox/dump", nil)
	if got := newRig(t, Options{Seed: write(t, "seed.json", dump)}).file(path, "application/x-pem-file"); !bytes.Equal(got, want) {
		t.Error("other certificates in a copy of the account")
	}
}

// TestOrderOutlivesCertificate: only the order's end makes it expired.
func TestOrderOutlivesCertificate(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Seed: "demo"})
	id := idOf(r.post(tlsPath, tlsBody("70001")))
	o := r.get(info(id))
	r.want(o, "2026-10-17", "certificate", "valid_till") // 199 days
	r.want(o, "2027-04-01", "order_valid_till")
	r.clock.add(300 * 24 * time.Hour)
	r.want(r.get(info(id)), "issued", "status")
	r.clock.add(66 * 24 * time.Hour)
	r.want(r.get(info(id)), "expired", "status")
}
