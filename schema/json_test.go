package schema

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v5"
)

// The committed files are what the tables give.
func TestJSONIsCommitted(t *testing.T) {
	t.Parallel()
	want := map[string]bool{}
	for _, kind := range Kinds() {
		generated, ok := JSON(kind)
		if !ok {
			t.Fatalf("no schema of %s", kind)
		}
		name := strings.ToLower(kind) + ".json"
		want[name] = true
		committed, err := os.ReadFile(filepath.Join("json", name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(generated, committed) {
			t.Errorf("json/%s is not what the tables give: run go generate ./schema\n%s", name, cmp.Diff(string(committed), string(generated)))
		}
	}
	files, err := os.ReadDir("json")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !want[f.Name()] {
			t.Errorf("json/%s belongs to no kind", f.Name())
		}
	}
	if _, ok := JSON("Nothing"); ok {
		t.Error("a schema of an unknown kind")
	}
}

func TestJSONFitsMetaschema(t *testing.T) {
	t.Parallel()
	meta, err := jsonschema.NewCompiler().Compile(draft)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range Kinds() {
		text, _ := JSON(kind)
		var doc any
		if err := json.Unmarshal(text, &doc); err != nil {
			t.Fatal(err)
		}
		if err := meta.Validate(doc); err != nil {
			t.Errorf("%s: %#v", kind, err)
		}
		if id := doc.(map[string]any)["$id"]; id != "urn:dcsync:v1:"+kind {
			t.Errorf("%s: $id is %v", kind, id)
		}
	}
}

// Editors stop at references into other files, and report right neighbours as unknown under unevaluatedProperties. Objects are
// closed, and their fields described.
func TestJSONForm(t *testing.T) {
	t.Parallel()
	for _, kind := range Kinds() {
		text, _ := JSON(kind)
		var doc map[string]any
		if err := json.Unmarshal(text, &doc); err != nil {
			t.Fatal(err)
		}
		var walk func(at string, v any)
		walk = func(at string, v any) {
			switch v := v.(type) {
			case []any:
				for _, e := range v {
					walk(at, e)
				}
			case map[string]any:
				if ref, ok := v["$ref"].(string); ok && !strings.HasPrefix(ref, "#/$defs/") {
					t.Errorf("%s%s: reference to %s", kind, at, ref)
				}
				if _, ok := v["unevaluatedProperties"]; ok {
					t.Errorf("%s%s: unevaluatedProperties", kind, at)
				}
				if title, ok := v["title"]; ok && at != "" && v["description"] == nil && !strings.HasPrefix(at, "/$defs/") {
					t.Errorf("%s%s: %v has no description", kind, at, title)
				}
				for k, e := range v {
					walk(at+"/"+k, e)
				}
			}
		}
		walk("", doc)
		for _, closed := range []string{"", "/properties/metadata"} {
			if got := at(doc, closed)["additionalProperties"]; got != false {
				t.Errorf("%s%s is open: %v", kind, closed, got)
			}
		}
	}
}

func at(doc map[string]any, pointer string) map[string]any {
	for _, seg := range strings.Split(pointer, "/")[1:] {
		doc = doc[seg].(map[string]any)
	}
	return doc
}

// Whoever validates with the JSON Schema alone, an editor for one, comes to the same verdict as Check for what the schema can say.
func TestJSONAloneDecidesTheSame(t *testing.T) {
	t.Parallel()
	text, _ := JSON("Order")
	s, err := jsonschema.CompileString("urn:dcsync:v1:Order", string(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range []string{codeSigning, client, premium, mailbox} {
		doc := parse(t, manifest("Order", spec))
		if err := s.Validate(plain(doc)); err != nil {
			t.Errorf("%v: %#v", doc["spec"], err)
		}
		put(t, doc, "/spec/certificate/signature_hash", `"md5"`)
		if s.Validate(plain(doc)) == nil {
			t.Errorf("%v: md5 is accepted", doc["spec"])
		}
	}
}
