package manifests

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
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

// folder is the project's folder: the only place files are read from. It remembers what it read, so that no file is read twice and
// all that is said about one file is said about the same bytes.
type folder struct {
	root string // absolute, symbolic links resolved
	open func(path string) (*os.File, error)
	read map[string]content // by name
	real map[string]string  // real paths known already, by name
}

// content is what a file held when it was read.
type content struct {
	text   string
	digest string // SHA-256, hex
}

func openFolder(root string) (*folder, error) {
	real, err := filepath.EvalSymlinks(root)
	if err != nil {
		return nil, fmt.Errorf("open project folder: %w", err)
	}
	return &folder{root: real, open: os.Open, read: map[string]content{}, real: map[string]string{}}, nil
}

// locate gives the real path behind a name relative to the root, following symbolic links as long as they stay inside.
func (f *folder) locate(name string) (string, error) {
	if real, ok := f.real[name]; ok {
		return real, nil
	}
	local := filepath.FromSlash(name)
	if !filepath.IsLocal(local) {
		return "", errEscapes
	}
	path := filepath.Join(f.root, local)
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		if info, lerr := os.Lstat(path); lerr == nil && info.Mode()&fs.ModeSymlink != 0 {
			return "", errBroken
		}
		return "", reason(err)
	}
	if _, err := f.name(real); err != nil {
		return "", err
	}
	return real, nil
}

// name gives the name, relative to the root and with "/" separators, of a real path.
func (f *folder) name(real string) (string, error) {
	rel, err := filepath.Rel(f.root, real)
	if err != nil || !filepath.IsLocal(rel) {
		return "", errEscapes
	}
	return filepath.ToSlash(rel), nil
}

// content reads one file of at most limit bytes. Its errors name no path.
func (f *folder) content(name string, limit int64) (string, error) {
	if c, ok := f.read[name]; ok {
		if int64(len(c.text)) > limit {
			return "", errSize
		}
		return c.text, nil
	}
	path, err := f.locate(name)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", reason(err)
	case !info.Mode().IsRegular():
		return "", errNotFile
	case info.Size() > limit:
		return "", errSize
	}
	file, err := f.open(path)
	if err != nil {
		return "", reason(err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	switch {
	case err != nil:
		return "", reason(err)
	case int64(len(data)) > limit:
		return "", errSize
	}
	sum := sha256.Sum256(data)
	f.read[name] = content{text: string(data), digest: hex.EncodeToString(sum[:])}
	return f.read[name].text, nil
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

// yamlFiles gives the names of the YAML files below a folder, and for each name that cannot be used the reason. Files and folders
// whose name begins with a dot are left out. Links to files are read like files; links to folders are refused, not followed.
func (f *folder) yamlFiles(dir string) (names []string, refused map[string]error, err error) {
	real, err := f.locate(dir)
	if err != nil {
		return nil, nil, err
	}
	if info, err := os.Stat(real); err != nil {
		return nil, nil, reason(err)
	} else if !info.IsDir() {
		return nil, nil, errNotFolder
	}
	refused = map[string]error{}
	err = filepath.WalkDir(real, func(path string, entry fs.DirEntry, err error) error {
		name, nameErr := f.name(path)
		if nameErr != nil {
			return nameErr
		}
		if path != real && strings.HasPrefix(entry.Name(), ".") {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if err != nil {
			refused[name] = reason(err)
			return nil
		}
		if entry.Type()&fs.ModeSymlink != 0 {
			if err := f.link(name); err != nil {
				refused[name] = err
				return nil
			}
		}
		if !entry.IsDir() && isYAML(name) && name != projectFile {
			names = append(names, name)
			if entry.Type().IsRegular() {
				f.real[name] = path
			}
		}
		return nil
	})
	return names, refused, err
}

// link says why a symbolic link below a manifest folder cannot be used, nil when it can or need not be.
func (f *folder) link(name string) error {
	real, err := f.locate(name)
	if err == nil {
		info, err := os.Stat(real)
		if err == nil && info.IsDir() {
			return errFolderLink
		}
		return nil
	}
	if errors.Is(err, errEscapes) && !isYAML(name) {
		if info, serr := os.Stat(filepath.Join(f.root, filepath.FromSlash(name))); serr == nil && !info.IsDir() {
			return nil
		}
	}
	return err
}

// isYAML tells a YAML file by its ending, in upper or lower case: one that is passed over without a word would be missed.
func isYAML(name string) bool {
	ending := strings.ToLower(path.Ext(name))
	return ending == ".yaml" || ending == ".yml"
}

// reason takes the path off an error of the file system, so that messages read the same on every machine.
func reason(err error) error {
	var p *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errNotThere
	case errors.Is(err, fs.ErrPermission):
		return errNoAccess
	case errors.As(err, &p):
		return fmt.Errorf("cannot be read (%w)", p.Err)
	}
	return err
}
