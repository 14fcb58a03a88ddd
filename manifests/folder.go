package manifests

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// Reasons why a path of the project is not read: what follows "it" in a sentence.
var (
	errEscapes    = errors.New("leads out of the project")
	errBroken     = errors.New("is a symbolic link that leads nowhere")
	errFolderLink = errors.New("is a symbolic link to a folder, which is not followed")
	errSize       = errors.New("is too large")
	errNotFile    = errors.New("is not a regular file")
	errNotFolder  = errors.New("is not a folder")
	errNotThere   = errors.New("does not exist")
	errNoAccess   = errors.New("may not be read")
)

// isLink tells whether a path was refused for where it leads.
func isLink(err error) bool {
	return slices.Contains([]error{errEscapes, errBroken, errFolderLink}, err)
}

// files is what a project's folder is made of: files on disk, or those that a commit held. Names are relative to the folder, with "/"
// separators; errors name no path. Methods other than locate take names that locate gave.
type files interface {
	// locate gives the name of what lies behind a name, symbolic links followed as long as they stay inside.
	locate(name string) (string, error)
	// isFolder tells a folder from everything else.
	isFolder(name string) (bool, error)
	// read gives the content of a regular file of at most limit bytes.
	read(name string, limit int64) (string, error)
	// walk visits what lies below a folder, without following links. After fs.SkipDir it goes on behind the folder it was in.
	walk(folder string, visit visitor) error
	// leavesForFile tells whether a link that leads out of the project is known to lead to a file.
	leavesForFile(link string) bool
}

// visitor is told of one thing below a folder: its type, or why it could not be read.
type visitor func(name string, mode fs.FileMode, err error) error

// folder is the project's folder: the only place files are read from. It remembers what it read, so that no file is read twice and
// all that is said about one file is said about the same bytes.
type folder struct {
	files
	open func(path string) (*os.File, error) // opens a file on disk
	read map[string]content                  // by name
}

// content is what a file held when it was read.
type content struct {
	text   string
	digest string // SHA-256, hex
}

func newFolder(f files) *folder { return &folder{files: f, read: map[string]content{}} }

// withLF gives a text with every line ending in LF. Git may check out with CRLF what it keeps with LF (core.autocrlf), and nothing that is
// compared or recorded may depend on that.
func withLF(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }

// content reads one file of at most limit bytes, with LF for every CRLF. Its errors name no path.
func (f *folder) content(name string, limit int64) (string, error) {
	if c, ok := f.read[name]; ok {
		if int64(len(c.text)) > limit {
			return "", errSize
		}
		return c.text, nil
	}
	real, err := f.locate(name)
	if err != nil {
		return "", err
	}
	text, err := f.files.read(real, limit)
	if err != nil {
		return "", err
	}
	text = withLF(text)
	sum := sha256.Sum256([]byte(text))
	f.read[name] = content{text: text, digest: hex.EncodeToString(sum[:])}
	return text, nil
}

// digest is one digest over name and content of every file read so far.
func (f *folder) digest() string {
	h := sha256.New()
	names := make([]string, 0, len(f.read))
	for name := range f.read {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(h, "%s\x00%s\n", name, f.read[name].digest)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// holdsFolder says why a name is not that of a folder, nil when it is.
func (f *folder) holdsFolder(name string) error {
	real, err := f.locate(name)
	if err != nil {
		return err
	}
	switch is, err := f.isFolder(real); {
	case err != nil:
		return err
	case !is:
		return errNotFolder
	}
	return nil
}

// yamlFiles gives the names of the YAML files below a folder, and for each name that cannot be used the reason. Files and folders
// whose name begins with a dot are left out. Links to files are read like files; links to folders are refused, not followed.
func (f *folder) yamlFiles(dir string) (names []string, refused map[string]error, err error) {
	if err := f.holdsFolder(dir); err != nil {
		return nil, nil, err
	}
	real, err := f.locate(dir)
	if err != nil {
		return nil, nil, err
	}
	refused = map[string]error{}
	err = f.walk(real, func(name string, mode fs.FileMode, err error) error {
		if name != real && strings.HasPrefix(path.Base(name), ".") {
			if mode.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if err != nil {
			refused[name] = err
			return nil
		}
		if mode&fs.ModeSymlink != 0 {
			if err := f.link(name); err != nil {
				refused[name] = err
				return nil
			}
		}
		if !mode.IsDir() && isManifest(name) {
			names = append(names, name)
		}
		return nil
	})
	return names, refused, err
}

// link says why a symbolic link below a manifest folder cannot be used, nil when it can or need not be.
func (f *folder) link(name string) error {
	real, err := f.locate(name)
	if err == nil {
		if is, err := f.isFolder(real); err == nil && is {
			return errFolderLink
		}
		return nil
	}
	if errors.Is(err, errEscapes) && !isYAML(name) && f.leavesForFile(name) {
		return nil
	}
	return err
}

// target gives the name that a path of the project stands for, symbolic links followed as far as it exists.
func (f *folder) target(name string) string {
	name = path.Clean(name)
	for at, rest := name, ""; ; at, rest = path.Dir(at), path.Join(path.Base(at), rest) {
		if real, err := f.locate(at); err == nil {
			return path.Join(real, rest)
		}
		if at == "." || at == "/" {
			return name
		}
	}
}

// isManifest tells whether a file below a manifest folder is read as manifests.
func isManifest(name string) bool { return isYAML(name) && name != projectFile }

// isYAML tells a YAML file by its ending, in upper or lower case: one that is passed over without a word would be missed.
func isYAML(name string) bool {
	ending := strings.ToLower(path.Ext(name))
	return ending == ".yaml" || ending == ".yml"
}
