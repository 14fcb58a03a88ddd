package manifests

import (
	"testing"

	"dcsync/internal/resource"
)

// Each instruction of require_consent is found where it is given, and only there.
func TestInstructed(t *testing.T) {
	t.Parallel()
	const quiet = "lifecycle: {generation: 1, protect: true, allow: []}\nspec: {skip_approval: false}\n"
	for instruction, tt := range map[string]struct {
		text string
		at   resource.Path
	}{
		"retire":            {"retire: {target: current}\n", "/retire"},
		"renew":             {"lifecycle: {renew_before: 30d}\n", "/lifecycle/renew_before"},
		"generation":        {"lifecycle: {generation: 2}\n", "/lifecycle/generation"},
		"skip_approval":     {"spec: {skip_approval: true}\n", "/spec/skip_approval"},
		"replace":           {"lifecycle: {allow: [deactivate-in-use, replace]}\n", "/lifecycle/allow/1"},
		"reissue-revoking":  {"lifecycle: {allow: [reissue-revoking]}\n", "/lifecycle/allow/0"},
		"deactivate-in-use": {"lifecycle: {allow: [deactivate-in-use]}\n", "/lifecycle/allow/0"},
	} {
		if at, given := instructed(documentOf(t, tt.text), instruction); !given || at != tt.at {
			t.Errorf("%s: %v at %s, want %s", instruction, given, at, tt.at)
		}
		if at, given := instructed(documentOf(t, quiet), instruction); given {
			t.Errorf("%s: found at %s, where nobody gave it", instruction, at)
		}
	}
}

func documentOf(t *testing.T, text string) *document {
	t.Helper()
	src, problem := newSource("a.yaml", text)
	if problem != nil {
		t.Fatal(problem)
	}
	parts, problem := parse(src)
	if problem != nil {
		t.Fatal(problem)
	}
	d, expanded := newDocument(src, parts[0]), 0
	d.value = newReader(d, &expanded).value(parts[0].root, "").(resource.Map)
	return d
}

func TestIsIn(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{"example.com": true, "www.example.com": true, "notexample.com": false, "example.com.evil.net": false, "com": false} {
		if got := isIn(name, []string{"example.com"}); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
