// Package diag is the vocabulary of findings about a user's files: a position, a severity, a stable code, one sentence that
// says what is wrong and a hint that says what to do next.
//
// It collects, sorts and deduplicates findings. It does not print them (internal/render does) and it is not for failures of
// the world such as a lost connection, which are ordinary wrapped errors.
package diag

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Pos is a place in a user's file. Line and Column start at 1; Column counts characters, not bytes. A zero Line means that only
// the file is known, a zero File that nothing is.
type Pos struct {
	File   string
	Line   int
	Column int
}

// Known tells whether the position names at least a file.
func (p Pos) Known() bool { return p.File != "" }

// String gives "file:line:col", or as much of it as is known.
func (p Pos) String() string {
	switch {
	case p.File == "":
		return ""
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Compare orders positions by file, line and column.
func (p Pos) Compare(q Pos) int {
	return cmp.Or(strings.Compare(p.File, q.File), cmp.Compare(p.Line, q.Line), cmp.Compare(p.Column, q.Column))
}

// Severity of a finding. Errors refuse the command; warnings and notes do not.
type Severity string

// The severities, gravest first.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Note    Severity = "note"
)

// Diagnostic is one finding. Summary is one line without a full stop; Detail may say more; Hint names the next step. Address and
// Path say which object and which field it is about, as far as known. Path is a JSON pointer into the spec; for what stands beside the
// spec it is one into the document, such as /kind or /metadata/name. Snippet is the source line as it should be shown (already masked when the value is secret), empty when there is none.
type Diagnostic struct {
	Severity Severity
	AtSend   bool // refuses only what a plan would send; a warning until then
	Code     Code
	Summary  string
	Detail   string
	Hint     string
	Pos      Pos
	Address  string
	Path     string
	Snippet  string
	Related  []Related
}

// Related is a second place that belongs to a finding, such as the first of two equal keys.
type Related struct {
	Pos     Pos
	Message string
}

// Error makes a diagnostic usable as an error: "file:line:col: summary [code]".
func (d Diagnostic) Error() string {
	var b strings.Builder
	if d.Pos.Known() {
		b.WriteString(d.Pos.String())
		b.WriteString(": ")
	}
	b.WriteString(d.Summary)
	if d.Code != "" {
		fmt.Fprintf(&b, " [%s]", d.Code)
	}
	return b.String()
}

// List collects findings. Its zero value is ready to use.
type List []Diagnostic

// Add appends findings.
func (l *List) Add(d ...Diagnostic) { *l = append(*l, d...) }

// HasErrors tells whether any finding is an error.
func (l List) HasErrors() bool { return l.Count(Error) > 0 }

// Count gives the number of findings of one severity.
func (l List) Count(s Severity) int {
	n := 0
	for _, d := range l {
		if d.Severity == s {
			n++
		}
	}
	return n
}

// Sorted gives the findings by position, then code, without repetitions of the same finding at the same place. The receiver is
// left as it is.
func (l List) Sorted() List {
	out := slices.Clone(l)
	slices.SortStableFunc(out, func(a, b Diagnostic) int {
		return cmp.Or(a.Pos.Compare(b.Pos), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Summary, b.Summary))
	})
	return slices.CompactFunc(out, func(a, b Diagnostic) bool {
		return a.Pos == b.Pos && a.Code == b.Code && a.Path == b.Path && a.Summary == b.Summary
	})
}

// Error is for a list that is passed as an error: the first error and how many more there are.
func (l List) Error() string {
	s := l.Sorted()
	for _, d := range s {
		if d.Severity == Error {
			if n := l.Count(Error); n > 1 {
				return fmt.Sprintf("%s (and %d more)", d.Error(), n-1)
			}
			return d.Error()
		}
	}
	return "no errors"
}

// Err gives the list as an error when it holds an error, else nil.
func (l List) Err() error {
	if l.HasErrors() {
		return l
	}
	return nil
}
