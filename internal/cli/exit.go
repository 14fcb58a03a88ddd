package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"dcsync/internal/certcentral"
	"dcsync/internal/diag"
	"dcsync/internal/render"
	"dcsync/internal/resource"
	"dcsync/internal/run"
	"dcsync/reconcile"
	"dcsync/state"
)

// The exit codes. Scripts rely on them; exitTopic describes them for people.
const (
	exitDone        = 0
	exitFailed      = 1
	exitChanges     = 2
	exitInvalid     = 3
	exitDrift       = 4
	exitRefused     = 5
	exitStale       = 6
	exitLocked      = 7
	exitIncomplete  = 8
	exitInterrupted = 130
)

// precedence says which code counts when several hold: the first.
var precedence = [...]int{
	exitInterrupted, exitInvalid, exitLocked, exitStale, exitFailed, exitIncomplete, exitRefused, exitChanges, exitDrift, exitDone,
}

const exitTopic = `Exit codes

    0  done, also when objects wait for people; with --detailed-exitcode: nothing to change
    1  error: API, network, git, disk
    2  with --detailed-exitcode: intent, time or recovery to be applied, with or without drift
    3  invalid input: flags, config, manifests
    4  with --detailed-exitcode: drift only, apart from what DigiCert corrected
    5  refused because of account, state or limits: a blocked intent, protection, a limit, the wrong account; audit --fail-on
       and audit verify with such a finding
    6  stale: the saved plan no longer fits
    7  locked by another run
    8  incomplete: apply with failed or skipped changes
  130  interrupted; what was done is recorded

When several hold, the first of: 130, 3, 7, 6, 1, 8, 5, 2, 4, 0.
`

// outcome is what a command line came to.
type outcome struct {
	err      error
	told     bool // err is part of what was already printed
	plan     *reconcile.Plan
	detailed bool // --detailed-exitcode
	ledger   *reconcile.Ledger
	invalid  bool // validate found errors
	refused  bool // an audit found something as grave as --fail-on says
	unread   bool // something of the account could not be read
}

// exitCode is the one place where an outcome becomes a code. caught tells whether a signal asked the command to end.
func exitCode(o outcome, caught bool) int {
	held := []int{exitDone}
	if o.err != nil {
		held = append(held, codesOf(o.err)...)
		if caught {
			held = append(held, exitInterrupted)
		}
	}
	if o.invalid {
		held = append(held, exitInvalid)
	}
	if o.refused {
		held = append(held, exitRefused)
	}
	if o.unread {
		held = append(held, exitFailed)
	}
	if l := o.ledger; l != nil {
		if _, timedOut := errors.AsType[*timeoutError](o.err); l.Interrupted && !timedOut {
			held = append(held, exitInterrupted)
		}
		if l.Count(resource.Failed)+l.Count(resource.Skipped) > 0 {
			held = append(held, exitIncomplete)
		}
		if l.Count(resource.OutcomeOfBlocked) > 0 {
			held = append(held, exitRefused)
		}
	}
	if p := o.plan; p != nil {
		if !p.Complete {
			held = append(held, exitFailed)
		}
		if p.HasBlockedIntent() {
			held = append(held, exitRefused)
		}
		switch {
		case !o.detailed:
		case p.HasIntent():
			held = append(held, exitChanges)
		case p.HasDrift():
			held = append(held, exitDrift)
		}
	}
	return firstOf(held)
}

func firstOf(held []int) int {
	for _, code := range precedence {
		if slices.Contains(held, code) {
			return code
		}
	}
	return exitFailed
}

// codesOf gives the codes of an error and of every error it joins.
func codesOf(err error) []int {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var out []int
		for _, e := range joined.Unwrap() {
			out = append(out, codesOf(e)...)
		}
		return out
	}
	switch err.(type) {
	case *timeoutError:
		return []int{exitFailed}
	case *usage, diag.List, diag.Diagnostic:
		return []int{exitInvalid}
	case *state.LockedError:
		return []int{exitLocked}
	case *run.Refused:
		return []int{exitRefused}
	}
	switch err {
	case state.ErrLocked:
		return []int{exitLocked}
	case run.ErrStale:
		return []int{exitStale}
	}
	if inner := errors.Unwrap(err); inner != nil {
		return codesOf(inner)
	}
	return []int{exitFailed}
}

// errTimeout is the cause of a context that --timeout ended.
var errTimeout = errors.New("the time given by --timeout is over")

// timeoutError is a command that --timeout ended.
type timeoutError struct {
	after time.Duration
	err   error // what it was doing; nil when that ended in order
}

func (e *timeoutError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("not done after %s", e.after)
	}
	return fmt.Sprintf("not done after %s: %v", e.after, e.err)
}

func (e *timeoutError) Unwrap() error { return e.err }

// finish reports the error of an outcome, if it is not told yet, and gives the exit code.
func (s *session) finish(o outcome) int {
	code := exitCode(o, s.signals.caught.Load())
	if o.err == nil || o.told {
		return code
	}
	f := s.failure(o.err, code)
	var err error
	if s.json {
		err = render.FailureJSON(s.out, f, s.version)
	} else {
		err = render.FailureText(s.err, f)
	}
	if err != nil {
		return firstOf([]int{code, exitFailed})
	}
	return code
}

// failure says of an error what people and programs want to know.
func (s *session) failure(err error, code int) render.Failure {
	f := render.Failure{Code: "failed", Message: s.scrub.Scrub(err.Error()), ExitCode: code}
	if u, ok := errors.AsType[*usage](err); ok {
		f.Code, f.Hint = "usage", u.hint
	} else if list, ok := errors.AsType[diag.List](err); ok {
		f.Code, f.Findings = "invalid", list
	} else if d, ok := errors.AsType[diag.Diagnostic](err); ok {
		f.Code, f.Findings = "invalid", diag.List{d}
	} else if errors.Is(err, state.ErrLocked) {
		f.Code, f.Hint = "locked", "wait for the other run to end, then try again"
	} else if errors.Is(err, run.ErrStale) {
		f.Code, f.Hint = "stale", "make a new plan with `dcsync plan --out FILE`"
	} else if r, ok := errors.AsType[*run.Refused](err); ok {
		f.Code, f.Message, f.Hint = r.Code, s.scrub.Scrub(r.Message), r.Hint
	} else if g, ok := errors.AsType[*run.GitError](err); ok {
		f.Code, f.Hint = "git", g.Hint
	} else if t, ok := errors.AsType[*timeoutError](err); ok {
		f.Code, f.Message, f.Hint = "timeout", s.scrub.Scrub(t.Error()), "give it longer with --timeout; what was done is recorded"
	} else if a, ok := errors.AsType[*certcentral.APIError](err); ok {
		f.Code, f.Hint = "api", a.Hint()
		if len(a.Codes) > 0 {
			f.Code = string(a.Codes[0])
		}
	} else if _, ok := errors.AsType[*certcentral.TransportError](err); ok {
		f.Code = "network"
	}
	if code == exitInterrupted || errors.Is(err, context.Canceled) && s.signals.caught.Load() {
		f.Code, f.Message, f.Hint = "interrupted", "interrupted", "run the same command again; what was done is recorded"
		f.Findings = nil
	}
	return f
}
