package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// ErrLocked says that another run on this machine holds the lock.
var ErrLocked = errors.New("locked by another run")

// Owner says who holds, or last held, a lock.
type Owner struct {
	Host    string    `json:"host"`
	Process int       `json:"process"`
	Since   time.Time `json:"since"`
}

// LockedError is ErrLocked with what is known of the holder.
type LockedError struct {
	Path  string
	Owner *Owner // nil when the holder did not say
}

// Error names the holder.
func (e *LockedError) Error() string {
	if e.Owner == nil {
		return fmt.Sprintf("%s is held by another run", e.Path)
	}
	return fmt.Sprintf("%s is held by process %d on %s since %s", e.Path, e.Owner.Process, e.Owner.Host, e.Owner.Since.UTC().Format(time.RFC3339))
}

// Is makes errors.Is(err, ErrLocked) true.
func (e *LockedError) Is(target error) bool { return target == ErrLocked }

// Lock is a held file lock. The operating system frees it when the process dies, however it dies.
type Lock struct {
	flock *flock.Flock
	// Left names the run that held the lock before and never released it: it died, and what it asked for last may not be
	// findable yet. nil after an orderly run.
	Left *Owner
}

// TakeLock takes the lock file at path, making its folder. It does not wait: a *LockedError says who holds it.
func TakeLock(path string, now time.Time) (*Lock, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	fl := flock.New(path)
	ok, err := fl.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if !ok {
		return nil, &LockedError{Path: path, Owner: readOwner(path)}
	}
	l := &Lock{flock: fl, Left: readOwner(path)}
	host, _ := os.Hostname()
	data, err := json.Marshal(Owner{Host: host, Process: os.Getpid(), Since: now.UTC()})
	if err == nil {
		err = os.WriteFile(path, data, 0o644)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), fl.Unlock())
	}
	return l, nil
}

// Release says in the file that the run ended in order, and frees the lock.
func (l *Lock) Release() error {
	err := os.Truncate(l.flock.Path(), 0)
	return errors.Join(err, l.flock.Unlock())
}

func readOwner(path string) *Owner {
	data, err := os.ReadFile(path)
	if err != nil || len(data) == 0 {
		return nil
	}
	var o Owner
	if json.Unmarshal(data, &o) != nil {
		return &Owner{}
	}
	return &o
}
