package cli

import (
	"path/filepath"
	"slices"
	"strings"

	"dcsync/internal/diag"
)

// selection is a choice of files and folders of a project, by name relative to its root; empty for all of them.
type selection []string

// wanted reads PATH arguments as a selection.
func (s *session) wanted(root string, paths []string) (selection, error) {
	var out selection
	for _, p := range paths {
		full, err := resolved(s.absolute(p))
		if err != nil {
			return nil, usagef("", "no such file or folder: %s", p)
		}
		base, err := resolved(root)
		if err != nil {
			return nil, err
		}
		rel, err := filepath.Rel(base, full)
		if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
			return nil, usagef("", "%s is not in the project %s", p, root)
		}
		out = append(out, filepath.ToSlash(rel))
	}
	return out, nil
}

func (s selection) has(file string) bool {
	return len(s) == 0 || slices.ContainsFunc(s, func(w string) bool {
		return w == "." || file == w || strings.HasPrefix(file, w+"/")
	})
}

// findings keeps those in the selection.
func (s selection) findings(list diag.List) diag.List {
	return slices.DeleteFunc(slices.Clone(list), func(d diag.Diagnostic) bool { return !s.has(d.Pos.File) })
}

// errors keeps the errors in the selection.
func (s selection) errors(list diag.List) diag.List {
	return slices.DeleteFunc(s.findings(list), func(d diag.Diagnostic) bool { return d.Severity != diag.Error })
}
