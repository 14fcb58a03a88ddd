package pki

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"regexp"
	"strings"
)

// ContainsPrivateKey reports whether a text holds a private key anywhere: a PEM
// block of any kind (PKCS#8, PKCS#1, SEC1, DSA, OpenSSH, PGP, encrypted ones
// too), or base64 of the DER of one without armour.
func ContainsPrivateKey(s string) bool {
	if pemPrivate.MatchString(s) {
		return true
	}
	for i := range len(s) - 1 {
		// A DER sequence shorter than 64 KiB starts with these two characters.
		if s[i] == 'M' && 'A' <= s[i+1] && s[i+1] <= 'I' && isPrivateDER(sequenceAt(s[i:])) {
			return true
		}
	}
	return false
}

// pemPrivate matches the opening line alone: half a key is a leak as well.
var pemPrivate = regexp.MustCompile(`(?i)-----\s*BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?\s*-----|PuTTY-User-Key-File-\d`)

// sequenceAt decodes the base64 a text starts with, as far as the DER sequence
// in it says it is long; nil when it cannot be one that holds a private key.
func sequenceAt(s string) []byte {
	head := base64Prefix(s, 12)
	if len(head) < 9 {
		return nil
	}
	size, first := 2+int(head[1]), 2
	switch head[1] {
	case 0x81:
		size, first = 3+int(head[2]), 3
	case 0x82:
		size, first = 4+int(head[2])<<8+int(head[3]), 4
	}
	// Every form begins with a version number or, encrypted, an algorithm.
	if head[0] != 0x30 || head[first] != 0x02 && head[first] != 0x30 {
		return nil
	}
	der := base64Prefix(s, (size+2)/3*4)
	if len(der) < size {
		return nil
	}
	return der[:size]
}

// base64Prefix decodes up to n characters of base64, standard or URL alphabet,
// over white space and written line ends; a character of neither ends it.
func base64Prefix(s string, n int) []byte {
	chars := make([]byte, 0, min(n, len(s)))
	for i := 0; i < len(s) && len(chars) < n; i++ {
		switch c := s[i]; {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '+', c == '/':
			chars = append(chars, c)
		case c == '-':
			chars = append(chars, '+')
		case c == '_':
			chars = append(chars, '/')
		case c == ' ', c == '\t', c == '\r', c == '\n':
		case c == '\\' && i+1 < len(s) && (s[i+1] == 'n' || s[i+1] == 'r'):
			i++
		default:
			i = len(s)
		}
	}
	if len(chars)%4 == 1 {
		chars = chars[:len(chars)-1]
	}
	der := make([]byte, base64.RawStdEncoding.DecodedLen(len(chars)))
	k, err := base64.RawStdEncoding.Decode(der, chars)
	if err != nil {
		return nil
	}
	return der[:k]
}

func isPrivateDER(der []byte) bool {
	if der == nil {
		return false
	}
	if _, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		return true
	}
	if _, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return true
	}
	if _, err := x509.ParseECPrivateKey(der); err == nil {
		return true
	}
	return isEncryptedPKCS8(der)
}

// isEncryptedPKCS8 recognises EncryptedPrivateKeyInfo (RFC 5958): an algorithm
// of the password-based families (PKCS#5, PKCS#12) and an octet string.
func isEncryptedPKCS8(der []byte) bool {
	var info struct {
		Algorithm struct {
			ID         asn1.ObjectIdentifier
			Parameters asn1.RawValue `asn1:"optional"`
		}
		Data []byte
	}
	if rest, err := asn1.Unmarshal(der, &info); err != nil || len(rest) > 0 {
		return false
	}
	id := info.Algorithm.ID.String()
	return strings.HasPrefix(id, "1.2.840.113549.1.5.") || strings.HasPrefix(id, "1.2.840.113549.1.12.1.")
}
