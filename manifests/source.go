package manifests

import (
	"regexp"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"dcsync/internal/diag"
	"dcsync/internal/pki"
	"dcsync/internal/secret"
)

// maxFile is the largest YAML file that is parsed: yaml.v3 takes seconds and gigabytes on larger ones.
const maxFile = 8 << 20

// source is the text of one YAML file, with what must not be shown of it.
type source struct {
	name   string // relative to the project's root, "/" separators
	text   string
	starts []int // offset of each line
	widths []int // characters of each line, without its end
	hidden []span
	secret bool // holds a private key: no line of it is shown
}

// span is a part of a source, from one position up to another.
type span struct{ from, to point }

// point is a line and a column, both from 1, the column in characters, as yaml.v3 counts.
type point struct{ line, column int }

// newSource takes a file's bytes, or says why they are not text that positions can be given for.
func newSource(name, text string) (*source, *diag.Diagnostic) {
	s := &source{name: name, text: strings.TrimPrefix(text, "\ufeff"), starts: []int{0}}
	for i := range len(s.text) {
		if s.text[i] == '\n' {
			s.starts = append(s.starts, i+1)
		}
	}
	for n := range s.starts {
		s.widths = append(s.widths, utf8.RuneCountInString(s.line(n+1)))
	}
	for i, r := range s.text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s.text[i:], string(utf8.RuneError)):
			return s, &diag.Diagnostic{
				Severity: diag.Error, Code: diag.FileNotUTF8, Pos: s.at(i),
				Summary: "the file is not UTF-8",
				Hint:    "save it as UTF-8",
			}
		case r == '\u0085', r == '\u2028', r == '\u2029', r == '\r' && !strings.HasPrefix(s.text[i:], "\r\n"):
			// YAML ends a line here and editors do not: what a reviewer sees is not what is read.
			return s, &diag.Diagnostic{
				Severity: diag.Error, Code: diag.YAMLSyntax, Pos: s.at(i),
				Summary: "a line break that is neither LF nor CRLF",
				Hint:    `use ordinary line breaks; inside a quoted text write "\u2028" or the like`,
			}
		}
	}
	return s, nil
}

// at gives the position of an offset.
func (s *source) at(offset int) diag.Pos {
	line := sort.Search(len(s.starts), func(i int) bool { return s.starts[i] > offset })
	return diag.Pos{File: s.name, Line: line, Column: utf8.RuneCountInString(s.text[s.starts[line-1]:offset]) + 1}
}

// pos gives a position yaml.v3 reported, never beyond the end of the file.
func (s *source) pos(p point) diag.Pos {
	if p.line < 1 || p.line > len(s.starts) {
		return s.at(len(s.text))
	}
	return diag.Pos{File: s.name, Line: p.line, Column: min(max(p.column, 1), s.widths[p.line-1]+1)}
}

// line gives the text of a line without its end.
func (s *source) line(n int) string {
	end := len(s.text)
	if n < len(s.starts) {
		end = s.starts[n]
	}
	return strings.TrimRight(s.text[s.starts[n-1]:end], "\r\n")
}

// from gives the offset of a line, the end of the file for a line behind it.
func (s *source) from(line int) int {
	if line > len(s.starts) {
		return len(s.text)
	}
	return s.starts[line-1]
}

// maxSnippet is the longest line that is shown, in characters.
const maxSnippet = 500

// snippet gives a line as it may be shown: secrets replaced, empty when nothing of it may be seen or it is too long to be read.
func (s *source) snippet(n int) string {
	if s.secret || n < 1 || n > len(s.starts) || s.widths[n-1] > maxSnippet {
		return ""
	}
	line := []rune(s.line(n))
	var out strings.Builder
	shown := 0
	for _, h := range s.hidden {
		if h.to.line < n || h.from.line > n {
			continue
		}
		from, to := 0, len(line)
		if h.from.line == n {
			from = min(h.from.column-1, len(line))
		}
		if h.to.line == n {
			to = min(h.to.column-1, len(line))
		}
		from = max(from, shown)
		for to > from && isBetween(line[to-1]) {
			to--
		}
		for h.from.line == n && from < to && isBetween(line[from]) {
			from++
		}
		if to <= from {
			continue
		}
		out.WriteString(string(line[shown:from]) + secret.Redacted)
		shown = to
	}
	out.WriteString(string(line[shown:]))
	return strings.Map(visible, out.String())
}

// isBetween tells the space and punctuation between two values, which need not be hidden.
func isBetween(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("-?:,{}[]", r) }

// visible keeps control characters from the terminal.
func visible(r rune) rune {
	if unicode.IsControl(r) && r != '\t' {
		return unicode.ReplacementChar
	}
	return r
}

// cardMember matches a member that holds a secret in a file that could not be parsed, where no table can say so.
var cardMember = regexp.MustCompile(`(?i)\b(?:number|cvv|credit_card|expiration_month|expiration_year|cardholder_name)["']?\s*:`)

// hideUnparsed hides what looks like a card in the part of a file that is not YAML: from the first such member on, everything.
func (s *source) hideUnparsed(offset int) {
	if m := cardMember.FindStringIndex(s.text[offset:]); m != nil {
		p := s.at(offset + m[1])
		s.hidden = append(s.hidden, span{point{p.Line, p.Column}, point{len(s.starts) + 1, 1}})
	}
}

var privateKeyLine = regexp.MustCompile(`(?i)PRIVATE KEY|PuTTY-User-Key-File`)

// privateKey finds a private key anywhere in the file, comments included.
func (s *source) privateKey() (diag.Pos, bool) {
	if !pki.ContainsPrivateKey(s.text) {
		return s.commentedKey()
	}
	if m := privateKeyLine.FindStringIndex(s.text); m != nil {
		p := s.at(m[0])
		return s.pos(point{p.Line, 1}), true
	}
	return s.at(0), true
}

// commentedKey finds a private key whose lines are comments: it can be read only without the marks they begin with.
func (s *source) commentedKey() (diag.Pos, bool) {
	var block strings.Builder
	start := 0
	for n := 1; n <= len(s.starts)+1; n++ {
		text, ok := "", false
		if n <= len(s.starts) {
			text, ok = comment(s.line(n))
		}
		switch {
		case ok && start == 0:
			start = n
			fallthrough
		case ok:
			block.WriteString(text + "\n")
		case start > 0:
			if pki.ContainsPrivateKey(block.String()) {
				return s.pos(point{start, 1}), true
			}
			block.Reset()
			start = 0
		}
	}
	return diag.Pos{}, false
}

// comment gives the text of the comment that a line ends with, without its marks; false when it has none.
func comment(line string) (string, bool) {
	for i := range len(line) {
		if line[i] == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			return strings.TrimLeft(line[i:], "# \t"), true
		}
	}
	return "", false
}
