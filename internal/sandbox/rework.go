package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"dcsync/internal/pki"
)

// Reissues and duplicates (API facts, section 8.3): another certificate of an
// order that has one. The new one replaces the old one in order info once it is
// issued, not before (assumed); a duplicate stands beside it.

// rework is one that is under way.
type rework struct {
	Kind       string      `json:"kind"`
	RequestID  int         `json:"request_id,omitempty"`
	Cert       certificate `json:"certificate"`
	Method     string      `json:"cs_provisioning_method,omitempty"`
	ApprovedAt time.Time   `json:"approved_at,omitzero"`
	// Revokes is how long after the issuance DigiCert revokes what there was;
	// negative for never.
	Revokes time.Duration `json:"revokes"`
}

// revokeDelay is how long names that were taken out may still be used
// (the "within 72 hours" of DigiCert's help).
const (
	revokeDelay = 72 * time.Hour
	keepsAll    = time.Duration(-1)
)

func (c *call) reissueOrder() reply   { return c.rework(kindReissue) }
func (c *call) duplicateOrder() reply { return c.rework(kindDuplicate) }

func (c *call) rework(kind string) reply {
	o, f, out := c.orderForm()
	if o == nil {
		return out
	}
	if out, refused := c.cannotRework(o, kind); refused {
		return out
	}
	pl := &placing{call: c, form: f, product: findProduct(o.Product.NameID), order: &order{Product: o.Product, CSProvisioningMethod: o.CSProvisioningMethod}}
	w := pl.readRework(o, kind)
	skip, _ := f.flag("skip_approval")
	comments := f.text("comments", 0)
	if out, refused := f.refused(); refused {
		return out
	}
	return c.placeRework(o, w, skip && c.mayApprove(), comments)
}

// cannotRework: the codes are assumed, but for the rule that certificates of an
// organization that was switched off are frozen (API facts, section 4.4).
func (c *call) cannotRework(o *order, kind string) (reply, bool) {
	p := findProduct(o.Product.NameID)
	org := c.acct.organization(o.organizationID())
	switch {
	case p == nil:
		return fail(http.StatusNotFound, "not_found|product", "The product is not sold any more"), true
	case o.Status != "issued":
		return fail(http.StatusBadRequest, "invalid_order_status", "An order that is %s cannot get another certificate", o.Status), true
	case org != nil && !org.IsActive:
		return fail(http.StatusBadRequest, "organization_inactive", "Organization %d is inactive", org.ID), true
	case kind == kindDuplicate && !p.tls():
		return fail(http.StatusBadRequest, "duplicates_not_allowed", "%s has no duplicates", p.Name), true
	}
	return reply{}, false
}

// readRework reads the new certificate over the old one: what is left out stays
// as it is (assumed; for the provisioning method documented).
func (p *placing) readRework(o *order, kind string) *rework {
	w := &rework{Kind: kind, Revokes: keepsAll, Method: o.CSProvisioningMethod}
	cert, given := p.object("certificate")
	if !given {
		if !p.has("certificate") && p.product.tls() {
			p.missing("certificate")
		}
		cert = form{map[string]any{}, "certificate", p.errs}
	}
	p.cert = cert
	old := o.Certificate
	w.Cert = certificate{
		CommonName: old.CommonName, CommonNameIndicator: old.CommonNameIndicator, Individual: old.Individual, Emails: old.Emails,
		DNSNames: old.DNSNames, CSR: old.CSR, KeySize: old.KeySize, Organization: old.Organization, OrganizationUnits: old.OrganizationUnits,
		ServerPlatform: old.ServerPlatform, SignatureHash: old.SignatureHash, UsageDesignation: old.UsageDesignation,
		ProfileType: old.ProfileType, ProfileOption: old.ProfileOption, CACert: old.CACert, CertValidity: old.CertValidity,
		KeyUsages: old.KeyUsages, ExtendedKeyUsages: old.ExtendedKeyUsages,
		DateCreated: stamp(p.now()),
	}
	switch {
	case p.product.tls():
		p.reworkTLS(w, o)
	case p.product.codeSigning() || p.product.family == documentOld:
		p.reworkProvisioned(w)
	default:
		if csr := p.readCSR(); csr != nil {
			w.take(p)
		}
	}
	if hash := strings.ToLower(cert.text("signature_hash", 0)); hash != "" {
		if !slices.Contains(p.product.hashes(), hash) && !p.product.codeSigning() {
			cert.bad("signature_hash", "must be one of %s", strings.Join(p.product.hashes(), ", "))
		}
		w.Cert.SignatureHash = hash
	}
	if p.product.needs == "ds" && kind == kindReissue && w.Cert.CSR != old.CSR || p.product.family == documentNew {
		w.Revokes = 0 // a new key for document signing ends the old certificate
	}
	return w
}

// take moves the CSR that was read into the new certificate.
func (w *rework) take(p *placing) {
	w.Cert.CSR, w.Cert.KeySize = p.order.Certificate.CSR, p.order.Certificate.KeySize
}

func (p *placing) reworkTLS(w *rework, o *order) {
	cert := p.cert
	if csr := p.readCSR(); csr != nil {
		p.checkTLSKey(csr)
		w.take(p)
	} else if !cert.has("csr") {
		cert.missing("csr")
	}
	if cert.has("common_name") {
		w.Cert.CommonName = p.domainName("common_name")
	}
	if names, given := p.domainNames(); given {
		w.Cert.DNSNames = names
	}
	w.Cert.DNSNames = withCommonName(w.Cert.CommonName, w.Cert.DNSNames)
	if sub, given := cert.object("server_platform"); given {
		if at := sub.tlsPlatform(); at != nil {
			w.Cert.ServerPlatform = at
		}
	}
	if end, err := time.Parse(time.DateOnly, o.OrderValidTill); err == nil {
		if v, given := p.certValidity(cert, end); given {
			w.Cert.CertValidity = &v
		}
	}
	p.readCA(&w.Cert)
	if w.Kind != kindReissue {
		return
	}
	for _, name := range o.Certificate.names() {
		if !slices.Contains(w.Cert.names(), name) {
			w.Revokes = revokeDelay
		}
	}
}

// reworkProvisioned: without a method the order's own is used.
func (p *placing) reworkProvisioned(w *rework) {
	if method := p.oneOf("cs_provisioning_method", glossaryValues("cs_provisioning_methods")...); method != "" {
		w.Method = method
	}
	csr := p.readCSR()
	switch {
	case csr != nil && w.Method != "email":
		p.cert.bad("csr", "is taken only when cs_provisioning_method is email")
	case !p.cert.has("csr") && w.Method == "email":
		p.cert.missing("csr")
	case csr != nil:
		p.checkCodeKey(csr)
		w.take(p)
	default:
		w.Cert.CSR, w.Cert.KeySize = "", 0
	}
	if p.cert.namesPlatform() || w.Method != p.order.CSProvisioningMethod {
		p.readPlatform(w.Method)
		if at := p.order.Certificate.ServerPlatform; at != nil {
			w.Cert.ServerPlatform = at
		}
	}
}

func (p *placing) checkCodeKey(csr *pki.CSR) {
	if !strongForCode(csr) {
		p.cert.bad("csr", "needs an RSA key of at least 3072 bits or an ECC key of at least P-256")
	}
}

// placeRework files the request. DV has no approval step, and so none.
func (c *call) placeRework(o *order, w *rework, approved bool, comments string) reply {
	if o.Hidden == nil {
		o.Hidden = &orderHidden{}
	}
	o.Hidden.Rework = append(o.Hidden.Rework, w)
	if w.Kind == kindReissue {
		o.Status = "reissue_pending"
	}
	answer := map[string]any{"id": o.ID}
	p := findProduct(o.Product.NameID)
	if p.family == domainTLS {
		c.approveRework(w)
	} else {
		r := c.newRequest(o, w.Kind, comments)
		w.RequestID = r.ID
		if approved {
			c.approve(r, "")
		}
		answer["requests"] = []map[string]any{{"id": r.ID, "status": r.Status}}
	}
	if !w.ApprovedAt.IsZero() {
		answer["certificate_id"] = w.Cert.ID
	}
	c.progress()
	if one := c.acct.certificate(w.Cert.ID); one != nil {
		answer["certificate_chain"] = c.acct.chain(one)
	} else if h := o.Hidden; h.Proof != nil && h.Proof.Token != "" {
		answer["dcv_random_value"] = h.Proof.Token
	}
	return created(answer)
}

func (s *Server) approveRework(w *rework) {
	w.ApprovedAt, w.Cert.ID = s.now(), s.acct.nextID("certificate")
}

// advanceRework issues what is due.
func (s *Server) advanceRework(o *order, now time.Time) {
	for _, w := range slices.Clone(o.Hidden.Rework) {
		if w.ApprovedAt.IsZero() {
			continue
		}
		if due, ready := s.due(o, w.ApprovedAt); ready && !now.Before(due) {
			s.finishRework(o, w, due)
		}
	}
}

func (s *Server) finishRework(o *order, w *rework, at time.Time) {
	s.dropRework(o, w)
	if w.Cert.ID == 0 {
		w.Cert.ID = s.acct.nextID("certificate")
	}
	if w.Kind == kindDuplicate {
		if s.acct.sign(o, &w.Cert, kindDuplicate, at) == nil {
			o.DuplicatesCount++
		}
		return
	}
	if w.Revokes >= 0 {
		for _, one := range s.acct.certificatesOf(o.ID) {
			if one.Status != "revoked" && one.RevokeAt.IsZero() {
				one.RevokeAt = at.Add(w.Revokes)
			}
		}
	}
	o.Certificate, o.CSProvisioningMethod = w.Cert, w.Method
	o.ReissuesCount++
	s.issue(o, at)
}

func (s *Server) dropRework(o *order, w *rework) {
	o.Hidden.Rework = slices.DeleteFunc(o.Hidden.Rework, func(other *rework) bool { return other == w })
}

// reworkOf finds what a request is about.
func (o *order) reworkOf(requestID int) *rework {
	if o.Hidden == nil {
		return nil
	}
	for _, w := range o.Hidden.Rework {
		if w.RequestID == requestID {
			return w
		}
	}
	return nil
}

func (c *call) listReissues() reply   { return c.listCertificates(kindReissue) }
func (c *call) listDuplicates() reply { return c.listCertificates(kindDuplicate) }

func (c *call) listCertificates(kind string) reply {
	o, out := c.theOrder()
	if o == nil {
		return out
	}
	list := []any{}
	for _, one := range c.acct.certificatesOf(o.ID) {
		if one.Kind == kind {
			list = append(list, c.listedCertificate(one))
		}
	}
	return ok(map[string]any{"certificates": list})
}

func (c *call) listedCertificate(one *issued) any {
	item := *one
	item.OrderID, item.Kind, item.DER, item.RevokeAt = 0, "", nil, time.Time{}
	if item.Status == "issued" && item.ValidTill < day(c.now()) {
		item.Status = "expired"
	}
	return struct {
		certificate
		Status   string `json:"status"`
		SubID    string `json:"sub_id,omitempty"`
		CACertID string `json:"ca_cert_id,omitempty"`
	}{item.certificate, item.Status, item.SubID, caID(item.CACert)}
}

func caID(c *caCert) string {
	if c == nil {
		return ""
	}
	return c.ID
}
