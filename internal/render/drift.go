package render

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"dcsync/internal/term"
	"dcsync/reconcile"
)

// DriftText writes what the account changed by itself: one block for each change, what is not managed, and a summary as the last line.
func DriftText(s *term.Stream, p *reconcile.Plan) error {
	var b strings.Builder
	visible := p.Visible()
	for _, c := range visible {
		changeText(&b, s, c)
		b.WriteByte('\n')
	}
	if slices.ContainsFunc(visible, func(c *reconcile.Change) bool { return c.Action.Works() }) {
		b.WriteString("`dcsync apply --refresh full` puts back what can be; without it an apply sees only what listings show, and what git changed.\n")
	}
	for _, u := range p.Unmanaged {
		fmt.Fprintf(&b, "not managed: %s %s %s\n", u.Kind, clean(u.ID), clean(u.Summary))
	}
	for _, line := range notes(p) {
		b.WriteString(line + "\n")
	}
	summary := "No drift."
	if len(visible) > 0 {
		summary = fmt.Sprintf("Drift: %s.", plural(len(visible), "change"))
	}
	b.WriteString(s.Paint(term.Bold, fmt.Sprintf("%s %s as applied; %s of the account not managed here.", summary,
		plural(len(p.Changes)-len(visible), "object"), plural(p.UnmanagedCount, "object"))) + "\n")
	_, err := io.WriteString(s, b.String())
	return err
}
