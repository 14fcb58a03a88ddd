package run_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/certcentral"
	"dcsync/internal/kinds"
	"dcsync/internal/resource"
	"dcsync/internal/run"
	"dcsync/internal/sandbox"
	"dcsync/internal/secret"
	"dcsync/internal/step"
	"dcsync/reconcile"
	"dcsync/state"
)

// checker is what the harness needs of a test; *testing.T and *rapid.T have it.
type checker interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// world is one project on disk and the sandbox it is applied to.
type world struct {
	checker
	dir    string
	base   string            // address of the sandbox
	wire   http.RoundTripper // to the sandbox
	server *httptest.Server  // nil where the wire is direct
	clock  *clock
	sent   *recorder
	step   step.Hook
	loaded *run.Project // as long as no file changes

	accept      bool // the next runs pass --accept-key-change
	parallelism int
	settle      time.Duration
	timeout     time.Duration // of one HTTP request; 0: the client's own
	key         string
}

// clock passes when somebody sleeps, and at once.
type clock struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
	wake  func(time.Duration) // called while sleeping; may be nil
}

// Now gives the time.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Sleep moves the time.
func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	c.now = c.now.Add(d)
	c.slept = append(c.slept, d)
	wake := c.wake
	c.mu.Unlock()
	if wake != nil {
		wake(d)
	}
	return ctx.Err()
}

// call is one request as it left the client.
type call struct {
	Method string
	Path   string // below the API's address
	Body   string
}

// recorder keeps the writes that pass it, and lets a test step in before one is sent.
type recorder struct {
	next   http.RoundTripper
	mu     sync.Mutex
	writes []call
	before func(*http.Request) // may be nil
}

// RoundTrip records and passes on.
func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	before := r.before
	if req.Method != http.MethodGet {
		c := call{Method: req.Method, Path: strings.TrimPrefix(req.URL.Path, "/services/v2")}
		if req.GetBody != nil {
			if body, err := req.GetBody(); err == nil {
				text, _ := io.ReadAll(body)
				c.Body = string(text)
			}
		}
		r.writes = append(r.writes, c)
	}
	r.mu.Unlock()
	if before != nil {
		before(req)
	}
	return r.next.RoundTrip(req)
}

// take gives the writes recorded since the last call.
func (r *recorder) take() []call {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.writes
	r.writes = nil
	return out
}

// writes gives "METHOD path" of the writes recorded since the last call.
func (w *world) writes() []string {
	var out []string
	for _, c := range w.sent.take() {
		out = append(out, c.Method+" "+c.Path)
	}
	return out
}

const projectYAML = `apiVersion: dcsync/v1
kind: Project
metadata: {name: test, uid: 11111111-2222-3333-4444-555555555555}
spec: {settle: 0s, skip_approval: true}
`

// newWorld makes a project with the given manifests (file below manifests/ → text) and a sandbox of its own.
func newWorld(t *testing.T, opts sandbox.Options, files map[string]string) *world {
	t.Helper()
	w := openWorld(t, t.TempDir(), opts)
	w.server = httptest.NewServer(w.wire.(*direct).handler)
	pool := &http.Transport{}
	w.base, w.wire, w.sent.next = w.server.URL, pool, pool
	t.Cleanup(func() {
		pool.CloseIdleConnections()
		w.server.CloseClientConnections()
		w.server.Close()
	})
	for name, text := range files {
		w.write(name, text)
	}
	return w
}

// openWorld makes a world in a folder, without a socket to its sandbox. The sandbox's clock is the world's.
func openWorld(t checker, dir string, opts sandbox.Options) *world {
	t.Helper()
	w := &world{checker: t, dir: dir, parallelism: 1, key: "sandbox-key", base: "http://127.0.0.1",
		clock: &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}}
	if opts.Now == nil {
		opts.Now = w.clock.Now
	}
	box, err := sandbox.New(opts)
	if err != nil {
		t.Fatalf("open sandbox: %v", err)
	}
	w.wire = &direct{handler: box.Handler()}
	w.sent = &recorder{next: w.wire}
	w.file("dcsync.yaml", projectYAML)
	if err := os.MkdirAll(filepath.Join(dir, "manifests"), 0o755); err != nil {
		t.Fatalf("make project: %v", err)
	}
	return w
}

func (w *world) file(name, text string) {
	w.Helper()
	w.loaded = nil
	path := filepath.Join(w.dir, filepath.FromSlash(name))
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		w.Fatalf("write project: %v", err)
	}
}

func (w *world) write(name, text string) { w.Helper(); w.file("manifests/"+name, text) }

func (w *world) remove(name string) {
	w.Helper()
	w.loaded = nil
	if err := os.Remove(filepath.Join(w.dir, "manifests", name)); err != nil {
		w.Fatalf("remove manifest: %v", err)
	}
}

// edit replaces text in a manifest, which must hold it.
func (w *world) edit(name, from, to string) {
	w.Helper()
	path := filepath.Join(w.dir, "manifests", name)
	text, err := os.ReadFile(path)
	if err != nil {
		w.Fatalf("edit manifest: %v", err)
	}
	if !strings.Contains(string(text), from) {
		w.Fatalf("edit %s: it does not hold %q:\n%s", name, from, text)
	}
	w.write(name, strings.Replace(string(text), from, to, 1))
}

func (w *world) open() *run.Project {
	w.Helper()
	if w.loaded == nil {
		p, err := run.Open(context.Background(), w.dir, "", w.clock.Now())
		if err != nil {
			w.Fatalf("open project: %v", err)
		}
		w.loaded = p
	}
	return w.loaded
}

func (w *world) url() string { return w.base + "/services/v2" }

// account gives the live account through the world's key.
func (w *world) account() *kinds.Remote {
	w.Helper()
	c, err := certcentral.New(certcentral.Config{BaseURL: w.url(), Key: secret.New(w.key), Version: "test", Timeout: w.timeout,
		Clock: w.clock, Jitter: func() float64 { return 0 }, Transport: w.sent, Step: w.step})
	if err != nil {
		w.Fatalf("make client: %v", err)
	}
	return kinds.New(c, func(ref resource.SecretRef) (secret.String, error) { return secret.New(secrets[ref.Env]), nil }, 0)
}

// secrets are what secret references in manifests stand for, by environment name.
var secrets = map[string]string{"CARD": "4111111111111111", "CVV": "7373"}

func (w *world) planOptions(refresh reconcile.Refresh) run.PlanOptions {
	return run.PlanOptions{Refresh: refresh, Now: w.clock.Now(), APIURL: w.url(), MaxOrders: -1, MaxDestroy: -1, AcceptKeyChange: w.accept, Version: "test"}
}

func (w *world) applyOptions() run.ApplyOptions {
	return run.ApplyOptions{PlanOptions: w.planOptions(reconcile.RefreshAuto), Locking: run.Locking{Mode: "none"}, Parallelism: w.parallelism, Settle: w.settle,
		Clock: w.clock.Now, Sleep: w.clock.Sleep}
}

// plan makes a plan that no limit refuses.
func (w *world) plan(refresh reconcile.Refresh) *reconcile.Plan {
	w.Helper()
	p, err := w.open().Plan(context.Background(), w.account(), w.planOptions(refresh))
	if err != nil {
		w.Fatalf("plan: %v", err)
	}
	return p
}

// apply carries out whatever is due, and gives the error of the run. mods adjust its options.
func (w *world) apply(mods ...func(*run.ApplyOptions)) (*run.Applied, error) {
	w.Helper()
	o := w.applyOptions()
	for _, m := range mods {
		m(&o)
	}
	return w.open().Apply(context.Background(), w.account(), o)
}

func full(o *run.ApplyOptions) { o.Refresh = reconcile.RefreshFull }

// mustApply applies, and wants every change done or waiting for people.
func (w *world) mustApply(mods ...func(*run.ApplyOptions)) *run.Applied {
	w.Helper()
	a, err := w.apply(mods...)
	if err != nil {
		w.Fatalf("apply: %v", err)
	}
	for _, r := range a.Ledger.Results {
		if r.Outcome != resource.Done && r.Outcome != resource.Waiting {
			w.Fatalf("apply: %s %s %s: %v", r.Action, r.Address, r.Outcome, r.Err)
		}
	}
	return a
}

// outcomes gives "action Kind/name: outcome" for each result, by address.
func outcomes(a *run.Applied) []string {
	var out []string
	for _, r := range a.Ledger.Results {
		out = append(out, fmt.Sprintf("%s %s: %s", r.Action, r.Address, r.Outcome))
	}
	slices.Sort(out)
	return out
}

// changes gives "action Kind/name (trigger): path=origin …" for each visible change of a plan.
func changes(p *reconcile.Plan) []string {
	var out []string
	for _, c := range p.Visible() {
		line := fmt.Sprintf("%s %s (%s)", c.Action, c.Address, c.Trigger)
		if c.Action != resource.Create {
			for _, f := range c.Fields {
				line += fmt.Sprintf(" %s=%s", f.Path, f.Origin)
			}
		}
		out = append(out, line)
	}
	return out
}

// change gives the one change of an address with an action.
func (w *world) change(p *reconcile.Plan, action resource.Action, address string) *reconcile.Change {
	w.Helper()
	for _, c := range p.Changes {
		if c.Action == action && c.Address.String() == address {
			return c
		}
	}
	w.Fatalf("no %s of %s in the plan:\n%s", action, address, strings.Join(changes(p), "\n"))
	return nil
}

// want compares lists of lines.
func (w *world) want(what string, got []string, want ...string) {
	w.Helper()
	if d := cmp.Diff(want, got); d != "" && len(want)+len(got) > 0 {
		w.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// converged wants that nothing is left to do, by both refresh modes, and that an idle apply leaves the state file byte by byte.
func (w *world) converged() {
	w.Helper()
	for _, refresh := range []reconcile.Refresh{reconcile.RefreshAuto, reconcile.RefreshFull} {
		if p := w.plan(refresh); len(p.Visible()) > 0 {
			w.Errorf("second plan (%s) is not empty:\n%s", refresh, strings.Join(changes(p), "\n"))
		}
	}
	before := w.stateBytes()
	w.sent.take()
	w.mustApply()
	if after := w.stateBytes(); !bytes.Equal(before, after) {
		w.Errorf("an apply with nothing to do changed the state (-before +after):\n%s", cmp.Diff(string(before), string(after)))
	}
	w.want("writes of an apply with nothing to do", w.writes())
}

func (w *world) statePath() string { return filepath.Join(w.dir, "dcsync.state.json") }

// stateBytes gives the state file, nil when there is none.
func (w *world) stateBytes() []byte {
	w.Helper()
	data, err := os.ReadFile(w.statePath())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.Fatalf("read state: %v", err)
	}
	return data
}

// state gives the state, and wants the file to be canonical.
func (w *world) state() *state.File {
	w.Helper()
	data := w.stateBytes()
	f, err := state.Decode("dcsync.state.json", data)
	if err != nil {
		w.Fatalf("decode state: %v", err)
	}
	again, err := state.Encode(f)
	if err != nil || !bytes.Equal(data, again) {
		w.Fatalf("the state file is not canonical (%v):\n%s", err, cmp.Diff(string(data), string(again)))
	}
	return f
}

// entry gives the state of one address.
func (w *world) entry(kind, name string) *state.Entry {
	w.Helper()
	e := w.state().Objects[resource.Address{Kind: kind, Name: name}]
	if e == nil {
		w.Fatalf("%s/%s is not in state", kind, name)
	}
	return e
}

// lose throws the state file away.
func (w *world) lose() {
	w.Helper()
	if err := os.Remove(w.statePath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.Fatalf("lose state: %v", err)
	}
}

// control makes a control call of the sandbox and gives its answer.
func (w *world) control(method, path string, body any) map[string]any {
	w.Helper()
	answer := w.controlled(method, path, body)
	if len(answer) == 0 {
		return nil
	}
	var out map[string]any
	if err := json.Unmarshal(answer, &out); err != nil {
		w.Fatalf("%s %s: %v", method, path, err)
	}
	return out
}

// controlled makes a control call and gives the answer's bytes.
func (w *world) controlled(method, path string, body any) []byte {
	w.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		w.Fatalf("encode %s: %v", path, err)
	}
	req, err := http.NewRequest(method, w.base+"/_sandbox"+path, bytes.NewReader(text))
	if err != nil {
		w.Fatalf("%s %s: %v", method, path, err)
	}
	resp, err := w.wire.RoundTrip(req)
	if err != nil {
		w.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		w.Fatalf("%s %s: %d %s %v", method, path, resp.StatusCode, answer, err)
	}
	return answer
}

// as makes a call of the API that is none of dcsync's, and gives the status of its answer.
func (w *world) as(method, path string, body any) (int, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequest(method, w.url()+path, bytes.NewReader(text))
	if err != nil {
		return 0, err
	}
	req.Header.Set("X-DC-DEVKEY", w.key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := w.wire.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// fault makes the next calls that match go wrong.
func (w *world) fault(match, do string, times int) {
	w.Helper()
	w.control("POST", "/faults", []map[string]any{{"match": match, "do": do, "times": times}})
}

// patch edits an object of the account behind dcsync's back.
func (w *world) patch(kind, id string, change map[string]any) {
	w.Helper()
	w.control("PATCH", "/objects/"+kind+"/"+id, change)
}

// do is what people and DigiCert do to an order.
func (w *world) do(id, what string) { w.Helper(); w.control("POST", "/orders/"+id+"/"+what, nil) }

// dumped gives the objects of one list of the dump.
func (w *world) dumped(list string) []map[string]any {
	w.Helper()
	items, _ := w.control("GET", "/dump", nil)[list].([]any)
	var out []map[string]any
	for _, item := range items {
		out = append(out, item.(map[string]any))
	}
	return out
}

// object gives one object of the dump.
func (w *world) object(list, id string) map[string]any {
	w.Helper()
	for _, o := range w.dumped(list) {
		if fmt.Sprint(int(o["id"].(float64))) == id {
			return o
		}
	}
	w.Fatalf("the account has no %s %s", list, id)
	return nil
}

// holds wants the account to hold so many organizations and orders.
func (w *world) holds(organizations, orders int) {
	w.Helper()
	if got := len(w.dumped("organizations")); got != organizations {
		w.Errorf("the account holds %d organizations, want %d", got, organizations)
	}
	if got := len(w.dumped("orders")); got != orders {
		w.Errorf("the account holds %d orders, want %d", got, orders)
	}
}

// noteTexts gives the texts of an order's notes, sorted.
func (w *world) noteTexts(id string) []string {
	w.Helper()
	var out []string
	notes, _ := w.object("orders", id)["notes"].([]any)
	for _, n := range notes {
		out = append(out, n.(map[string]any)["text"].(string))
	}
	slices.Sort(out)
	return out
}

// The manifests most tests begin with: an organization with both contacts, taken from Contact manifests, and an EV code signing
// order on a shipped token, whose own contacts are declared.
const (
	contactsYAML = `apiVersion: dcsync/v1
kind: Contact
metadata: {name: jane}
spec: {first_name: Jane, last_name: Doe, email: jane@example.com, job_title: Officer, telephone: 801-555-0101}
---
apiVersion: dcsync/v1
kind: Contact
metadata: {name: sam}
spec: {first_name: Sam, last_name: Roe, email: sam@example.com}
---
apiVersion: dcsync/v1
kind: Contact
metadata: {name: ruth}
spec: {first_name: Ruth, last_name: Park, email: ruth@example.com, job_title: Counsel, telephone: 801-555-0102}
`
	acmeYAML = `apiVersion: dcsync/v1
kind: Organization
metadata: {name: acme}
spec:
  name: Acme Corporation
  address: 1 Example Street
  city: Lehi
  state: Utah
  zip: "84043"
  country: us
  telephone: 801-555-0100
  organization_contact: {ref: jane}
  technical_contact: {ref: sam}
`
	driverYAML = `apiVersion: dcsync/v1
kind: Order
metadata: {name: driver}
spec:
  product: code_signing_ev
  certificate: {signature_hash: sha256}
  cs_provisioning_method: ship_token
  organization:
    ref: acme
    contacts: [{contact_type: verified_contact, ref: ruth}]
  organization_contact: {ref: jane}
  order_validity: {years: 1}
  additional_emails: [pki@example.com]
  notes: ["ticket 1"]
`
	mailYAML = `apiVersion: dcsync/v1
kind: Order
metadata: {name: mail}
spec:
  product: client_premium
  certificate:
    common_name: Alice Example
    common_name_indicator: given_name_surname
    individual: {first_name: Alice, last_name: Example}
    emails: [alice@example.com]
    signature_hash: sha256
  organization: {ref: acme}
  order_validity: {years: 1}
`
	boxYAML = `apiVersion: dcsync/v1
kind: Order
metadata: {name: box}
spec:
  product: class1_smime
  certificate:
    emails: [box@example.com]
    signature_hash: sha256
  order_validity: {years: 1}
`
)

func acme() map[string]string {
	return map[string]string{"contacts.yaml": contactsYAML, "acme.yaml": acmeYAML}
}

// with adds files to a copy of a project.
func with(files map[string]string, more ...string) map[string]string {
	out := maps.Clone(files)
	for i := 0; i < len(more); i += 2 {
		out[more[i]] = more[i+1]
	}
	return out
}

func demo() map[string]string {
	return with(acme(), "driver.yaml", driverYAML, "mail.yaml", mailYAML)
}

// seenAs is an account under another identity or with narrower eyes.
type seenAs struct {
	*kinds.Remote
	identity func(*resource.Identity)
	listing  func(kind string, l *resource.Listing)
}

// Whoami lies about who the key belongs to.
func (a seenAs) Whoami(ctx context.Context) (*resource.Identity, error) {
	id, err := a.Remote.Whoami(ctx)
	if err == nil && a.identity != nil {
		a.identity(id)
	}
	return id, err
}

// List shows less than there is.
func (a seenAs) List(ctx context.Context, kind string) (*resource.Listing, error) {
	l, err := a.Remote.List(ctx, kind)
	if err == nil && a.listing != nil {
		a.listing(kind, l)
	}
	return l, err
}
