package sandbox

import (
	"crypto/x509"
	"maps"
	"slices"
)

// Key usages an X9 PKI order may ask for (API facts, section 7.4). The source
// shows the first word of each list; the others are written alike (assumed).

var keyUsages = map[string]x509.KeyUsage{
	"digital_signature": x509.KeyUsageDigitalSignature,
	"non_repudiation":   x509.KeyUsageContentCommitment,
	"key_encipherment":  x509.KeyUsageKeyEncipherment,
	"data_encipherment": x509.KeyUsageDataEncipherment,
	"key_agreement":     x509.KeyUsageKeyAgreement,
}

var extendedKeyUsages = map[string]x509.ExtKeyUsage{
	"server_authentication": x509.ExtKeyUsageServerAuth,
	"client_authentication": x509.ExtKeyUsageClientAuth,
}

// usages reads an optional list of words that are keys of known.
func usages[V any](f form, name string, known map[string]V) []string {
	list, _ := f.texts(name)
	for _, word := range list {
		if _, ok := known[word]; !ok {
			f.bad(name, "%q is none of %q", word, slices.Sorted(maps.Keys(known)))
		}
	}
	return list
}

// askedUsages puts what an order asks for in the place of the product's own.
func askedUsages(t *x509.Certificate, c *certificate) {
	if len(c.KeyUsages) > 0 {
		t.KeyUsage = 0
	}
	for _, word := range c.KeyUsages {
		t.KeyUsage |= keyUsages[word]
	}
	if len(c.ExtendedKeyUsages) > 0 {
		t.ExtKeyUsage = nil
	}
	for _, word := range c.ExtendedKeyUsages {
		if usage, known := extendedKeyUsages[word]; known {
			t.ExtKeyUsage = append(t.ExtKeyUsage, usage)
		}
	}
}
