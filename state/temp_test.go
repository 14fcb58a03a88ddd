package state_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/step"
	"dcsync/state"
)

// beside lists what is in the folder of a state file, without the state file itself.
func beside(t *testing.T, path string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		if e.Name() != filepath.Base(path) {
			out = append(out, e.Name())
		}
	}
	return out
}

// TestDieBeforeRename is the process that TestKilledWriter kills; by itself it does nothing.
func TestDieBeforeRename(t *testing.T) {
	path := os.Getenv("DCSYNC_TEST_DIE_WRITING")
	if path == "" {
		t.Skip("run by TestKilledWriter")
	}
	_ = state.Write(path, []byte("killed\n"), func(p step.Point) {
		if p == state.BeforeRename {
			self, _ := os.FindProcess(os.Getpid())
			_ = self.Kill()
			select {}
		}
	})
}

// TestKilledWriter: what a killed writer leaves is taken away by the next write, and by nothing but a write of that file.
func TestKilledWriter(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "dcsync.state.json")
	write := func(path, content string) {
		t.Helper()
		if err := state.Write(path, []byte(content), nil); err != nil {
			t.Fatal(err)
		}
	}
	write(path, "first\n")
	for range 2 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestDieBeforeRename$")
		cmd.Env = append(os.Environ(), "DCSYNC_TEST_DIE_WRITING="+path)
		if out, err := cmd.CombinedOutput(); err == nil {
			t.Fatalf("the writer lived: %s", out)
		}
	}
	if left := beside(t, path); len(left) == 0 {
		t.Fatal("the killed writer left nothing")
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "first\n" {
		t.Fatalf("the state is %q, %v", data, err)
	}
	before := beside(t, path)
	write(path+".base", "other\n")
	if diff := cmp.Diff(append([]string{"dcsync.state.json.base"}, before...), beside(t, path), sorted()); diff != "" {
		t.Errorf("after a write of another file (-want +got)\n%s", diff)
	}
	write(path, "second\n")
	if diff := cmp.Diff([]string{"dcsync.state.json.base"}, beside(t, path)); diff != "" {
		t.Errorf("after the next write (-want +got)\n%s", diff)
	}
}

func sorted() cmp.Option {
	return cmp.Transformer("sorted", func(in []string) []string { return slices.Sorted(slices.Values(in)) })
}

// TestSweepLeavesOthersAlone: files of other patterns, of live writers, and empty ones that are young.
func TestSweepLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "dcsync.state.json")
	old := time.Now().Add(-48 * time.Hour)
	put := func(name, content string, at time.Time) {
		t.Helper()
		file := filepath.Join(filepath.Dir(path), name)
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, at, at); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{".dcsync.state.json", ".dcsync.state.json.base77", ".dcsync.state.json-1", ".dcsync.state.json12x", ".other.json99", "dcsync.state.json42"}
	for _, name := range want {
		put(name, "x", old)
	}
	put(".dcsync.state.json1", "", time.Now())
	put(".dcsync.state.json2", "", old)
	put(".dcsync.state.json3", "x", time.Now())
	if err := os.Mkdir(filepath.Join(filepath.Dir(path), ".dcsync.state.json5"), 0o755); err != nil {
		t.Fatal(err)
	}
	want = append(want, ".dcsync.state.json1", ".dcsync.state.json5")
	// Another writer at work, whole runs of which end while this one waits to rename.
	err := state.Write(path, []byte("slow\n"), func(p step.Point) {
		if p != state.BeforeRename {
			return
		}
		mine := beside(t, path)
		for range 2 {
			if err := state.Write(path, []byte("quick\n"), nil); err != nil {
				t.Error(err)
			}
		}
		if diff := cmp.Diff(mine, beside(t, path), sorted()); diff != "" {
			t.Errorf("while a writer lives (-want +got)\n%s", diff)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, beside(t, path), sorted()); diff != "" {
		t.Errorf("left (-want +got)\n%s", diff)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "slow\n" {
		t.Errorf("the state is %q, %v", data, err)
	}
}
