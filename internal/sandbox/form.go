package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"dcsync/schema/glossary"
)

// form reads one object of a request body and collects what is wrong with it.
// Null and the empty string count as absent, unknown parameters are passed over
// (both assumed; recorded bodies hold nulls).
//
// The codes are assumed beyond what API facts, section 2 lists: a missing
// parameter is required_param:<path>, anything else wrong with one is
// invalid_value:<path>. Only invalid_value of the validity units is documented.
type form struct {
	fields map[string]any
	at     string
	errs   *[]apiError
}

// form decodes the body, which must be one JSON object.
func (c *call) form() (form, reply, bool) {
	dec := json.NewDecoder(bytes.NewReader(c.body))
	dec.UseNumber()
	f := form{errs: &[]apiError{}}
	err := dec.Decode(&f.fields)
	if err == nil && f.fields == nil {
		err = errors.New("want an object")
	}
	if err == nil {
		if _, more := dec.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something follows the object")
		}
	}
	if err != nil {
		return form{}, fail(http.StatusBadRequest, "bad_request_format", "The body is not one JSON object"), false
	}
	return f, reply{}, true
}

// refused reports the collected errors, each once, if there are any.
func (f form) refused() (reply, bool) {
	if len(*f.errs) == 0 {
		return reply{}, false
	}
	var once []apiError
	for _, e := range *f.errs {
		if !slices.Contains(once, e) {
			once = append(once, e)
		}
	}
	return failAll(http.StatusBadRequest, once), true
}

func (f form) path(name string) string {
	if f.at == "" {
		return name
	}
	return f.at + "." + name
}

func (f form) add(code, format string, args ...any) {
	*f.errs = append(*f.errs, apiError{code, fmt.Sprintf(format, args...)})
}

func (f form) bad(name, format string, args ...any) {
	f.add("invalid_value:"+f.path(name), "%s: %s", f.path(name), fmt.Sprintf(format, args...))
}

func (f form) missing(name string) {
	f.add("required_param:"+f.path(name), "%s is required", f.path(name))
}

func (f form) has(name string) bool {
	v := f.fields[name]
	return v != nil && v != ""
}

// text reads an optional string of at most max characters, 0 for any.
func (f form) text(name string, max int) string {
	if !f.has(name) {
		return ""
	}
	s, ok := f.fields[name].(string)
	switch {
	case !ok:
		f.bad(name, "must be a string")
	case max > 0 && utf8.RuneCountInString(s) > max:
		f.bad(name, "must not be longer than %d characters", max)
	}
	return s
}

// need reads a required string; white space alone is missing.
func (f form) need(name string, max int) string {
	if s, isText := f.fields[name].(string); !f.has(name) || isText && strings.TrimSpace(s) == "" {
		f.missing(name)
		return ""
	}
	return f.text(name, max)
}

// oneOf reads an optional string of a closed list.
func (f form) oneOf(name string, allowed ...string) string {
	s := f.text(name, 0)
	if s == "" {
		return ""
	}
	for _, a := range allowed {
		if a == s {
			return s
		}
	}
	f.bad(name, "must be one of %s", strings.Join(allowed, ", "))
	return s
}

// integer reads an optional whole number, which clients send as a number or as
// digits (API facts, section 15).
func (f form) integer(name string) (int, bool) {
	if !f.has(name) {
		return 0, false
	}
	var text string
	switch v := f.fields[name].(type) {
	case json.Number:
		text = v.String()
	case string:
		text = v
	}
	i, err := strconv.Atoi(text)
	if err != nil {
		f.bad(name, "must be a whole number")
		return 0, false
	}
	return i, true
}

// nonzero reads an integer of which 0 means that none is given.
func (f form) nonzero(name string) (int, bool) {
	n, given := f.integer(name)
	return n, given && n != 0
}

// digits reads as text also where a number stands in its place, which clients
// send for what looks like one. It returns f.
func (f form) digits(names ...string) form {
	for _, name := range names {
		if n, isNumber := f.fields[name].(json.Number); isNumber {
			f.fields[name] = n.String()
		}
	}
	return f
}

// id reads an optional id, which clients send as a number or as digits (API
// facts, section 15).
func (f form) id(name string) (int, bool) {
	i, ok := f.integer(name)
	if ok && i <= 0 {
		f.bad(name, "must be an id")
		return 0, false
	}
	return i, ok
}

// flag reads an optional bool, which the API also takes as 0, 1 and as text.
func (f form) flag(name string) (value, given bool) {
	switch v := f.fields[name].(type) {
	case nil:
		return false, false
	case bool:
		return v, true
	case json.Number:
		if v == "0" || v == "1" {
			return v == "1", true
		}
	case string:
		switch v {
		case "":
			return false, false
		case "true", "false", "0", "1":
			return v == "true" || v == "1", true
		}
	}
	f.bad(name, "must be true or false")
	return false, true
}

// contact reads an optional contact, which some clients send with every field
// empty when there is none.
func (f form) contact(name string) *contact {
	item, given := f.object(name)
	if !given || item.empty() {
		return nil
	}
	return item.person(false)
}

// empty says that no field holds anything.
func (f form) empty() bool {
	for name := range f.fields {
		if f.has(name) {
			return false
		}
	}
	return true
}

// object reads an optional object.
func (f form) object(name string) (form, bool) {
	if !f.has(name) {
		return form{}, false
	}
	m, ok := f.fields[name].(map[string]any)
	if !ok {
		f.bad(name, "must be an object")
		return form{}, false
	}
	return form{m, f.path(name), f.errs}, true
}

// objects reads an optional array of objects.
func (f form) objects(name string) (list []form, given bool) {
	if !f.has(name) {
		return nil, false
	}
	items, ok := f.fields[name].([]any)
	if !ok {
		f.bad(name, "must be an array of objects")
		return nil, false
	}
	for i, item := range items {
		m, ok := item.(map[string]any)
		if !ok {
			f.bad(name, "must be an array of objects")
			return nil, false
		}
		list = append(list, form{m, fmt.Sprintf("%s[%d]", f.path(name), i), f.errs})
	}
	return list, true
}

// texts reads an optional array of strings.
func (f form) texts(name string) (list []string, given bool) {
	if !f.has(name) {
		return nil, false
	}
	items, ok := f.fields[name].([]any)
	if !ok {
		f.bad(name, "must be an array of strings")
		return nil, false
	}
	for _, item := range items {
		s, ok := item.(string)
		if !ok {
			f.bad(name, "must be an array of strings")
			return nil, false
		}
		list = append(list, s)
	}
	return list, true
}

// emails reads an optional array of email addresses.
func (f form) emails(name string) (list []string, given bool) {
	list, given = f.texts(name)
	for _, s := range list {
		if !isEmail(s) {
			f.bad(name, "%q is not an email address", s)
		}
	}
	return list, given
}

func (f form) email(name string, max int, required bool) string {
	var s string
	if required {
		s = f.need(name, max)
	} else {
		s = f.text(name, max)
	}
	if s != "" && !isEmail(s) {
		f.bad(name, "is not an email address")
	}
	return s
}

func isEmail(s string) bool {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || a.Name != "" {
		return false
	}
	_, domain, _ := strings.Cut(s, "@")
	return strings.Contains(strings.Trim(domain, "."), ".")
}

// country reads a required ISO 3166-1 alpha-2 code in either case.
func (f form) country(name string) string {
	s := f.need(name, 0)
	if s != "" && !inGlossary("countries", strings.ToUpper(s)) {
		f.bad(name, "%q is not an ISO 3166-1 alpha-2 country code", s)
	}
	return s
}

func inGlossary(topic, value string) bool {
	l, ok := glossary.Lookup(topic)
	return ok && l.Has(l.Key(), value)
}

func glossaryValues(topic string) []string {
	l, _ := glossary.Lookup(topic)
	return l.Values()
}
