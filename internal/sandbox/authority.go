package sandbox

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// The test CAs, one pair of root and intermediate per kind of certificate. Their
// keys follow from their names, so that an account keeps its chain over restarts
// and copies without a key in any file. Whoever has this source has the keys:
// every name says that nobody may trust them.

// authority is one such pair.
type authority struct {
	Name    string // of the intermediate
	ID      string // as ca_cert.id: hex
	Root    []byte // DER
	Issuing []byte

	issuer *x509.Certificate
	key    *ecdsa.PrivateKey
}

// Names of the authorities, by what they issue.
const (
	caPublicTLS    = "Public TLS"
	caPrivateTLS   = "Private TLS"
	caPrivateOther = "Private TLS B" // the second choice of ca_cert_id
	caMail         = "Secure Email"
	caClient       = "Client Authentication"
	caCode         = "Code Signing"
	caEVCode       = "EV Code Signing"
	caDocument     = "Document Signing"
)

var authorityNames = []string{caPublicTLS, caPrivateTLS, caPrivateOther, caMail, caClient, caCode, caEVCode, caDocument}

// purposes are what an intermediate may issue for; clients that check purposes
// check the whole chain.
var purposes = map[string][]x509.ExtKeyUsage{
	caPublicTLS: {x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	caMail:      {x509.ExtKeyUsageEmailProtection, x509.ExtKeyUsageClientAuth},
	caClient:    {x509.ExtKeyUsageClientAuth},
	caCode:      {x509.ExtKeyUsageCodeSigning},
	caEVCode:    {x509.ExtKeyUsageCodeSigning},
}

func newAuthority(name string) (*authority, error) {
	from, till := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2060, 1, 1, 0, 0, 0, 0, time.UTC)
	template := func(role string, pathLen int) (*x509.Certificate, *ecdsa.PrivateKey, error) {
		full := "Sandbox " + name + " " + role + ", not for trust"
		key, err := derivedKey(full)
		digest := sha256.Sum256([]byte("serial of " + full))
		digest[0] = digest[0]&0x3f | 0x40
		return &x509.Certificate{
			SerialNumber: new(big.Int).SetBytes(digest[:16]),
			Subject:      pkix.Name{Country: []string{"US"}, Organization: []string{"dcsync sandbox"}, CommonName: full},
			NotBefore:    from, NotAfter: till, BasicConstraintsValid: true, IsCA: true,
			MaxPathLen: pathLen, MaxPathLenZero: pathLen == 0, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		}, key, err
	}
	root, rootKey, err := template("Root", 1)
	if err != nil {
		return nil, err
	}
	issuing, key, err := template("Issuing CA", 0)
	if err != nil {
		return nil, err
	}
	issuing.ExtKeyUsage = purposes[name]
	a := &authority{Name: issuing.Subject.CommonName, key: key}
	// Without a source of randomness ECDSA signs deterministically (RFC 6979).
	if a.Root, err = x509.CreateCertificate(nil, root, root, &rootKey.PublicKey, rootKey); err != nil {
		return nil, fmt.Errorf("make root %s: %w", name, err)
	}
	if root, err = x509.ParseCertificate(a.Root); err != nil {
		return nil, fmt.Errorf("make root %s: %w", name, err)
	}
	if a.Issuing, err = x509.CreateCertificate(nil, issuing, root, &key.PublicKey, rootKey); err != nil {
		return nil, fmt.Errorf("make intermediate %s: %w", name, err)
	}
	if a.issuer, err = x509.ParseCertificate(a.Issuing); err != nil {
		return nil, fmt.Errorf("make intermediate %s: %w", name, err)
	}
	digest := sha256.Sum256(a.Issuing)
	a.ID = strings.ToUpper(hex.EncodeToString(digest[:8]))
	return a, nil
}

func derivedKey(name string) (*ecdsa.PrivateKey, error) {
	scalar := sha256.Sum256([]byte("dcsync sandbox, no secret: " + name))
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar[:])
	if err != nil {
		return nil, fmt.Errorf("derive key of %s: %w", name, err)
	}
	return key, nil
}

// keyless is a public key for an order without CSR, whose real key is made on a
// token or in a browser. It is the first point of the curve behind a digest of
// the seed, so nobody, the sandbox included, has the private key.
func keyless(seed string) crypto.PublicKey {
	for n := 0; ; n++ {
		x := sha256.Sum256(fmt.Appendf(nil, "dcsync sandbox, nobody's key %d: %s", n, seed))
		px, py := elliptic.UnmarshalCompressed(elliptic.P256(), append([]byte{2}, x[:]...))
		if px == nil {
			continue
		}
		point := make([]byte, 65)
		point[0] = 4
		px.FillBytes(point[1:33])
		py.FillBytes(point[33:])
		if key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point); err == nil {
			return key
		}
	}
}

// authority makes a CA when it is first needed.
func (a *account) authority(name string) (*authority, error) {
	if ca := a.authorities[name]; ca != nil {
		return ca, nil
	}
	ca, err := newAuthority(name)
	if err != nil {
		return nil, err
	}
	if a.authorities == nil {
		a.authorities = map[string]*authority{}
	}
	a.authorities[name] = ca
	return ca, nil
}

// authorityByID finds a CA by the id orders name it with.
func (a *account) authorityByID(id string) (string, *authority) {
	for _, name := range authorityNames {
		if ca, err := a.authority(name); err == nil && strings.EqualFold(ca.ID, id) {
			return name, ca
		}
	}
	return "", nil
}

// sign issues one certificate. Hash is a signature_hash; sha1, which the CA's
// curve keys do not sign with, becomes sha256.
func (ca *authority) sign(template *x509.Certificate, public crypto.PublicKey, hash string) ([]byte, error) {
	template.SignatureAlgorithm = x509.ECDSAWithSHA256
	switch strings.ToLower(hash) {
	case "sha384":
		template.SignatureAlgorithm = x509.ECDSAWithSHA384
	case "sha512":
		template.SignatureAlgorithm = x509.ECDSAWithSHA512
	}
	der, err := x509.CreateCertificate(nil, template, ca.issuer, public, ca.key)
	if err != nil {
		return nil, fmt.Errorf("issue certificate: %w", err)
	}
	return der, nil
}
