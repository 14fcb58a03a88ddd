// Package glossary holds the fixed lists of CertCentral: products, platforms,
// formats, roles, statuses and the like, as the API's glossary gives them, and
// a few closed lists the order documents name (contact types, payment methods,
// ISO countries).
//
// Each list is one embedded Markdown file: a heading, one sentence, a table.
// The file's name is the topic. The package only reads them; what a list means
// for a request is decided by whoever looks it up.
package glossary

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
)

//go:embed *.md
var files embed.FS

// List is one topic of the glossary.
type List struct {
	Topic       string
	Title       string
	Description string
	Columns     []string
	Rows        [][]string
}

// Topics names all lists, sorted.
func Topics() []string {
	var topics []string
	for topic := range all() {
		topics = append(topics, topic)
	}
	slices.Sort(topics)
	return topics
}

// Lookup returns the list of a topic.
func Lookup(topic string) (List, bool) {
	l, ok := all()[topic]
	return l, ok
}

// Column returns the cells of the named column from top to bottom, nil when
// there is no such column.
func (l List) Column(name string) []string {
	i := slices.Index(l.Columns, name)
	if i < 0 {
		return nil
	}
	cells := make([]string, len(l.Rows))
	for n, row := range l.Rows {
		cells[n] = row[i]
	}
	return cells
}

// Has reports whether the named column holds the value, letter for letter.
func (l List) Has(column, value string) bool {
	return slices.Contains(l.Column(column), value)
}

// Key names the column that holds the value the API itself uses: `id` where
// there is one, else `code`, else the first column (`name` or `name_id`).
func (l List) Key() string {
	for _, name := range []string{"id", "code"} {
		if slices.Contains(l.Columns, name) {
			return name
		}
	}
	return l.Columns[0]
}

// Values returns the values the API itself uses, the cells of column Key.
func (l List) Values() []string { return l.Column(l.Key()) }

// all parses the embedded files once. A file that does not parse is a mistake
// in this package, which its tests find, hence the panic.
var all = sync.OnceValue(func() map[string]List {
	names, err := fs.Glob(files, "*.md")
	if err != nil {
		panic(err)
	}
	lists := make(map[string]List, len(names))
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			panic(err)
		}
		topic := strings.TrimSuffix(path.Base(name), ".md")
		list, err := parse(topic, string(text))
		if err != nil {
			panic(fmt.Sprintf("glossary: %s: %v", name, err))
		}
		lists[topic] = list
	}
	return lists
})

// parse reads heading, sentence and table, and nothing else.
func parse(topic, text string) (List, error) {
	l := List{Topic: topic}
	var prose []string
	var table [][]string
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
		case strings.HasPrefix(line, "# ") && l.Title == "":
			l.Title = strings.TrimPrefix(line, "# ")
		case strings.HasPrefix(line, "|"):
			table = append(table, cells(line))
		case table == nil:
			prose = append(prose, line)
		default:
			return List{}, fmt.Errorf("text after the table: %q", line)
		}
	}
	l.Description = strings.Join(prose, " ")
	if l.Title == "" || l.Description == "" || len(table) < 3 {
		return List{}, fmt.Errorf("needs a heading, a sentence and a table with rows")
	}
	l.Columns, l.Rows = table[0], table[2:]
	for _, row := range table[1:] {
		if len(row) != len(l.Columns) {
			return List{}, fmt.Errorf("row %q has %d cells, want %d", row, len(row), len(l.Columns))
		}
	}
	return l, nil
}

// cells splits one table line; `\|` is a bar inside a cell.
func cells(line string) []string {
	const bar = "\x00"
	line = strings.ReplaceAll(strings.Trim(line, "|"), `\|`, bar)
	parts := strings.Split(line, "|")
	for i, part := range parts {
		parts[i] = strings.ReplaceAll(strings.TrimSpace(part), bar, "|")
	}
	return parts
}
