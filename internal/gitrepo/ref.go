package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

// fileLock is git's way to write a file: a new file with .lock at its end, made by one process only, renamed when it is complete.
type fileLock struct {
	path string
	file *os.File
}

const fileLockPatience = 5 * time.Second

func takeFileLock(ctx context.Context, clock Clock, path string) (*fileLock, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	for waited := time.Duration(0); ; {
		f, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
		if err == nil {
			return &fileLock{path, f}, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		if waited >= fileLockPatience {
			return nil, fmt.Errorf("%w: %s.lock exists", ErrFileLocked, path)
		}
		pause := jitter(100 * time.Millisecond)
		if err := clock.Sleep(ctx, pause); err != nil {
			return nil, err
		}
		waited += pause
	}
}

// commit writes the file's new content and puts it in place.
func (l *fileLock) commit(data []byte) error {
	_, err := l.file.Write(data)
	err = errors.Join(err, l.file.Sync(), l.file.Close())
	l.file = nil
	if err == nil {
		err = os.Rename(l.path+".lock", l.path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", l.path, errors.Join(err, os.Remove(l.path+".lock")))
	}
	return nil
}

// drop gives the lock back when nothing was committed.
func (l *fileLock) drop() {
	if l.file != nil {
		_ = l.file.Close()
		_ = os.Remove(l.path + ".lock")
	}
}

// setRef moves a reference of the repository from old to new (zero: it must not exist), and writes its reflog and HEAD's where they
// are kept. "" is a detached HEAD. It tells whether the reference was at old.
func (r *Repo) setRef(ctx context.Context, clock Clock, name plumbing.ReferenceName, old, now plumbing.Hash, by Person, why string) (bool, error) {
	dir, file := r.commonDir, string(name)
	if name == "" {
		dir, file = r.gitDir, "HEAD"
	}
	lock, err := takeFileLock(ctx, clock, filepath.Join(dir, filepath.FromSlash(file)))
	if err != nil {
		return false, err
	}
	defer lock.drop()
	ref, err := r.store.Reference(plumbing.ReferenceName(file))
	switch {
	case errors.Is(err, plumbing.ErrReferenceNotFound):
		if !old.IsZero() {
			return false, nil
		}
	case err != nil:
		return false, fmt.Errorf("read git reference %s: %w", file, err)
	case ref.Type() != plumbing.HashReference || ref.Hash() != old:
		return false, nil
	}
	if err := lock.commit([]byte(now.String() + "\n")); err != nil {
		return false, err
	}
	line := fmt.Sprintf("%s %s %s %d %s\t%s\n", old, now, by.clean(), by.When.Unix(), by.When.Format("-0700"), why)
	logs := []string{filepath.Join(dir, "logs", filepath.FromSlash(file))}
	if name != "" && name == r.head.branch {
		logs = append(logs, filepath.Join(r.gitDir, "logs", "HEAD"))
	}
	for _, path := range logs {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			_, err = f.WriteString(line)
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			return true, fmt.Errorf("write git reflog: %w", err)
		}
	}
	return true, nil
}
