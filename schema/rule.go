package schema

import (
	"fmt"
	"slices"
	"strings"
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
