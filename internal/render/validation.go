package render

import (
	"fmt"
	"io"
	"strings"

	"dcsync/internal/diag"
	"dcsync/internal/term"
)

// Validation is what validate found.
type Validation struct {
	Files     int
	Manifests int
	Findings  diag.List
}

// Valid tells whether no finding is an error.
func (v Validation) Valid() bool { return !v.Findings.HasErrors() }

// ValidationText writes the findings and a line that sums them up.
func ValidationText(s *term.Stream, v Validation) error {
	if err := Findings(s, v.Findings); err != nil {
		return err
	}
	style := term.Green
	if !v.Valid() {
		style = term.Red
	}
	verdict, counts, _ := strings.Cut(v.verdict(), ":")
	_, err := fmt.Fprintf(s, "%s:%s\n", s.Paint(style, verdict), counts)
	return err
}

// verdict is the line that sums the findings up.
func (v Validation) verdict() string {
	verdict := "Valid"
	if !v.Valid() {
		verdict = "Not valid"
	}
	found := v.Findings.Sorted()
	return fmt.Sprintf("%s: %s in %s; %s, %s.", verdict, plural(v.Manifests, "manifest"), plural(v.Files, "file"),
		plural(found.Count(diag.Error), "error"), plural(found.Count(diag.Warning), "warning"))
}

// ValidationJSON writes the document of validate.
func ValidationJSON(w io.Writer, v Validation, version string) error {
	type counts struct {
		Files     int `json:"files"`
		Manifests int `json:"manifests"`
		Errors    int `json:"errors"`
		Warnings  int `json:"warnings"`
	}
	found := v.Findings.Sorted()
	return encode(w, struct {
		header
		Valid       bool          `json:"valid"`
		Counts      counts        `json:"counts"`
		Diagnostics []findingJSON `json:"diagnostics"`
	}{newHeader(version), v.Valid(), counts{v.Files, v.Manifests, found.Count(diag.Error), found.Count(diag.Warning)}, findingsJSON(found)})
}
