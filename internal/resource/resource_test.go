package resource_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/resource"
)

func TestParseAddress(t *testing.T) {
	t.Parallel()
	for in, ok := range map[string]bool{"Order/a": true, "Order": false, "/a": false, "Order/": false, "Order/a/b": false, "": false} {
		a, err := resource.ParseAddress(in)
		if (err == nil) != ok {
			t.Errorf("%q: error %v", in, err)
		}
		if ok && a.String() != in {
			t.Errorf("%q came back as %q", in, a)
		}
	}
}

func TestPath(t *testing.T) {
	t.Parallel()
	p := resource.Path("").Child("a/b").Child("~c").Index(3)
	if p != "/a~1b/~0c/3" {
		t.Errorf("path is %s", p)
	}
	if d := cmp.Diff([]string{"a/b", "~c", "3"}, p.Segments()); d != "" {
		t.Error(d)
	}
	if got := p.Parent().Last(); got != "~c" {
		t.Errorf("last segment of the parent is %q", got)
	}
	if !p.Under("/a~1b") || p.Under("/a") {
		t.Error("Under compares segments, not letters")
	}
}

func TestPutAndGet(t *testing.T) {
	t.Parallel()
	m := resource.Map{}
	resource.Put(m, "/a/b", resource.Int(1))
	resource.Put(m, "/a/c", resource.List{resource.String("x")})
	if got := resource.Get(m, "/a/c/0"); got != resource.String("x") {
		t.Errorf("got %v", got)
	}
	if got := resource.Get(m, "/a/c/1"); got != nil {
		t.Errorf("behind the end: %v", got)
	}
	resource.Put(m, "/a/b", nil)
	resource.Put(m, "/a/c", nil)
	if len(m) != 0 {
		t.Errorf("emptied maps stay: %v", m)
	}
	resource.Put(m, "/never/there", nil)
	if len(m) != 0 {
		t.Errorf("removing what is not there made %v", m)
	}
}

// TestDecode: numbers as strings, booleans as numbers, an empty object as a list, and lists of objects of which the table wants some
// members only.
func TestDecode(t *testing.T) {
	t.Parallel()
	field := func(name string, typ resource.Type, list, info string) *resource.Field {
		return &resource.Field{Name: name, Path: resource.Path("").Child(name), Type: typ, Read: resource.Read{List: list, Info: info}}
	}
	notes := field("notes", resource.TypeList, "", "notes[].text")
	notes.Item = &resource.Field{Type: resource.TypeString}
	custom := field("custom", resource.TypeList, "custom_fields", "")
	custom.Item = &resource.Field{Type: resource.TypeObject, Members: []*resource.Field{{Name: "metadata_id", Type: resource.TypeInt}, {Name: "value", Type: resource.TypeString}}}
	d := &resource.Descriptor{Root: &resource.Field{Type: resource.TypeObject, Members: []*resource.Field{
		field("id", resource.TypeInt, "organization.id", ""), field("zip", resource.TypeString, "zip", ""), field("flag", resource.TypeBool, "", "flag"), notes, custom,
		{Name: "box", Type: resource.TypeObject, Members: []*resource.Field{field("inner", resource.TypeString, "box.inner", "")}},
	}}}
	v, err := resource.FromJSON([]byte(`{"organization":{"id":"7"},"zip":84043,"flag":1,"notes":[{"text":"a","id":1},{"id":2}],
		"custom_fields":[{"metadata_id":"3","label":"L","value":"v"}],"box":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	body := v.(resource.Map)
	full := resource.Map{"id": resource.Int(7), "zip": resource.String("84043"), "flag": resource.Bool(true), "notes": resource.List{resource.String("a")},
		"custom": resource.List{resource.Map{"metadata_id": resource.Int(3), "value": resource.String("v")}}}
	if d := cmp.Diff(full, resource.Decode(d, body, resource.InfoDepth)); d != "" {
		t.Errorf("info (-want +got)\n%s", d)
	}
	delete(full, "flag")
	delete(full, "notes")
	if d := cmp.Diff(full, resource.Decode(d, body, resource.ListDepth)); d != "" {
		t.Errorf("list (-want +got)\n%s", d)
	}
	body["organization"] = resource.List{}
	if got := resource.Decode(d, body, resource.ListDepth)["id"]; got != nil {
		t.Errorf("an empty object came as a list and decoded to %v", got)
	}
}

func FuzzFromJSON(f *testing.F) {
	f.Add([]byte(`{"a":[1,1.5,"x",null,true,{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := resource.FromJSON(data)
		if err != nil {
			return
		}
		if !resource.Equal(v, resource.Clone(v)) {
			t.Errorf("a clone differs from %v", v)
		}
	})
}

func TestParseSpan(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]resource.Span{"30d": {Days: 30}, "1d": {Days: 1}, "33%": {Percent: 33}, "99%": {Percent: 99}} {
		if got, err := resource.ParseSpan(text); err != nil || got != want {
			t.Errorf("%q is %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "d", "%", "30", "0d", "-1d", "100%", "1.5d", "30 d", "1m"} {
		if got, err := resource.ParseSpan(text); err == nil {
			t.Errorf("%q is %+v", text, got)
		}
	}
}

// A span that is read has exactly one side, above zero.
func FuzzParseSpan(f *testing.F) {
	f.Add("30d")
	f.Add("33%")
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := resource.ParseSpan(text); err == nil && (s.Days > 0) == (s.Percent > 0) {
			t.Errorf("%q is %+v", text, s)
		}
	})
}
