package certcentral

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/secret"
)

func TestAPIErrorDecodes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, kind, body string
		codes            []Code
		message          string
	}{
		{"one", "application/json", `{"errors":[{"code":"not_found|order","message":"No such order"}]}`, []Code{"not_found|order"}, "No such order"},
		{"several", "application/json", `{"errors":[{"code":"a","message":"A"},{"code":"b:c"},{"message":"C"}]}`, []Code{"a", "b:c"}, "A; C"},
		{"single object", "application/json", `{"errors":{"code":"a","message":"A"}}`, []Code{"a"}, "A"},
		{"old description", "application/json", `{"errors":[{"code":"a","description":"A"}]}`, []Code{"a"}, "A"},
		{"wrong content type", "text/html", `{"errors":[{"code":"a","message":"A"}]}`, []Code{"a"}, "A"},
		{"line ends and escapes", "application/json", `{"errors":[{"code":"a","message":"A\r\n\u001b[31mB"}]}`, []Code{"a"}, "A [31mB"},
		{"wrong types", "application/json", `{"errors":[{"code":1,"message":[]},7,null]}`, nil, `answer has no errors in it (application/json: "{\"errors\":[{\"code\":1,\"message\":[]},7,null]}")`},
		{"other JSON", "application/json", `{"fault":"x"}`, nil, `answer has no errors in it (application/json: "{\"fault\":\"x\"}")`},
		{"nothing", "application/json", ``, nil, ``},
		{"HTML", "text/html; charset=utf-8", "<html><script>alert(1)</script><h1>Access\n&lt;denied&gt;</h1></html>", nil, `answer is not JSON (text/html; charset=utf-8: "Access")`},
		{"only markup", "text/html", "<br>", nil, `answer is not JSON (text/html)`},
		{"no type", "", "oops", nil, `answer is not JSON (no content type: "oops")`},
		{"long", "text/plain", strings.Repeat("é", 5000), nil, `answer is not JSON (text/plain: "` + strings.Repeat("é", maxText) + `…")`},
		{"huge", "text/plain", strings.Repeat("x", maxErrorAnswer+5), nil, `answer is not JSON (text/plain, large)`},
	} {
		c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = []string{tc.kind}
			w.WriteHeader(404)
			io.WriteString(w, tc.body)
		})
		_, err := c.Do(t.Context(), Request{Method: "GET", Path: "/x"})
		want := &APIError{Status: 404, Codes: tc.codes, Message: tc.message, Method: "GET", Path: "/x"}
		var got *APIError
		if !errors.As(err, &got) {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tc.name, diff)
		}
	}
}

func TestAPIErrorHas(t *testing.T) {
	t.Parallel()
	e := &APIError{Status: 403, Codes: []Code{"x", "access_denied|missing_permission", "invalid_value:validity_years", "a|b:c"}}
	for code, want := range map[string]bool{
		"x": true, "access_denied": true, "access_denied|missing_permission": true, "invalid_value": true, "invalid_value:validity_years": true,
		"a": true, "a|b": true, "a|b:c": true, "access": false, "missing_permission": false, "invalid_value:validity": false, "b": false,
	} {
		if got := e.Has(code); got != want {
			t.Errorf("Has(%q) = %t", code, got)
		}
	}
}

func TestAPIErrorTexts(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		e          APIError
		text, hint string
	}{
		{APIError{Status: 403, Codes: []Code{"access_denied|access_denied_invalid_key"}, Message: "Invalid key"},
			"GET /x: 403 access_denied|access_denied_invalid_key: Invalid key", "may belong to the other"},
		{APIError{Status: 401}, "GET /x: 401 Unauthorized", "may belong to the other"},
		{APIError{Status: 403, Codes: []Code{"access_denied|missing_permission"}}, "GET /x: 403 access_denied|missing_permission", "restriction or the role"},
		{APIError{Status: 429, Codes: []Code{"request_limit_exceeded"}}, "GET /x: 429 request_limit_exceeded", "same key"},
		{APIError{Status: 503}, "GET /x: 503 Service Unavailable", "later"},
		{APIError{Status: 403, Message: "answer is not JSON"}, "GET /x: 403 Forbidden: answer is not JSON", "proxy"},
		{APIError{Status: 400, Codes: []Code{"a", "b"}, Message: "m"}, "GET /x: 400 a b: m", ""},
		{APIError{Status: 599}, "GET /x: 599", "later"},
	} {
		tc.e.Method, tc.e.Path = "GET", "/x"
		if got := tc.e.Error(); got != tc.text {
			t.Errorf("Error() = %q, want %q", got, tc.text)
		}
		if got := tc.e.Hint(); (got == "") != (tc.hint == "") || !strings.Contains(got, tc.hint) {
			t.Errorf("%s: Hint() = %q, want %q in it", tc.text, got, tc.hint)
		}
	}
}

func TestRetryAfterReachesTheError(t *testing.T) {
	t.Parallel()
	c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7200")
		w.WriteHeader(429)
	})
	_, err := c.Do(t.Context(), Request{Method: "POST", Path: "/x"})
	var refused *APIError
	if !errors.As(err, &refused) || refused.RetryAfter != 2*time.Hour || c.Requests() != 1 {
		t.Errorf("%d requests, %v", c.Requests(), err)
	}
}

// A key or another known secret that the server sends back must not show up in an error, its dump, or the log.
func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	const card, word = "4111111111111111", "p&ss<word>/1"
	echo := func(r *http.Request) string { return r.Header.Get("X-DC-DEVKEY") }
	say := func(status int, kind string, text func(key string) string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("X-Echo", echo(r))
			w.WriteHeader(status)
			io.WriteString(w, text(echo(r)))
		}
	}
	to := func(location func(key string) string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", location(echo(r)))
			w.WriteHeader(302)
		}
	}
	for name, h := range map[string]http.HandlerFunc{
		"message": say(400, "application/json", func(k string) string {
			return fmt.Sprintf(`{"errors":[{"code":"bad|%s","message":"key %s, card %s, p\u0026ss\u003cword>\/1"}]}`, k, k, card)
		}),
		"other JSON":   say(400, "application/json", func(k string) string { return fmt.Sprintf(`{%q: [%q]}`, k, card) }),
		"HTML":         say(403, "text/html", func(k string) string { return "<a href='" + k + "'>" + k + "</a> p&amp;ss&lt;word&gt;/1 " + card }),
		"attribute":    say(403, "text/html", func(k string) string { return "<b " + k + "> x" + strings.Repeat(k, 100) }),
		"at the cut":   say(403, "text/plain", func(k string) string { return strings.Repeat("x", maxText-5) + k }),
		"at the limit": say(403, "text/plain", func(k string) string { return strings.Repeat(" ", maxErrorAnswer-5) + k }),
		"content type": func(w http.ResponseWriter, r *http.Request) {
			say(403, "text/"+echo(r), func(string) string { return "x" })(w, r)
		},
		"HTML with 200": say(200, "text/html", func(k string) string { return "<p>" + k + card }),
		"line end":      say(400, "text/plain", func(string) string { return "two\r\n\x00words" }),
		"raw markup":    say(400, "text/html", func(string) string { return "<p>" + word }),
		"status 5xx":    say(503, "text/html", func(k string) string { return k + card }),
		"redirect host": to(func(k string) string { return "https://" + k + ".example.com/" + k + "?k=" + k }),
		"redirect user": to(func(k string) string { return "https://" + k + ":" + card + "@example.com/" }),
		"redirect path": to(func(k string) string { return "/services/v2/" + k + "?key=" + k + "&card=" + card }),
		"bad redirect":  to(func(k string) string { return "https://[" + k }),
		"bad header": func(w http.ResponseWriter, r *http.Request) {
			conn, buf, _ := http.NewResponseController(w).Hijack()
			fmt.Fprintf(buf, "HTTP/1.1 %s %s\r\n%s\r\n\r\n", echo(r), echo(r), echo(r))
			buf.Flush()
			conn.Close()
		},
	} {
		for _, method := range []string{"GET", "POST"} {
			t.Run(name+"/"+method, func(t *testing.T) {
				t.Parallel()
				scrub := &secret.Scrubber{}
				scrub.Add(secret.New(card))
				scrub.Add(secret.New(word))
				scrub.Add(secret.New("two words"))
				var log bytes.Buffer
				c := newClient(t, h, func(cfg *Config) {
					cfg.Scrub = scrub
					cfg.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
				})
				_, err := c.Do(t.Context(), Request{Method: method, Path: "/order/" + card, Query: map[string][]string{"q": {testKey + card + word}}})
				if err == nil {
					t.Fatal("no error")
				}
				var all strings.Builder
				for e := err; e != nil; e = errors.Unwrap(e) {
					fmt.Fprintf(&all, "%v\n%+v\n%#v\n", e, e, e)
				}
				all.WriteString(log.String())
				for _, s := range []string{testKey, strings.ToLower(testKey), testKey[:12], card, card[:8], "p&ss", "p&amp;ss", "%26ss", "two words"} {
					if strings.Contains(all.String(), s) {
						t.Errorf("%q shows:\n%s", s, all.String())
					}
				}
				if strings.Count(log.String(), "\n") != c.Requests() {
					t.Errorf("%d requests, log:\n%s", c.Requests(), log.String())
				}
			})
		}
	}
}

func TestLogLine(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	c := newClient(t, reply(404, `{"errors":[{"code":"not_found|order"}]}`), func(cfg *Config) {
		cfg.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
				return slog.Attr{}
			}
			return a
		}}))
	})
	if _, err := c.Do(t.Context(), Request{Method: "GET", Path: "/order/certificate/5", Query: map[string][]string{"filters[status]": {"issued"}}}); err == nil {
		t.Fatal("no error")
	}
	want := `msg=request n=1 method=GET path=/services/v2/order/certificate/5 query="filters[status]=issued" status=404 took=0s waited=0s error="404 not_found|order"` + "\n"
	if diff := cmp.Diff(want, log.String()); diff != "" {
		t.Errorf("log (-want +got)\n%s", diff)
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	stolen := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("another host got a request, with key %q", r.Header.Get("X-DC-DEVKEY"))
	}))
	t.Cleanup(stolen.Close)
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			w.Header().Set("Location", stolen.URL+"/services/v2/a")
		case "/scheme":
			w.Header().Set("Location", "https://"+r.Host+"/services/v2/end")
		case "/user":
			w.Header().Set("Location", "http://a:b@"+r.Host+"/services/v2/end")
		case "/nowhere":
		case "/loop":
			w.Header().Set("Location", "/services/v2/loop")
		case "/near":
			w.Header().Set("Location", "end?x=1#frag")
		case "/end":
			if r.Header.Get("X-DC-DEVKEY") != testKey || r.URL.RawQuery != "x=1" {
				t.Errorf("at the end: key %q, query %q", r.Header.Get("X-DC-DEVKEY"), r.URL.RawQuery)
			}
			reply(200, `{"end": true}`)(w, r)
			return
		}
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	for _, tc := range []struct {
		method, path, want string
		requests           int
	}{
		{"GET", "/near", "", 2},
		{"GET", "/away", "refused to take the key along on a redirect to http://127.0.0.1:", 1},
		{"GET", "/scheme", "refused to take the key along on a redirect to https://127.0.0.1:", 1},
		{"GET", "/user", "refused to take the key along", 1},
		{"GET", "/nowhere", "redirect without a usable address", 1},
		{"GET", "/loop", "too many redirects", maxRedirects + 1},
		{"POST", "/near", "refused to repeat a write at a redirect to 127.0.0.1:", 1},
		{"PUT", "/near", "refused to repeat a write at a redirect to 127.0.0.1:", 1},
	} {
		before := c.Requests()
		resp, err := c.Do(t.Context(), Request{Method: tc.method, Path: tc.path, Repeatable: tc.method == "PUT"})
		if got := c.Requests() - before; got != tc.requests {
			t.Errorf("%s %s: %d requests, want %d", tc.method, tc.path, got, tc.requests)
		}
		if tc.want == "" {
			if err != nil || resp.Body["end"] != true {
				t.Errorf("%s %s: %v, %v", tc.method, tc.path, resp, err)
			}
			continue
		}
		var doubt *AmbiguousError
		if err == nil || !strings.Contains(err.Error(), tc.want) || errors.As(err, &doubt) != (tc.method != "GET") {
			t.Errorf("%s %s: %v, want %q", tc.method, tc.path, err, tc.want)
		}
	}
}

// Whatever a server answers, decoding gives a success or an error that is short, on one line, and without the key.
func FuzzAnswer(f *testing.F) {
	f.Add(200, "application/json", []byte(`{"id": 1}`))
	f.Add(204, "", []byte(``))
	f.Add(403, "text/html", []byte(`<html>`+testKey+`</html>`))
	f.Add(400, "application/json", []byte(`{"errors":[{"code":"a|b","message":"m"}]}`))
	f.Add(400, "application/json", []byte(`{"errors":{"code":"a"}}`))
	f.Add(500, "application/json", []byte(`[[[{"errors":null}]]]`))
	f.Add(200, "text/plain", []byte("\xef\xbb\xbf[]"))
	f.Fuzz(func(t *testing.T, status int, kind string, raw []byte) {
		c, err := New(Config{BaseURL: USBaseURL, Key: secret.New(testKey)})
		if err != nil {
			t.Fatal(err)
		}
		k, err := c.prepare(Request{Method: "GET", Path: "/x"})
		if err != nil {
			t.Fatal(err)
		}
		resp := &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {kind}}}
		refused := c.apiError(k, resp, raw, 0)
		text := refused.Error() + refused.Hint() + c.excerpt(resp, raw)
		for _, code := range refused.Codes {
			if !refused.Has(string(code)) {
				t.Errorf("has not its own code %q", code)
			}
		}
		if strings.Contains(text, testKey) || strings.ContainsAny(text, "\n\r\x1b\x00") {
			t.Errorf("unfit text %q", text)
		}
		if got, err := answer(k, resp, raw); (got == nil) == (err == nil) {
			t.Errorf("answer gives %v and %v", got, err)
		}
		if body, err := decodeBody(raw); err == nil {
			for key := range body {
				Items(body, key)
				ID(body[key])
				if p, err := readPage(body, key); err == nil && p.total < 0 {
					t.Errorf("negative total %d", p.total)
				}
			}
		}
	})
}
