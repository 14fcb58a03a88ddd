package manifests

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"dcsync/internal/resource"
	"dcsync/schema"
)

// reorderer puts the keys of block mappings into the order of the tables by moving whole lines: what stands on them is never written
// anew. Inner mappings come first, so that line numbers hold: moving lines inside of a range changes nothing outside of it.
type reorderer struct {
	document *document
	product  string
	lines    []string
}

// reorder gives a text with the keys of every document in order.
func reorder(name, text string) (string, error) {
	src, problem := newSource(name, text)
	if problem != nil {
		return "", *problem
	}
	parts, problem := parse(src)
	if problem != nil {
		return "", *problem
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for _, p := range parts {
		d := newDocument(src, p)
		r := &reorderer{document: d, product: d.text("/spec/product"), lines: lines}
		if err := r.value(p.root, "", p.line, min(p.end, len(lines)+1)); err != nil {
			return "", err
		}
	}
	return strings.Join(lines, "\n") + "\n", nil
}

// entry is a member of a mapping as the lines from start to end hold it, comments above its key included, and the number of blank
// lines above those.
type entry struct {
	name       string
	key        int // line of the key
	start, end int
	blanks     int
}

// value orders what lies below a node whose lines begin behind after, and end before end.
func (r *reorderer) value(n *yaml.Node, at resource.Path, after, end int) error {
	if n.Style&yaml.FlowStyle != 0 {
		return nil
	}
	switch n.Kind {
	case yaml.MappingNode:
		return r.mapping(n, at, after, end)
	case yaml.SequenceNode:
		starts := make([]int, len(n.Content)+1)
		starts[len(n.Content)] = end
		for i, item := range n.Content {
			var err error
			if starts[i], err = r.dash(item); err != nil {
				return err
			}
		}
		for i, item := range n.Content {
			if err := r.value(item, at.Index(i), starts[i], starts[i+1]); err != nil {
				return err
			}
		}
	}
	return nil
}

var errLayout = errors.New("a layout that lines cannot be moved in")

var itemStart = regexp.MustCompile(`^ *-( |$)`)

// dash gives the line of an item's hyphen.
func (r *reorderer) dash(item *yaml.Node) (int, error) {
	for line := item.Line; line >= 1; line-- {
		if itemStart.MatchString(r.lines[line-1]) {
			return line, nil
		}
		if line < item.Line && !isComment(r.lines[line-1]) && strings.TrimSpace(r.lines[line-1]) != "" {
			break
		}
	}
	return 0, errLayout
}

// leading matches what may stand before the first key of a mapping on its line: indentation, and the hyphens of lists it is in.
var leading = regexp.MustCompile(`^ *(?:- +)*$`)

func (r *reorderer) mapping(n *yaml.Node, at resource.Path, after, end int) error {
	if len(n.Content) == 0 {
		return nil
	}
	first := n.Content[0]
	width := first.Column - 1
	for end > first.Line+1 && r.isLoose(end-1, width) {
		end--
	}
	entries := make([]entry, 0, len(n.Content)/2)
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		line := r.lines[key.Line-1]
		if key.Column-1 != width || len(line) < width || !leading.MatchString(line[:width]) || i > 0 && strings.TrimSpace(line[:width]) != "" {
			return errLayout
		}
		e := entry{name: resolved(key).Value, key: key.Line, start: key.Line}
		least := after + 1
		if i > 0 {
			least = entries[len(entries)-1].key + 1
		}
		if at != "" && strings.TrimSpace(line[:width]) == "" || i > 0 {
			for e.start > least && isComment(r.lines[e.start-2]) && indent(r.lines[e.start-2]) == width {
				e.start--
			}
		}
		if i > 0 {
			for e.start-e.blanks > least && strings.TrimSpace(r.lines[e.start-e.blanks-2]) == "" {
				e.blanks++
			}
			entries[len(entries)-1].end = e.start - e.blanks
		}
		entries = append(entries, e)
	}
	entries[len(entries)-1].end = end
	for i, e := range entries {
		if err := r.value(n.Content[2*i+1], at.Child(e.name), e.key, e.end); err != nil {
			return err
		}
	}
	r.arrange(entries, width, schema.Order(r.document.kind, r.product, at))
	return nil
}

// isLoose tells whether a line at the end of a mapping is no part of it: blank, a comment not inside its last member, or a document's
// border.
func (r *reorderer) isLoose(line, width int) bool {
	text := r.lines[line-1]
	return strings.TrimSpace(text) == "" || isComment(text) && indent(text) <= width || strings.HasPrefix(text, "---") || strings.HasPrefix(text, "...")
}

// arrange moves the lines of entries into an order. What stands before the first key, such as a hyphen, goes to whichever comes first;
// the blank lines above that one go to the entry that was first.
func (r *reorderer) arrange(entries []entry, width int, order []string) {
	sorted := slices.Clone(entries)
	rank := func(e entry) int {
		if i := slices.Index(order, e.name); i >= 0 {
			return i
		}
		return len(order)
	}
	slices.SortStableFunc(sorted, func(a, b entry) int { return rank(a) - rank(b) })
	if slices.Equal(sorted, entries) {
		return
	}
	lead := r.lines[entries[0].key-1][:width]
	var out []string
	for i, e := range sorted {
		blanks := e.blanks
		switch e.key {
		case sorted[0].key:
			blanks = 0
		case entries[0].key:
			blanks = sorted[0].blanks
		}
		for range blanks {
			out = append(out, "")
		}
		text := slices.Clone(r.lines[e.start-1 : e.end-1])
		before := strings.Repeat(" ", width)
		if i == 0 {
			before = lead
		}
		text[e.key-e.start] = before + text[e.key-e.start][width:]
		out = append(out, text...)
	}
	copy(r.lines[entries[0].start-1:], out)
}

func isComment(line string) bool { return strings.HasPrefix(strings.TrimLeft(line, " "), "#") }

// indent counts the spaces a line begins with.
func indent(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }
