package render

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/resource"
	"dcsync/internal/term"
	"dcsync/reconcile"
)

func ledger() *reconcile.Ledger {
	return &reconcile.Ledger{Interrupted: true, Results: []reconcile.Result{
		{Address: order("a"), Action: resource.Create, Outcome: resource.Done, ID: "5001", Requests: 3, Duration: 1500 * time.Microsecond},
		{Address: order("b"), Action: resource.Create, Outcome: resource.Waiting, WaitingOn: resource.OnOrganizationValidation, ID: "5002"},
		{Address: order("c"), Action: resource.Update, Outcome: resource.Failed, ID: "5003",
			Err: &reconcile.Problem{Code: "invalid_csr", Message: "The CSR is\nbad", Hint: "make a new one", Status: 400}},
		{Address: order("d"), Action: resource.Create, Outcome: resource.Skipped, Err: &reconcile.Problem{Code: "dependency", Message: "Order/c failed"}},
		{Address: order("e"), Action: resource.Blocked, Outcome: resource.OutcomeOfBlocked, Err: &reconcile.Problem{Message: "renewed outside git"}},
	}}
}

func TestApply(t *testing.T) {
	t.Parallel()
	var text, doc, none, failed bytes.Buffer
	a := Applied{Ledger: ledger(), Serial: 4, Requests: 12, Commit: "abc", Branch: "main", Pushed: true}
	if err := errors.Join(
		ApplyText(term.NewStream(&text, term.Never, nil), a),
		ApplyJSON(&doc, a, nil, "1.2.3"),
		ApplyText(term.NewStream(&none, term.Never, nil), Applied{Ledger: &reconcile.Ledger{}}),
		ApplyJSON(&failed, Applied{Ledger: &reconcile.Ledger{}}, &Failure{Code: "failed", Message: "disk full", ExitCode: 1}, "1.2.3"),
	); err != nil {
		t.Fatal(err)
	}
	golden(t, "apply.txt", text.Bytes())
	golden(t, "apply.json", doc.Bytes())
	golden(t, "apply-none.txt", none.Bytes())
	golden(t, "apply-failed.json", failed.Bytes())
}

func TestProgressAsPlainLines(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	p := NewProgress(term.NewStream(&b, term.Always, nil), time.Now)
	c := &reconcile.Change{Address: order("a"), Action: resource.Create}
	p.Observe(reconcile.Event{Change: c, Total: 2})
	p.Observe(reconcile.Event{Change: c, Result: &ledger().Results[0], Done: 1, Total: 2})
	p.End()
	if diff := cmp.Diff("[1/2] create Order/a: done (2ms)\n", b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRemaining(t *testing.T) {
	t.Parallel()
	if _, ok := remaining(time.Second, 0, 4); ok {
		t.Error("something is known before the first change ended")
	}
	if got, ok := remaining(10*time.Second, 2, 5); !ok || got != 15*time.Second {
		t.Errorf("remaining = %v, %v; want 15s", got, ok)
	}
}

// What was neither committed nor pushed is not called so.
func TestApplyLanded(t *testing.T) {
	t.Parallel()
	for want, a := range map[string]Applied{
		"Pushed: the state is in 0123456789ab on main.\nNothing to apply.\n":                     {Pushed: true},
		"Committed: the state is in 0123456789ab on main.\nNothing to apply.\n":                  {},
		"Nothing to commit: 0123456789ab on main holds the state as it is.\nNothing to apply.\n": {Unchanged: true},
	} {
		var got bytes.Buffer
		a.Ledger, a.Commit, a.Branch = &reconcile.Ledger{}, "0123456789abcdef", "main"
		if err := ApplyText(term.NewStream(&got, term.Never, nil), a); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got.String()); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
	}
}
