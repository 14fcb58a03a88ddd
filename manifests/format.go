package manifests

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
)

// Formatted is a YAML file and how it is written in canonical form.
type Formatted struct {
	Name   string // relative to the project's root, "/" separators
	Before string
	After  string
	path   string
}

// Differs tells whether the file is not in canonical form.
func (f Formatted) Differs() bool { return f.Before != f.After }

// Write puts the canonical form in place of the file, whole or not at all; its permissions stay.
func (f Formatted) Write() error {
	info, err := os.Stat(f.path)
	if err != nil {
		return fmt.Errorf("write %s: %w", f.Name, err)
	}
	temp, err := os.CreateTemp(filepath.Dir(f.path), ".dcsync-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", f.Name, err)
	}
	_, err = temp.WriteString(f.After)
	if err = errors.Join(err, temp.Chmod(info.Mode().Perm()), temp.Sync(), temp.Close()); err == nil {
		err = os.Rename(temp.Name(), f.path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", f.Name, errors.Join(err, os.Remove(temp.Name())))
	}
	return nil
}

// Format gives every YAML file of the project in root that has no error, by name, with its canonical form; nothing is written. Files
// with errors are left out: their findings say why. It fails as Load does.
//
// Canonical are the order of keys, which is that of the tables, line ends and the end of the file. Comments, blank lines, quotes,
// anchors and indentation are the writer's.
func Format(ctx context.Context, root string) ([]Formatted, diag.List, error) {
	abs, err := filepath.Abs(root)
	if err != nil {
		return nil, nil, fmt.Errorf("resolve project folder: %w", err)
	}
	if !isProject(abs) {
		return nil, nil, projectMissing()
	}
	l, err := newLoader(abs)
	if err != nil {
		return nil, nil, err
	}
	loaded, err := l.load(ctx)
	if err != nil {
		return nil, nil, err
	}
	faulty := map[string]bool{}
	for _, d := range loaded.Findings {
		faulty[d.Pos.File] = faulty[d.Pos.File] || d.Severity == diag.Error
	}
	var out []Formatted
	for name := range l.sources {
		if faulty[name] {
			continue
		}
		real, err := l.folder.locate(name)
		if err != nil {
			return nil, nil, fmt.Errorf("locate %s: %w", name, err)
		}
		before := l.folder.read[name].text
		out = append(out, Formatted{Name: name, Before: before, After: canonicalText(name, before), path: filepath.Join(abs, filepath.FromSlash(real))})
	}
	slices.SortFunc(out, func(a, b Formatted) int { return strings.Compare(a.Name, b.Name) })
	return out, loaded.Findings, nil
}

// canonicalText gives a file's text in canonical form. A form that would not say exactly the same is not taken: white space at the end
// of a line may be part of a value, an alias must follow its anchor.
func canonicalText(name, text string) string {
	plain := strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n")
	if !strings.HasSuffix(plain, "\n") {
		plain += "\n"
	}
	ordered, err := reorder(name, plain)
	if err != nil {
		return text
	}
	for _, candidate := range []string{trimmed(ordered), ordered, trimmed(plain), plain} {
		if sayTheSame(name, text, candidate) {
			return candidate
		}
	}
	return text
}

// trimmed takes white space off the ends of lines, and empty lines off the end.
func trimmed(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " \t")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n") + "\n"
}

// sayTheSame tells whether two texts hold the same documents.
func sayTheSame(name, a, b string) bool {
	left, okLeft := contents(name, a)
	right, okRight := contents(name, b)
	return okLeft && okRight && slices.EqualFunc(left, right, resource.Equal)
}

// contents gives the values of a text's documents; false when it is not YAML as manifests allow it.
func contents(name, text string) ([]resource.Value, bool) {
	src, problem := newSource(name, text)
	if problem != nil {
		return nil, false
	}
	parts, problem := parse(src)
	if problem != nil {
		return nil, false
	}
	var out []resource.Value
	expanded := 0
	for _, p := range parts {
		r := newReader(newDocument(src, p), &expanded)
		out = append(out, r.value(p.root, ""))
		if r.gaveUp || r.findings.HasErrors() {
			return nil, false
		}
	}
	return out, true
}
