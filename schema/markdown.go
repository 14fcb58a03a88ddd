package schema

import (
	"fmt"
	"strings"
)

// block is one Markdown table: its header and its rows, each with the line it stands on.
type block struct {
	header []string
	rows   []line
}

type line struct {
	number int
	cells  []string
}

// page is a Markdown file of the simple form that the tables use: a heading, prose, tables.
type page struct {
	title  string
	prose  string
	blocks []block
}

// readPage takes a Markdown file apart. Errors name the file and the line.
func readPage(file, text string) (page, error) {
	var p page
	var prose []string
	open := false // inside a table
	for i, l := range strings.Split(text, "\n") {
		number := i + 1
		l = strings.TrimSpace(l)
		if !strings.HasPrefix(l, "|") {
			open = false
			if title, ok := strings.CutPrefix(l, "# "); ok && p.title == "" {
				p.title = strings.TrimSpace(title)
			} else if l != "" && p.blocks == nil {
				prose = append(prose, l)
			} else if l != "" {
				return page{}, fmt.Errorf("%s:%d: text after a table: %q", file, number, l)
			}
			continue
		}
		if !strings.HasSuffix(l, "|") || len(l) < 2 {
			return page{}, fmt.Errorf("%s:%d: table row does not end with |", file, number)
		}
		cells := splitCells(l)
		switch {
		case !open:
			open = true
			p.blocks = append(p.blocks, block{header: cells})
			continue
		case isRuler(cells):
			continue
		}
		b := &p.blocks[len(p.blocks)-1]
		if len(cells) != len(b.header) {
			return page{}, fmt.Errorf("%s:%d: row has %d cells, the header has %d", file, number, len(cells), len(b.header))
		}
		b.rows = append(b.rows, line{number, cells})
	}
	p.prose = strings.Join(prose, " ")
	if p.title == "" || p.prose == "" {
		return page{}, fmt.Errorf("%s:1: a table file starts with a heading and a short text", file)
	}
	return p, nil
}

// splitCells cuts one table row; `\|` is a bar inside a cell.
func splitCells(l string) []string {
	const bar = "\x00"
	l = strings.ReplaceAll(l, `\|`, bar)
	l = strings.TrimSuffix(strings.TrimPrefix(l, "|"), "|")
	cells := strings.Split(l, "|")
	for i, c := range cells {
		cells[i] = strings.ReplaceAll(strings.TrimSpace(c), bar, "|")
	}
	return cells
}

func isRuler(cells []string) bool {
	for _, c := range cells {
		if c == "" || strings.Trim(c, "-: ") != "" {
			return false
		}
	}
	return true
}
