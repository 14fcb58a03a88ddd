package certcentral

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Request is one call of the API.
type Request struct {
	Method string
	Path   string // below the API's address, beginning with "/"; variable segments come from PathEscape
	Query  url.Values
	Body   any // sent as JSON; nil for none
	// Repeatable marks a write that has the same effect when sent again, such as a PUT that replaces. Reads always are.
	Repeatable bool
}

// PathEscape makes a value fit for one segment of a Request's path.
func PathEscape(segment string) string {
	switch segment {
	case ".":
		return "%2E"
	case "..":
		return "%2E%2E"
	}
	return url.PathEscape(segment)
}

// call is a request made ready: all its attempts send the same bytes to the same place.
type call struct {
	method     string
	path       string // scrubbed, for errors and the log
	url        *url.URL
	body       []byte
	repeatable bool
}

func (c *call) write() bool { return c.method != http.MethodGet }

// prepare checks a request and resolves it against the API's address.
func (c *Client) prepare(r Request) (*call, error) {
	known := []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
	if !slices.Contains(known, r.Method) {
		return nil, fmt.Errorf("prepare request: unknown method %q", r.Method)
	}
	path := c.clean(r.Path)
	if err := checkPath(r.Path); err != nil {
		return nil, fmt.Errorf("prepare %s %s: %w", r.Method, path, err)
	}
	u, err := url.Parse(c.base.String() + r.Path)
	if err != nil {
		return nil, fmt.Errorf("prepare %s %s: path cannot be part of a URL", r.Method, path)
	}
	u.RawQuery = r.Query.Encode()
	out := &call{method: r.Method, path: path, url: u, repeatable: r.Repeatable || r.Method == http.MethodGet}
	if r.Body != nil {
		out.body, err = json.Marshal(r.Body)
		if err != nil {
			return nil, fmt.Errorf("prepare %s %s: body cannot be written as JSON: %s", r.Method, path, c.clean(err.Error()))
		}
	}
	return out, nil
}

func checkPath(path string) error {
	switch {
	case !strings.HasPrefix(path, "/"):
		return errors.New("path does not begin with /")
	case strings.ContainsAny(path, "?#"):
		return errors.New("path holds an unescaped ? or #")
	}
	for segment := range strings.SplitSeq(path[1:], "/") {
		if segment == "" || segment == "." || segment == ".." {
			return errors.New("path has an empty or relative segment")
		}
	}
	return nil
}

// request builds one attempt's HTTP request to an address that has been found safe for the key.
func (c *Client) request(ctx context.Context, k *call, to *url.URL) (*http.Request, error) {
	var body io.Reader
	if k.body != nil {
		body = bytes.NewReader(k.body)
	}
	r, err := http.NewRequestWithContext(ctx, k.method, to.String(), body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("X-DC-DEVKEY", c.key.Reveal())
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", c.agent)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return r, nil
}
