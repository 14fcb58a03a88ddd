package sandbox

import (
	"archive/zip"
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"dcsync/internal/pki"
	"dcsync/schema/glossary"
)

// Downloads of issued certificates (API facts, section 11; glossary, certificate
// formats). Everything inside is PEM with CRLF line ends.

// chainLink is one certificate as answers quote it.
type chainLink struct {
	SubjectCommonName string `json:"subject_common_name"`
	PEM               string `json:"pem"`
}

func pemText(kind string, der []byte) string {
	text := string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	return strings.ReplaceAll(text, "\n", "\r\n")
}

// issuerOf is the CA a kept certificate was issued by.
func (a *account) issuerOf(one *issued) *authority {
	if one.CACert != nil {
		if _, ca := a.authorityByID(one.CACert.ID); ca != nil {
			return ca
		}
	}
	o := a.order(one.OrderID)
	if o == nil {
		return nil
	}
	ca, err := a.authority(issuerOf(o, &one.certificate, a))
	if err != nil {
		return nil
	}
	return ca
}

func link(der []byte) chainLink {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return chainLink{PEM: pemText("CERTIFICATE", der)}
	}
	return chainLink{cert.Subject.CommonName, pemText("CERTIFICATE", der)}
}

// chain is the certificate and its intermediate, as an order that issues at once
// answers.
func (a *account) chain(one *issued) []chainLink {
	list := []chainLink{link(a.der(one))}
	if ca := a.issuerOf(one); ca != nil {
		list = append(list, link(ca.Issuing))
	}
	return list
}

// notIssued: the code is assumed; the sister API answers 404.
func notIssued() reply {
	return fail(http.StatusNotFound, "not_found|certificate", "There is no such certificate, or it is not issued")
}

// theCertificate finds the certificate of the path by id or serial number, and
// its order, which must be visible.
func (c *call) theCertificate() (*issued, *order) {
	key := c.params["certificate_id"]
	for _, one := range c.acct.Certificates {
		if !isNumber(one.ID, key) && (one.SerialNumber == "" || !strings.EqualFold(one.SerialNumber, key)) {
			continue
		}
		if o := c.acct.order(one.OrderID); o != nil && c.seesOrder(o) {
			return one, o
		}
	}
	return nil, nil
}

func (c *call) getChain() reply {
	one, _ := c.theCertificate()
	if one == nil || c.acct.der(one) == nil {
		return notIssued()
	}
	return ok(map[string]any{"intermediates": c.acct.chain(one)[1:]})
}

// listIntermediates: beside names and bytes, the id that ca_cert_id takes
// (the shape is assumed).
func (c *call) listIntermediates() reply {
	list := []any{}
	for _, name := range authorityNames {
		if ca, err := c.acct.authority(name); err == nil {
			list = append(list, struct {
				ID string `json:"id"`
				chainLink
			}{ca.ID, link(ca.Issuing)})
		}
	}
	return ok(map[string]any{"intermediates": list})
}

// downloadForPlatform takes the order's own platform when the path names none.
func (c *call) downloadForPlatform() reply {
	one, o := c.theCertificate()
	if one == nil {
		return notIssued()
	}
	id, named := c.params["platform_id"]
	if !named {
		return c.download(one, o, formatOf(o, &one.certificate))
	}
	n, err := strconv.Atoi(id)
	if err != nil || tlsPlatform(n) == nil && platformByID(n) == nil {
		return fail(http.StatusNotFound, "not_found|server_platform", "There is no platform %s", id)
	}
	return c.download(one, o, platformFormat(n))
}

func (c *call) downloadInFormat() reply {
	one, o := c.theCertificate()
	if one == nil {
		return notIssued()
	}
	return c.download(one, o, c.params["format"])
}

// downloadOfOrder gives the latest certificate of an order.
func (c *call) downloadOfOrder() reply {
	o, out := c.theOrder()
	if o == nil {
		return out
	}
	one := c.acct.certificate(o.Certificate.ID)
	if one == nil {
		return notIssued()
	}
	format, named := c.params["format"]
	if !named {
		format = formatOf(o, &one.certificate)
	}
	return c.download(one, o, format)
}

// formatOf is the format of the certificate's platform. Only TLS platforms have
// one; other products come as default.
func formatOf(o *order, c *certificate) string {
	p := findProduct(o.Product.NameID)
	if p == nil || !p.tls() || c.ServerPlatform == nil {
		return "default"
	}
	return platformFormat(c.ServerPlatform.ID)
}

func platformFormat(id int) string {
	l, _ := glossary.Lookup("platforms_tls")
	if i := slices.Index(l.Column("id"), strconv.Itoa(id)); i >= 0 {
		return l.Column("format")[i]
	}
	return "default"
}

func (c *call) download(one *issued, o *order, format string) reply {
	l, _ := glossary.Lookup("certificate_formats")
	i := slices.Index(l.Column("name"), format)
	ca := c.acct.issuerOf(one)
	switch {
	case i < 0:
		return fail(http.StatusBadRequest, "invalid_value:format", "There is no format %s", format)
	case c.acct.der(one) == nil || ca == nil:
		return notIssued()
	}
	name := fileName(one.CommonName, o.ID)
	extension, kind := l.Column("extension")[i], l.Column("content_type")[i]
	leaf, issuing, root := pemText("CERTIFICATE", one.DER), pemText("CERTIFICATE", ca.Issuing), pemText("CERTIFICATE", ca.Root)
	out := reply{status: http.StatusOK, kind: kind, name: name + extension}
	var err error
	switch format {
	case "pem_all":
		out.raw = []byte(leaf + issuing + root)
	case "pem_noroot":
		out.raw = []byte(leaf + issuing)
	case "pem_nointermediate":
		out.raw = []byte(leaf)
	case "cer", "p7b":
		var der []byte
		der, err = pki.CertsOnly(one.DER, ca.Issuing, ca.Root)
		out.raw = []byte(pemText("PKCS7", der))
	case "apache":
		out.name = name + ".zip"
		out.raw, err = zipped(name+"/", extension, name, leaf, "DigiCertCA", issuing)
	default:
		out.name = name + ".zip"
		out.raw, err = zipped(name+"/", extension, name, leaf, "DigiCertCA", issuing, "TrustedRoot", root)
	}
	if err != nil {
		return fail(http.StatusInternalServerError, "internal_error", "%v", err)
	}
	return out
}

// fileName is the common name as file names take it.
func fileName(cn string, order int) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-'):
			return r
		}
		return '_'
	}, strings.ReplaceAll(cn, "*", "star"))
	if strings.Trim(name, "_") == "" {
		name = fmt.Sprintf("order_%d", order)
	}
	return name
}

// zipped packs pairs of name and text.
func zipped(folder, extension string, pairs ...string) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i+1 < len(pairs); i += 2 {
		w, err := z.Create(folder + pairs[i] + extension)
		if err != nil {
			return nil, fmt.Errorf("pack certificates: %w", err)
		}
		if _, err := w.Write([]byte(pairs[i+1])); err != nil {
			return nil, fmt.Errorf("pack certificates: %w", err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("pack certificates: %w", err)
	}
	return b.Bytes(), nil
}
