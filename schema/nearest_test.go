package schema

import "testing"

func TestNearest(t *testing.T) {
	t.Parallel()
	words := []string{"signature_hash", "csr", "emails", "order_validity"}
	for name, want := range map[string]string{
		"signature_hsh": "signature_hash", "signatureHash": "signature_hash", "SIGNATURE_HASH": "signature_hash", "crs": "csr",
		"email": "emails", "order": "", "": "", "completely_different": "", "csr": "csr",
	} {
		if got := nearest(name, words); got != want {
			t.Errorf("nearest(%q) = %q, want %q", name, got, want)
		}
	}
}
