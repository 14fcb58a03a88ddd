package manifests

import (
	"crypto/rand"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

//go:embed scaffold
var scaffold embed.FS

// scaffoldFiles are the files of a new project, by name in the project.
var scaffoldFiles = []string{
	projectFile,
	"manifests/contact.yaml",
	"manifests/order.yaml",
	"manifests/organization.yaml",
}

// scaffoldLines are files a repository may have already: lines they lack are added, nothing is taken away. The folder .dcsync is not
// ignored as a whole, because the keys of allowed signers are committed in it.
var scaffoldLines = []struct{ name, lines string }{
	{".gitattributes", "dcsync.yaml text eol=lf\nmanifests/** text eol=lf\ndcsync.state.json text eol=lf merge=dcsync\n"},
	{".gitignore", ".dcsync/cache/\n.dcsync/lock\n.dcsync/work/\n.dcsync.state.json*\n"},
}

// Scaffold writes a new project into dir, which is made when it is missing: dcsync.yaml with a fresh uid, one manifest of each kind
// that validates as it is, .gitattributes and .gitignore. An empty name means that of the folder. It gives the names of the files
// written, relative to dir.
//
// A file that exists is overwritten only with force; without it nothing at all is written and the error, which names the files, is
// fs.ErrExist. Overwriting keeps the uid, because state and placed orders are bound to it. Lines are added to an existing
// .gitattributes or .gitignore with or without force.
func Scaffold(dir, name string, force bool) (written []string, err error) {
	if name == "" {
		if name, err = projectName(dir); err != nil {
			return nil, err
		}
	}
	if !validName.MatchString(name) {
		return nil, fmt.Errorf("scaffold project: name %q must be lower-case letters, digits and inner hyphens, at most 63", name)
	}
	if err := refuseExisting(dir, force); err != nil {
		return nil, err
	}
	uid, err := projectUID(dir)
	if err != nil {
		return nil, err
	}
	fill := strings.NewReplacer("{{name}}", name, "{{uid}}", uid)
	for _, file := range scaffoldFiles {
		text, err := scaffold.ReadFile("scaffold/" + filepath.Base(file))
		if err != nil {
			return written, fmt.Errorf("read template: %w", err)
		}
		if err := write(dir, file, fill.Replace(string(text))); err != nil {
			return written, err
		}
		written = append(written, file)
	}
	for _, f := range scaffoldLines {
		added, err := addLines(dir, f.name, f.lines)
		if err != nil {
			return written, err
		}
		if added {
			written = append(written, f.name)
		}
	}
	return written, nil
}

var validName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// projectName makes a name of that of a folder.
func projectName(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("scaffold project: %w", err)
	}
	name := regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(filepath.Base(abs)), "-")
	name = strings.Trim(name[:min(len(name), 63)], "-")
	if name == "" {
		return "project", nil
	}
	return name, nil
}

func refuseExisting(dir string, force bool) error {
	if force {
		return nil
	}
	var found []string
	for _, file := range scaffoldFiles {
		_, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(file)))
		switch {
		case err == nil:
			found = append(found, file)
		case !errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("scaffold project: %w", err)
		}
	}
	if found != nil {
		return fmt.Errorf("scaffold project: %s: %w", strings.Join(found, ", "), fs.ErrExist)
	}
	return nil
}

// projectUID gives the uid of a project that is there already, else a fresh one.
func projectUID(dir string) (string, error) {
	if abs, err := filepath.Abs(dir); err == nil {
		if l, err := newLoader(abs); err == nil {
			l.readProject()
			if uid := l.project.UID; uid != "" {
				return uid, nil
			}
		}
	}
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", fmt.Errorf("make project uid: %w", err)
	}
	return hex.EncodeToString(b[:]), nil
}

func write(dir, name, text string) error {
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// addLines adds the lines a file lacks and tells whether there were any.
func addLines(dir, name, lines string) (bool, error) {
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("read %s: %w", name, err)
	}
	text := string(data)
	has := map[string]bool{}
	for line := range strings.Lines(text) {
		has[strings.TrimSpace(line)] = true
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	changed := false
	for line := range strings.Lines(lines) {
		if !has[strings.TrimSpace(line)] {
			text += line
			changed = true
		}
	}
	if !changed {
		return false, nil
	}
	return true, write(dir, name, text)
}
