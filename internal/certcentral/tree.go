package certcentral

import (
	"encoding/json"
	"strconv"
	"strings"
)

// Object gives a member of a body as an object. An empty array stands for an empty object (API facts, section 15); that,
// absence, null and every other type give nil, from which can be read as from any map.
func Object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// Items gives the objects in an array member of a body; none when it is absent.
func Items(body map[string]any, key string) []map[string]any {
	list, _ := body[key].([]any)
	var out []map[string]any
	for _, v := range list {
		if m := Object(v); m != nil {
			out = append(out, m)
		}
	}
	return out
}

// ID gives an identifier as text, whether the server sent it as a number or a string; "" when there is none.
func ID(v any) string {
	switch v := v.(type) {
	case json.Number:
		return v.String()
	case string:
		return strings.TrimSpace(v)
	}
	return ""
}

// text gives a string member, "" when it is absent.
func text(m map[string]any, key string) string {
	s, _ := m[key].(string)
	return s
}

// count gives a number of items, sent as a number or a string.
func count(v any) (int, bool) {
	n, err := strconv.Atoi(ID(v))
	return n, err == nil && n >= 0
}

// NewID gives the id that the answer to a creating request names. An answer without a usable one (a positive number) leaves open what
// became of the request: an *AmbiguousError.
func NewID(r *Response, what string) (string, error) {
	id := ID(r.Body["id"])
	if n, err := strconv.ParseInt(id, 10, 64); err != nil || n < 1 || strconv.FormatInt(n, 10) != id {
		return "", &AmbiguousError{Method: "POST", Path: what, Cause: &TransportError{Method: "POST", Path: what, Reason: "the answer names no usable id"}}
	}
	return id, nil
}
