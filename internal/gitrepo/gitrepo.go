// Package gitrepo reads the git repository a project lives in. It owns go-git: nobody else sees its types.
//
// It answers what is committed. It never touches the work tree or the index, and it knows nothing of manifests or state.
package gitrepo

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// ErrNone says that a folder is in no git repository.
var ErrNone = errors.New("not in a git repository")

// Repo is an opened repository.
type Repo struct {
	root string // of the work tree, without symlinks
	head string // commit id, "" before the first commit
	tree *object.Tree
}

// Open finds the repository that holds dir, linked worktrees included, and reads its head. It gives ErrNone outside of one.
func Open(dir string) (*Repo, error) {
	r, err := git.PlainOpenWithOptions(dir, &git.PlainOpenOptions{DetectDotGit: true, EnableDotGitCommonDir: true})
	if errors.Is(err, git.ErrRepositoryNotExists) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, fmt.Errorf("open git repository: %w", err)
	}
	w, err := r.Worktree()
	if errors.Is(err, git.ErrIsBareRepository) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, fmt.Errorf("open git work tree: %w", err)
	}
	root, err := filepath.EvalSymlinks(w.Filesystem.Root())
	if err != nil {
		return nil, fmt.Errorf("open git work tree: %w", err)
	}
	out := &Repo{root: root}
	head, err := r.Head()
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		return out, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read git head: %w", err)
	}
	commit, err := r.CommitObject(head.Hash())
	if err != nil {
		return nil, fmt.Errorf("read git commit %s: %w", head.Hash(), err)
	}
	if out.tree, err = commit.Tree(); err != nil {
		return nil, fmt.Errorf("read git tree of %s: %w", head.Hash(), err)
	}
	out.head = head.Hash().String()
	return out, nil
}

// Head gives the id of the commit that is checked out, "" before the first commit.
func (r *Repo) Head() string { return r.head }

// Holds tells whether the head commit has a file (a path in the file system) with exactly this content.
func (r *Repo) Holds(path string, content []byte) bool {
	if r.tree == nil {
		return false
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return false
	}
	rel, err := filepath.Rel(r.root, filepath.Join(dir, filepath.Base(path)))
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return false
	}
	entry, err := r.tree.FindEntry(filepath.ToSlash(rel))
	return err == nil && entry.Hash == plumbing.ComputeHash(plumbing.BlobObject, content)
}
