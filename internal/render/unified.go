package render

import (
	"fmt"
	"strings"

	"github.com/sergi/go-diff/diffmatchpatch"
)

// unchanged is the number of equal lines shown around a difference.
const unchanged = 3

// edit is one line of a comparison: ' ' in both, '-' only before, '+' only after.
type edit struct {
	sign byte
	text string
}

// unified gives the lines of a unified diff, without the two file lines: hunks of "@@ -l,n +l,n @@" and signed lines. It is empty
// when the two are equal.
func unified(before, after []string) []string {
	edits := compare(before, after)
	var out []string
	for start := 0; start < len(edits); {
		first := nextChange(edits, start)
		if first < 0 {
			break
		}
		from := max(start, first-unchanged)
		to := first + 1
		for {
			next := nextChange(edits, to)
			if next < 0 || next-to > 2*unchanged {
				break
			}
			to = next + 1
		}
		end := min(len(edits), to+unchanged)
		out = append(out, hunk(edits, from, end)...)
		start = end
	}
	return out
}

func hunk(edits []edit, from, end int) []string {
	oldLine, newLine := 1, 1
	for _, e := range edits[:from] {
		oldLine += count(e, '-')
		newLine += count(e, '+')
	}
	var oldN, newN int
	var body []string
	for _, e := range edits[from:end] {
		oldN += count(e, '-')
		newN += count(e, '+')
		body = append(body, string(e.sign)+e.text)
	}
	if oldN == 0 {
		oldLine--
	}
	if newN == 0 {
		newLine--
	}
	return append([]string{fmt.Sprintf("@@ -%d,%d +%d,%d @@", oldLine, oldN, newLine, newN)}, body...)
}

// count is 1 for a line that exists on the side of a sign.
func count(e edit, sign byte) int {
	if e.sign == ' ' || e.sign == sign {
		return 1
	}
	return 0
}

func nextChange(edits []edit, from int) int {
	for i := from; i < len(edits); i++ {
		if edits[i].sign != ' ' {
			return i
		}
	}
	return -1
}

func compare(before, after []string) []edit {
	dmp := diffmatchpatch.New()
	dmp.DiffTimeout = 0 // the same diff on a slow machine
	a, b, table := dmp.DiffLinesToRunes(joined(before), joined(after))
	var out []edit
	for _, d := range dmp.DiffCharsToLines(dmp.DiffMainRunes(a, b, false), table) {
		sign := map[diffmatchpatch.Operation]byte{
			diffmatchpatch.DiffEqual: ' ', diffmatchpatch.DiffDelete: '-', diffmatchpatch.DiffInsert: '+',
		}[d.Type]
		for _, l := range strings.SplitAfter(d.Text, "\n") {
			if l != "" {
				out = append(out, edit{sign, strings.TrimSuffix(l, "\n")})
			}
		}
	}
	return out
}

func joined(lines []string) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l)
		b.WriteByte('\n')
	}
	return b.String()
}
