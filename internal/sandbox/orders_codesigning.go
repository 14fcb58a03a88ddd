package sandbox

import (
	"slices"
	"strconv"
	"strings"

	"dcsync/internal/pki"
)

// What is particular to code_signing and code_signing_ev (API facts, section
// 7.3; code signing order document).

// defaultProvisioning is the account preference for orders that name no method.
const defaultProvisioning = "email"

func (p *placing) readCodeSigning() {
	o, cert := p.order, p.cert
	method := p.oneOf("cs_provisioning_method", glossaryValues("cs_provisioning_methods")...)
	if method == "" {
		method = defaultProvisioning
	}
	o.CSProvisioningMethod = method
	// Not in the document's table, but sent in production; the organization's
	// name otherwise.
	o.Certificate.CommonName = cert.text("common_name", 0)

	csr := p.readCSR()
	if csr != nil && method != "email" {
		cert.bad("csr", "is taken only when cs_provisioning_method is email")
	}
	if !cert.has("csr") && method == "email" {
		cert.missing("csr")
	}
	if csr != nil && !strongForCode(csr) {
		cert.bad("csr", "needs an RSA key of at least 3072 bits or an ECC key of at least P-256")
	}
	// The document knows sha256 alone; a client in production sends the hash
	// that fits the larger curves, which is let pass.
	hash := o.Certificate.SignatureHash
	wide := csr != nil && (csr.Curve == "P-384" && hash == "sha384" || csr.Curve == "P-521" && hash == "sha512")
	if hash != "" && hash != "sha256" && !wide {
		cert.bad("signature_hash", "must be sha256")
	}
	p.readPlatform(method)
	if method == "ship_token" {
		p.readShipInfo()
	}
	// subject.email is for code_signing alone and ignored for EV.
	if sub, given := p.object("subject"); given && p.product.NameID == "code_signing" {
		if email := sub.email("email", 0, false); publicMail(email) {
			sub.add("email_domain_not_validated", "The domain of %s is not validated", email)
		}
	}
}

// readCSR parses the CSR, whose key and text are all that is taken from it.
func (p *placing) readCSR() *pki.CSR {
	text := p.cert.text("csr", 0)
	if text == "" {
		return nil
	}
	csr, err := pki.ParseCSR(text)
	if err != nil {
		p.cert.add("csr_invalid_cannot_parse", "The CSR cannot be parsed")
		return nil
	}
	p.order.Certificate.CSR, p.order.Certificate.KeySize = text, csr.Bits
	return csr
}

func strongForCode(csr *pki.CSR) bool {
	return csr.KeyType == "RSA" && csr.Bits >= 3072 || csr.KeyType == "ECDSA" && csr.Bits >= 256
}

// readPlatform: ids 51 to 57 become -1 without a word; email defaults to -1 and
// ship_token to 23; client_app must say.
func (p *placing) readPlatform(method string) {
	id, given := 0, false
	if sub, isObject := p.cert.object("server_platform"); isObject {
		if id, given = sub.nonzero("id"); given {
			switch text := strconv.Itoa(id); {
			case inGlossary("platforms_code_signing", text):
				id = -1
			case id != tokenPlatform && !inGlossary("platforms_ev_code_signing", text):
				sub.bad("id", "%d is no code signing platform", id)
			}
		}
	}
	switch {
	case given:
	case method == "ship_token":
		id = tokenPlatform
	case method == "client_app":
		p.cert.missing("server_platform.id")
		return
	default:
		id = -1
	}
	p.order.Certificate.ServerPlatform = platformByID(id)
}

// namesPlatform: an id of 0 names none.
func (f form) namesPlatform() bool {
	sub, given := f.object("server_platform")
	if !given {
		return false
	}
	_, given = sub.nonzero("id")
	return given
}

func (p *placing) readShipInfo() {
	sub, given := p.object("ship_info")
	if !given {
		address := defaultShipInfo
		p.order.ShipInfo = &address
		return
	}
	sub.digits("zip")
	p.order.ShipInfo = &shipInfo{
		Name: sub.need("name", 0), Addr1: sub.need("addr1", 0), Addr2: sub.text("addr2", 0),
		City: sub.need("city", 0), State: sub.need("state", 0), Zip: sub.need("zip", 0),
		Country: sub.need("country", 0), Method: sub.oneOf("method", glossaryValues("shipping_methods")...),
	}
	if !sub.has("method") {
		sub.missing("method")
	}
}

// publicProviders are the mail providers the client order document names, and
// some of the "other popular" ones.
var publicProviders = []string{
	"gmail.com", "googlemail.com", "outlook.com", "yahoo.com", "hotmail.com", "msn.com",
	"live.com", "icloud.com", "me.com", "aol.com", "gmx.com", "gmx.net", "gmx.de", "web.de", "mail.com", "proton.me", "protonmail.com", "yandex.com", "zoho.com",
}

func publicMail(email string) bool {
	_, domain, _ := strings.Cut(email, "@")
	return slices.Contains(publicProviders, strings.ToLower(domain))
}
