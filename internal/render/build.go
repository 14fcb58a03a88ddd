package render

import (
	"fmt"
	"io"
)

// Build says which dcsync this is.
type Build struct {
	Version  string
	Commit   string // "" when it was not built from a checkout
	Go       string
	Platform string
}

// BuildText writes one line.
func BuildText(w io.Writer, b Build) error {
	commit := ""
	if b.Commit != "" {
		commit = "commit " + b.Commit + ", "
	}
	_, err := fmt.Fprintf(w, "dcsync %s (%s%s, %s)\n", b.Version, commit, b.Go, b.Platform)
	return err
}

// BuildJSON writes the document of version.
func BuildJSON(w io.Writer, b Build) error {
	return encode(w, struct {
		header
		Commit    *string `json:"commit"`
		GoVersion string  `json:"go_version"`
		Platform  string  `json:"platform"`
	}{newHeader(b.Version), orNil(b.Commit), b.Go, b.Platform})
}
