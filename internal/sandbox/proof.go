package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Control of the domains of an order (API facts, sections 7 and 8): DCV. Nothing
// is looked up in any DNS. Whoever was asked for proof has given it when
// IssueAfter has passed since the order was approved; a check before that fails.

// proof is what an order waits for.
type proof struct {
	Token   string   `json:"token,omitempty"` // the random value; none by email
	Expires string   `json:"expires,omitempty"`
	Names   []string `json:"names"` // domains not shown yet
	Done    bool     `json:"done,omitempty"`
}

// tokenLife is how long a random value is good for (assumed).
const tokenLife = 30 * 24 * time.Hour

// renew draws a random value, which the email method has none of.
func (pr *proof) renew(method string, now time.Time) {
	pr.Token, pr.Expires = "", stamp(now.Add(tokenLife))
	if method != "email" {
		pr.Token = strings.ToLower(randomHex(16))
	}
}

// askForProof notes which domains of a new order are still to be shown, and adds
// them to the account where the order has an organization.
func (p *placing) askForProof(answer map[string]any) {
	if p.product.family != publicTLS && p.product.family != domainTLS {
		return
	}
	o, pr := p.order, &proof{}
	pr.renew(o.DCVMethod, p.now())
	var listed []map[string]any
	for _, name := range o.Certificate.names() {
		base := name
		if o.CertificateDCVScope != "fqdn" {
			base = baseDomain(name)
		}
		base = strings.TrimPrefix(base, "*.")
		if slices.Contains(pr.Names, base) {
			continue
		}
		if p.product.family == domainTLS {
			pr.Names = append(pr.Names, base)
			continue
		}
		d := p.acct.domainOf(base, o.organizationID())
		if d == nil {
			d = p.addDomain(base, p.org.found, o.DCVMethod)
		}
		if d.validated(p.now()) {
			continue
		}
		pr.Names = append(pr.Names, base)
		listed = append(listed, map[string]any{"id": d.ID, "name": d.Name, "dcv_token": dcvToken{pr.Token, "pending", pr.Expires}})
	}
	if len(pr.Names) == 0 {
		return
	}
	o.Hidden.Proof = pr
	if pr.Token != "" {
		answer["dcv_random_value"] = pr.Token
	}
	if listed != nil {
		answer["domains"] = listed
	}
}

// proven ends the wait of an order and validates its domains.
func (a *account) proven(o *order, at time.Time) {
	pr := o.Hidden.Proof
	if pr.Done {
		return
	}
	pr.Done = true
	for _, name := range pr.Names {
		if d := a.domainOf(name, o.organizationID()); d != nil {
			d.validate(at)
		}
	}
}

// baseDomain is the last two labels: good enough for names nobody looks up.
func baseDomain(name string) string {
	labels := strings.Split(strings.TrimPrefix(name, "*."), ".")
	return strings.Join(labels[max(0, len(labels)-2):], ".")
}

// awaiting finds the order of the path and what it waits for.
func (c *call) awaiting() (*order, *proof, reply) {
	o, out := c.theOrder()
	if o == nil {
		return nil, nil, out
	}
	if o.Hidden == nil || o.Hidden.Proof == nil || o.Hidden.Proof.Done || !o.underWay() {
		return nil, nil, fail(http.StatusBadRequest, "invalid_order_status", "The order waits for no domain validation")
	}
	return o, o.Hidden.Proof, reply{}
}

// putProofMethod answers 204 for email and the new random value otherwise.
func (c *call) putProofMethod() reply {
	o, pr, out := c.awaiting()
	if o == nil {
		return out
	}
	f, out, read := c.form()
	if !read {
		return out
	}
	methods := glossaryValues("dcv_methods")
	if o.Product.ValidationType == "dv" {
		methods = slices.DeleteFunc(methods, func(m string) bool { return m == "dns-cname-token" })
	}
	method := f.oneOf("dcv_method", methods...)
	if !f.has("dcv_method") {
		f.missing("dcv_method")
	}
	if out, refused := f.refused(); refused {
		return out
	}
	o.DCVMethod = method
	pr.renew(method, c.now())
	if pr.Token == "" {
		return noContent
	}
	return ok(pr.shown())
}

func (pr *proof) shown() map[string]any {
	return map[string]any{"dcv_random_value": pr.Token, "expiration_date": pr.Expires}
}

func (c *call) putRandomValue() reply {
	o, pr, out := c.awaiting()
	if o == nil {
		return out
	}
	if o.DCVMethod == "email" {
		return fail(http.StatusBadRequest, "invalid_value:dcv_method", "The email method has no random value")
	}
	pr.renew(o.DCVMethod, c.now())
	return ok(pr.shown())
}

func (c *call) resendEmails() reply {
	if o, _, out := c.awaiting(); o == nil {
		return out
	}
	return noContent
}

// checkProof: the codes of the refusals are documented.
func (c *call) checkProof() reply {
	o, out := c.theOrder()
	if o == nil {
		return out
	}
	answer := map[string]any{"order_status": o.Status, "dcv_status": "valid"}
	if o.Certificate.ID != 0 {
		answer["certificate_id"] = o.Certificate.ID
	}
	if o.Hidden == nil || o.Hidden.Proof == nil || o.Hidden.Proof.Done {
		return ok(answer)
	}
	switch o.DCVMethod {
	case "email":
		answer["dcv_status"] = "pending"
		return ok(answer)
	case "http-token":
		return fail(http.StatusBadRequest, "file_random_value_not_found", "The file with the random value was not found")
	}
	return fail(http.StatusBadRequest, "invalid_dns_txt", "The DNS record with the random value was not found")
}

// resendApprovals mails the verified contacts of a pending EV TLS order again.
func (c *call) resendApprovals() reply {
	o, f, out := c.orderForm()
	if o == nil {
		return out
	}
	p := findProduct(o.Product.NameID)
	if o.Status != "pending" || p == nil || p.family != publicTLS || p.needs != "ev" {
		return fail(http.StatusBadRequest, "invalid_order_status", "Only pending EV TLS orders are approved by mail")
	}
	emails, _ := f.emails("emails")
	for _, email := range emails {
		org := c.acct.organization(o.organizationID())
		if org == nil || !slices.ContainsFunc(org.VerifiedContacts, func(v contact) bool { return v.Email == email }) {
			f.bad("emails", "%s belongs to no verified contact", email)
		}
	}
	if out, refused := f.refused(); refused {
		return out
	}
	return noContent
}

// putTransparency takes effect with the next certificate.
func (c *call) putTransparency() reply {
	o, f, out := c.orderForm()
	if o == nil {
		return out
	}
	disable, given := f.flag("disable_ct")
	if !given {
		f.missing("disable_ct")
	}
	if p := findProduct(o.Product.NameID); p == nil || p.family != publicTLS && p.family != domainTLS {
		f.add("cert_transparency_turned_off_for_account", "Only public TLS certificates are logged")
	}
	if out, refused := f.refused(); refused {
		return out
	}
	o.DisableCT = disable
	return noContent
}

// postCSR completes an order that waits for its request.
func (c *call) postCSR() reply {
	o, f, out := c.orderForm()
	if o == nil {
		return out
	}
	pl := &placing{call: c, form: f, cert: f, order: &order{}}
	if f.need("csr", 0) != "" {
		pl.readCSR()
	}
	if out, refused := f.refused(); refused {
		return out
	}
	if o.Status != "needs_csr" {
		return fail(http.StatusBadRequest, "invalid_order_status", "An order that is %s takes no CSR", o.Status)
	}
	o.Certificate.CSR, o.Certificate.KeySize = pl.order.Certificate.CSR, pl.order.Certificate.KeySize
	o.Status = "pending"
	if o.Hidden == nil {
		o.Hidden = &orderHidden{}
	}
	o.Hidden.ApprovedAt = c.now()
	return noContent
}
