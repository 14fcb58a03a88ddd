package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxOut bounds a file that was written with --out: more than that is another file by mistake.
const maxOut = 256 << 20

// mayHold refuses a place for --out inside a git folder or in none, and tells whether something is there already. shown is the path as the
// user wrote it.
func mayHold(path, shown string) (exists bool, err error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return false, fmt.Errorf("find %s: %w", shown, err)
	}
	if slices.Contains(strings.Split(filepath.ToSlash(abs), "/"), ".git") {
		return false, usagef("name a file outside of it", "--out: %s lies inside a .git folder", shown)
	}
	if info, err := os.Stat(filepath.Dir(abs)); err != nil || !info.IsDir() {
		return false, usagef("make it first", "--out: no folder %s", filepath.Dir(shown))
	}
	_, err = os.Lstat(abs)
	return !errors.Is(err, fs.ErrNotExist), nil
}

// samePlace tells whether two paths name one file, which need not exist yet.
func samePlace(a, b string) bool {
	place := func(path string) string {
		abs, err := filepath.Abs(path)
		if err != nil {
			return path
		}
		if dir, err := filepath.EvalSymlinks(filepath.Dir(abs)); err == nil {
			return filepath.Join(dir, filepath.Base(abs))
		}
		return abs
	}
	return place(a) == place(b)
}

// writeWhole writes a file so that it is there whole or not at all.
func writeWhole(path string, content []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(content)
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// readBounded reads a regular file of at most maxOut bytes.
func readBounded(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxOut))
}
