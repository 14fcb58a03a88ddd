package gitrepo_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dcsync/internal/gitrepo"
)

const token = "ghs_verySecretToken/+42"

func environment(pairs ...string) gitrepo.Access {
	m := map[string]string{"GIT_CONFIG_NOSYSTEM": "1"}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return gitrepo.AccessFrom(func(k string) string { return m[k] })
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	bare := newRemote(t)
	url := serve(t, bare, token)
	host := strings.TrimSuffix(url, "/remote.git")
	basic := "AUTHORIZATION: basic " + base64.StdEncoding.EncodeToString([]byte("x-access-token:"+token))
	type setup func(dir string) gitrepo.Access
	for name, tc := range map[string]struct {
		setup setup
		ok    bool
	}{
		"none":              {func(string) gitrepo.Access { return environment() }, false},
		"own token":         {func(string) gitrepo.Access { return environment("DCSYNC_GIT_TOKEN", token) }, true},
		"wrong token":       {func(string) gitrepo.Access { return environment("DCSYNC_GIT_TOKEN", token+"x") }, false},
		"token of the host": {func(string) gitrepo.Access { return environment("GITHUB_TOKEN", token, "GITHUB_SERVER_URL", host) }, true},
		"token of another host": {func(string) gitrepo.Access {
			return environment("GITHUB_TOKEN", token, "CI_JOB_TOKEN", token, "CI_SERVER_URL", "https://gitlab.example.com")
		}, false},
		"job token": {func(string) gitrepo.Access { return environment("CI_JOB_TOKEN", token, "CI_SERVER_URL", host) }, true},
		"own token first": {func(string) gitrepo.Access {
			return environment("DCSYNC_GIT_TOKEN", token, "CI_JOB_TOKEN", "wrong", "CI_SERVER_URL", host)
		}, true},
		"extra header": {func(dir string) gitrepo.Access {
			git(t, dir, "config", "http."+host+"/.extraheader", basic)
			return environment()
		}, true},
		"extra header for all": {func(dir string) gitrepo.Access {
			git(t, dir, "config", "http.extraheader", basic)
			return environment()
		}, true},
		"extra header for another host": {func(dir string) gitrepo.Access {
			git(t, dir, "config", "http.https://example.com/.extraheader", basic)
			return environment()
		}, false},
		"extra header taken back": {func(dir string) gitrepo.Access {
			git(t, dir, "config", "--add", "http."+host+"/.extraheader", basic)
			git(t, dir, "config", "--add", "http."+host+"/.extraheader", "")
			return environment()
		}, false},
		"extra header in an included file": {func(dir string) gitrepo.Access {
			file := filepath.Join(t.TempDir(), "credentials.config")
			write(t, file, fmt.Sprintf("[http %q]\n\textraheader = %s\n", host+"/", basic))
			git(t, dir, "config", "includeIf.gitdir:"+filepath.Join(dir, ".git")+".path", file)
			return environment()
		}, true},
		"extra header of another folder": {func(dir string) gitrepo.Access {
			file := filepath.Join(t.TempDir(), "credentials.config")
			write(t, file, fmt.Sprintf("[http %q]\n\textraheader = %s\n", host+"/", basic))
			git(t, dir, "config", "includeIf.gitdir:"+filepath.Join(dir, "sub")+"/.path", file)
			return environment()
		}, false},
		"extra header of the user": {func(string) gitrepo.Access {
			home := t.TempDir()
			write(t, filepath.Join(home, ".gitconfig"), "[include]\n\tpath = more\n")
			write(t, filepath.Join(home, "more"), fmt.Sprintf("[http]\n\textraheader = %s\n", basic))
			return environment("HOME", home)
		}, true},
		"extra header of the environment": {func(string) gitrepo.Access {
			return environment("GIT_CONFIG_COUNT", "1", "GIT_CONFIG_KEY_0", "http."+host+"/.extraHeader", "GIT_CONFIG_VALUE_0", basic)
		}, true},
		"in the url": {func(dir string) gitrepo.Access {
			git(t, dir, "remote", "set-url", "origin", strings.Replace(url, "://", "://ci:"+strings.ReplaceAll(token, "/", "%2F")+"@", 1))
			return environment()
		}, true},
		"wrong in the url": {func(dir string) gitrepo.Access {
			git(t, dir, "remote", "set-url", "origin", strings.Replace(url, "://", "://ci:"+strings.ReplaceAll(token, "/", "%2F")+"x@", 1))
			return environment()
		}, false},
		"rewritten url": {func(dir string) gitrepo.Access {
			git(t, dir, "remote", "set-url", "origin", "https://git.example.com/remote.git")
			git(t, dir, "config", "url."+host+"/.insteadOf", "https://git.example.com/")
			return environment("DCSYNC_GIT_TOKEN", token)
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := clone(t, bare)
			git(t, dir, "remote", "set-url", "origin", url)
			access := tc.setup(dir)
			if s := fmt.Sprintf("%v %+v %#v %s", access, access, access, access); strings.Contains(s, token) {
				t.Errorf("printed: %s", s)
			}
			before := read(t, filepath.Join(dir, ".git", "config"))
			l := landing(fmt.Sprintf("a=1\nb=1\n%s=1\n", strings.ReplaceAll(name, " ", "-")))
			l.Push.Access = access
			err := open(t, dir).Check(t.Context(), l)
			if tc.ok && err != nil && !errors.Is(err, gitrepo.ErrUnpushed) {
				t.Errorf("check: %v", err)
			}
			_, err = open(t, dir).Land(t.Context(), l)
			if tc.ok != (err == nil) || !tc.ok && !errors.Is(err, gitrepo.ErrAuth) {
				t.Errorf("land: %v", err)
			}
			if err != nil && (strings.Contains(err.Error(), "Secret") || strings.Contains(err.Error(), base64.StdEncoding.EncodeToString([]byte("x-access-token:" + token))[8:30])) {
				t.Errorf("the error tells: %v", err)
			}
			if after := read(t, filepath.Join(dir, ".git", "config")); after != before {
				t.Errorf("the configuration was changed")
			}
			if !strings.Contains(name, "url") && !strings.Contains(name, "extra") {
				nowhere(t, filepath.Join(dir, ".git"), token)
			}
		})
	}
}

// nowhere checks that no file under a folder holds a text.
func nowhere(t *testing.T, dir, text string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if strings.Contains(string(data), text) {
			t.Errorf("%s holds the token", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTokenIsNotSentInTheClear(t *testing.T) {
	t.Parallel()
	dir := clone(t, newRemote(t))
	git(t, dir, "remote", "set-url", "origin", "http://git.example.com/x.git")
	l := landing("a=2\n")
	l.Push.Access = environment("DCSYNC_GIT_TOKEN", token)
	if _, err := open(t, dir).Land(t.Context(), l); !errors.Is(err, gitrepo.ErrAuth) || !strings.Contains(err.Error(), "plain http") {
		t.Errorf("got %v", err)
	}
	git(t, dir, "remote", "set-url", "origin", "ext::sh -c evil")
	if _, err := open(t, dir).Land(t.Context(), l); err == nil {
		t.Error("a command as a remote was accepted")
	}
	l.Push.Remote = "nowhere"
	if _, err := open(t, dir).Land(t.Context(), l); !errors.Is(err, gitrepo.ErrNoRemote) {
		t.Errorf("got %v", err)
	}
}
