package run_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/gitrepo"
	"dcsync/internal/run"
	"dcsync/internal/sandbox"
)

const passphrase = "Secret-Passphrase-1"

// tool runs a program of the system, and skips the test where it is not installed.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skip(name + " is not installed")
	}
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// signing lets the project sign its commits.
func (w *world) signing(kind string) {
	w.Helper()
	w.file("dcsync.yaml", strings.Replace(projectYAML, "settle: 0s", "settle: 0s, git: {identity: {name: dcsync, email: dcsync@example.com}, sign: "+kind+"}", 1))
}

// signed makes an apply push with more in its environment.
func signed(more map[string]string) func(*run.ApplyOptions) {
	return func(o *run.ApplyOptions) {
		landing("none")(o)
		plain := o.Env
		o.Env = func(name string) string {
			if v, ok := more[name]; ok {
				return v
			}
			return plain(name)
		}
	}
}

// judged gives what trust makes of the branch's newest commit.
func (w *world) judged(t *testing.T, signers, ring string) gitrepo.Judgement {
	t.Helper()
	trust, err := gitrepo.NewTrust([]byte(signers), []byte(ring))
	if err != nil {
		t.Fatal(err)
	}
	repo, err := gitrepo.Open(w.dir)
	if err != nil {
		t.Fatal(err)
	}
	for c, err := range repo.History(t.Context(), gitrepo.HistoryOptions{Paths: []string{"dcsync.state.json"}}) {
		if err != nil {
			t.Fatal(err)
		}
		return trust.Judge(c)
	}
	t.Fatal("the state was never committed")
	return gitrepo.Judgement{}
}

func TestSignedBySSH(t *testing.T) {
	t.Parallel()
	key := filepath.Join(t.TempDir(), "key")
	tool(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", key)
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, sandbox.Options{}, demo())
	w.signing("ssh")
	w.remote(t)

	// A key that cannot be used refuses the run before anything is written.
	w.sent.take()
	for name, env := range map[string]map[string]string{
		"no key":           {},
		"no such file":     {"DCSYNC_GIT_SIGNING_KEY": key + ".gone"},
		"no passphrase":    {"DCSYNC_GIT_SIGNING_KEY": key},
		"wrong passphrase": {"DCSYNC_GIT_SIGNING_KEY": key, "DCSYNC_GIT_SIGNING_PASSPHRASE": passphrase + "x"},
		"the public key":   {"DCSYNC_GIT_SIGNING_KEY": key + ".pub"},
	} {
		_, err := w.apply(signed(env))
		var refused *run.Refused
		if !errors.As(err, &refused) || refused.Code != "signing_key" || refused.Hint == "" || strings.Contains(err.Error()+refused.Hint, passphrase) {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.want("writes of refused runs", w.writes())

	env := map[string]string{"DCSYNC_GIT_SIGNING_KEY": key, "DCSYNC_GIT_SIGNING_PASSPHRASE": passphrase, "DCSYNC_PULL_REQUEST": "https://git.example/1",
		"DCSYNC_APPROVED_BY": "Bea\nDcsync-Run: forged"}
	w.mustApply(signed(env))
	signers := "dcsync@example.com " + string(public)
	w.file("allowed", signers)
	w.git(w.dir, "-c", "gpg.ssh.allowedSignersFile="+filepath.Join(w.dir, "allowed"), "verify-commit", "HEAD")
	if j := w.judged(t, signers, ""); j.Verdict != gitrepo.Good || j.Principal != "dcsync@example.com" {
		t.Errorf("judged %+v", j)
	}
	want := "Dcsync-Pull-Request: https://git.example/1\nDcsync-Approved-By: Bea"
	if diff := cmp.Diff(want, w.git(w.dir, "log", "-1", "--format=%(trailers:key=Dcsync-Pull-Request)%(trailers:key=Dcsync-Approved-By)")); diff != "" {
		t.Errorf("trailers as git reads them (-want +got):\n%s", diff)
	}
}

func TestSignedByOpenPGP(t *testing.T) {
	t.Parallel()
	home, err := os.MkdirTemp("", "gpg") // short: it holds a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run()
		_ = os.RemoveAll(home)
	})
	gpg := func(args ...string) string {
		t.Helper()
		return tool(t, "gpg", append([]string{"--homedir", home, "--batch", "--yes", "--quiet", "--no-permission-warning", "--pinentry-mode", "loopback", "--passphrase", passphrase}, args...)...)
	}
	gpg("--quick-generate-key", "dcsync <dcsync@example.com>", "ed25519", "sign", "never")
	key, program := filepath.Join(home, "key.asc"), filepath.Join(home, "program")
	gpg("--armor", "--output", key, "--export-secret-keys", "dcsync@example.com")
	ring := gpg("--armor", "--export", "dcsync@example.com")
	w := newWorld(t, sandbox.Options{}, demo())
	w.signing("openpgp")
	w.remote(t)
	w.mustApply(signed(map[string]string{"DCSYNC_GIT_SIGNING_KEY": key, "DCSYNC_GIT_SIGNING_PASSPHRASE": passphrase}))
	if err := os.WriteFile(program, []byte("#!/bin/sh\nexec gpg --homedir "+home+" --batch --no-permission-warning --trust-model always \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	w.git(w.dir, "-c", "gpg.program="+program, "verify-commit", "HEAD")
	if j := w.judged(t, "", ring); j.Verdict != gitrepo.Good {
		t.Errorf("judged %+v", j)
	}
}
