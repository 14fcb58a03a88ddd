package schema

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"dcsync/internal/pki"
	"dcsync/internal/resource"
)

// normalise turns a value into the form in which versions are compared.
type normalise func(resource.Value) resource.Value

// normaliser gives the function for a node, nil when its values are compared as they are.
func normaliser(n *node) func(resource.Value) resource.Value {
	switch n.typ {
	case resource.TypeList:
		return listNormaliser(n)
	case resource.TypeObject:
		return objectNormaliser(n)
	}
	var steps []normalise
	switch n.typ {
	case resource.TypeInt:
		steps = append(steps, toInt)
	case resource.TypeBool:
		steps = append(steps, toBool)
	}
	for _, c := range n.rules {
		switch c.word {
		case wordLower:
			steps = append(steps, ofText(strings.ToLower))
		case wordConverts:
			steps = append(steps, c.convert)
		case wordFormat:
			if f := formNormalisers[c.text]; f != nil {
				steps = append(steps, ofText(f))
			}
		}
	}
	if steps == nil {
		return nil
	}
	return func(v resource.Value) resource.Value {
		for _, step := range steps {
			v = step(v)
		}
		return v
	}
}

// formNormalisers gives one spelling to what a format allows to write in several ways.
var formNormalisers = map[string]func(string) string{
	"email":    lowerDomain,
	"domain":   strings.ToLower,
	"host":     strings.ToLower,
	"phone":    dialled,
	"date-dmy": isoDate,
	"csr":      csrIdentity,
}

func ofText(f func(string) string) normalise {
	return func(v resource.Value) resource.Value {
		if s, ok := v.(resource.String); ok {
			return resource.String(f(string(s)))
		}
		return v
	}
}

// lowerDomain leaves the mailbox's own name alone: only its server may say whether case matters there.
func lowerDomain(s string) string {
	i := strings.LastIndexByte(s, '@') + 1
	return s[:i] + strings.ToLower(s[i:])
}

// dialled keeps what is dialled: digits and a leading plus.
func dialled(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r >= '0' && r <= '9' || r == '+' && b.Len() == 0 {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func isoDate(s string) string {
	if t, err := time.Parse(layoutDMY, s); err == nil {
		return t.Format(layoutYMD)
	}
	return s
}

// csrIdentity compares signing requests by key and names, and text that is none without its line ends' style.
func csrIdentity(s string) string {
	if r, err := pki.ReadCSR(s); err == nil {
		return r.Identity()
	}
	return strings.TrimSpace(strings.ReplaceAll(s, "\r", ""))
}

// publicKey gives a digest of the key that a signing request is for, nil for what is none.
func publicKey(v resource.Value) resource.Value {
	text, _ := v.(resource.String)
	r, err := pki.ReadCSR(string(text))
	if err != nil {
		return nil
	}
	return resource.String(r.PublicKeySHA256)
}

// toInt reads a number that the API sent as a string.
func toInt(v resource.Value) resource.Value {
	if s, ok := v.(resource.String); ok {
		if i, err := strconv.ParseInt(string(s), 10, 64); err == nil {
			return resource.Int(i)
		}
	}
	return v
}

// toBool reads a boolean that the API sent as a number or a string.
func toBool(v resource.Value) resource.Value {
	switch resource.Text(v) {
	case "1", "true":
		return resource.Bool(true)
	case "0", "false":
		return resource.Bool(false)
	}
	return v
}

// convert gives what the API stores in place of some numbers.
func (c clause) convert(v resource.Value) resource.Value {
	if i, ok := v.(resource.Int); ok && int64(i) >= *c.low && int64(i) <= *c.high {
		return resource.Int(c.number)
	}
	return v
}

func listNormaliser(n *node) func(resource.Value) resource.Value {
	item, isSet := normaliser(n.item), n.rule(wordSet) != nil
	if item == nil && !isSet {
		return nil
	}
	return func(v resource.Value) resource.Value {
		list, ok := v.(resource.List)
		if !ok {
			return v
		}
		out := slices.Clone(list)
		if item != nil {
			for i, e := range out {
				out[i] = item(e)
			}
		}
		if isSet {
			slices.SortFunc(out, func(a, b resource.Value) int { return strings.Compare(canonical(a), canonical(b)) })
			out = slices.CompactFunc(out, resource.Equal)
		}
		return out
	}
}

func objectNormaliser(n *node) func(resource.Value) resource.Value {
	members := map[string]normalise{}
	for _, m := range n.members {
		if f := normaliser(m); f != nil {
			members[m.row.name] = f
		}
	}
	if len(members) == 0 {
		return nil
	}
	return func(v resource.Value) resource.Value {
		m, ok := v.(resource.Map)
		if !ok {
			return v
		}
		out := make(resource.Map, len(m))
		for name, e := range m {
			if f := members[name]; f != nil && e != nil {
				e = f(e)
			}
			out[name] = e
		}
		return out
	}
}

// canonical gives a text by which values can be sorted.
func canonical(v resource.Value) string {
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}
