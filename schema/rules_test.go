package schema

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
	"dcsync/schema/fixture"
)

func fixtures(t testing.TB) []fixture.Case {
	t.Helper()
	cases, err := fixture.Read(os.DirFS("../testdata/rules"))
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// describing words say what a field is: no document can break them.
var describing = []string{wordSet, wordLower, wordIdentity, wordClearable, wordDefault, wordHint, wordBesideRef, wordMeans, wordIncludes, wordRevokesWhen}

// breakable lists the rules of a row that a document can break, as fixtures name them: the columns Req and Type are two of them.
func breakable(r *row) []string {
	names := []string{"type"}
	if r.req == resource.Required {
		names = append(names, "required")
	}
	count := map[string]int{}
	for _, rule := range r.rules {
		isObject := rule.word == wordSecret && r.typ == resource.TypeObject // its members say so
		if isObject || slices.Contains(describing, rule.word) || rule.word == wordFormat && formats[rule.text].isOpen() {
			continue
		}
		count[rule.word]++
		name := rule.word
		if n := count[rule.word]; n > 1 {
			name = fmt.Sprintf("%s:%d", name, n)
		}
		names = append(names, name)
	}
	return names
}

// Each rule of each row of each table has a document that keeps it and one that breaks it, and there is none for a rule that is gone.
func TestEveryRuleHasFixtures(t *testing.T) {
	t.Parallel()
	type rule struct{ table, field, rule string }
	kept, broken := map[rule]bool{}, map[rule]bool{}
	for _, c := range fixtures(t) {
		if c.Keeps {
			kept[rule{c.Table, c.Field, c.Rule}] = true
		} else {
			broken[rule{c.Table, c.Field, c.Rule}] = true
		}
	}
	known := map[rule]bool{}
	for _, tab := range built().tables {
		var walk func(rows []*row, above string)
		walk = func(rows []*row, above string) {
			for _, r := range rows {
				for _, name := range breakable(r) {
					k := rule{tableName(tab.file), above + r.name, name}
					known[k] = true
					if !kept[k] {
						t.Errorf("%s:%d: nothing in testdata/rules/%s keeps [%s %s]", r.file, r.line, k.table, k.field, k.rule)
					}
					if !broken[k] {
						t.Errorf("%s:%d: nothing in testdata/rules/%s breaks [%s %s]", r.file, r.line, k.table, k.field, k.rule)
					}
				}
				walk(r.members, above+r.name+".")
			}
		}
		walk(tab.rows, "")
	}
	for _, of := range []map[rule]bool{kept, broken} {
		for k := range of {
			if !known[k] {
				t.Errorf("testdata/rules/%s has [%s %s], which is no rule of the table", k.table, k.field, k.rule)
			}
		}
	}
}

// Every fixture gets the verdict that it names, but for those of checks, which manifests has.
func TestFixtures(t *testing.T) {
	t.Parallel()
	for _, c := range fixtures(t) {
		if strings.HasPrefix(c.Rule, wordCheck) {
			continue
		}
		for _, problem := range c.Problems(reported(Check(c.Kind, c.Doc, nil))) {
			t.Errorf("%s: [%s %s]: %s", c.Place, c.Field, c.Rule, problem)
		}
	}
}

// reported gives findings as fixtures write them.
func reported(found []Violation) []fixture.Reported {
	out := make([]fixture.Reported, len(found))
	for i, v := range found {
		at := string(v.Path)
		if v.Member != "" {
			at += "+" + v.Member
		}
		out[i] = fixture.Reported{Finding: fixture.Finding{Code: string(v.Code), At: at}, IsError: v.Severity == diag.Error, Text: lines(found[i : i+1])[0]}
	}
	return out
}

// isOpen tells whether every text has the format.
func (f format) isOpen() bool { return f.pattern == nil && f.valid == nil }
