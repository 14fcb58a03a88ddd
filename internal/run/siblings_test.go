package run_test

import (
	"strings"
	"testing"

	"dcsync/internal/resource"
	"dcsync/internal/sandbox"
	"dcsync/reconcile"
	"dcsync/state"
)

// What a sibling project's state owns, or owned before, is not unmanaged. A state that cannot be used is told, and hides nothing.
func TestSiblings(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, demo())
	w.mustApply()
	for range 2 {
		if status, err := w.as("POST", "/order/certificate/class1_smime", map[string]any{
			"certificate": map[string]any{"emails": []string{"x@example.com"}, "signature_hash": "sha256"}, "order_validity": map[string]any{"years": 1}}); err != nil || status != 201 {
			t.Fatalf("order in the console: %d %v", status, err)
		}
	}
	w.file("dcsync.yaml", strings.Replace(projectYAML, "settle: 0s", "settle: 0s, siblings: [other/state.json]", 1))
	for name, tc := range map[string]struct {
		account   int64
		text      string // instead of the state; "" for the state
		unmanaged int
		findings  []string
	}{
		"owned":           {w.state().Account.ID, "", 0, nil},
		"another account": {4711, "", 2, []string{"DC2017 "}},
		"not a state":     {0, "{}", 2, []string{"DC2017 "}},
	} {
		f := state.New("another-project")
		f.Account = &state.Account{ID: tc.account}
		other := *w.entry("Order", "mail")
		other.Identity = state.Identity{ID: "880003", Origin: "x", Generation: 1, Sequence: 1, Earlier: []state.Earlier{{ID: "880004", Generation: 1, Ended: "renewed"}}}
		f.Objects[resource.Address{Kind: "Order", Name: "x"}] = &other
		data, err := state.Encode(f)
		if err != nil {
			t.Fatal(err)
		}
		if tc.text != "" {
			data = []byte(tc.text)
		}
		w.file("other/state.json", string(data))
		p := w.plan(reconcile.RefreshAuto)
		if p.UnmanagedCount != tc.unmanaged {
			t.Errorf("%s: %d unmanaged, want %d", name, p.UnmanagedCount, tc.unmanaged)
		}
		w.want(name, findings(p), tc.findings...)
	}
}
