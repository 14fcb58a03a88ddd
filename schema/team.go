package schema

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
)

// Team is a JSON Schema of a team's own, compiled.
type Team struct {
	name   string
	schema *jsonschema.Schema
}

// CompileTeam compiles a JSON Schema, draft 2020-12 unless it says otherwise. It may refer to its own parts only: nothing else is read,
// from disk or network. name is what its findings call it.
func CompileTeam(name, text string) (*Team, error) {
	const at = "urn:dcsync:team"
	c := jsonschema.NewCompiler()
	c.Draft, c.AssertFormat = jsonschema.Draft2020, true
	c.LoadURL = func(url string) (io.ReadCloser, error) { return nil, fmt.Errorf("%s is another file", url) }
	if err := c.AddResource(at, strings.NewReader(text)); err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	s, err := c.Compile(at)
	if err != nil {
		return nil, fmt.Errorf("compile schema: %w", err)
	}
	return &Team{name: name, schema: s}, nil
}

// Check holds a whole document against the schema, after ours. Its findings have no text of secret values: those are never in doc.
func (t *Team) Check(doc resource.Map) []Violation {
	var failed *jsonschema.ValidationError
	err := t.schema.Validate(plain(doc))
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &failed):
		return []Violation{{Severity: diag.Error, Code: diag.PolicyInvalid, Summary: t.name + " cannot be applied: it refers to itself without end",
			Hint: "break the circle of $ref in it"}}
	}
	var out []Violation
	var collect func(*jsonschema.ValidationError)
	collect = func(e *jsonschema.ValidationError) {
		for _, cause := range e.Causes {
			collect(cause)
		}
		if len(e.Causes) > 0 {
			return
		}
		keyword := lastSegment(e.KeywordLocation)
		v := Violation{Path: instance(e), OnKey: keyword == "required" || keyword == "additionalProperties", Severity: diag.Error,
			Code: diag.PolicySchema, Summary: "the team's schema refuses this: " + strings.Join(strings.Fields(e.Message), " "),
			Hint: fmt.Sprintf("see %s in %s", strings.TrimPrefix(e.AbsoluteKeywordLocation[strings.IndexByte(e.AbsoluteKeywordLocation, '#'):], "#"), t.name)}
		if !slices.ContainsFunc(out, func(o Violation) bool { return o.Path == v.Path && o.Summary == v.Summary }) {
			out = append(out, v)
		}
	}
	collect(failed)
	slices.SortStableFunc(out, func(a, b Violation) int { return comparePaths(a.Path, b.Path) })
	return out
}
