// Package order is the kind Order: its list, its info, its look-up by nonce and the calls that change one (API facts, sections 5 to 9
// and 14).
package order

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"dcsync/internal/certcentral"
	"dcsync/internal/resource"
)

const kind = "Order"

// API makes the calls of the kind.
type API struct {
	client    *certcentral.Client
	container int64
}

// New gives the kind over a client; container is the only one whose orders are listed, 0 for all.
func New(c *certcentral.Client, container int64) *API { return &API{c, container} }

// Name gives the kind's name.
func (*API) Name() string { return kind }

// List gives all orders the key sees, sorted by id so that the walk is stable.
func (a *API) List(ctx context.Context) (*certcentral.Listing, []*resource.Live, error) {
	query := url.Values{"sort": {"order_id"}}
	if a.container != 0 {
		query.Set("filters[container_id]", strconv.FormatInt(a.container, 10))
	}
	l, err := a.client.List(ctx, "/order/certificate", "orders", query)
	if err != nil {
		return nil, nil, err
	}
	return l, listed(l), nil
}

// Recent gives the orders of a product created at or after an instant.
func (a *API) Recent(ctx context.Context, product string, since time.Time) ([]*resource.Live, error) {
	l, err := a.client.List(ctx, "/order/certificate", "orders", url.Values{"sort": {"order_id"}, "filters[product_name_id]": {product},
		"filters[date_created]": {">" + since.UTC().Format("2006-01-02+15:04:05")}})
	if err != nil {
		return nil, err
	}
	if !l.Complete {
		return nil, fmt.Errorf("list recent orders: %s", l.Problem)
	}
	return listed(l), nil
}

func listed(l *certcentral.Listing) []*resource.Live {
	out := make([]*resource.Live, 0, len(l.Items))
	for _, item := range l.Items {
		out = append(out, live(item, resource.ListDepth))
	}
	return out
}

// Read gives one order. Notes and certificates are asked for separately, only when they are wanted and the info does not show them.
func (a *API) Read(ctx context.Context, id string, want []resource.Path) (*resource.Live, error) {
	resp, err := a.client.Do(ctx, certcentral.Request{Method: http.MethodGet, Path: path(id)})
	if err != nil {
		return nil, err
	}
	body := resp.Body
	if got := certcentral.ID(body["id"]); got != id {
		return nil, fmt.Errorf("read order %s: the answer is about %s", id, cmp.Or(got, "none"))
	}
	for _, p := range want {
		if p.Under("/notes") && body["notes"] == nil {
			notes, err := a.client.Do(ctx, certcentral.Request{Method: http.MethodGet, Path: path(id) + "/note"})
			if err != nil {
				return nil, err
			}
			body["notes"] = notes.Body["notes"]
			break
		}
	}
	l := live(body, resource.InfoDepth)
	if slices.Contains(want, resource.CertificatesPath) {
		return l, a.certificates(ctx, id, l)
	}
	return l, nil
}

// Lookup gives the ids of the orders that carry an alternative order id. That there is none is answered by a 404 or by an empty list.
func (a *API) Lookup(ctx context.Context, nonce string) ([]string, error) {
	resp, err := a.client.List(ctx, "/order/alternate/"+certcentral.PathEscape(nonce), "orders", nil)
	if saysNone(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !resp.Complete {
		return nil, fmt.Errorf("look up alternative order id: %s", resp.Problem)
	}
	var ids []string
	for _, item := range resp.Items {
		id := certcentral.ID(item["order_id"])
		if id == "" {
			id = certcentral.ID(item["id"])
		}
		if id == "" {
			return nil, errors.New("look up alternative order id: an order in the answer has no id")
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// saysNone tells whether a look-up was answered with "no such order". Another 404 (a page of a proxy, an unknown route) says nothing about
// orders.
func saysNone(err error) bool {
	var api *certcentral.APIError
	return errors.As(err, &api) && api.Status == http.StatusNotFound &&
		(slices.Contains(api.Codes, "not_found") || slices.Contains(api.Codes, "not_found|order"))
}

// Create places an order, once.
func (a *API) Create(ctx context.Context, d *resource.Descriptor, body resource.Map) (id, parent string, requests []resource.Request, err error) {
	resp, err := a.client.Do(ctx, certcentral.Request{Method: http.MethodPost, Path: "/order/certificate/" + certcentral.PathEscape(d.Product), Body: body})
	if err != nil {
		return "", "", nil, err
	}
	if id, err = certcentral.NewID(resp, "place order"); err != nil {
		return "", "", nil, err
	}
	return id, certcentral.ID(certcentral.Object(resp.Body["organization"])["id"]), requestsOf(resp.Body), nil
}

func path(id string) string { return "/order/certificate/" + certcentral.PathEscape(id) }
