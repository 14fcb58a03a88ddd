package schema

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
)

// published compiles the schemas that editors use, with the formats Check knows.
var published = sync.OnceValue(func() map[string]*jsonschema.Schema {
	out := map[string]*jsonschema.Schema{}
	for _, kind := range Kinds() {
		c := jsonschema.NewCompiler()
		c.AssertFormat = true
		for name, f := range formats {
			c.Formats["dcsync-"+name] = func(x any) bool {
				s, ok := x.(string)
				return !ok || f.holds(s)
			}
		}
		text, _ := JSON(kind)
		if err := c.AddResource(idPrefix+kind, strings.NewReader(string(text))); err != nil {
			panic(err)
		}
		out[kind] = c.MustCompile(idPrefix + kind)
	}
	return out
})

// agree holds the findings about a document against the verdict of its published schema, which says in one place what Check finds in
// two: by the schema of shapes, and by relate. What no schema can say is left out.
func agree(t *testing.T, kind string, doc resource.Map, found []Violation) {
	t.Helper()
	refused := slices.ContainsFunc(found, func(v Violation) bool {
		return v.Severity == diag.Error && v.Code != diag.CombinedLength && !strings.Contains(v.Summary, "is there twice") &&
			!strings.Contains(v.Summary, "names no field")
	})
	if err := published()[kind].Validate(plain(doc)); (err != nil) != refused {
		t.Errorf("the published schema says %v, Check:\n%s", err, strings.Join(lines(found), "\n"))
	}
}
