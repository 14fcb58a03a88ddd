package sandbox

// What is particular to the five client products (client order document; API
// facts, section 7.2).

const (
	byNames     = "given_name_surname"
	byPseudonym = "pseudonym"
)

func (p *placing) readClient() {
	o, cert := &p.order.Certificate, p.cert
	if o.SignatureHash != "" && o.SignatureHash != "sha256" {
		cert.bad("signature_hash", "must be sha256")
	}
	emails, given := cert.emails("emails")
	if given && len(emails) == 0 || !cert.has("emails") {
		cert.missing("emails")
	}
	o.Emails = emails
	if csr := p.readCSR(); csr != nil && (csr.KeyType == "RSA" && csr.Bits < 2048 || csr.KeyType == "Ed25519") {
		cert.bad("csr", "needs an RSA key of at least 2048 bits or an ECC key")
	}
	if p.product.needs == "" {
		// Mailbox validated: the first email is the common name, and giving one is
		// refused (that it is refused rather than ignored is assumed).
		if cert.has("common_name") {
			cert.bad("common_name", "must not be given: the first email becomes the common name")
		}
		if len(emails) > 0 {
			o.CommonName = emails[0]
		}
		return
	}
	o.CommonName = cert.need("common_name", 0)
	if !p.product.sponsor {
		return
	}
	for _, email := range emails {
		if publicMail(email) {
			cert.add("email_domain_not_validated", "The domain of %s is not validated for the organization", email)
		}
	}
	p.readIndividual()
}

// readIndividual: required for sponsor validated products since 2025-07-10.
func (p *placing) readIndividual() {
	o, cert := &p.order.Certificate, p.cert
	if !cert.has("common_name_indicator") {
		cert.missing("common_name_indicator")
		return
	}
	o.CommonNameIndicator = cert.oneOf("common_name_indicator", byNames, byPseudonym)
	sub, given := cert.object("individual")
	if !given {
		if !cert.has("individual") {
			cert.missing("individual")
		}
		return
	}
	switch o.CommonNameIndicator {
	case byNames:
		o.Individual = &individual{FirstName: sub.need("first_name", 0), LastName: sub.need("last_name", 0)}
		sub.text("pseudonym", 0)
	case byPseudonym:
		o.Individual = &individual{Pseudonym: sub.need("pseudonym", 0)}
		sub.text("first_name", 0)
		sub.text("last_name", 0)
	}
}
