package gitrepo

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

// Access is what a process may use to reach git remotes: tokens, and git configuration outside of the checkout. The zero Access has
// only what the checkout itself says. It prints as redacted.
type Access struct {
	tokens []token
	files  []string // configuration of machine and user, in the order git reads it
	home   string
	extra  settings // configuration from the environment
}

// token is a secret and the one host it may go to, "" for the host of whatever remote is used.
type token struct{ host, user, value string }

// AccessFrom reads the environment: DCSYNC_GIT_TOKEN for the remote in use, GITHUB_TOKEN and CI_JOB_TOKEN for their own host only, and
// where git keeps configuration.
func AccessFrom(getenv func(string) string) Access {
	a := Access{home: cmp.Or(getenv("HOME"), getenv("USERPROFILE"))}
	if v := getenv("DCSYNC_GIT_TOKEN"); v != "" {
		a.tokens = append(a.tokens, token{value: v})
	}
	if v := getenv("GITHUB_TOKEN"); v != "" {
		a.tokens = append(a.tokens, token{hostOf(cmp.Or(getenv("GITHUB_SERVER_URL"), "https://github.com")), "x-access-token", v})
	}
	if v := getenv("CI_JOB_TOKEN"); v != "" {
		if host := hostOf(getenv("CI_SERVER_URL")); host != "" {
			a.tokens = append(a.tokens, token{host, "gitlab-ci-token", v})
		}
	}
	if getenv("GIT_CONFIG_NOSYSTEM") == "" {
		a.files = append(a.files, cmp.Or(getenv("GIT_CONFIG_SYSTEM"), "/etc/gitconfig"))
	}
	if v := getenv("GIT_CONFIG_GLOBAL"); v != "" {
		a.files = append(a.files, v)
	} else if a.home != "" {
		xdg := cmp.Or(getenv("XDG_CONFIG_HOME"), filepath.Join(a.home, ".config"))
		a.files = append(a.files, filepath.Join(xdg, "git", "config"), filepath.Join(a.home, ".gitconfig"))
	}
	for i := range maxEnvironment(getenv("GIT_CONFIG_COUNT")) {
		key, value := getenv(fmt.Sprintf("GIT_CONFIG_KEY_%d", i)), getenv(fmt.Sprintf("GIT_CONFIG_VALUE_%d", i))
		first, last := strings.IndexByte(key, '.'), strings.LastIndexByte(key, '.')
		if first < 0 {
			continue
		}
		s := setting{section: strings.ToLower(key[:first]), key: strings.ToLower(key[last+1:]), value: value}
		if first < last {
			s.sub = key[first+1 : last]
		}
		a.extra = append(a.extra, s)
	}
	return a
}

func maxEnvironment(count string) int {
	n, err := strconv.Atoi(count)
	if err != nil {
		return 0
	}
	return min(max(n, 0), 1000)
}

// String is for fmt: it never shows a token.
func (a Access) String() string { return "[redacted]" }

// GoString is for %#v: it never shows a token.
func (a Access) GoString() string { return "[redacted]" }

// hostOf gives host[:port] of a URL in lower case, without the scheme's own port.
func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	host := strings.ToLower(u.Host)
	if u.Scheme == "https" {
		host = strings.TrimSuffix(host, ":443")
	}
	return host
}

// headers authenticates a request by lines made elsewhere. It is go-git's http.AuthMethod.
type headers []string

func (headers) Name() string   { return "header" }
func (headers) String() string { return "[redacted]" }

// SetAuth puts the lines on a request.
func (h headers) SetAuth(r *http.Request) {
	for _, line := range h {
		name, value, _ := strings.Cut(line, ":")
		r.Header.Set(strings.TrimSpace(name), strings.TrimSpace(value))
	}
}

// login chooses how to authenticate to an endpoint: a token, else the checkout's extra headers, else nothing but what the URL holds.
// SSH uses the agent. secrets are the texts that must never be shown.
func (a Access) login(ep *transport.Endpoint, conf settings) (auth transport.AuthMethod, secrets []string, err error) {
	if ep.Password != "" {
		secrets = append(secrets, ep.Password)
	}
	if ep.Protocol != "http" && ep.Protocol != "https" {
		return nil, secrets, nil
	}
	lines := extraHeaders(ep, conf)
	for _, line := range lines {
		_, value, _ := strings.Cut(line, ":")
		for word := range strings.FieldsSeq(value) {
			if len(word) >= 8 {
				secrets = append(secrets, word)
			}
		}
	}
	for _, t := range a.tokens {
		if t.host != "" && t.host != hostOf(bare(ep)) {
			continue
		}
		if ep.Protocol != "https" && !loopback(ep.Host) {
			return nil, nil, fmt.Errorf("%w: a token is never sent over plain http to %s", ErrAuth, ep.Host)
		}
		user := cmp.Or(t.user, "x-access-token")
		if t.user == "" && ep.Host == "bitbucket.org" {
			user = "x-token-auth"
		}
		secrets = append(secrets, t.value, base64.StdEncoding.EncodeToString([]byte(user+":"+t.value)))
		return &githttp.BasicAuth{Username: user, Password: t.value}, secrets, nil
	}
	if len(lines) > 0 {
		return headers(lines), secrets, nil
	}
	return nil, secrets, nil
}

// extraHeaders gives the values of http.extraHeader that git would send to an endpoint: those of the URL that fits best; an empty
// value forgets the ones before it.
func extraHeaders(ep *transport.Endpoint, conf settings) []string {
	var out []string
	best := -1
	for _, s := range conf {
		if s.section != "http" || s.key != "extraheader" {
			continue
		}
		fit := 0
		if s.sub != "" {
			if fit = fits(s.sub, bare(ep)); fit < 0 {
				continue
			}
		}
		switch {
		case fit < best:
			continue
		case fit > best, s.value == "":
			best, out = fit, nil
		}
		if s.value != "" {
			out = append(out, s.value)
		}
	}
	return out
}

// fits tells how closely a URL of git's configuration fits a remote's, -1 when not at all: same scheme and host, and a path that
// begins it.
func fits(pattern, remote string) int {
	p, err := url.Parse(pattern)
	r, err2 := url.Parse(remote)
	if err != nil || err2 != nil || p.Scheme != r.Scheme || hostOf(pattern) != hostOf(remote) {
		return -1
	}
	dir := strings.TrimSuffix(p.Path, "/") + "/"
	if !strings.HasPrefix(strings.TrimSuffix(r.Path, "/")+"/", dir) {
		return -1
	}
	return len(dir)
}

// bare gives an endpoint's URL without user, password and query.
func bare(ep *transport.Endpoint) string {
	c := transport.Endpoint{Protocol: ep.Protocol, Host: ep.Host, Port: ep.Port, Path: ep.Path}
	c.Path, _, _ = strings.Cut(c.Path, "?")
	return c.String()
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.IsLoopback()
}
