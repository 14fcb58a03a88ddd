package state_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
	"dcsync/internal/step"
	"dcsync/state"
)

func sample() *state.File {
	f := state.New("uid-1")
	f.Serial = 3
	f.Account = &state.Account{ID: 1, APIURL: "https://example.com/services/v2", ContainerID: 11, User: state.User{ID: 9, RoleID: 1}}
	f.Objects[resource.Address{Kind: "Order", Name: "b"}] = &state.Entry{
		Identity: state.Identity{ID: "880001", Nonce: "abc", Origin: "a", Product: "code_signing", Generation: 2, Notes: map[string]string{"5": "<hello> & bye"},
			Earlier: []state.Earlier{{ID: "880000", Generation: 1, Ended: "revoked"}}},
		Applied:   state.Applied{Spec: resource.Map{"z": resource.Int(1), "a": resource.List{resource.String("x")}}, Generation: 2, Protect: true},
		Observed:  resource.Map{"status": resource.String("issued")},
		SeenAt:    time.Date(2026, 11, 1, 2, 3, 4, 0, time.UTC),
		Source:    state.Source{Path: "manifests/b.yaml", Document: "d", Desired: "e", Commit: "c", Version: "v1"},
		DependsOn: []resource.Address{{Kind: "Organization", Name: "acme"}},
	}
	return f
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	want := sample()
	data, err := state.Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := state.Decode("s.json", data)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	again, err := state.Encode(got)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(data, again) {
		t.Errorf("written again it is\n%s\nnot\n%s", again, data)
	}
	if !bytes.HasSuffix(data, []byte("}\n")) || bytes.HasSuffix(data, []byte("\n\n")) || !bytes.Contains(data, []byte("<hello> & bye")) {
		t.Errorf("not canonical:\n%s", data)
	}
}

// Forgetting an address keeps the keys it knows as compromised; a file without any is written as it ever was.
func TestForget(t *testing.T) {
	t.Parallel()
	f, a, b := sample(), resource.Address{Kind: "Order", Name: "b"}, resource.Address{Kind: "Order", Name: "c"}
	f.Objects[b] = f.Objects[a].Clone()
	f.Objects[b].Identity.ID = "880009"
	f.Objects[a].Identity.Tombstones = []state.Tombstone{{ID: "880000", Status: "revoked", Key: "k1"}, {ID: "880001", Status: "revoked"}}
	want := map[string]string{"k1": "880000"}
	if d := cmp.Diff(want, f.CompromisedKeys()); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	plain, err := state.Encode(f)
	if err != nil || bytes.Contains(plain, []byte("compromised")) {
		t.Errorf("%v\n%s", err, plain)
	}
	before := f.Clone()
	f.Forget(b)
	if f.Compromised != nil || f.Objects[b] != nil {
		t.Errorf("without a key: %v, %v", f.Compromised, f.Objects[b])
	}
	f.Forget(a)
	f.Forget(a)
	if d := cmp.Diff(want, f.Compromised); d != "" || len(f.Objects) > 0 || cmp.Diff(want, f.CompromisedKeys()) != "" || before.Compromised != nil {
		t.Errorf("(-want +got)\n%s", d)
	}
	data, err := state.Encode(f)
	if err != nil {
		t.Fatal(err)
	}
	got, err := state.Decode("s.json", data)
	if err != nil || cmp.Diff(f, got) != "" {
		t.Errorf("read again: %v\n%s", err, cmp.Diff(f, got))
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	good, err := state.Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		data string
		code diag.Code
		line int
	}{
		"cut":          {string(good[:len(good)/2]), diag.StateInvalid, strings.Count(string(good[:len(good)/2]), "\n") + 1},
		"conflict":     {"{\n<<<<<<< ours\n", diag.StateInvalid, 2},
		"newer":        {`{"format_version": 99}`, diag.StateTooNew, 1},
		"not a state":  {`{}`, diag.StateInvalid, 1},
		"unknown key":  {`{"format_version":1,"surprise":1}`, diag.StateInvalid, 1},
		"wrong type":   {"{\"format_version\":1,\n\"serial\":\"x\"}", diag.StateInvalid, 2},
		"no id":        {`{"format_version":1,"objects":{"Order/a":{"identity":{"id":""},"applied":{"spec":{}}}}}`, diag.StateInvalid, 1},
		"one id twice": {"{\"format_version\":1,\"objects\":{\"Order/a\":{\"identity\":{\"id\":\"1\"},\"applied\":{\"spec\":{}}},\n\"Order/b\":{\"identity\":{\"id\":\"1\"},\"applied\":{\"spec\":{}}}}}", diag.StateInvalid, 2},
		"null spec":    {`{"format_version":1,"objects":{"Order/a":{"identity":{"id":"1"},"applied":{"spec":null}}}}`, diag.StateInvalid, 1},
		"bad address":  {`{"format_version":1,"objects":{"Order":{"identity":{"id":"1"},"applied":{"spec":{}}}}}`, diag.StateInvalid, 1},
		"second value": {string(good) + "{}", diag.StateInvalid, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := state.Decode("s.json", []byte(tc.data))
			var d diag.Diagnostic
			if !errors.As(err, &d) || d.Code != tc.code || d.Hint == "" {
				t.Fatalf("got %#v, want a diagnostic %s with a hint", err, tc.code)
			}
			if name != "second value" && d.Pos.Line != tc.line {
				t.Errorf("line %d, want %d: %v", d.Pos.Line, tc.line, d)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	good, err := state.Encode(sample())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"format_version":1,"objects":{"Order/a":null}}`))
	f.Add([]byte(`{"format_version":1,"compromised_keys":{"k":"1"},"objects":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := state.Decode("s.json", data)
		if err != nil {
			return
		}
		first, err := state.Encode(s)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, err := state.Decode("s.json", first)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, first)
		}
		second, err := state.Encode(again)
		if err != nil || !bytes.Equal(first, second) {
			t.Errorf("not canonical (%v):\n%s\n%s", err, first, second)
		}
	})
}

// TestStoreSharesWrites: concurrent mutations are all durable when Update returns, and share writes while one is in flight.
func TestStoreSharesWrites(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s.json")
	var writes atomic.Int64
	s := state.NewStore(path, state.New("u"), nil, func(p step.Point) {
		if p == state.BeforeWrite {
			writes.Add(1)
			time.Sleep(5 * time.Millisecond)
		}
	})
	const n = 50
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			a := resource.Address{Kind: "Order", Name: fmt.Sprint(i)}
			err := s.Update(t.Context(), func(f *state.File) {
				f.Objects[a] = &state.Entry{Identity: state.Identity{ID: fmt.Sprint(i)}, Applied: state.Applied{Spec: resource.Map{}}}
			})
			if err != nil {
				t.Error(err)
			}
			onDisk, _, err := state.Read(path)
			if err != nil || onDisk.Objects[a] == nil {
				t.Errorf("%s was reported and is not on disk: %v", a, err)
			}
		})
	}
	wg.Wait()
	final, _, err := state.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(final.Objects) != n || final.Serial != 1 {
		t.Errorf("%d objects, serial %d; want %d, 1", len(final.Objects), final.Serial, n)
	}
	if w := writes.Load(); w >= n {
		t.Errorf("%d writes for %d mutations: none was shared", w, n)
	}
}

func TestStoreWritesNothingForNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s.json")
	data, err := state.Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	s := state.NewStore(path, sample(), data, nil)
	if err := s.Update(t.Context(), func(*state.File) {}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a mutation that changes nothing wrote the file: %v", err)
	}
	if s.Snapshot().Serial != 3 {
		t.Errorf("serial moved to %d", s.Snapshot().Serial)
	}
}

// A state file that git checked out with CRLF is the same state: an apply that changes nothing writes nothing.
func TestReadCRLF(t *testing.T) {
	t.Parallel()
	want, err := state.Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "dcsync.state.json")
	crlf := bytes.ReplaceAll(want, []byte("\n"), []byte("\r\n"))
	if err := os.WriteFile(path, crlf, 0o644); err != nil {
		t.Fatal(err)
	}
	f, data, err := state.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(data)); diff != "" {
		t.Errorf("read (-want +got)\n%s", diff)
	}
	if err := state.NewStore(path, f, data, nil).Update(t.Context(), func(*state.File) {}); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadFile(path); err != nil || !bytes.Equal(left, crlf) {
		t.Errorf("it was written: %q, %v", left, err)
	}
}

// TestStoreFault: when the file cannot be written, Update says so, and the bytes on disk stay what they were.
func TestStoreFault(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "gone", "s.json")
	s := state.NewStore(path, state.New("u"), nil, nil)
	for range 2 {
		if err := s.Update(t.Context(), func(f *state.File) { f.Serial++ }); err == nil {
			t.Fatal("writing into a folder that does not exist succeeded")
		}
	}
}

func TestLock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), ".dcsync", "lock")
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	first, err := state.TakeLock(path, now)
	if err != nil {
		t.Fatal(err)
	}
	if first.Left != nil {
		t.Errorf("a fresh lock was left by %+v", first.Left)
	}
	_, err = state.TakeLock(path, now)
	var locked *state.LockedError
	if !errors.Is(err, state.ErrLocked) || !errors.As(err, &locked) || locked.Owner == nil || locked.Owner.Process != os.Getpid() || !locked.Owner.Since.Equal(now) {
		t.Fatalf("taken twice: %v", err)
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	second, err := state.TakeLock(path, now)
	if err != nil {
		t.Fatal(err)
	}
	if second.Left != nil {
		t.Errorf("after an orderly release the lock was left by %+v", second.Left)
	}
	if err := second.Release(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(`{"host":"h","process":1,"since":"2026-01-01T00:00:00Z"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	third, err := state.TakeLock(path, now)
	if err != nil {
		t.Fatal(err)
	}
	if third.Left == nil || third.Left.Host != "h" {
		t.Errorf("the run that died is not named: %+v", third.Left)
	}
	if err := third.Release(); err != nil {
		t.Fatal(err)
	}
}
