package sandbox

import (
	"net"
	"regexp"
	"slices"
	"strings"

	"dcsync/internal/pki"
)

// What is particular to TLS orders, public, DV and private (API facts, sections
// 7.4.1 to 7.4.3).

func (p *placing) readTLS() {
	o, cert := &p.order.Certificate, p.cert
	if p.product.family == domainTLS && o.SignatureHash == "" {
		o.SignatureHash = "sha256"
	}
	if o.SignatureHash != "" && !slices.Contains(p.product.hashes(), o.SignatureHash) {
		cert.bad("signature_hash", "must be one of %s", strings.Join(p.product.hashes(), ", "))
	}
	o.CommonName = p.domainName("common_name")
	names, _ := p.domainNames()
	o.DNSNames = withCommonName(o.CommonName, names)
	if csr := p.readCSR(); csr != nil {
		p.checkTLSKey(csr)
	} else if !cert.has("csr") {
		cert.missing("csr")
	}
	if sub, given := cert.object("server_platform"); given {
		o.ServerPlatform = sub.tlsPlatform()
	}
	if o.ServerPlatform == nil {
		o.ServerPlatform = tlsPlatform(-1)
	}
	o.ProfileOption = cert.text("profile_option", 0)
	if p.product.NameID == "x9_pki" {
		o.KeyUsages = usages(cert, "key_usages", keyUsages)
		o.ExtendedKeyUsages = usages(cert, "extended_key_usages", extendedKeyUsages)
	}
	p.readCA(o)
	p.order.CertificateDCVScope = p.oneOf("certificate_dcv_scope", "base_domain", "fqdn")
	p.order.DisableCT, _ = p.flag("disable_ct")
	if n, given := p.integer("auto_reissue"); given {
		if n != 0 && n != 1 {
			p.bad("auto_reissue", "must be 0 or 1")
		}
		p.order.AutoReissue = n
	}
	p.readProof()
}

// readProof reads how control of the domains is shown. Private names need none.
func (p *placing) readProof() {
	switch p.product.family {
	case privateTLS:
		return
	case domainTLS:
		methods := slices.DeleteFunc(glossaryValues("dcv_methods"), func(m string) bool { return m == "dns-cname-token" })
		p.order.DCVMethod = p.oneOf("dcv_method", methods...)
		list, _ := p.objects("dcv_emails")
		for _, item := range list {
			item.need("dns_name", 0)
			item.text("email_domain", 0)
			item.email("email", 0, true)
		}
	default:
		p.order.DCVMethod = p.oneOf("dcv_method", glossaryValues("dcv_methods")...)
	}
	if p.order.DCVMethod == "" {
		p.order.DCVMethod = "email"
	}
}

// hostname is a DNS name with at least two labels, the first of which may be *.
var hostname = regexp.MustCompile(`^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// internalName is what a private certificate may name beside that: one label.
var internalName = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?$`)

func (p *placing) isName(s string) bool {
	s = strings.ToLower(s)
	if p.product.family == privateTLS && (net.ParseIP(s) != nil || internalName.MatchString(s)) {
		return true
	}
	return len(s) <= 253 && hostname.MatchString(s) && net.ParseIP(s) == nil
}

func (p *placing) domainName(field string) string {
	name := p.cert.need(field, 0)
	if name != "" && !p.isName(name) {
		p.cert.bad(field, "%q is not a domain name", name)
	}
	return name
}

func (p *placing) domainNames() (names []string, given bool) {
	list, given := p.cert.texts("dns_names")
	for _, name := range list {
		if !p.isName(name) {
			p.cert.bad("dns_names", "%q is not a domain name", name)
		}
		if !slices.ContainsFunc(names, func(have string) bool { return strings.EqualFold(have, name) }) {
			names = append(names, name)
		}
	}
	return names, given
}

// withCommonName puts the common name among the names, as it stands in the
// certificate (that it reads back so is assumed).
func withCommonName(cn string, names []string) []string {
	if cn == "" || slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, cn) }) {
		return names
	}
	return append([]string{cn}, names...)
}

// checkTLSKey: the sizes are those of the industry's baseline requirements.
func (p *placing) checkTLSKey(csr *pki.CSR) {
	if csr.KeyType == "RSA" && csr.Bits < 2048 || csr.KeyType == "Ed25519" {
		p.cert.bad("csr", "needs an RSA key of at least 2048 bits or an ECC key")
	}
}

func (f form) tlsPlatform() *platform {
	id, given := f.nonzero("id")
	if !given {
		return nil
	}
	found := tlsPlatform(id)
	if found == nil {
		f.bad("id", "%d is no server platform", id)
	}
	return found
}

// readCA: the intermediate can be chosen for private TLS alone; elsewhere
// ca_cert_id is ignored, as in an account without ICA selection.
func (p *placing) readCA(c *certificate) {
	id := p.cert.text("ca_cert_id", 0)
	if id == "" || p.product.family != privateTLS {
		return
	}
	name, ca := p.acct.authorityByID(id)
	if name != caPrivateTLS && name != caPrivateOther {
		p.cert.bad("ca_cert_id", "%s is not allowed for this product", id)
		return
	}
	c.CACert = &caCert{ca.ID, ca.Name}
}
