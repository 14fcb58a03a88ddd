// Package sandbox is an embedded CertCentral: the part of DigiCert's Services
// API v2 that dcsync uses, served over HTTP on loopback, with an account that
// can be seeded, looked at, edited behind a client's back and made to fail.
//
// It is the stage for rehearsals and tests. Its rules are written endpoint by
// endpoint from the API documents, never from dcsync's own tables, so that the
// two check each other; a rule the documents leave open is marked "assumed" in
// the comment beside it. It keeps nothing it must not: card data and API keys
// are checked and dropped.
//
// What it issues is real X.509, but of CAs whose keys are in this source and
// that nobody may trust. It looks nothing up, sends no mail, and reads JSON
// only, where the API knows XML too.
//
// Options.IssueAfter counts for DigiCert's side and for what people do at its
// end. So at 0s an order whose domains are to be proven by a token is issued at
// once, without anybody having looked for the token.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Options say how a sandbox behaves. The zero value is an empty account with one
// unrestricted key, without rate limits.
type Options struct {
	// Listen is the address to serve on, 127.0.0.1:0 by default. An address
	// without a host would mean every interface and is refused; one that names
	// an interface outside loopback is taken at its word.
	Listen string
	// Data is the file that keeps the account: read when it is there, written
	// before each changing call is answered, and when the server stops. One
	// sandbox at a time may have it; a lock file beside it sees to that.
	Data string
	// Seed fills an account that Data does not have yet: "" is empty, "demo" is
	// the account of seed.go, anything else names a JSON file in the shape of
	// GET /_sandbox/dump, which may also bring containers, api_keys, domains,
	// metadata and product_limits.
	Seed string
	// Keys maps an API key of the first user to its role: 0 none, 100, 101 or
	// 102. Keys of other users come with a seed.
	Keys map[string]int
	// IssueAfter is how long DigiCert, and the people it asks, take for a
	// validation, and for an order once it is approved.
	IssueAfter time.Duration
	// VisibleAfter is how long a new order stays unknown to lists and look-up.
	VisibleAfter time.Duration
	// Latency is waited out before every answer of the API.
	Latency time.Duration
	// RateLimits turns both windows on.
	RateLimits bool
	// UniqueAlternativeIDs is the account's option to refuse a second order with
	// an alternative_order_id already in use.
	UniqueAlternativeIDs bool
	// Now is the clock below the sandbox's own; POST /_sandbox/clock moves on
	// top of it.
	Now func() time.Time
}

// Server is one sandbox. It is safe for concurrent use.
type Server struct {
	opts    Options
	handler http.Handler

	mu        sync.Mutex
	acct      *account
	fixedKeys []*apiKey
	faults    []*fault
	windows   map[string]*window
	stats     stats
	url       string
	unlock    func() error // of the data file; nil without one
}

// New makes a sandbox and loads or seeds its account.
func New(opts Options) (*Server, error) {
	if opts.Listen == "" {
		opts.Listen = "127.0.0.1:0"
	}
	if len(opts.Keys) == 0 {
		opts.Keys = map[string]int{"sandbox-key": roleNone}
	}
	for _, role := range opts.Keys {
		switch role {
		case roleNone, roleOrders, roleOrganizations, roleViewOnly:
		default:
			return nil, fmt.Errorf("key role %d: want 0, 100, 101 or 102", role)
		}
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	s := &Server{opts: opts, fixedKeys: optionKeys(opts.Keys), windows: map[string]*window{}, stats: newStats()}
	s.handler = http.HandlerFunc(s.serveHTTP)
	if err := s.open(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.progress()
	return s, nil
}

// open loads the account, after its file is known to be ours and writable.
func (s *Server) open() (err error) {
	if s.opts.Data != "" {
		if s.unlock, err = lockData(s.opts.Data); err != nil {
			return err
		}
		if err := checkWritable(s.opts.Data); err != nil {
			return err
		}
	}
	s.acct, err = openAccount(s.opts)
	return err
}

// Close lets another sandbox have the data file. Serve does it by itself; only
// who uses Handler alone must call it.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unlock == nil {
		return nil
	}
	unlock := s.unlock
	s.unlock = nil
	if err := unlock(); err != nil {
		return fmt.Errorf("unlock data: %w", err)
	}
	return nil
}

// Handler serves the API below /services/v2 and the control calls below /_sandbox.
func (s *Server) Handler() http.Handler { return s.handler }

// URL is the base address of the API once Serve listens, empty before.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.url
}

// Serve listens, calls ready with the base address, and serves until ctx is
// done; then it lets calls in flight finish, saves the account, closes the
// server and returns nil, or why the account could not be saved.
func (s *Server) Serve(ctx context.Context, ready func(url string)) (err error) {
	defer func() { err = errors.Join(err, s.Close()) }()
	host, _, err := net.SplitHostPort(s.opts.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.opts.Listen, err)
	}
	if host == "" {
		return fmt.Errorf("listen on %s: name the interface; without one every network could reach the sandbox", s.opts.Listen)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", s.opts.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	url := "http://" + l.Addr().String() + apiPrefix
	s.mu.Lock()
	s.url = url
	s.mu.Unlock()
	if ready != nil {
		ready(url)
	}

	// Slow clients are cut off. Slow answers are not: faults make them.
	srv := &http.Server{
		Handler: s.handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	select {
	case err = <-served:
	case <-ctx.Done():
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if srv.Shutdown(grace) != nil {
			// A call still waits, on a delay fault say; it is cut off.
			srv.Close()
		}
		err = nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(err, s.save())
}

// now is the sandbox's clock. The caller holds mu.
func (s *Server) now() time.Time { return s.opts.Now().Add(s.acct.ClockOffset).UTC() }
