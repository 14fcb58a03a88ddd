package schema

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
)

// ruleFailed says what a failed condition or group of fields means.
func ruleFailed(n *node, r *clause, at resource.Path) Violation {
	v := Violation{Path: at, Code: diag.OneOfViolated}
	switch r.word {
	case wordRequiredWhen:
		v.Member, v.Code = n.row.name, diag.MissingField
		v.Summary = fmt.Sprintf("%s is required when %s", n.row.name, r.words)
		v.Hint = n.hint(n.missingHint())
	case wordForbiddenWhen:
		v.OnKey, v.Code = true, diag.ForbiddenField
		v.Summary = fmt.Sprintf("%s must not be given when %s", n.row.name, r.words)
		v.Hint = n.hint("remove it")
		if own, rest := r.splitOwn(n); own != nil {
			v.OnKey, v.Code = false, diag.BadValue
			v.Summary = fmt.Sprintf("%s must not be %s when %s", n.row.name, orList(own.values), rest)
		}
	case wordExactlyOne:
		v.Summary = fmt.Sprintf("%s needs exactly one of %s", n.name(), orList(r.names))
		v.Hint = n.hint("")
	case wordAtLeastOne:
		v.Summary = fmt.Sprintf("%s needs one of %s", n.name(), orList(r.names))
		v.Hint = n.hint("")
	case wordAtMostOne:
		v.Summary = fmt.Sprintf("%s takes at most one of %s", n.name(), orList(r.names))
		v.Hint = n.hint("")
	case wordSpread:
		v.Path = at.Child(n.row.name)
		v.Summary = fmt.Sprintf("%s names a %s that is given twice", n.row.name, r.names[0])
		v.Hint = fmt.Sprintf("give each %s once, either in %s or as a field beside it", r.names[0], n.row.name)
	}
	return v
}

// splitOwn finds the term about the field itself in the rule's condition; rest says the other terms in words.
func (c *clause) splitOwn(n *node) (own *term, rest string) {
	var others condition
	for i, t := range c.rule.when {
		if !t.root && !t.not && len(t.path) == 1 && t.path[0] == n.row.name && t.values != nil {
			own = &c.rule.when[i]
		} else {
			others = append(others, t)
		}
	}
	return own, others.String()
}

// valueFailed says what is wrong with one value.
func (c *checker) valueFailed(n *node, keyword string, at resource.Path, value resource.Value) Violation {
	v := Violation{Path: at, Code: diag.BadValue}
	name := n.name()
	switch word := lastSegment(keyword); {
	case n.isSecretLeaf() && word == "type" && lastSegment(string(at)) == n.row.name:
		v.Code = diag.SecretInline
		v.Summary = name + " is a secret and must not be written down"
		v.Hint = "use {env: NAME} for an environment variable or {file: PATH} for a file that is not committed"
	case word == "pattern" && strings.HasSuffix(keyword, "properties/env/pattern"):
		v.Path, v.Code = at, diag.SecretInline
		v.Summary = name + " takes the name of an environment variable in {env: NAME}, not the secret itself"
		v.Hint = "a name has letters, digits and _ and does not begin with a digit; put the value into such a variable"
	case n.isSecretLeaf() || n.belowSecret() && strings.HasPrefix(keyword, "then"):
		v.Summary = fmt.Sprintf("%s takes either {env: NAME} or {file: PATH}", name)
		v.Hint = n.hint("")
	case n.row.isMap && strings.HasPrefix(keyword, "additionalProperties"):
		v.Code = diag.WrongType
		v.Summary = fmt.Sprintf("each of %s must be a string, not %s", name, typeOf(value))
		v.Hint = typeHint(&node{row: n.row, typ: resource.TypeString}, value)
	case strings.HasPrefix(keyword, "then"):
		v.Summary = name + " takes a text or {file: PATH}"
		v.Hint = n.hint("")
	case word == "type":
		v.Code = diag.WrongType
		v.Summary = fmt.Sprintf("%s must be %s, not %s", name, n.typeWords(), typeOf(value))
		v.Hint = n.hint(typeHint(n, value))
	case word == "enum" || word == "const":
		v.Summary = fmt.Sprintf("%s must be %s", name, n.allowedWords())
		v.Hint = n.hint(c.allowedHint(n, value))
	case word == "maxLength":
		v.Summary = fmt.Sprintf("%s is too long: %d characters, at most %d", name, utf8.RuneCountInString(resource.Text(value)), n.rule(wordMax).number)
		v.Hint = n.hint("")
	case word == "minLength":
		v.Summary = name + " must not be empty"
		if c := n.rule(wordMin); c != nil && c.number > 1 {
			v.Summary = fmt.Sprintf("%s needs at least %d characters", name, c.number)
		}
		v.Hint = n.hint("")
	case word == "minItems":
		v.Summary = fmt.Sprintf("%s needs at least %s", name, counted(n.rule(wordMinItems).number, "item"))
		v.Hint = n.hint("")
	case word == "minimum" || word == "maximum":
		v.Summary = fmt.Sprintf("%s must be %s", name, n.rule(wordRange).rangeWords())
		v.Hint = n.hint("")
	case n.rule(wordFormat) != nil:
		v.Summary = fmt.Sprintf("%s must be %s", name, formats[n.rule(wordFormat).text].words)
		v.Hint = n.hint("")
	default:
		v.Summary = fmt.Sprintf("%s has the wrong form", name)
		if n.rule(wordDigits) != nil {
			v.Summary = fmt.Sprintf("%s must be a number", name)
		}
		v.Hint = n.hint("")
	}
	if isEnvelope(at) && v.Code == diag.BadValue {
		v.Code = diag.BadEnvelope
	}
	return v
}

// name names the field in a sentence.
func (n *node) name() string {
	if n.parent != nil && n.parent.item == n {
		return "each item of " + n.row.name
	}
	return n.row.name
}

// hint gives the row's own hint, else the one offered.
func (n *node) hint(otherwise string) string {
	if c := n.rule(wordHint); c != nil {
		return c.text
	}
	return otherwise
}

// missingHint says what to add.
func (n *node) missingHint() string {
	if n.rule(wordSelects) != nil && len(n.allowed) > few {
		return "add " + n.row.name
	}
	if values := n.documented(); n.rule(wordOpen) == nil && len(values) > 0 && len(values) <= few || len(values) == 1 {
		return "add " + n.row.name + ": " + orList(values)
	}
	return "add " + n.row.name
}

func (n *node) typeWords() string {
	switch n.typ {
	case resource.TypeString:
		return "a string"
	case resource.TypeInt:
		return "an integer"
	case resource.TypeBool:
		return "true or false"
	case resource.TypeList:
		return "a list"
	}
	return "a mapping"
}

// typeOf names the type of a value that has the wrong one.
func typeOf(v resource.Value) string {
	switch v.(type) {
	case resource.String:
		return "a string"
	case resource.Int:
		return "a number"
	case resource.Decimal:
		return "a decimal number"
	case resource.Bool:
		return "a boolean"
	case resource.List:
		return "a list"
	case nil, resource.Null:
		return "null"
	}
	return "a mapping"
}

// typeHint says how the value is to be written instead. It never repeats a value that may be a secret.
func typeHint(n *node, v resource.Value) string {
	if n.belowSecret() {
		return ""
	}
	switch v := v.(type) {
	case resource.Int, resource.Bool, resource.Decimal:
		if n.typ == resource.TypeString {
			return "quote it: " + strconv.Quote(shown(v))
		}
	case resource.String:
		if _, err := strconv.ParseInt(string(v), 10, 64); err == nil && n.typ == resource.TypeInt {
			return "write it without quotes: " + shown(v)
		}
	case nil, resource.Null:
		return "give a value, or remove the line to leave it unset"
	}
	switch n.typ {
	case resource.TypeBool:
		return "write true or false, without quotes"
	case resource.TypeList:
		return "write it as a list: one \"- \" line for each item"
	}
	return ""
}

// allowedWords lists the documented values: "sha256", "a or b"; a long list is only named.
func (n *node) allowedWords() string {
	values := n.documented()
	if len(values) > few && n.rule(wordSelects) != nil {
		return "one of the products that have a table"
	}
	if len(values) > few {
		return "one of the values that the documentation lists"
	}
	return orList(values)
}

// documented gives the values that the documents list, without those only seen in use.
func (n *node) documented() []string {
	if c := n.rule(wordEnum); c != nil {
		return c.values
	}
	return n.allowed
}

func (c *checker) allowedHint(n *node, v resource.Value) string {
	if near := nearest(resource.Text(v), n.documented()); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	if len(n.allowed) > few {
		return fmt.Sprintf("dcsync explain %s%s lists them", c.document.kind, strings.ReplaceAll(strings.ReplaceAll(string(n.path), "/[]", ""), "/", "."))
	}
	return ""
}

// rangeWords says "from 1 to 3" or "1 or more".
func (r *rule) rangeWords() string {
	switch {
	case r.low == nil:
		return fmt.Sprintf("%d or less", *r.high)
	case r.high == nil:
		return fmt.Sprintf("%d or more", *r.low)
	case *r.high == *r.low+1:
		return fmt.Sprintf("%d or %d", *r.low, *r.high)
	}
	return fmt.Sprintf("from %d to %d", *r.low, *r.high)
}

func counted(n int64, thing string) string {
	if n == 1 {
		return "one " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func lastSegment(pointer string) string {
	return pointer[strings.LastIndexByte(pointer, '/')+1:]
}

// shown gives a value as messages show it: on one line, and not more of it than tells which one is meant.
func shown(v resource.Value) string {
	const most = 60
	text := []rune(strings.Join(strings.Fields(resource.Text(v)), " "))
	if len(text) > most {
		return string(text[:most]) + "…"
	}
	return string(text)
}
