package manifests

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"dcsync/internal/resource"
)

// Tags of YAML's core schema, as yaml.v3 resolves them.
const (
	tagString    = "!!str"
	tagInt       = "!!int"
	tagFloat     = "!!float"
	tagBool      = "!!bool"
	tagNull      = "!!null"
	tagTimestamp = "!!timestamp"
	tagBinary    = "!!binary"
	tagMerge     = "!!merge"
	tagMap       = "!!map"
	tagSeq       = "!!seq"
)

var decimal = regexp.MustCompile(`^(?:0|-?[1-9][0-9]*)$`)

// misread is a scalar that must not stand there as it is: a number, date or other text that YAML turns into something that is not what
// was written.
type misread struct {
	must   string // what it must be instead, behind the scalar
	detail string
	hint   string
}

// quoted wants a scalar that can only be meant as a text in quotes.
func quoted(n *yaml.Node, detail string) *misread {
	return &misread{"must be quoted", detail, fmt.Sprintf("quote it: %q", n.Value)}
}

// scalar gives the value of a scalar, or says why it must not stand there as it is. The value then is the text.
func scalar(n *yaml.Node) (resource.Value, *misread) {
	text := resource.String(n.Value)
	switch n.Tag {
	case tagString:
		return text, nil
	case tagNull:
		if n.Value == "" || n.Value == "~" || strings.EqualFold(n.Value, "null") {
			return resource.Null{}, nil
		}
		return text, quoted(n, "YAML reads it as null")
	case tagBool:
		switch n.Value {
		case "true", "True", "TRUE":
			return resource.Bool(true), nil
		case "false", "False", "FALSE":
			return resource.Bool(false), nil
		}
		return text, quoted(n, "YAML reads it as a boolean")
	case tagInt:
		return integer(n)
	case tagFloat:
		return text, float(n)
	case tagTimestamp:
		return text, quoted(n, "YAML reads it as a date"+dateOf(n))
	case tagBinary:
		return text, quoted(n, "YAML reads it as binary data in base64")
	case tagMerge:
		return text, quoted(n, "YAML reads it as a merge key")
	}
	return text, quoted(n, "YAML leaves its meaning to the program that reads it")
}

// number wants a scalar that is meant either as a number, which then is written in decimal, or as a text. Which of the two is known only
// to the writer.
func number(n *yaml.Node, decimal, detail string) *misread {
	return &misread{"must be written in decimal or quoted", detail, fmt.Sprintf("write %q for the text, %s for the number", n.Value, decimal)}
}

func integer(n *yaml.Node) (resource.Value, *misread) {
	if decimal.MatchString(n.Value) {
		if i, err := strconv.ParseInt(n.Value, 10, 64); err == nil {
			return resource.Int(i), nil
		}
	}
	text := resource.String(n.Value)
	var i int64
	if err := n.Decode(&i); err != nil {
		return text, quoted(n, "YAML reads it as a number that is too large")
	}
	return text, number(n, strconv.FormatInt(i, 10), fmt.Sprintf("YAML reads it as the number %d", i))
}

// float wants a floating-point number written in another way: no field takes one.
func float(n *yaml.Node) *misread {
	var f float64
	if err := n.Decode(&f); err != nil {
		return quoted(n, "YAML reads it as a floating-point number")
	}
	detail := "YAML reads it as the floating-point number " + strconv.FormatFloat(f, 'g', -1, 64)
	switch {
	case math.IsInf(f, 0), math.IsNaN(f), math.Abs(f) > maxExact:
		return quoted(n, detail)
	case f != math.Trunc(f):
		return &misread{"must be a whole number or quoted", detail, fmt.Sprintf("write %q for the text, or a number without a fraction", n.Value)}
	}
	return number(n, strconv.FormatInt(int64(f), 10), detail)
}

// maxExact is the largest number up to which floating-point numbers hold every integer.
const maxExact = 1 << 53

func dateOf(n *yaml.Node) string {
	var a any
	if err := n.Decode(&a); err != nil {
		return ""
	}
	return fmt.Sprintf(", %v", a)
}
