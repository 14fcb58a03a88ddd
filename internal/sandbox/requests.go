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
	list := slices.Clone(c.acct.Requests)
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

func (c *call) theRequest() (*request, reply) {
	id, _ := strconv.Atoi(c.params["request_id"])
	r := c.acct.request(id)
	if r == nil {
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

// putRequestStatus: the user of every key here is an administrator and may
// approve, own requests included (assumed).
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
	if r.Status != "pending" && r.Status != "submitted" {
		return fail(http.StatusBadRequest, "invalid_request_status", "The request is %s already", r.Status)
	}
	switch status {
	case "approved":
		c.approve(r, comment)
	case "rejected":
		c.reject(r, comment)
	default:
		r.Status = status
	}
	return noContent
}

// process ends a request.
func (s *Server) process(r *request, status, comment string) {
	by := s.acct.Users[0].ref()
	r.Status, r.Processor, r.DateProcessed, r.ProcessorComment = status, &by, stamp(s.now()), comment
}

// approve lets DigiCert begin: the order gets its certificate id and is pending.
func (s *Server) approve(r *request, comment string) {
	s.process(r, "approved", comment)
	o := s.acct.order(r.Order.ID)
	if o == nil || o.Status != "needs_approval" {
		return
	}
	o.Status = "pending"
	if o.Certificate.ID == 0 {
		o.Certificate.ID = s.acct.nextID("certificate")
	}
	if o.Hidden == nil {
		o.Hidden = &orderHidden{}
	}
	o.Hidden.ApprovedAt = s.now()
}

func (s *Server) reject(r *request, comment string) {
	s.process(r, "rejected", comment)
	if o := s.acct.order(r.Order.ID); o != nil && r.Type == "new_request" {
		o.Status = "rejected"
	}
}
