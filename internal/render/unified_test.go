package render

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestUnified(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name          string
		before, after string
		want          string
	}{
		{"equal", "a b", "a b", ""},
		{"from nothing", "", "a b", "@@ -0,0 +1,2 @@|+a|+b"},
		{"to nothing", "a b", "", "@@ -1,2 +0,0 @@|-a|-b"},
		{"middle", "1 2 3 4 5 6 7 8 9", "1 2 3 4 x 6 7 8 9", "@@ -2,7 +2,7 @@| 2| 3| 4|-5|+x| 6| 7| 8"},
		{"two hunks", "a 1 2 3 4 5 6 7 b", "A 1 2 3 4 5 6 7 B", "@@ -1,4 +1,4 @@|-a|+A| 1| 2| 3|@@ -6,4 +6,4 @@| 5| 6| 7|-b|+B"},
		{"joined hunks", "a 1 2 3 4 5 6 b", "A 1 2 3 4 5 6 B", "@@ -1,8 +1,8 @@|-a|+A| 1| 2| 3| 4| 5| 6|-b|+B"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := strings.Join(unified(strings.Fields(tt.before), strings.Fields(tt.after)), "|")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The edits hold both sides in order, so nothing of a value is lost in its diff.
func TestCompareKeepsBothSides(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.SampledFrom([]string{"", "a", "b", "c", "é", "long line"})
		before, after := rapid.SliceOf(line).Draw(t, "before"), rapid.SliceOf(line).Draw(t, "after")
		var gotBefore, gotAfter []string
		for _, e := range compare(before, after) {
			if e.sign != '+' {
				gotBefore = append(gotBefore, e.text)
			}
			if e.sign != '-' {
				gotAfter = append(gotAfter, e.text)
			}
		}
		if joined(before) != joined(gotBefore) || joined(after) != joined(gotAfter) {
			t.Fatalf("got %q and %q", gotBefore, gotAfter)
		}
	})
}
