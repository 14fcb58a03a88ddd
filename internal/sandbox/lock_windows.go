package sandbox

import (
	"errors"
	"fmt"
	"syscall"
)

// lockData takes the lock of a data file until unlock or the end of the process:
// a lock file that is open without sharing can be opened by nobody else.
func lockData(data string) (unlock func() error, err error) {
	name, err := syscall.UTF16PtrFromString(lockPath(data))
	if err != nil {
		return nil, fmt.Errorf("lock data: %w", err)
	}
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	const sharingViolation = syscall.Errno(32)
	switch {
	case errors.Is(err, sharingViolation):
		return nil, lockedElsewhere(data)
	case err != nil:
		return nil, fmt.Errorf("lock data %s: %w", data, err)
	}
	return func() error { return syscall.CloseHandle(h) }, nil
}
