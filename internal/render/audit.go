package render

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"dcsync/internal/audit"
	"dcsync/internal/diag"
	"dcsync/internal/gitrepo"
	"dcsync/internal/resource"
	"dcsync/internal/term"
)

// AuditText writes an audit's findings, what happened as a table, and a summary as the last line.
func AuditText(s *term.Stream, r *audit.Report) error {
	var b strings.Builder
	for _, f := range gravest(r.Findings) {
		auditFinding(&b, s, f)
	}
	entryTable(&b, s, r.Entries)
	fmt.Fprintf(&b, "%s %s.\n", s.Paint(term.Bold, auditTitle(r)+":"), auditSummary(r))
	_, err := io.WriteString(s, b.String())
	return err
}

// AuditVerifyText writes the findings of a replay, and as the last line how many changes of the state file were replayed.
func AuditVerifyText(s *term.Stream, r *audit.Report) error {
	var b strings.Builder
	for _, f := range gravest(r.Findings) {
		auditFinding(&b, s, f)
	}
	verdict, style := "Verified", term.Green
	if countSeverity(r.Findings, diag.Error) > 0 {
		verdict, style = "Not verified", term.Red
	}
	fmt.Fprintf(&b, "%s: %s of the state file replayed in %s; %s%s.\n", s.Paint(style, verdict), plural(r.Transitions, "change"),
		plural(r.Commits, "commit"), countFindings(r.Findings), incompleteNote(r))
	_, err := io.WriteString(s, b.String())
	return err
}

// IsAudit tells whether a text is an audit in a format, so that a later one may take its place.
func IsAudit(format string, text []byte) bool {
	mark := map[string]string{"json": `"transitions": `, "csv": strings.Join(auditColumns[:6], ",") + ",", "html": `<title>Certificate audit`}[format]
	if mark == "" {
		mark = " of the state file"
	}
	return bytes.Contains(text, []byte(mark))
}

// AuditReaches tells whether some finding is at least as grave as a severity.
func AuditReaches(list []audit.Finding, least diag.Severity) bool {
	return slices.ContainsFunc(list, func(f audit.Finding) bool { return gravity(f.Severity) <= gravity(least) })
}

// severities are all there are, gravest first.
func severities() []diag.Severity { return []diag.Severity{diag.Error, diag.Warning, diag.Note} }

func gravity(s diag.Severity) int { return slices.Index(severities(), s) }

// gravest gives the findings with the gravest first, otherwise as they were.
func gravest(list []audit.Finding) []audit.Finding {
	out := slices.Clone(list)
	slices.SortStableFunc(out, func(a, b audit.Finding) int { return cmp.Compare(gravity(a.Severity), gravity(b.Severity)) })
	return out
}

func countSeverity(list []audit.Finding, s diag.Severity) int {
	n := 0
	for _, f := range list {
		if f.Severity == s {
			n++
		}
	}
	return n
}

func auditFinding(b *strings.Builder, s *term.Stream, f audit.Finding) {
	style := severityStyle(f.Severity)
	b.WriteString(s.Paint(style, string(f.Severity)) + ": ")
	if about := subject(f.Address); about != "" && !strings.Contains(f.Summary, about) {
		b.WriteString(s.Paint(term.Bold, about) + ": ")
	}
	b.WriteString(clean(f.Summary) + " " + s.Paint(style, "["+clean(string(f.Code))+"]") + "\n")
	if !f.At.IsZero() {
		fmt.Fprintf(b, "  since: %s\n", minute(f.At))
	}
	for _, e := range f.Evidence {
		fmt.Fprintf(b, "  %s: %s\n", evidenceName(e.Kind), clean(e.Value))
	}
	if f.Hint != "" {
		fmt.Fprintf(b, "  hint: %s\n", clean(f.Hint))
	}
	b.WriteByte('\n')
}

// evidenceName gives the words for a kind of evidence.
func evidenceName(k audit.EvidenceKind) string {
	switch k {
	case audit.EvidenceState:
		return "state commit"
	case audit.EvidenceSerial:
		return "serial number"
	case audit.EvidenceField:
		return "field"
	case audit.EvidenceText:
		return "seen"
	}
	return clean(string(k))
}

// widest is how much of one cell the table of a terminal shows.
const widest = 48

// entryTable writes one line for each entry, under a line of column names.
func entryTable(b *strings.Builder, s *term.Stream, entries []audit.Entry) {
	if len(entries) == 0 {
		return
	}
	rows := [][]string{{"TIME", "EVENT", "ADDRESS", "BY", "SIGNED", "COMMIT", "STATE", "ID", "SERIAL", "DETAIL"}}
	for _, e := range entries {
		rows = append(rows, []string{
			minute(e.At), string(e.Event), subject(e.Address), people(e), verdictWords(e.Signature.Verdict), short(e.Commit), short(e.StateCommit),
			e.OrderID, e.Serial, detail(e),
		})
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			row[i] = cut(clean(cell), widest)
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
	}
	for n, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
		}
		text := strings.TrimRight(line.String(), " ")
		if n == 0 {
			text = s.Paint(term.Bold, text)
		}
		b.WriteString(text + "\n")
	}
	b.WriteByte('\n')
}

// detail gives the few words of an entry, with the name that its object has by now.
func detail(e audit.Entry) string {
	now := subject(e.GoesOnAs)
	if now == "" || strings.Contains(e.Detail, now) {
		return e.Detail
	}
	return strings.TrimPrefix(e.Detail+", now "+now, ", ")
}

func auditTitle(r *audit.Report) string {
	title := "Audit"
	if r.Project != "" {
		title += " of " + clean(r.Project)
	}
	if r.Head != "" {
		title += " at " + short(clean(r.Head))
	}
	return title
}

// auditSummary says in one line what was found, where, and how much can be concluded from it.
func auditSummary(r *audit.Report) string {
	text := fmt.Sprintf("%s; %s, %s; %s, %s of the state file", countFindings(r.Findings), entryCount(len(r.Entries)), period(r),
		plural(r.Commits, "commit"), plural(r.Transitions, "change"))
	if r.Offline {
		text += "; offline, the account was not looked at"
	}
	return text + incompleteNote(r)
}

func incompleteNote(r *audit.Report) string {
	if r.Complete {
		return ""
	}
	return "; incomplete: nothing may be concluded absent"
}

func countFindings(list []audit.Finding) string {
	return plural(countSeverity(list, diag.Error), "error") + ", " + plural(countSeverity(list, diag.Warning), "warning") + ", " +
		plural(countSeverity(list, diag.Note), "note")
}

func entryCount(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}

// period says which time was asked for.
func period(r *audit.Report) string {
	switch {
	case r.From.IsZero() && r.To.IsZero():
		return "all of history"
	case r.From.IsZero():
		return "until " + minute(r.To)
	case r.To.IsZero():
		return "since " + minute(r.From)
	}
	return minute(r.From) + " to " + minute(r.To)
}

// subject gives an address as people read it, "" for that of no single object.
func subject(a resource.Address) string {
	if a == (resource.Address{}) {
		return ""
	}
	return clean(a.String())
}

// people says who wrote something and, when it was somebody else, who brought it to the branch.
func people(e audit.Entry) string {
	author, committer := person(e.Author), person(e.Committer)
	switch {
	case author == "":
		return committer
	case committer == "" || committer == author:
		return author
	}
	return author + ", merged by " + committer
}

// person gives the name of somebody, or else the mail address.
func person(i gitrepo.Identity) string { return clean(cmp.Or(i.Name, i.Email)) }

// verdictWords gives what to say of a signature.
func verdictWords(v gitrepo.Verdict) string {
	switch v {
	case gitrepo.UnknownKey:
		return "unknown key"
	case gitrepo.Unsigned:
		return "unsigned"
	}
	return string(v)
}

// identity gives "Name <email>", "" for nobody.
func identity(i gitrepo.Identity) string {
	if i == (gitrepo.Identity{}) {
		return ""
	}
	return i.String()
}

// minute gives a time to the minute, in UTC.
func minute(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04")
}

// short gives the beginning of a commit's id.
func short(commit string) string {
	const enough = 12
	if len(commit) > enough && strings.Trim(commit, "0123456789abcdef") == "" {
		return commit[:enough]
	}
	return commit
}

// cut bounds a text to so many characters.
func cut(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}
