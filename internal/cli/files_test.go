package cli

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"dcsync/internal/resource"
	"dcsync/internal/secret"
)

func TestResolver(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	outside := filepath.Join(t.TempDir(), "outside")
	for path, text := range map[string]string{filepath.Join(root, "cvv"): "9081\n", filepath.Join(root, "empty"): "\n", outside: "9082"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	s := testSession()
	s.scrub = &secret.Scrubber{}
	s.env = func(name string) string { return map[string]string{"CARD": "4111111111111111"}[name] }
	open := s.resolver(root)
	tests := []struct {
		ref  resource.SecretRef
		want string
	}{
		{resource.SecretRef{Env: "CARD"}, "4111111111111111"},
		{resource.SecretRef{File: "cvv"}, "9081"},
		{resource.SecretRef{Env: "NONE"}, ""},
		{resource.SecretRef{File: "none"}, ""},
		{resource.SecretRef{File: "empty"}, ""},
		{resource.SecretRef{File: "link"}, ""},
		{resource.SecretRef{File: "../" + filepath.Base(filepath.Dir(outside)) + "/outside"}, ""},
	}
	for _, tt := range tests {
		got, err := open(tt.ref)
		if (err == nil) != (tt.want != "") || got.Reveal() != tt.want {
			t.Errorf("%+v: %q, %v; want %q", tt.ref, got.Reveal(), err, tt.want)
		}
	}
	if got := s.scrub.Scrub("card 4111111111111111, cvv 9081"); got != "card [redacted], cvv [redacted]" {
		t.Errorf("what was opened is printed as %q", got)
	}
}

func TestNow(t *testing.T) {
	t.Parallel()
	s := testSession()
	s.env = func(string) string { return "2026-06-01T12:00:00+02:00" }
	if got, err := s.now(); err != nil || !got.Equal(time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)) || got.Location() != time.UTC {
		t.Errorf("now = %v, %v", got, err)
	}
	s.env = func(string) string { return "2026-06-01" }
	if _, err := s.now(); exitCode(outcome{err: err}, false) != exitInvalid {
		t.Errorf("a date without time: %v", err)
	}
}
