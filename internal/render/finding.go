package render

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"dcsync/internal/diag"
	"dcsync/internal/term"
)

// longest is how much of a source line is shown.
const longest = 120

// Findings writes each finding as "file:line:col: summary [code]", the source line with a caret, what else belongs to it, and its
// hint. Warnings and notes say so before their summary. The order is that of List.Sorted.
func Findings(s *term.Stream, list diag.List) error {
	var b strings.Builder
	for _, d := range list.Sorted() {
		finding(&b, s, d)
	}
	_, err := io.WriteString(s, b.String())
	return err
}

func finding(b *strings.Builder, s *term.Stream, d diag.Diagnostic) {
	if d.Pos.Known() {
		b.WriteString(s.Paint(term.Bold, clean(d.Pos.String())) + ": ")
	} else if d.Address != "" {
		b.WriteString(s.Paint(term.Bold, clean(d.Address)) + ": ")
	}
	if d.Severity != diag.Error {
		b.WriteString(s.Paint(severityStyle(d.Severity), string(d.Severity)) + ": ")
	}
	b.WriteString(clean(d.Summary))
	if d.Code != "" {
		b.WriteString(" " + s.Paint(severityStyle(d.Severity), "["+string(d.Code)+"]"))
	}
	b.WriteByte('\n')
	if d.Snippet != "" {
		source, pad := excerpt(d.Snippet, d.Pos.Column)
		fmt.Fprintf(b, "    %s\n", source)
		if d.Pos.Column > 0 {
			fmt.Fprintf(b, "    %s%s\n", pad, s.Paint(severityStyle(d.Severity), "^"))
		}
	}
	for _, l := range strings.Split(strings.TrimRight(d.Detail, "\n"), "\n") {
		if l != "" {
			fmt.Fprintf(b, "  %s\n", clean(l))
		}
	}
	for _, r := range d.Related {
		fmt.Fprintf(b, "  see %s: %s\n", clean(r.Pos.String()), clean(r.Message))
	}
	if d.Hint != "" {
		fmt.Fprintf(b, "  hint: %s\n", clean(d.Hint))
	}
}

func severityStyle(s diag.Severity) term.Style {
	switch s {
	case diag.Error:
		return term.Red
	case diag.Warning:
		return term.Yellow
	}
	return term.Cyan
}

// excerpt gives the part of a source line around a column (counted in characters from 1) and the blanks that bring a caret below
// that column.
func excerpt(line string, column int) (source, pad string) {
	runes := []rune(strings.TrimRight(line, "\r\n"))
	at := min(max(column-1, 0), len(runes))
	from := 0
	if len(runes) > longest {
		from = max(0, min(at-longest/2, len(runes)-longest))
		runes = runes[from:min(from+longest, len(runes))]
	}
	var shown, blanks strings.Builder
	if from > 0 {
		shown.WriteString("…")
		blanks.WriteByte(' ')
	}
	for i, r := range runes {
		if r != '\t' && !unicode.IsPrint(r) {
			r = unicode.ReplacementChar
		}
		shown.WriteRune(r)
		if i < at-from {
			if r != '\t' {
				r = ' '
			}
			blanks.WriteRune(r)
		}
	}
	return shown.String(), blanks.String()
}

// findingJSON is a finding in a document.
type findingJSON struct {
	Severity diag.Severity `json:"severity"`
	Code     diag.Code     `json:"code"`
	Summary  string        `json:"summary"`
	Detail   string        `json:"detail"`
	Hint     string        `json:"hint"`
	File     string        `json:"file"`
	Line     int           `json:"line"`
	Column   int           `json:"column"`
	Address  string        `json:"address"`
	Path     string        `json:"path"`
	Related  []relatedJSON `json:"related,omitempty"`
}

type relatedJSON struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
}

func findingsJSON(list diag.List) []findingJSON {
	out := []findingJSON{}
	for _, d := range list.Sorted() {
		f := findingJSON{
			Severity: d.Severity, Code: d.Code, Summary: d.Summary, Detail: d.Detail, Hint: d.Hint,
			File: d.Pos.File, Line: d.Pos.Line, Column: d.Pos.Column, Address: d.Address, Path: d.Path,
		}
		for _, r := range d.Related {
			f.Related = append(f.Related, relatedJSON{File: r.Pos.File, Line: r.Pos.Line, Column: r.Pos.Column, Message: r.Message})
		}
		out = append(out, f)
	}
	return out
}

// fromJSON is the inverse of findingsJSON, but for source lines, which documents do not hold.
func fromJSON(in []findingJSON) diag.List {
	var out diag.List
	for _, f := range in {
		d := diag.Diagnostic{
			Severity: f.Severity, Code: f.Code, Summary: f.Summary, Detail: f.Detail, Hint: f.Hint,
			Pos: diag.Pos{File: f.File, Line: f.Line, Column: f.Column}, Address: f.Address, Path: f.Path,
		}
		for _, r := range f.Related {
			d.Related = append(d.Related, diag.Related{Pos: diag.Pos{File: r.File, Line: r.Line, Column: r.Column}, Message: r.Message})
		}
		out = append(out, d)
	}
	return out
}
