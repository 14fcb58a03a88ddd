package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"dcsync/internal/certcentral"
	"dcsync/internal/diag"
	"dcsync/internal/resource"
	"dcsync/internal/run"
	"dcsync/reconcile"
	"dcsync/state"
)

func planOf(changes ...*reconcile.Change) *reconcile.Plan {
	return &reconcile.Plan{Changes: changes, Complete: true}
}

func ledgerOf(outcomes ...resource.Outcome) *reconcile.Ledger {
	l := &reconcile.Ledger{}
	for _, o := range outcomes {
		l.Results = append(l.Results, reconcile.Result{Outcome: o})
	}
	return l
}

func TestExitCode(t *testing.T) {
	t.Parallel()
	create := &reconcile.Change{Action: resource.Create, Trigger: resource.ByIntent}
	recovery := &reconcile.Change{Action: resource.Adopt, Trigger: resource.ByRecovery}
	drift := &reconcile.Change{Action: resource.Update, Trigger: resource.ByDrift}
	corrected := &reconcile.Change{Action: resource.Update, Trigger: resource.ByDrift, Corrected: true}
	blockedIntent := &reconcile.Change{Action: resource.Blocked, Trigger: resource.ByIntent}
	blockedDrift := &reconcile.Change{Action: resource.Blocked, Trigger: resource.ByDrift}
	deferred := &reconcile.Change{Action: resource.Deferred, Trigger: resource.ByIntent}
	stopped := ledgerOf(resource.Done, resource.Skipped)
	stopped.Interrupted = true
	invalid := diag.List{{Severity: diag.Error}}
	tests := []struct {
		name   string
		o      outcome
		caught bool
		want   int
	}{
		{"nothing", outcome{}, false, 0},
		{"a signal that came too late", outcome{}, true, 0},
		{"failure", outcome{err: errors.New("disk full")}, false, 1},
		{"API", outcome{err: fmt.Errorf("list: %w", &certcentral.APIError{Status: 500})}, false, 1},
		{"usage", outcome{err: usagef("", "bad")}, false, 3},
		{"findings", outcome{err: fmt.Errorf("load: %w", invalid)}, false, 3},
		{"one finding", outcome{err: fmt.Errorf("read: %w", diag.Diagnostic{})}, false, 3},
		{"validate", outcome{invalid: true}, false, 3},
		{"audit with a grave finding", outcome{refused: true}, false, 5},
		{"audit of an account that was not read as a whole", outcome{refused: true, unread: true}, false, 1},
		{"locked", outcome{err: fmt.Errorf("take: %w", &state.LockedError{})}, false, 7},
		{"locked on the remote", outcome{err: fmt.Errorf("%w: %w", state.ErrLocked, errors.New("refs/dcsync/lock is held"))}, false, 7},
		{"git", outcome{err: &run.GitError{Err: errors.New("push lost")}}, false, 1},
		{"locked by name", outcome{err: fmt.Errorf("take: %w", state.ErrLocked)}, false, 7},
		{"stale", outcome{err: fmt.Errorf("%w: inputs", run.ErrStale)}, false, 6},
		{"refused", outcome{err: &run.Refused{}}, false, 5},
		{"interrupted", outcome{err: context.Canceled}, true, 130},
		{"interrupted while it failed", outcome{err: invalid}, true, 130},
		{"timeout", outcome{err: &timeoutError{time.Second, context.DeadlineExceeded}}, false, 1},
		{"timeout of an apply", outcome{err: &timeoutError{time.Second, nil}, ledger: stopped}, false, 1},
		{"drained", outcome{ledger: stopped}, true, 130},
		{"drained, and failed to save", outcome{err: errors.New("disk full"), ledger: stopped}, true, 130},

		{"joined: usage before failure", outcome{err: errors.Join(errors.New("x"), usagef("", "bad"))}, false, 3},
		{"joined: locked before stale", outcome{err: errors.Join(run.ErrStale, state.ErrLocked)}, false, 7},
		{"joined: stale before failure", outcome{err: errors.Join(errors.New("x"), run.ErrStale)}, false, 6},
		{"joined: failure before refusal", outcome{err: errors.Join(&run.Refused{}, errors.New("x"))}, false, 1},

		{"failed change", outcome{ledger: ledgerOf(resource.Done, resource.Failed)}, false, 8},
		{"skipped change", outcome{ledger: ledgerOf(resource.Skipped)}, false, 8},
		{"waiting change", outcome{ledger: ledgerOf(resource.Waiting)}, false, 0},
		{"blocked change", outcome{ledger: ledgerOf(resource.Done, resource.OutcomeOfBlocked)}, false, 5},
		{"failed before blocked", outcome{ledger: ledgerOf(resource.Failed, resource.OutcomeOfBlocked)}, false, 8},
		{"failure before incomplete", outcome{err: errors.New("x"), ledger: ledgerOf(resource.Failed)}, false, 1},

		{"plan", outcome{plan: planOf(create)}, false, 0},
		{"plan with a blocked intent", outcome{plan: planOf(create, blockedIntent)}, false, 5},
		{"plan with a blocked drift", outcome{plan: planOf(blockedDrift)}, false, 0},
		{"detailed: nothing", outcome{plan: planOf(deferred), detailed: true}, false, 0},
		{"detailed: intent", outcome{plan: planOf(create, drift), detailed: true}, false, 2},
		{"detailed: recovery", outcome{plan: planOf(recovery), detailed: true}, false, 2},
		{"detailed: drift", outcome{plan: planOf(drift), detailed: true}, false, 4},
		{"detailed: blocked drift", outcome{plan: planOf(blockedDrift), detailed: true}, false, 4},
		{"detailed: corrected by DigiCert", outcome{plan: planOf(corrected), detailed: true}, false, 0},
		{"detailed: blocked before changes", outcome{plan: planOf(create, blockedIntent), detailed: true}, false, 5},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := exitCode(tt.o, tt.caught); got != tt.want {
				t.Errorf("exitCode = %d, want %d", got, tt.want)
			}
		})
	}
}

// The help topic, the order of precedence and the constants say the same.
func TestExitTopic(t *testing.T) {
	t.Parallel()
	var order []string
	for _, code := range precedence {
		order = append(order, strconv.Itoa(code))
		if !strings.Contains(exitTopic, fmt.Sprintf("\n%5d  ", code)) {
			t.Errorf("code %d is not described", code)
		}
	}
	if !strings.Contains(exitTopic, "the first of: "+strings.Join(order, ", ")+".") {
		t.Errorf("the precedence is not described as %v", order)
	}
}

func TestFailureCodes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		want string
	}{
		{errors.New("x"), "failed"},
		{usagef("", "x"), "usage"},
		{diag.List{{Severity: diag.Error}}, "invalid"},
		{diag.Diagnostic{Severity: diag.Error}, "invalid"},
		{&state.LockedError{Path: "lock"}, "locked"},
		{fmt.Errorf("%w: inputs", run.ErrStale), "stale"},
		{&run.Refused{Code: "max_orders"}, "max_orders"},
		{&certcentral.APIError{Status: 500}, "api"},
		{&certcentral.APIError{Status: 400, Codes: []certcentral.Code{"invalid_csr"}}, "invalid_csr"},
		{fmt.Errorf("list: %w", &certcentral.TransportError{}), "network"},
		{&timeoutError{time.Second, context.DeadlineExceeded}, "timeout"},
	} {
		o := outcome{err: tt.err}
		f := testSession().failure(tt.err, exitCode(o, false))
		if f.Code != tt.want || f.ExitCode != exitCode(o, false) {
			t.Errorf("%v: code %q with exit code %d, want %q", tt.err, f.Code, f.ExitCode, tt.want)
		}
	}
}
