package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"dcsync/internal/certcentral"
	"dcsync/internal/kinds"
	"dcsync/internal/resource"
	"dcsync/internal/run"
	"dcsync/internal/secret"
)

var _ run.Account = (*kinds.Remote)(nil)

// maxSecret bounds a key or secret file: more than that is another file by mistake.
const maxSecret = 64 << 10

// address gives the API's address and whether it was given by flag or environment.
func (s *session) address(p *run.Project) (url string, explicit bool) {
	for _, given := range []string{s.apiURL, s.env("DCSYNC_API_URL")} {
		if given != "" {
			return strings.TrimRight(given, "/"), true
		}
	}
	if p.Project.Instance == "eu" {
		return certcentral.EUBaseURL, false
	}
	return certcentral.USBaseURL, false
}

// account opens the live account; nothing is sent yet. An address that was set to nothing is a mistake, not a wish for the real one.
func (s *session) account(p *run.Project) (*kinds.Remote, error) {
	if url, set := s.lookup("DCSYNC_API_URL"); set && url == "" && s.apiURL == "" {
		return nil, usagef("name the address, or unset it to use that of spec.instance", "DCSYNC_API_URL is set and empty")
	}
	key, err := s.apiKey()
	if err != nil {
		return nil, err
	}
	s.scrub.Add(key)
	limit := p.Project.RateLimit
	if given := s.env("DCSYNC_RATE_LIMIT"); given != "" {
		limit = given
	}
	windows, err := certcentral.ParseWindows(limit)
	if err != nil {
		return nil, usagef("write it like "+certcentral.DefaultRateLimit+", or off", "%v", err)
	}
	url, _ := s.address(p)
	client, err := certcentral.New(certcentral.Config{
		BaseURL: url, Key: key, Version: s.version, Windows: windows, Scrub: s.scrub, Log: s.log, Step: s.step,
	})
	if err != nil {
		return nil, usagef("see `dcsync help`", "%v", err)
	}
	return kinds.New(client, s.resolver(p.Root)), nil
}

// apiKey takes the key from the file that was named, else from the environment; never from a flag's value.
func (s *session) apiKey() (secret.String, error) {
	text := s.env("DCSYNC_API_KEY")
	if s.apiKeyFile != "" {
		data, err := readSecret(func() (fs.File, error) { return os.Open(s.path(s.apiKeyFile)) })
		if err != nil {
			return secret.String{}, usagef("", "--api-key-file: %v", err)
		}
		text = data
	}
	key := secret.New(strings.TrimSpace(text))
	if key.Empty() {
		return key, usagef("set DCSYNC_API_KEY, or name a file with --api-key-file", "no API key")
	}
	return key, nil
}

// resolver gives the function that opens a secret at the moment it is sent. From then on the secret is removed from everything that is
// printed. Files are read below the project's root only, also through symbolic links.
func (s *session) resolver(root string) kinds.Resolver {
	return func(ref resource.SecretRef) (secret.String, error) {
		text := s.env(ref.Env)
		if ref.Env == "" {
			folder, err := os.OpenRoot(root)
			if err != nil {
				return secret.String{}, fmt.Errorf("read secret: %w", err)
			}
			defer folder.Close()
			name := filepath.FromSlash(ref.File)
			if text, err = readSecret(func() (fs.File, error) { return folder.Open(name) }); err != nil {
				return secret.String{}, fmt.Errorf("read secret: %w", err)
			}
		}
		value := secret.New(strings.TrimRight(text, "\r\n"))
		if value.Empty() {
			return value, fmt.Errorf("read secret: %s is empty or not set", secretName(ref))
		}
		s.scrub.Add(value)
		return value, nil
	}
}

func secretName(ref resource.SecretRef) string {
	if ref.Env != "" {
		return "environment variable " + ref.Env
	}
	return "file " + ref.File
}

func readSecret(open func() (fs.File, error)) (string, error) {
	f, err := open()
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", err
	}
	if len(data) > maxSecret {
		return "", errors.New("more than 64 KiB is no secret")
	}
	return string(data), nil
}
