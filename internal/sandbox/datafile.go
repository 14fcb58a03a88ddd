package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
)

// The data file on disk: checked when the sandbox starts, locked while it runs,
// written before a change is answered. A change that cannot be written has not
// happened.

// save writes the data file in one step: a reader, or a restart after a crash,
// finds the account before or after, never half of it. The caller holds mu.
func (s *Server) save() error {
	if s.opts.Data == "" {
		return nil
	}
	text, err := json.Marshal(s.acct)
	if err != nil {
		return fmt.Errorf("save data: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(s.opts.Data), "."+filepath.Base(s.opts.Data)+".*")
	if err != nil {
		return fmt.Errorf("save data: %w", err)
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), s.opts.Data)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("save data: %w", err)
	}
	return nil
}

// checkWritable makes sure that the data file can be replaced, and that one that
// is write-protected is not replaced all the same.
func checkWritable(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		err = f.Close()
	} else if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return fmt.Errorf("write data: %w", err)
	}
	if f, err = os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*"); err != nil {
		return fmt.Errorf("write data: %w", err)
	}
	if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
		return fmt.Errorf("write data: %w", err)
	}
	return nil
}

// lockPath is beside the data file, which itself is replaced at every write.
func lockPath(data string) string { return data + ".lock" }

func lockedElsewhere(data string) error {
	return fmt.Errorf("lock data %s: another sandbox uses it", data)
}

// restorePoint remembers the account before a call that may change it. The
// caller holds mu.
func (s *Server) restorePoint(method string) (undo func(), err error) {
	if s.opts.Data == "" || method == http.MethodGet {
		return func() {}, nil
	}
	before, err := json.Marshal(s.acct)
	if err != nil {
		return nil, fmt.Errorf("remember account: %w", err)
	}
	return func() {
		if acct, err := decodeAccount(before); err == nil {
			s.acct = acct
		}
	}, nil
}

// notKept says no more: the reason names places of the machine.
func notKept() reply {
	return fail(http.StatusInternalServerError, "internal_error", "The change could not be kept and was undone")
}
