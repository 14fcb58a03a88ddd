package render

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/resource"
	"dcsync/internal/term"
	"dcsync/reconcile"
)

// On a terminal one line says how far the run is, what it does and how long the rest will take; when the last change ended, it is gone.
func TestProgressOnATerminal(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	now := start
	p := NewProgress(term.NewStream(&b, term.Never, nil), func() time.Time { return now })
	p.start = start
	c := &reconcile.Change{Address: order("a"), Action: resource.Create}
	for _, step := range []struct {
		after time.Duration
		event reconcile.Event
		want  string
	}{
		{0, reconcile.Event{Change: c, Total: 3}, "[0/3] create Order/a"},
		{10 * time.Second, reconcile.Event{Change: c, Done: 1, Total: 3}, "[1/3] create Order/a, about 20s left"},
		{30 * time.Second, reconcile.Event{Change: c, Done: 2, Total: 3}, "[2/3] create Order/a, about 15s left"},
		{40 * time.Second, reconcile.Event{Change: c, Done: 3, Total: 3}, ""},
	} {
		b.Reset()
		now = start.Add(step.after)
		p.redraw(step.event)
		if diff := cmp.Diff(term.ClearLine+step.want, b.String()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
