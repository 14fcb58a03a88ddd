//go:build !windows

package sandbox

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lockData takes the lock of a data file until unlock or the end of the process.
// The lock file stays: removing it could take it from under the next holder.
func lockData(data string) (unlock func() error, err error) {
	f, err := os.OpenFile(lockPath(data), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock data: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f.Close, nil
	}
	f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, lockedElsewhere(data)
	}
	return nil, fmt.Errorf("lock data %s: %w", data, err)
}
