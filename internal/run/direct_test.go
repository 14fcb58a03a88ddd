package run_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

// direct carries requests to a handler of this process, one at a time, as a server on a socket would, but without the socket. What becomes of cut connections is as with a socket; what goes on inside a connection
// (timeouts, slow bodies) is for tests with a real server.
type direct struct {
	handler http.Handler
	changes int  // requests so far that may have changed something
	dead    bool // the process that sends was killed: nothing gets through any more
}

// RoundTrip serves one request. A handler that aborts leaves a connection cut before the answer, or in the middle of it.
func (d *direct) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	if d.dead {
		return nil, errKilled
	}
	if req.Method != http.MethodGet {
		d.changes++
	}
	in := req.Clone(req.Context())
	in.Host, in.RequestURI = req.URL.Host, req.URL.RequestURI()
	if in.Body == nil {
		in.Body = http.NoBody
	}
	out := &answer{header: http.Header{}}
	defer func() {
		switch p := recover(); {
		case p == nil:
		case p != http.ErrAbortHandler:
			panic(p)
		case out.status == 0:
			resp, err = nil, io.EOF
		default:
			resp, err = out.response(req), nil
			resp.Body = io.NopCloser(io.MultiReader(&out.body, cut{}))
		}
		if req.Context().Err() != nil { // the client went away meanwhile
			resp, err = nil, req.Context().Err()
		}
	}()
	d.handler.ServeHTTP(out, in)
	return out.response(req), nil
}

var errKilled = errors.New("killed")

// answer is what a handler writes.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

func (a *answer) response(req *http.Request) *http.Response {
	a.WriteHeader(http.StatusOK)
	return &http.Response{Status: http.StatusText(a.status), StatusCode: a.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.header, ContentLength: int64(a.body.Len()), Body: io.NopCloser(&a.body), Request: req}
}

// cut is where a connection ended too early.
type cut struct{}

func (cut) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
