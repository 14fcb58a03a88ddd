package gitrepo_test

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"dcsync/internal/gitrepo"
)

// sshKey makes a key pair and gives the private key's file and the public key's line.
func sshKey(t *testing.T, args ...string) (file, public string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "key")
	out, err := exec.Command("ssh-keygen", append([]string{"-q", "-N", "", "-C", "a comment", "-f", file}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
	return file, strings.TrimSpace(read(t, file+".pub"))
}

func only(t *testing.T, dir string) gitrepo.Commit {
	t.Helper()
	c, err := open(t, dir).Describe(git(t, dir, "rev-parse", "HEAD"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func trust(t *testing.T, signers, ring string) *gitrepo.Trust {
	t.Helper()
	tr, err := gitrepo.NewTrust([]byte(signers), []byte(ring))
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// signedByGit makes a commit with an SSH key, at a time.
func signedByGit(t *testing.T, key string, at string) string {
	t.Helper()
	dir := t.TempDir()
	git(t, dir, "init", "-q", "-b", "main")
	write(t, filepath.Join(dir, "f"), "x")
	git(t, dir, "add", "f")
	cmd := exec.Command("git", "-c", "gpg.format=ssh", "-c", "user.signingkey="+key, "commit", "-q", "-S", "-m", "signed\n\nwith a body")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_AUTHOR_NAME=Ann", "GIT_AUTHOR_EMAIL=ann@example.com", "GIT_COMMITTER_NAME=Carl",
		"GIT_COMMITTER_EMAIL=carl@example.com", "GIT_COMMITTER_DATE="+at)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

// TestJudgeSSH: the verdict on what git signed, beside git's own.
func TestJudgeSSH(t *testing.T) {
	t.Parallel()
	key, public := sshKey(t, "-t", "ed25519")
	_, other := sshKey(t, "-t", "ed25519")
	dir := signedByGit(t, key, "2026-03-01T12:00:00Z")
	c := only(t, dir)
	for name, tc := range map[string]struct {
		signers string
		want    gitrepo.Verdict
		reason  string
	}{
		"allowed":             {"ann@example.com " + public, gitrepo.Good, ""},
		"with comments":       {"# people\n\nann@example.com " + public + "\n", gitrepo.Good, ""},
		"quoted principals":   {`"ann@example.com,*@example.org" ` + public, gitrepo.Good, ""},
		"second line":         {"bob@example.com " + other + "\nann@example.com " + public, gitrepo.Good, ""},
		"another key":         {"ann@example.com " + other, gitrepo.UnknownKey, "no allowed key"},
		"nobody":              {"", gitrepo.UnknownKey, "no allowed key"},
		"for git":             {`ann@example.com namespaces="file,git" ` + public, gitrepo.Good, ""},
		"for files only":      {`ann@example.com namespaces="file" ` + public, gitrepo.UnknownKey, "not allowed to sign for git"},
		"in time":             {`ann@example.com valid-after="20260301",valid-before="20260302" ` + public, gitrepo.Good, ""},
		"too early":           {`ann@example.com valid-after="20260301120001Z" ` + public, gitrepo.UnknownKey, "not yet"},
		"too late":            {`ann@example.com valid-before="20260301115959Z" ` + public, gitrepo.UnknownKey, "no longer"},
		"only as authority":   {"ann@example.com cert-authority " + public, gitrepo.UnknownKey, "no allowed key"},
		"one of two in force": {"ann@example.com valid-before=\"20250101\" " + public + "\nann@example.com valid-after=\"20250101\" " + public, gitrepo.Good, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := trust(t, tc.signers, "").Judge(c)
			if j.Verdict != tc.want || !strings.Contains(j.Reason, tc.reason) || !strings.HasPrefix(j.Key, "SHA256:") {
				t.Errorf("got %+v", j)
			}
			if j.Verdict == gitrepo.Good && !strings.Contains(j.Principal, "ann@example.com") {
				t.Errorf("principal %q", j.Principal)
			}
			file := filepath.Join(t.TempDir(), "allowed")
			write(t, file, tc.signers)
			out, err := gitErr(dir, "-c", "gpg.ssh.allowedSignersFile="+file, "verify-commit", "HEAD")
			if (err == nil) != (tc.want == gitrepo.Good) {
				t.Errorf("git says otherwise: %v\n%s", err, out)
			}
		})
	}
	for name, broken := range map[string]gitrepo.Commit{
		"payload":   {Signature: c.Signature, Payload: append([]byte("x"), c.Payload...), Committer: c.Committer},
		"armor":     {Signature: []byte("-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n"), Payload: c.Payload},
		"cut":       {Signature: c.Signature[:60], Payload: c.Payload},
		"namespace": {Signature: forAnother(t, c.Signature), Payload: c.Payload},
	} {
		if j := trust(t, "ann@example.com "+public, "").Judge(broken); j.Verdict != gitrepo.Bad || j.Reason == "" {
			t.Errorf("%s: %+v", name, j)
		}
	}
	if j := trust(t, "", "").Judge(gitrepo.Commit{}); j.Verdict != gitrepo.Unsigned {
		t.Errorf("unsigned: %+v", j)
	}
	if j := trust(t, "", "").Judge(gitrepo.Commit{Signature: []byte("-----BEGIN SIGNED MESSAGE-----\n")}); j.Verdict != gitrepo.UnknownKey {
		t.Errorf("x509: %+v", j)
	}
}

// forAnother gives a signature whose namespace is another word.
func forAnother(t *testing.T, armored []byte) []byte {
	t.Helper()
	block, _ := pem.Decode(armored)
	if block == nil {
		t.Fatal("no armor")
	}
	block.Bytes = bytes.Replace(block.Bytes, []byte("\x00\x00\x00\x03git"), []byte("\x00\x00\x00\x03gif"), 1)
	return pem.EncodeToMemory(block)
}

func TestJudgeSSHOtherKeys(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"ecdsa": {"-t", "ecdsa"}, "rsa": {"-t", "rsa", "-b", "2048"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key, public := sshKey(t, args...)
			if j := trust(t, "* "+public, "").Judge(only(t, signedByGit(t, key, "2026-03-01T12:00:00Z"))); j.Verdict != gitrepo.Good {
				t.Errorf("got %+v", j)
			}
		})
	}
	t.Run("certificate", func(t *testing.T) {
		t.Parallel()
		ca, caPublic := sshKey(t, "-t", "ed25519")
		key, _ := sshKey(t, "-t", "ed25519")
		out, err := exec.Command("ssh-keygen", "-q", "-s", ca, "-I", "ann", "-n", "ann@example.com", "-V", "20260101:20260401", key+".pub").CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		c := only(t, signedByGit(t, key+"-cert.pub", "2026-03-01T12:00:00Z"))
		late := only(t, signedByGit(t, key+"-cert.pub", "2026-05-01T12:00:00Z"))
		if j := trust(t, "*@example.com cert-authority "+caPublic, "").Judge(c); j.Verdict != gitrepo.Good || j.Principal != "ann@example.com" {
			t.Errorf("got %+v", j)
		}
		if j := trust(t, "*@example.com cert-authority "+caPublic, "").Judge(late); j.Verdict != gitrepo.UnknownKey {
			t.Errorf("expired: %+v", j)
		}
		if j := trust(t, "*@example.org cert-authority "+caPublic, "").Judge(c); j.Verdict != gitrepo.UnknownKey {
			t.Errorf("another principal: %+v", j)
		}
		if j := trust(t, "*@example.com "+caPublic, "").Judge(c); j.Verdict != gitrepo.UnknownKey {
			t.Errorf("no authority: %+v", j)
		}
	})
}

func TestSignersFileRefused(t *testing.T) {
	t.Parallel()
	_, public := sshKey(t, "-t", "ed25519")
	for name, tc := range map[string]struct {
		file string
		line int
	}{
		"no key":         {"ann@example.com\n", 1},
		"no principal":   {public + "\n", 1},
		"broken key":     {"# x\nann@example.com ssh-ed25519 AAAA\n", 2},
		"unknown option": {"ann@example.com surprise=\"1\" " + public, 1},
		"no time":        {"ann@example.com valid-after=\"soon\" " + public, 1},
		"never":          {"ann@example.com valid-after=\"20260101\",valid-before=\"20250101\" " + public, 1},
	} {
		var bad *gitrepo.SignersError
		if _, err := gitrepo.NewTrust([]byte(tc.file), nil); !errors.As(err, &bad) || bad.Line != tc.line {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSignWithSSH: what dcsync signs, git verifies.
func TestSignWithSSH(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-t", "ed25519"}, {"-t", "rsa", "-b", "2048"}, {"-t", "ecdsa"}} {
		key, public := sshKey(t, args...)
		signer, err := gitrepo.NewSSHSigner([]byte(read(t, key)), nil)
		if err != nil {
			t.Fatal(err)
		}
		dir := clone(t, newRemote(t))
		l := landing("a=2\nb=1\n")
		l.Signer = signer
		if _, err := open(t, dir).Land(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "allowed")
		write(t, file, "dcsync@example.com "+public)
		if out, err := gitErr(dir, "-c", "gpg.ssh.allowedSignersFile="+file, "verify-commit", "HEAD"); err != nil {
			t.Errorf("%v: git: %v\n%s", args, err, out)
		}
		if j := trust(t, read(t, file), "").Judge(only(t, dir)); j.Verdict != gitrepo.Good || j.Key != signer.String() {
			t.Errorf("%+v", j)
		}
		sound(t, dir)
	}
	if _, err := gitrepo.NewSSHSigner([]byte("not a key"), nil); err == nil || strings.Contains(err.Error(), "not a key") {
		t.Errorf("got %v", err)
	}
}

// pgpKey makes an OpenPGP key at a time, living for a while (0: for ever).
func pgpKey(t *testing.T, at time.Time, life time.Duration) *openpgp.Entity {
	t.Helper()
	e, err := openpgp.NewEntity("Ann Author", "", "ann@example.com", &packet.Config{Time: func() time.Time { return at }, KeyLifetimeSecs: uint32(life.Seconds()),
		Algorithm: packet.PubKeyAlgoEdDSA})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func armored(t *testing.T, kind string, serialize func(w *bytes.Buffer) error) string {
	t.Helper()
	var raw, out bytes.Buffer
	if err := serialize(&raw); err != nil {
		t.Fatal(err)
	}
	w, err := armor.Encode(&out, kind, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write(raw.Bytes())
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String() + "\n"
}

func publicKey(t *testing.T, e *openpgp.Entity) string {
	return armored(t, openpgp.PublicKeyType, func(b *bytes.Buffer) error { return e.Serialize(b) })
}

func pgpCommit(t *testing.T, e *openpgp.Entity, at time.Time) gitrepo.Commit {
	t.Helper()
	payload := []byte("tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n\nmessage\n")
	var sig bytes.Buffer
	if err := openpgp.ArmoredDetachSign(&sig, e, bytes.NewReader(payload), &packet.Config{Time: func() time.Time { return at }}); err != nil {
		t.Fatal(err)
	}
	return gitrepo.Commit{Signature: sig.Bytes(), Payload: payload}
}

func TestJudgeOpenPGP(t *testing.T) {
	t.Parallel()
	born := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	day := 24 * time.Hour
	live := pgpKey(t, born, 0)
	short := pgpKey(t, born, 30*day)
	other := pgpKey(t, born, 0)
	signed := pgpCommit(t, live, born.Add(10*day))
	ring := publicKey(t, other) + publicKey(t, live)
	if j := trust(t, "", ring).Judge(signed); j.Verdict != gitrepo.Good || j.Key != fmt.Sprintf("%X", live.PrimaryKey.Fingerprint) || !strings.Contains(j.Principal, "ann@example.com") {
		t.Errorf("good: %+v", j)
	}
	if j := trust(t, "", publicKey(t, other)).Judge(signed); j.Verdict != gitrepo.UnknownKey || j.Key == "" {
		t.Errorf("unknown: %+v", j)
	}
	tampered := signed
	tampered.Payload = []byte("tree 5b825dc642cb6eb9a060e54bf8d69288fbee4904\n\nmessage\n")
	if j := trust(t, "", ring).Judge(tampered); j.Verdict != gitrepo.Bad {
		t.Errorf("tampered: %+v", j)
	}
	if j := trust(t, "", ring).Judge(gitrepo.Commit{Signature: []byte("-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n")}); j.Verdict != gitrepo.Bad {
		t.Errorf("unreadable: %+v", j)
	}
	inTime := pgpCommit(t, short, born.Add(10*day))
	shortRing := publicKey(t, short)
	for _, id := range short.Identities {
		id.SelfSignature.KeyLifetimeSecs = nil // the signer does as if it lived for ever
	}
	late := pgpCommit(t, short, born.Add(40*day))
	if j := trust(t, "", shortRing).Judge(inTime); j.Verdict != gitrepo.Good {
		t.Errorf("a key that expired since: %+v", j)
	}
	if j := trust(t, "", shortRing).Judge(late); j.Verdict != gitrepo.UnknownKey || !strings.Contains(j.Reason, "expired") {
		t.Errorf("after the key's end: %+v", j)
	}
	after := pgpCommit(t, other, born.Add(60*day))
	before := pgpCommit(t, other, born.Add(10*day))
	if err := other.RevokeKey(packet.KeySuperseded, "new one", &packet.Config{Time: func() time.Time { return born.Add(50 * day) }}); err != nil {
		t.Fatal(err)
	}
	if j := trust(t, "", publicKey(t, other)).Judge(before); j.Verdict != gitrepo.Good {
		t.Errorf("before the revocation: %+v", j)
	}
	if j := trust(t, "", publicKey(t, other)).Judge(after); j.Verdict != gitrepo.UnknownKey || !strings.Contains(j.Reason, "revoked") {
		t.Errorf("after the revocation: %+v", j)
	}
	stolen := pgpKey(t, born, 0)
	early := pgpCommit(t, stolen, born.Add(day))
	if err := stolen.RevokeKey(packet.KeyCompromised, "stolen", &packet.Config{Time: func() time.Time { return born.Add(50 * day) }}); err != nil {
		t.Fatal(err)
	}
	if j := trust(t, "", publicKey(t, stolen)).Judge(early); j.Verdict != gitrepo.UnknownKey {
		t.Errorf("a compromised key, before: %+v", j)
	}
	if _, err := gitrepo.NewTrust(nil, []byte("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n")); err == nil {
		t.Error("a broken key ring was accepted")
	}
}

// TestOpenPGPWithGit: gpg signs and dcsync verifies; dcsync signs and gpg verifies.
func TestOpenPGPWithGit(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("gpg"); err != nil {
		t.Skip("gpg is not installed")
	}
	home, err := os.MkdirTemp("", "gpg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run()
		_ = os.RemoveAll(home)
	})
	e := pgpKey(t, time.Now().Add(-time.Hour), 0)
	private := armored(t, openpgp.PrivateKeyType, func(b *bytes.Buffer) error { return e.SerializePrivate(b, nil) })
	gpg := func(stdin string, args ...string) {
		t.Helper()
		cmd := exec.Command("gpg", append([]string{"--homedir", home, "--batch", "--yes"}, args...)...)
		cmd.Stdin = strings.NewReader(stdin)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("gpg %v: %v\n%s", args, err, out)
		}
	}
	gpg(private, "--import")
	dir := clone(t, newRemote(t))
	program := filepath.Join(t.TempDir(), "gpg")
	write(t, program, "#!/bin/sh\nexec gpg --homedir "+home+" --batch --trust-model always \"$@\"\n")
	if err := os.Chmod(program, 0o755); err != nil {
		t.Fatal(err)
	}
	git(t, dir, "config", "gpg.program", program)
	git(t, dir, "-c", "user.signingkey=ann@example.com", "commit", "-q", "-S", "--allow-empty", "-m", "signed by gpg")
	git(t, dir, "push", "-q")
	if j := trust(t, "", publicKey(t, e)).Judge(only(t, dir)); j.Verdict != gitrepo.Good {
		t.Errorf("what gpg signed: %+v", j)
	}
	l := landing("a=2\nb=1\n")
	if l.Signer, err = gitrepo.NewOpenPGPSigner([]byte(private), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, dir).Land(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	git(t, dir, "verify-commit", "HEAD")
	if j := trust(t, "", publicKey(t, e)).Judge(only(t, dir)); j.Verdict != gitrepo.Good || j.Key != l.Signer.String() {
		t.Errorf("what dcsync signed: %+v", j)
	}
}
