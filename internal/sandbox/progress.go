package sandbox

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// What time and DigiCert do by themselves. progress runs before and after every
// call, so the account is always as it would be had somebody watched the clock.
// The caller holds mu.
//
//	placed ─▶ needs_approval ─▶ pending ─▶ issued ─▶ expired
//	              (a person)       │         ▲  │
//	                               │         │  └─▶ reissue_pending
//	                               │         └───────────┘
//	                               └─▶ waiting_pickup (a person)
//
// An order expires with its order_valid_till; its certificate may end earlier.
//
// A submitted validation is in force after IssueAfter: here nobody has to be
// telephoned. An approved order is issued when IssueAfter has passed since its
// approval and its organization has the validation the product needs. What a
// person must do at DigiCert's end, approving as a verified contact, answering
// a validation mail, proving control of a mail domain, counts as done in that
// time too. Two things wait for a person all the same: the request's approval
// inside the account, and the pickup of a client certificate ordered without
// CSR, whose key its owner makes in a browser. POST /_sandbox/orders/{id}/issue
// stands in for the latter.
func (s *Server) progress() {
	now := s.now()
	for _, org := range s.acct.Organizations {
		for i := range org.Validations {
			v := &org.Validations[i]
			submitted, known := org.Hidden[v.Type]
			if due := submitted.Add(s.opts.IssueAfter); v.Status == "pending" && known && !now.Before(due) {
				v.activate(due)
				delete(org.Hidden, v.Type)
			}
			if until, ok := moment(v.ValidatedUntil); v.Status == "active" && ok && now.After(until) {
				v.Status = "expired"
			}
		}
	}
	for _, d := range s.acct.Domains {
		if due := d.SubmittedAt.Add(s.opts.IssueAfter); !d.SubmittedAt.IsZero() && !now.Before(due) {
			d.validate(due)
		}
	}
	today := day(now)
	for _, o := range s.acct.Orders {
		if h := o.Hidden; h != nil {
			if o.Status == "pending" && !h.ApprovedAt.IsZero() {
				s.advance(o, now)
			}
			s.advanceRework(o, now)
		}
		if o.Status == "issued" && o.end() != "" && o.end() < today {
			o.Status = "expired"
		}
	}
	for _, c := range s.acct.Certificates {
		if c.Status != "revoked" && !c.RevokeAt.IsZero() && !now.Before(c.RevokeAt) {
			s.acct.revoke(c)
		}
	}
	s.acct.noteChanges(now)
}

// end is the last day of an order, which may outlive its certificate; only a
// hand-written one may lack it.
func (o *order) end() string {
	if o.OrderValidTill != "" {
		return o.OrderValidTill
	}
	return o.Certificate.ValidTill
}

func (s *Server) advance(o *order, now time.Time) {
	due, ready := s.due(o, o.Hidden.ApprovedAt)
	if !ready || now.Before(due) {
		return
	}
	if h := o.Hidden.Proof; h != nil {
		s.acct.proven(o, due)
	}
	if p := findProduct(o.Product.NameID); p != nil && p.pickup() && o.Certificate.CSR == "" {
		o.Status = "waiting_pickup"
		return
	}
	s.issue(o, due)
}

// issue lets DigiCert issue; an order whose certificate cannot be made stays in
// its hands for good.
func (s *Server) issue(o *order, at time.Time) {
	if err := s.acct.issue(o, at); err != nil {
		o.Status = "processing"
	}
}

// due is when an order approved at a moment is issued; false while its
// organization lacks the validation.
func (s *Server) due(o *order, approved time.Time) (time.Time, bool) {
	due := approved.Add(s.opts.IssueAfter)
	p := findProduct(o.Product.NameID)
	if p == nil || p.needs == "" {
		return due, true
	}
	org := s.acct.organization(o.organizationID())
	if org == nil {
		return due, false
	}
	v := org.validation(p.needs)
	if v == nil || v.Status != "active" {
		return due, false
	}
	if at, ok := moment(v.DateCreated); ok && at.After(due) {
		due = at
	}
	return due, true
}

// randomHex is upper case and never begins with a zero, as a serial number may
// otherwise lose it on its way through other tools.
func randomHex(n int) string {
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		panic(fmt.Sprintf("read random bytes: %v", err)) // crypto/rand never fails
	}
	b[0] = b[0]&0x7f | 0x10
	return strings.ToUpper(hex.EncodeToString(b))
}
