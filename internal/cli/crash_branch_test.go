package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"dcsync/internal/gitrepo"
	"dcsync/internal/step"
	"dcsync/state"
)

// unlanded gives a fleet and a clone of it in which an apply could not land: it forgot order a, which had landed, and placed b and c.
// Another clone, which does not know of b, landed the rest since.
func unlanded(t *testing.T) (*fleet, string) {
	f := newFleet(t, "dcsync-state")
	f.order(filepath.Join(f.dir, "seed"), "a")
	f.apply(f.clone("first"))
	dir, other := f.clone("work"), f.clone("other")
	f.git(other, "rm", "-q", "manifests/a.yaml")
	f.order(other, "c")
	f.git(dir, "pull", "-q", "--ff-only", "origin", "main")
	f.order(dir, "b")
	hook := filepath.Join(f.bare, "hooks", "update")
	f.write(f.bare, "hooks/update", "#!/bin/sh\nexit 1\n")
	if err := os.Chmod(hook, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := f.process(dir, "").CombinedOutput(); err == nil || !strings.Contains(string(out), "git remote rejected") {
		t.Fatalf("landed where it must not: %v\n%s", err, out)
	}
	if err := os.Remove(hook); err != nil {
		t.Fatal(err)
	}
	f.apply(other)
	return f, dir
}

// process makes an apply of its own in a clone, without the lock on the remote: what it leaves there is another test's matter.
func (f *fleet) process(dir, env string) *exec.Cmd {
	cmd := exec.CommandContext(f.t.Context(), steps(f.t), "-C", dir, "apply", "--auto-approve", "--push", "--lock", "file")
	cmd.Env = append(os.Environ(), env)
	for k, v := range f.env() {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	return cmd
}

// TestCrashWithStateApart kills an apply with spec.state.ref at every place where it writes results, lands them and cleans up, and goes on
// from the same disk and from a fresh clone.
func TestCrashWithStateApart(t *testing.T) {
	t.Parallel()
	record := filepath.Join(t.TempDir(), "points")
	f, dir := unlanded(t)
	if out, err := f.process(dir, "STEPS_RECORD="+record).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	f.landed(dir)
	data, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	reached := map[string]bool{}
	for i, p := range strings.Fields(string(data)) {
		if !strings.HasPrefix(p, "state.") && !strings.HasPrefix(p, "gitrepo.") {
			continue
		}
		reached[p] = true
		for _, fresh := range []bool{false, true} {
			t.Run(fmt.Sprintf("%03d %s/clone=%v", i+1, p, fresh), func(t *testing.T) {
				t.Parallel()
				f, dir := unlanded(t)
				cmd := f.process(dir, fmt.Sprintf("STEPS_KILL=%d", i+1))
				out, _ := cmd.CombinedOutput()
				if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
					t.Fatalf("the run was not killed: %v\n%s", cmd.ProcessState, out)
				}
				if fresh {
					dir = f.clone("fresh")
				}
				f.apply(dir)
				f.landed(dir)
			})
		}
	}
	for _, p := range []step.Point{state.BeforeWrite, state.BeforeRename, state.AfterRename, gitrepo.BeforePush, gitrepo.AfterPush} {
		if !reached[string(p)] {
			t.Errorf("crash point %s is never reached", p)
		}
	}
}

// landed wants the three orders of unlanded asked for once each, b and c in the branch's state, and nothing left to land in the clone.
func (f *fleet) landed(dir string) {
	f.t.Helper()
	var stats struct {
		Requests map[string]int `json:"requests"`
	}
	(&scene{t: f.t, api: f.api}).get("/_sandbox/stats", &stats)
	if got := stats.Requests["POST /order/certificate/{product_name_id}"]; got != 3 {
		f.t.Errorf("the account was asked for an order %d times, want 3", got)
	}
	held, err := state.Decode("state", []byte(f.git(f.bare, "show", f.ref+":dcsync.state.json")))
	if err != nil {
		f.t.Fatal(err)
	}
	if got := fmt.Sprint(held.Addresses()); got != "[Order/b Order/c Organization/acme]" {
		f.t.Errorf("the branch's state has %s", got)
	}
	if _, err := os.Stat(filepath.Join(dir, ".dcsync", "work", "dcsync.state.json")); !errors.Is(err, fs.ErrNotExist) {
		f.t.Errorf("results are left that landed: %v", err)
	}
	f.git(f.bare, "fsck", "--strict")
}
