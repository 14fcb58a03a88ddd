package cli

import (
	"path/filepath"
	"slices"
	"time"

	"dcsync/internal/gitrepo"
	"dcsync/internal/sandbox"
	"dcsync/internal/step"
	"dcsync/reconcile"
)

// scenario is an apply that is killed. Together they make every call that must not be repeated (domain rules, section 3), and beside them
// the call that ends a retirement of each sort, and a landing on a git remote.
type scenario struct {
	name    string
	points  []step.Point // where it is killed; none: everywhere, as it is with DCSYNC_SOAK
	options sandbox.Options
	prepare func(*scene)
	want    wants
}

const (
	driver    = "manifests/orders/driver-signing.yaml"
	installer = "manifests/orders/installer-signing.yaml"
	mail      = "manifests/orders/alice-mail.yaml"
	acme      = "manifests/organizations/acme.yaml"
)

// The calls that are counted beside the placing of orders.
const (
	organizing    = "POST /organization"
	noting        = "POST /order/certificate/{order_id}/note"
	unnoting      = "DELETE /order/certificate/{order_id}/note/{note_id}"
	reissuing     = "POST /order/certificate/{order_id}/reissue"
	submitting    = "POST /organization/{organization_id}/validation"
	revoking      = "PUT /order/certificate/{order_id}/revoke"
	revokingOne   = "PUT /certificate/{certificate_id}/revoke"
	canceling     = "PUT /order/certificate/{order_id}/status"
	answering     = "PUT /request/{request_id}/status"
	notIssuedYet  = 24 * time.Hour
	installerNote = "Windows installer, ticket DESK-41"
)

var (
	mailNote   = "Asked for by HR, ticket HR-7"
	firstNotes = []string{mailNote, installerNote}
)

// closedYAML is an organization that nothing refers to.
const closedYAML = `---
apiVersion: dcsync/v1
kind: Organization
metadata: {name: branch}
spec:
  name: Branch Works
  address: 2 Example Street
  city: Lehi
  state: Utah
  zip: "84043"
  country: us
  telephone: 801-555-0199
  organization_contact: {ref: jane-doe}
  status: active
`

var scenarios = []scenario{
	{name: "first", prepare: func(*scene) {}, want: wants{orders: 3, organizations: 1, posts: 3, notes: firstNotes}},
	{name: "organization created", prepare: func(s *scene) { s.drop(driver, installer, mail, "manifests/orders/installer.csr") },
		want: wants{organizations: 1, calls: map[string]int{organizing: 1}}},
	{name: "edited", prepare: func(s *scene) {
		s.applied()
		s.edit(installer, "[pki@example.com]", "[pki@example.com, desktop@example.com]")
		s.edit("manifests/contacts/people.yaml", "Head of Security", "Chief Security Officer")
	}, want: wants{orders: 3, organizations: 1, notes: firstNotes}},
	{name: "notes edited", prepare: func(s *scene) {
		s.applied()
		s.edit(installer, installerNote, "Handed over, ticket DESK-42")
	}, want: wants{orders: 3, organizations: 1, notes: []string{mailNote, "Handed over, ticket DESK-42"}, calls: map[string]int{noting: 1}}},
	{name: "renewed", prepare: func(s *scene) {
		s.add(driver, "lifecycle: {renew_before: 30d}\n")
		s.applied()
		s.pass(340)
	}, want: wants{orders: 4, organizations: 1, posts: 1, notes: firstNotes}},
	{name: "replaced", prepare: func(s *scene) {
		s.add(driver, "lifecycle: {apply_changes: now, allow: [replace]}\n")
		s.applied()
		s.edit(driver, "{years: 1}", "{years: 2}")
	}, want: wants{orders: 4, organizations: 1, posts: 1, notes: firstNotes}},
	{name: "reissued", prepare: func(s *scene) {
		s.add(installer, "lifecycle: {allow: [reissue-revoking]}\n")
		s.applied()
		s.rekey()
	}, want: wants{orders: 3, organizations: 1, notes: firstNotes, calls: map[string]int{reissuing: 1}}},
	{name: "validation submitted", prepare: func(s *scene) {
		s.applied()
		s.edit(acme, "lifecycle:", "  validations: [{type: ov}]\nlifecycle:")
	}, want: wants{orders: 3, organizations: 1, notes: firstNotes, calls: map[string]int{submitting: 1}}},
	{name: "canceled", options: sandbox.Options{IssueAfter: notIssuedYet}, prepare: func(s *scene) {
		s.applied()
		s.add(mail, "retire: {target: current, action: cancel, comments: ticket DESK-43}\n")
	}, want: wants{orders: 3, organizations: 1, notes: firstNotes, calls: map[string]int{canceling: 1}}},
	{name: "withdrawn", prepare: func(s *scene) {
		s.edit("dcsync.yaml", "skip_approval: true", "skip_approval: false")
		s.applied()
		s.add(mail, "retire: {target: current, action: withdraw, comments: ticket DESK-43}\n")
	}, want: wants{orders: 3, organizations: 1, notes: firstNotes, calls: map[string]int{answering: 1}}},
	{name: "revoked", prepare: func(s *scene) {
		s.applied()
		s.add(driver, "retire: {target: current, action: revoke, comments: ticket DESK-43}\n")
	}, want: wants{orders: 3, organizations: 1, notes: firstNotes, calls: map[string]int{revoking: 1}}},
	{name: "certificate revoked", prepare: func(s *scene) {
		s.applied()
		s.add(driver, "retire: {target: 'certificate:"+s.serial()+"', action: revoke, comments: ticket DESK-43}\n")
	}, want: wants{orders: 3, organizations: 1, notes: firstNotes, calls: map[string]int{revokingOne: 1}}},
	{name: "revocation waits", prepare: func(s *scene) {
		s.applied()
		s.edit("dcsync.yaml", "skip_approval: true", "skip_approval: false")
		s.add(driver, "retire: {target: current, action: revoke, comments: ticket DESK-43}\n")
	}, want: wants{orders: 3, organizations: 1, notes: firstNotes, calls: map[string]int{revoking: 1}}},
	{name: "reissue canceled", prepare: func(s *scene) {
		s.edit("dcsync.yaml", "skip_approval: true", "skip_approval: false")
		s.add(installer, "lifecycle: {allow: [reissue-revoking]}\n")
		s.applied()
		s.approveAll()
		s.rekey()
		s.applied() // the reissue waits for approval
		s.edit("dcsync.yaml", "skip_approval: false", "skip_approval: true")
		s.add(installer, "retire: {target: current, action: revoke, cancel_reissue: true, comments: ticket DESK-43}\n")
	}, want: wants{orders: 3, organizations: 1, notes: firstNotes, calls: map[string]int{canceling: 1, revoking: 1}}},
	{name: "switched off", prepare: func(s *scene) {
		s.add(acme, closedYAML)
		s.applied()
		s.edit(acme, "status: active", "status: inactive")
	}, want: wants{orders: 3, organizations: 2, notes: firstNotes}},
	{name: "landed", points: landingPoints(), prepare: func(s *scene) {
		s.drop(driver, installer, "manifests/orders/installer.csr")
		s.publish()
	}, want: wants{orders: 1, organizations: 1, posts: 1, notes: []string{mailNote}}},
	{name: "landed again", points: landingPoints(), prepare: func(s *scene) {
		s.publish()
		s.applied()
		s.edit(installer, "[pki@example.com]", "[pki@example.com, desktop@example.com]")
		s.push("add an address")
	}, want: wants{orders: 3, organizations: 1, notes: firstNotes}},
	{name: "landed apart", points: landingPoints(), prepare: func(s *scene) {
		s.drop(driver, installer, "manifests/orders/installer.csr")
		s.add("dcsync.yaml", "  state: {ref: dcsync-state}\n")
		s.branch = "dcsync-state"
		s.publish()
	}, want: wants{orders: 1, organizations: 1, posts: 1, notes: []string{mailNote}}},
}

// landingPoints are those that only a landing passes, and those at which the account has something that no state knows yet. At the others a
// run with a remote does what one without does.
func landingPoints() []step.Point {
	return slices.Concat(gitrepo.Points(), []step.Point{reconcile.AfterCreate, reconcile.AfterChange})
}

// rekey puts another signing request beside the installer's manifest.
func (s *scene) rekey() {
	s.t.Helper()
	s.write(filepath.Join(s.dir, "manifests", "orders", "installer.csr"), s.read(filepath.Join("..", "..", "testdata", "rules", "csr", "p256.csr")))
}

// serial gives the serial number of the order that was placed first of those that have one.
func (s *scene) serial() string {
	s.t.Helper()
	for _, o := range s.dump().Orders {
		if o.Certificate.Serial != "" {
			return o.Certificate.Serial
		}
	}
	s.t.Fatal("no certificate is issued")
	return ""
}

// approveAll lets people approve every order that waits for it.
func (s *scene) approveAll() {
	s.t.Helper()
	for _, o := range s.dump().Orders {
		if o.Status == "needs_approval" {
			s.post("/_sandbox/orders/"+itoa(o.ID)+"/approve", "")
		}
	}
}
