package manifests

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/diag"
)

func TestTooLarge(t *testing.T) {
	t.Parallel()
	dir := project(t, nil)
	writeFile(t, dir, "manifests/a.yaml", strings.Repeat("# comment\n", maxFile/10+1))
	start := time.Now()
	l := load(t, dir)
	if diff := cmp.Diff([]diag.Code{diag.FileTooLarge}, codes(l.Findings)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("took %v", took)
	}
}

func TestAliasBomb(t *testing.T) {
	t.Parallel()
	var bomb strings.Builder
	bomb.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 30; i++ {
		fmt.Fprintf(&bomb, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 9), ", "))
	}
	for name, c := range map[string]struct {
		text string
		want diag.Code
	}{
		"bomb":     {bomb.String(), diag.AliasBomb},
		"many":     {"a: &a x\nb: [" + strings.Repeat("*a, ", maxExpanded+1) + "]\n", diag.AliasBomb},
		"two docs": {"a: &a x\nb: [" + strings.Repeat("*a, ", maxExpanded/2) + "]\n---\na: &a x\nb: [" + strings.Repeat("*a, ", maxExpanded/2+1) + "]\n", diag.AliasBomb},
		"depth":    {strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth), diag.BadEnvelope},
		"deeper":   {strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1), diag.YAMLSyntax},
		"deepest":  {strings.Repeat("[", 1<<20), diag.YAMLSyntax},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			l := load(t, project(t, map[string]string{"manifests/a.yaml": c.text}))
			if !slices.Contains(codes(l.Findings), c.want) {
				t.Errorf("no finding %s in:\n%s", c.want, text(l.Findings))
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// A finding costs the same on a long line as on a short one.
func TestLongLine(t *testing.T) {
	t.Parallel()
	const n = 100_000
	l := load(t, project(t, map[string]string{"manifests/a.yaml": "kind: Contact\nspec: [" + strings.Repeat("1.5, ", n) + "]\n"}))
	last := l.Findings[len(l.Findings)-1]
	if last.Code != diag.BadScalar || last.Snippet != "" || last.Pos.Column != 8+5*(n-1) {
		t.Errorf("the last of %d bad values: %+v", n, last)
	}
}

func TestAliasesWithinLimit(t *testing.T) {
	t.Parallel()
	list := "[" + strings.TrimSuffix(strings.Repeat("*a, ", 5000), ", ") + "]"
	l := load(t, project(t, map[string]string{"manifests/a.yaml": fmt.Sprintf(contact, "a") + "# " + list + "\n"}))
	if len(l.Findings) > 0 {
		t.Error(text(l.Findings))
	}
}
