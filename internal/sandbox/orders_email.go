package sandbox

import (
	"slices"
	"strings"
)

// What is particular to the three Secure Email products (API facts, section 7.4.4).

func (p *placing) readSecureEmail() {
	o, cert := &p.order.Certificate, p.cert
	if o.SignatureHash != "" && o.SignatureHash != "sha256" {
		cert.bad("signature_hash", "must be sha256")
	}
	emails, given := cert.emails("emails")
	if given && len(emails) == 0 || !cert.has("emails") {
		cert.missing("emails")
	}
	o.Emails = emails
	if csr := p.readCSR(); csr != nil {
		rsa := csr.KeyType == "RSA" && csr.Bits >= 2048 && csr.Bits <= 4096
		if !rsa && csr.Curve != "P-256" && csr.Curve != "P-384" {
			cert.bad("csr", "needs an RSA key of 2048 to 4096 bits, or a P-256 or P-384 key")
		}
	}
	o.ProfileType = cert.oneOf("profile_type", "strict", "multipurpose")
	if o.ProfileType == "" {
		o.ProfileType = "strict" // the default unless the account says otherwise
	}
	p.readUsage("signing", "key_management", "dual_use")
	if u := o.UsageDesignation; u != nil && o.ProfileType == "strict" && slices.Contains(u.Additional, "client_auth") {
		cert.bad("usage_designation.additional_usages", "client_auth is not available in the strict profile")
	}
	if sub, given := p.object("subject"); given {
		for _, name := range []string{"include_email", "include_pseudonym", "include_given_name_surname"} {
			sub.flag(name)
		}
	}
	if p.product.needs == "" {
		if len(emails) > 0 {
			o.CommonName = emails[0]
		}
		return
	}
	for _, email := range emails {
		if publicMail(email) {
			cert.add("email_domain_not_validated", "The domain of %s is not validated for the organization", email)
		}
	}
	p.readMailName()
}

// readUsage reads usage_designation, which the newer products require.
func (p *placing) readUsage(primaries ...string) {
	sub, given := p.cert.object("usage_designation")
	if !given {
		if !p.cert.has("usage_designation") {
			p.cert.missing("usage_designation")
		}
		return
	}
	u := &usage{Primary: sub.oneOf("primary_usage", primaries...)}
	if !sub.has("primary_usage") {
		sub.missing("primary_usage")
	}
	// The list of further usages is cut off in every stored copy: any is taken.
	u.Additional, _ = sub.texts("additional_usages")
	p.order.Certificate.UsageDesignation = u
}

// readMailName makes the common name after common_name_indicator. Which products
// take which indicator is a guess of the source.
func (p *placing) readMailName() {
	o, cert := &p.order.Certificate, p.cert
	allowed := []string{"email_address", "organization_name"}
	if p.product.sponsor {
		allowed = []string{"email_address", byNames, byPseudonym}
	}
	o.CommonNameIndicator = cert.oneOf("common_name_indicator", allowed...)
	if o.CommonNameIndicator == "" {
		cert.missing("common_name_indicator")
	}
	if o.CommonNameIndicator == "email_address" && len(o.Emails) > 0 {
		o.CommonName = o.Emails[0]
	}
	if !p.product.sponsor {
		return // the organization's name is known once the order is placed
	}
	sub, given := cert.object("individual")
	if !given {
		if !cert.has("individual") {
			cert.missing("individual")
		}
		return
	}
	who := &individual{FirstName: sub.text("first_name", 0), LastName: sub.text("last_name", 0), Pseudonym: sub.text("pseudonym", 0)}
	o.Individual = who
	switch o.CommonNameIndicator {
	case byPseudonym:
		o.CommonName = sub.need("pseudonym", 0)
	case "email_address":
		if who.Pseudonym == "" {
			sub.need("first_name", 0)
			sub.need("last_name", 0)
		}
	case byNames:
		o.CommonName = strings.TrimSpace(sub.need("first_name", 0) + " " + sub.need("last_name", 0))
	}
}
