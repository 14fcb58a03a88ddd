package manifests

import (
	"fmt"
	"strings"

	"dcsync/internal/diag"
)

// checkStateFile refuses a state file that is, or would become, one of the files the project is read from: the first apply would write
// over it.
func (l *loader) checkStateFile() {
	d := l.settings
	if d == nil || d.refused["/spec/state/file"] || l.project.StateFile == "" {
		return
	}
	name := l.folder.target(l.project.StateFile)
	f := diag.Diagnostic{
		Severity: diag.Error, Code: diag.BadValue, Pos: d.valuePos("/spec/state/file"), Path: "/state/file",
		Hint: "name a file of its own, such as dcsync.state.json",
	}
	_, read := l.folder.read[name]
	switch dir := l.folderOf(name); {
	case strings.EqualFold(name, projectFile):
		f.Summary = "the state would be written over " + projectFile
	case dir != "":
		f.Summary = fmt.Sprintf("the state would be kept among the manifests in %s", dir)
	case read || l.named[name]:
		f.Summary = "the state would be written over a file that the manifests are made of"
	default:
		return
	}
	l.add(d, f)
}

// folderOf gives the manifest folder that a file lies in, "" when there is none. Where the whole project is one, only a YAML file counts.
func (l *loader) folderOf(name string) string {
	for _, dir := range l.project.Manifests {
		real := l.folder.target(dir)
		if real == "." && isYAML(name) || name == real || strings.HasPrefix(name, real+"/") {
			return dir
		}
	}
	return ""
}
