package sandbox

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// Placing an order: what all products share (API facts, section 7.1). A body is
// read to its end, everything wrong with it is reported at once, and nothing is
// changed unless all of it is right.

// placing is an order on its way: what the body asks for, before anything of it
// has happened.
type placing struct {
	*call
	form
	product *catalogue
	order   *order
	org     orgChoice
	cert    form
	renews  *order
}

// orgChoice is the organization asked for and what the order does to it.
type orgChoice struct {
	found  *organization // an existing one
	made   *organization // or a new one
	named  namedContacts
	submit []submission
}

func (c *call) createOrder() reply {
	f, out, read := c.form()
	if !read {
		return out
	}
	p := findProduct(c.params["product_name_id"])
	if c.params["product_name_id"] == "ssl" {
		hint := ""
		if sub, given := f.object("product"); given {
			hint = sub.text("type_hint", 0)
		}
		if p = hinted(hint); p == nil {
			return fail(http.StatusBadRequest, "ambiguous_product", "product.type_hint does not say which product is meant")
		}
	}
	if p == nil {
		return fail(http.StatusNotFound, "not_found|product", "There is no such product in this account")
	}
	pl := &placing{call: c, form: f, product: p, order: &order{
		Product: p.onOrder(), User: c.user.ref(), Currency: "USD",
		DateCreated: stamp(c.now()), AllowDuplicates: p.tls(),
	}}
	pl.readCertificate()
	pl.readOrganization()
	pl.readValidity()
	pl.readCommon()
	pl.refuseLimited()
	if out, refused := f.refused(); refused {
		return out
	}
	if out, refused := pl.refuseDuplicate(); refused {
		return out
	}
	return pl.place()
}

func (p *placing) readCertificate() {
	cert, given := p.object("certificate")
	if !given {
		if !p.has("certificate") {
			p.missing("certificate")
		}
		p.cert = form{map[string]any{}, "certificate", &[]apiError{}}
		return
	}
	p.cert = cert
	o, family := p.order, p.product.family
	if family == domainTLS || family == documentNew { // it may be left out there
		o.Certificate.SignatureHash = cert.text("signature_hash", 0)
	} else {
		o.Certificate.SignatureHash = cert.need("signature_hash", 0)
	}
	o.Certificate.SignatureHash = strings.ToLower(o.Certificate.SignatureHash) // either case is sent
	units, _ := cert.texts("organization_units")
	if !p.product.smime && family != publicTLS && family != domainTLS {
		o.Certificate.OrganizationUnits = units
	}
	switch family {
	case publicTLS, domainTLS, privateTLS:
		p.readTLS()
		return
	case secureEmail:
		p.readSecureEmail()
	case codeSigning:
		p.readCodeSigning()
	case documentOld, documentNew:
		p.readDocumentSigning()
	default:
		p.readClient()
	}
	cert.text("ca_cert_id", 0) // no effect: ICA selection is off for this account
}

// alternativeID: alphanumeric by the documents; clients in production use
// hyphens, and what else is allowed is unknown.
var alternativeID = regexp.MustCompile(`^[A-Za-z0-9-]+$`)

func (p *placing) readCommon() {
	o := p.order
	container := p.container(p.form)
	o.Container = orderContainer{container.ID, container.Name, container.IsActive}
	if person := p.contact("organization_contact"); person != nil {
		o.OrganizationContact = person
		if p.product.family == domainTLS {
			p.bad("organization_contact", "is not used for %s", p.product.NameID)
		}
	}
	o.TechnicalContact = p.contact("technical_contact")
	o.AdditionalEmails, _ = p.emails("additional_emails")
	if n, given := p.integer("auto_renew"); given {
		if n < 0 {
			p.bad("auto_renew", "must not be negative")
		}
		o.AutoRenew = n
	}
	p.flag("skip_approval")
	p.text("comments", 0)
	o.CustomRenewalMessage = p.text("custom_renewal_message", 0)
	o.DisableRenewalNotifications, _ = p.flag("disable_renewal_notifications")
	o.DisableIssuanceEmail, _ = p.flag("disable_issuance_email")
	if n, given := p.integer("enable_guest_access"); given {
		if n != 0 && n != 1 {
			p.bad("enable_guest_access", "must be 0 or 1")
		}
		o.IsGuestAccessEnabled = n == 1
	}
	p.oneOf("locale", glossaryValues("locales")...)
	p.text("vat_number", 0)
	o.AlternativeOrderID = p.text("alternative_order_id", 64)
	if id := o.AlternativeOrderID; id != "" && !alternativeID.MatchString(id) {
		p.bad("alternative_order_id", "must be letters, digits and hyphens")
	}
	p.readAssignments()
	p.readCustomFields()
	p.readPayment()
	p.readRenewal()
}

func (p *placing) readAssignments() {
	if !p.has("user_id_assignments") {
		return
	}
	items, isList := p.fields["user_id_assignments"].([]any)
	if !isList {
		p.bad("user_id_assignments", "must be an array of user ids")
		return
	}
	for _, item := range items {
		id, given := form{map[string]any{"user_id_assignments": item}, p.at, p.errs}.id("user_id_assignments")
		if !given {
			continue
		}
		if u := p.acct.user(id); u == nil {
			p.bad("user_id_assignments", "there is no user %d", id)
		} else {
			p.order.UserAssignments = append(p.order.UserAssignments, u.ref())
		}
	}
}

// readPayment checks a card and forgets it. An old client pays by wire_transfer.
func (p *placing) readPayment() {
	p.order.PaymentMethod = p.oneOf("payment_method", append(glossaryValues("payment_methods"), "wire_transfer")...)
	if p.order.PaymentMethod == "" {
		p.order.PaymentMethod = "balance"
	}
	if p.order.PaymentMethod != "card" {
		return
	}
	if card, given := p.object("credit_card"); given {
		if number := card.need("number", 0); number != "" && !allDigits(number) {
			card.bad("number", "must be digits")
		}
		card.within("expiration_month", 1, 12)
		card.within("expiration_year", 1000, 9999)
		card.within("cvv", 0, 9999)
		card.need("cardholder_name", 0)
	} else if !p.has("credit_card") {
		p.missing("credit_card")
	}
	if bill, given := p.object("billing_address"); given {
		for _, name := range []string{"address", "city", "country"} {
			bill.need(name, 0)
		}
		bill.digits("zip")
		for _, name := range []string{"address2", "state", "zip"} {
			bill.text(name, 0)
		}
	} else if !p.has("billing_address") {
		p.missing("billing_address")
	}
}

func (f form) within(name string, low, high int) {
	if !f.has(name) {
		f.missing(name)
	} else if n, read := f.integer(name); read && (n < low || n > high) {
		f.bad(name, "must be %d to %d", low, high)
	}
}

// readRenewal: the codes are those a client in production knows. 0 is none.
func (p *placing) readRenewal() {
	if n := p.fields["renewal_of_order_id"]; n == json.Number("0") || n == "0" {
		return
	}
	id, given := p.id("renewal_of_order_id")
	if !given {
		return
	}
	old := p.acct.order(id)
	switch {
	case old == nil || !p.seesOrder(old):
		p.add("order_not_eligible_for_renewal", "There is no order %d in this account", id)
	case old.IsRenewed:
		p.add("order_renewed_already", "Order %d has been renewed already", id)
	case old.Status != "issued" && old.Status != "expired":
		p.add("order_not_eligible_for_renewal", "Order %d is %s", id, old.Status)
	default:
		p.renews = old
	}
}

// refuseDuplicate applies the account's option; status and code are assumed.
func (p *placing) refuseDuplicate() (reply, bool) {
	id := p.order.AlternativeOrderID
	if !p.opts.UniqueAlternativeIDs || id == "" {
		return reply{}, false
	}
	if slices.ContainsFunc(p.acct.Orders, func(o *order) bool { return o.AlternativeOrderID == id }) {
		return fail(http.StatusBadRequest, "duplicate_alternative_order_id", "The alternative order id is in use already"), true
	}
	return reply{}, false
}

// place makes it all happen.
func (p *placing) place() reply {
	c, o, now := p.call, p.order, p.now()
	answer := map[string]any{}
	if org := p.org.found; org != nil {
		c.setContacts(org, p.org.named)
	} else if org := p.org.made; org != nil {
		org.Container = p.container(p.form)
		c.addOrganization(org, p.org.named)
		answer["organization"] = idRef{org.ID}
		p.org.found = org
	}
	if org := p.org.found; org != nil {
		c.submit(org, p.org.submit)
		o.Organization.v = org.onOrder()
		o.Certificate.Organization = &idRef{org.ID}
		if o.OrganizationContact == nil {
			o.OrganizationContact = org.OrganizationContact.onOrder()
		}
		if o.TechnicalContact == nil {
			o.TechnicalContact = org.TechnicalContact.onOrder()
		}
		if needsVerified(p.product.needs) {
			p.approvers(org)
		}
		if o.Certificate.CommonName == "" {
			o.Certificate.CommonName = org.Name
		}
	}
	o.ID = c.acct.nextID("order")
	o.Certificate.DateCreated = o.DateCreated
	o.Price = priceOf(p.product.NameID, o.OrderValidity.pricedYears(now))
	o.Hidden = &orderHidden{VisibleAt: now.Add(c.opts.VisibleAfter)}
	if p.renews != nil {
		o.IsRenewal, o.RenewalOfOrderID = true, p.renews.ID
		p.renews.IsRenewed, p.renews.RenewedOrderID = true, o.ID
	}
	p.askForProof(answer)
	o.Status = "needs_approval"
	c.acct.Orders = append(c.acct.Orders, o)
	approved := true
	if p.product.family == domainTLS {
		c.begin(o) // there is no approval step
	} else {
		r := c.newRequest(o, "new_request", p.text("comments", 0))
		if skip, _ := p.flag("skip_approval"); skip && c.mayApprove() {
			c.approve(r, "")
		}
		answer["requests"] = []map[string]any{{"id": r.ID, "status": r.Status}}
		approved = r.Status == "approved"
	}
	c.progress()
	answer["id"] = o.ID
	if approved {
		answer["certificate_id"] = o.Certificate.ID
	}
	if one := c.acct.certificate(o.Certificate.ID); one != nil {
		answer["certificate_chain"] = c.acct.chain(one)
	}
	if o.OrderValidTill != "" {
		answer["order_valid_till"] = o.OrderValidTill
	}
	return created(answer)
}

// approvers fixes whom the approval mails go to: those named, else all.
func (p *placing) approvers(org *organization) {
	named := p.org.named.verified
	for _, v := range org.VerifiedContacts {
		if len(named) == 0 || slices.ContainsFunc(named, func(n contact) bool {
			return n.UserID != 0 && n.UserID == v.UserID || n.samePerson(&v)
		}) {
			v.UserID = 0
			p.order.VerifiedContacts = append(p.order.VerifiedContacts, v)
		}
	}
}
