package schema

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"dcsync/internal/resource"
	"dcsync/schema/glossary"
)

func parseNumber(r *rule, v string) (err error) {
	if r.number, err = strconv.ParseInt(v, 10, 32); err != nil || r.number < 0 {
		return fmt.Errorf("%q is no count", v)
	}
	return nil
}

// parseRange reads LOW..HIGH, either of which may be missing.
func parseRange(r *rule, v string) error {
	low, high, ok := strings.Cut(v, "..")
	if !ok || low == "" && high == "" {
		return fmt.Errorf("%q is no range", v)
	}
	for _, end := range []struct {
		text string
		to   **int64
	}{{low, &r.low}, {high, &r.high}} {
		if end.text == "" {
			continue
		}
		n, err := strconv.ParseInt(end.text, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is no range", v)
		}
		*end.to = &n
	}
	if r.low != nil && r.high != nil && *r.low > *r.high {
		return fmt.Errorf("%q is an empty range", v)
	}
	return nil
}

func parseEnum(r *rule, v string) error {
	topic, ok := strings.CutPrefix(v, "@")
	if !ok {
		return parseValues(r, v)
	}
	list, ok := glossary.Lookup(topic)
	if !ok {
		return fmt.Errorf("the glossary has no list %q", topic)
	}
	r.topic, r.values = topic, list.Values()
	return nil
}

func parseValues(r *rule, v string) error {
	r.values = strings.Split(v, "|")
	if slices.Contains(r.values, "") {
		return fmt.Errorf("empty value in %q", v)
	}
	return nil
}

func parseFormat(r *rule, v string) error {
	if _, ok := formats[v]; !ok {
		return fmt.Errorf("unknown format %q", v)
	}
	r.text = v
	return nil
}

func parsePattern(r *rule, v string) error {
	if _, err := regexp.Compile(v); err != nil || v == "" {
		return fmt.Errorf("%q is no pattern", v)
	}
	r.text = v
	return nil
}

func parseDefault(r *rule, v string) error {
	value, cond, conditional := strings.Cut(v, " when ")
	if value = strings.TrimSpace(value); value == "" {
		return fmt.Errorf("no value")
	}
	r.values = []string{value}
	if conditional {
		return parseWhen(r, cond)
	}
	return nil
}

func parseWhen(r *rule, v string) (err error) {
	r.when, err = parseCondition(v)
	return err
}

func parseNames(r *rule, v string) error {
	for _, name := range strings.Split(v, ",") {
		name = strings.TrimSpace(name)
		if !isName(name) {
			return fmt.Errorf("%q is no field name", name)
		}
		r.names = append(r.names, name)
	}
	return nil
}

// parseAtMostOne reads either fields (a,b), of which one may be given, or field=value, which one item of a list may have.
func parseAtMostOne(r *rule, v string) error {
	name, value, ofItems := strings.Cut(v, "=")
	if !ofItems {
		return parseNames(r, v)
	}
	if err := parseNames(r, name); err != nil {
		return err
	}
	return parseValues(r, value)
}

// parseMaxTotal reads N(a,b).
func parseMaxTotal(r *rule, v string) error {
	number, names, ok := strings.Cut(strings.TrimSuffix(v, ")"), "(")
	if !ok || !strings.HasSuffix(v, ")") {
		return fmt.Errorf("%q is not N(field,field)", v)
	}
	if err := parseNumber(r, number); err != nil {
		return err
	}
	return parseNames(r, names)
}

// parseConverts reads LOW..HIGH,TO.
func parseConverts(r *rule, v string) error {
	from, to, ok := strings.Cut(v, ",")
	if !ok {
		return fmt.Errorf("%q is not LOW..HIGH,TO", v)
	}
	number, err := strconv.ParseInt(strings.TrimSpace(to), 10, 64)
	if err != nil {
		return fmt.Errorf("%q is no number", to)
	}
	r.number = number
	if err := parseRange(r, from); err != nil {
		return err
	}
	if r.low == nil || r.high == nil {
		return fmt.Errorf("%q has an open end", from)
	}
	return nil
}

// parseAt reads the one moment there is.
func parseAt(_ *rule, v string) error {
	if v != "send" {
		return fmt.Errorf("%q is no moment", v)
	}
	return nil
}

// parseCheck reads NAME[,ARGUMENT] [when COND].
func parseCheck(r *rule, v string) error {
	call, err := parseTrailingWhen(r, v)
	if err != nil {
		return err
	}
	name, argument, hasArgument := strings.Cut(call, ",")
	if r.given = strings.TrimSpace(argument); hasArgument && r.given == "" {
		return fmt.Errorf("no argument behind the comma")
	}
	return parseText(r, name)
}

// parseUnverified reads TEXT [when COND].
func parseUnverified(r *rule, v string) error {
	text, err := parseTrailingWhen(r, v)
	if err != nil {
		return err
	}
	return parseText(r, text)
}

// parseTrailingWhen takes the condition off the end of an argument, if there is one.
func parseTrailingWhen(r *rule, v string) (rest string, err error) {
	i := strings.LastIndex(v, " when ")
	if i < 0 {
		return v, nil
	}
	return strings.TrimSpace(v[:i]), parseWhen(r, v[i+len(" when "):])
}

func parseRevokes(r *rule, v string) error {
	if v != string(resource.RevokesChanged) && v != string(resource.RevokesRemoved) {
		return fmt.Errorf("%q is neither changed nor removed", v)
	}
	r.values = []string{v}
	return nil
}

// parseMeans reads VALUE: TEXT {; VALUE: TEXT}.
func parseMeans(r *rule, v string) error {
	for _, part := range strings.Split(v, ";") {
		value, text, ok := strings.Cut(part, ":")
		if !ok || strings.TrimSpace(value) == "" || strings.TrimSpace(text) == "" {
			return fmt.Errorf("%q is not VALUE: TEXT", strings.TrimSpace(part))
		}
		r.values, r.texts = append(r.values, strings.TrimSpace(value)), append(r.texts, strings.TrimSpace(text))
	}
	return nil
}

func parseText(r *rule, v string) error {
	if v == "" {
		return fmt.Errorf("nothing behind it")
	}
	r.text = v
	return nil
}

// parseDiscouraged reads VALUE, REASON.
func parseDiscouraged(r *rule, v string) error {
	value, reason, ok := strings.Cut(v, ",")
	if !ok {
		return fmt.Errorf("%q is not VALUE, REASON", v)
	}
	r.values = []string{value}
	return parseText(r, strings.TrimSpace(reason))
}
