package render

import (
	"io"
	"strings"

	"dcsync/internal/diag"
	"dcsync/internal/term"
)

// Failure says why a command did not do what it was told. Code is a stable word, or the API's own error code; Findings are the
// findings about files that caused it, if any.
type Failure struct {
	Code     string
	Message  string
	Hint     string
	ExitCode int
	Findings diag.List
}

// FailureText writes the findings, or else the message, and the hint.
func FailureText(s *term.Stream, f Failure) error {
	if len(f.Findings) > 0 {
		if err := Findings(s, f.Findings); err != nil {
			return err
		}
	}
	var b strings.Builder
	if len(f.Findings) == 0 {
		b.WriteString(s.Paint(term.Red, "error") + ": " + clean(f.Message) + "\n")
	}
	if f.Hint != "" {
		b.WriteString("  hint: " + clean(f.Hint) + "\n")
	}
	_, err := io.WriteString(s, b.String())
	return err
}

// FailureJSON writes the document of a failed command.
func FailureJSON(w io.Writer, f Failure, version string) error {
	return encode(w, struct {
		header
		Error       *failureJSON  `json:"error"`
		Diagnostics []findingJSON `json:"diagnostics"`
	}{newHeader(version), f.json(), findingsJSON(f.Findings)})
}

type failureJSON struct {
	Code     string `json:"code"`
	Message  string `json:"message"`
	Hint     string `json:"hint"`
	ExitCode int    `json:"exit_code"`
}

// json gives the member of a document, nil for no failure.
func (f *Failure) json() *failureJSON {
	if f == nil {
		return nil
	}
	return &failureJSON{Code: f.Code, Message: f.Message, Hint: f.Hint, ExitCode: f.ExitCode}
}
