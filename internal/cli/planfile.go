package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"dcsync/internal/render"
	"dcsync/reconcile"
)

// maxPlan bounds a plan file: more than that is another file by mistake.
const maxPlan = 256 << 20

// mayHoldPlan refuses a place where a plan would destroy something: inside a git folder, or in place of a file that is no plan.
func mayHoldPlan(path string) error {
	abs, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("find %s: %w", path, err)
	}
	if slices.Contains(strings.Split(filepath.ToSlash(abs), "/"), ".git") {
		return usagef("name a file outside of it", "--out: %s lies inside a .git folder", path)
	}
	if info, err := os.Stat(filepath.Dir(abs)); err != nil || !info.IsDir() {
		return usagef("make it first", "--out: no folder %s", filepath.Dir(path))
	}
	if _, err := os.Lstat(abs); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if _, err := readPlan(path); err != nil {
		return usagef("name another file", "--out: %s exists and is no saved plan", path)
	}
	return nil
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

// savePlan writes a plan so that the file is there whole or not at all.
func savePlan(path string, p *reconcile.Plan, version string) (err error) {
	var doc bytes.Buffer
	if err := render.PlanJSON(&doc, p, nil, version); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("save plan: %w", err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("save plan: %w", err)
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(doc.Bytes())
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// readPlan reads a saved plan. What is wrong with its content is a diag.Diagnostic; a file that cannot be read is a usage error.
func readPlan(path string) (*reconcile.Plan, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return nil, usagef("", "%s is no file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, usagef("make one with `dcsync plan --out FILE`", "read plan: %v", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxPlan))
	if err != nil {
		return nil, fmt.Errorf("read plan: %w", err)
	}
	return render.ReadPlan(path, data)
}
