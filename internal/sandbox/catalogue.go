package sandbox

import (
	"slices"

	"dcsync/schema/glossary"
)

// family is a group of products that are ordered by the same rules.
type family int

const (
	publicTLS   family = iota // OV and EV, Secure Site and flex included
	domainTLS                 // DV
	privateTLS                //
	clientCert                // the legacy client and S/MIME products
	secureEmail               // the three Secure Email products
	codeSigning               //
	documentOld               // document signing, first generation
	documentNew               // ds_org, ds_individual, ds_org_individual
)

// catalogue is one product that can be ordered here, with what the order
// documents say about it.
type catalogue struct {
	NameID         string
	Name           string
	Group          string
	ValidationName string
	ValidationType string // as product info writes it
	family         family
	// needs is the validation its organization must have; assumed for client
	// products, whose document names none. Empty: no organization at all.
	needs string
	// sponsor marks sponsor-validated S/MIME products.
	sponsor bool
	// smime marks public S/MIME, whose organization units are ignored.
	smime bool
	// capDays is the longest certificate (API facts, sections 7.4.4 and 13), 0 for none.
	capDays int
	ca      string
	prices  [3]float64 // by years; invented
}

// Longest certificates in days (API facts, sections 7.4.4 and 13).
const (
	capTLS  = 199
	capCode = 459
	capMail = 825
)

// years prices one, two and three years.
func years(one float64) [3]float64 { return [3]float64{one, 1.9 * one, 2.7 * one} }

func ov(id string, price float64) catalogue {
	return catalogue{NameID: id, family: publicTLS, ValidationType: "OV", ValidationName: "Organization validated", needs: "ov", capDays: capTLS, ca: caPublicTLS, prices: years(price)}
}

func ev(id string, price float64) catalogue {
	return catalogue{NameID: id, family: publicTLS, ValidationType: "EV", ValidationName: "Extended validation", needs: "ev", capDays: capTLS, ca: caPublicTLS, prices: years(price)}
}

func dv(id string, price float64) catalogue {
	return catalogue{NameID: id, family: domainTLS, ValidationType: "DV", ValidationName: "Domain validated", capDays: capTLS, ca: caPublicTLS, prices: years(price)}
}

func private(id string, price float64) catalogue {
	return catalogue{NameID: id, family: privateTLS, ValidationType: "Private SSL", ValidationName: "Private", needs: "ov", ca: caPrivateTLS, prices: years(price)}
}

func document(id, name, needs string, f family, price float64) catalogue {
	return catalogue{NameID: id, Name: name, Group: "document_signing", family: f, ValidationType: "DS", ValidationName: "Document signing", needs: needs, ca: caDocument, prices: years(price)}
}

// products is what this account may buy. Grid products have no documented order
// and are left out; names and groups the glossary lacks are written here, the
// groups by assumption.
var products = named([]catalogue{
	ov("ssl_plus", 268), ov("ssl_multi_domain", 399), ov("ssl_wildcard", 792), ov("ssl_cloud_wildcard", 792), ov("ssl_basic", 268),
	ov("ssl_thawte_webserver", 199), ov("ssl_geotrust_truebizid", 229),
	ev("ssl_ev_plus", 430), ev("ssl_ev_multi_domain", 596), ev("ssl_ev_basic", 430), ev("ssl_ev_thawte_webserver", 344), ev("ssl_ev_geotrust_truebizid", 344),
	ov("ssl_securesite", 399), ov("ssl_securesite_multi_domain", 560), ov("ssl_securesite_wildcard", 1999), ov("ssl_securesite_flex", 399), ov("ssl_securesite_pro", 995),
	ev("ssl_ev_securesite", 995), ev("ssl_ev_securesite_multi_domain", 1195), ev("ssl_ev_securesite_flex", 995), ev("ssl_ev_securesite_pro", 1499),
	dv("ssl_dv_geotrust", 149), dv("ssl_dv_rapidssl", 59), dv("ssl_dv_thawte", 149), dv("ssl_dv_ee", 5), dv("wildcard_dv_geotrust", 688), dv("wildcard_dv_rapidssl", 249),
	dv("cloud_dv_geotrust", 688), dv("ssl_dv_geotrust_flex", 149),
	private("private_ssl_plus", 99), private("private_ssl_wildcard", 299), private("private_ssl_multi_domain", 149), private("private_ssl_flex", 99),
	// Known from one client alone: ordered like private TLS, addresses included (assumed).
	{NameID: "x9_pki", Name: "X9 PKI for TLS", Group: "ssl_certificate", family: privateTLS, ValidationType: "OV", ValidationName: "Organization validated", needs: "ov", ca: caPrivateTLS, prices: years(350)},
	{NameID: "code_signing", family: codeSigning, ValidationType: "CS", ValidationName: "Code Signing", needs: "cs", capDays: capCode, ca: caCode, prices: [3]float64{598, 1196, 1794}},
	{NameID: "code_signing_ev", family: codeSigning, ValidationType: "EV CS", ValidationName: "EV Code Signing", needs: "ev_cs", capDays: capCode, ca: caEVCode, prices: [3]float64{798, 1596, 2394}},
	{NameID: "client_premium", family: clientCert, ValidationName: "Sponsor validated", needs: "smime", sponsor: true, smime: true, capDays: capMail, ca: caMail, prices: [3]float64{115, 218, 310}},
	{NameID: "client_digital_signature_plus", family: clientCert, ValidationName: "Sponsor validated", needs: "smime", sponsor: true, smime: true, capDays: capMail, ca: caMail, prices: [3]float64{65, 123, 175}},
	{NameID: "client_email_security_plus", family: clientCert, ValidationName: "Sponsor validated", needs: "smime", sponsor: true, smime: true, capDays: capMail, ca: caMail, prices: [3]float64{55, 104, 148}},
	{NameID: "client_authentication_plus", family: clientCert, ValidationName: "Organization validated", needs: "ov", ca: caClient, prices: [3]float64{45, 85, 121}},
	{NameID: "class1_smime", family: clientCert, ValidationName: "Mailbox validated", smime: true, capDays: capMail, ca: caMail, prices: [3]float64{25, 47, 67}},
	{NameID: "secure_email_mailbox", Name: "Secure Email for Individual", Group: "client_certificate", family: secureEmail, ValidationName: "Mailbox validated", smime: true, capDays: capMail, ca: caMail, prices: years(30)},
	{NameID: "secure_email_sponsor", Name: "Secure Email for Business", Group: "client_certificate", family: secureEmail, ValidationName: "Sponsor validated", needs: "smime", sponsor: true, smime: true, capDays: capMail, ca: caMail, prices: years(60)},
	{NameID: "secure_email_organization", Name: "Secure Email for Organization", Group: "client_certificate", family: secureEmail, ValidationName: "Organization validated", needs: "smime", smime: true, capDays: capMail, ca: caMail, prices: years(90)},
	document("document_signing_org_1", "", "ds", documentOld, 390), document("document_signing_org_2", "", "ds", documentOld, 690),
	document("ds_org", "Document Signing for Organization", "ds", documentNew, 490), document("ds_individual", "Document Signing for Individual", "", documentNew, 290),
	document("ds_org_individual", "Document Signing for Business Employee", "ds", documentNew, 340),
})

// named takes names and groups from the glossary where it has them.
func named(list []catalogue) []catalogue {
	l, _ := glossary.Lookup("products")
	ids, groups, names := l.Column("name_id"), l.Column("group_name"), l.Column("name")
	for i := range list {
		if at := slices.Index(ids, list[i].NameID); at >= 0 {
			list[i].Group, list[i].Name = groups[at], names[at]
		}
	}
	return list
}

func findProduct(nameID string) *catalogue {
	i := slices.IndexFunc(products, func(p catalogue) bool { return p.NameID == nameID })
	if i < 0 {
		return nil
	}
	return &products[i]
}

// hinted is the product behind the path "ssl": the basic flex one of the type
// asked for (which one is assumed); nil when the hint decides nothing.
func hinted(hint string) *catalogue {
	id, known := map[string]string{"ov": "ssl_basic", "ev": "ssl_ev_basic", "dv": "ssl_dv_geotrust_flex", "private": "private_ssl_flex"}[hint]
	if !known {
		return nil
	}
	return findProduct(id)
}

func (p catalogue) codeSigning() bool { return p.family == codeSigning }

// tls says whether the product secures domains.
func (p catalogue) tls() bool {
	return p.family == publicTLS || p.family == domainTLS || p.family == privateTLS
}

// provisioned products end up on hardware.
func (p catalogue) provisioned() bool {
	return p.family == codeSigning || p.family == documentOld || p.family == documentNew
}

// pickup: without CSR the key is made by the certificate's owner.
func (p catalogue) pickup() bool { return p.family == clientCert || p.family == secureEmail }

func (p catalogue) onOrder() product {
	return product{
		NameID: p.NameID, Name: p.Name, Type: p.Group, ValidationType: p.validation(), ValidationName: p.ValidationName,
		ValidationDescription: p.ValidationName + " certificate",
	}
}

// validation is validation_type as orders write it.
func (p catalogue) validation() string {
	if p.family == domainTLS {
		return "dv"
	}
	return p.needs
}

func priceOf(nameID string, years int) float64 {
	p := findProduct(nameID)
	if p == nil {
		return 0
	}
	return p.prices[min(max(years, 1), 3)-1]
}
