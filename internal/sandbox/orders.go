package sandbox

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Reading one order: info and look-up (API facts, sections 6 and 14.1).

func (o *order) organizationID() int {
	if o.Organization.v == nil {
		return 0
	}
	return o.Organization.v.ID
}

// underWay: people or DigiCert still have something to do.
func (o *order) underWay() bool {
	switch o.Status {
	case "pending", "reissue_pending", "processing", "needs_csr", "needs_approval", "waiting_pickup":
		return true
	}
	return false
}

// visible: lists and look-up know a new order only after VisibleAfter.
func (c *call) visible(o *order) bool {
	return o.Hidden == nil || !c.now().Before(o.Hidden.VisibleAt)
}

// view is the order as info and dump show it: requests joined in, organization
// up to date, bookkeeping left out.
func (s *Server) view(o *order) *order {
	cp := *o
	cp.Hidden, cp.Requests, cp.HasPendingRequest = nil, nil, false
	if org := s.acct.organization(o.organizationID()); org != nil {
		cp.Organization.v = org.onOrder()
	}
	for _, r := range s.acct.requestsOf(o.ID) {
		cp.Requests = append(cp.Requests, r.requestRef)
		cp.HasPendingRequest = cp.HasPendingRequest || r.Status == "pending" || r.Status == "submitted"
	}
	cp.Certificate.DaysRemaining = o.daysRemaining(s.now())
	cp.Notes = newestFirst(o.Notes)
	return &cp
}

// daysRemaining is 0, and so absent, unless a certificate is in force.
func (o *order) daysRemaining(now time.Time) int {
	till, err := time.Parse(time.DateOnly, o.Certificate.ValidTill)
	if err != nil {
		return 0
	}
	return max(0, int(till.Sub(now.Truncate(24*time.Hour)).Hours()/24))
}

// theOrder finds the order of the path.
func (c *call) theOrder() (*order, reply) {
	id, err := strconv.Atoi(c.params["order_id"])
	if err == nil {
		if o := c.acct.order(id); o != nil && c.seesOrder(o) {
			return o, reply{}
		}
	}
	return nil, fail(http.StatusNotFound, "not_found|order", "There is no such order")
}

// orderForm finds the order of the path and decodes the body; without an order the reply says what is wrong.
func (c *call) orderForm() (*order, form, reply) {
	o, out := c.theOrder()
	if o == nil {
		return nil, form{}, out
	}
	f, out, read := c.form()
	if !read {
		return nil, form{}, out
	}
	return o, f, reply{}
}

// getOrder takes the thumbprint or serial number of the primary certificate too.
func (c *call) getOrder() reply {
	o, out := c.theOrder()
	if o != nil {
		return ok(c.view(o))
	}
	key := c.params["order_id"]
	for _, o := range c.acct.Orders {
		if cert := o.Certificate; c.seesOrder(o) && cert.SerialNumber != "" &&
			(strings.EqualFold(key, cert.SerialNumber) || strings.EqualFold(key, cert.Thumbprint)) {
			return ok(c.view(o))
		}
	}
	return out
}

// lookUpOrders answers 404 when nothing carries the id: a client in production
// takes that for "none", while the documents do not show the case (assumed, as
// is the order, oldest first).
func (c *call) lookUpOrders() reply {
	type item struct {
		OrderID       int    `json:"order_id"`
		CertificateID int    `json:"certificate_id,omitempty"`
		Status        string `json:"status"`
	}
	var list []item
	for _, o := range c.orders() {
		if o.AlternativeOrderID == c.params["alternative_order_id"] {
			list = append(list, item{o.ID, o.Certificate.ID, o.Status})
		}
	}
	if len(list) == 0 {
		return fail(http.StatusNotFound, "not_found|order", "No order has this alternative order id")
	}
	list, p, bad := cut(c, list)
	if bad != nil {
		return *bad
	}
	return ok(map[string]any{"orders": list, "page": p})
}

func newestFirst(notes []note) []note {
	notes = slices.Clone(notes)
	slices.Reverse(notes)
	return notes
}
