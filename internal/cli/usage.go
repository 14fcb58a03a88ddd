package cli

import (
	"fmt"

	"github.com/urfave/cli/v2"
)

// usage is a mistake in the command line or the environment: exit code 3.
type usage struct {
	message string
	hint    string
}

func (u *usage) Error() string { return u.message }

func usagef(hint, format string, args ...any) error {
	return &usage{message: fmt.Sprintf(format, args...), hint: hint}
}

// usageError takes what the parser says of a flag's value.
func usageError(cc *cli.Context, err error, _ bool) error {
	hint := "see `dcsync help`"
	if cc.Command != nil && cc.Command.Name != "" {
		hint = "see `dcsync help " + cc.Command.Name + "`"
	}
	return &usage{message: err.Error(), hint: hint}
}

// oneOf checks a flag that knows a few words.
func oneOf(flag, value string, words ...string) error {
	for _, w := range words {
		if value == w {
			return nil
		}
	}
	return usagef(didYouMean(value, words), "--%s is %s, not %q", flag, orList(words), value)
}

// orList gives "a, b or c".
func orList(words []string) string {
	text := ""
	for i, w := range words {
		switch {
		case i == 0:
		case i == len(words)-1:
			text += " or "
		default:
			text += ", "
		}
		text += w
	}
	return text
}

// didYouMean gives a hint that names the nearest known word, "" when none is near.
func didYouMean(word string, known []string) string {
	best, distance := "", max(2, len(word)/3)+1
	for _, k := range known {
		if d := editDistance(word, k); d < distance {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return "did you mean " + best + "?"
}

// editDistance counts the characters to insert, delete or replace.
func editDistance(a, b string) int {
	from, to := []rune(a), []rune(b)
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range from {
		diagonal := row[0]
		row[0] = i + 1
		for j, y := range to {
			cost := diagonal
			if x != y {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(to)]
}
