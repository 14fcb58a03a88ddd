package render

import (
	"bufio"
	"crypto/sha256"
	_ "embed" // the report's template, style and script
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"time"
	"unicode/utf8"

	"dcsync/internal/audit"
)

// The report is one file: its style and script are written into it, and a policy in its head lets the browser load or run nothing else.
var (
	//go:embed report/page.html
	reportPage string
	//go:embed report/style.css
	reportStyle string
	//go:embed report/script.js
	reportScript string

	reportTemplate = template.Must(template.New("page.html").Funcs(template.FuncMap{
		"day": day, "minute": minute, "rfc3339": stamp, "long": long, "group": group,
	}).Parse(reportPage))
)

// AuditHTML writes an audit as one self-contained page that needs no network and shows everything without its script too. Equal
// reports give equal bytes.
func AuditHTML(w io.Writer, r *audit.Report, version string) error {
	out := bufio.NewWriter(w)
	p := newAuditPage(r)
	p.Version, p.Style, p.Script = version, template.CSS(reportStyle), template.JS(reportScript) //nolint:gosec // both are our own files
	p.Policy = fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; base-uri 'none'; form-action 'none'", sourceHash(reportStyle),
		sourceHash(reportScript))
	if err := reportTemplate.Execute(out, p); err != nil {
		return fmt.Errorf("write HTML: %w", err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write HTML: %w", err)
	}
	return nil
}

// sourceHash names a text as a content security policy does.
func sourceHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// day gives a date, "" for none.
func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// long tells whether a text gets a box of its own, which scrolls on a screen and is whole on paper.
func long(s string) bool { return utf8.RuneCountInString(s) > 200 }

// group writes a number with a thin blank between thousands.
func group(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "\u202f" + text[i:]
	}
	return text
}
