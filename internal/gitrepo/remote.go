package gitrepo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/file"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/go-git/go-git/v5/plumbing/transport/ssh"
	"github.com/go-git/go-git/v5/storage"
)

// remote speaks git's protocol with one configured remote. Refs are moved by explicit commands {ref, old, new}, which the server
// compares and swaps; go-git's own push checks leases on its side only, and not at all for deletions.
type remote struct {
	name    string
	conf    settings
	pull    *endpoint
	push    *endpoint
	secrets []string
}

type endpoint struct {
	*transport.Endpoint
	auth transport.AuthMethod
	via  transport.Transport
}

// tips are the refs of a remote, and its HEAD.
type tips map[plumbing.ReferenceName]plumbing.Hash

// remote finds a remote in the configuration and how to log in to it. Nothing is sent.
func (l layout) remote(name string, a Access) (*remote, error) {
	conf, err := l.config(a)
	if err != nil {
		return nil, err
	}
	r := &remote{name: name, conf: conf}
	fetch, ok := conf.last("remote", name, "url")
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrNoRemote, name)
	}
	push, separate := conf.last("remote", name, "pushurl")
	if !separate {
		push = rewrite(fetch, conf, "pushinsteadof")
	}
	if push == fetch || separate {
		push = rewrite(push, conf, "insteadof")
	}
	if r.pull, err = r.endpoint(l.root, rewrite(fetch, conf, "insteadof"), a); err != nil {
		return nil, err
	}
	if r.push, err = r.endpoint(l.root, push, a); err != nil {
		return nil, err
	}
	return r, nil
}

// rewrite applies url.<base>.insteadOf: the longest that fits.
func rewrite(raw string, conf settings, key string) string {
	out, best := raw, 0
	for _, s := range conf {
		if s.section == "url" && s.key == key && strings.HasPrefix(raw, s.value) && len(s.value) > best {
			out, best = s.sub+strings.TrimPrefix(raw, s.value), len(s.value)
		}
	}
	return out
}

func (r *remote) endpoint(root, raw string, a Access) (*endpoint, error) {
	if !strings.Contains(raw, ":") && !filepath.IsAbs(raw) {
		raw = filepath.Join(root, raw)
	}
	ep, err := transport.NewEndpoint(raw)
	if err != nil {
		return nil, fmt.Errorf("read the url of git remote %s: not a url", r.name)
	}
	out := &endpoint{Endpoint: ep}
	switch ep.Protocol {
	case "http", "https":
		out.via = githttp.NewClient(nil)
	case "ssh":
		out.via = ssh.DefaultClient
	case "file":
		out.via = file.DefaultClient
	default:
		return nil, &UnsupportedError{Feature: fmt.Sprintf("the protocol %s for remote %s", ep.Protocol, r.name),
			Hint: "give the remote an https, ssh or file address: git remote set-url"}
	}
	var secrets []string
	if out.auth, secrets, err = a.login(ep, r.conf); err != nil {
		return nil, err
	}
	for _, s := range secrets {
		r.secrets = append(r.secrets, s, url.QueryEscape(s), url.PathEscape(s))
	}
	slices.SortFunc(r.secrets, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	if out.auth != nil {
		ep.User, ep.Password = "", ""
	}
	if ca, ok := r.conf.last("http", "", "sslcainfo"); ok && ep.Protocol == "https" {
		if ep.CaBundle, err = os.ReadFile(expand(ca, root, a.home)); err != nil {
			return nil, fmt.Errorf("read http.sslCAInfo: %w", err)
		}
	}
	return out, nil
}

// fail words an error of the protocol. Nothing of the server's or the library's text is kept that could hold a credential.
func (r *remote) fail(doing string, ep *endpoint, err error) error {
	where := bare(ep.Endpoint)
	for _, known := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			return fmt.Errorf("%s %s: %w", doing, where, known)
		}
	}
	switch {
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed):
		return fmt.Errorf("%s %s: %w", doing, where, ErrAuth)
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return fmt.Errorf("%s %s: repository not found, or not shown to these credentials", doing, where)
	}
	return fmt.Errorf("%s %s: %s", doing, where, r.scrub(err.Error()))
}

// scrub removes credentials from text that came from elsewhere, and keeps one line of it.
func (r *remote) scrub(text string) string {
	for _, s := range r.secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s, "[redacted]")
		}
	}
	text = userinfo.ReplaceAllString(text, "://[redacted]@")
	return strings.Join(strings.FieldsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f }), " ")
}

var userinfo = regexp.MustCompile(`://[^/\s@]+@`)

// tips lists the remote's refs. An empty remote has none.
func (r *remote) tips(ctx context.Context) (tips, error) {
	s, err := r.pull.via.NewUploadPackSession(r.pull.Endpoint, r.pull.auth)
	if err != nil {
		return nil, r.fail("list", r.pull, err)
	}
	defer func() { _ = s.Close() }()
	adv, err := s.AdvertisedReferencesContext(ctx)
	if errors.Is(err, transport.ErrEmptyRemoteRepository) {
		return tips{}, nil
	}
	if err != nil {
		return nil, r.fail("list", r.pull, err)
	}
	return tipsOf(adv), nil
}

func tipsOf(adv *packp.AdvRefs) tips {
	out := make(tips, len(adv.References))
	for name, h := range adv.References {
		out[plumbing.ReferenceName(name)] = h
	}
	if adv.Head != nil {
		out[plumbing.HEAD] = *adv.Head
	}
	return out
}

// want is what to fetch: a ref or a single object, down to depth commits (0: all), less what the haves reach. A ref is asked for by name
// and looked up in the same conversation: a server need not give out a commit that was the ref's a moment ago.
type want struct {
	ref            plumbing.ReferenceName // "" for an object
	object         plumbing.Hash
	haves, shallow []plumbing.Hash
	depth          int
}

// got is what a fetch brought.
type got struct {
	id  plumbing.Hash   // where the ref was, zero when there is none; or the object
	cut []plumbing.Hash // the commits at which the server cut history off
}

// fetch stores objects.
func (r *remote) fetch(ctx context.Context, into storage.Storer, w want) (out got, err error) {
	s, err := r.pull.via.NewUploadPackSession(r.pull.Endpoint, r.pull.auth)
	if err != nil {
		return out, r.fail("fetch from", r.pull, err)
	}
	defer func() { _ = s.Close() }()
	adv, err := s.AdvertisedReferencesContext(ctx)
	if errors.Is(err, transport.ErrEmptyRemoteRepository) && w.ref != "" {
		return out, nil
	}
	if err != nil {
		return out, r.fail("fetch from", r.pull, err)
	}
	out.id = w.object
	if w.ref != "" {
		if out.id = tipsOf(adv)[w.ref]; out.id.IsZero() {
			return out, nil
		}
	}
	req := packp.NewUploadPackRequestFromCapabilities(adv.Capabilities)
	req.Wants, req.Haves = []plumbing.Hash{out.id}, w.haves
	if adv.Capabilities.Supports(capability.Shallow) {
		req.Shallows, req.Depth = w.shallow, packp.DepthCommits(w.depth)
		if len(w.shallow) > 0 || w.depth > 0 {
			_ = req.Capabilities.Set(capability.Shallow)
		}
	}
	if len(req.Shallows) == 0 && slices.Contains(req.Haves, out.id) {
		return out, nil // what is had is had with all it reaches
	}
	if adv.Capabilities.Supports(capability.NoProgress) {
		_ = req.Capabilities.Set(capability.NoProgress)
	}
	answer, err := s.UploadPack(ctx, req)
	if err != nil {
		return out, r.fail("fetch from", r.pull, err)
	}
	defer func() { _ = answer.Close() }()
	if err := packfile.UpdateObjectStorage(into, demux(req.Capabilities, answer)); err != nil && !errors.Is(err, packfile.ErrEmptyPackfile) {
		return out, r.fail("fetch from", r.pull, err)
	}
	out.cut = answer.Shallows
	return out, nil
}

func demux(caps *capability.List, answer io.Reader) io.Reader {
	switch {
	case caps.Supports(capability.Sideband64k):
		return sideband.NewDemuxer(sideband.Sideband64k, answer)
	case caps.Supports(capability.Sideband):
		return sideband.NewDemuxer(sideband.Sideband, answer)
	}
	return answer
}
