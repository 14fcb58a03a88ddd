// Package pki reads certificate signing requests, recognises private keys and
// packs certificates as PKCS#7.
//
// It is for telling whether a CSR is sound, which key and names it carries, and
// whether a text that is about to be sent or committed holds a key that must
// stay secret. It signs nothing and knows no product's rules: which key sizes
// or methods an order takes is decided by its callers.
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// CSR is what dcsync needs to know of a certificate signing request.
type CSR struct {
	KeyType         string // RSA, ECDSA or Ed25519
	Bits            int    // of the modulus or the curve
	Curve           string // P-256 and the like; empty unless KeyType is ECDSA
	PublicKeySHA256 string // hex digest of the SubjectPublicKeyInfo
	CommonName      string
	DNSNames        []string
	Emails          []string
}

const (
	csrBegin    = "-----BEGIN CERTIFICATE REQUEST-----"
	csrEnd      = "-----END CERTIFICATE REQUEST-----"
	csrBeginNew = "-----BEGIN NEW CERTIFICATE REQUEST-----"
	csrEndNew   = "-----END NEW CERTIFICATE REQUEST-----"
)

// ParseCSR reads one PEM certificate request and verifies that it is signed by
// the key it names. Line ends may be LF, CRLF or missing altogether, as clients
// that strip newlines send it; white space around it is ignored.
func ParseCSR(pem string) (*CSR, error) {
	req, err := parseRequest(pem)
	if err != nil {
		return nil, err
	}
	return csrOf(req)
}

// ReadCSR is ParseCSR without the check of the signature, which takes most of
// its time: for requests that are compared, after they were checked once.
func ReadCSR(pem string) (*CSR, error) {
	req, err := readRequest(pem)
	if err != nil {
		return nil, err
	}
	return csrOf(req)
}

func csrOf(req *x509.CertificateRequest) (*CSR, error) {
	digest := sha256.Sum256(req.RawSubjectPublicKeyInfo)
	c := &CSR{
		PublicKeySHA256: hex.EncodeToString(digest[:]),
		CommonName:      req.Subject.CommonName,
		DNSNames:        req.DNSNames,
		Emails:          req.EmailAddresses,
	}
	switch key := req.PublicKey.(type) {
	case *rsa.PublicKey:
		c.KeyType, c.Bits = "RSA", key.N.BitLen()
	case *ecdsa.PublicKey:
		c.KeyType, c.Bits, c.Curve = "ECDSA", key.Params().BitSize, key.Params().Name
	case ed25519.PublicKey:
		c.KeyType, c.Bits = "Ed25519", 256
	default:
		return nil, fmt.Errorf("CSR has a key of an unknown kind (%s)", req.PublicKeyAlgorithm)
	}
	return c, nil
}

// PublicKey reads the key of one PEM certificate request, under the same rules
// as ParseCSR.
func PublicKey(pem string) (crypto.PublicKey, error) {
	req, err := parseRequest(pem)
	if err != nil {
		return nil, err
	}
	return req.PublicKey, nil
}

func readRequest(pem string) (*x509.CertificateRequest, error) {
	der, err := csrDER(pem)
	if err != nil {
		return nil, err
	}
	req, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, fmt.Errorf("parse CSR: %w", err)
	}
	return req, nil
}

func parseRequest(pem string) (*x509.CertificateRequest, error) {
	req, err := readRequest(pem)
	if err != nil {
		return nil, err
	}
	if err := req.CheckSignature(); err != nil {
		return nil, fmt.Errorf("check signature of CSR: %w", err)
	}
	return req, nil
}

// csrDER cuts the armour off by hand: encoding/pem wants the line ends that
// clients lose.
func csrDER(pem string) ([]byte, error) {
	pem = strings.TrimSpace(pem)
	if pem == "" {
		return nil, errors.New("CSR is empty")
	}
	begin, end := csrBegin, csrEnd
	if strings.HasPrefix(pem, csrBeginNew) {
		begin, end = csrBeginNew, csrEndNew
	}
	body, ok := strings.CutPrefix(pem, begin)
	if !ok {
		return nil, fmt.Errorf("CSR does not start with %s", csrBegin)
	}
	body, rest, ok := strings.Cut(body, end)
	if !ok {
		return nil, fmt.Errorf("CSR does not end with %s", end)
	}
	if strings.TrimSpace(rest) != "" {
		return nil, errors.New("CSR is followed by something else")
	}
	// JSON bodies written by hand sometimes keep the two characters \n.
	body = strings.NewReplacer(`\r`, "", `\n`, "").Replace(body)
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(body), ""))
	if err != nil {
		return nil, fmt.Errorf("decode CSR: %w", err)
	}
	return der, nil
}

// Identity is equal for two CSRs exactly when they have the same public key and
// ask for the same names, whatever their order, signature or PEM text.
func (c *CSR) Identity() string {
	var names []string
	if c.CommonName != "" {
		names = append(names, fmt.Sprintf("cn:%q", c.CommonName))
	}
	for _, name := range c.DNSNames {
		names = append(names, fmt.Sprintf("dns:%q", strings.ToLower(name)))
	}
	for _, email := range c.Emails {
		names = append(names, fmt.Sprintf("email:%q", email))
	}
	slices.Sort(names)
	return strings.Join(append([]string{"key:" + c.PublicKeySHA256}, slices.Compact(names)...), " ")
}
