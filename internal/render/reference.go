package render

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"dcsync/internal/term"
	"dcsync/schema/glossary"
)

// ReferenceText writes one list of the glossary as a table.
func ReferenceText(s *term.Stream, l glossary.List) error {
	var b strings.Builder
	b.WriteString(s.Paint(term.Bold, l.Title) + "\n" + l.Description + "\n\n")
	widths := make([]int, len(l.Columns))
	for _, row := range slices.Concat([][]string{l.Columns}, l.Rows) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for n, row := range slices.Concat([][]string{l.Columns}, l.Rows) {
		line := ""
		for i, cell := range row {
			line += cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2)
		}
		line = strings.TrimRight(line, " ")
		if n == 0 {
			line = s.Paint(term.Bold, line)
		}
		b.WriteString(line + "\n")
	}
	_, err := io.WriteString(s, b.String())
	return err
}

// TopicsJSON writes the document of the topics of the glossary.
func TopicsJSON(w io.Writer, topics []string, version string) error {
	return encode(w, struct {
		header
		Topics []string `json:"topics"`
	}{newHeader(version), orEmpty(topics)})
}

// ReferenceJSON writes the document of one list of the glossary. A column that holds integers alone has numbers.
func ReferenceJSON(w io.Writer, l glossary.List, version string) error {
	rows := make([][]any, len(l.Rows))
	for i := range rows {
		rows[i] = make([]any, len(l.Columns))
	}
	for c, name := range l.Columns {
		cells := l.Column(name)
		numbers := !slices.ContainsFunc(cells, func(cell string) bool {
			n, err := strconv.ParseInt(cell, 10, 64)
			return err != nil || fmt.Sprint(n) != cell
		})
		for i, cell := range cells {
			rows[i][c] = cell
			if n, err := strconv.ParseInt(cell, 10, 64); numbers && err == nil {
				rows[i][c] = n
			}
		}
	}
	return encode(w, struct {
		header
		Topic   string   `json:"topic"`
		Columns []string `json:"columns"`
		Rows    [][]any  `json:"rows"`
	}{newHeader(version), l.Topic, l.Columns, rows})
}
