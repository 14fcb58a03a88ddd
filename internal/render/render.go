// Package render turns plans, findings, results and failures into what people and programs read: text with marks and colour, and
// JSON documents of a stable shape.
//
// It decides nothing and reads nothing: everything it shows is handed to it, and secrets have been taken out before. Where a value
// may come from elsewhere (a server's message, a source line), control characters are replaced, so that no output can steer a
// terminal.
package render

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
)

// FormatVersion is the version of every JSON document. Fields may be added under it, never renamed or removed.
const FormatVersion = "1"

// header begins every JSON document.
type header struct {
	FormatVersion string `json:"format_version"`
	DcsyncVersion string `json:"dcsync_version"`
}

func newHeader(version string) header {
	return header{FormatVersion: FormatVersion, DcsyncVersion: version}
}

// encode writes one JSON document with a final newline.
func encode(w io.Writer, doc any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

// instant gives a time as documents show it: RFC 3339 in UTC, null when unknown.
func instant(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format(time.RFC3339Nano)
	return &s
}

// id gives an object's id as documents show it: null when there is none, a number when it is one, else a string.
func id(s string) any {
	switch {
	case s == "":
		return nil
	case isNumber(s):
		return json.Number(s)
	}
	return s
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == "" && (s[0] != '0' || s == "0")
}

// orNil gives null in place of an empty text.
func orNil[S ~string](s S) *S {
	if s == "" {
		return nil
	}
	return &s
}

// orEmpty gives [] in place of null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// clean makes text from elsewhere fit for one line of a terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\r', r == '\t':
			return ' '
		case unicode.IsPrint(r):
			return r
		}
		return unicode.ReplacementChar
	}, strings.TrimRight(s, "\r\n"))
}

// plural gives "1 order", "2 orders".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
