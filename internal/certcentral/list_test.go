package certcentral

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/secret"
)

// account is a collection of orders, by ascending id.
type account struct {
	ids     []int
	most    int // per page
	total   func(real int) int
	between func(request int) // edits before each request but the first
	served  int
	offsets []int
	mangle  func(offset int, items []map[string]any) []map[string]any
}

func numbered(n int) *account {
	a := &account{most: pageSize}
	for i := range n {
		a.ids = append(a.ids, 10*(i+1))
	}
	return a
}

func (a *account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if a.between != nil && a.served > 0 {
		a.between(a.served)
	}
	a.served++
	offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	a.offsets = append(a.offsets, offset)
	from := min(offset, len(a.ids))
	to := min(from+limit, from+a.most, len(a.ids))
	items := []map[string]any{}
	for _, id := range a.ids[from:to] {
		items = append(items, map[string]any{"id": id, "status": "issued"})
	}
	if a.mangle != nil {
		items = a.mangle(offset, items)
	}
	total := len(a.ids)
	if a.total != nil {
		total = a.total(total)
	}
	body := map[string]any{"page": map[string]any{"total": total, "limit": 0, "offset": offset}}
	if len(items) > 0 {
		body["orders"] = items
	}
	json.NewEncoder(w).Encode(body)
}

func (a *account) list(t *testing.T) *Listing {
	t.Helper()
	c := newClient(t, a.ServeHTTP)
	l, err := c.List(t.Context(), "/order/certificate", "orders", url.Values{"sort": {"order_id"}})
	if err != nil {
		t.Fatal(err)
	}
	if l.Complete != (l.Problem == "") {
		t.Errorf("Complete is %t with problem %q", l.Complete, l.Problem)
	}
	return l
}

func ids(l *Listing) []int {
	var out []int
	for _, item := range l.Items {
		n, _ := count(item["id"])
		out = append(out, n)
	}
	return out
}

func TestListQuiet(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 999, 1000, 1001, 1999, 2000, 2001, 3120} {
		a := numbered(n)
		l := a.list(t)
		if !l.Complete || l.Total != n || !slices.Equal(ids(l), a.ids) {
			t.Errorf("%d orders: complete %t, total %d, %d items: %s", n, l.Complete, l.Total, len(l.Items), l.Problem)
		}
		if a.served != Pages(n) {
			t.Errorf("%d orders: %d requests, Pages says %d", n, a.served, Pages(n))
		}
	}
	for n, want := range map[int]int{0: 1, 1: 1, 1000: 1, 1001: 2, 1999: 2, 2000: 3, 2500: 3, 100_000: 101} {
		if got := Pages(n); got != want {
			t.Errorf("Pages(%d) = %d, want %d", n, got, want)
		}
	}
}

func TestListSmallPages(t *testing.T) {
	t.Parallel()
	for _, most := range []int{1, 2, 3, 40} {
		a := numbered(100)
		a.most = most
		if l := a.list(t); !l.Complete || !slices.Equal(ids(l), a.ids) {
			t.Errorf("pages of %d: complete %t (%s), %d items", most, l.Complete, l.Problem, len(l.Items))
		}
	}
}

func TestListMoving(t *testing.T) {
	t.Parallel()
	t.Run("delete and insert that keep the total", func(t *testing.T) {
		t.Parallel()
		a := numbered(2500)
		a.between = func(request int) {
			if request == 1 {
				a.ids = append(slices.Delete(a.ids, 5, 6), 99_990)
			}
		}
		if l := a.list(t); !l.Complete || !slices.Equal(ids(l), a.ids) {
			t.Errorf("complete %t, %d of %d: %s", l.Complete, len(l.Items), len(a.ids), l.Problem)
		}
	})
	t.Run("an order slips past while all numbers come out", func(t *testing.T) {
		t.Parallel()
		a := numbered(2500)
		a.between = func(request int) {
			switch request {
			case 1: // two go before the page's end, two come behind: the next page begins one too far
				a.ids = append(slices.Delete(a.ids, 5, 7), 99_980, 99_990)
			case 2: // one comes where we have been: the count is right again
				a.ids = slices.Insert(a.ids, 0, 1)
			}
		}
		if l := a.list(t); !l.Complete || !slices.Contains(ids(l), 10*1001) {
			t.Errorf("complete %t, order 10010 found %t: %s", l.Complete, slices.Contains(ids(l), 10*1001), l.Problem)
		}
	})
	t.Run("the object between the pages is deleted", func(t *testing.T) {
		t.Parallel()
		a := numbered(1500)
		a.between = func(request int) {
			if request == 1 {
				a.ids = slices.Delete(a.ids, 999, 1000)
			}
		}
		if l := a.list(t); !l.Complete || !slices.Equal(ids(l), a.ids) {
			t.Errorf("complete %t, %d of %d: %s", l.Complete, len(l.Items), len(a.ids), l.Problem)
		}
	})
	t.Run("orders added at the end need no second walk", func(t *testing.T) {
		t.Parallel()
		a := numbered(2500)
		a.between = func(request int) { a.ids = append(a.ids, 100_000+request) }
		if l := a.list(t); !l.Complete || a.served != 3 || !slices.Equal(ids(l), a.ids) {
			t.Errorf("complete %t after %d requests: %s", l.Complete, a.served, l.Problem)
		}
	})
	t.Run("never settles", func(t *testing.T) {
		t.Parallel()
		a := numbered(2500)
		a.between = func(int) { a.ids = a.ids[1:] }
		l := a.list(t)
		if l.Complete || !strings.Contains(l.Problem, "fell from") || len(l.Items) < 2490 {
			t.Errorf("complete %t, %d items: %s", l.Complete, len(l.Items), l.Problem)
		}
	})
	t.Run("the server counts more than it shows", func(t *testing.T) {
		t.Parallel()
		a := numbered(10)
		a.total = func(real int) int { return real + 1 }
		l := a.list(t)
		if l.Complete || l.Problem != "the server counts 11 objects and showed 10" || len(l.Items) != 10 {
			t.Errorf("complete %t: %s", l.Complete, l.Problem)
		}
	})
	t.Run("objects shown twice", func(t *testing.T) {
		t.Parallel()
		a := numbered(1500)
		a.mangle = func(offset int, items []map[string]any) []map[string]any {
			return append([]map[string]any{{"id": 10 * max(1, offset)}}, items...)
		}
		if l := a.list(t); !l.Complete || len(l.Items) != 1500 {
			t.Errorf("complete %t, %d items: %s", l.Complete, len(l.Items), l.Problem)
		}
	})
	t.Run("the server ignores the offset", func(t *testing.T) {
		t.Parallel()
		a := numbered(1000)
		a.total = func(int) int { return 3000 }
		l := newListing(t, func(w http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			q.Set("offset", "0")
			r.URL.RawQuery = q.Encode()
			a.ServeHTTP(w, r)
		})
		if l.Complete || len(l.Items) != 1000 {
			t.Errorf("complete %t, %d items", l.Complete, len(l.Items))
		}
	})
}

func newListing(t *testing.T, h http.HandlerFunc) *Listing {
	t.Helper()
	l, err := newClient(t, h).List(t.Context(), "/order/certificate", "orders", nil)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// serveDirectly answers without a network.
func serveDirectly(h http.Handler) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Result(), nil
	})
}

// Under any edits, a listing that calls itself complete holds every order that was there all the time, and none that never was.
func TestListUnderRandomEdits(t *testing.T) {
	t.Parallel()
	complete, incomplete := 0, 0
	for seed := range uint64(1500) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		a := numbered(20 + rnd.IntN(60))
		a.most = 2 + rnd.IntN(12)
		ever := map[int]bool{}
		always := map[int]bool{}
		for _, id := range a.ids {
			ever[id], always[id] = true, true
		}
		busy := rnd.IntN(4) // how often something happens; 0 for never after the second request
		a.between = func(request int) {
			if busy == 0 && request > 2 || busy > 0 && rnd.IntN(busy*3) > 0 {
				return
			}
			for range 1 + rnd.IntN(3) {
				kind := rnd.IntN(4)
				if i := rnd.IntN(len(a.ids)); kind != 0 && len(a.ids) > 1 { // take one away
					delete(always, a.ids[i])
					a.ids = slices.Delete(a.ids, i, i+1)
				}
				id := 1 + rnd.IntN(1000)
				switch kind {
				case 1:
					continue
				case 2: // in exchange for one at the end
					id = a.ids[len(a.ids)-1] + 1
				}
				if at, found := slices.BinarySearch(a.ids, id); !found {
					a.ids = slices.Insert(a.ids, at, id)
					ever[id] = true
				}
			}
		}
		got := map[int]bool{}
		c, err := New(Config{BaseURL: USBaseURL, Key: secret.New(testKey), Transport: serveDirectly(a)})
		if err != nil {
			t.Fatal(err)
		}
		l, err := c.List(t.Context(), "/order/certificate", "orders", url.Values{"sort": {"order_id"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range ids(l) {
			if got[id] {
				t.Errorf("seed %d: order %d is listed twice", seed, id)
			}
			got[id] = true
			if !ever[id] {
				t.Errorf("seed %d: order %d is invented", seed, id)
			}
		}
		if !l.Complete {
			incomplete++
			continue
		}
		complete++
		for _, id := range slices.Sorted(maps.Keys(always)) {
			if !got[id] {
				t.Errorf("seed %d: order %d is lost", seed, id)
			}
		}
	}
	if complete < 150 || incomplete < 30 {
		t.Errorf("%d listings were complete, %d not: the test shows little", complete, incomplete)
	}
}

func TestListShapes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		body  string
		items int
		err   string
	}{
		{body: `{}`},
		{body: `[]`},
		{body: `{"page": {"total": 0}}`},
		{body: `{"orders": null}`},
		{body: `{"orders": [], "page": {"total": "0"}}`},
		{body: `{"orders": [{"id": 1}, {"id": "2"}]}`, items: 2},
		{body: `{"orders": [{"note": "no id, no page"}]}`, items: 1},
		{body: `{"orders": [{"order_id": 1}, {"order_id": 2}], "page": {"total": 2}}`, items: 2},
		{body: `{"orders": [{"id": 7, "name": "a"}, {"id": "7"}], "page": {"total": 1}}`, items: 1},
		{body: `{"errors": [{"code": "maintenance"}]}`, err: `no "orders" but other members`},
		{body: `{"orders": {"1": {}}}`, err: `no array under "orders"`},
		{body: `{"orders": [1]}`, err: "something else than objects"},
		{body: `{"orders": [], "page": {}}`, err: "page without a total"},
		{body: `{"orders": [], "page": {"total": -1}}`, err: "page without a total"},
		{body: `7`, err: "not a JSON object"},
	} {
		l, err := newClient(t, reply(200, tc.body)).List(t.Context(), "/order/certificate", "orders", nil)
		var failed *TransportError
		switch {
		case tc.err != "":
			if !errors.As(err, &failed) || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%s: got %v, want %q", tc.body, err, tc.err)
			}
		case err != nil:
			t.Errorf("%s: %v", tc.body, err)
		case len(l.Items) != tc.items || !l.Complete:
			t.Errorf("%s: %d items, complete %t (%s)", tc.body, len(l.Items), l.Complete, l.Problem)
		}
	}
	l := newListing(t, reply(200, `{"orders": [{"status": "x"}], "page": {"total": 1}}`))
	if l.Complete || !strings.Contains(l.Problem, "no id") {
		t.Errorf("object without id: complete %t (%s)", l.Complete, l.Problem)
	}
}

func TestListFails(t *testing.T) {
	t.Parallel()
	a := numbered(1500)
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		if a.served == 1 {
			reply(403, `{"errors":[{"code":"access_denied|missing_permission"}]}`)(w, r)
			return
		}
		a.ServeHTTP(w, r)
	})
	l, err := c.List(t.Context(), "/order/certificate", "orders", nil)
	var refused *APIError
	if !errors.As(err, &refused) || l != nil {
		t.Errorf("got %v, %v", l, err)
	}
}

func TestListKeepsQuery(t *testing.T) {
	t.Parallel()
	var got []string
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.URL.RawQuery)
		reply(200, `{}`)(w, r)
	})
	query := url.Values{"sort": {"order_id"}}
	if _, err := c.List(t.Context(), "/order/certificate", "orders", query); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{fmt.Sprintf("limit=%d&offset=0&sort=order_id", pageSize)}, got); diff != "" {
		t.Errorf("query (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(url.Values{"sort": {"order_id"}}, query); diff != "" {
		t.Errorf("the caller's query was changed (-want +got)\n%s", diff)
	}
}

func TestTree(t *testing.T) {
	t.Parallel()
	body, err := decodeBody([]byte(`{"o": {"id": 5}, "empty": [], "s": " 70011 ", "n": 70011, "f": 1.5, "list": [{"a": 1}, [], null, {"b": 2}], "z": null, "t": true}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := ID(Object(body["o"])["id"]); got != "5" {
		t.Errorf("object: id %q", got)
	}
	for _, key := range []string{"empty", "s", "z", "absent"} {
		if got := Object(body[key]); got != nil {
			t.Errorf("Object(%s) = %v", key, got)
		}
	}
	for key, want := range map[string]string{"s": "70011", "n": "70011", "f": "1.5", "z": "", "t": "", "absent": "", "o": ""} {
		if got := ID(body[key]); got != want {
			t.Errorf("ID(%s) = %q, want %q", key, got, want)
		}
	}
	if got := Items(body, "list"); len(got) != 2 || got[1]["b"] == nil {
		t.Errorf("Items = %v", got)
	}
	if Items(body, "o") != nil || Items(nil, "x") != nil {
		t.Error("Items of something else than an array")
	}
}
