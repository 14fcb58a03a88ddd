package sandbox

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net"
	"slices"
	"strings"
)

// What the certificates of each product say: subject, names, key usages and
// policies, as the baseline requirements of the CA/Browser Forum have them.

var (
	oidDocumentSigning   = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 36}
	oidMicrosoftDocument = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 10, 3, 12}
	oidAdobeDocument     = asn1.ObjectIdentifier{1, 2, 840, 113583, 1, 1, 5}

	oidJurisdictionCountry = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 60, 2, 1, 3}
	oidBusinessCategory    = asn1.ObjectIdentifier{2, 5, 4, 15}
	oidSerialNumber        = asn1.ObjectIdentifier{2, 5, 4, 5}
	oidGivenName           = asn1.ObjectIdentifier{2, 5, 4, 42}
	oidSurname             = asn1.ObjectIdentifier{2, 5, 4, 4}
	oidPseudonym           = asn1.ObjectIdentifier{2, 5, 4, 65}
)

// policies are the forum's identifiers by product validation: the arcs below 2.23.140.1.
var policies = map[string][]uint64{
	"DV": {2, 1}, "OV": {2, 2}, "EV": {1}, "CS": {4, 1}, "EV CS": {3},
}

func (a *account) profile(o *order, c *certificate, public crypto.PublicKey) *x509.Certificate {
	p := findProduct(o.Product.NameID)
	if p == nil {
		p = &catalogue{family: clientCert}
	}
	t := &x509.Certificate{
		Subject: a.subject(p, o, c), BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	_, isRSA := public.(*rsa.PublicKey)
	switch p.family {
	case publicTLS, domainTLS, privateTLS:
		if isRSA {
			t.KeyUsage |= x509.KeyUsageKeyEncipherment
		}
		t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		if c.ProfileOption != "" || p.family == privateTLS {
			t.ExtKeyUsage = append(t.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
		}
		addNames(t, c.names())
		askedUsages(t, c)
	case clientCert, secureEmail:
		mailUsage(t, p, c, isRSA)
	case codeSigning:
		t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
	case documentOld, documentNew:
		t.KeyUsage |= x509.KeyUsageContentCommitment
		t.UnknownExtKeyUsage = []asn1.ObjectIdentifier{oidDocumentSigning, oidMicrosoftDocument, oidAdobeDocument}
	}
	if arcs, known := policies[p.ValidationType]; known {
		if oid, err := x509.OIDFromInts(append([]uint64{2, 23, 140, 1}, arcs...)); err == nil {
			t.Policies = []x509.OID{oid}
		}
	}
	return t
}

// names are the common name and the further names, each once.
func (c *certificate) names() []string {
	var list []string
	for _, name := range append([]string{c.CommonName}, c.DNSNames...) {
		name = strings.ToLower(name)
		if name != "" && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

// addNames puts names into the subject alternative names; what is no ASCII could
// not be encoded there and is left out.
func addNames(t *x509.Certificate, names []string) {
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else if isASCII(name) {
			t.DNSNames = append(t.DNSNames, name)
		}
	}
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > 126 || r < 32 })
}

// mailUsage follows usage_designation; both uses where there is none.
func mailUsage(t *x509.Certificate, p *catalogue, c *certificate, isRSA bool) {
	for _, email := range c.Emails {
		if isASCII(email) {
			t.EmailAddresses = append(t.EmailAddresses, email)
		}
	}
	encrypt := x509.KeyUsageKeyAgreement
	if isRSA {
		encrypt = x509.KeyUsageKeyEncipherment
	}
	primary, strict := "dual_use", c.ProfileType == "strict"
	if u := c.UsageDesignation; u != nil {
		primary = u.Primary
		if slices.Contains(u.Additional, "non_repudiation") {
			t.KeyUsage |= x509.KeyUsageContentCommitment
		}
	}
	switch primary {
	case "key_management":
		t.KeyUsage = encrypt
	case "dual_use":
		t.KeyUsage |= encrypt
	}
	if !p.smime {
		t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		return
	}
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}
	if !strict {
		t.ExtKeyUsage = append(t.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	}
}

// subject is the distinguished name: the organization where the product checks
// one, and the person where it names one.
func (a *account) subject(p *catalogue, o *order, c *certificate) pkix.Name {
	name := pkix.Name{CommonName: c.CommonName, OrganizationalUnit: c.OrganizationUnits}
	if org := a.organization(o.organizationID()); org != nil && p.needs != "" {
		name.Organization = []string{org.Name}
		name.Locality, name.Province = []string{org.City}, []string{org.State}
		name.Country = []string{strings.ToUpper(org.Country)}
		if p.needs == "ev" || p.needs == "ev_cs" {
			name.ExtraNames = append(name.ExtraNames,
				pkix.AttributeTypeAndValue{Type: oidJurisdictionCountry, Value: strings.ToUpper(org.Country)},
				pkix.AttributeTypeAndValue{Type: oidBusinessCategory, Value: "Private Organization"},
				pkix.AttributeTypeAndValue{Type: oidSerialNumber, Value: "SANDBOX"})
		}
	}
	person := c.Individual
	if person == nil {
		person = o.Individual
	}
	if person != nil {
		for _, part := range []struct {
			oid   asn1.ObjectIdentifier
			value string
		}{{oidGivenName, person.FirstName}, {oidSurname, person.LastName}, {oidPseudonym, person.Pseudonym}} {
			if part.value != "" {
				name.ExtraNames = append(name.ExtraNames, pkix.AttributeTypeAndValue{Type: part.oid, Value: part.value})
			}
		}
	}
	return name
}
