package state

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/google/renameio/v2"

	"dcsync/internal/step"
)

// Points lists the places of a write at which a crash must lose nothing that was reported.
func Points() []step.Point { return []step.Point{BeforeWrite, BeforeRename, AfterRename} }

// The places, in the order in which one write passes them.
const (
	BeforeWrite  step.Point = "state.before_write"
	BeforeRename step.Point = "state.before_rename" // the new bytes stand in a temporary file
	AfterRename  step.Point = "state.after_rename"
)

// Store keeps one state file on disk while an apply runs. It is safe for concurrent use: mutations that arrive while a write is
// in flight share the next one.
type Store struct {
	path string
	hook step.Hook

	mu       sync.Mutex // guards the fields below
	file     *File
	disk     []byte // bytes of the last durable write, nil when there was no file
	accepted int    // mutations applied to file
	bumped   bool   // serial was raised by this run
	durable  int    // mutations on disk
	broken   error  // the first write error; nothing is written after it

	writing sync.Mutex // held by the one that writes
}

// NewStore starts from a file and its bytes on disk (nil when it does not exist yet).
func NewStore(path string, f *File, disk []byte, hook step.Hook) *Store {
	return &Store{path: path, file: f.Clone(), disk: disk, hook: hook}
}

// Snapshot gives a copy of the state as it is now, durable or not.
func (s *Store) Snapshot() *File {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.file.Clone()
}

// Update applies a mutation and returns when it is durable: written to a temporary file, synced and renamed. A mutation that
// changes no byte writes nothing. The first mutation of a run that changes something raises the serial.
func (s *Store) Update(_ context.Context, mutate func(*File)) error {
	s.mu.Lock()
	mutate(s.file)
	s.accepted++
	mine := s.accepted
	s.mu.Unlock()

	s.writing.Lock()
	defer s.writing.Unlock()
	return s.flush(mine)
}

// flush makes the mutations up to number mine durable, with all that came in meanwhile. The caller holds writing.
func (s *Store) flush(mine int) error {
	s.mu.Lock()
	if s.broken != nil || s.durable >= mine {
		defer s.mu.Unlock()
		return s.broken
	}
	upTo := s.accepted
	data, err := s.encode()
	disk := s.disk
	s.mu.Unlock()
	if err == nil && !bytes.Equal(data, disk) {
		err = s.write(data)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.broken = err
		return err
	}
	s.durable, s.disk = upTo, data
	return nil
}

// encode gives the bytes to write, raising the serial when they are the first of this run that differ from the disk's.
func (s *Store) encode() ([]byte, error) {
	data, err := Encode(s.file)
	if err != nil || s.bumped || bytes.Equal(data, s.disk) {
		return data, err
	}
	s.bumped = true
	s.file.Serial++
	return Encode(s.file)
}

func (s *Store) write(data []byte) error { return Write(s.path, data, s.hook) }

// Write replaces a state file by bytes that Encode gave: they are in a temporary file and synced before it is renamed. Temporary files
// of writers that died are taken away.
func Write(path string, data []byte, hook step.Hook) error {
	hook.At(BeforeWrite)
	dir := filepath.Dir(path)
	sweep(path)
	t, err := renameio.NewPendingFile(path, renameio.WithTempDir(dir), renameio.WithPermissions(0o644), renameio.WithExistingPermissions())
	if err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	defer func() { _ = t.Cleanup() }()
	defer claim(t.Name())()
	if _, err := t.Write(data); err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	hook.At(BeforeRename)
	if err := t.CloseAtomicallyReplace(); err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	if err := syncDir(dir); err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	hook.At(AfterRename)
	return nil
}

// syncDir makes the rename itself durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}
