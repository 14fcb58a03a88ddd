package schema

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// thing is a small table; rows are appended to it.
const thing = `# Thing

For tests.

| Setting | Value |
| --- | --- |
| kind | Thing |
| part | spec |

| Name | Req | Type | Rules | Send | Change | Read | Description |
| --- | --- | --- | --- | --- | --- | --- | --- |
| color | optional | string | ` + "`enum=red\\|blue`" + ` | create | immutable | never | Color. |
`

func join(texts ...string) (*catalog, error) {
	var tables []*table
	for _, text := range texts {
		t, err := parseTable("thing.md", text)
		if err != nil {
			return nil, err
		}
		tables = append(tables, t)
	}
	return newCatalog(tables)
}

// shortRow makes a row of a name, a Req, a Type and Rules.
func shortRow(cells ...string) string {
	return "| " + strings.Join(cells, " | ") + " | create | immutable | never | Text. |\n"
}

func TestTableIsStrict(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		rows string
		want string // after thing.md:13:
	}{
		{"unknown word", shortRow("a", "optional", "string", "`maximum=3`"), `a: unknown rule "maximum=3"`},
		{"word without its value", shortRow("a", "optional", "string", "`max`"), `a: unknown rule "max"`},
		{"word with a value too many", shortRow("a", "optional", "array of string", "`set=1`"), `a: unknown rule "set=1"`},
		{"no backquotes", shortRow("a", "optional", "string", "max=3"), `a: unknown rule "max=3": rules stand in backquotes`},
		{"open backquote", shortRow("a", "optional", "string", "`max=3"), "a: rule \"max=3\" lacks its closing backquote"},
		{"open bracket", shortRow("a", "optional", "string", "`required_when(color`"), `a: rule "required_when(color" lacks its closing bracket`},
		{"bad count", shortRow("a", "optional", "string", "`max=-1`"), `a: rule "max=-1": "-1" is no count`},
		{"bad range", shortRow("a", "optional", "int", "`range=1`"), `a: rule "range=1": "1" is no range`},
		{"empty range", shortRow("a", "optional", "int", "`range=3..1`"), `a: rule "range=3..1": "3..1" is an empty range`},
		{"unknown list", shortRow("a", "optional", "string", "`enum=@colors`"), `a: rule "enum=@colors": the glossary has no list "colors"`},
		{"unknown format", shortRow("a", "optional", "string", "`format=iban`"), `a: rule "format=iban": unknown format "iban"`},
		{"bad pattern", shortRow("a", "optional", "string", "`pattern([)`"), `a: rule "pattern([)": "[" is no pattern`},
		{"bad total", shortRow("a", "optional", "string", "`max_total=5`"), `a: rule "max_total=5": "5" is not N(field,field)`},
		{"bad conversion", shortRow("a", "optional", "int", "`converts(1..,2)`"), `a: rule "converts(1..,2)": "1.." has an open end`},
		{"discouraged without reason", shortRow("a", "optional", "string", "`discouraged(x)`"), `a: rule "discouraged(x)": "x" is not VALUE, REASON`},
		{"empty check", shortRow("a", "optional", "string", "`check()`"), `a: rule "check()": nothing behind it`},
		{"argument missing", shortRow("a", "optional", "string", "`check(x,)`"), `a: rule "check(x,)": no argument behind the comma`},
		{"check under a bad condition", shortRow("a", "optional", "string", "`check(x,1 when colour)`"), `a: rule check: unknown path "colour"`},
		{"unknown moment", shortRow("a", "optional", "int", "`at=plan`, `range=1..`"), `a: rule "at=plan": "plan" is no moment`},
		{"rule that has no moment", shortRow("a", "optional", "string", "`at=send`, `max=3`"), `a: rule "max=3" cannot stand behind at=send`},
		{"unverified without text", shortRow("a", "optional", "string", "`unverified()`"), `a: rule "unverified()": nothing behind it`},
		{"unknown revocation", shortRow("a", "optional", "string", "`revokes_when(added)`"), `a: rule "revokes_when(added)": "added" is neither changed nor removed`},
		{"nothing to remove from", shortRow("a", "optional", "string", "`revokes_when(removed)`"), `a: rule revokes_when: does not fit type string`},
		{"included by no list", shortRow("a", "optional", "string", "`includes(color)`"), `a: rule includes: does not fit type string`},
		{"unknown included field", shortRow("a", "optional", "array of string", "`includes(colour)`"), `a: rule includes: unknown field "colour"`},
		{"meaning of nothing", shortRow("a", "optional", "string", "`enum=x`, `means(x)`"), `a: rule "means(x)": "x" is not VALUE: TEXT`},
		{"meaning of another value", shortRow("a", "optional", "string", "`enum=x`, `means(y: why)`"), `a: rule means: the row does not allow "y"`},
		{"bad condition", shortRow("a", "conditional", "string", "`required_when(color is red)`"), `a: rule "required_when(color is red)": bad condition "color is red": "color is red" is no field name`},
		{"condition without value", shortRow("a", "conditional", "string", "`required_when(color=)`"), `a: rule "required_when(color=)": bad condition "color=": empty value`},
		{"unknown path", shortRow("a", "conditional", "string", "`required_when(colour)`"), `a: rule required_when: unknown path "colour"`},
		{"unknown root path", shortRow("a", "conditional", "string", "`forbidden_when(/b/c)`"), `a: rule forbidden_when: unknown path "b/c"`},
		{"value that never is", shortRow("a", "conditional", "string", "`required_when(color=green)`"), `a: rule required_when: color is never "green"`},
		{"unknown product", shortRow("a", "conditional", "string", "`required_when(/product=x)`"), `a: rule required_when: unknown path "product"`},
		{"unknown kind in a condition", shortRow("a", "conditional", "string", "`required_when(/kind=Stuff)`"), `a: rule required_when: unknown kind "Stuff"`},
		{"conditional without a condition", shortRow("a", "conditional", "string", "`max=3`"), `a: conditional, but no rule says when`},
		{"unknown kind", shortRow("a", "optional", "object", "`ref=Stuff`"), `a: rule ref: unknown kind "Stuff"`},
		{"unknown field", shortRow("a", "optional", "object", "`exactly_one(b,c)`"), `a: rule exactly_one: unknown field "b"`},
		{"unknown neighbour", shortRow("a", "optional", "string", "`overrides(b)`"), `a: rule overrides: unknown field "b"`},
		{"rule for another type", shortRow("a", "optional", "bool", "`max=3`"), `a: rule max: does not fit type boolean`},
		{"list rule on no list", shortRow("a", "optional", "string", "`set`"), `a: rule set: does not fit type string`},
		{"number that is none", shortRow("a", "optional", "int", "`enum=1\\|two`"), `a: rule enum: "two" is no number`},
		{"default of another type", shortRow("a", "optional", "bool", "`default(maybe)`"), `a: rule default: "maybe" is neither true nor false`},
		{"unknown Req", shortRow("a", "maybe", "string", "–"), `a: unknown Req "maybe"`},
		{"unknown Type", shortRow("a", "optional", "float", "–"), `a: unknown Type "float"`},
		{"unknown item type", shortRow("a", "optional", "array of list", "–"), `a: unknown Type "array of list"`},
		{"no name", shortRow("a b", "optional", "string", "–"), `"a b" is no field name`},
		{"twice", shortRow("color", "optional", "string", "–"), `color is there twice`},
		{"nested too deep", shortRow(".. .. a", "optional", "string", "–"), `a is nested too deep`},
		{"nested in a string", shortRow(".. a", "optional", "string", "–"), `a is nested in color, which is no object`},
		{"unknown Send", "| a | optional | string | – | later | immutable | never | Text. |\n", `a: unknown Send "later"`},
		{"unknown Change", "| a | optional | string | – | create | sometimes | never | Text. |\n", `a: unknown Change "sometimes"`},
		{"unknown method", "| a | optional | string | – | create+put | in_place:fax | never | Text. |\n", `a: unknown Change "in_place:fax"`},
		{"in place without a call", "| a | optional | string | – | create | in_place:notes | never | Text. |\n", `a: changed in place but sent "create"`},
		{"unknown Read", "| a | optional | string | – | create | immutable | page:a | Text. |\n", `a: unknown Read "page:a"`},
		{"no description", "| a | optional | string | – | create | immutable | never | |\n", `a: no description`},
		{"missing cell", "| a | optional | string | – | create | immutable | never |\n", `row has 7 cells, the header has 8`},
		{"open row", "| a | optional\n", `table row does not end with |`},
		{"text behind the table", "And so on.\n", `text after a table: "And so on."`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := join(thing + tt.rows)
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff("thing.md:13: "+tt.want, err.Error()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestTableSettings(t *testing.T) {
	t.Parallel()
	set := func(old, new string) string { return strings.Replace(thing, old, new, 1) }
	tests := []struct{ name, text, want string }{
		{"no heading", set("# Thing\n", ""), "thing.md:1: a table file starts with a heading and a short text"},
		{"no text", set("For tests.\n", ""), "thing.md:1: a table file starts with a heading and a short text"},
		{"no settings", "# A\n\nText.\n", "thing.md:1: want a table Setting | Value and a table Name | Req | Type | Rules | Send | Change | Read | Description"},
		{"unknown setting", set("| part |", "| color |"), `thing.md:8: unknown setting "color"`},
		{"unknown part", set("| spec |", "| whole |"), `thing.md:8: unknown part "whole"`},
		{"product table without products", set("| spec |", "| product |"), "thing.md:1: settings must give the kind, the part and, for a product table, the products"},
		{"unknown reissue", set("| part | spec |", "| part | spec |\n| reissue | sometimes |"), `thing.md:9: reissue "sometimes" is not keeps`},
		{"unknown flag", set("| part | spec |", "| part | spec |\n| flags | fast |"), `thing.md:9: unknown flag "fast"`},
		{"validation of another product", set("| part | spec |", "| part | product |\n| products | a |\n| validation | b: cs |"), `thing.md:10: validation "b: cs" is not PRODUCT: TYPE of a product named above`},
		{"bad name of a kind", set("| Thing |", "| a#b |"), `thing.md:1: "a#b" is no name of a kind or product`},
		{"common rows without a product", set("| spec |", "| common |"), "thing.md:1: kind Thing has no product"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := join(tt.text); err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
	if _, err := join(thing, thing); err == nil || err.Error() != "thing.md:1: a second table of kind Thing" {
		t.Errorf("two tables of one kind: %v", err)
	}
	product := strings.Replace(thing, "| part | spec |", "| part | product |\n| products | a |", 1)
	if _, err := join(strings.Replace(thing, "| spec |", "| common |", 1), product); err == nil || err.Error() != "thing.md:1: product a has no row product with the rule selects" {
		t.Errorf("no row that selects the product: %v", err)
	}
	product += shortRow("product", "required", "string", "`selects`")
	if _, err := join(strings.Replace(thing, "| spec |", "| common |", 1), product, product); err == nil || err.Error() != "thing.md:1: a second table of product a" {
		t.Errorf("two tables of one product: %v", err)
	}
}

// Every table of a kind is there.
func TestKindTables(t *testing.T) {
	t.Parallel()
	for _, name := range kindTables {
		if _, err := os.Stat(filepath.Join("tables", name+".md")); err != nil {
			t.Error(err)
		}
	}
}

// The page about the vocabulary names every word there is.
func TestReadmeNamesEveryWord(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("tables/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for form := range grammar {
		if !strings.Contains(string(readme), "`"+form) {
			t.Errorf("tables/README.md does not explain `%s`", form)
		}
	}
	for name := range formats {
		if !strings.Contains(string(readme), "`"+name+"`") {
			t.Errorf("tables/README.md does not explain the format `%s`", name)
		}
	}
}

// Whatever stands in a row, it is refused with its place or gives a schema that compiles.
func FuzzTable(f *testing.F) {
	files, err := filepath.Glob("tables/*.md")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for l := range strings.Lines(string(text)) {
			if strings.Count(l, "|") > 6 {
				f.Add(strings.TrimPrefix(strings.ReplaceAll(l, "| .. ", "| "), ".. "))
			}
		}
	}
	f.Add(shortRow("a", "conditional", "object", "`required_when(!/color=red & color)`") + shortRow(".. b", "required", "array of int", "`secret`"))
	f.Fuzz(func(t *testing.T, rows string) {
		c, err := join(thing + rows)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "thing.md:") {
				t.Errorf("error without a place: %v", err)
			}
			return
		}
		for _, d := range c.documents {
			for _, describe := range d.descriptors {
				describe()
			}
			d.validator("")
		}
	})
}
