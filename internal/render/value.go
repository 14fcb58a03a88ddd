package render

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"dcsync/internal/resource"
)

// wide is the length from which a list or map is shown on several lines.
const wide = 80

const (
	absent = "(none)"
	masked = "(sensitive)"
)

// inline gives a value on one line. Text is shown as it is wherever that cannot be mistaken for something else, and quoted
// otherwise.
func inline(v resource.Value) string {
	switch v := v.(type) {
	case nil, resource.Null:
		return absent
	case resource.String:
		return plainOrQuoted(string(v))
	case resource.SecretRef:
		return masked
	case resource.Ref:
		return "id of " + resource.Address(v).String()
	case resource.List:
		items := make([]string, len(v))
		for i, e := range v {
			items[i] = inline(e)
		}
		return "[" + strings.Join(items, ", ") + "]"
	case resource.Map:
		var items []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			items = append(items, plainOrQuoted(k)+": "+inline(v[k]))
		}
		return "{" + strings.Join(items, ", ") + "}"
	}
	return resource.Text(v)
}

func plainOrQuoted(s string) string {
	plain := s != "" && strings.TrimSpace(s) == s && !strings.ContainsAny(s, `"[]{},`) && !strings.Contains(s, ": ") &&
		!strings.Contains(s, "→") && s[0] != '(' && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
	switch s {
	case "true", "false", "null":
		plain = false
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		plain = false
	}
	if plain {
		return s
	}
	return strconv.Quote(s)
}

// tall tells whether a value is better shown on lines of its own.
func tall(v resource.Value) bool {
	switch v := v.(type) {
	case resource.String:
		return strings.Contains(strings.TrimSuffix(string(v), "\n"), "\n")
	case resource.List, resource.Map:
		return len(inline(v)) > wide
	}
	return false
}

// lines gives a value as lines: text as it is, lists and maps in the layout of YAML, nothing for an absent one.
func lines(v resource.Value) []string {
	switch v := v.(type) {
	case nil, resource.Null:
		return nil
	case resource.String:
		var out []string
		for _, l := range strings.Split(strings.TrimSuffix(string(v), "\n"), "\n") {
			out = append(out, clean(l))
		}
		return out
	case resource.List:
		var out []string
		for _, e := range v {
			out = append(out, hang("- ", nested(e))...)
		}
		return out
	case resource.Map:
		var out []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			body := nested(v[k])
			if len(body) == 1 {
				out = append(out, plainOrQuoted(k)+": "+body[0])
				continue
			}
			out = append(out, plainOrQuoted(k)+":")
			out = append(out, hang("  ", body)...)
		}
		return out
	}
	return []string{inline(v)}
}

// nested gives the lines of a value inside another: text stays on one line there.
func nested(v resource.Value) []string {
	switch x := v.(type) {
	case resource.List:
		if len(x) > 0 && tall(v) {
			return lines(v)
		}
	case resource.Map:
		if len(x) > 0 {
			return lines(v)
		}
	}
	return []string{inline(v)}
}

// hang puts first before the first line and as many blanks before the others.
func hang(first string, body []string) []string {
	out := make([]string, len(body))
	for i, l := range body {
		prefix := first
		if i > 0 {
			prefix = strings.Repeat(" ", len(first))
		}
		out[i] = prefix + l
	}
	return out
}
