package manifests

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"dcsync/internal/diag"
)

// part is one YAML document of a file.
type part struct {
	root   *yaml.Node
	line   int    // where it begins: the line of "---", or of its first content
	end    int    // the line the next document begins on, or one behind the last
	digest string // SHA-256 of its bytes
}

// parse splits a file into its documents. Empty documents, such as the one behind a last "---", are skipped. Of a file that is not YAML
// it gives the documents before the one with the mistake.
func parse(s *source) (parts []part, problem *diag.Diagnostic) {
	rest := len(s.starts) + 1 // the line behind the last document
	dec := yaml.NewDecoder(strings.NewReader(s.text))
	for {
		doc := new(yaml.Node)
		err := dec.Decode(doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			problem = syntaxError(s, err)
			rest = s.border(parts)
			break
		}
		parts = append(parts, part{root: doc.Content[0], line: doc.Line})
	}
	for i := range parts {
		p := &parts[i]
		start := s.from(p.line)
		if i == 0 {
			start = 0
		}
		p.end = rest
		if i+1 < len(parts) {
			p.end = parts[i+1].line
		}
		sum := sha256.Sum256([]byte(s.text[start:s.from(p.end)]))
		p.digest = hex.EncodeToString(sum[:])
	}
	return slices.DeleteFunc(parts, func(p part) bool { return isVoid(p.root) }), problem
}

// border gives the line of the mark behind the last of some documents, where what could not be parsed begins; 1 behind none.
func (s *source) border(parts []part) int {
	if len(parts) == 0 {
		return 1
	}
	for n := parts[len(parts)-1].line + 1; n <= len(s.starts); n++ {
		if text := s.line(n); strings.HasPrefix(text, "---") || strings.HasPrefix(text, "...") {
			return n
		}
	}
	return len(s.starts) + 1
}

// isVoid tells a document in which nothing is written from one that says null.
func isVoid(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == "" && n.Style == 0 && n.Anchor == ""
}

var numberedError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)

// syntaxError places an error of yaml.v3. The library names a line only sometimes, counts it from 0 in errors of its parser (but
// not of its scanner), and for a wrongly indented line names the block's first line instead.
func syntaxError(s *source, err error) *diag.Diagnostic {
	m := numberedError.FindStringSubmatch(err.Error())
	if m == nil {
		m = []string{"", "", err.Error()}
	}
	line, _ := strconv.Atoi(m[1])
	problem := m[2]
	switch {
	case isMisplaced(problem), line == 0 && !slices.Contains(scannerProblems, problem):
		line = firstLineWith(s, problem)
	case line == 0:
		line = 1
	case !slices.Contains(scannerProblems, problem):
		line++
	}
	line = min(line, len(s.starts))
	for line > 1 && strings.TrimSpace(s.line(line)) == "" {
		line--
	}
	text := s.line(line)
	column := 1 + len(text) - len(strings.TrimLeft(text, " "))
	if name, ok := strings.CutPrefix(problem, "unknown anchor '"); ok {
		name, _, _ = strings.Cut(name, "'")
		if i := strings.LastIndex(text, "*"+name); i >= 0 {
			column = 1 + utf8.RuneCountInString(text[:i])
		}
	}
	d := &diag.Diagnostic{
		Severity: diag.Error, Code: diag.YAMLSyntax, Pos: s.pos(point{line, column}),
		Summary: "not YAML: " + problem,
		Hint:    "check indentation, quotes and brackets here and on the line before",
	}
	switch {
	case strings.HasPrefix(problem, "unknown anchor"):
		// The name is left out: it may be a value that was meant to be quoted.
		d.Summary = "an alias (*name) to an anchor (&name) that no earlier line defines"
		d.Hint = "define the anchor above, or quote a text that begins with *"
	case strings.Contains(problem, "tab character"):
		d.Hint = "indent with spaces"
	}
	return d
}

// scannerProblems are the messages of yaml.v3's scanner, whose line is right.
var scannerProblems = []string{
	"could not find expected ':'",
	"did not find expected comment or line break",
	"found a tab character that violates indentation",
	"found a tab character where an indentation space is expected",
	"found character that cannot start any token",
	"found unexpected document indicator",
	"found unexpected end of stream",
	"found unknown escape character",
	"mapping values are not allowed in this context",
	"block sequence entries are not allowed in this context",
	"mapping keys are not allowed in this context",
}

// isMisplaced tells the messages whose line is that of the block the mistake is in.
func isMisplaced(problem string) bool {
	return problem == "did not find expected key" || problem == "did not find expected '-' indicator" || strings.Contains(problem, "tab character")
}

// searchLimit bounds the size of a file that firstLineWith parses again and again.
const searchLimit = 256 << 10

// firstLineWith gives the line that brings a problem about: the last one of the shortest beginning of the file that has it.
func firstLineWith(s *source, problem string) int {
	if len(s.text) > searchLimit {
		return 1
	}
	return 1 + sort.Search(len(s.starts)-1, func(i int) bool {
		dec := yaml.NewDecoder(strings.NewReader(s.text[:s.from(i+2)]))
		for {
			if err := dec.Decode(new(yaml.Node)); err != nil {
				return strings.HasSuffix(err.Error(), problem)
			}
		}
	})
}
