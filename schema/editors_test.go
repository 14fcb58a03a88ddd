package schema

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"dcsync/internal/diag"
	"dcsync/schema/fixture"
)

// script runs a script of editors/ with a question as JSON on stdin and reads the answer. It needs node, npm and the npm registry, so
// it runs only when it is asked for.
func script(t *testing.T, dir, name string, question, answer any) {
	t.Helper()
	in, err := json.Marshal(question)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", name)
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = dir, bytes.NewReader(in), &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("run %s: %v\n%s", name, err, &errs)
	}
	if err := json.Unmarshal(out.Bytes(), answer); err != nil {
		t.Fatalf("read what %s says: %v\n%s", name, err, &out)
	}
}

// installed gives a folder with the scripts and what they need.
func installed(t *testing.T) string {
	t.Helper()
	if os.Getenv("DCSYNC_EDITOR_TESTS") == "" {
		t.Skip("skipped: set DCSYNC_EDITOR_TESTS=1 to hold the schemas against ajv and a YAML language server; it needs node, npm and the npm registry")
	}
	for _, name := range []string{"node", "npm"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("skipped: DCSYNC_EDITOR_TESTS is set, but %s is not there", name)
		}
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("editors")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	return dir
}

// The generated schemas mean to another validator what they mean to ours, on every fixture.
func TestAnotherValidator(t *testing.T) {
	t.Parallel()
	dir := installed(t)
	type document struct {
		Kind     string `json:"kind"`
		Document any    `json:"document"`
	}
	question := struct {
		Schemas   map[string]json.RawMessage `json:"schemas"`
		Documents []document                 `json:"documents"`
	}{Schemas: map[string]json.RawMessage{}}
	for _, kind := range Kinds() {
		question.Schemas[kind], _ = JSON(kind)
	}
	cases := fixtures(t)
	for _, c := range cases {
		question.Documents = append(question.Documents, document{c.Kind, plain(c.Doc)})
	}
	var answers []bool
	script(t, dir, "ajv.js", question, &answers)
	if len(answers) != len(cases) {
		t.Fatalf("%d answers to %d questions", len(answers), len(cases))
	}
	for i, c := range cases {
		if needsGo(t, c) {
			continue
		}
		found := Check(c.Kind, c.Doc, nil)
		if want := !slices.ContainsFunc(found, func(v Violation) bool { return v.Severity == diag.Error }); answers[i] != want {
			t.Errorf("%s: [%s %s]: ajv says %v, here it is %v: %q", c.Place, c.Field, c.Rule, answers[i], want, lines(found))
		}
	}
}

// A fixture needs Go when our own validator lets it pass by the committed schema alone. Only rules that a schema cannot say may do that.
func TestFixturesThatNeedGo(t *testing.T) {
	t.Parallel()
	beyond := []string{wordUnique, wordMaxTotal, wordNamesField, wordFormat}
	for _, c := range fixtures(t) {
		word, _, _ := strings.Cut(c.Rule, ":")
		if needsGo(t, c) && !slices.Contains(beyond, word) {
			t.Errorf("%s: [%s %s]: an error that the schema does not say", c.Place, c.Field, c.Rule)
		}
	}
}

// needsGo tells whether a document has an error that its JSON Schema does not have. Formats are dcsync's own, so no schema has them.
func needsGo(t *testing.T, c fixture.Case) bool {
	t.Helper()
	found := Check(c.Kind, c.Doc, nil)
	return slices.ContainsFunc(found, func(v Violation) bool { return v.Severity == diag.Error }) && bare()[c.Kind].Validate(plain(c.Doc)) == nil
}

// bare gives, by kind, the schema as anybody gets it, without our formats.
var bare = sync.OnceValue(func() map[string]*jsonschema.Schema {
	out := map[string]*jsonschema.Schema{}
	for _, kind := range Kinds() {
		text, _ := JSON(kind)
		out[kind] = jsonschema.MustCompileString(idPrefix+kind, string(text))
	}
	return out
})

// A real language server completes, explains and reports by the schemas that dcsync schema --dir writes.
func TestLanguageServer(t *testing.T) {
	t.Parallel()
	dir := installed(t)
	type position struct{ line, character int }
	const order = "apiVersion: dcsync/v1\nkind: Order\nmetadata: {name: a}\nspec:\n"
	tests := []struct {
		name, ask, text string
		at              position
		want            []string // each in one of the answers
		never           string   // in none of them
	}{
		{"fields of a product", "completion", order + "  product: ssl_basic\n  \n", position{5, 2}, []string{"dcv_method: How control over names is shown", "technical_contact: "}, "cs_provisioning_method: "},
		{"values of an open list", "completion", order + "  product: code_signing\n  cs_provisioning_method: \n", position{5, 26}, []string{"email: ", "ship_token: "}, "nonesuch"},
		{"values with their meaning", "completion", order + "  product: ssl_basic\n  dcv_method: \n", position{5, 14}, []string{"http-token: A file with a random value"}, "postal"},
		{"products", "completion", order + "  product: \n", position{4, 11}, []string{"ssl_basic: ", "code_signing_ev: "}, "ssl_minus"},
		{"what a field is", "hover", order + "  product: ssl_basic\n  certificate:\n    signature_hash: sha256\n", position{6, 8}, []string{"Hash that signs the certificate", "needs a reissue", "SHA-384"}, "code signing"},
		{"what a field of the envelope is", "hover", order + "lifecycle:\n  protect: true\n", position{5, 4}, []string{"Refuse whatever would end the object"}, "certificate"},
		{"nothing wrong", "diagnostics", order + "  product: class1_smime\n  certificate: {emails: [a@example.com], signature_hash: sha256}\n  order_validity: {years: 1}\n", position{}, nil, ":"},
		{"what is wrong", "diagnostics", order + "  product: ssl_basic\n  certificate:\n    signature_hash: sha1\n  dcv_methd: email\n", position{},
			[]string{`3: Missing property "organization"`, `Missing property "csr"`, `6: Value is not accepted. Valid values: "sha256", "sha384", "sha512"`, "7: Property dcv_methd is not allowed"}, "dcv_methods"},
		{"a condition", "diagnostics", order + "  product: code_signing\n  cs_provisioning_method: email\n  certificate: {signature_hash: sha256}\n  organization: {id: 1}\n  order_validity: {years: 1}\n", position{}, []string{`Missing property "csr"`}, "organization"},
	}
	type ask struct {
		File      string `json:"file"`
		Text      string `json:"text"`
		Ask       string `json:"ask"`
		Line      int    `json:"line"`
		Character int    `json:"character"`
	}
	question := struct {
		Folder    string            `json:"folder"`
		Schemas   map[string]string `json:"schemas"`
		Questions []ask             `json:"questions"`
	}{Folder: dir, Schemas: map[string]string{}}
	text, _ := JSON("Order")
	file := filepath.Join(dir, "order.json")
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	question.Schemas["file://"+filepath.ToSlash(file)] = "orders/*.yaml"
	for i, tt := range tests {
		question.Questions = append(question.Questions, ask{"orders/" + string(rune('a'+i)) + ".yaml", tt.text, tt.ask, tt.at.line, tt.at.character})
	}
	var answers [][]string
	script(t, dir, "server.js", question, &answers)
	if len(answers) != len(tests) {
		t.Fatalf("%d answers to %d questions", len(answers), len(tests))
	}
	for i, tt := range tests {
		all := strings.Join(answers[i], "\n")
		for _, w := range tt.want {
			if !strings.Contains(all, w) {
				t.Errorf("%s: %q is not in\n%s", tt.name, w, all)
			}
		}
		if strings.Contains(all, tt.never) {
			t.Errorf("%s: %q is in\n%s", tt.name, tt.never, all)
		}
	}
}
