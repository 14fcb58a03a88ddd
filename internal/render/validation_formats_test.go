package render

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v5"

	"dcsync/internal/diag"
)

// awkward are findings whose text and place would break a format that does not escape them.
var awkward = diag.List{
	{Severity: diag.Error, Code: "DC1012", Summary: "100% wrong::error,\r\nfile=x", Detail: "one\ntwo", Hint: "write %0A", Address: "Order/a", Path: "/spec~1",
		Pos: diag.Pos{File: "manifests/a b:c,d%.yaml", Line: 3, Column: 7}, Related: []diag.Related{{Pos: diag.Pos{File: "b.yaml", Line: 1, Column: 1}, Message: "the first"}}},
	{Severity: diag.Warning, Code: "DC1201", Summary: "ignored", Pos: diag.Pos{File: "b.yaml"}},
	{Severity: diag.Note, Code: "DC2005", Summary: "a note without a place"},
	{Severity: diag.Error, Code: "DC1012", Summary: "wrong again", Pos: diag.Pos{File: "b.yaml", Line: 9, Column: 1}},
}

func TestValidationGitHub(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := ValidationGitHub(&b, Validation{Files: 2, Manifests: 1, Findings: awkward}, "certs"); err != nil {
		t.Fatal(err)
	}
	want := `::notice title=DC2005::a note without a place
::warning file=certs/b.yaml,title=DC1201::ignored
::error file=certs/b.yaml,line=9,col=1,title=DC1012::wrong again
::error file=certs/manifests/a b%3Ac%2Cd%25.yaml,line=3,col=7,title=DC1012::100%25 wrong::error,  file=x%0Aone two%0Asee b.yaml:1:1: the first%0Ahint: write %250A
Not valid: 1 manifest in 2 files; 2 errors, 1 warning.
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// sarifSchema of the standard decides what a log may hold.
func TestValidationSARIF(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("testdata/sarif-schema-2.1.0.json")
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat = true
	if err := c.AddResource("sarif.json", bytes.NewReader(file)); err != nil {
		t.Fatal(err)
	}
	standard, err := c.Compile("sarif.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, list := range map[string]diag.List{"none": nil, "awkward": awkward} {
		var b bytes.Buffer
		if err := ValidationSARIF(&b, Validation{Findings: list}, "certs", "1.2.3"); err != nil {
			t.Fatal(err)
		}
		var doc any
		if err := json.Unmarshal(b.Bytes(), &doc); err != nil {
			t.Fatal(err)
		}
		if err := standard.Validate(doc); err != nil {
			t.Errorf("%s: %#v", name, err)
		}
		if name != "awkward" {
			continue
		}
		for _, want := range []string{`"uri": "certs/manifests/a%20b:c,d%25.yaml"`, `"level": "note"`, `"ruleIndex": 2`, `"startLine": 3`, `"fullyQualifiedName": "Order/a/spec~1"`} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("no %s in\n%s", want, b.String())
			}
		}
	}
}
