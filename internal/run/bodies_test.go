package run_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dcsync/internal/resource"
	"dcsync/internal/sandbox"
	"github.com/google/go-cmp/cmp"
)

// documentAccount holds the organizations and users that the order documents speak of. Organization 12345 is validated for code
// signing unless the case is about one that is not.
func documentAccount(t *testing.T, validated bool) string {
	t.Helper()
	org := map[string]any{"id": 12345, "status": "active", "name": "Example Corp", "is_active": true, "address": "1 Main Street", "zip": "84043",
		"city": "Lehi", "state": "Utah", "country": "us", "telephone": "801-555-0100",
		"organization_contact": map[string]any{"id": 1, "first_name": "Olga", "last_name": "Old", "email": "olga@example.com"}}
	if validated {
		org["validations"] = []any{map[string]any{"type": "cs", "status": "active"}, map[string]any{"type": "ev_cs", "status": "active"}}
	}
	client := map[string]any{"id": 112233, "status": "active", "name": "Client Corp", "is_active": true, "address": "2 Main Street", "zip": "84043",
		"city": "Lehi", "state": "Utah", "country": "us", "telephone": "801-555-0100"}
	user := func(id int, name string) map[string]any {
		return map[string]any{"id": id, "username": name, "account_id": 1234567, "first_name": name, "last_name": "User", "email": name + "@example.com",
			"job_title": "Officer", "telephone": "801-555-0100", "status": "active", "type": "standard",
			"container":    map[string]any{"id": 11, "name": "Sandbox", "is_active": true},
			"access_roles": []any{map[string]any{"id": 1, "name": "Administrator"}}}
	}
	text, err := json.Marshal(map[string]any{"organizations": []any{org, client}, "orders": []any{}, "requests": []any{},
		"users": []any{user(9001, "ada"), user(12345, "vera"), user(56789, "oscar")}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "account.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The request that reaches the API is the documented one, but for the two members dcsync adds to every order.
func TestDocumentedBodies(t *testing.T) {
	t.Parallel()
	const token = `"certificate": {"signature_hash": "sha256"}, "cs_provisioning_method": "ship_token", "order_validity": {"years": 1}`
	for _, test := range []struct {
		fixture     string
		path        string
		unvalidated bool
		body        string // CSR stands for the manifest's
	}{
		{fixture: "client_example", path: "/order/certificate/client_authentication_plus", body: `{
			"certificate": {"common_name": "john.doe@example.com", "emails": ["john.doe@example.com"], "signature_hash": "sha256", "csr": "CSR"},
			"skip_approval": true, "organization": {"id": 112233}, "order_validity": {"years": 1}, "payment_method": "balance"}`},
		{fixture: "organization_validated", path: "/order/certificate/code_signing", body: `{` + token + `, "organization": {"id": 12345}}`},
		{fixture: "organization_contacts", path: "/order/certificate/code_signing", body: `{` + token + `, "organization": {"id": 12345, "contacts": [
			{"contact_type": "verified_contact", "user_id": 12345},
			{"contact_type": "organization_contact", "user_id": 56789},
			{"contact_type": "technical_contact", "first_name": "Jane", "last_name": "Doe", "job_title": "Technician", "telephone": "1234567890", "email": "jane.doe@example.com"}]}}`},
		{fixture: "organization_not_validated", path: "/order/certificate/code_signing", unvalidated: true, body: `{` + token + `,
			"organization": {"id": 12345, "contacts": [{"contact_type": "verified_contact", "user_id": 12345}]}}`},
		{fixture: "organization_new", path: "/order/certificate/code_signing", body: `{` + token + `, "organization": {
			"name": "New Organization", "assumed_name": "New Organization", "country": "us", "address": "123 Example Street", "address2": "Floor 08",
			"city": "Lehi", "state": "Utah", "zip": "12345", "telephone": "123-456-789", "contacts": [
			{"contact_type": "verified_contact", "first_name": "John", "last_name": "Doe", "job_title": "Technician", "telephone": "1234567890", "email": "john.doe@example.com"},
			{"contact_type": "organization_contact", "first_name": "Jane", "last_name": "Doe", "job_title": "Supervisor", "telephone": "1234567890", "email": "jane.doe@example.com"},
			{"contact_type": "technical_contact", "first_name": "Alex", "last_name": "Doe", "job_title": "Technician", "telephone": "1234567890", "email": "alex.doe@example.com"}]}}`},
		{fixture: "provisioning_email", path: "/order/certificate/code_signing", body: `{
			"certificate": {"csr": "CSR", "signature_hash": "sha256"}, "cs_provisioning_method": "email", "organization": {"id": 12345},
			"order_validity": {"years": 1}, "additional_emails": ["pki@example.com"]}`},
		{fixture: "provisioning_ship_token", path: "/order/certificate/code_signing_ev", body: `{
			"certificate": {"signature_hash": "sha256"}, "cs_provisioning_method": "ship_token",
			"ship_info": {"name": "Jane Doe", "addr1": "123 Example Street", "addr2": "Floor 08", "city": "Lehi", "state": "Utah", "zip": "84043", "country": "us", "method": "STANDARD"},
			"organization": {"id": 12345}, "order_validity": {"years": 1}}`},
		{fixture: "provisioning_client_app", path: "/order/certificate/code_signing", body: `{
			"certificate": {"signature_hash": "sha256", "server_platform": {"id": 19}}, "cs_provisioning_method": "client_app",
			"organization": {"id": 12345}, "order_validity": {"days": 400}}`},
	} {
		t.Run(test.fixture, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "valid", test.fixture+".yaml"))
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t, sandbox.Options{Seed: documentAccount(t, !test.unvalidated)}, map[string]string{"order.yaml": string(text)})
			w.file("dcsync.yaml", strings.Replace(projectYAML, "skip_approval: true", "skip_approval: false", 1))
			w.mustApply()

			var posts []call
			for _, c := range w.sent.take() {
				if strings.HasPrefix(c.Path, "/order/certificate/") && c.Method == "POST" && !strings.HasSuffix(c.Path, "/note") {
					posts = append(posts, c)
				}
			}
			if len(posts) != 1 || posts[0].Path != test.path {
				t.Fatalf("orders sent: %+v, want one to %s", posts, test.path)
			}
			want, got := tree(t, test.body), tree(t, posts[0].Body)
			if cert := want["certificate"].(map[string]any); cert["csr"] == "CSR" {
				cert["csr"] = resource.Text(resource.Get(w.open().Set.Objects[0].Spec, "/certificate/csr"))
			}
			if nonce, _ := got["alternative_order_id"].(string); len(nonce) != 40 {
				t.Errorf("alternative_order_id %q does not have 40 characters", nonce)
			}
			if d := cmp.Diff(map[string]any{"id": float64(11)}, got["container"]); d != "" {
				t.Errorf("container (-want +got):\n%s", d)
			}
			delete(got, "alternative_order_id")
			delete(got, "container")
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("body (-want +got):\n%s", d)
			}
			w.converged()
		})
	}
}

func tree(t *testing.T, text string) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return out
}

// What the API takes as it is written: no member of the manifest's envelope, no note, and secrets opened only on the way.
func TestBodyOfPaidOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, with(acme(), "box.yaml", strings.Replace(boxYAML, "order_validity: {years: 1}", `order_validity: {years: 1}
  payment_method: card
  credit_card:
    number: {env: CARD}
    expiration_month: 12
    expiration_year: 2030
    cvv: {env: CVV}
    cardholder_name: Jane Doe
  billing_address: {address: 1 Example Street, city: Lehi, country: us}
  notes: [paid by card]`, 1)))
	w.mustApply()
	var body map[string]any
	for _, c := range w.sent.take() {
		if c.Path == "/order/certificate/class1_smime" {
			body = tree(t, c.Body)
		}
	}
	card, _ := body["credit_card"].(map[string]any)
	if card["number"] != secrets["CARD"] || card["cvv"] != float64(7373) {
		t.Errorf("card sent: %v", card)
	}
	if body["notes"] != nil || body["metadata"] != nil {
		t.Errorf("the body holds what the call does not take: %v", body)
	}
	for name, text := range secrets {
		if strings.Contains(string(w.stateBytes()), text) {
			t.Errorf("the state holds %s", name)
		}
	}
	w.converged()
}
