package render

import (
	"fmt"
	"sync"
	"time"

	"dcsync/internal/term"
	"dcsync/reconcile"
)

// Progress is an observer of apply. On a terminal it keeps one line up to date, with how far the run is and how long it will take;
// elsewhere it writes a plain line for each change that ends. Whether a line can be written never matters to the run.
type Progress struct {
	out   *term.Stream
	now   func() time.Time
	mu    sync.Mutex
	start time.Time
}

// NewProgress makes an observer that writes to the stream and takes the time from now.
func NewProgress(out *term.Stream, now func() time.Time) *Progress {
	return &Progress{out: out, now: now}
}

// Observe takes one event.
func (p *Progress) Observe(e reconcile.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.start.IsZero() {
		p.start = p.now()
	}
	if p.out.Terminal() {
		p.redraw(e)
		return
	}
	if e.Result != nil {
		fmt.Fprintf(p.out, "[%d/%d] %s %s: %s (%s)\n", e.Done, e.Total, e.Result.Action, e.Result.Address, e.Result.Outcome,
			e.Result.Duration.Round(time.Millisecond))
	}
}

func (p *Progress) redraw(e reconcile.Event) {
	fmt.Fprint(p.out, term.ClearLine)
	if e.Done == e.Total {
		return
	}
	line := fmt.Sprintf("[%d/%d]", e.Done, e.Total)
	if e.Change != nil {
		line += fmt.Sprintf(" %s %s", e.Change.Action, e.Change.Address)
	}
	if left, ok := remaining(p.now().Sub(p.start), e.Done, e.Total); ok {
		line += fmt.Sprintf(", about %s left", left)
	}
	fmt.Fprint(p.out, line)
}

// End takes an unfinished line off the terminal.
func (p *Progress) End() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.out.Terminal() && !p.start.IsZero() {
		fmt.Fprint(p.out, term.ClearLine)
	}
}

// remaining takes the changes to come to last as long as those that ended did; it knows nothing before the first ended.
func remaining(elapsed time.Duration, done, total int) (time.Duration, bool) {
	if done == 0 || total <= done {
		return 0, false
	}
	return (elapsed / time.Duration(done) * time.Duration(total-done)).Round(time.Second), true
}
