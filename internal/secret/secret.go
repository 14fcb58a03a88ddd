// Package secret keeps values that must leave no trace: the API key, card numbers, verification codes.
//
// String prints as redacted however it is formatted or encoded; Scrubber removes known secrets from text that comes from
// elsewhere (server messages, HTTP errors). It does not decide which fields are secret: the tables do.
package secret

import (
	"encoding/base64"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// Redacted is what stands in place of a secret.
const Redacted = "[redacted]"

// String is a secret text. Only Reveal gives it back.
type String struct{ v string }

// New wraps a secret.
func New(v string) String { return String{v} }

// Reveal gives the secret itself; call it only where it is sent.
func (s String) Reveal() string { return s.v }

// Empty tells whether there is no secret.
func (s String) Empty() bool { return s.v == "" }

// String is for fmt: it never shows the secret.
func (s String) String() string { return Redacted }

// GoString is for %#v: it never shows the secret.
func (s String) GoString() string { return Redacted }

// MarshalText is for encoders: it never shows the secret.
func (s String) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// LogValue is for slog: it never shows the secret.
func (s String) LogValue() slog.Value { return slog.StringValue(Redacted) }

// Scrubber removes secrets it was told of from any text. It is safe for concurrent use; its zero value is ready.
type Scrubber struct {
	mu    sync.RWMutex
	known []string
}

// Add tells the scrubber a secret. The forms in which it could come back from a server (escaped in a URL, base64) are removed
// too. Values shorter than three characters are not taken: removing them would only garble text.
func (s *Scrubber) Add(v String) {
	if len(v.v) < 3 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, form := range append(grouped(v.v), v.v, url.QueryEscape(v.v), url.PathEscape(v.v), base64.StdEncoding.EncodeToString([]byte(v.v))) {
		if !slices.Contains(s.known, form) {
			s.known = append(s.known, form)
		}
	}
	slices.SortFunc(s.known, func(a, b string) int { return len(b) - len(a) })
}

// grouped gives the ways in which people and servers write a long number: in fours, with blanks or hyphens between.
func grouped(v string) []string {
	if len(v) < 12 || strings.Trim(v, "0123456789") != "" {
		return nil
	}
	var parts []string
	for rest := v; rest != ""; {
		n := min(4, len(rest))
		parts, rest = append(parts, rest[:n]), rest[n:]
	}
	return []string{strings.Join(parts, " "), strings.Join(parts, "-")}
}

// Scrub gives text without the known secrets.
func (s *Scrubber) Scrub(text string) string {
	if s == nil {
		return text
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, k := range s.known {
		text = strings.ReplaceAll(text, k, Redacted)
	}
	return text
}
