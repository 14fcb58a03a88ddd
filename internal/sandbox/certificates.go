package sandbox

import (
	"crypto/sha1" // a thumbprint is SHA-1 by definition
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"dcsync/internal/pki"
)

// Issuing: every certificate that was ever issued is kept, with its bytes. Order
// info shows the latest one of its order.

// How a certificate came to be.
const (
	kindFirst     = "order"
	kindReissue   = "reissue"
	kindDuplicate = "duplicate"
)

// issued is one certificate, in the shape of the reissue list.
type issued struct {
	certificate
	OrderID int    `json:"order_id"`
	Kind    string `json:"kind"`
	Status  string `json:"status"` // issued or revoked
	SubID   string `json:"sub_id,omitempty"`
	// RevokeAt is when DigiCert will revoke it, after a reissue that dropped a name.
	RevokeAt time.Time `json:"revoke_at,omitzero"`
	DER      []byte    `json:"der,omitempty"`
}

func (a *account) certificate(id int) *issued {
	i := slices.IndexFunc(a.Certificates, func(c *issued) bool { return c.ID == id })
	if i < 0 {
		return nil
	}
	return a.Certificates[i]
}

// certificatesOf are the certificates of an order, oldest first.
func (a *account) certificatesOf(orderID int) []*issued {
	var list []*issued
	for _, c := range a.Certificates {
		if c.OrderID == orderID {
			list = append(list, c)
		}
	}
	return list
}

// issue gives an order its first certificate, or the one of a reissue, which ends
// with the order, when it was asked to, or at the product's cap, whichever comes
// first (API facts, section 13).
func (a *account) issue(o *order, at time.Time) error {
	kind := kindFirst
	if o.OrderValidTill == "" {
		o.OrderValidFrom, o.OrderValidTill = day(at), day(o.OrderValidity.end(at))
	} else if len(a.certificatesOf(o.ID)) > 0 {
		kind = kindReissue
	}
	if err := a.sign(o, &o.Certificate, kind, at); err != nil {
		return err
	}
	if m := o.CSProvisioningMethod; (m == "ship_token" || m == "client_app") && o.HardwareInitCode == "" {
		o.HardwareInitCode = randomHex(8)
	}
	o.Status = "issued"
	return nil
}

// sign makes the certificate c of an order and keeps it.
func (a *account) sign(o *order, c *certificate, kind string, at time.Time) error {
	till := o.OrderValidity.end(at)
	if end, err := time.Parse(time.DateOnly, o.OrderValidTill); err == nil {
		till = end
	}
	if v := c.CertValidity; v != nil && v.end(at).Before(till) {
		till = v.end(at)
	}
	p := findProduct(o.Product.NameID)
	if p != nil && p.capDays > 0 {
		if limit := at.AddDate(0, 0, p.capDays); limit.Before(till) {
			till = limit
		}
	}
	c.SerialNumber = randomHex(16)
	c.DateIssued = stamp(at)
	c.ValidFrom, c.ValidTill = day(at), day(till)
	if c.ID == 0 || a.certificate(c.ID) != nil {
		c.ID = a.nextID("certificate")
	}
	ca, der, err := a.encode(o, c)
	if err != nil {
		return err
	}
	c.CACert = &caCert{ca.ID, ca.Name}
	c.Thumbprint = thumbprint(der)
	one := &issued{certificate: *c, OrderID: o.ID, Kind: kind, Status: "issued", DER: der}
	if kind != kindFirst {
		one.SubID = fmt.Sprintf("%03d", len(a.certificatesOf(o.ID)))
	}
	a.Certificates = append(a.Certificates, one)
	return nil
}

// encode makes the bytes of a certificate from what its order says of it. The
// same order gives the same bytes, so an account can be copied without them.
func (a *account) encode(o *order, c *certificate) (*authority, []byte, error) {
	ca, err := a.authority(issuerOf(o, c, a))
	if err != nil {
		return nil, nil, err
	}
	serial, ok := new(big.Int).SetString(c.SerialNumber, 16)
	from, okFrom := time.Parse(time.DateOnly, c.ValidFrom)
	till, okTill := time.Parse(time.DateOnly, c.ValidTill)
	if !ok || okFrom != nil || okTill != nil {
		return nil, nil, fmt.Errorf("certificate %d of order %d has no serial number or dates", c.ID, o.ID)
	}
	// Dates have no time of day; that of the issuance keeps the life to whole days.
	if at, ok := moment(c.DateIssued); ok && day(at) == c.ValidFrom {
		clock := at.Sub(from)
		from, till = from.Add(clock), till.Add(clock)
	}
	public := keyless(c.SerialNumber)
	if c.CSR != "" {
		// One that was edited away behind the API's back falls back to no key.
		if key, err := pki.PublicKey(c.CSR); err == nil {
			public = key
		}
	}
	template := a.profile(o, c, public)
	template.SerialNumber, template.NotBefore, template.NotAfter = serial, from, till
	der, err := ca.sign(template, public, c.SignatureHash)
	return ca, der, err
}

// issuerOf is the CA chosen by ca_cert_id, else the product's.
func issuerOf(o *order, c *certificate, a *account) string {
	p := findProduct(o.Product.NameID)
	if p == nil {
		return caClient
	}
	if c.CACert != nil && p.family == privateTLS {
		if name, _ := a.authorityByID(c.CACert.ID); name == caPrivateOther {
			return name
		}
	}
	return p.ca
}

func thumbprint(der []byte) string {
	sum := sha1.Sum(der)
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// mendCertificates adds the certificates of issued orders that came without, and
// thumbprints that are missing. Bytes are made when they are first asked for, so
// that a large account opens fast; a thumbprint that is given is believed.
func (a *account) mendCertificates() error {
	known := map[int]bool{}
	for _, one := range a.Certificates {
		known[one.ID] = true
		if a.order(one.OrderID) == nil {
			return fmt.Errorf("certificate %d belongs to order %d, which does not exist", one.ID, one.OrderID)
		}
	}
	for _, o := range a.Orders {
		c := &o.Certificate
		if c.ID == 0 || c.SerialNumber == "" || c.ValidTill == "" || known[c.ID] {
			continue
		}
		one := &issued{certificate: *c, OrderID: o.ID, Kind: kindFirst, Status: "issued"}
		if o.Status == "revoked" {
			one.Status = "revoked"
		}
		if one.Thumbprint == "" {
			if der := a.der(one); der != nil {
				one.Thumbprint = thumbprint(der)
				c.Thumbprint = one.Thumbprint
			}
		}
		a.Certificates = append(a.Certificates, one)
	}
	return nil
}

// der are the bytes of a certificate; nil when it was written by hand and is too
// incomplete to be encoded.
func (a *account) der(one *issued) []byte {
	o := a.order(one.OrderID)
	if len(one.DER) == 0 && o != nil {
		if _, der, err := a.encode(o, &one.certificate); err == nil {
			one.DER = der
		}
	}
	return one.DER
}

// revoke ends one certificate, and its order when none is left (assumed).
func (a *account) revoke(one *issued) {
	one.Status = "revoked"
	o := a.order(one.OrderID)
	for _, c := range a.certificatesOf(one.OrderID) {
		if c.Status != "revoked" {
			return
		}
	}
	if o != nil {
		o.Status = "revoked"
	}
}

// revokeOrder ends an order with all its certificates.
func (a *account) revokeOrder(o *order) {
	for _, c := range a.certificatesOf(o.ID) {
		c.Status = "revoked"
	}
	o.Status = "revoked"
}
