package render

import (
	"fmt"
	"io"
	"path"
	"strings"

	"dcsync/internal/diag"
)

// ValidationGitHub writes findings as workflow commands of GitHub Actions, which shows each beside its line, and a line that sums them
// up. root is the project's folder inside the repository, "" when they are the same: GitHub counts paths from the repository.
func ValidationGitHub(w io.Writer, v Validation, root string) error {
	var b strings.Builder
	for _, d := range v.Findings.Sorted() {
		b.WriteString("::" + annotationLevel(d.Severity))
		sep := " "
		for _, p := range []struct{ name, value string }{
			{"file", inRepository(root, d.Pos.File)}, {"line", known(d.Pos.Line)}, {"col", known(d.Pos.Column)}, {"title", string(d.Code)},
		} {
			if p.value != "" {
				b.WriteString(sep + p.name + "=" + escapeProperty(p.value))
				sep = ","
			}
		}
		b.WriteString("::" + escapeData(annotationText(d)) + "\n")
	}
	b.WriteString(v.verdict() + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func annotationLevel(s diag.Severity) string {
	if s == diag.Note {
		return "notice"
	}
	return string(s)
}

// annotationText is all that is said about a finding, a line for each sentence.
func annotationText(d diag.Diagnostic) string {
	lines := []string{clean(d.Summary)}
	if d.Detail != "" {
		lines = append(lines, clean(d.Detail))
	}
	for _, r := range d.Related {
		lines = append(lines, "see "+clean(r.Pos.String())+": "+clean(r.Message))
	}
	if d.Hint != "" {
		lines = append(lines, "hint: "+clean(d.Hint))
	}
	return strings.Join(lines, "\n")
}

// escapeData and escapeProperty write a text so that it cannot end the command it stands in, or begin another.
func escapeData(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func escapeProperty(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}

func known(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

// inRepository gives the path of a project's file in the repository, "" for no file.
func inRepository(root, file string) string {
	if file == "" {
		return ""
	}
	return path.Join(root, file)
}
