package kinds

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"dcsync/internal/certcentral"
	"dcsync/internal/resource"
)

// limitedUser is the access role that sees only its own orders (glossary, access roles).
const limitedUser = 2

// Whoami tells which account and user the key belongs to, and what the user may see. The account's own page is asked for what the
// user does not say, and does without it where the key may not read it.
func (r *Remote) Whoami(ctx context.Context) (*resource.Identity, error) {
	me, err := r.client.Me(ctx)
	if err != nil {
		return nil, wrap(err)
	}
	id := &resource.Identity{AccountID: number(me.AccountID), UserID: number(me.ID), UserName: me.Name, ContainerID: number(me.Container.ID)}
	for _, role := range me.Roles {
		id.RoleID, id.Role = int(number(role.ID)), role.Name
		if id.RoleID == limitedUser {
			id.Limited = true
			break
		}
	}
	for _, c := range me.Visible {
		id.Sees = append(id.Sees, number(c.ID))
	}
	slices.Sort(id.Sees)
	account, err := r.client.Account(ctx)
	switch {
	case forbidden(err):
	case err != nil:
		return nil, wrap(err)
	default:
		if n := number(account.ID); id.AccountID == 0 {
			id.AccountID = n
		} else if n != 0 && n != id.AccountID {
			return nil, fmt.Errorf("the key's user belongs to account %d, but the account calls itself %d", id.AccountID, n)
		}
		if id.ContainerID == 0 {
			id.ContainerID = number(account.RootContainerID)
		}
	}
	return id, nil
}

// Date gives the server's clock; the zero time when it does not tell.
func (r *Remote) Date(ctx context.Context) (time.Time, error) {
	date, err := r.client.Date(ctx)
	return date, wrap(err)
}

// Prices gives the list price of each product for each lifetime in years; nil when the key may not read prices.
func (r *Remote) Prices(ctx context.Context) (resource.PriceList, error) {
	resp, err := r.client.Do(ctx, certcentral.Request{Method: http.MethodGet, Path: "/product/pricing"})
	if forbidden(err) {
		return nil, nil
	}
	if err != nil {
		return nil, wrap(err)
	}
	list := resource.PriceList{}
	for _, product := range certcentral.Items(resp.Body, "standard_prices") {
		name, _ := product["name_id"].(string)
		for _, p := range certcentral.Items(product, "prices") {
			currency, _ := p["currency"].(string)
			list[resource.PriceKey{Product: name, Years: int(number(certcentral.ID(p["lifetime"])))}] = resource.ListPrice{
				Amount: certcentral.ID(p["cost"]), Currency: strings.ToUpper(currency)}
		}
	}
	return list, nil
}

func forbidden(err error) bool {
	p := &problem{err}
	_, _, status := p.Problem()
	return err != nil && (status == http.StatusForbidden || status == http.StatusNotFound)
}
