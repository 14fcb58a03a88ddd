package certcentral

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Code is the machine-readable word of an API error, such as "not_found|order" or "invalid_value:validity_years".
type Code string

// Is tells whether the code is the wanted one, or the wanted one with details behind "|" or ":".
func (c Code) Is(want string) bool {
	rest, found := strings.CutPrefix(string(c), want)
	return found && (rest == "" || rest[0] == '|' || rest[0] == ':')
}

// parts gives the word and its details.
func (c Code) parts() []string {
	return strings.FieldsFunc(string(c), func(r rune) bool { return r == '|' || r == ':' })
}

// APIError is a refusal by the server: any status of 400 and above. Its texts are scrubbed of secrets and safe to print.
type APIError struct {
	Status     int
	Codes      []Code // in the server's order; none when the answer was not the API's own
	Message    string // the server's words for people; of an answer that is not JSON its type and beginning
	Method     string
	Path       string        // below the API's address, without query
	RetryAfter time.Duration // the wait the server asks for, zero when it asks for none
}

// Error gives method, path, status, codes and message in one line.
func (e *APIError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %d", e.Method, e.Path, e.Status)
	for _, c := range e.Codes {
		b.WriteString(" " + string(c))
	}
	if text := http.StatusText(e.Status); len(e.Codes) == 0 && text != "" {
		b.WriteString(" " + text)
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	return b.String()
}

// Has tells whether any of the codes is the wanted one, with or without details behind it: "not_found" and "not_found|order"
// both match "not_found|order".
func (e *APIError) Has(code string) bool {
	return slices.ContainsFunc(e.Codes, func(c Code) bool { return c.Is(code) })
}

// mentions tells whether a word is a code or a detail of a code.
func (e *APIError) mentions(word string) bool {
	return slices.ContainsFunc(e.Codes, func(c Code) bool { return slices.Contains(c.parts(), word) })
}

// Hint says what the user can do about the error, "" when there is nothing general to say.
func (e *APIError) Hint() string {
	switch {
	case e.mentions("access_denied_invalid_key"), e.Status == http.StatusUnauthorized:
		return "check the API key; a key is known to one instance only, and this one may belong to the other (us or eu)"
	case e.mentions("missing_permission"):
		return "the key's own restriction or the role of its user does not allow this; writing needs a key that is not View Only, and organizations need one not limited to orders"
	case e.Status == http.StatusTooManyRequests:
		return "something else seems to use the same key; wait a few minutes, or set a lower rate limit"
	case e.Status >= http.StatusInternalServerError:
		return "CertCentral is in trouble or under maintenance; run the same command again later"
	case len(e.Codes) == 0:
		return "the answer does not look like CertCentral's; check the API address, and any proxy in between"
	}
	return ""
}

// TransportError says that a call got no answer that can be used: no connection, a timeout, a cut connection, a refused
// redirect, or an answer that is not what the API sends. Its text is scrubbed of secrets and safe to print.
type TransportError struct {
	Method string
	Path   string // below the API's address, without query
	Reason string
	cause  error // the caller's context error, when that is what ended the call
}

// Error gives method, path and reason in one line.
func (e *TransportError) Error() string { return e.Method + " " + e.Path + ": " + e.Reason }

// Unwrap gives context.Canceled or context.DeadlineExceeded when the caller's context ended the call. Other causes are kept as
// text only, since their own texts can hold secrets.
func (e *TransportError) Unwrap() error { return e.cause }

// NotSentError says that the guard kept a write from being sent. Inside an *AmbiguousError an earlier attempt of the same call was sent.
type NotSentError struct {
	Method string
	Path   string
	Cause  error // the guard's
}

// Error gives the cause.
func (e *NotSentError) Error() string {
	return e.Method + " " + e.Path + ": not sent: " + e.Cause.Error()
}

// Unwrap gives the cause.
func (e *NotSentError) Unwrap() error { return e.Cause }

// AmbiguousError says that a write was sent and that its outcome is unknown. It must not be sent again before a look-up has
// shown that it had no effect.
type AmbiguousError struct {
	Method string
	Path   string
	Cause  error // *APIError, *TransportError or *NotSentError: how the last attempt ended
}

// Error gives the cause, marked as of unknown outcome.
func (e *AmbiguousError) Error() string { return "outcome unknown: " + e.Cause.Error() }

// Unwrap gives the cause.
func (e *AmbiguousError) Unwrap() error { return e.Cause }
