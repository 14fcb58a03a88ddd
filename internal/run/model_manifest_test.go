package run_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"dcsync/internal/pki"
	"dcsync/reconcile"
	"dcsync/state"
)

// What the model's project wants, and how it is written down.

// modelProduct is one manifest that may be in the project: one product of each table, but for grid certificates, which the sandbox does
// not sell.
type modelProduct struct {
	name, product, org string
	verified           bool // its organization's verified contacts approve it
	csr, tls           bool
	kills              bool // another certificate may end the one before, so that it needs consent
	spec               string
}

const shipInfo = "  ship_info: {name: Jane Doe, addr1: 1 Main St, city: Lehi, state: Utah, zip: \"84043\", country: us, method: STANDARD}\n"

var modelProducts = []modelProduct{
	{name: "driver", product: "code_signing_ev", org: "north", verified: true, kills: true, spec: "  cs_provisioning_method: ship_token\n"},
	{name: "driver-b", product: "code_signing_ev", org: "north", verified: true, kills: true, spec: "  cs_provisioning_method: ship_token\n"},
	{name: "installer", product: "code_signing", org: "north", verified: true, csr: true, kills: true, spec: "  cs_provisioning_method: email\n"},
	{name: "mail", product: "client_premium", org: "north"},
	{name: "shop", product: "ssl_basic", org: "north", csr: true, tls: true},
	{name: "seal", product: "document_signing_org_1", org: "north", csr: true, kills: true, spec: "  cs_provisioning_method: email\n  csa_agreed_to: 1\n"},
	{name: "login", product: "client_authentication_plus", org: "south"},
	{name: "inner", product: "private_ssl_flex", org: "south", csr: true, tls: true, kills: true},
	{name: "stamp", product: "ds_org", org: "south", kills: true, spec: "  cs_provisioning_method: ship_token\n" + shipInfo},
	{name: "sponsor", product: "secure_email_sponsor", org: "south", csr: true, kills: true},
	{name: "bank", product: "ssl_ev_plus", org: "south", verified: true, csr: true, tls: true},
	{name: "box", product: "class1_smime"},
	{name: "site", product: "ssl_dv_geotrust_flex", csr: true, tls: true},
}

// keysEach is how many keys each manifest chooses from.
const keysEach = 3

// modelKeys are signing requests, keysEach for each product in a row.
var modelKeys = sync.OnceValue(func() []string {
	var out []string
	for range len(modelProducts) * keysEach {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err)
		}
		der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
		if err != nil {
			panic(err)
		}
		out = append(out, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})))
	}
	return out
})

// modelDigests gives the digest of each key, by its signing request.
var modelDigests = sync.OnceValue(func() map[string]string {
	out := map[string]string{}
	for _, text := range modelKeys() {
		csr, err := pki.ParseCSR(text)
		if err != nil {
			panic(err)
		}
		out[text] = csr.PublicKeySHA256
	}
	return out
})

// model is what the project wants, and what is remembered of the runs and people before.
type model struct {
	git       func(args ...string) // in its repository; nil where it has none
	w         *world
	approvals bool // the account's approval is not skipped
	people    map[string]int
	orgs      map[string]*modelOrg
	orders    map[string]*modelOrder // by first name

	committed []byte // the last state that landed
	behind    bool   // the state may lack what earlier runs did
	lost      bool   // all of the state was lost once

	ended       map[int]bool    // orders that may have ended: by people or by consent
	dying       map[int]bool    // orders whose earlier certificates may be revoked by a reissue
	revoked     map[string]bool // serial numbers of certificates that may be revoked
	off         map[int]bool    // organizations that may be inactive
	refused     map[int]bool    // orders of which people rejected a reissue
	spentOf     []string        // whose retire block the last plan called carried out
	unrecorded  map[int]bool    // orders of which another certificate was asked for in a run whose record was lost
	compromised map[string]bool // keys that the state knew as compromised before the last run
	theirs      map[string]int  // note text → order id, of notes others wrote
	counter     int
	written     string
	seen        *snapshot
	seenAt      seenAt
	state       *state.File // as stateBytes hold it
	stateBytes  []byte
}

type modelOrg struct {
	legal, name string
	moved       []string
	present     bool
	contact     string
	technical   string // "" for none
	status      string // "", active or inactive
	allow       bool   // deactivate-in-use
	protect     bool
	types       []string // validations, in the order they were added
	approvers   []string // of those that need any
}

type modelOrder struct {
	modelProduct
	keys       []string
	first      string // its first name
	moved      []string
	present    bool
	generation int

	years, key, names int
	emails, notes     []string
	message           string
	notices           string // "", "true" or "false"
	field             string // value of custom field 12, "" for none
	contact           string // person, "" for none

	renew      string // renew_before
	changes    string // apply_changes
	reuse      bool
	protect    bool
	mayReplace bool
	mayRevoke  bool
	ignore     []string // paths left to others: of the names, the e-mails and the message
	retire     *modelRetire

	nonces map[[2]int]string
}

// modelRetire is one retire block, from when it was written until it is taken away or another takes its place.
type modelRetire struct {
	target, action, reason string
	comments               string
	cancelReissue          bool
	carried                []int // the orders that were ended for it, or asked to be
}

// newModel makes the model of a project that may hold the chosen ones of modelProducts: few, so that much happens to each.
func newModel(w *world, chosen []int, approvals bool) *model {
	m := &model{w: w, approvals: approvals, people: map[string]int{"ann": 0, "bob": 0}, orgs: map[string]*modelOrg{}, orders: map[string]*modelOrder{},
		ended: map[int]bool{}, dying: map[int]bool{}, revoked: map[string]bool{}, off: map[int]bool{}, refused: map[int]bool{}, unrecorded: map[int]bool{},
		theirs: map[string]int{}}
	for _, org := range []string{"north", "south"} {
		m.orgs[org] = &modelOrg{legal: org, name: org, contact: "ann"}
	}
	for _, i := range chosen {
		p := modelProducts[i]
		o := &modelOrder{modelProduct: p, first: p.name, generation: 1, years: 1, nonces: map[[2]int]string{}, keys: modelKeys()[i*keysEach : (i+1)*keysEach]}
		m.orders[p.name] = o
		for k, csr := range o.keys {
			if p.csr {
				w.write(fmt.Sprintf("%s-%d.csr", p.name, k), csr)
			}
		}
	}
	if approvals {
		w.file("dcsync.yaml", strings.Replace(projectYAML, "skip_approval: true", "skip_approval: false", 1))
	}
	return m
}

func (o *modelOrder) nonce(generation, sequence int) string {
	at := [2]int{generation, sequence}
	if o.nonces[at] == "" {
		o.nonces[at] = reconcile.Nonce(modelAccount, modelUID, "Order", o.first, generation, sequence)
	}
	return o.nonces[at]
}

// dnsNames are what a TLS order is for; the common name is among them.
func (o *modelOrder) dnsNames() []string {
	cn := o.first + ".example.com"
	return [][]string{{cn, "www." + cn}, {cn, "pay." + cn, "www." + cn}, {cn, "pay." + cn}}[o.names]
}

const (
	modelNames   = "/certificate/dns_names"
	modelEmails  = "/additional_emails"
	modelMessage = "/custom_renewal_message"
)

// leaves tells whether a field is left to others.
func (o *modelOrder) leaves(path string) bool { return slices.Contains(o.ignore, path) }

// write puts the manifests on disk as the model wants them.
func (m *model) write() {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(m.people)) {
		fmt.Fprintf(&b, "---\napiVersion: dcsync/v1\nkind: Contact\nmetadata: {name: %s}\nspec: {first_name: %s, last_name: Doe, email: %s@example.com", name, name, name)
		if v := m.people[name]; v%3 != 2 { // now and then without a title
			fmt.Fprintf(&b, ", job_title: title %d", v)
		}
		b.WriteString("}\n")
	}
	for _, name := range slices.Sorted(maps.Keys(m.orgs)) {
		if o := m.orgs[name]; o.present {
			o.manifest(&b)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.orders)) {
		if o := m.orders[name]; o.present {
			o.manifest(&b, m.orgs[o.org])
		}
	}
	if b.String() != m.written {
		m.written = b.String()
		m.w.write("all.yaml", m.written)
	}
}

func (o *modelOrg) manifest(b *strings.Builder) {
	fmt.Fprintf(b, "---\napiVersion: dcsync/v1\nkind: Organization\nmetadata: {name: %s%s}\n", o.name, movedFrom(o.moved))
	allow := ""
	if o.allow {
		allow = "deactivate-in-use"
	}
	fmt.Fprintf(b, "lifecycle: {protect: %v, allow: [%s]}\nspec:\n  name: %s Works\n  address: 1 Street\n  city: Lehi\n"+
		"  state: Utah\n  zip: \"84043\"\n  country: us\n  telephone: 801-555-0100\n  organization_contact: {ref: %s}\n", o.protect, allow, o.legal, o.contact)
	if o.technical != "" {
		fmt.Fprintf(b, "  technical_contact: {ref: %s}\n", o.technical)
	}
	if o.status != "" {
		fmt.Fprintf(b, "  status: %s\n", o.status)
	}
	if len(o.types) > 0 {
		b.WriteString("  validations:\n")
	}
	for _, t := range o.types {
		fmt.Fprintf(b, "    - type: %s\n", t)
		if t == "cs" {
			b.WriteString("      verified_users:\n")
			for _, name := range o.approvers {
				fmt.Fprintf(b, "        - {first_name: %s, last_name: Fied, email: %s@example.com, job_title: Head, telephone: \"5\"}\n", name, name)
			}
		}
	}
}

func movedFrom(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return ", moved_from: [" + strings.Join(names, ", ") + "]"
}

func (o *modelOrder) manifest(b *strings.Builder, org *modelOrg) {
	fmt.Fprintf(b, "---\napiVersion: dcsync/v1\nkind: Order\nmetadata: {name: %s%s}\nlifecycle: {generation: %d, contacts: follow, protect: %v", o.name, movedFrom(o.moved), o.generation, o.protect)
	var allow []string
	if o.mayReplace {
		allow = append(allow, "replace")
	}
	if o.mayRevoke {
		allow = append(allow, "reissue-revoking")
	}
	fmt.Fprintf(b, ", allow: [%s]", strings.Join(allow, ", "))
	if o.renew != "" {
		fmt.Fprintf(b, ", renew_before: %s", o.renew)
	}
	if o.changes != "" {
		fmt.Fprintf(b, ", apply_changes: %s", o.changes)
	}
	if o.reuse {
		b.WriteString(", key: reuse")
	}
	if len(o.ignore) > 0 {
		fmt.Fprintf(b, ", ignore: [%s]", strings.Join(o.ignore, ", "))
	}
	b.WriteString("}\n")
	if r := o.retire; r != nil {
		fmt.Fprintf(b, "retire: {target: \"%s\", action: %s, comments: %s", r.target, r.action, r.comments)
		if r.action == "revoke" {
			fmt.Fprintf(b, ", reason: %s, cancel_reissue: %v", r.reason, r.cancelReissue)
		}
		b.WriteString("}\n")
	}
	fmt.Fprintf(b, "spec:\n  product: %s\n  order_validity: {years: %d}\n%s", o.product, o.years, o.spec)
	o.certificate(b)
	if org != nil {
		verified := ""
		if o.verified {
			verified = ", contacts: [{contact_type: verified_contact, first_name: Vera, last_name: Fied, email: vera@example.com, job_title: Head, telephone: \"5\"}]"
		}
		fmt.Fprintf(b, "  organization: {ref: %s%s}\n", org.name, verified)
	}
	if o.contact != "" {
		fmt.Fprintf(b, "  organization_contact: {ref: %s}\n", o.contact)
	}
	if len(o.emails) > 0 {
		fmt.Fprintf(b, "  additional_emails: [%s]\n", strings.Join(o.emails, ", "))
	}
	if len(o.notes) > 0 {
		fmt.Fprintf(b, "  notes: [%s]\n", strings.Join(o.notes, ", "))
	}
	if o.message != "" {
		fmt.Fprintf(b, "  custom_renewal_message: %s\n", o.message)
	}
	if o.notices != "" {
		fmt.Fprintf(b, "  disable_renewal_notifications: %s\n", o.notices)
	}
	if o.field != "" {
		fmt.Fprintf(b, "  custom_fields: [{metadata_id: 12, value: %s}]\n", o.field)
	}
}

func (o *modelOrder) certificate(b *strings.Builder) {
	b.WriteString("  certificate:\n    signature_hash: sha256\n")
	if o.csr {
		fmt.Fprintf(b, "    csr: {file: %s-%d.csr}\n", o.first, o.key)
	}
	switch {
	case o.tls:
		fmt.Fprintf(b, "    common_name: %s.example.com\n    dns_names: [%s]\n", o.first, strings.Join(o.dnsNames(), ", "))
	case o.product == "client_premium":
		fmt.Fprintf(b, "    common_name: Ann\n    common_name_indicator: pseudonym\n    individual: {pseudonym: Ann}\n    emails: [%s@example.com]\n", o.first)
	case o.product == "client_authentication_plus":
		fmt.Fprintf(b, "    common_name: %s\n    emails: [%s@example.com]\n", o.first, o.first)
	case o.product == "class1_smime":
		fmt.Fprintf(b, "    emails: [%s@example.com]\n", o.first)
	case o.product == "secure_email_sponsor":
		fmt.Fprintf(b, "    common_name_indicator: given_name_surname\n    individual: {first_name: Ann, last_name: Doe}\n    emails: [%s@example.com]\n"+
			"    usage_designation: {primary_usage: signing}\n", o.first)
	case o.product == "ds_org":
		b.WriteString("    server_platform: {id: -1}\n    usage_designation: {primary_usage: signing}\n")
	}
}

// person gives what a manifest declares of a person.
func (m *model) person(name string) modelContact {
	out := modelContact{FirstName: name, LastName: "Doe", Email: name + "@example.com"}
	if v := m.people[name]; v%3 != 2 {
		out.JobTitle = fmt.Sprintf("title %d", v)
	}
	return out
}
