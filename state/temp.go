package state

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// A writer that is killed leaves its temporary file behind: a dot, the state file's name, a number. While it lives it holds a lock on that
// file, taken before the first byte goes in and freed by the operating system however the process ends. So a file that holds something and
// that nobody has locked is of a writer that died. An empty one may be of one that has just begun, unless it is old.
const emptyFor = time.Hour

// claim locks a temporary file for as long as its writer needs it. Where the file system knows no locks, nothing is ever swept either.
func claim(temp string) (release func()) {
	lock := flock.New(temp, flock.SetFlag(os.O_RDONLY))
	_, _ = lock.TryLock()
	return func() { _ = lock.Close() }
}

// sweep takes away what dead writers of the state file at path left beside it. What cannot be taken away now stays for the next time.
func sweep(path string) {
	dir, prefix := filepath.Split(path)
	prefix = "." + prefix
	entries, err := os.ReadDir(filepath.Clean(dir))
	if err != nil {
		return
	}
	for _, e := range entries {
		number, ok := strings.CutPrefix(e.Name(), prefix)
		if !ok || number == "" || strings.Trim(number, "0123456789") != "" || !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if err != nil || info.Size() == 0 && time.Since(info.ModTime()) < emptyFor {
			continue
		}
		lock := flock.New(filepath.Join(dir, e.Name()), flock.SetFlag(os.O_RDONLY))
		if free, err := lock.TryLock(); err == nil && free {
			_ = os.Remove(lock.Path())
		}
		_ = lock.Close()
	}
}
