package cli

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/secret"
	"dcsync/internal/term"
)

func testSession() *session {
	s := &session{env: func(string) string { return "" }, scrub: &secret.Scrubber{}, signals: &signals{}, version: "1.2.3"}
	s.out, s.err = term.NewStream(io.Discard, term.Never, nil), term.NewStream(io.Discard, term.Never, nil)
	return s
}

func TestArrange(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, line, want string }{
		{"in order", "--chdir d plan --out f", "--chdir=d plan --out=f --"},
		{"globals behind", "plan -C d -o json", "--chdir=d --output=json plan --"},
		{"globals on both sides, the last counts", "-o text plan -o json", "--output=text --output=json plan --"},
		{"flag behind the argument", "apply p.plan --auto-approve", "apply --auto-approve -- p.plan"},
		{"mixed", "apply --lock none p.plan -C d --max-orders=3", "--chdir=d apply --lock=none --max-orders=3 -- p.plan"},
		{"-- ends flags", "validate -o json -- --out -C", "--output=json validate -- --out -C"},
		{"-- before the command", "-C d -- plan", "--chdir=d plan --"},
		{"value with =", "plan --out=a=b", "plan --out=a=b --"},
		{"empty value", "plan --out=", "plan --out= --"},
		{"value like a number below 0", "plan --max-orders -1", "plan --max-orders=-1 --"},
		{"one dash", "plan -out f", "plan --out=f --"},
		{"a dash is a word", "show -", "show -- -"},
		{"bool takes no value", "apply --auto-approve false", "apply --auto-approve -- false"},
		{"bool with =", "apply --auto-approve=false", "apply --auto-approve=false --"},
		{"repeated", "sandbox --key-role a=102 --key-role b=100", "sandbox --key-role=a=102 --key-role=b=100 --"},
		{"word like a flag", "validate help", "validate -- help"},
		{"help flag", "plan --help", "help -- plan"},
		{"help flag first", "-h plan", "help -- plan"},
		{"help flag alone", "--help", "help --"},
		{"help with output", "plan -o json -h", "--output=json help -- plan"},
		{"help command", "help plan", "help -- plan"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			app := testSession().app(&outcome{})
			got, err := arrange(append([]string{"dcsync"}, strings.Fields(tt.line)...), app.Flags, app.Commands)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff("dcsync "+tt.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestArrangeRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ line, message, hint string }{
		{"", "no command is given", "see `dcsync help`"},
		{"-C d", "no command is given", "see `dcsync help`"},
		{"plam", `unknown command "plam"`, "did you mean plan?"},
		{"frobnicate", `unknown command "frobnicate"`, "see `dcsync help`"},
		{"plan --refesh full", "unknown flag --refesh of plan", "did you mean --refresh?"},
		{"plan --auto-approve", "unknown flag --auto-approve of plan", "see `dcsync help plan`"},
		{"apply --as-of 2026-01-01", "unknown flag --as-of of apply", "see `dcsync help apply`"},
		{"--refresh full plan", "unknown flag --refresh before the command", "see `dcsync help`"},
		{"plan --api-key=s3cret", "unknown flag --api-key of plan", "did you mean --api-url?"},
		{"plan -x", "unknown flag -x of plan", ""},
		{"plan ---out f", "unknown flag ---out of plan", "did you mean --out?"},
		{"plan --out", "--out needs a value", "see `dcsync help plan`"},
		{"plan --out --detailed-exitcode", "--out needs a value", "see `dcsync help plan`"},
		{"-C", "--chdir needs a value", "see `dcsync help`"},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			t.Parallel()
			app := testSession().app(&outcome{})
			line, err := arrange(append([]string{"dcsync"}, strings.Fields(tt.line)...), app.Flags, app.Commands)
			u, ok := err.(*usage)
			if !ok {
				t.Fatalf("arrange gives %q, %v", line, err)
			}
			if u.message != tt.message || tt.hint != "" && u.hint != tt.hint {
				t.Errorf("got %q (%q), want %q (%q)", u.message, u.hint, tt.message, tt.hint)
			}
		})
	}
}

// Whatever is typed, a line is put in order once and for all, or refused; nothing after "--" is taken for a flag.
func FuzzArrange(f *testing.F) {
	f.Add("plan\n--out\nf\n--\n-x")
	f.Add("-C\nd\nvalidate\na\n--output=json\nb")
	f.Add("--\n--\nplan")
	f.Fuzz(func(t *testing.T, text string) {
		app := testSession().app(&outcome{})
		first, err := arrange(append([]string{"dcsync"}, strings.Split(text, "\n")...), app.Flags, app.Commands)
		if err != nil {
			return
		}
		again, err := arrange(first, app.Flags, app.Commands)
		if err != nil {
			t.Fatalf("%q is refused in order: %v", first, err)
		}
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("(-first +again):\n%s", diff)
		}
	})
}

func TestAsksForJSON(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]bool{
		"plan -o json": true, "-o json plan": true, "plan --output=json --bad": true, "plan -o text": false, "plan": false,
		"validate -- -o json": false, "plan -o json -o text": false, "plan -o": false,
	} {
		if got := asksForJSON(strings.Fields(line)); got != want {
			t.Errorf("%q: %v, want %v", line, got, want)
		}
	}
}

func TestEditDistance(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"plan", "plan", 0}, {"plan", "plam", 1}, {"plan", "pln", 1}, {"", "abc", 3}, {"kitten", "sitting", 3}} {
		if got := editDistance(tt.a, tt.b); got != tt.want {
			t.Errorf("editDistance(%q, %q) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
