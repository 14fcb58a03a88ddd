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

// The words of the Rules column; tables/README.md says what each means.
const (
	wordMax            = "max"
	wordMin            = "min"
	wordMinItems       = "min_items"
	wordRange          = "range"
	wordEnum           = "enum"
	wordOpen           = "open"
	wordFormat         = "format"
	wordPattern        = "pattern"
	wordDigits         = "digits"
	wordFile           = "file"
	wordDefault        = "default"
	wordRequiredWhen   = "required_when"
	wordForbiddenWhen  = "forbidden_when"
	wordIgnoredWhen    = "ignored_when"
	wordUnverifiedWhen = "unverified_when"
	wordUnverified     = "unverified"
	wordAtLeastOne     = "at_least_one"
	wordAtMostOne      = "at_most_one"
	wordExactlyOne     = "exactly_one"
	wordOverrides      = "overrides"
	wordConverts       = "converts"
	wordMaxTotal       = "max_total"
	wordUnique         = "unique"
	wordSecret         = "secret"
	wordRef            = "ref"
	wordBesideRef      = "beside_ref"
	wordSpread         = "spread"
	wordSet            = "set"
	wordLower          = "lower"
	wordIdentity       = "identity"
	wordClearable      = "clearable"
	wordSelects        = "selects"
	wordNamesField     = "names_field"
	wordDeprecated     = "deprecated"
	wordDiscouraged    = "discouraged"
	wordHint           = "hint"
	wordCheck          = "check"
	wordAt             = "at"
	wordIncludes       = "includes"
	wordRevokesWhen    = "revokes_when"
	wordMeans          = "means"
)

// sendWords may stand behind at=send: rules that can refuse a value which was right when it was sent.
var sendWords = []string{wordRange, wordRequiredWhen, wordForbiddenWhen, wordCheck}

// rule is one entry of the Rules column. Which members are set depends on the word.
type rule struct {
	word   string
	atSend bool      // holds only where the field is sent
	number int64     // max, min, min_items, max_total, and what converts gives
	low    *int64    // range, converts
	high   *int64    // range, converts
	topic  string    // enum=@topic
	values []string  // enum, open(…), means, the value of default, of discouraged, of revokes_when, and of at_most_one(field=value)
	names  []string  // fields: at_least_one, at_most_one, exactly_one, overrides, max_total, unique, spread, includes
	when   condition // …_when, default, check, unverified
	text   string    // format, pattern, ref, check, deprecated, discouraged, unverified, hint
	texts  []string  // means: what each of the values means
	given  string    // check: its argument
}

// parser reads what stands behind a word: its value (word=value) or its argument (word(argument)).
type parser func(r *rule, value string) error

// grammar says how each word is written. One ending in "=" takes a value, one ending in "(" an argument, other words stand alone; a
// word may have several forms.
var grammar = map[string]parser{
	wordMax + "=":      parseNumber,
	wordMin + "=":      parseNumber,
	wordMinItems + "=": parseNumber,
	wordRange + "=":    parseRange,
	wordEnum + "=":     parseEnum,
	wordOpen:           nil,
	wordOpen + "(":     parseValues,
	wordFormat + "=":   parseFormat,
	wordPattern + "(":  parsePattern,
	wordDigits:         nil,
	wordFile:           nil,
	wordDefault + "(":  parseDefault,

	wordRequiredWhen + "(":   parseWhen,
	wordForbiddenWhen + "(":  parseWhen,
	wordIgnoredWhen + "(":    parseWhen,
	wordUnverifiedWhen + "(": parseWhen,
	wordUnverified + "(":     parseUnverified,

	wordAtLeastOne + "(": parseNames,
	wordAtMostOne + "(":  parseAtMostOne,
	wordExactlyOne + "(": parseNames,
	wordOverrides + "(":  parseNames,
	wordUnique + "(":     parseNames,
	wordSpread + "(":     parseNames,
	wordMaxTotal + "=":   parseMaxTotal,
	wordConverts + "(":   parseConverts,

	wordSecret:            nil,
	wordRef + "=":         parseText,
	wordBesideRef:         nil,
	wordSet:               nil,
	wordLower:             nil,
	wordIdentity:          nil,
	wordClearable:         nil,
	wordSelects:           nil,
	wordNamesField:        nil,
	wordDeprecated + "(":  parseText,
	wordDiscouraged + "(": parseDiscouraged,
	wordHint + "(":        parseText,
	wordCheck + "(":       parseCheck,
	wordAt + "=":          parseAt,
	wordIncludes + "(":    parseNames,
	wordRevokesWhen + "(": parseRevokes,
	wordMeans + "(":       parseMeans,
}

// parseRules reads a Rules cell: rules in backquotes, separated by commas or spaces; "–" or nothing for none.
func parseRules(cell string) ([]rule, error) {
	var rules []rule
	if cell == "–" {
		return nil, nil
	}
	atSend := false // at=send was read
	for rest := cell; ; {
		before, tail, found := strings.Cut(rest, "`")
		if strings.Trim(before, ", ") != "" {
			return nil, fmt.Errorf("unknown rule %q: rules stand in backquotes", strings.TrimSpace(before))
		}
		if !found {
			return rules, nil
		}
		text, after, closed := strings.Cut(tail, "`")
		if !closed {
			return nil, fmt.Errorf("rule %q lacks its closing backquote", text)
		}
		r, err := parseRule(text)
		if err != nil {
			return nil, err
		}
		rest = after
		if r.word == wordAt {
			atSend = true
			continue
		}
		if r.atSend = atSend; atSend && !slices.Contains(sendWords, r.word) {
			return nil, fmt.Errorf("rule %q cannot stand behind at=send", text)
		}
		rules = append(rules, r)
	}
}

func parseRule(text string) (rule, error) {
	word, form, value := text, "", ""
	if i := strings.IndexAny(text, "=("); i >= 0 {
		word, form, value = text[:i], text[i:i+1], text[i+1:]
		if form == "(" {
			inner, ok := strings.CutSuffix(value, ")")
			if !ok {
				return rule{}, fmt.Errorf("rule %q lacks its closing bracket", text)
			}
			value = inner
		}
	}
	parse, known := grammar[word+form]
	if !known {
		return rule{}, fmt.Errorf("unknown rule %q", text)
	}
	r := rule{word: word}
	if parse == nil {
		return r, nil
	}
	if err := parse(&r, strings.TrimSpace(value)); err != nil {
		return rule{}, fmt.Errorf("rule %q: %w", text, err)
	}
	return r, nil
}

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
