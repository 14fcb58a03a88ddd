package sandbox

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Paging, filters and sorting as API facts, section 1.1 has them.

const maxLimit = 1000

type page struct {
	Total  int `json:"total"`
	Limit  int `json:"limit"`
	Offset int `json:"offset"`
}

// cut takes one page out of a list. A limit over 1000 counts as 1000, and 0 as
// none given (both assumed).
func cut[T any](c *call, list []T) ([]T, page, *reply) { return cutAt(c, list, maxLimit, maxLimit) }

func cutAt[T any](c *call, list []T, usual, most int) ([]T, page, *reply) {
	p := page{Total: len(list), Limit: usual}
	for name, into := range map[string]*int{"limit": &p.Limit, "offset": &p.Offset} {
		text := c.query.Get(name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			out := fail(http.StatusBadRequest, "invalid_value:"+name, "%s must be a number", name)
			return nil, page{}, &out
		}
		*into = n
	}
	if p.Limit == 0 {
		p.Limit = usual
	}
	p.Limit = min(p.Limit, most)
	from := min(p.Offset, len(list))
	if c.shifted && from > 0 {
		from-- // a fault: as if an item had come in ahead of the page
	}
	return list[from:min(from+p.Limit, len(list))], p, nil
}

// filter is one filters[name]: values are alternatives, as in the indexed form.
type filter struct {
	name   string
	values []string
}

func filters(query url.Values) []filter {
	byName := map[string][]string{}
	for key, values := range query {
		if inner, ok := strings.CutPrefix(key, "filters["); ok {
			name, _, _ := strings.Cut(inner, "]")
			byName[name] = append(byName[name], values...)
		}
	}
	var list []filter
	for name, values := range byName {
		list = append(list, filter{name, values})
	}
	slices.SortFunc(list, func(a, b filter) int { return cmp.Compare(a.name, b.name) })
	return list
}

// test says whether an item passes one value of a filter.
type test[T any] func(item T, value string) bool

// keep applies all filters. A filter the endpoint does not have is refused, so
// that nobody takes the whole list for a match (assumed).
func keep[T any](list []T, given []filter, tests map[string]test[T]) ([]T, *reply) {
	for _, f := range given {
		t, known := tests[f.name]
		if !known {
			out := fail(http.StatusBadRequest, "invalid_value:filters["+f.name+"]", "There is no filter %s here", f.name)
			return nil, &out
		}
		list = slices.DeleteFunc(list, func(item T) bool {
			return !slices.ContainsFunc(f.values, func(v string) bool { return t(item, v) })
		})
	}
	return list, nil
}

// arrange sorts by a comma list of properties, - for descending; an unknown
// property is refused (assumed).
func arrange[T any](list []T, by string, keys map[string]func(a, b T) int) *reply {
	if by == "" {
		return nil
	}
	var compare []func(a, b T) int
	for _, name := range strings.Split(by, ",") {
		bare, descending := strings.CutPrefix(strings.TrimSpace(name), "-")
		key, known := keys[bare]
		if !known {
			out := fail(http.StatusBadRequest, "invalid_value:sort", "Cannot sort by %q", bare)
			return &out
		}
		if descending {
			up := key
			key = func(a, b T) int { return up(b, a) }
		}
		compare = append(compare, key)
	}
	slices.SortStableFunc(list, func(a, b T) int {
		for _, c := range compare {
			if n := c(a, b); n != 0 {
				return n
			}
		}
		return 0
	})
	return nil
}

// searched is filters[search]: contains after a %, equal otherwise, whatever the case.
func searched(value string, in ...string) bool {
	part, contains := strings.CutPrefix(value, "%")
	return slices.ContainsFunc(in, func(s string) bool {
		if contains {
			return strings.Contains(strings.ToLower(s), strings.ToLower(part))
		}
		return strings.EqualFold(s, value)
	})
}

// inTime tests a stamp or a date against A, A...B, >A or <A.
func inTime(have, want string) bool {
	at, ok := moment(have)
	if !ok {
		return false
	}
	if from, to, isRange := strings.Cut(want, "..."); isRange {
		a, okA := moment(from)
		b, okB := moment(to)
		return okA && okB && !at.Before(a) && !at.After(b)
	}
	if after, found := strings.CutPrefix(want, ">"); found {
		a, ok := moment(after)
		return ok && at.After(a)
	}
	if before, found := strings.CutPrefix(want, "<"); found {
		a, ok := moment(before)
		return ok && at.Before(a)
	}
	exact, ok := moment(want)
	// A date alone means any moment of it.
	return ok && (at.Equal(exact) || len(want) == len(time.DateOnly) && day(at) == want)
}

// moment reads the forms in which a query or an object writes a time. A + in a
// query arrives as a blank unless it was encoded.
func moment(s string) (time.Time, bool) {
	s = strings.TrimSpace(s)
	for _, layout := range []string{time.RFC3339, time.DateTime, "2006-01-02+15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func isNumber(n int, value string) bool { return strconv.Itoa(n) == value }

func isFlag(b bool, value string) bool {
	return b && (value == "1" || value == "true") || !b && (value == "0" || value == "false")
}
