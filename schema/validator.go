package schema

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"dcsync/internal/resource"
)

// validator is the compiled JSON Schema of one kind, narrowed to one product: compiling all of them takes a command's whole start.
type validator struct {
	origins map[string]origin
	schema  *jsonschema.Schema
}

// newValidator generates and compiles the schema of a document. What does not compile is a mistake in the generator.
func newValidator(d *document, product string) *validator {
	s, origins := generateShapes(d, product)
	v := &validator{origins: origins}
	c := jsonschema.NewCompiler()
	c.Draft = jsonschema.Draft2020
	c.AssertFormat = true
	for name, f := range formats {
		c.Formats["dcsync-"+name] = func(x any) bool {
			s, ok := x.(string)
			return !ok || f.holds(s)
		}
	}
	at := idPrefix + d.kind
	if err := c.AddResource(at, bytes.NewReader(encode(s))); err != nil {
		panic(fmt.Sprintf("schema: add %s: %v", at, err))
	}
	v.schema = c.MustCompile(at)
	return v
}

// validate holds a document against the schema and reports each failed place of it once.
func (v *validator) validate(doc resource.Map, report func(o origin, keyword string, at resource.Path)) {
	var failed *jsonschema.ValidationError
	if err := v.schema.Validate(plain(doc)); errors.As(err, &failed) {
		v.collect(failed, report)
	}
}

func (v *validator) collect(e *jsonschema.ValidationError, report func(o origin, keyword string, at resource.Path)) {
	_, pointer, _ := strings.Cut(e.AbsoluteKeywordLocation, "#")
	o, rest, ok := originAt(v.origins, pointer)
	switch {
	case len(e.Causes) > 0:
		for _, c := range e.Causes {
			v.collect(c, report)
		}
	case ok:
		report(o, rest, instance(e))
	}
}

// instance gives the place in the document that an error is about.
func instance(e *jsonschema.ValidationError) resource.Path {
	segs := strings.Split(e.InstanceLocation, "/")
	for i, s := range segs {
		if u, err := url.PathUnescape(s); err == nil {
			segs[i] = u
		}
	}
	return resource.Path(strings.Join(segs, "/"))
}

// plain turns a document into what the validator takes. A reference to another object's id counts as an id. A number that is no
// integer becomes one that certainly is none: no field takes it, and its digits could be a trap (1e999999999).
func plain(v resource.Value) any {
	switch v := v.(type) {
	case resource.Ref:
		return int64(1)
	case resource.Decimal:
		return 0.5
	case resource.List:
		l := make([]any, len(v))
		for i, e := range v {
			l[i] = plain(e)
		}
		return l
	case resource.Map:
		m := make(map[string]any, len(v))
		for k, e := range v {
			m[k] = plain(e)
		}
		return m
	}
	return resource.ToAny(v)
}
