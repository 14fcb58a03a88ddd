package run_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"dcsync/internal/resource"
	"dcsync/internal/run"
	"dcsync/internal/sandbox"
	"dcsync/internal/step"
	"dcsync/reconcile"
)

const (
	modelUID     = "11111111-2222-3333-4444-555555555555"
	modelAccount = 1234567
	modelSteps   = 30 // of one check, on average
)

// TestModel plays random histories of a small project: edits of its manifests, edits of the account behind dcsync's back, time that
// passes, calls that go wrong, runs that are cut off, a state file that is lost. After each undisturbed apply the account must hold
// what the manifests want, each order once, and nothing ended that people did not end themselves.
//
// By default it makes about 2,000 steps, with DCSYNC_SOAK=1 a million; -rapid.checks and -rapid.steps overrule both. A failing
// history is kept under testdata/rapid and played first from then on.
func TestModel(t *testing.T) {
	t.Parallel()
	checks := 2_000 / modelSteps
	if os.Getenv("DCSYNC_SOAK") != "" {
		checks = 1_000_000 / modelSteps
	}
	given := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	for name, value := range map[string]int{"rapid.checks": checks, "rapid.steps": modelSteps} {
		if !given[name] {
			if err := flag.Set(name, fmt.Sprint(value)); err != nil {
				t.Fatal(err)
			}
		}
	}
	rapid.Check(t, playModel)
}

func playModel(t *rapid.T) {
	dir, err := os.MkdirTemp("", "dcsync-model-")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	w, end := openWorld(t, dir, sandbox.Options{
		UniqueAlternativeIDs: rapid.Bool().Draw(t, "unique ids"),
		IssueAfter:           rapid.SampledFrom([]time.Duration{0, 36 * time.Hour}).Draw(t, "issue after"),
	})
	defer end()
	m := newModel(w)
	t.Repeat(map[string]func(*rapid.T){
		"":                  m.check,
		"add":               m.add,
		"remove":            m.remove,
		"edit order":        m.editOrder,
		"edit order again":  m.editOrder, // twice as often as the others
		"edit person":       m.editPerson,
		"edit organization": m.editOrganization,
		"drift":             m.drift,
		"end an order":      m.end,
		"order again":       m.raise,
		"time passes":       m.advance,
		"faulty apply":      m.faultyApply,
		"interrupted apply": m.interruptedApply,
		"state is lost":     func(*rapid.T) { w.lose() },
		"apply":             m.apply,
	})
	m.apply(t)
}

// model is what the project wants and what people did to the account.
type model struct {
	w       *world
	people  map[string]int // name → how often the person was changed
	orgs    map[string]*modelOrg
	orders  map[string]*modelOrder
	ended   map[string]bool   // ids of orders that people ended
	theirs  map[string]string // note text → order id, of notes others wrote
	counter int
	written string
}

type modelOrg struct {
	present   bool
	contact   string
	technical string // "" for none
}

type modelOrder struct {
	name, product, org string
	present            bool
	generation         int
	emails, notes      []string
	message            string
	notices            string // "", "true" or "false"
	field              string // value of custom field 12, "" for none
	contact            string // person, "" for none
}

func newModel(w *world) *model {
	m := &model{w: w, people: map[string]int{"ann": 0, "bob": 0}, orgs: map[string]*modelOrg{}, orders: map[string]*modelOrder{},
		ended: map[string]bool{}, theirs: map[string]string{}}
	for _, org := range []string{"north", "south"} {
		m.orgs[org] = &modelOrg{contact: "ann"}
		for _, product := range []string{"code_signing_ev", "client_premium", "client_authentication_plus"} {
			name := strings.ReplaceAll(product, "_", "-") + "-" + org
			m.orders[name] = &modelOrder{name: name, product: product, org: org, generation: 1}
		}
	}
	for _, name := range []string{"box-a", "box-b"} {
		m.orders[name] = &modelOrder{name: name, product: "class1_smime", generation: 1}
	}
	return m
}

func (o *modelOrder) nonce() string {
	return reconcile.Nonce(modelAccount, modelUID, "Order", o.name, o.generation, 0)
}

// write puts the manifests on disk as the model wants them.
func (m *model) write() {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(m.people)) {
		fmt.Fprintf(&text, "---\napiVersion: dcsync/v1\nkind: Contact\nmetadata: {name: %s}\nspec: {first_name: %s, last_name: Doe, email: %s@example.com", name, name, name)
		if v := m.people[name]; v%3 != 2 { // now and then without a title
			fmt.Fprintf(&text, ", job_title: title %d", v)
		}
		text.WriteString("}\n")
	}
	for _, name := range slices.Sorted(maps.Keys(m.orgs)) {
		if o := m.orgs[name]; o.present {
			fmt.Fprintf(&text, "---\napiVersion: dcsync/v1\nkind: Organization\nmetadata: {name: %s}\nspec:\n  name: %s Works\n  address: 1 Street\n  city: Lehi\n"+
				"  state: Utah\n  zip: \"84043\"\n  country: us\n  telephone: 801-555-0100\n  organization_contact: {ref: %s}\n", name, name, o.contact)
			if o.technical != "" {
				fmt.Fprintf(&text, "  technical_contact: {ref: %s}\n", o.technical)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.orders)) {
		if o := m.orders[name]; o.present {
			text.WriteString(o.manifest())
		}
	}
	if text.String() != m.written {
		m.written = text.String()
		m.w.write("all.yaml", m.written)
	}
}

func (o *modelOrder) manifest() string {
	var b strings.Builder
	fmt.Fprintf(&b, "---\napiVersion: dcsync/v1\nkind: Order\nmetadata: {name: %s}\nlifecycle: {generation: %d, contacts: follow}\nspec:\n  product: %s\n"+
		"  order_validity: {years: 1}\n", o.name, o.generation, o.product)
	verified := ""
	switch o.product {
	case "code_signing_ev":
		b.WriteString("  certificate: {signature_hash: sha256}\n  cs_provisioning_method: ship_token\n")
		verified = ", contacts: [{contact_type: verified_contact, first_name: Vera, last_name: Fied, email: vera@example.com, job_title: Head, telephone: \"5\"}]"
	case "client_premium":
		fmt.Fprintf(&b, "  certificate: {common_name: %s, common_name_indicator: pseudonym, individual: {pseudonym: %s}, emails: [%s@example.com], signature_hash: sha256}\n", o.name, o.name, o.name)
	case "client_authentication_plus":
		fmt.Fprintf(&b, "  certificate: {common_name: %s, emails: [%s@example.com], signature_hash: sha256}\n", o.name, o.name)
	case "class1_smime":
		fmt.Fprintf(&b, "  certificate: {emails: [%s@example.com], signature_hash: sha256}\n", o.name)
	}
	if o.org != "" {
		fmt.Fprintf(&b, "  organization: {ref: %s%s}\n", o.org, verified)
	}
	if o.contact != "" {
		fmt.Fprintf(&b, "  organization_contact: {ref: %s}\n", o.contact)
	}
	if len(o.emails) > 0 {
		fmt.Fprintf(&b, "  additional_emails: [%s]\n", strings.Join(o.emails, ", "))
	}
	if len(o.notes) > 0 {
		fmt.Fprintf(&b, "  notes: [%s]\n", strings.Join(o.notes, ", "))
	}
	if o.message != "" {
		fmt.Fprintf(&b, "  custom_renewal_message: %s\n", o.message)
	}
	if o.notices != "" {
		fmt.Fprintf(&b, "  disable_renewal_notifications: %s\n", o.notices)
	}
	if o.field != "" {
		fmt.Fprintf(&b, "  custom_fields: [{metadata_id: 12, value: %s}]\n", o.field)
	}
	return b.String()
}

func pick[T any](t *rapid.T, what string, list []T) T {
	if len(list) == 0 {
		t.Skip("no " + what)
	}
	return list[rapid.IntRange(0, len(list)-1).Draw(t, what)]
}

// chosen gives the orders of the model that pass a test, by name.
func (m *model) chosen(keep func(*modelOrder) bool) []*modelOrder {
	var out []*modelOrder
	for _, name := range slices.Sorted(maps.Keys(m.orders)) {
		if o := m.orders[name]; keep(o) {
			out = append(out, o)
		}
	}
	return out
}

func present(o *modelOrder) bool { return o.present }
func absent(o *modelOrder) bool  { return !o.present }

func (m *model) add(t *rapid.T) {
	o := pick(t, "order", m.chosen(absent))
	o.present = true
	if o.org != "" {
		m.orgs[o.org].present = true
	}
}

func (m *model) remove(t *rapid.T) {
	o := pick(t, "order", m.chosen(present))
	o.present = false
	used := m.chosen(func(p *modelOrder) bool { return p.present && p.org == o.org })
	if o.org != "" && len(used) == 0 && rapid.Bool().Draw(t, "the organization too") {
		m.orgs[o.org].present = false
	}
}

func (m *model) editOrder(t *rapid.T) {
	o := pick(t, "order", m.chosen(present))
	some := func(what string, of ...string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(of), 0, len(of), rapid.ID[string]).Draw(t, what)
	}
	switch rapid.SampledFrom([]string{"emails", "notes", "message", "notices", "field", "contact"}).Draw(t, "field") {
	case "emails":
		o.emails = some("emails", "a@example.com", "b@example.com", "c@example.com")
	case "notes":
		o.notes = some("notes", "note 1", "note 2", "note 3")
	case "message":
		o.message = rapid.SampledFrom([]string{"", "soon", "later"}).Draw(t, "message")
	case "notices":
		o.notices = rapid.SampledFrom([]string{"", "true", "false"}).Draw(t, "notices")
	case "field":
		o.field = rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "value")
	case "contact":
		o.contact = rapid.SampledFrom([]string{"", "ann", "bob"}).Draw(t, "contact")
	}
}

func (m *model) editPerson(t *rapid.T) {
	m.people[rapid.SampledFrom([]string{"ann", "bob"}).Draw(t, "person")]++
}

func (m *model) editOrganization(t *rapid.T) {
	o := m.orgs[rapid.SampledFrom([]string{"north", "south"}).Draw(t, "organization")]
	o.contact = rapid.SampledFrom([]string{"ann", "bob"}).Draw(t, "contact")
	o.technical = rapid.SampledFrom([]string{"", "ann", "bob"}).Draw(t, "technical contact")
}

func (m *model) drift(t *rapid.T) {
	order := pick(t, "order in the account", m.w.dumped("orders"))
	id := idOf(order)
	switch rapid.SampledFrom([]string{"emails", "notes", "their note", "message", "notices", "field"}).Draw(t, "drift") {
	case "emails":
		m.w.patch("order", id, map[string]any{"additional_emails": []string{"else@example.com"}})
	case "notes": // ours go, theirs stay
		notes := slices.DeleteFunc(list(order["notes"]), func(n map[string]any) bool { return !strings.HasPrefix(n["text"].(string), "their") })
		m.w.patch("order", id, map[string]any{"notes": notes})
	case "their note":
		m.counter++
		text := fmt.Sprintf("their note %d", m.counter)
		m.w.patch("order", id, map[string]any{"notes": append(list(order["notes"]), map[string]any{"id": 0, "date_created": "", "text": text,
			"user": map[string]any{"id": 9002, "first_name": "Sam", "last_name": "Standard"}})})
		m.theirs[text] = id
	case "message":
		m.w.patch("order", id, map[string]any{"custom_renewal_message": "theirs"})
	case "notices":
		m.w.patch("order", id, map[string]any{"disable_renewal_notifications": order["disable_renewal_notifications"] != true})
	case "field":
		m.w.patch("order", id, map[string]any{"custom_fields": []any{map[string]any{"metadata_id": 12, "label": "Cost center", "value": "drifted"},
			map[string]any{"metadata_id": 13, "label": "Team", "value": "theirs"}}})
	}
}

func idOf(object map[string]any) string { return fmt.Sprint(int(object["id"].(float64))) }

func list(v any) []map[string]any {
	out := []map[string]any{}
	items, _ := v.([]any)
	for _, item := range items {
		out = append(out, item.(map[string]any))
	}
	return out
}

var endedStatuses = []string{"rejected", "canceled", "revoked", "expired"}

func hasEnded(order map[string]any) bool {
	return slices.Contains(endedStatuses, order["status"].(string))
}

func (m *model) end(t *rapid.T) {
	live := slices.DeleteFunc(m.w.dumped("orders"), hasEnded)
	order := pick(t, "order in the account", live)
	what := "reject"
	if order["status"] == "issued" {
		what = rapid.SampledFrom([]string{"revoke", "expire"}).Draw(t, "end")
	}
	m.w.do(idOf(order), what)
	m.ended[idOf(order)] = true
}

// current gives the orders in the account that carry the model's present nonces, by name.
func (m *model) current(t *rapid.T) map[string]map[string]any {
	byNonce := map[string]map[string]any{}
	for _, order := range m.w.dumped("orders") {
		nonce := order["alternative_order_id"].(string)
		if twin := byNonce[nonce]; twin != nil {
			t.Fatalf("two orders for one intent: %s and %s", idOf(twin), idOf(order))
		}
		byNonce[nonce] = order
	}
	out := map[string]map[string]any{}
	for _, o := range m.chosen(present) {
		if order := byNonce[o.nonce()]; order != nil {
			out[o.name] = order
		}
	}
	return out
}

// raise asks for the next order where the present one has ended.
func (m *model) raise(t *rapid.T) {
	current := m.current(t)
	o := pick(t, "ended order", m.chosen(func(o *modelOrder) bool { return current[o.name] != nil && hasEnded(current[o.name]) }))
	o.generation++
}

func (m *model) advance(t *rapid.T) {
	d := rapid.SampledFrom([]time.Duration{time.Minute, 24 * time.Hour, 40 * 24 * time.Hour}).Draw(t, "time")
	_ = m.w.clock.Sleep(context.Background(), d)
}

func generous(o *run.ApplyOptions) { o.MaxOrders, o.MaxDestroy = 1000, 1000 }

func (m *model) faultyApply(t *rapid.T) {
	m.write()
	for range rapid.IntRange(1, 3).Draw(t, "faults") {
		match := rapid.SampledFrom([]string{"POST /order/certificate/*", "POST /organization", "POST /order/certificate/*/note", "PUT /**", "GET /order/alternate/*",
			"GET /order/certificate/*", "GET /order/certificate", "GET /organization", "DELETE /**", "POST /**", "* /**"}).Draw(t, "call")
		do := rapid.SampledFrom([]string{"drop_before", "drop_after", "status:500", "status:503", "status_after:500", "status:429", "status:403", "status:400", "html"}).Draw(t, "fault")
		m.w.fault(match, do, rapid.SampledFrom([]int{1, 2, 9}).Draw(t, "times"))
	}
	_, _ = m.w.apply(generous) // whatever comes of it
	m.w.control("DELETE", "/faults", nil)
}

// interruptedApply cuts a run off at one of its steps: by a drain, or by ending its context, after which nothing more is sent.
func (m *model) interruptedApply(t *rapid.T) {
	m.write()
	left, hard := rapid.IntRange(0, 25).Draw(t, "steps"), rapid.Bool().Draw(t, "hard")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	drain := make(chan struct{})
	o := m.w.applyOptions()
	generous(&o)
	o.Drain = drain
	o.Step = func(step.Point) {
		if left--; left != -1 {
			return
		}
		if hard {
			cancel()
		} else {
			close(drain)
		}
	}
	_, _ = m.w.open().Apply(ctx, m.w.account(), o)
}

// apply carries out whatever is due, undisturbed, and holds the account against the model.
func (m *model) apply(t *rapid.T) {
	m.write()
	for {
		a, err := m.w.apply(full, generous)
		if err != nil {
			t.Fatalf("apply: %v", err)
		}
		if m.heal(t, a) {
			continue
		}
		m.results(t, a)
		break
	}
	m.converged(t)
	m.holds(t)
}

// heal does what the hint says where an organization without state is in the account with another contact: it is made to agree.
func (m *model) heal(t *rapid.T, a *run.Applied) bool {
	healed := false
	for _, r := range a.Ledger.Results {
		if r.Outcome != resource.OutcomeOfBlocked || r.Address.Kind != "Organization" || !strings.Contains(r.Err.Message, "or one much like it") {
			continue
		}
		for _, org := range m.w.dumped("organizations") {
			if org["name"] != r.Address.Name+" Works" {
				continue
			}
			contact, _ := org["organization_contact"].(map[string]any)
			want := m.person(m.orgs[r.Address.Name].contact)
			same := true
			for k, v := range want {
				same = same && contact[k] == v
			}
			if same {
				t.Fatalf("%s equals its manifest and is not adopted: %s", r.Address, r.Err.Message)
			}
			m.w.patch("organization", idOf(org), map[string]any{"organization_contact": want})
			healed = true
		}
	}
	return healed
}

func (m *model) person(name string) map[string]any {
	out := map[string]any{"first_name": name, "last_name": "Doe", "email": name + "@example.com"}
	if v := m.people[name]; v%3 != 2 {
		out["job_title"] = fmt.Sprintf("title %d", v)
	}
	return out
}

// results wants every change carried out, but for orders that have ended.
func (m *model) results(t *rapid.T, a *run.Applied) {
	current := m.current(t)
	for _, r := range a.Ledger.Results {
		order := current[r.Address.Name]
		switch {
		case r.Outcome == resource.Done || r.Outcome == resource.Waiting:
		case r.Outcome == resource.OutcomeOfBlocked && r.Address.Kind == "Order" && order != nil && hasEnded(order):
		default:
			t.Fatalf("%s %s is %s: %v", r.Action, r.Address, r.Outcome, r.Err)
		}
	}
}

// converged wants an empty second plan, but for orders that have ended, and an idle apply that leaves the state as it is.
func (m *model) converged(t *rapid.T) {
	current := m.current(t)
	for _, refresh := range []reconcile.Refresh{reconcile.RefreshAuto, reconcile.RefreshFull} {
		p, err := m.w.open().Plan(context.Background(), m.w.account(), m.w.planOptions(refresh))
		if err != nil {
			t.Fatalf("second plan (%s): %v", refresh, err)
		}
		for _, c := range p.Visible() {
			if order := current[c.Address.Name]; c.Action != resource.Blocked || order == nil || !hasEnded(order) {
				t.Fatalf("second plan (%s) is not empty:\n%s\n%s", refresh, strings.Join(changes(p), "\n"), c.Reason)
			}
		}
	}
	before := m.w.stateBytes()
	if _, err := m.w.apply(full); err != nil {
		t.Fatalf("idle apply: %v", err)
	}
	if !bytes.Equal(before, m.w.stateBytes()) {
		t.Fatal("an apply with nothing to do changed the state")
	}
	m.w.state() // canonical
}

// holds wants the account to hold what the manifests want.
func (m *model) holds(t *rapid.T) {
	current := m.current(t)
	for _, o := range m.chosen(present) {
		order := current[o.name]
		if order == nil {
			t.Fatalf("there is no order for %s, generation %d", o.name, o.generation)
		}
		if id := m.w.entry("Order", o.name).Identity.ID; id != idOf(order) {
			t.Fatalf("%s: state has %s, the account %s", o.name, id, idOf(order))
		}
		if !hasEnded(order) {
			m.orderHolds(t, o, order)
		}
	}
	for name, o := range m.orgs {
		if o.present {
			org := m.w.object("organizations", m.w.entry("Organization", name).Identity.ID)
			m.contactHolds(t, name, org["organization_contact"], o.contact)
			if o.technical != "" {
				m.contactHolds(t, name, org["technical_contact"], o.technical)
			}
		}
	}
}

func (m *model) orderHolds(t *rapid.T, o *modelOrder, order map[string]any) {
	var emails, notes []string
	addresses, _ := order["additional_emails"].([]any)
	for _, e := range addresses {
		emails = append(emails, e.(string))
	}
	for _, n := range list(order["notes"]) {
		notes = append(notes, n["text"].(string))
	}
	want := slices.Sorted(slices.Values(o.emails))
	if slices.Sort(emails); len(want) > 0 && !slices.Equal(emails, want) {
		t.Fatalf("%s: emails %v, want %v", o.name, emails, want)
	}
	for _, text := range o.notes {
		if n := len(slices.DeleteFunc(slices.Clone(notes), func(s string) bool { return s != text })); n != 1 {
			t.Fatalf("%s: note %q stands %d times", o.name, text, n)
		}
	}
	if o.message != "" && order["custom_renewal_message"] != o.message {
		t.Fatalf("%s: message %v, want %q", o.name, order["custom_renewal_message"], o.message)
	}
	if o.notices != "" && fmt.Sprint(order["disable_renewal_notifications"]) != o.notices {
		t.Fatalf("%s: notices %v, want %s", o.name, order["disable_renewal_notifications"], o.notices)
	}
	for _, f := range list(order["custom_fields"]) {
		if o.field != "" && f["metadata_id"] == float64(12) && f["value"] != o.field {
			t.Fatalf("%s: custom field %v, want %q", o.name, f, o.field)
		}
	}
	if o.contact != "" {
		m.contactHolds(t, o.name, order["organization_contact"], o.contact)
	}
}

// contactHolds compares a contact with what is declared of a person.
func (m *model) contactHolds(t *rapid.T, holder string, have any, name string) {
	contact, _ := have.(map[string]any)
	want := m.person(name)
	for k, v := range want {
		if contact[k] != v {
			t.Fatalf("%s: contact %v, want %v", holder, contact, want)
		}
	}
}

// check holds at any time, however the last run ended.
func (m *model) check(t *rapid.T) {
	m.current(t) // no intent twice
	texts := map[string]bool{}
	for _, order := range m.w.dumped("orders") {
		if status := order["status"].(string); slices.Contains([]string{"rejected", "canceled", "revoked"}, status) && !m.ended[idOf(order)] {
			t.Fatalf("order %s is %s, and nobody asked for that", idOf(order), status)
		}
		for _, n := range list(order["notes"]) {
			texts[n["text"].(string)] = true
		}
	}
	for text, id := range m.theirs {
		if !texts[text] {
			t.Fatalf("order %s has lost %q", id, text)
		}
	}
	names := map[any]bool{}
	for _, org := range m.w.dumped("organizations") {
		if org["is_active"] != true || names[org["name"]] {
			t.Fatalf("organization %v is inactive or stands twice", org["name"])
		}
		names[org["name"]] = true
	}
	if m.w.stateBytes() != nil {
		m.w.state() // canonical
	}
}
