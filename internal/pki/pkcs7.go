package pki

import (
	"encoding/asn1"
	"errors"
	"fmt"
)

var (
	oidData       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSignedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
)

// CertsOnly packs DER certificates, in the order given, as PKCS#7 SignedData
// without content and without signers (RFC 2315, section 9): what a .p7b file
// holds. The result is DER.
func CertsOnly(certificates ...[]byte) ([]byte, error) {
	if len(certificates) == 0 {
		return nil, errors.New("pack PKCS#7: no certificate")
	}
	var all []byte
	for i, der := range certificates {
		var one asn1.RawValue
		rest, err := asn1.Unmarshal(der, &one)
		if err != nil || len(rest) > 0 || one.Tag != asn1.TagSequence {
			return nil, fmt.Errorf("pack PKCS#7: certificate %d is not one DER sequence", i)
		}
		all = append(all, der...)
	}
	empty := asn1.RawValue{Tag: asn1.TagSet, IsCompound: true}
	signed, err := asn1.Marshal(struct {
		Version      int
		Digests      asn1.RawValue
		Content      struct{ Type asn1.ObjectIdentifier }
		Certificates asn1.RawValue
		Signers      asn1.RawValue
	}{
		Version: 1, Digests: empty, Content: struct{ Type asn1.ObjectIdentifier }{oidData},
		Certificates: asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: all},
		Signers:      empty,
	})
	if err != nil {
		return nil, fmt.Errorf("pack PKCS#7: %w", err)
	}
	packed, err := asn1.Marshal(struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue
	}{oidSignedData, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: signed}})
	if err != nil {
		return nil, fmt.Errorf("pack PKCS#7: %w", err)
	}
	return packed, nil
}
