package sandbox

import "net/http"

// Revoking (API facts, section 8.2). By an administrator with skip_approval it is
// done at once; otherwise it is a request somebody must approve.

// revocationReasons apply to TLS; other products pass over what is given.
var revocationReasons = []string{"unspecified", "keyCompromise", "affiliationChanged", "superseded", "cessationOfOperation"}

func (c *call) revokeOrderCall() reply {
	o, out := c.theOrder()
	if o == nil {
		return out
	}
	return c.revoking(o, nil)
}

func (c *call) revokeCertificateCall() reply {
	one, o := c.theCertificate()
	if one == nil {
		return notIssued()
	}
	return c.revoking(o, one)
}

func (c *call) revoking(o *order, one *issued) reply {
	f, out, read := c.form()
	if !read {
		return out
	}
	comments := f.text("comments", 0)
	skip, _ := f.flag("skip_approval")
	reason := ""
	if p := findProduct(o.Product.NameID); p != nil && p.tls() {
		reason = f.oneOf("revocation_reason", revocationReasons...)
	}
	if out, refused := f.refused(); refused {
		return out
	}
	switch {
	case o.Status == "revoked" || one != nil && one.Status == "revoked":
		return fail(http.StatusBadRequest, "order_already_revoked", "It is revoked already")
	case o.Status != "issued" && o.Status != "expired":
		return fail(http.StatusBadRequest, "invalid_order_status", "An order that is %s cannot be revoked", o.Status)
	}
	if skip && c.user.is(roleAdministrator) {
		c.revokeNow(o, one)
		return noContent
	}
	r := c.newRequest(o, "revoke", comments)
	r.RevocationReason = reason
	if one != nil {
		r.CertificateID = one.ID
	}
	return created(map[string]any{
		"id": r.ID, "date": r.Date, "type": r.Type, "status": r.Status, "requester": r.Requester, "comments": r.Comments,
	})
}

func (s *Server) revokeNow(o *order, one *issued) {
	if one != nil {
		s.acct.revoke(one)
	} else {
		s.acct.revokeOrder(o)
	}
}
