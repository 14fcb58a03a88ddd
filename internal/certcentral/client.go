package certcentral

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"dcsync/internal/secret"
	"dcsync/internal/step"
)

// The addresses of the two instances (API facts, section 1). A key belongs to one of them.
const (
	USBaseURL = "https://www.digicert.com/services/v2"
	EUBaseURL = "https://certcentral.digicert.eu/services/v2"
)

// DefaultTimeout bounds one HTTP request, reading its answer included. It is long, since a write that timed out costs more than
// waiting: its outcome has to be looked up.
const DefaultTimeout = 60 * time.Second

// Config says how to reach CertCentral. BaseURL and Key are required.
type Config struct {
	BaseURL   string // https, or http to a loopback host; without user, query and fragment
	Key       secret.String
	Version   string            // of dcsync, for the User-Agent
	Windows   []Window          // none: no limit in advance
	Timeout   time.Duration     // per HTTP request; zero: DefaultTimeout
	Scrub     *secret.Scrubber  // every error and log line passes it; New adds the key to it. nil: one of its own
	Log       *slog.Logger      // one line per HTTP request, on level debug; nil: none
	Step      step.Hook         // reaches Points
	Clock     Clock             // nil: the real one
	Jitter    func() float64    // in [0,1), spreads retries; nil: random
	Transport http.RoundTripper // nil: a connection pool of its own
}

// Client calls the API. Make it with New.
type Client struct {
	base      *url.URL
	key       secret.String
	agent     string
	timeout   time.Duration
	scrub     *secret.Scrubber
	log       *slog.Logger
	step      step.Hook
	clock     Clock
	jitter    func() float64
	transport http.RoundTripper
	limit     *limiter
	guard     func() error // nil for none
	requests  atomic.Int64
}

// New checks the configuration; it sends nothing. Errors hold neither the key nor the address's user part.
func New(cfg Config) (*Client, error) {
	base, err := parseBase(cfg.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("read API address: %w", err)
	}
	if err := checkKey(cfg.Key.Reveal()); err != nil {
		return nil, fmt.Errorf("read API key: %w", err)
	}
	c := &Client{
		base: base, key: cfg.Key, agent: strings.TrimSuffix("dcsync/"+cfg.Version, "/"), timeout: cfg.Timeout,
		scrub: cfg.Scrub, log: cfg.Log, step: cfg.Step, clock: cfg.Clock, jitter: cfg.Jitter, transport: cfg.Transport,
	}
	if c.timeout <= 0 {
		c.timeout = DefaultTimeout
	}
	if c.scrub == nil {
		c.scrub = &secret.Scrubber{}
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.clock == nil {
		c.clock = realClock{}
	}
	if c.jitter == nil {
		c.jitter = rand.Float64
	}
	if c.transport == nil {
		c.transport = newTransport()
	}
	c.scrub.Add(cfg.Key)
	c.limit = newLimiter(c.clock, cfg.Windows)
	return c, nil
}

// Guard has every further write pass a check, each time right before it is sent and after all waits: when check gives an error nothing is
// sent, and the call ends with a *NotSentError. Set it before calls are made at the same time.
func (c *Client) Guard(check func() error) { c.guard = check }

// Requests gives the number of HTTP requests sent so far, retries and followed redirects included.
func (c *Client) Requests() int { return int(c.requests.Load()) }

// Do carries out one call, with the retries that are safe for it. The error is an *AmbiguousError when a write may have had an
// effect, else an *APIError, *TransportError or *NotSentError, or a plain one when the request itself is unfit; after a cancellation it also
// matches the context's error.
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	k, err := c.prepare(r)
	if err != nil {
		return nil, err
	}
	var tried tally
	doubt := false // an earlier attempt of a write may have had an effect
	for {
		a := c.exchange(ctx, k)
		if a.err == nil {
			return a.response, nil
		}
		if a.interrupted && !a.sent && tried.last != nil {
			return nil, k.outcome(c.stopped(ctx, k, tried.last), doubt)
		}
		tried.last = a.err
		doubt = doubt || k.write() && a.uncertain()
		v := judge(k.repeatable, a)
		wait, again := tried.next(v, a, c.jitter())
		switch {
		case !again:
			final := v == giveUp && a.status >= 400 && a.status < 500
			return nil, k.outcome(a.err, doubt && !final)
		case v == hold:
			c.limit.pause(wait)
		default:
			if c.clock.Sleep(ctx, wait) != nil {
				return nil, k.outcome(c.stopped(ctx, k, a.err), doubt)
			}
		}
	}
}

// stopped is the error of a call whose context ended between two attempts.
func (c *Client) stopped(ctx context.Context, k *call, last error) error {
	return &TransportError{Method: k.method, Path: k.path, Reason: "stopped waiting to try again after " + reason(last), cause: ctx.Err()}
}

// outcome marks the error of a write that may have had an effect.
func (k *call) outcome(err error, doubt bool) error {
	if doubt {
		return &AmbiguousError{Method: k.method, Path: k.path, Cause: err}
	}
	return err
}

// parseBase checks an API address. Its errors do not repeat the text, which may hold a password.
func parseBase(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(text, "/"))
	switch {
	case err != nil || u.Hostname() == "":
		return nil, errors.New("not a URL with a host, such as " + USBaseURL)
	case u.User != nil:
		return nil, errors.New("must not hold a user or password")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("must not hold a query or fragment")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, fmt.Errorf("plain http would show the key to the network; use https for %s", u.Host)
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("must begin with https://")
	}
	return u, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

func checkKey(key string) error {
	if key == "" {
		return errors.New("it is empty")
	}
	if strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("it holds blanks, line ends or other characters that no key has")
	}
	return nil
}

// newTransport gives a pool of connections. Idle ones are dropped early: a write on a connection that the server is just
// closing ends in doubt.
func newTransport() http.RoundTripper {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:    10 * time.Second,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 10 * time.Second},
		MaxIdleConnsPerHost:    16,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: 1 << 20,
	}
}
