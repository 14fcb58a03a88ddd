package render

import (
	"io"
	"strings"

	"dcsync/internal/diag"
)

// ListText writes one entry a line.
func ListText(w io.Writer, entries []string) error {
	var b strings.Builder
	for _, e := range entries {
		b.WriteString(clean(e) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// FilesJSON writes the document of a command that wrote files.
func FilesJSON(w io.Writer, files []string, version string) error {
	return encode(w, struct {
		header
		Files []string `json:"files"`
	}{newHeader(version), orEmpty(files)})
}

// FormattedJSON writes the document of fmt: the files that were, or are, not in canonical form, and why others were left alone.
func FormattedJSON(w io.Writer, files []string, findings diag.List, version string) error {
	return encode(w, struct {
		header
		Files       []string      `json:"files"`
		Diagnostics []findingJSON `json:"diagnostics"`
	}{newHeader(version), orEmpty(files), findingsJSON(findings)})
}

// KindsJSON writes the document of the kinds that have a schema.
func KindsJSON(w io.Writer, kinds []string, version string) error {
	return encode(w, struct {
		header
		Kinds []string `json:"kinds"`
	}{newHeader(version), orEmpty(kinds)})
}

// TopicJSON writes the document of a help topic.
func TopicJSON(w io.Writer, topic, text, version string) error {
	return encode(w, struct {
		header
		Topic *string `json:"topic"`
		Text  string  `json:"text"`
	}{newHeader(version), orNil(topic), text})
}
