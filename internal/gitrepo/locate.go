package gitrepo

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// layout says where the parts of a repository lie. In a linked worktree gitDir holds HEAD and the index, commonDir all the rest.
type layout struct {
	root, gitDir, commonDir string
}

// locate walks from dir upwards to the folder that holds .git.
func locate(dir string) (layout, error) {
	dir, err := filepath.Abs(dir)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return layout{}, fmt.Errorf("find git repository: %w", err)
	}
	for {
		gitDir, err := gitFolder(filepath.Join(dir, ".git"))
		if err != nil {
			return layout{}, err
		}
		if gitDir != "" {
			common, err := commonFolder(gitDir)
			return layout{root: dir, gitDir: gitDir, commonDir: common}, err
		}
		up := filepath.Dir(dir)
		if up == dir {
			return layout{}, ErrNone
		}
		dir = up
	}
}

// gitFolder gives the git folder that a .git folder or file stands for, "" when it is neither.
func gitFolder(path string) (string, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("find git repository: %w", err)
	}
	if !info.IsDir() {
		data, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("find git repository: %w", err)
		}
		target, ok := strings.CutPrefix(string(data), "gitdir: ")
		if !ok {
			return "", fmt.Errorf("find git repository: %s names no git folder", path)
		}
		path = within(filepath.Dir(path), strings.TrimRight(target, "\r\n"))
	}
	if _, err := os.Lstat(filepath.Join(path, "HEAD")); err != nil {
		return "", nil
	}
	return path, nil
}

func commonFolder(gitDir string) (string, error) {
	data, err := os.ReadFile(filepath.Join(gitDir, "commondir"))
	if errors.Is(err, fs.ErrNotExist) {
		return gitDir, nil
	}
	if err != nil {
		return "", fmt.Errorf("find git repository: %w", err)
	}
	return within(gitDir, strings.TrimSpace(string(data))), nil
}

// within reads path as seen from dir.
func within(dir, path string) string {
	path = filepath.FromSlash(path)
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

// supported refuses repository formats whose files this package would misread. A partial clone and worktreeConfig change nothing
// that is read or written here beyond what objects.go and ownConfig take care of.
func supported(own settings) error {
	if v, ok := own.last("core", "", "repositoryformatversion"); ok && v != "0" && v != "1" {
		return &UnsupportedError{Feature: "repository format " + v}
	}
	for _, s := range own {
		if s.section != "extensions" {
			continue
		}
		value := strings.ToLower(s.value)
		switch {
		case s.key == "objectformat" && value == "sha1", s.key == "refstorage" && value == "files":
		case s.key == "objectformat":
			return &UnsupportedError{Feature: "the object format " + value, Hint: ofOtherObjects}
		case s.key == "refstorage":
			return &UnsupportedError{Feature: "the ref store " + value}
		case s.key == "noop", s.key == "noop-v1", s.key == "partialclone", s.key == "preciousobjects", s.key == "worktreeconfig",
			s.key == "relativeworktrees":
		default:
			return &UnsupportedError{Feature: "the extension " + s.key}
		}
	}
	return nil
}

// ofOtherObjects is the way out of a repository whose objects have longer ids than SHA-1 gives: go-git is built for one length, and a
// clone keeps the format.
const ofOtherObjects = "make a repository of SHA-1 objects (git init --object-format=sha1) and bring the history there, without its signatures, " +
	"by git fast-export --all | git fast-import; only what commits, pushes, locks or reads the history needs that"
