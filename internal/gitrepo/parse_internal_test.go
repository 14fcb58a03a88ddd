package gitrepo

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func FuzzAllowedSigners(f *testing.F) {
	const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGgWJ5hfHvMmQcUZDtUFrx1wVtVQE4lgtkqSYtlYE2Fe"
	for _, seed := range []string{"", "# nobody\n", "a@example.com " + key, `"a b,!c" namespaces="git",valid-after="20260101" ` + key + " comment", "* cert-authority " + key,
		`x valid-before="202601011200Z" ` + key, "a@example.com", `"open`} {
		f.Add(seed, "a@example.com")
	}
	f.Fuzz(func(t *testing.T, file, name string) {
		signers, err := parseAllowedSigners([]byte(file))
		if err != nil {
			if signers != nil || !strings.Contains(err.Error(), "line ") {
				t.Errorf("%v with %d signers", err, len(signers))
			}
			return
		}
		for _, s := range signers {
			if s.principals == "" || s.key == nil {
				t.Errorf("a line without principal or key: %+v", s)
			}
			principal, reason := s.allows(s.key, time.Unix(1<<31, 0))
			if (principal == "") == (reason == "") {
				t.Errorf("principal %q, reason %q", principal, reason)
			}
			matchList(s.principals, name)
		}
	})
}

func FuzzHolder(f *testing.F) {
	f.Add([]byte(`{"owner":"ci","run":"1","since":"2026-11-02T08:00:00Z","until":"2026-11-02T08:10:00Z","nonce":"x"}`))
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"owner":"ci"} {"owner":"x"}`))
	f.Add([]byte("null"))
	f.Fuzz(func(t *testing.T, message []byte) {
		h, err := parseHolder(message)
		if err != nil {
			if h != (Holder{}) {
				t.Errorf("%+v with %v", h, err)
			}
			return
		}
		if h.Owner == "" || h.Until.IsZero() || h.Until.Before(h.Since) {
			t.Errorf("accepted %+v", h)
		}
		if h.Until.Year() > 9999 || h.Since.Year() > 9999 {
			return
		}
		again, err := h.message()
		if err != nil {
			t.Fatal(err)
		}
		back, err := parseHolder(again)
		if err != nil && h.Until.Truncate(time.Second).Before(h.Since.Truncate(time.Second)) {
			t.Fatal(err)
		}
		if err == nil && (back.Owner != strings.ToValidUTF8(h.Owner, "\uFFFD") || !back.Until.Equal(h.Until.Truncate(time.Second))) {
			t.Errorf("%+v came back as %+v", h, back)
		}
		if !json.Valid(again) {
			t.Errorf("not JSON: %s", again)
		}
	})
}

func FuzzCommit(f *testing.F) {
	f.Add([]byte("tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nparent 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor A <a@x> 1 +0100\ncommitter C <c@x> 2 -0230\ngpgsig -----BEGIN\n x\n \n y\nother 1\n 2\n\nmessage\n\nKey: value\n"))
	f.Add([]byte("committer \n"))
	f.Add([]byte("committer x\ngpgsig \n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parseCommit(data)
		if err != nil {
			return
		}
		if c.signature == nil && c.payload != nil || len(c.payload) > len(data) {
			t.Errorf("payload %q", c.payload)
		}
		if !bytes.HasSuffix(data, c.message) {
			t.Errorf("message %q", c.message)
		}
		parsePerson(c.author)
		trailersOf(string(c.message))
	})
}

func FuzzIndex(f *testing.F) {
	dir := f.TempDir()
	run := func(args ...string) {
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			f.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	run("init", "-q")
	for _, name := range []string{"a", "b", "c/d"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			f.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o644); err != nil {
			f.Fatal(err)
		}
	}
	run("add", "-A")
	run("update-index", "--assume-unchanged", "a")
	for _, version := range []string{"2", "3", "4"} {
		run("update-index", "--index-version", version)
		data, err := os.ReadFile(filepath.Join(dir, ".git", "index"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(append(data[:len(data)-20:len(data)-20], make([]byte, 20)...)) // without a checksum, which hides the rest
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := parseIndex(data)
		if err != nil {
			return
		}
		once := x.encode()
		y, err := parseIndex(once)
		if err != nil {
			t.Fatalf("what was written is not read: %v", err)
		}
		if d := cmp.Diff(once, y.encode()); d != "" {
			t.Errorf("written again it differs:\n%s", d)
		}
	})
}

// TestIndexKeepsFlags: an entry that is set keeps what the user said of it, and the others keep everything.
func TestIndexKeepsFlags(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2", "3", "4"} {
		dir := t.TempDir()
		run := func(args ...string) string {
			cmd := exec.Command("git", args...)
			cmd.Dir = dir
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("git %v: %v\n%s", args, err, out)
			}
			return string(out)
		}
		run("init", "-q")
		for _, name := range []string{"a", "b", "m", strings.Repeat("long/", 30) + "z"} {
			if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		run("add", "a", "b", "long")
		run("add", "-N", "m")
		run("update-index", "--index-version", version)
		run("update-index", "--skip-worktree", "a")
		run("update-index", "--assume-unchanged", "b")
		path := filepath.Join(dir, ".git", "index")
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		before := run("ls-files", "--stage", "-v")
		x, err := parseIndex(data)
		if err != nil {
			t.Fatal(err)
		}
		if !x.set("b", entry{mode: modeFile, hash: x.hashOf("a")}) || !x.set("new/file", entry{mode: modeExecutable, hash: x.hashOf("a")}) {
			t.Error("nothing changed")
		}
		if x.set("b", entry{mode: modeFile, hash: x.hashOf("a")}) {
			t.Error("the same entry changed")
		}
		if err := os.WriteFile(path, x.encode(), 0o644); err != nil {
			t.Fatal(err)
		}
		want := strings.Replace(before, "h 100644 "+shaOf(before, "b")+" 0\tb\n", "h 100644 "+shaOf(before, "a")+" 0\tb\n", 1) + "H 100755 " + shaOf(before, "a") + " 0\tnew/file\n"
		if d := cmp.Diff(want, run("ls-files", "--stage", "-v")); d != "" {
			t.Errorf("version %s (-want +got)\n%s", version, d)
		}
	}
}

func (x *index) hashOf(name string) (h [20]byte) {
	for _, e := range x.entries {
		if e.name == name {
			copy(h[:], e.fixed[indexStat:])
		}
	}
	return h
}

func shaOf(listing, name string) string {
	for line := range strings.Lines(listing) {
		if rest, ok := strings.CutSuffix(line, "\t"+name+"\n"); ok {
			return strings.Fields(rest)[2]
		}
	}
	return ""
}

func TestGitdirPatterns(t *testing.T) {
	t.Parallel()
	l := layout{gitDir: "/home/me/work/acme/.git"}
	for pattern, want := range map[string]bool{
		"/home/me/work/acme/.git": true, "/home/me/work/": true, "~/work/": true, "~/work/acme/.git": true, "acme/.git": true, "work/": true,
		"/home/*/work/**": true, "/home/me/*/.git": false, "/home/me/other/": false, "~/other/": false, "acme": false, "/home/me/WORK/": false,
		"/home/m?/work/acme/.git": true,
	} {
		s := setting{"includeif", "gitdir:" + pattern, "path", "x"}
		if got := l.includes(s, "/etc", "/home/me"); got != want {
			t.Errorf("%s: %v", pattern, got)
		}
	}
	if !l.includes(setting{"includeif", "gitdir/i:/home/me/WORK/", "path", "x"}, "/etc", "/home/me") {
		t.Error("gitdir/i minds case")
	}
}
