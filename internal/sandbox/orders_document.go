package sandbox

import "strings"

// What is particular to document signing, both generations (API facts, section
// 7.4.5).

// defaultDocumentProvisioning is the account preference for orders that name no
// method (assumed; the newer pages call the field required and give it a default).
const defaultDocumentProvisioning = "ship_token"

func (p *placing) readDocumentSigning() {
	o, cert := p.order, p.cert
	if o.Certificate.SignatureHash == "" && p.product.family == documentNew {
		o.Certificate.SignatureHash = "sha256"
	}
	if h := o.Certificate.SignatureHash; h != "" && h != "sha256" {
		cert.bad("signature_hash", "must be sha256")
	}
	method := p.oneOf("cs_provisioning_method", glossaryValues("cs_provisioning_methods")...)
	if method == "" {
		method = defaultDocumentProvisioning
		if cert.has("csr") {
			method = "email"
		}
	}
	o.CSProvisioningMethod = method
	if csr := p.readCSR(); csr != nil {
		p.checkCodeKey(csr)
	} else if !cert.has("csr") && method == "email" && p.product.family == documentOld {
		cert.missing("csr")
	}
	if cert.namesPlatform() {
		p.readPlatform(method)
	} else {
		o.Certificate.ServerPlatform = platformByID(-1)
	}
	if method == "ship_token" {
		p.readShipInfo()
	}
	if n, given := p.flag("csa_agreed_to"); given && !n {
		p.bad("csa_agreed_to", "must be 1: the agreement has to be accepted")
	}
	if p.product.family == documentOld {
		p.readDocumentSubject()
		return
	}
	p.readUsage("signing")
	if p.product.NameID == "ds_org" {
		return
	}
	sub, given := p.object("individual")
	if !given {
		if !p.has("individual") {
			p.missing("individual")
		}
		return
	}
	o.Individual = &individual{
		FirstName: sub.need("first_name", 0), LastName: sub.need("last_name", 0), Email: sub.email("email", 0, true),
		Telephone: sub.text("telephone", 0), JobTitle: sub.text("job_title", 0),
	}
	if sub.has("country") {
		o.Individual.Country = strings.ToLower(sub.country("country"))
	}
	o.Certificate.CommonName = strings.TrimSpace(o.Individual.FirstName + " " + o.Individual.LastName)
}

// readDocumentSubject: the organization's name is the common name unless told
// otherwise; then subject names a person.
func (p *placing) readDocumentSubject() {
	useOrganization, given := p.flag("use_org_as_common_name")
	sub, named := p.object("subject")
	if named {
		sub.text("job_title", 0)
		sub.text("phone", 0)
		sub.email("email", 0, false)
	}
	if !given || useOrganization {
		return
	}
	if !named {
		p.missing("subject")
		return
	}
	p.order.Certificate.CommonName = sub.need("name", 0)
}
