package audit

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
)

// ofState are the findings of Verify: what the state's history alone shows.
var ofState = []diag.Code{diag.AuditStateEdited, diag.AuditStateInvalid, diag.AuditUnasked, diag.AuditHistory}

// finish gives the report of what was asked for: everything, or with whole false what Verify shows.
func (a *auditor) finish(whole bool) *Report {
	a.missing()
	for i := range a.entries {
		a.entries[i].GoesOnAs = a.laterName(a.entries[i].Entry, i)
	}
	show := a.shown()
	for _, f := range a.found {
		if (whole || slices.Contains(ofState, f.Code)) && show.finding(f) {
			a.report.Findings = append(a.report.Findings, clean(f.Finding))
		}
	}
	rank := []diag.Severity{diag.Error, diag.Warning, diag.Note}
	slices.SortStableFunc(a.report.Findings, func(x, y Finding) int {
		return cmp.Or(cmp.Compare(slices.Index(rank, x.Severity), slices.Index(rank, y.Severity)), x.Address.Compare(y.Address), x.At.Compare(y.At),
			cmp.Compare(x.Code, y.Code), cmp.Compare(x.Summary, y.Summary))
	})
	if !whole {
		return a.report
	}
	entries := slices.Clone(a.entries)
	slices.SortStableFunc(entries, func(x, y placed) int { return cmp.Or(x.At.Compare(y.At), cmp.Compare(x.nth, y.nth)) })
	for _, e := range entries {
		if show.entry(e.Entry) {
			a.report.Entries = append(a.report.Entries, e.Entry)
		}
	}
	for _, c := range a.certificates() {
		if show.certificate(c) {
			a.report.Certificates = append(a.report.Certificates, c)
		}
	}
	return a.report
}

// shown is the part of a report that was asked for.
type shown struct {
	*auditor
	owners map[resource.Address]bool // of the orders asked for
}

func (a *auditor) shown() shown {
	s := shown{a, map[resource.Address]bool{}}
	for _, r := range a.orders {
		if slices.Contains(a.Orders, r.OrderID) {
			s.owners[r.Address] = true
		}
	}
	for _, e := range a.entries {
		if slices.Contains(a.Orders, e.OrderID) {
			s.owners[e.Address] = true
		}
	}
	return s
}

func (s shown) during(at time.Time) bool {
	return (s.Since.IsZero() || !at.Before(s.Since)) && (s.Until.IsZero() || !at.After(s.Until))
}

func (s shown) address(a resource.Address) bool {
	return len(s.Addresses) == 0 || slices.Contains(s.Addresses, a)
}

// entry: with orders asked for, what was asked of their addresses belongs to them too, since it has no order yet.
func (s shown) entry(e Entry) bool {
	mine := len(s.Orders) == 0 || slices.Contains(s.Orders, e.OrderID) || e.OrderID == "" && s.owners[e.Address]
	return mine && s.during(e.At) && (s.address(e.Address) || slices.Contains(s.Addresses, e.GoesOnAs))
}

func (s shown) finding(f finding) bool {
	about := func(e Evidence) bool { return e.Kind == EvidenceOrder && slices.Contains(s.Orders, e.Value) }
	named := slices.ContainsFunc(f.Evidence, func(e Evidence) bool { return e.Kind == EvidenceOrder })
	mine := len(s.Orders) == 0 || slices.ContainsFunc(f.Evidence, about) || !named && s.owners[f.Address]
	return mine && (s.address(f.Address) || !f.At.IsZero() && s.address(s.nameSince(f.Address, f.At))) && (f.now || f.At.IsZero() || s.during(f.At))
}

func (s shown) certificate(c Certificate) bool {
	return s.address(c.Address) && (len(s.Orders) == 0 || slices.Contains(s.Orders, c.OrderID))
}

// clean keeps what others wrote on one line of bounded length without control characters.
func clean(f Finding) Finding {
	f.Summary = oneLine(f.Summary)
	f.Evidence = slices.Clone(f.Evidence)
	for i := range f.Evidence {
		f.Evidence[i].Value = oneLine(f.Evidence[i].Value)
	}
	return f
}

// longest is the number of characters of a text that are shown.
const longest = 1000

func oneLine(s string) string {
	out := []rune(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD")))
	if len(out) > longest {
		return string(out[:longest]) + "…"
	}
	return string(out)
}
