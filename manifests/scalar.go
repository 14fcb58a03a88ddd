package manifests

import (
	"fmt"
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

// scalar gives the value of a scalar, or says in problem why it must not stand there as it is: a number, date or other text that
// YAML turns into something that is not what was written. The value then is the text.
func scalar(n *yaml.Node) (v resource.Value, problem string) {
	text := resource.String(n.Value)
	switch n.Tag {
	case tagString:
		return text, ""
	case tagNull:
		if n.Value == "" || n.Value == "~" || strings.EqualFold(n.Value, "null") {
			return resource.Null{}, ""
		}
		return text, "YAML reads it as null"
	case tagBool:
		switch n.Value {
		case "true", "True", "TRUE":
			return resource.Bool(true), ""
		case "false", "False", "FALSE":
			return resource.Bool(false), ""
		}
		return text, "YAML reads it as a boolean"
	case tagInt:
		return integer(n)
	case tagFloat:
		return text, "YAML reads it as " + floatOf(n)
	case tagTimestamp:
		return text, "YAML reads it as a date" + dateOf(n)
	case tagBinary:
		return text, "YAML reads it as binary data in base64"
	case tagMerge:
		return text, "YAML reads it as a merge key"
	}
	return text, "YAML leaves its meaning to the program that reads it"
}

func integer(n *yaml.Node) (resource.Value, string) {
	if decimal.MatchString(n.Value) {
		if i, err := strconv.ParseInt(n.Value, 10, 64); err == nil {
			return resource.Int(i), ""
		}
	}
	text := resource.String(n.Value)
	var i int64
	if err := n.Decode(&i); err != nil {
		return text, "YAML reads it as a number that is too large"
	}
	return text, fmt.Sprintf("YAML reads it as the number %d", i)
}

func floatOf(n *yaml.Node) string {
	var f float64
	if err := n.Decode(&f); err != nil {
		return "a floating-point number"
	}
	return "the floating-point number " + strconv.FormatFloat(f, 'g', -1, 64)
}

func dateOf(n *yaml.Node) string {
	var a any
	if err := n.Decode(&a); err != nil {
		return ""
	}
	return fmt.Sprintf(", %v", a)
}
