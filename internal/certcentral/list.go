package certcentral

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
)

const (
	pageSize = 1000 // the most the API gives at once
	maxWalks = 3
)

// Listing is what walking all pages of a collection gave. Only a Complete one proves that something is not there.
type Listing struct {
	Items    []map[string]any // each object once
	Total    int              // the number of objects by the server's last word
	Complete bool
	Problem  string // why it is not complete
}

// Pages gives the number of requests that an undisturbed listing of so many objects takes. It is one per 1,000, or one more
// just below a multiple of 1,000: each page repeats the last object of the page before.
func Pages(objects int) int { return max(1, (objects-1+pageSize-2)/(pageSize-1)) }

// List reads a collection to its end: the array under key, with the query's filters. The query should hold a sort by something
// that never changes. An object is known by its id, or its order_id where it has no id.
//
// Objects can come and go while pages are read, and then one that nobody touched can slip past. Hence each page begins with the
// last object of the page before: as long as that one is found again, everything behind it is still ahead. If it is not, or if
// the number of objects does not come out, the walk begins anew; a listing that never settles is returned as not Complete. An
// error means that a page could not be read at all.
func (c *Client) List(ctx context.Context, path, key string, query url.Values) (*Listing, error) {
	for n := 1; ; n++ {
		w := &walk{index: map[string]int{}}
		if err := c.walk(ctx, w, path, key, query, n == maxWalks); err != nil {
			return nil, fmt.Errorf("list %s: %w", key, err)
		}
		if w.problem == "" || n == maxWalks {
			return &Listing{Items: w.items, Total: w.total, Complete: w.problem == "", Problem: w.problem}, nil
		}
	}
}

// walk is one way through the pages.
type walk struct {
	items   []map[string]any
	index   map[string]int // id → place in items
	last    string         // id of the last object of the page before
	total   int
	problem string
}

// walk reads pages until the end, or to the first problem unless it is the last chance to see anything at all.
func (c *Client) walk(ctx context.Context, w *walk, path, key string, query url.Values, toEnd bool) error {
	for offset := 0; w.problem == "" || toEnd; {
		q := maps.Clone(query)
		if q == nil {
			q = url.Values{}
		}
		q.Set("limit", strconv.Itoa(pageSize))
		q.Set("offset", strconv.Itoa(offset))
		resp, err := c.Do(ctx, Request{Method: http.MethodGet, Path: path, Query: q})
		if err != nil {
			return err
		}
		p, err := readPage(resp.Body, key)
		if err != nil {
			return &TransportError{Method: http.MethodGet, Path: c.clean(path), Reason: err.Error()}
		}
		if !p.paged && offset == 0 {
			w.items, w.total = p.items, len(p.items)
			return nil
		}
		w.add(p, offset)
		if len(p.items) == 0 || offset+len(p.items) >= p.total {
			break
		}
		offset += max(1, len(p.items)-1)
	}
	if w.problem == "" && len(w.items) != w.total {
		w.problem = fmt.Sprintf("the server counts %d objects and showed %d", w.total, len(w.items))
	}
	return nil
}

// add takes over a page and notes what shows that the collection moved since the page before.
func (w *walk) add(p *page, offset int) {
	note := func(format string, args ...any) {
		if w.problem == "" {
			w.problem = fmt.Sprintf(format, args...)
		}
	}
	if !p.paged {
		note("page at offset %d does not say how many objects there are", offset)
	}
	if offset > 0 && p.total < w.total {
		note("the number of objects fell from %d to %d while listing", w.total, p.total)
	}
	w.total = p.total
	overlap := offset == 0 || w.last == ""
	for _, item := range p.items {
		id := identity(item)
		if id == "" {
			note("an object at offset %d or behind has no id", offset)
			continue
		}
		overlap = overlap || id == w.last
		if at, seen := w.index[id]; seen {
			w.items[at] = item
			continue
		}
		w.index[id] = len(w.items)
		w.items = append(w.items, item)
	}
	if !overlap {
		note("the objects moved between the pages before and behind offset %d", offset)
	}
	w.last = ""
	if len(p.items) > 1 {
		w.last = identity(p.items[len(p.items)-1])
	}
}

func identity(item map[string]any) string {
	if id := ID(item["id"]); id != "" {
		return id
	}
	return ID(item["order_id"])
}

// page is one answer of a collection.
type page struct {
	items []map[string]any
	paged bool // it says how many objects there are
	total int
}

// readPage decodes one answer. A missing array means none, but only where nothing else stands in its place: an answer of
// another kind must not pass for an empty account.
func readPage(body map[string]any, key string) (*page, error) {
	p := &page{}
	info, paged := body["page"]
	if paged {
		total, ok := count(Object(info)["total"])
		if !ok {
			return nil, fmt.Errorf("answer has a page without a total")
		}
		p.paged, p.total = true, total
	}
	switch v := body[key].(type) {
	case nil:
		for other := range body {
			if other != "page" && other != key {
				return nil, fmt.Errorf("answer has no %q but other members", key)
			}
		}
		if body == nil {
			return nil, fmt.Errorf("answer is empty")
		}
	case []any:
		p.items = Items(body, key)
		if len(p.items) != len(v) {
			return nil, fmt.Errorf("answer has something else than objects under %q", key)
		}
	default:
		return nil, fmt.Errorf("answer has no array under %q", key)
	}
	return p, nil
}
