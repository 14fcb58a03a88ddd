package manifests

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"gopkg.in/yaml.v3"

	"dcsync/internal/resource"
)

func TestScalar(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]resource.Value{
		"text":                 resource.String("text"),
		"":                     resource.Null{},
		"~":                    resource.Null{},
		"null":                 resource.Null{},
		"true":                 resource.Bool(true),
		"False":                resource.Bool(false),
		"yes":                  resource.String("yes"),
		"off":                  resource.String("off"),
		"0":                    resource.Int(0),
		"-12":                  resource.Int(-12),
		"9223372036854775807":  resource.Int(9223372036854775807),
		`"12"`:                 resource.String("12"),
		"!!str 12":             resource.String("12"),
		"!!int 12":             resource.Int(12),
		"12:30:00":             resource.String("12:30:00"),
		"1.2.3":                resource.String("1.2.3"),
		"'2024-01-01'":         resource.String("2024-01-01"),
		"012":                  nil,
		"0o17":                 nil,
		"0x1f":                 nil,
		"0b1":                  nil,
		"1_000":                nil,
		"+1":                   nil,
		"-0":                   nil,
		"9223372036854775808":  nil,
		"99999999999999999999": nil,
		"1.5":                  nil,
		"1e3":                  nil,
		".inf":                 nil,
		".NaN":                 nil,
		"2024-01-01":           nil,
		"2024-01-01T10:00:00Z": nil,
		"<<":                   nil,
		"!!binary aGk=":        nil,
		"!!null text":          nil,
		"!!bool text":          nil,
		"!!int text":           nil,
		"!!float 1":            nil,
		"!mine text":           nil,
	} {
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte("- "+in), &doc); err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		got, problem := scalar(doc.Content[0].Content[0])
		if want == nil {
			if _, ok := got.(resource.String); problem == nil || !ok {
				t.Errorf("%s is %v without a problem", in, got)
			}
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" || problem != nil {
			t.Errorf("%s: problem %v (-want +got):\n%s", in, problem, diff)
		}
	}
}

// The line of a syntax error is the one a person has to change, whichever line the library names.
func TestSyntaxErrorLine(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a: 1\nb:\n  c: 1\n d: 2\n":                   "4:2",
		"x: 1\na:\n  b:\n   - 1\n  - 2\nc: 3\n":       "5:3",
		"k: v\n- a\n":                                 "2:1",
		"a: 1\nb: 'x' y\nc: 1\n":                      "2:1",
		"a: 1\nb: \"abc\nc: 2\n":                      "2:1",
		"a: 1\nb: [1,\nc: 2\n":                        "2:1",
		"a: b: c\n":                                   "1:1",
		"x: 1\ny: *foo\nz: 1\n":                       "2:4",
		"x: 1\n\ty: 2\n":                              "2:1",
		"x: 1\ny: `b`\n":                              "2:1",
		"x: 1\nkey\ny: 2\n":                           "2:1",
		"x: 1\ny: \"\\q\"\n":                          "2:1",
		"x: 1\ny: \"\x01\"\n":                         "2:1",
		"x: 1\ny: !x!z 1\n":                           "2:1",
		"x: 1\n---\ny:\n  a: 1\n   b: 2\n":            "5:4",
		"x: \"\n  one\n  two\"\ny:\n  a: 1\n b: [}\n": "6:2",
	} {
		src, problem := newSource("a", in)
		if problem == nil {
			_, problem = parse(src)
		}
		if problem == nil {
			t.Errorf("%q parses", in)
			continue
		}
		if got := problem.Pos.String(); got != "a:"+want {
			t.Errorf("%q fails at %s, want %s (%s)", in, got, want, problem.Summary)
		}
	}
}

func TestSnippetHides(t *testing.T) {
	t.Parallel()
	src, problem := newSource("a", "one: \"sécret\", two: 2\n  more\nlast: x\x7f\n")
	if problem != nil {
		t.Fatal(problem)
	}
	src.hidden = []span{{point{1, 6}, point{1, 16}}, {point{1, 21}, point{3, 1}}}
	var got []string
	for n := range 6 {
		got = append(got, src.snippet(n))
	}
	want := []string{"", "one: [redacted], two: [redacted]", "[redacted]", "last: x�", "", ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

// The documents before a mistake are read, and the mistake's own part begins at its mark.
func TestParseUpToMistake(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]int{
		"a: [":                           {1},
		"a: 1\n---\nb: [\n":              {2, 2},
		"a: 1\n...\nb: [\n":              {2, 2},
		"---\na: 1\n---\nb: 2\n---\n]\n": {3, 5, 5},
		"a: 1\n---\nb: *x\n":             {2, 2},
	} {
		src, problem := newSource("a", in)
		if problem != nil {
			t.Fatal(problem)
		}
		parts, problem := parse(src)
		if problem == nil {
			t.Errorf("%q parses", in)
		}
		var got []int
		for _, p := range parts {
			got = append(got, p.end)
		}
		if diff := cmp.Diff(want, append(got, src.border(parts))); diff != "" {
			t.Errorf("%q: ends and border (-want +got):\n%s", in, diff)
		}
	}
}

func TestComment(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"# text": "text", "a: 1 # text": "text", "\t##  text ": "text ", "#": "", "a: b#c": "-", "a: 1": "-", "": "-",
	} {
		got, ok := comment(in)
		if !ok {
			got = "-"
		}
		if got != want {
			t.Errorf("comment of %q is %q, want %q", in, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"acme", "acne", 1}, {"jane", "jane-doe", 4}, {"kitten", "sitting", 3}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("%s to %s is %d, want %d", c.a, c.b, got, c.want)
		}
		if got := distance(c.b, c.a); got != c.want {
			t.Errorf("%s to %s is %d, want %d", c.b, c.a, got, c.want)
		}
	}
}
