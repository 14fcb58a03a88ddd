package certcentral

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// attempt is what sending a call once came to.
type attempt struct {
	response *Response
	err      error // *APIError, *TransportError or *NotSentError; nil on success

	status      int // zero when no answer came
	location    string
	retryAfter  time.Duration
	sent        bool // something may have reached the server
	garbled     bool // the server reported success in words that cannot be used
	lasting     bool // sending it again would fail again, or must not be
	interrupted bool // the caller's context ended it
}

const maxRedirects = 5

// exchange sends a call once, following redirects where that is safe.
func (c *Client) exchange(ctx context.Context, k *call) *attempt {
	to := k.url
	for range maxRedirects + 1 {
		a := c.send(ctx, k, to)
		if a.err != nil || a.response != nil {
			return a
		}
		next, err := k.redirect(to, a.location)
		if err != nil {
			a.lasting = true
			a.err = c.unusable(k, err.Error())
			return a
		}
		to = next
	}
	return &attempt{sent: true, lasting: true, err: c.unusable(k, "too many redirects")}
}

// redirect gives the address of the next hop, if the key may go there: reads only, and only to the origin they were meant for.
func (k *call) redirect(from *url.URL, location string) (*url.URL, error) {
	to, err := from.Parse(location)
	switch {
	case err != nil || location == "":
		return nil, errors.New("redirect without a usable address")
	case k.write():
		return nil, errors.New("refused to repeat a write at a redirect to " + to.Host)
	case !strings.EqualFold(to.Scheme, from.Scheme) || origin(to) != origin(from) || to.User != nil:
		return nil, errors.New("refused to take the key along on a redirect to " + to.Scheme + "://" + to.Host)
	}
	to.Fragment = ""
	return to, nil
}

func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[strings.ToLower(u.Scheme)]
	}
	return strings.ToLower(u.Hostname()) + ":" + port
}

// send makes one HTTP request within the rate limits, and logs it in one line. An attempt with neither response nor error is a
// redirect.
func (c *Client) send(ctx context.Context, k *call, to *url.URL) *attempt {
	asked := c.clock.Now()
	if err := c.limit.take(ctx); err != nil {
		return &attempt{err: c.broken(ctx, k, err), lasting: true, interrupted: true}
	}
	if k.write() && c.guard != nil {
		if err := c.guard(); err != nil {
			c.limit.drop()
			return &attempt{err: &NotSentError{Method: k.method, Path: k.path, Cause: err}, lasting: true}
		}
	}
	start := c.clock.Now()
	n := c.requests.Add(1)
	a := c.roundTrip(ctx, k, to)
	if c.log.Enabled(ctx, slog.LevelDebug) {
		attrs := []slog.Attr{
			slog.Int64("n", n), slog.String("method", k.method), slog.String("path", c.clean(to.Path)),
			slog.String("query", c.clean(decoded(to.RawQuery))), slog.Int("status", a.status),
			slog.Duration("took", c.clock.Now().Sub(start)), slog.Duration("waited", start.Sub(asked)),
		}
		if a.err != nil {
			attrs = append(attrs, slog.String("error", reason(a.err)))
		}
		c.log.LogAttrs(ctx, slog.LevelDebug, "request", attrs...)
	}
	return a
}

// decoded makes a query legible; one that cannot be decoded is shown as it is.
func decoded(query string) string {
	if text, err := url.QueryUnescape(query); err == nil {
		return text
	}
	return query
}

func (c *Client) roundTrip(ctx context.Context, k *call, to *url.URL) *attempt {
	timed, cancel := context.WithTimeoutCause(ctx, c.timeout, errSlow)
	defer cancel()
	conn := &wire{}
	r, err := c.request(httptrace.WithClientTrace(timed, conn.trace()), k, to)
	if err != nil {
		c.limit.land()
		return &attempt{err: c.broken(timed, k, err), lasting: true}
	}
	if k.write() {
		c.step.At(PointSending)
	}
	resp, err := c.transport.RoundTrip(r)
	c.limit.land()
	if err != nil {
		var untrusted *tls.CertificateVerificationError
		return &attempt{
			err: c.broken(timed, k, err), sent: conn.used(),
			lasting: ctx.Err() != nil || errors.As(err, &untrusted), interrupted: ctx.Err() != nil,
		}
	}
	defer resp.Body.Close()
	limit := int64(maxAnswer)
	if resp.StatusCode >= 300 {
		limit = maxErrorAnswer
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if k.write() {
		c.step.At(PointAnswered)
	}
	a := &attempt{status: resp.StatusCode, sent: true}
	switch {
	case resp.StatusCode >= 400:
		a.retryAfter = retryAfter(resp.Header, c.clock.Now())
		a.err = c.apiError(k, resp, raw, a.retryAfter)
	case redirects(resp.StatusCode):
		a.location = resp.Header.Get("Location")
	case err != nil:
		a.garbled, a.lasting, a.interrupted = true, ctx.Err() != nil, ctx.Err() != nil
		a.err = c.broken(timed, k, err)
	case len(raw) > maxAnswer:
		a.lasting = true
		a.err = c.unusable(k, "answer is larger than 64 MiB")
	default:
		a.response, err = answer(k, resp, raw)
		if err != nil {
			a.garbled = true
			a.err = c.unusable(k, err.Error()+c.excerpt(resp, raw))
		}
	}
	return a
}

func redirects(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

var errSlow = errors.New("request timeout")

// broken describes a failure of the transport under the context of one HTTP request.
func (c *Client) broken(ctx context.Context, k *call, err error) *TransportError {
	e := c.unusable(k, err.Error())
	switch {
	case errors.Is(context.Cause(ctx), errSlow):
		e.Reason = "no complete answer within " + c.timeout.String()
	case ctx.Err() != nil:
		e.Reason, e.cause = "stopped before an answer came: "+ctx.Err().Error(), ctx.Err()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		e.Reason = "connection was cut before the answer was complete"
	}
	return e
}

func (c *Client) unusable(k *call, reason string) *TransportError {
	return &TransportError{Method: k.method, Path: k.path, Reason: c.clean(reason)}
}

// wire watches whether a request got as far as a connection.
type wire struct{ asked, got atomic.Bool }

func (w *wire) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) { w.asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { w.got.Store(true) },
	}
}

// used tells whether the server may have got something. A transport that does not report is assumed to have sent.
func (w *wire) used() bool { return w.got.Load() || !w.asked.Load() }
