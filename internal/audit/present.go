package audit

import (
	"fmt"
	"slices"
	"time"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
	"dcsync/reconcile"
	"dcsync/state"
)

// How things stand now, by the manifests and the state of the checkout. The very plan that an apply would make of them, without a look at
// the account, says what was merged and not applied, and which window for a renewal is open.

// soon is how long before its end a certificate that nobody renews is told.
const soon = 30 * 24 * time.Hour

func (a *auditor) present() {
	f, set := a.State, a.Set
	if set == nil {
		set = &resource.Set{}
	} else {
		f, _ = reconcile.Move(set, f)
	}
	plan := reconcile.Build(reconcile.Input{Set: set, State: f, AsOf: a.Now, Refresh: reconcile.RefreshNone,
		Settings: reconcile.Settings{UID: a.Project.UID, ContainerID: a.Project.ContainerID, SkipApproval: a.Project.SkipApproval, Scope: a.Project.Scope}})
	due := map[resource.Address]*reconcile.Change{}
	told := map[resource.Address]bool{}
	for _, c := range plan.Changes {
		switch {
		case c.Trigger == resource.ByTime:
			due[c.Address] = c
		case c.Action == resource.Noop || c.Action == resource.Deferred || told[c.Address] || a.Set == nil:
		case a.unseen: // what was applied is not known
		case a.unapplied(c, f.Objects[c.Address]):
			told[c.Address] = true
		}
	}
	for _, address := range f.Addresses() {
		e := f.Objects[address]
		a.expiring(address, e, due[address])
		a.weakNow(address, e)
	}
}

// unapplied reports what was merged and is not applied. A difference that the last apply saw and could not or should not make true yet
// is none, unless it is blocked.
func (a *auditor) unapplied(c *reconcile.Change, e *state.Entry) bool {
	o := a.wanted[c.Address]
	switch {
	case o == nil && a.merged[c.Address] == nil && a.report.Complete:
		return false // nobody took it out: its manifest is later than this checkout, or was never asked for, which is told where it was applied
	case o != nil && a.asked[o.Source.Digest] == nil && a.report.Complete:
		return false // of the checkout's files, not of the branch
	case o != nil && e != nil && e.Source.Desired == reconcile.DesiredDigest(o) && !a.stuck(c, e):
		return false
	}
	f := Finding{Code: diag.AuditUnapplied, Severity: diag.Warning, Address: c.Address, Hint: "run dcsync plan to see what keeps it, then apply"}
	what := "was asked for"
	switch {
	case o == nil:
		what = "was taken out of git"
	case e != nil:
		what = "was changed"
	}
	f.Summary = fmt.Sprintf("%s %s and that was never applied", c.Address, what)
	m := a.newest(c)
	if lost, ok := a.lost[c.Address]; ok && e == nil && o != nil && lost.entry.Source.Desired == reconcile.DesiredDigest(o) && (m == nil || !lost.commit.when.Before(m.At)) {
		f.At = lost.commit.when
		f.Summary = fmt.Sprintf("%s was applied, but its record was taken out of the state on %s and it was not applied again for %s", c.Address,
			f.At.UTC().Format(time.DateOnly), ago(a.Now.Sub(f.At)))
		f.Hint = "run dcsync apply, which finds orders by their keys and takes them over"
		f.Evidence = append(f.Evidence, Evidence{EvidenceState, lost.commit.id}, Evidence{EvidenceOrder, lost.entry.Identity.ID})
	} else if m != nil {
		f.At = m.At
		f.Summary = fmt.Sprintf("%s %s on %s and that was not applied for %s", c.Address, what, m.At.UTC().Format(time.DateOnly), ago(a.Now.Sub(m.At)))
	}
	if m != nil {
		f.Evidence = append(f.Evidence, Evidence{EvidenceCommit, m.Commit}, Evidence{EvidenceText, "author " + m.Author.String()})
	}
	f.Evidence = append(f.Evidence, Evidence{EvidenceText, string(c.Action) + ": " + c.Reason})
	if c.Source.File != "" {
		f.Evidence = append(f.Evidence, Evidence{EvidenceFile, a.path(c.Source.File)})
	}
	if e != nil {
		f.Evidence = append(f.Evidence, Evidence{EvidenceOrder, e.Identity.ID})
	}
	for _, field := range c.Fields {
		f.Evidence = append(f.Evidence, Evidence{EvidenceField, string(field.Path)})
	}
	a.addNow(f)
	return true
}

// newest gives the newest event of a change's manifest and of those that its fields come from; nil when the history has none.
func (a *auditor) newest(c *reconcile.Change) *Entry {
	out := a.merged[c.Address]
	for _, f := range c.Fields {
		if m := a.merged[f.Via]; m != nil && (out == nil || m.At.After(out.At)) {
			out = m
		}
	}
	return out
}

// stuck tells whether a change that the last apply saw was refused for good, and not only put off.
func (a *auditor) stuck(c *reconcile.Change, e *state.Entry) bool {
	reissued := slices.ContainsFunc(c.Fields, func(f resource.FieldChange) bool { return f.Field.Change == resource.Reissue })
	waits := reissued && resource.Text(e.Observed["status"]) != "issued"
	edited := slices.ContainsFunc(a.found, func(f finding) bool { return f.Code == diag.AuditStateEdited && f.Address == c.Address })
	return c.Action == resource.Blocked && !waits && !edited
}

// ago says a length of time in its two largest units.
func ago(d time.Duration) string {
	switch days := int(d.Hours()) / 24; {
	case d < 0:
		return "a moment"
	case days >= 2:
		return fmt.Sprintf("%d days", days)
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", int(d.Hours()))
	}
	return fmt.Sprintf("%d minutes", int(d.Minutes()))
}

// expiring reports a certificate that ends, or ended, without another one.
func (a *auditor) expiring(address resource.Address, e *state.Entry, due *reconcile.Change) {
	text := func(name string) string { return resource.Text(e.Observed[name]) }
	till, err := time.Parse(time.DateOnly, text("valid_till"))
	status := text("status")
	o := a.wanted[address]
	switch {
	case err != nil, status != "issued" && status != "expired", text("is_renewed") == "true":
		return
	case o != nil && o.Retire != nil && (o.Retire.Target == "current" || o.Retire.Target == e.Identity.ID):
		return // it is meant to end
	}
	f := Finding{Code: diag.AuditExpiring, Severity: diag.Warning, Address: address, At: till,
		Evidence: []Evidence{{EvidenceOrder, e.Identity.ID}, {EvidenceTime, till.UTC().Format(time.RFC3339)}}}
	if s := text("serial_number"); s != "" {
		f.Evidence = append(f.Evidence, Evidence{EvidenceSerial, s})
	}
	day := till.Format(time.DateOnly)
	ended := !a.Now.Before(till.AddDate(0, 0, 1))
	switch {
	case ended || status == "expired":
		f.Severity = diag.Error
		f.Summary, f.Hint = "its certificate ended on "+day+" and was not renewed", "order again by raising lifecycle.generation, or retire it"
	case due != nil:
		f.Summary, f.Hint = "its certificate ends on "+day+" and the window for its renewal is open: "+due.Reason, "run dcsync apply, and see what keeps it with dcsync plan"
	case (o == nil || o.Lifecycle.RenewBefore == resource.Span{}) && till.Sub(a.Now) <= soon:
		f.Summary, f.Hint = "its certificate ends on "+day+" and nothing renews it", "set lifecycle.renew_before, or retire it"
	default:
		return
	}
	a.addNow(f)
}
