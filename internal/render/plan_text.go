package render

import (
	"fmt"
	"io"
	"strings"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
	"dcsync/internal/term"
	"dcsync/reconcile"
)

// marker is the sign of an action and the colour that repeats it.
func marker(a resource.Action) (string, term.Style) {
	switch a {
	case resource.Create, resource.Activate:
		return "+", term.Green
	case resource.Update:
		return "~", term.Yellow
	case resource.Replace:
		return "±", term.Red
	case resource.RenewOrder:
		return "↻", term.Green
	case resource.ReissueNow:
		return "»", term.Yellow
	case resource.Revoke, resource.Cancel, resource.Withdraw, resource.Deactivate:
		return "-", term.Red
	case resource.Adopt:
		return "←", term.Cyan
	case resource.Forget:
		return "×", term.Yellow
	case resource.Blocked:
		return "!", term.Red
	}
	return "=", term.Dim
}

// PlanText writes a plan for people: one block for each change in the plan's order, what the plan could not see, what it costs, and a
// summary as its last line. Findings are not part of it.
func PlanText(s *term.Stream, p *reconcile.Plan) error {
	var b strings.Builder
	visible := p.Visible()
	for _, c := range visible {
		changeText(&b, s, c)
		b.WriteByte('\n')
	}
	for _, line := range notes(p) {
		b.WriteString(line + "\n")
	}
	if cost := costLine(p.Cost); cost != "" {
		b.WriteString(cost + "\n")
	}
	b.WriteString(s.Paint(term.Bold, summaryLine(p)) + "\n")
	_, err := io.WriteString(s, b.String())
	return err
}

func changeText(b *strings.Builder, s *term.Stream, c *reconcile.Change) {
	mark, style := marker(c.Action)
	fmt.Fprintf(b, "%s %s\n", s.Paint(style, mark+" "+string(c.Action)), s.Paint(term.Bold, c.Address.String()))
	if reason := clean(c.Reason); reason != "" {
		fmt.Fprintf(b, "    why: %s (%s)\n", reason, c.Trigger)
	} else {
		fmt.Fprintf(b, "    why: %s\n", c.Trigger)
	}
	var facts []string
	if c.ID != "" {
		facts = append(facts, "id "+clean(c.ID))
	}
	if c.Product != "" {
		facts = append(facts, clean(c.Product))
	}
	if c.Source.File != "" {
		facts = append(facts, clean(diag.Pos{File: c.Source.File, Line: c.Source.Line}.String()))
	}
	if len(facts) > 0 {
		fmt.Fprintf(b, "    %s\n", strings.Join(facts, ", "))
	}
	if len(c.DependsOn) > 0 {
		names := make([]string, len(c.DependsOn))
		for i, a := range c.DependsOn {
			names[i] = a.String()
		}
		fmt.Fprintf(b, "    after: %s\n", strings.Join(names, ", "))
	}
	for _, dies := range c.Revokes {
		fmt.Fprintf(b, "    %s\n", s.Paint(term.Red, "revokes: "+clean(dies)))
	}
	for _, f := range c.Fields {
		fieldText(b, s, f)
	}
}

// fieldText writes "path: before → after (origin)". Values of several lines follow as a unified diff, with their number of lines in
// the places of before and after.
func fieldText(b *strings.Builder, s *term.Stream, f resource.FieldChange) {
	path := clean(string(f.Path))
	if f.Sensitive {
		fmt.Fprintf(b, "    %s: %s → %s%s\n", path, absent, masked, origin(f))
		return
	}
	if !tall(f.Before) && !tall(f.After) {
		fmt.Fprintf(b, "    %s: %s → %s%s\n", path, inline(f.Before), inline(f.After), origin(f))
		return
	}
	before, after := lines(f.Before), lines(f.After)
	fmt.Fprintf(b, "    %s: %s → %s%s\n", path, extent(f.Before, before), extent(f.After, after), origin(f))
	for _, l := range unified(before, after) {
		style := term.Style("")
		switch l[0] {
		case '+':
			style = term.Green
		case '-':
			style = term.Red
		case '@':
			style = term.Cyan
		}
		fmt.Fprintf(b, "      %s\n", s.Paint(style, l))
	}
}

func extent(v resource.Value, lines []string) string {
	if len(lines) == 0 {
		return inline(v)
	}
	return plural(len(lines), "line")
}

// origin says which side moved. Where both did, what was last applied is the only version not shown otherwise.
func origin(f resource.FieldChange) string {
	text := ""
	switch f.Origin {
	case resource.FromIntent:
		text = " (intent)"
	case resource.FromDrift:
		text = " (drift)"
	case resource.FromBoth:
		text = " (intent, drift)"
		if !f.Sensitive && !tall(f.Applied) {
			text = " (intent, drift; applied: " + inline(f.Applied) + ")"
		}
	}
	if via := f.Via.String(); via != "" {
		text += " via: " + via
	}
	return text
}

// notes says what the plan rests on where that is less than everything.
func notes(p *reconcile.Plan) []string {
	var out []string
	if !p.Complete {
		out = append(out, "The account could not be read completely: nothing was concluded to be absent.")
	}
	switch {
	case p.Refresh == reconcile.RefreshNone:
		out = append(out, "Compared with the state file only; the account was not read.")
	case p.Compared.List == 1:
		out = append(out, "1 object was compared by list only; `dcsync drift` sees the rest of it.")
	case p.Compared.List > 1:
		out = append(out, fmt.Sprintf("%d objects were compared by list only; `dcsync drift` sees the rest of them.", p.Compared.List))
	}
	if n := p.UnmanagedCount; n > 0 && len(p.Unmanaged) == 0 {
		out = append(out, fmt.Sprintf("Not managed here, and left alone: %s of the account.", plural(n, "object")))
	}
	return out
}

func costLine(c reconcile.Cost) string {
	if c.Orders == 0 {
		return ""
	}
	price := "price unknown"
	if c.Price != nil && c.Price.Currency != "" {
		price = c.Price.Amount + " " + c.Price.Currency
		if !c.Price.Complete {
			price = "at least " + price + " (some prices are unknown)"
		}
	}
	return fmt.Sprintf("Cost: %s, %s, %s.", plural(c.Orders, "order"), plural(c.Requests, "request"), price)
}

// summaryLine counts by action. The everyday actions are always named, the others where there are any.
func summaryLine(p *reconcile.Plan) string {
	sum := p.Summary()
	noop := sum.ByAction[resource.Noop]
	if len(p.Visible()) == 0 {
		return fmt.Sprintf("No changes. %s unchanged%s.", plural(noop, "object"), waitingText(sum.Waiting))
	}
	var parts []string
	for _, a := range []resource.Action{
		resource.Revoke, resource.Cancel, resource.Withdraw, resource.Replace, resource.Deactivate, resource.Create, resource.RenewOrder,
		resource.ReissueNow, resource.Activate, resource.Update, resource.Adopt, resource.Forget,
	} {
		n := sum.ByAction[a]
		switch a {
		case resource.Create, resource.Update, resource.Adopt, resource.Forget:
		default:
			if n == 0 {
				continue
			}
		}
		parts = append(parts, fmt.Sprintf("%d to %s", n, a))
	}
	parts = append(parts, fmt.Sprintf("%d blocked", sum.ByAction[resource.Blocked]))
	if n := sum.ByAction[resource.Deferred]; n > 0 {
		parts = append(parts, fmt.Sprintf("%d deferred", n))
	}
	return fmt.Sprintf("Plan: %s; %d unchanged%s.", strings.Join(parts, ", "), noop, waitingText(sum.Waiting))
}

func waitingText(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %d waiting", n)
}
