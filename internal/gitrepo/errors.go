package gitrepo

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// States that callers branch on.
var (
	ErrNone          = errors.New("not in a git repository")
	ErrUnsupported   = errors.New("git repository format not supported")
	ErrNoFile        = errors.New("no such file in git")
	ErrMissingObject = errors.New("git object is not in this clone") // shallow or partial
	ErrNoRemote      = errors.New("no such git remote")
	ErrNoBranch      = errors.New("no branch to commit to")
	ErrUnpushed      = errors.New("the checked out commit is not on the remote branch")
	ErrAuth          = errors.New("git remote refused the credentials")
	ErrNoAtomic      = errors.New("git remote cannot move two refs at once")
	ErrContended     = errors.New("git push lost every time")
	ErrFileLocked    = errors.New("a file of the git repository is locked by another process")
	ErrLocked        = errors.New("locked by another run")
	ErrLockLost      = errors.New("the lock was lost")
	ErrClock         = errors.New("this machine's clock is off")
)

// UnsupportedError names the feature of a repository that this package does not handle, and the next step where a new clone would have the
// feature too, "" otherwise. It is ErrUnsupported.
type UnsupportedError struct{ Feature, Hint string }

// Error names the feature.
func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("the git repository uses %s, which dcsync does not handle", e.Feature)
}

// Is makes errors.Is(err, ErrUnsupported) true.
func (e *UnsupportedError) Is(target error) bool { return target == ErrUnsupported }

// ConflictError says that a file was changed here and on the branch in a way that cannot be put together.
type ConflictError struct {
	Path string
	Err  error // what the caller's merge said, nil when it gave none
}

// Error names the file.
func (e *ConflictError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("merge %s: it was changed on the branch too", e.Path)
	}
	return fmt.Sprintf("merge %s: %v", e.Path, e.Err)
}

// Unwrap gives what the merge said.
func (e *ConflictError) Unwrap() error { return e.Err }

// RejectedError says that the remote will not have a ref changed, however often it is asked: a protected branch, a hook, a
// namespace the host keeps for itself.
type RejectedError struct {
	Ref    string
	Reason string // the host's own short word
	Note   string // what the host wrote beside it, one line
	Hint   string
}

// Error gives the host's words.
func (e *RejectedError) Error() string {
	parts := []string{fmt.Sprintf("git remote rejected %s: %s", e.Ref, e.Reason)}
	if e.Note != "" {
		parts = append(parts, "("+e.Note+")")
	}
	return strings.Join(parts, " ")
}

// movedError says that a ref no longer stood where a push expected it, but somewhere else (zero: it is gone). Busy means that it
// did, and was being written, so that the same push may go through.
type movedError struct {
	ref  plumbing.ReferenceName
	at   plumbing.Hash
	busy bool
}

func (e *movedError) Error() string { return fmt.Sprintf("%s moved on the remote", e.ref) }
