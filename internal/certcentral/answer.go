package certcentral

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode"
)

const (
	maxAnswer      = 64 << 20
	maxErrorAnswer = 1 << 20
	maxText        = 300 // characters of a server's text that are kept in an error
	maxMessages    = 10
)

// Response is a successful answer.
type Response struct {
	Status int
	Body   map[string]any // numbers are json.Number; nil when the server sent none
	Date   time.Time      // the server's clock; zero when it sent none
}

// answer decodes a successful answer. A read that answers nothing at all is an error, unless it says so by 204.
func answer(k *call, resp *http.Response, raw []byte) (*Response, error) {
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, fmt.Errorf("unexpected status %d", resp.StatusCode)
	}
	out := &Response{Status: resp.StatusCode}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		out.Date = date
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		if !k.write() && resp.StatusCode != http.StatusNoContent {
			return nil, errors.New("answer is empty")
		}
		return out, nil
	}
	body, err := decodeBody(raw)
	if err != nil {
		return nil, err
	}
	out.Body = body
	return out, nil
}

// decodeBody reads one JSON object. The content type is not asked: what reads as an object is one. An empty array stands for
// an empty object (API facts, section 15).
func decodeBody(raw []byte) (map[string]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return nil, errors.New("answer is not JSON")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("answer has something behind its JSON")
	}
	switch v := v.(type) {
	case map[string]any:
		return v, nil
	case []any:
		if len(v) == 0 {
			return map[string]any{}, nil
		}
	}
	return nil, errors.New("answer is not a JSON object")
}

// apiError decodes an answer of status 400 and above. It always gives an error, whatever the body is.
func (c *Client) apiError(k *call, resp *http.Response, raw []byte, wait time.Duration) *APIError {
	e := &APIError{Status: resp.StatusCode, Method: k.method, Path: k.path, RetryAfter: wait}
	var messages []string
	body, err := decodeBody(raw)
	for _, item := range errorItems(body) {
		if code := c.clean(text(item, "code")); code != "" {
			e.Codes = append(e.Codes, Code(code))
		}
		if message := c.clean(cmp.Or(text(item, "message"), text(item, "description"))); message != "" {
			messages = append(messages, message)
		}
	}
	if more := len(messages) - maxMessages; more > 0 {
		messages = append(messages[:maxMessages], fmt.Sprintf("and %d more", more))
	}
	e.Message = strings.Join(messages, "; ")
	if len(e.Codes) == 0 && e.Message == "" && len(bytes.TrimSpace(raw)) > 0 {
		if err != nil {
			e.Message = err.Error()
		} else {
			e.Message = "answer has no errors in it"
		}
		e.Message += c.excerpt(resp, raw)
	}
	return e
}

// errorItems gives the members of "errors", which is an array or, in old answers, a single object.
func errorItems(body map[string]any) []map[string]any {
	if one := Object(body["errors"]); one != nil {
		return []map[string]any{one}
	}
	return Items(body, "errors")
}

var markup = regexp.MustCompile(`(?s)<(?:script|style)\b.*?</(?:script|style)>|<[^>]*>`)

// excerpt shows content type and beginning of an answer that could not be read, as " (text/html: …)".
func (c *Client) excerpt(resp *http.Response, raw []byte) string {
	kind := c.clean(resp.Header.Get("Content-Type"))
	if kind == "" {
		kind = "no content type"
	}
	if len(raw) > maxErrorAnswer { // where it was cut, half a secret could stand
		return fmt.Sprintf(" (%s, large)", kind)
	}
	// Secrets are removed before anything else is, lest a part of one survive.
	text := c.scrub.Scrub(html.UnescapeString(c.scrub.Scrub(string(raw))))
	if text = c.clean(markup.ReplaceAllString(text, " ")); text == "" {
		return fmt.Sprintf(" (%s)", kind)
	}
	return fmt.Sprintf(" (%s: %q)", kind, text)
}

var userinfo = regexp.MustCompile(`://[^/@\s"]+@`)

// clean makes a text of foreign origin fit to be shown: without secrets and control characters, on one line, and short.
func (c *Client) clean(text string) string {
	text = userinfo.ReplaceAllString(c.scrub.Scrub(text), "://")
	blank := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }
	text = c.scrub.Scrub(strings.Join(strings.FieldsFunc(text, blank), " "))
	if runes := []rune(text); len(runes) > maxText {
		return string(runes[:maxText]) + "…"
	}
	return text
}

// reason gives an error's text without method and path, which stand beside it.
func reason(err error) string {
	switch e := err.(type) {
	case *TransportError:
		return e.Reason
	case *APIError:
		return strings.TrimPrefix(e.Error(), e.Method+" "+e.Path+": ")
	}
	return err.Error()
}
