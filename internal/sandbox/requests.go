package sandbox

import (
	"net/http"
	"slices"
	"strconv"
)

// Requests and their approval (API facts, section 10).

// listedRequest is a request with what a list shows of its order.
func (s *Server) listedRequest(r *request) map[string]any {
	ord := map[string]any{"id": r.Order.ID}
	if o := s.acct.order(r.Order.ID); o != nil {
		v := s.view(o)
		if v.Certificate.CommonName != "" {
			ord["certificate"] = map[string]string{"common_name": v.Certificate.CommonName}
		}
		if org := v.Organization.v; org != nil {
			ord["organization"] = listedOrganization{org.ID, org.Name}
		}
		ord["container"] = map[string]any{"id": v.Container.ID, "name": v.Container.Name}
		ord["product"] = listedProduct{v.Product.NameID, v.Product.Name, v.Product.Type}
	}
	item := map[string]any{"id": r.ID, "date": r.Date, "type": r.Type, "status": r.Status, "requester": r.Requester, "order": ord}
	if r.Processor != nil {
		item["processor"] = r.Processor
	}
	return item
}

func (c *call) listRequests() reply {
	list := slices.DeleteFunc(slices.Clone(c.acct.Requests), func(r *request) bool { return !c.seesRequest(r) })
	given := filters(c.query)
	if status := c.query.Get("status"); status != "" { // the old form
		given = append(given, filter{"status", []string{status}})
	}
	of := func(r *request) *order {
		if o := c.acct.order(r.Order.ID); o != nil {
			return o
		}
		return &order{}
	}
	list, bad := keep(list, given, map[string]test[*request]{
		"type":         func(r *request, v string) bool { return r.Type == v },
		"status":       func(r *request, v string) bool { return r.Status == v },
		"container_id": func(r *request, v string) bool { return isNumber(of(r).Container.ID, v) },
		"metadata_id":  func(r *request, v string) bool { return of(r).hasField(v) },
		"metadata_value": func(r *request, v string) bool {
			return slices.ContainsFunc(of(r).CustomFields, func(f customField) bool { return f.Value == v })
		},
		"search": func(r *request, v string) bool { return searched(v, of(r).Certificate.CommonName) },
	})
	if bad != nil {
		return *bad
	}
	list, p, bad := cut(c, list)
	if bad != nil {
		return *bad
	}
	items := make([]any, len(list))
	for i, r := range list {
		items[i] = c.listedRequest(r)
	}
	return ok(map[string]any{"requests": items, "page": p})
}

// seesRequest: who sees the order.
func (c *call) seesRequest(r *request) bool {
	o := c.acct.order(r.Order.ID)
	return o != nil && c.seesOrder(o)
}

func (c *call) theRequest() (*request, reply) {
	id, _ := strconv.Atoi(c.params["request_id"])
	r := c.acct.request(id)
	if r == nil || !c.seesRequest(r) {
		return nil, fail(http.StatusNotFound, "not_found|request", "There is no such request")
	}
	return r, reply{}
}

// dumpedRequest adds to the listed form what only info shows, but for the order
// in full.
func (s *Server) dumpedRequest(r *request) map[string]any {
	item := s.listedRequest(r)
	item["comments"] = r.Comments
	if r.DateProcessed != "" {
		item["date_processed"] = r.DateProcessed
	}
	if r.ProcessorComment != "" {
		item["processor_comment"] = r.ProcessorComment
	}
	return item
}

func (c *call) getRequest() reply {
	r, out := c.theRequest()
	if r == nil {
		return out
	}
	item := c.dumpedRequest(r)
	if o := c.acct.order(r.Order.ID); o != nil {
		item["order"] = c.view(o)
	}
	return ok(item)
}

// putRequestStatus: who may approve, may approve own requests too (assumed).
func (c *call) putRequestStatus() reply {
	r, out := c.theRequest()
	if r == nil {
		return out
	}
	f, out, read := c.form()
	if !read {
		return out
	}
	status := f.need("status", 0)
	if status != "" {
		f.oneOf("status", "approved", "rejected", "submitted", "pending")
	}
	comment := f.text("processor_comment", 0)
	if out, refused := f.refused(); refused {
		return out
	}
	if !c.mayApprove() {
		return fail(http.StatusForbidden, "access_denied|invalid_approver", "The user of the key may not process this request")
	}
	if !r.open() {
		return fail(http.StatusBadRequest, "invalid_request_status", "The request is %s already", r.Status)
	}
	switch status {
	case "approved":
		c.Server.approve(r, c.user, comment)
	case "rejected":
		c.Server.reject(r, c.user, comment)
	default:
		r.Status = status
	}
	return noContent
}

// newRequest files a request of the key's user.
func (c *call) newRequest(o *order, kind, comments string) *request {
	r := &request{
		requestRef: requestRef{ID: c.acct.nextID("request"), Date: stamp(c.now()), Type: kind, Status: "pending", Comments: comments},
		Requester:  c.user.ref(), Order: orderID{o.ID},
	}
	c.acct.Requests = append(c.acct.Requests, r)
	return r
}

// approve by the key's own user, as skip_approval does.
func (c *call) approve(r *request, comment string) { c.Server.approve(r, c.user, comment) }

// process ends a request.
func (s *Server) process(r *request, by *user, status, comment string) {
	who := by.ref()
	r.Status, r.Processor, r.DateProcessed, r.ProcessorComment = status, &who, stamp(s.now()), comment
}

// approve lets DigiCert begin, or revokes.
func (s *Server) approve(r *request, by *user, comment string) {
	s.process(r, by, "approved", comment)
	o := s.acct.order(r.Order.ID)
	if o == nil {
		return
	}
	switch r.Type {
	case "revoke":
		if o.Status == "issued" || o.Status == "expired" {
			s.revokeNow(o, s.acct.certificate(r.CertificateID))
		}
	case kindReissue, kindDuplicate:
		if w := o.reworkOf(r.ID); w != nil {
			s.approveRework(w)
		}
	case "new_request":
		if o.Status == "needs_approval" {
			s.begin(o)
		}
	}
}

// begin gives an approved order its certificate id; it is pending.
func (s *Server) begin(o *order) {
	o.Status = "pending"
	if o.Certificate.ID == 0 {
		o.Certificate.ID = s.acct.nextID("certificate")
	}
	if o.Hidden == nil {
		o.Hidden = &orderHidden{}
	}
	o.Hidden.ApprovedAt = s.now()
}

// reject ends what was asked for: the order, or its rework alone.
func (s *Server) reject(r *request, by *user, comment string) {
	s.process(r, by, "rejected", comment)
	o := s.acct.order(r.Order.ID)
	if o == nil {
		return
	}
	switch r.Type {
	case "new_request":
		o.Status = "rejected"
	case kindReissue, kindDuplicate:
		if w := o.reworkOf(r.ID); w != nil {
			s.dropRework(o, w)
		}
		if r.Type == kindReissue && o.Status == "reissue_pending" {
			o.Status = "issued"
		}
	}
}
