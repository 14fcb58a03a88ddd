package schema

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
)

// parse reads a document from JSON.
func parse(t testing.TB, text string) resource.Map {
	t.Helper()
	v, err := resource.FromJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v.(resource.Map)
}

// manifest wraps a spec into a document.
func manifest(kind, spec string) string {
	return fmt.Sprintf(`{"apiVersion": "dcsync/v1", "kind": %q, "metadata": {"name": "x"}, "spec": %s}`, kind, spec)
}

// lines gives one line for each finding.
func lines(found []Violation) []string {
	var out []string
	for _, v := range found {
		at := string(v.Path)
		if v.Member != "" {
			at += "+" + v.Member
		}
		l := fmt.Sprintf("%s: %s: %s [%s]", at, v.Severity, v.Summary, v.Code)
		if v.Hint != "" {
			l += " (" + v.Hint + ")"
		}
		out = append(out, l)
	}
	return out
}

const (
	csrText = `-----BEGIN CERTIFICATE REQUEST-----\nMA==\n-----END CERTIFICATE REQUEST-----`

	codeSigning = `{"product": "code_signing", "certificate": {"csr": "` + csrText + `", "signature_hash": "sha256"},
		"cs_provisioning_method": "email", "organization": {"id": 12345}, "order_validity": {"years": 1}}`
	client = `{"product": "client_authentication_plus", "certificate": {"common_name": "john.doe@example.com", "emails": ["john.doe@example.com"],
		"signature_hash": "sha256"}, "organization": {"id": 112233}, "order_validity": {"years": 1}}`
	premium = `{"product": "client_premium", "certificate": {"common_name": "Alice Example", "emails": ["alice@example.com"], "signature_hash": "sha256",
		"common_name_indicator": "given_name_surname", "individual": {"first_name": "Alice", "last_name": "Example"}},
		"organization": {"id": 112233}, "order_validity": {"years": 1}}`
	mailbox = `{"product": "class1_smime", "certificate": {"emails": ["alice@example.com"], "signature_hash": "sha256"}, "order_validity": {"years": 1}}`
	company = `{"name": "New Organization", "address": "123 Example Street", "city": "Lehi", "state": "Utah", "zip": "12345", "country": "us",
		"telephone": "123-456-789", "organization_contact": {"ref": "jane"}}`
	person  = `{"first_name": "Jane", "last_name": "Doe", "email": "jane.doe@example.com"}`
	project = `{"apiVersion": "dcsync/v1", "kind": "Project", "metadata": {"name": "acme", "uid": "3f9c0d52-7a1e"}, "spec": {}}`
)

// put changes a document: a path and the JSON that is to stand there, "" for nothing.
func put(t testing.TB, doc resource.Map, path, json string) {
	t.Helper()
	p := resource.Path(path)
	var v resource.Value
	if json != "" {
		var err error
		if v, err = resource.FromJSON([]byte(json)); err != nil {
			t.Fatalf("%s: %v", json, err)
		}
	}
	resource.Put(doc, p, v)
}

func TestCheck(t *testing.T) {
	t.Parallel()
	base := map[string]string{
		"cs": manifest("Order", codeSigning), "client": manifest("Order", client), "premium": manifest("Order", premium),
		"mailbox": manifest("Order", mailbox), "org": manifest("Organization", company), "person": manifest("Contact", person), "project": project,
	}
	kinds := map[string]string{"org": "Organization", "person": "Contact", "project": "Project"}
	tests := []struct {
		name string
		doc  string
		put  []string // path, JSON, path, JSON, …
		want []string
	}{
		{"code signing", "cs", nil, nil},
		{"client", "client", nil, nil},
		{"premium", "premium", nil, nil},
		{"mailbox", "mailbox", nil, nil},
		{"organization", "org", nil, nil},
		{"contact", "person", nil, nil},
		{"project", "project", nil, nil},
		{"missing envelope", "cs", []string{`/apiVersion`, "", `/kind`, "", `/metadata`, ""}, []string{
			`+apiVersion: error: apiVersion is required [DC1015] (add apiVersion: dcsync/v1)`,
			`+kind: error: kind is required [DC1015] (add kind: Order)`,
			`+metadata: error: metadata is required [DC1015] (add metadata)`,
		}},
		{"wrong envelope", "cs", []string{`/apiVersion`, `"v2"`, `/kind`, `"Contact"`, `/metadata/name`, `"Bad_Name"`}, []string{
			`/apiVersion: error: apiVersion must be dcsync/v1 [DC1104]`,
			`/kind: error: kind must be Order [DC1104]`,
			`/metadata/name: error: name must be lower-case letters, digits and inner hyphens, at most 63 characters [DC1104]`,
		}},
		{"no spec", "cs", []string{`/spec`, ""}, []string{
			`+spec: error: spec is required [DC1015]`,
		}},
		{"spec is a list", "cs", []string{`/spec`, `[]`}, []string{
			`/spec: error: spec must be a mapping, not a list [DC1013]`,
		}},
		{"unknown field, near", "cs", []string{`/spec/certificate/signature_hsh`, `"sha256"`}, []string{
			`/spec/certificate/signature_hsh: error: unknown field "signature_hsh" [DC1014] (did you mean "signature_hash"?)`,
		}},
		{"unknown field, far", "cs", []string{`/spec/order_validity/zzzzzzzz`, `1`}, []string{
			`/spec/order_validity/zzzzzzzz: error: unknown field "zzzzzzzz" [DC1014] (known here: years, days, custom_expiration_date)`,
		}},
		{"no product", "cs", []string{`/spec/product`, ""}, []string{
			`/spec+product: error: product is required [DC1015] (add product)`,
		}},
		{"unknown product", "cs", []string{`/spec/product`, `"code_singing"`}, []string{
			`/spec/product: error: product must be one of the products that have a table [DC1012] (did you mean "code_signing"?)`,
		}},
		{"product of another type", "cs", []string{`/spec/product`, `5`}, []string{
			`/spec/product: error: product must be a string, not a number [DC1013] (quote it: "5")`,
		}},
		{"required", "cs", []string{`/spec/order_validity`, "", `/spec/certificate/signature_hash`, ""}, []string{
			`/spec+order_validity: error: order_validity is required [DC1015] (add order_validity)`,
			`/spec/certificate+signature_hash: error: signature_hash is required [DC1015] (add signature_hash: sha256)`,
		}},
		{"number for string", "org", []string{`/spec/zip`, `12345`}, []string{
			`/spec/zip: error: zip must be a string, not a number [DC1013] (quote it: "12345")`,
		}},
		{"boolean for string", "org", []string{`/spec/state`, `true`}, []string{
			`/spec/state: error: state must be a string, not a boolean [DC1013] (quote it: "true")`,
		}},
		{"decimal for integer", "cs", []string{`/spec/order_validity/years`, `1.5`}, []string{
			`/spec/order_validity/years: error: years must be an integer, not a decimal number [DC1013]`,
		}},
		{"string for integer", "cs", []string{`/spec/order_validity/years`, `"1"`}, []string{
			`/spec/order_validity/years: error: years must be an integer, not a string [DC1013] (write it without quotes: 1)`,
		}},
		{"string for boolean", "cs", []string{`/spec/skip_approval`, `"yes"`}, []string{
			`/spec/skip_approval: error: skip_approval must be true or false, not a string [DC1013] (write true or false, without quotes)`,
		}},
		{"string for list", "cs", []string{`/spec/additional_emails`, `"a@example.com"`}, []string{
			`/spec/additional_emails: error: additional_emails must be a list, not a string [DC1013] (write it as a list: one "- " line for each item)`,
		}},
		{"null", "cs", []string{`/spec/comments`, `null`}, []string{
			`/spec/comments: error: comments must be a string, not null [DC1013] (give a value, or remove the line to leave it unset)`,
		}},
		{"list for object", "cs", []string{`/spec/custom_fields`, `{"metadata_id": 1, "value": "x"}`}, []string{
			`/spec/custom_fields: error: custom_fields must be a list, not a mapping [DC1013] (write it as a list: one "- " line for each item)`,
		}},
		{"label of another type", "cs", []string{`/metadata/labels`, `{"a": "b", "c": 1}`}, []string{
			`/metadata/labels/c: error: each of labels must be a string, not a number [DC1013] (quote it: "1")`,
		}},
		{"enum", "cs", []string{`/spec/certificate/signature_hash`, `"sha1"`}, []string{
			`/spec/certificate/signature_hash: error: signature_hash must be sha256 [DC1012]`,
		}},
		{"enum from the glossary", "cs", []string{`/spec/locale`, `"ed"`}, []string{
			`/spec/locale: error: locale must be en, de, es, fr, it, ja, kr, pt_br, ru, zh_cn or zh_tw [DC1012] (did you mean "en"?)`,
		}},
		{"open enum", "cs", []string{`/spec/certificate/signature_hash`, `"sha384"`}, []string{
			`/spec/certificate/signature_hash: warning: signature_hash sha384 is not documented [DC1205] (the list is known to be incomplete; documented: sha256)`,
		}},
		{"too long", "org", []string{`/spec/name`, `"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"`}, []string{
			`/spec/name: error: name is too long: 65 characters, at most 64 [DC1012]`,
		}},
		{"empty", "org", []string{`/spec/name`, `""`}, []string{
			`/spec/name: error: name must not be empty [DC1012]`,
		}},
		{"range", "cs", []string{`/spec/order_validity/years`, `4`}, []string{
			`/spec/order_validity/years: error: years must be from 1 to 3 [DC1012]`,
		}},
		{"range of two", "cs", []string{`/spec/enable_guest_access`, `2`}, []string{
			`/spec/enable_guest_access: error: enable_guest_access must be 0 or 1 [DC1012]`,
		}},
		{"range without end", "cs", []string{`/spec/auto_renew`, `-1`}, []string{
			`/spec/auto_renew: error: auto_renew must be 0 or more [DC1012]`,
		}},
		{"format country", "org", []string{`/spec/country`, `"UK"`}, []string{
			`/spec/country: error: country must be a two-letter country code of ISO 3166-1, such as us [DC1012]`,
		}},
		{"country in upper case", "org", []string{`/spec/country`, `"GB"`}, nil},
		{"format email", "person", []string{`/spec/email`, `"jane"`}, []string{
			`/spec/email: error: email must be an e-mail address [DC1012]`,
		}},
		{"format email of items", "cs", []string{`/spec/additional_emails`, `["a@example.com", "b"]`}, []string{
			`/spec/additional_emails/1: error: each item of additional_emails must be an e-mail address [DC1012]`,
		}},
		{"format phone", "person", []string{`/spec/telephone`, `"none"`}, []string{
			`/spec/telephone: error: telephone must be a telephone number [DC1012]`,
		}},
		{"date", "cs", []string{`/spec/order_validity`, `{"custom_expiration_date": "09 JUN 2027"}`}, nil},
		{"date in lower case", "cs", []string{`/spec/order_validity`, `{"custom_expiration_date": "09 Jun 2027"}`}, []string{
			`/spec/order_validity/custom_expiration_date: error: custom_expiration_date must be a date such as 09 JUN 2025, month in upper case [DC1012]`,
		}},
		{"date that is none", "cs", []string{`/spec/order_validity`, `{"custom_expiration_date": "31 FEB 2027"}`}, []string{
			`/spec/order_validity/custom_expiration_date: error: custom_expiration_date must be a date such as 09 JUN 2025, month in upper case [DC1012]`,
		}},
		{"pattern", "cs", []string{`/spec/alternative_order_id`, `"a_b"`}, []string{
			`/spec/alternative_order_id: error: alternative_order_id has the wrong form [DC1012] (letters, digits and hyphens)`,
		}},
		{"alternative id with hyphens", "cs", []string{`/spec/alternative_order_id`, `"desk-41-a"`}, nil},
		{"no validity", "cs", []string{`/spec/order_validity`, `{}`}, []string{
			`/spec/order_validity: error: order_validity needs one of years, days or custom_expiration_date [DC1102]`,
		}},
		{"several validities", "cs", []string{`/spec/order_validity`, `{"years": 1, "days": 90, "custom_expiration_date": "09 JUN 2027"}`}, []string{
			`/spec/order_validity/days: warning: days is overridden by custom_expiration_date [DC1203] (give only one of them)`,
			`/spec/order_validity/years: warning: years is overridden by custom_expiration_date [DC1203] (give only one of them)`,
		}},
		{"deprecated", "cs", []string{`/spec/validity_years`, `1`, `/spec/custom_expiration_date`, `"2027-13-01"`}, []string{
			`/spec/custom_expiration_date: error: custom_expiration_date must be a date such as 2025-06-09 [DC1012]`,
			`/spec/validity_years: warning: validity_years is deprecated [DC1202] (order_validity wins over it: remove it)`,
		}},
		{"email without CSR", "cs", []string{`/spec/certificate/csr`, ""}, []string{
			`/spec/certificate+csr: error: csr is required when cs_provisioning_method is email [DC1015] (add csr)`,
		}},
		{"ship_token with CSR", "cs", []string{`/spec/cs_provisioning_method`, `"ship_token"`}, []string{
			`/spec/certificate/csr: error: csr must not be given when cs_provisioning_method is not email [DC1101] (remove it)`,
		}},
		{"ship_token with platform and shipping", "cs", []string{`/spec/cs_provisioning_method`, `"ship_token"`, `/spec/certificate/csr`, "", `/spec/certificate/server_platform`, `{"id": 23}`, `/spec/ship_info`, `{"name": "a", "addr1": "b", "city": "c", "state": "d", "zip": "e", "country": "us", "method": "STANDARD"}`}, []string{
			`/spec/certificate/server_platform: warning: server_platform is ignored when cs_provisioning_method is ship_token [DC1201] (remove it)`,
		}},
		{"shipping by another method", "cs", []string{`/spec/ship_info`, `{"name": "a", "addr1": "b", "city": "c", "state": "d", "zip": 1, "country": "us", "method": "standard"}`}, []string{
			`/spec/ship_info: warning: ship_info is ignored when cs_provisioning_method is not ship_token [DC1201] (remove it)`,
			`/spec/ship_info/method: error: method must be STANDARD or EXPEDITED [DC1012] (did you mean "STANDARD"?)`,
			`/spec/ship_info/zip: error: zip must be a string, not a number [DC1013] (quote it: "1")`,
		}},
		{"client_app without platform", "cs", []string{`/spec/cs_provisioning_method`, `"client_app"`, `/spec/certificate/csr`, ""}, []string{
			`/spec/certificate+server_platform: error: server_platform is required when cs_provisioning_method is client_app [DC1015] (add server_platform)`,
		}},
		{"client_app with platform", "cs", []string{`/spec/cs_provisioning_method`, `"client_app"`, `/spec/certificate/csr`, "", `/spec/certificate/server_platform`, `{"id": 19}`}, nil},
		{"platform unknown", "cs", []string{`/spec/certificate/server_platform`, `{"id": 999}`}, []string{
			`/spec/certificate/server_platform/id: warning: id 999 is not documented [DC1205] (the list is known to be incomplete; check the number)`,
		}},
		{"platform converted", "cs", []string{`/spec/certificate/server_platform`, `{"id": 53}`}, []string{
			`/spec/certificate/server_platform/id: warning: id 53 becomes -1 [DC1204] (write -1)`,
		}},
		{"method undocumented, with CSR", "cs", []string{`/spec/cs_provisioning_method`, `"keylocker"`}, []string{
			`/spec/certificate/csr: error: csr must not be given when cs_provisioning_method is not email [DC1101] (remove it)`,
			`/spec/cs_provisioning_method: warning: cs_provisioning_method keylocker is not documented [DC1205] (the list is known to be incomplete; documented: email, ship_token or client_app)`,
		}},
		{"method misspelt", "cs", []string{`/spec/cs_provisioning_method`, `"emial"`}, []string{
			`/spec/certificate/csr: error: csr must not be given when cs_provisioning_method is not email [DC1101] (remove it)`,
			`/spec/cs_provisioning_method: warning: cs_provisioning_method emial is not documented [DC1205] (the list is known to be incomplete, but did you mean "email"?)`,
		}},
		{"method left to the account", "cs", []string{`/spec/cs_provisioning_method`, ""}, []string{
			`/spec/certificate/csr: warning: whether csr may be given is up to the account when cs_provisioning_method is not given [DC1205] (say it in the manifest, so that it does not depend on the account's settings)`,
		}},
		{"subject of EV", "cs", []string{`/spec/product`, `"code_signing_ev"`, `/spec/subject`, `{"email": "a@example.com"}`}, []string{
			`/spec/subject/email: warning: email is ignored when product is code_signing_ev [DC1201] (remove it)`,
		}},
		{"no organization", "cs", []string{`/spec/organization`, ""}, []string{
			`/spec+organization: error: organization is required [DC1015] (add organization)`,
		}},
		{"empty organization", "cs", []string{`/spec/organization`, `{}`}, []string{
			`/spec/organization: error: organization needs exactly one of ref, id or name [DC1102]`,
		}},
		{"organization twice", "cs", []string{`/spec/organization`, `{"id": 1, "ref": "acme"}`}, []string{
			`/spec/organization: error: organization needs exactly one of ref, id or name [DC1102]`,
		}},
		{"organization by ref", "cs", []string{`/spec/organization`, `{"ref": "acme"}`}, nil},
		{"organization by bad ref", "cs", []string{`/spec/organization`, `{"ref": "Acme Ltd"}`}, []string{
			`/spec/organization/ref: error: ref must be lower-case letters, digits and inner hyphens, at most 63 characters [DC1012]`,
		}},
		{"organization by details", "cs", []string{`/spec/organization`, `{"name": "New", "country": "US", "address": "1", "city": "Lehi", "state": "Utah", "zip": "1", "telephone": "1"}`}, nil},
		{"organization by half the details", "cs", []string{`/spec/organization`, `{"name": "New", "country": "US"}`}, []string{
			`/spec/organization+address: error: address is required when name is given [DC1015] (add address)`,
			`/spec/organization+city: error: city is required when name is given [DC1015] (add city)`,
			`/spec/organization+state: error: state is required when name is given [DC1015] (add state)`,
			`/spec/organization+telephone: error: telephone is required when name is given [DC1015] (add telephone)`,
			`/spec/organization+zip: error: zip is required when name is given [DC1015] (add zip)`,
		}},
		{"id and details", "cs", []string{`/spec/organization`, `{"id": 1, "country": "US"}`}, []string{
			`/spec/organization/country: error: country must not be given when name is not given [DC1101] (remove it)`,
		}},
		{"names together too long", "org", []string{`/spec/name`, `"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"`, `/spec/assumed_name`, `"aaaaaaaaaaaaaaaaaaaaaa"`}, []string{
			`/spec/assumed_name: error: name and assumed_name have 62 characters together, at most 61 [DC1103] (shorten one of them)`,
		}},
		{"contacts beside ref", "cs", []string{`/spec/organization`, `{"ref": "acme", "contacts": [{"contact_type": "verified_contact", "ref": "jane"}, {"contact_type": "technical_contact", "ref": "jane"}]}`}, []string{
			`/spec/organization/contacts/1/contact_type: error: contact_type must not be organization_contact or technical_contact when organization.ref is given [DC1012] (write the contacts of the organization into its own manifest, those of the order at the root of the order)`,
		}},
		{"contacts of a type twice", "cs", []string{`/spec/organization`, `{"id": 1, "contacts": [{"contact_type": "technical_contact", "user_id": 1}, {"contact_type": "technical_contact", "user_id": "2"}, {"contact_type": "verified_contact", "user_id": "x"}]}`}, []string{
			`/spec/organization/contacts/1: warning: a second technical_contact is ignored: the API takes the first one [DC1201] (remove it)`,
			`/spec/organization/contacts/2/user_id: error: user_id must be a number [DC1012]`,
		}},
		{"verified contact without title", "cs", []string{`/spec/organization`, `{"id": 1, "contacts": [{"contact_type": "verified_contact", "first_name": "A", "last_name": "B", "email": "a@example.com"}]}`}, []string{
			`/spec/organization/contacts/0+job_title: error: job_title is required when contact_type is verified_contact and user_id is not given [DC1015] (add job_title)`,
			`/spec/organization/contacts/0+telephone: error: telephone is required when contact_type is verified_contact and user_id is not given [DC1015] (add telephone)`,
		}},
		{"contact with nobody", "cs", []string{`/spec/organization`, `{"id": 1, "contacts": [{"contact_type": "organization_contact"}]}`}, []string{
			`/spec/organization/contacts/0+email: error: email is required when user_id is not given [DC1015] (add email)`,
			`/spec/organization/contacts/0+first_name: error: first_name is required when user_id is not given [DC1015] (add first_name)`,
			`/spec/organization/contacts/0+last_name: error: last_name is required when user_id is not given [DC1015] (add last_name)`,
		}},
		{"fields beside a contact ref", "cs", []string{`/spec/organization_contact`, `{"ref": "jane", "email": "a@example.com"}`}, []string{
			`/spec/organization_contact/email: error: email must not be given when ref is given [DC1101] (remove it)`,
		}},
		{"root contact without names", "cs", []string{`/spec/technical_contact`, `{"email": "a@example.com"}`}, []string{
			`/spec/technical_contact+first_name: error: first_name is required when ref is not given [DC1015] (add first_name)`,
			`/spec/technical_contact+last_name: error: last_name is required when ref is not given [DC1015] (add last_name)`,
		}},
		{"mailbox with name and organization", "mailbox", []string{`/spec/certificate/common_name`, `"A"`, `/spec/organization`, `{"id": 1}`}, []string{
			`/spec/certificate/common_name: error: common_name must not be given when product is class1_smime [DC1101] (remove it)`,
			`/spec/organization: error: organization must not be given when product is class1_smime [DC1101] (remove it)`,
		}},
		{"sponsor without indicator", "premium", []string{`/spec/certificate/common_name_indicator`, ""}, []string{
			`/spec/certificate+common_name_indicator: warning: common_name_indicator is required when product is client_premium [DC1015] (add common_name_indicator: given_name_surname or pseudonym)`,
		}},
		{"sponsor with pseudonym and names", "premium", []string{`/spec/certificate/common_name_indicator`, `"pseudonym"`}, []string{
			`/spec/certificate/individual+pseudonym: error: pseudonym is required when certificate.common_name_indicator is pseudonym [DC1015] (add pseudonym)`,
			`/spec/certificate/individual/first_name: error: first_name must not be given when certificate.common_name_indicator is pseudonym [DC1101] (remove it)`,
			`/spec/certificate/individual/last_name: error: last_name must not be given when certificate.common_name_indicator is pseudonym [DC1101] (remove it)`,
		}},
		{"indicator elsewhere", "client", []string{`/spec/certificate/common_name_indicator`, `"pseudonym"`, `/spec/certificate/individual`, `{"pseudonym": "x"}`}, []string{
			`/spec/certificate/common_name_indicator: error: common_name_indicator must not be given when product is client_authentication_plus [DC1101] (remove it)`,
			`/spec/certificate/individual: error: individual must not be given when product is client_authentication_plus [DC1101] (remove it)`,
		}},
		{"units of public S/MIME", "premium", []string{`/spec/certificate/organization_units`, `["IT"]`}, []string{
			`/spec/certificate/organization_units: warning: organization_units is ignored when product is client_premium [DC1201] (remove it)`,
		}},
		{"no emails", "client", []string{`/spec/certificate/emails`, `[]`}, []string{
			`/spec/certificate/emails: error: emails needs at least one item [DC1012]`,
		}},
		{"card", "cs", []string{`/spec/payment_method`, `"card"`}, []string{
			`/spec+billing_address: error: billing_address is required when payment_method is card [DC1015] (add billing_address)`,
			`/spec+credit_card: error: credit_card is required when payment_method is card [DC1015] (add credit_card)`,
			`/spec/payment_method: warning: payment_method card is not advisable [DC1206] (no later renewal can use it: prefer balance or profile)`,
		}},
		{"card written down", "cs", []string{`/spec/payment_method`, `"card"`, `/spec/credit_card`, `{"number": "4111111111111111", "cvv": 123, "expiration_month": 13, "expiration_year": {"env": "CARD_YEAR"}, "cardholder_name": "J D"}`, `/spec/billing_address`, `{"address": "a", "city": "c", "country": "us"}`}, []string{
			`/spec/credit_card/cvv: error: cvv is a secret and must not be written down [DC1105] (use {env: NAME} for an environment variable or {file: PATH} for a file that is not committed)`,
			`/spec/credit_card/expiration_month: error: expiration_month must be from 1 to 12 [DC1012]`,
			`/spec/credit_card/number: error: number is a secret and must not be written down [DC1105] (use {env: NAME} for an environment variable or {file: PATH} for a file that is not committed)`,
			`/spec/payment_method: warning: payment_method card is not advisable [DC1206] (no later renewal can use it: prefer balance or profile)`,
		}},
		{"card by reference", "cs", []string{`/spec/payment_method`, `"card"`, `/spec/credit_card`, `{"number": {"env": "CARD"}, "cvv": {"file": "cvv"}, "expiration_month": 12, "expiration_year": 2030, "cardholder_name": {"env": "NAME"}}`, `/spec/billing_address`, `{"address": "a", "city": "c", "country": "us"}`}, []string{
			`/spec/payment_method: warning: payment_method card is not advisable [DC1206] (no later renewal can use it: prefer balance or profile)`,
		}},
		{"card reference of both kinds", "cs", []string{`/spec/payment_method`, `"card"`, `/spec/credit_card`, `{"number": {"env": "CARD", "file": "x"}, "cvv": {}, "expiration_month": 12, "expiration_year": 2030, "cardholder_name": {"name": "NAME"}}`, `/spec/billing_address`, `{"address": "a", "city": "c", "country": "us"}`}, []string{
			`/spec/credit_card/cardholder_name: error: cardholder_name takes either {env: NAME} or {file: PATH} [DC1012]`,
			`/spec/credit_card/cvv: error: cvv takes either {env: NAME} or {file: PATH} [DC1012]`,
			`/spec/credit_card/number: error: number takes either {env: NAME} or {file: PATH} [DC1012]`,
			`/spec/payment_method: warning: payment_method card is not advisable [DC1206] (no later renewal can use it: prefer balance or profile)`,
		}},
		{"card beside balance", "cs", []string{`/spec/credit_card`, `{"number": {"env": "CARD"}, "cvv": {"env": "CVV"}, "expiration_month": 12, "expiration_year": 2030, "cardholder_name": "J"}`, `/spec/vat_number`, `"X1"`}, []string{
			`/spec/credit_card: warning: credit_card is ignored when payment_method is not card [DC1201] (remove it)`,
			`/spec/vat_number: warning: vat_number is ignored when payment_method is not card or profile [DC1201] (remove it)`,
		}},
		{"custom field twice", "cs", []string{`/spec/custom_fields`, `[{"metadata_id": 12, "value": "a"}, {"metadata_id": 12, "value": "b"}]`}, []string{
			`/spec/custom_fields/1/metadata_id: error: metadata_id 12 is there twice [DC1012] (keep one of the two)`,
		}},
		{"auto reissue", "cs", []string{`/spec/auto_reissue`, `1`}, []string{
			`/spec/auto_reissue: warning: auto_reissue is ignored when product is code_signing [DC1201] (remove it)`,
		}},
		{"longer than is issued", "cs", []string{`/spec/order_validity`, `{"days": 460}`}, []string{
			`/spec/order_validity/days: warning: days must be 459 or less [DC1012]`,
		}},
		{"years whose fate is unknown", "cs", []string{`/spec/order_validity`, `{"years": 2}`}, []string{
			`/spec/order_validity/years: warning: whether years may be 2 is not established [DC1205] (docs/unknowns.md says what is known)`,
		}},
		{"wrong now and later", "cs", []string{`/spec/order_validity`, `{"days": 0}`}, []string{
			`/spec/order_validity/days: error: days must be 1 or more [DC1012]`,
		}},
		{"organization of a domain", "cs", []string{`/spec`, `{"product": "ssl_dv_rapidssl", "certificate": {"common_name": "www.example.com", "csr": "x"}, "organization": {"id": 1}, "order_validity": {"years": 1}}`}, []string{
			`/spec/organization: error: organization must not be given when product is ssl_dv_rapidssl [DC1101] (remove it)`,
		}},
		{"grid", "cs", []string{`/spec`, `{"product": "grid_host_ssl", "certificate": {}, "order_validity": {"years": 1}}`}, []string{
			`/spec/product: warning: product is not verified [DC1205] (only the identifier of a grid product is known: ask DigiCert before you order one)`,
		}},
		{"CSR from a file", "cs", []string{`/spec/certificate/csr`, `{"file": "a.csr"}`}, nil},
		{"CSR from nowhere", "cs", []string{`/spec/certificate/csr`, `{"path": "a.csr"}`}, []string{
			`/spec/certificate/csr: error: csr takes a text or {file: PATH} [DC1012]`,
		}},
		{"lifecycle", "cs", []string{`/lifecycle`, `{"generation": 2, "protect": true, "ignore": ["/additional_emails"], "contacts": "follow"}`}, nil},
		{"lifecycle wrong", "cs", []string{`/lifecycle`, `{"generation": 0, "ignore": ["/aditional_emails", "notes", "/custom_fields/[]/value"], "contacts": "lead", "retire": true}`}, []string{
			`/lifecycle/contacts: error: contacts must be follow [DC1012]`,
			`/lifecycle/generation: error: generation must be 1 or more [DC1012]`,
			`/lifecycle/ignore/0: error: ignore names no field: "/aditional_emails" [DC1012] (did you mean "/additional_emails"?)`,
			`/lifecycle/ignore/1: error: ignore names no field: "notes" [DC1012] (did you mean "/notes"?)`,
			`/lifecycle/ignore/2: error: ignore names no field: "/custom_fields/[]/value" [DC1012] (remove it)`,
			`/lifecycle/retire: error: unknown field "retire" [DC1014] (known here: generation, protect, ignore, contacts, renew_before, allow, apply_changes, key)`,
		}},
		{"lifecycle of an organization", "org", []string{`/lifecycle`, `{"generation": 2, "protect": true, "contacts": "follow"}`}, []string{
			`/lifecycle/contacts: error: contacts must not be given when kind is Organization [DC1101] (remove it)`,
			`/lifecycle/generation: error: generation must not be given when kind is Organization [DC1101] (remove it)`,
		}},
		{"lifecycle of a contact", "person", []string{`/lifecycle`, `{"protect": true}`}, []string{
			`/lifecycle: error: lifecycle must not be given when kind is Contact [DC1101] (remove it)`,
		}},
		{"organization contact missing", "org", []string{`/spec/organization_contact`, ""}, []string{
			`/spec+organization_contact: error: organization_contact is required when no contacts.contact_type is organization_contact [DC1015] (add organization_contact)`,
		}},
		{"organization contacts as a list", "org", []string{`/spec/organization_contact`, "", `/spec/contacts`, `[{"contact_type": "organization_contact", "ref": "jane"}, {"contact_type": "technical_contact", "ref": "joe"}]`}, nil},
		{"organization contacts in both forms", "org", []string{`/spec/contacts`, `[{"contact_type": "organization_contact", "ref": "jane"}]`}, []string{
			`/spec/contacts: error: contacts names a contact_type that is given twice [DC1102] (give each contact_type once, either in contacts or as a field beside it)`,
		}},
		{"organization contacts twice", "org", []string{`/spec/contacts`, `[{"contact_type": "technical_contact", "ref": "jane"}, {"contact_type": "technical_contact", "ref": "joe"}]`}, []string{
			`/spec/contacts: error: contacts names a contact_type that is given twice [DC1102] (give each contact_type once, either in contacts or as a field beside it)`,
		}},
		{"organization contacts verified", "org", []string{`/spec/contacts`, `[{"contact_type": "verified_contact", "user_id": 5}]`}, []string{
			`/spec/contacts/0+email: error: email is required when ref is not given [DC1015] (add email)`,
			`/spec/contacts/0+first_name: error: first_name is required when ref is not given [DC1015] (add first_name)`,
			`/spec/contacts/0+last_name: error: last_name is required when ref is not given [DC1015] (add last_name)`,
			`/spec/contacts/0/contact_type: error: contact_type must be organization_contact or technical_contact [DC1012] (name verified contacts under validations[].verified_users)`,
			`/spec/contacts/0/user_id: error: unknown field "user_id" [DC1014] (known here: ref, contact_type, first_name, last_name, email, job_title, telephone, telephone_extension)`,
		}},
		{"validations", "org", []string{`/spec/validations`, `[{"type": "ov"}, {"type": "cs", "verified_users": [{"ref": "jane"}, {"id": 9001}]}]`}, nil},
		{"validations without approvers", "org", []string{`/spec/validations`, `[{"type": "cs"}, {"type": "cs", "verified_users": []}, {"type": "ov", "verified_users": [{"id": "1", "first_name": "A"}, {"first_name": "B"}]}, {"type": "dv"}]`}, []string{
			`/spec/validations/0+verified_users: error: verified_users is required when type is ev, cs or ev_cs [DC1015] (add verified_users)`,
			`/spec/validations/1/type: error: type cs is there twice [DC1012] (keep one of the two)`,
			`/spec/validations/1/verified_users: error: verified_users needs at least one item [DC1012]`,
			`/spec/validations/2/verified_users: warning: verified_users is ignored when type is not ev, cs or ev_cs [DC1201] (remove it)`,
			`/spec/validations/2/verified_users/1+email: error: email is required when id is not given [DC1015] (add email)`,
			`/spec/validations/2/verified_users/1+job_title: error: job_title is required when id is not given [DC1015] (add job_title)`,
			`/spec/validations/2/verified_users/1+last_name: error: last_name is required when id is not given [DC1015] (add last_name)`,
			`/spec/validations/2/verified_users/1+telephone: error: telephone is required when id is not given [DC1015] (add telephone)`,
			`/spec/validations/3/type: error: type must be ov, ev, cs, ev_cs, ds or smime [DC1012] (did you mean "ov"?)`,
		}},
		{"project in full", "project", []string{`/spec`, `{"instance": "eu", "account_id": 1, "container_id": 2, "manifests": ["a", "b/c"], "state": {"file": "s.json"}, "lock": {"mode": "none"}, "limits": {"max_orders": 0, "max_destroy": 1}, "rate_limit": "off", "settle": "0s", "skip_approval": true}`}, nil},
		{"project wrong", "project", []string{`/metadata/uid`, `"x"`, `/spec`, `{"instance": "jp", "manifests": ["/abs"], "lock": {"mode": "maybe", "ref": "main"}, "limits": {"max_orders": -1}, "rate_limit": "100", "settle": "1 minute"}`}, []string{
			`/metadata/uid: error: uid needs at least 8 characters [DC1104] (dcsync init writes a fresh one; never change it later)`,
			`/spec/instance: error: instance must be us or eu [DC1012]`,
			`/spec/limits/max_orders: error: max_orders must be 0 or more [DC1012]`,
			`/spec/lock/mode: error: mode must be auto, git, file or none [DC1012]`,
			`/spec/lock/ref: error: ref has the wrong form [DC1012] (write a full name such as refs/dcsync/lock)`,
			`/spec/manifests/0: error: each item of manifests must be a path inside the project, separated by / [DC1012]`,
			`/spec/rate_limit: error: rate_limit must be off, or windows such as 100/5s,1000/180s [DC1012]`,
			`/spec/settle: error: settle must be a duration such as 60s [DC1012]`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			doc := parse(t, base[tt.doc])
			for i := 0; i < len(tt.put); i += 2 {
				put(t, doc, tt.put[i], tt.put[i+1])
			}
			kind := kinds[tt.doc]
			if kind == "" {
				kind = "Order"
			}
			found := Check(kind, doc, nil)
			if diff := cmp.Diff(tt.want, lines(found)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			agree(t, kind, doc, found)
		})
	}
}

// A document that is empty has one finding for each required member, no more.
func TestCheckEmpty(t *testing.T) {
	t.Parallel()
	for _, kind := range Kinds() {
		for _, v := range Check(kind, resource.Map{}, nil) {
			if v.Path != "" || v.Code != diag.MissingField {
				t.Errorf("%s: %+v", kind, v)
			}
		}
	}
	if got := Check("Nothing", resource.Map{}, nil); got != nil {
		t.Errorf("unknown kind: %v", got)
	}
}

// What the loader makes of a manifest, references followed and files read, is checked again and must pass.
func TestCheckResolved(t *testing.T) {
	t.Parallel()
	order := parse(t, manifest("Order", codeSigning))
	jane := parse(t, `{"first_name": "Jane", "last_name": "Doe", "email": "jane@example.com"}`)
	verified := jane.Clone()
	verified["contact_type"] = resource.String("verified_contact")
	resource.Put(order, "/spec/organization", resource.Map{"id": resource.Ref{Kind: "Organization", Name: "acme"}, "contacts": resource.List{verified}})
	resource.Put(order, "/spec/organization_contact", jane)
	resource.Put(order, "/spec/payment_method", resource.String("card"))
	resource.Put(order, "/spec/billing_address", parse(t, `{"address": "a", "city": "c", "country": "us"}`))
	resource.Put(order, "/spec/credit_card", resource.Map{"number": resource.SecretRef{Env: "CARD"}, "cvv": resource.SecretRef{File: "cvv"},
		"expiration_month": resource.Int(1), "expiration_year": resource.SecretRef{Env: "YEAR"}, "cardholder_name": resource.String("J D")})
	want := []string{
		`/spec/organization/contacts/0+job_title: error: job_title is required when contact_type is verified_contact and user_id is not given [DC1015] (add job_title)`,
		`/spec/organization/contacts/0+telephone: error: telephone is required when contact_type is verified_contact and user_id is not given [DC1015] (add telephone)`,
		`/spec/payment_method: warning: payment_method card is not advisable [DC1206] (no later renewal can use it: prefer balance or profile)`,
	}
	if diff := cmp.Diff(want, lines(Check("Order", order, nil))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}

	// A reference may not be written by hand where an id belongs.
	resource.Put(order, "/spec/organization", parse(t, `{"id": {"ref": "acme"}}`))
	if got := lines(Check("Order", order, nil)); len(got) == 0 || !strings.HasPrefix(got[0], "/spec/organization/id: error: id must be an integer, not a mapping") {
		t.Errorf("got %q", got)
	}
}

// The examples of the order documents are valid once the fields that their fragments leave out are added.
func TestCheckDocumentExamples(t *testing.T) {
	t.Parallel()
	examples := map[string]string{
		"client body": `{"product": "client_authentication_plus", "certificate": {"common_name": "john.doe@example.com", "emails": ["john.doe@example.com"],
			"signature_hash": "sha256", "csr": "` + csrText + `"}, "skip_approval": true, "organization": {"id": 112233},
			"order_validity": {"years": 1}, "payment_method": "balance"}`,
		"validated organization": withOrganization(`{"id": 12345}`),
		"organization and its contacts": withOrganization(`{"id": 12345, "contacts": [
			{"contact_type": "verified_contact", "user_id": 12345}, {"contact_type": "organization_contact", "user_id": 56789},
			{"contact_type": "technical_contact", "first_name": "Jane", "last_name": "Doe", "job_title": "Technician", "telephone": "1234567890",
			"email": "jane.doe@example.com"}]}`),
		"organization not validated": withOrganization(`{"id": 12345, "contacts": [{"contact_type": "verified_contact", "user_id": 12345}]}`),
		"new organization": withOrganization(`{"name": "New Organization", "assumed_name": "New Organization", "country": "us",
			"address": "123 Example Street", "address2": "Floor 08", "city": "Lehi", "state": "Utah", "zip": "12345", "telephone": "123-456-789", "contacts": [
			{"contact_type": "verified_contact", "first_name": "John", "last_name": "Doe", "job_title": "Technician", "telephone": "1234567890", "email": "john.doe@example.com"},
			{"contact_type": "organization_contact", "first_name": "Jane", "last_name": "Doe", "job_title": "Supervisor", "telephone": "1234567890", "email": "jane.doe@example.com"},
			{"contact_type": "technical_contact", "first_name": "Alex", "last_name": "Doe", "job_title": "Technician", "telephone": "1234567890", "email": "alex.doe@example.com"}]}`),
	}
	for name, spec := range examples {
		if got := lines(Check("Order", parse(t, manifest("Order", spec)), nil)); got != nil {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func withOrganization(organization string) string {
	return strings.Replace(codeSigning, `{"id": 12345}`, organization, 1)
}

func TestCheckCallsChecks(t *testing.T) {
	t.Parallel()
	doc := parse(t, manifest("Order", premium))
	put(t, doc, "/spec/certificate/csr", `{"file": "a.csr"}`)
	put(t, doc, "/spec/order_validity", `{"days": 900}`)
	var calls []string
	checks := Checks{}
	for _, name := range CheckNames() {
		checks[name] = func(in CheckInput) []Violation {
			calls = append(calls, fmt.Sprint(name, "(", in.Argument, ") ", in.Path, " ", resource.Text(in.Value), " ", in.Product))
			return []Violation{{Path: in.Path, Code: diag.CSRInvalid, Summary: "no"}}
		}
	}
	found := Check("Order", doc, checks)
	want := []string{
		"within_days(825) /spec/order_validity/days 900 client_premium",
		"mailbox_provider() /spec/certificate/emails/0 alice@example.com client_premium",
	}
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Errorf("calls (-want +got)\n%s", diff)
	}
	if len(found) != 2 || found[0].Severity != diag.Error || found[0].AtSend || found[1].Severity != diag.Warning || !found[1].AtSend {
		t.Errorf("got %+v", found)
	}
	want = []string{"csr", "csr_key", "csr_names", "mailbox_provider", "not_past", "strict_profile", "wildcard", "within_days", "within_order"}
	if diff := cmp.Diff(want, CheckNames()); diff != "" {
		t.Errorf("names (-want +got)\n%s", diff)
	}
	for _, d := range built().documents {
		for _, root := range d.roots() {
			root.walk(func(n *node) {
				for _, c := range n.rules {
					if c.word == wordCheck && c.checkWords() == "" {
						t.Errorf("nobody says what check(%s) wants", c.text)
					}
				}
			})
		}
	}
}

// A secret that was written down does not come back in a message.
func TestCheckKeepsSecrets(t *testing.T) {
	t.Parallel()
	const secret = "4111111111111111"
	for _, member := range []string{"number", "cvv", "expiration_month", "expiration_year", "cardholder_name"} {
		for _, form := range []string{secret, `"` + secret + `"`, `["` + secret + `"]`, `{"env": ` + secret + `}`, secret + ".5"} {
			doc := parse(t, manifest("Order", codeSigning))
			put(t, doc, "/spec/credit_card/"+member, form)
			for _, v := range Check("Order", doc, nil) {
				if strings.Contains(v.Summary+v.Detail+v.Hint, secret) {
					t.Errorf("%s: %s: %+v", member, form, v)
				}
			}
		}
	}
}

// Many findings are sorted and said once in reasonable time.
func TestCheckManyFindings(t *testing.T) {
	t.Parallel()
	doc := parse(t, manifest("Order", codeSigning))
	const many = 20_000
	list := make(resource.List, many)
	for i := range list {
		list[i] = resource.String("nobody")
	}
	resource.Put(doc, "/spec/additional_emails", list)
	if got := len(Check("Order", doc, nil)); got != many {
		t.Errorf("got %d findings, want %d", got, many)
	}
}

func BenchmarkCheck(b *testing.B) {
	doc := parse(b, manifest("Order", codeSigning))
	Check("Order", doc, nil)
	for b.Loop() {
		if got := Check("Order", doc, nil); got != nil {
			b.Fatal(got)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		c, err := load(tableFiles)
		if err != nil {
			b.Fatal(err)
		}
		c.document("Order").validator("code_signing")
	}
}

func FuzzCheck(f *testing.F) {
	for _, spec := range []string{codeSigning, client, premium, mailbox} {
		f.Add("Order", manifest("Order", spec))
	}
	for _, c := range fixtures(f) {
		if c.Rule == "type" && c.Keeps {
			f.Add(c.Kind, canonical(c.Doc))
		}
	}
	f.Add("Organization", manifest("Organization", company))
	f.Add("Contact", manifest("Contact", person))
	f.Add("Project", project)
	f.Add("Order", `{"spec": {"product": "code_signing", "credit_card": [], "order_validity": {"years": 1e400}}}`)
	f.Fuzz(func(t *testing.T, kind, text string) {
		v, err := resource.FromJSON([]byte(text))
		doc, ok := v.(resource.Map)
		if err != nil || !ok {
			t.Skip()
		}
		found := Check(kind, doc, nil)
		for _, v := range found {
			if v.Summary == "" || v.Code == "" || v.Severity == "" {
				t.Errorf("incomplete finding %+v", v)
			}
			if v.Path != "" && resource.Get(doc, v.Path) == nil {
				t.Errorf("finding at nothing: %+v", v)
			}
		}
		if diff := cmp.Diff(found, Check(kind, doc, nil)); diff != "" {
			t.Errorf("a second run differs\n%s", diff)
		}
	})
}
