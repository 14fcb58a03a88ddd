package render

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/diag"
	"dcsync/internal/term"
)

func findings() diag.List {
	return diag.List{
		{
			Severity: diag.Error, Code: diag.DuplicateKey, Summary: "csr is written twice", Pos: diag.Pos{File: "manifests/b.yaml", Line: 3, Column: 2},
			Snippet: "\tcsr: x", Related: []diag.Related{{Pos: diag.Pos{File: "manifests/b.yaml", Line: 1, Column: 1}, Message: "first written here"}},
		},
		{
			Severity: diag.Error, Code: diag.BadValue, Summary: "sha1 is not allowed", Detail: "one of sha256, sha384", Hint: "write sha256",
			Pos: diag.Pos{File: "manifests/a.yaml", Line: 9, Column: 21}, Address: "Order/a", Path: "/certificate/signature_hash",
			Snippet: "    signature_hash: sha1",
		},
		{Severity: diag.Warning, Code: diag.FieldDeprecated, Summary: "deprecated \x1b[31m", Pos: diag.Pos{File: "manifests/a.yaml"}},
		{Severity: diag.Note, Code: diag.PriceUnknown, Summary: "no price", Address: "Order/z"},
	}
}

func TestValidation(t *testing.T) {
	t.Parallel()
	v := Validation{Files: 3, Manifests: 5, Findings: findings()}
	var text, doc, good bytes.Buffer
	if err := errors.Join(
		ValidationText(term.NewStream(&text, term.Never, nil), v),
		ValidationJSON(&doc, v, "1.2.3"),
		ValidationText(term.NewStream(&good, term.Never, nil), Validation{Files: 1, Manifests: 1}),
	); err != nil {
		t.Fatal(err)
	}
	golden(t, "validation.txt", text.Bytes())
	golden(t, "validation.json", doc.Bytes())
	golden(t, "validation-good.txt", good.Bytes())
}

func TestFailure(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	s := term.NewStream(&b, term.Never, nil)
	if err := errors.Join(
		FailureText(s, Failure{Code: "api", Message: "GET /user/me: 401", Hint: "check the key", ExitCode: 1}),
		FailureText(s, Failure{Code: "invalid", Message: "not shown", ExitCode: 3, Findings: findings()[1:2]}),
	); err != nil {
		t.Fatal(err)
	}
	golden(t, "failure.txt", b.Bytes())
	b.Reset()
	if err := FailureJSON(&b, Failure{Code: "invalid", Message: "m", Hint: "h", ExitCode: 3, Findings: findings()}, "1.2.3"); err != nil {
		t.Fatal(err)
	}
	golden(t, "failure.json", b.Bytes())
}

func TestExcerpt(t *testing.T) {
	t.Parallel()
	long := string(bytes.Repeat([]byte("x"), 300))
	tests := []struct {
		line      string
		column    int
		shown     string
		padLength int
	}{
		{"a: b", 4, "a: b", 3},
		{"\ta", 2, "\ta", 1},
		{"é→b", 3, "é→b", 2},
		{"a\x1bb", 1, "a\ufffdb", 0},
		{"a", 9, "a", 1},
		{long, 300, "…" + long[:120], 120},
		{long, 1, long[:120], 0},
		{long, 150, "…" + long[:120], 61},
	}
	for _, tt := range tests {
		shown, pad := excerpt(tt.line, tt.column)
		if shown != tt.shown || len(pad) != tt.padLength {
			t.Errorf("excerpt(%.10q, %d) = %q with %d blanks, want %q with %d", tt.line, tt.column, shown, len(pad), tt.shown, tt.padLength)
		}
	}
}

func TestFindingsSurviveJSON(t *testing.T) {
	t.Parallel()
	want := findings().Sorted()
	for i := range want {
		want[i].Snippet = ""
	}
	if diff := cmp.Diff(want, fromJSON(findingsJSON(findings()))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
