package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
	"dcsync/internal/term"
	"dcsync/reconcile"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares with, or under -update writes, a file below testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func order(name string) resource.Address { return resource.Address{Kind: "Order", Name: name} }

// pem makes a text in the shape of a CSR.
func pem(lines ...string) resource.String {
	return resource.String("-----BEGIN CERTIFICATE REQUEST-----\n" + strings.Join(lines, "\n") + "\n-----END CERTIFICATE REQUEST-----\n")
}

// fullPlan holds one of everything a plan can show.
func fullPlan() *reconcile.Plan {
	acme := resource.Address{Kind: "Organization", Name: "acme"}
	jane := resource.Address{Kind: "Contact", Name: "jane-doe"}
	return &reconcile.Plan{
		CreatedAt: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC),
		AsOf:      time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC),
		Commit:    "0123456789abcdef0123456789abcdef01234567",
		Inputs:    "sha256:aa", Digest: "sha256:bb",
		Refresh: reconcile.RefreshAuto, Complete: true,
		Compared: reconcile.Compared{List: 4, Info: 1},
		State:    &reconcile.StateRef{Lineage: "3f9c", Serial: 12, Digest: "sha256:cc"},
		Account:  &reconcile.AccountRef{ID: 1234567, APIURL: "https://www.digicert.com/services/v2"},
		Cost:     reconcile.Cost{Orders: 1, Requests: 5, Price: &reconcile.Price{Amount: "598.00", Currency: "USD", Complete: true}},
		Changes: []*reconcile.Change{
			{
				Address: order("old"), Action: resource.Revoke, Trigger: resource.ByIntent, Reason: "retired: superseded", ID: "5001",
				Revokes: []string{"certificate 91 of order 5001"}, Source: resource.Source{File: "manifests/old.yaml", Line: 1}, Requests: 2, Generation: 1,
			},
			{
				Address: order("stuck"), Action: resource.Blocked, Trigger: resource.ByIntent, Reason: "order 77 was placed by this project under another name",
				Source: resource.Source{File: "manifests/stuck.yaml", Line: 3}, Generation: 1,
			},
			{
				Address: order("installer"), Action: resource.Create, Trigger: resource.ByIntent, Reason: "not in state", Product: "code_signing",
				Source: resource.Source{File: "manifests/orders.yaml", Line: 7}, DependsOn: []resource.Address{acme}, Requests: 4, Generation: 2, Sequence: 1,
				Fields: []resource.FieldChange{
					{Path: "/certificate/csr", After: pem("MIIB", "AAAA"), Origin: resource.FromIntent},
					{Path: "/certificate/signature_hash", After: resource.String("sha256"), Origin: resource.FromIntent},
					{Path: "/organization/id", After: resource.Ref(acme), Origin: resource.FromIntent},
					{Path: "/order_validity/years", After: resource.Int(1), Origin: resource.FromIntent},
					{Path: "/additional_emails", After: resource.List{resource.String("pki@example.com"), resource.String("")}, Origin: resource.FromIntent},
					{Path: "/credit_card/number", Origin: resource.FromIntent, Sensitive: true},
					{Path: "/payment", After: resource.Map{"cvv": resource.SecretRef{Env: "CVV"}, "zip": resource.String("01234")}, Origin: resource.FromIntent},
				},
			},
			{
				Address: acme, Action: resource.Adopt, Trigger: resource.ByRecovery, Reason: "found in the account", ID: "33",
				Source: resource.Source{File: "manifests/acme.yaml", Line: 1}, Generation: 1,
			},
			{
				Address: order("tokens"), Action: resource.Update, Trigger: resource.ByDrift, Reason: "changed in the account", ID: "5002",
				Source: resource.Source{File: "manifests/tokens.yaml", Line: 1}, Requests: 3, Generation: 1,
				Fields: []resource.FieldChange{
					{Path: "/certificate/csr", Before: pem("MIIB", "BBBB", "CCCC"), Applied: pem("MIIB", "AAAA", "CCCC"), After: pem("MIIB", "AAAA", "CCCC"), Origin: resource.FromDrift},
					{Path: "/notes", Before: resource.List{resource.String("a")}, Applied: resource.List{resource.String("a")}, Origin: resource.FromIntent},
					{Path: "/organization_contact/email", Before: resource.String("x@example.com"), Applied: resource.String("j@example.com"),
						After: resource.String("jane@example.com"), Origin: resource.FromBoth, Via: jane},
					{Path: "/custom_fields", Before: resource.List{resource.Map{"name": resource.String("cost center"), "value": resource.String("4711")},
						resource.Map{"name": resource.String("purchase order"), "value": resource.String("PO-1 \x1b[31m")}},
						After: resource.List{resource.Map{"name": resource.String("cost center"), "value": resource.String("4712")},
							resource.Map{"name": resource.String("purchase order"), "value": resource.String("PO-1 \x1b[31m")}}, Origin: resource.FromDrift},
				},
			},
			{Address: order("gone"), Action: resource.Forget, Trigger: resource.ByIntent, Reason: "manifest removed", ID: "ORD-9", Generation: 1},
			{Address: order("later"), Action: resource.Deferred, Trigger: resource.ByIntent, Reason: "kept for the next certificate", ID: "5004", Generation: 1},
			{Address: order("same"), Action: resource.Noop},
			{Address: order("same2"), Action: resource.Noop},
		},
		UnmanagedCount: 1,
		Findings:       diag.List{{Severity: diag.Warning, Code: diag.FieldReleased, Summary: "released", Address: "Order/tokens", Path: "/notes"}},
		Waiting:        1,
	}
}

func emptyPlan() *reconcile.Plan {
	return &reconcile.Plan{
		CreatedAt: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), AsOf: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC),
		Inputs: "sha256:aa", Digest: "sha256:bb", Refresh: reconcile.RefreshFull, Complete: true, Compared: reconcile.Compared{Info: 2},
		Changes: []*reconcile.Change{{Address: order("same"), Action: resource.Noop}, {Address: order("same2"), Action: resource.Noop}},
	}
}

func TestPlanText(t *testing.T) {
	t.Parallel()
	incomplete := emptyPlan()
	incomplete.Complete, incomplete.Refresh, incomplete.Waiting = false, reconcile.RefreshNone, 1
	for name, p := range map[string]*reconcile.Plan{"plan.txt": fullPlan(), "plan-empty.txt": emptyPlan(), "plan-incomplete.txt": incomplete} {
		var b bytes.Buffer
		if err := PlanText(term.NewStream(&b, term.Auto, nil), p); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.Bytes())
	}
}

// Colour helps and carries no meaning: without it the text is the same.
func TestPlanTextColour(t *testing.T) {
	t.Parallel()
	var plain, coloured bytes.Buffer
	if err := errors.Join(
		PlanText(term.NewStream(&plain, term.Never, nil), fullPlan()),
		PlanText(term.NewStream(&coloured, term.Always, nil), fullPlan()),
	); err != nil {
		t.Fatal(err)
	}
	stripped := coloured.String()
	for _, code := range []string{"0", "1", "2", "31", "32", "33", "36"} {
		stripped = strings.ReplaceAll(stripped, "\x1b["+code+"m", "")
	}
	if diff := cmp.Diff(plain.String(), stripped); diff != "" {
		t.Errorf("text differs (-plain +coloured):\n%s", diff)
	}
	if coloured.String() == stripped {
		t.Error("no colour at all")
	}
}

func TestPlanJSON(t *testing.T) {
	t.Parallel()
	refusal := &Failure{Code: "limit", Message: "2 orders, and 1 allowed", Hint: "raise --max-orders", ExitCode: 5}
	for _, tt := range []struct {
		name    string
		plan    *reconcile.Plan
		refused *Failure
	}{{"plan.json", fullPlan(), nil}, {"plan-empty.json", emptyPlan(), nil}, {"plan-refused.json", emptyPlan(), refusal}} {
		var b bytes.Buffer
		if err := PlanJSON(&b, tt.plan, tt.refused, "1.2.3"); err != nil {
			t.Fatal(err)
		}
		golden(t, tt.name, b.Bytes())
	}
}

// A saved plan that is read shows the same text and makes the same document.
func TestReadPlan(t *testing.T) {
	t.Parallel()
	for _, p := range []*reconcile.Plan{fullPlan(), emptyPlan()} {
		var saved, again, text, textAgain bytes.Buffer
		if err := PlanJSON(&saved, p, nil, "1.2.3"); err != nil {
			t.Fatal(err)
		}
		got, err := ReadPlan("p.json", saved.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(
			PlanJSON(&again, got, nil, "1.2.3"),
			PlanText(term.NewStream(&text, term.Never, nil), p),
			PlanText(term.NewStream(&textAgain, term.Never, nil), got),
		); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(saved.String(), again.String()); diff != "" {
			t.Errorf("document (-saved +read):\n%s", diff)
		}
		if diff := cmp.Diff(text.String(), textAgain.String()); diff != "" {
			t.Errorf("text (-saved +read):\n%s", diff)
		}
	}
}

// What the digest of a plan covers survives saving: action, generation, sequence, path and desired value.
func TestReadPlanKeepsValues(t *testing.T) {
	t.Parallel()
	var saved bytes.Buffer
	if err := PlanJSON(&saved, fullPlan(), nil, "1.2.3"); err != nil {
		t.Fatal(err)
	}
	got, err := ReadPlan("p.json", saved.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	want := fullPlan()
	want.Changes[2].Fields[6].After.(resource.Map)["cvv"] = resource.SecretRef{}
	want.Findings[0].Related = nil
	ignored := cmp.Options{
		cmpopts.IgnoreUnexported(reconcile.Change{}), cmpopts.EquateEmpty(),
		cmpopts.IgnoreFields(resource.FieldChange{}, "Field"),
		cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Address" }, cmp.Comparer(func(a, b resource.Address) bool {
			return a == b || a == (resource.Address{}) || b == (resource.Address{}) // unchanged objects are read as a number
		})),
	}
	if diff := cmp.Diff(want, got, ignored); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReadPlanRefuses(t *testing.T) {
	t.Parallel()
	var saved bytes.Buffer
	if err := PlanJSON(&saved, fullPlan(), nil, "1.2.3"); err != nil {
		t.Fatal(err)
	}
	good := saved.String()
	tests := []struct{ name, from, to, want string }{
		{"unknown field", `"commit"`, `"comit"`, `unknown field "comit"`},
		{"unknown field in a field", `"via"`, `"vio"`, `unknown field "vio"`},
		{"other version", `"format_version": "1"`, `"format_version": "2"`, `format_version is "2"`},
		{"no digest", `"digest": "sha256:bb"`, `"digest": ""`, "inputs or digest is missing"},
		{"no instant", `"as_of": "2026-11-22T10:00:00Z"`, `"as_of": null`, "as_of is missing"},
		{"unknown action", `"action": "revoke"`, `"action": "explode"`, `action is "explode"`},
		{"unknown trigger", `"trigger": "drift"`, `"trigger": "moon"`, `trigger is "moon"`},
		{"unknown origin", `"origin": "both"`, `"origin": "none"`, `origin of /organization_contact/email is "none"`},
		{"bad address", `"address": "Order/old"`, `"address": "old"`, `parse address "old"`},
		{"edited action", `"action": "adopt"`, `"action": "create"`, "summary does not count"},
		{"huge count", `"noop": 2`, `"noop": 2000000000`, "out of range"},
		{"wrong type", `"serial": 12`, `"serial": "12"`, "state.serial is a string"},
		{"no JSON", `"serial": 12`, `"serial": 12x`, "p.json:17:17: not a saved plan"},
		{"cut", `"diagnostics"`, "", "not a saved plan"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bad := strings.Replace(good, tt.from, tt.to, 1)
			if tt.to == "" {
				bad = good[:strings.Index(good, tt.from)]
			}
			if bad == good {
				t.Fatal("the edit changes nothing")
			}
			_, err := ReadPlan("p.json", []byte(bad))
			d, ok := errors.AsType[diag.Diagnostic](err)
			if !ok || d.Code != diag.SavedPlan || d.Pos.File != "p.json" || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("err = %v, want a finding with %q", err, tt.want)
			}
		})
	}
	for _, bad := range []string{"", "null", "[]", "{}", good + "{}", "\x00"} {
		if _, err := ReadPlan("p.json", []byte(bad)); err == nil {
			t.Errorf("%.20q was read", bad)
		}
	}
}

// Whatever is read as a plan can be shown, and reads the same when saved again.
func FuzzReadPlan(f *testing.F) {
	for _, p := range []*reconcile.Plan{fullPlan(), emptyPlan()} {
		var b bytes.Buffer
		if err := PlanJSON(&b, p, nil, "1.2.3"); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Add([]byte(`{"format_version":"1"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ReadPlan("p.json", data)
		if err != nil {
			return
		}
		var saved, again, text bytes.Buffer
		if err := PlanJSON(&saved, p, nil, "v"); err != nil {
			t.Fatal(err)
		}
		q, err := ReadPlan("p.json", saved.Bytes())
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, saved.Bytes())
		}
		if err := PlanJSON(&again, q, nil, "v"); err != nil || !bytes.Equal(saved.Bytes(), again.Bytes()) {
			t.Fatalf("saved twice: %v\n%s", err, cmp.Diff(saved.String(), again.String()))
		}
		if err := PlanText(term.NewStream(&text, term.Never, nil), p); err != nil {
			t.Fatal(err)
		}
		if bytes.ContainsRune(text.Bytes(), '\x1b') {
			t.Error("the text steers the terminal")
		}
	})
}

func TestEveryDocumentHasItsVersions(t *testing.T) {
	t.Parallel()
	writers := map[string]func(b *bytes.Buffer) error{
		"plan":     func(b *bytes.Buffer) error { return PlanJSON(b, emptyPlan(), nil, "1.2.3") },
		"apply":    func(b *bytes.Buffer) error { return ApplyJSON(b, Applied{Ledger: &reconcile.Ledger{}}, nil, "1.2.3") },
		"validate": func(b *bytes.Buffer) error { return ValidationJSON(b, Validation{}, "1.2.3") },
		"failure":  func(b *bytes.Buffer) error { return FailureJSON(b, Failure{}, "1.2.3") },
	}
	for name, write := range writers {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		var doc struct {
			FormatVersion string `json:"format_version"`
			DcsyncVersion string `json:"dcsync_version"`
		}
		if err := json.Unmarshal(b.Bytes(), &doc); err != nil || doc.FormatVersion != "1" || doc.DcsyncVersion != "1.2.3" {
			t.Errorf("%s: %v %+v", name, err, doc)
		}
	}
}
