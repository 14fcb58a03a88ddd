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
//	              (a person)       │
//	                               └─▶ waiting_pickup (a person)
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
	today := day(now)
	for _, o := range s.acct.Orders {
		if o.Status == "pending" && o.Hidden != nil && !o.Hidden.ApprovedAt.IsZero() {
			s.advance(o, now)
		}
		if o.Status == "issued" && o.Certificate.ValidTill != "" && o.Certificate.ValidTill < today {
			o.Status = "expired"
		}
	}
}

func (s *Server) advance(o *order, now time.Time) {
	due := o.Hidden.ApprovedAt.Add(s.opts.IssueAfter)
	p := findProduct(o.Product.NameID)
	if p != nil && p.needs != "" {
		org := s.acct.organization(o.organizationID())
		if org == nil {
			return
		}
		v := org.validation(p.needs)
		if v == nil || v.Status != "active" {
			return
		}
		if at, ok := moment(v.DateCreated); ok && at.After(due) {
			due = at
		}
	}
	if now.Before(due) {
		return
	}
	if p != nil && !p.codeSigning() && o.Certificate.CSR == "" {
		o.Status = "waiting_pickup"
		return
	}
	o.issue(due)
}

// issue gives an order its certificate, which ends with the order or at the
// product's cap, whichever comes first (API facts, section 13).
func (o *order) issue(at time.Time) {
	end := o.OrderValidity.end(at)
	till := end
	p := findProduct(o.Product.NameID)
	if p != nil && p.capDays > 0 {
		if limit := at.AddDate(0, 0, p.capDays); limit.Before(till) {
			till = limit
		}
	}
	c := &o.Certificate
	c.SerialNumber, c.Thumbprint = randomHex(16), randomHex(20)
	c.DateIssued = stamp(at)
	c.ValidFrom, c.ValidTill = day(at), day(till)
	c.CACert = &caCert{ID: "5A4D3C2B1A095867", Name: "Sandbox Issuing CA"}
	o.OrderValidFrom, o.OrderValidTill = day(at), day(end)
	if m := o.CSProvisioningMethod; m == "ship_token" || m == "client_app" {
		o.HardwareInitCode = randomHex(8)
	}
	o.Status = "issued"
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
