package manifests

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// disk is the files of a project as they lie in the file system.
type disk struct {
	root string // absolute, symbolic links resolved
	open func(path string) (*os.File, error)
	real map[string]bool // names known to be those of regular files
}

// openFolder opens a project's folder on disk.
func openFolder(root string) (*folder, error) {
	real, err := filepath.EvalSymlinks(root)
	if err != nil {
		return nil, fmt.Errorf("open project folder: %w", err)
	}
	f := newFolder(nil)
	f.open = os.Open
	f.files = &disk{root: real, open: func(path string) (*os.File, error) { return f.open(path) }, real: map[string]bool{}}
	return f, nil
}

func (d *disk) locate(name string) (string, error) {
	if d.real[name] {
		return name, nil
	}
	local := filepath.FromSlash(name)
	if !filepath.IsLocal(local) {
		return "", errEscapes
	}
	path := filepath.Join(d.root, local)
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		if info, lerr := os.Lstat(path); lerr == nil && info.Mode()&fs.ModeSymlink != 0 {
			return "", errBroken
		}
		return "", reason(err)
	}
	return d.name(real)
}

// name gives the name, relative to the root and with "/" separators, of a real path.
func (d *disk) name(real string) (string, error) {
	rel, err := filepath.Rel(d.root, real)
	if err != nil || !filepath.IsLocal(rel) {
		return "", errEscapes
	}
	return filepath.ToSlash(rel), nil
}

// path gives the path of a name.
func (d *disk) path(name string) string { return filepath.Join(d.root, filepath.FromSlash(name)) }

func (d *disk) isFolder(name string) (bool, error) {
	info, err := os.Stat(d.path(name))
	if err != nil {
		return false, reason(err)
	}
	return info.IsDir(), nil
}

func (d *disk) read(name string, limit int64) (string, error) {
	path := d.path(name)
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", reason(err)
	case !info.Mode().IsRegular():
		return "", errNotFile
	case info.Size() > limit:
		return "", errSize
	}
	file, err := d.open(path)
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
	return string(data), nil
}

func (d *disk) walk(folder string, visit visitor) error {
	return filepath.WalkDir(d.path(folder), func(path string, entry fs.DirEntry, err error) error {
		name, nameErr := d.name(path)
		if nameErr != nil {
			return nameErr
		}
		var mode fs.FileMode
		if entry != nil {
			mode = entry.Type()
			d.real[name] = mode.IsRegular()
		}
		if err != nil {
			err = reason(err)
		}
		return visit(name, mode, err)
	})
}

func (d *disk) leavesForFile(link string) bool {
	info, err := os.Stat(d.path(link))
	return err == nil && !info.IsDir()
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
