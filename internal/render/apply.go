package render

import (
	"fmt"
	"io"
	"strings"

	"dcsync/internal/resource"
	"dcsync/internal/term"
	"dcsync/reconcile"
)

// Applied is what apply did.
type Applied struct {
	Ledger    *reconcile.Ledger
	Serial    int    // of the state file afterwards
	Requests  int    // sent to the account, from the first look on
	Commit    string // that holds the state, "" when it was not committed
	Branch    string // that holds Commit
	Pushed    bool   // to the remote
	Unchanged bool   // Commit held the state already
}

// ApplyText writes one line for each change and a summary as the last line.
func ApplyText(s *term.Stream, a Applied) error {
	var b strings.Builder
	for _, r := range a.Ledger.Results {
		resultText(&b, s, r)
	}
	l := a.Ledger
	if l.Interrupted {
		b.WriteString("Interrupted: what was done is recorded; `dcsync apply` goes on from here.\n")
	}
	summary := "Nothing to apply."
	if len(l.Results) > 0 {
		summary = fmt.Sprintf("Apply: %d done, %d waiting, %d failed, %d skipped, %d blocked; %s; state serial %d.",
			l.Count(resource.Done), l.Count(resource.Waiting), l.Count(resource.Failed), l.Count(resource.Skipped),
			l.Count(resource.OutcomeOfBlocked), plural(a.Requests, "request"), a.Serial)
	}
	if a.Commit != "" {
		what := "Committed: the state is in %.12s on %s.\n"
		switch {
		case a.Unchanged:
			what = "Nothing to commit: %.12s on %s holds the state as it is.\n"
		case a.Pushed:
			what = "Pushed: the state is in %.12s on %s.\n"
		}
		fmt.Fprintf(&b, what, a.Commit, clean(a.Branch))
	}
	b.WriteString(s.Paint(term.Bold, summary) + "\n")
	_, err := io.WriteString(s, b.String())
	return err
}

func resultText(b *strings.Builder, s *term.Stream, r reconcile.Result) {
	mark, _ := marker(r.Action)
	fmt.Fprintf(b, "%s %s %s", s.Paint(outcomeStyle(r.Outcome), fmt.Sprintf("%-7s", r.Outcome)), mark+" "+string(r.Action), r.Address)
	if r.ID != "" {
		fmt.Fprintf(b, " (id %s)", clean(r.ID))
	}
	if r.WaitingOn != "" {
		fmt.Fprintf(b, ": waits for %s", strings.ReplaceAll(string(r.WaitingOn), "_", " "))
	}
	if r.Err != nil {
		fmt.Fprintf(b, ": %s", clean(r.Err.Message))
		if r.Err.Code != "" {
			fmt.Fprintf(b, " [%s]", clean(r.Err.Code))
		}
	}
	b.WriteByte('\n')
	if r.Err != nil && r.Err.Hint != "" {
		fmt.Fprintf(b, "  hint: %s\n", clean(r.Err.Hint))
	}
}

func outcomeStyle(o resource.Outcome) term.Style {
	switch o {
	case resource.Done:
		return term.Green
	case resource.Waiting:
		return term.Cyan
	case resource.Failed:
		return term.Red
	}
	return term.Yellow
}

type resultJSON struct {
	Address    resource.Address    `json:"address"`
	Action     resource.Action     `json:"action"`
	Status     resource.Outcome    `json:"status"`
	WaitingOn  *resource.WaitingOn `json:"waiting_on"`
	ID         any                 `json:"id"`
	Requests   int                 `json:"requests"`
	DurationMS int64               `json:"duration_ms"`
	Error      *problemJSON        `json:"error"`
}

type problemJSON struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
	Status  *int   `json:"status"`
}

// ApplyJSON writes the document of apply. A run that ended in an error carries it as "error"; nil for none.
func ApplyJSON(w io.Writer, a Applied, failed *Failure, version string) error {
	type summary struct {
		Done    int `json:"done"`
		Waiting int `json:"waiting"`
		Failed  int `json:"failed"`
		Skipped int `json:"skipped"`
		Blocked int `json:"blocked"`
	}
	type state struct {
		Serial int `json:"serial"`
	}
	l := a.Ledger
	results := []resultJSON{}
	for _, r := range l.Results {
		results = append(results, resulted(r))
	}
	var findings []findingJSON
	if failed != nil {
		findings = findingsJSON(failed.Findings)
	}
	return encode(w, struct {
		header
		Summary     summary       `json:"summary"`
		Results     []resultJSON  `json:"results"`
		State       state         `json:"state"`
		Requests    int           `json:"requests"`
		Commit      *string       `json:"commit"`
		Interrupted bool          `json:"interrupted"`
		Error       *failureJSON  `json:"error,omitempty"`
		Diagnostics []findingJSON `json:"diagnostics"`
	}{
		newHeader(version),
		summary{l.Count(resource.Done), l.Count(resource.Waiting), l.Count(resource.Failed), l.Count(resource.Skipped), l.Count(resource.OutcomeOfBlocked)},
		results, state{a.Serial}, a.Requests, orNil(a.Commit), l.Interrupted, failed.json(), orEmpty(findings),
	})
}

func resulted(r reconcile.Result) resultJSON {
	out := resultJSON{
		Address: r.Address, Action: r.Action, Status: r.Outcome, WaitingOn: orNil(r.WaitingOn), ID: id(r.ID),
		Requests: r.Requests, DurationMS: r.Duration.Milliseconds(),
	}
	if p := r.Err; p != nil {
		out.Error = &problemJSON{Code: p.Code, Message: p.Message, Hint: p.Hint}
		if p.Status != 0 {
			out.Error.Status = &p.Status
		}
	}
	return out
}
