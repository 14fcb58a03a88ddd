package reconcile

import (
	"time"

	"dcsync/internal/resource"
)

// Result is what became of one change.
type Result struct {
	Address   resource.Address
	Action    resource.Action // may differ from the plan's: a create that found its own earlier order is an adopt
	Outcome   resource.Outcome
	WaitingOn resource.WaitingOn
	ID        string
	Requests  int // HTTP requests sent for it
	Duration  time.Duration
	Err       *Problem // nil unless failed, skipped or blocked

	held bool // what the manifest says of it was not made true yet, although nothing failed
}

// Problem says why a change was not carried out. Code is the API's own error code where the API refused; Status its HTTP
// status, 0 otherwise. Hint names the next step.
type Problem struct {
	Code    string
	Message string
	Hint    string
	Status  int
}

// Error makes a problem usable as an error.
func (p *Problem) Error() string { return p.Message }

// Ledger is the truth about one run of Apply: one result for each change that was not noop or deferred, in plan order.
type Ledger struct {
	Results     []Result
	Interrupted bool // told to stop before all was done
}

// Count gives the number of results with an outcome.
func (l *Ledger) Count(o resource.Outcome) int {
	n := 0
	for _, r := range l.Results {
		if r.Outcome == o {
			n++
		}
	}
	return n
}

// Event tells an Observer that a change begins (Result nil) or ended.
type Event struct {
	Change *Change
	Result *Result
	Done   int // changes ended so far
	Total  int
}

// Observer is told of events as they happen; it is called from one goroutine at a time.
type Observer interface {
	Observe(Event)
}
