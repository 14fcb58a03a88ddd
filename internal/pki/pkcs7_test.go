package pki

import (
	"bytes"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func selfSigned(t testing.TB, name string) []byte {
	t.Helper()
	key := ecKey(elliptic.P256())
	template := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
	return must(x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key))
}

// TestCertsOnly lets openssl read the bundle back.
func TestCertsOnly(t *testing.T) {
	t.Parallel()
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed: the bundle is not checked by it")
	}
	var want strings.Builder
	var ders [][]byte
	for _, name := range []string{"leaf", "issuer", "root"} {
		ders = append(ders, selfSigned(t, name))
		pem.Encode(&want, &pem.Block{Type: "CERTIFICATE", Bytes: ders[len(ders)-1]})
	}
	cmd := exec.CommandContext(t.Context(), openssl, "pkcs7", "-inform", "DER", "-print_certs")
	cmd.Stdin = bytes.NewReader(must(CertsOnly(ders...)))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("openssl pkcs7: %v\n%s", err, out)
	}
	var got strings.Builder
	for rest := out; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		pem.Encode(&got, &pem.Block{Type: block.Type, Bytes: block.Bytes})
	}
	if got.String() != want.String() {
		t.Errorf("openssl reads other certificates:\n%s\nwant:\n%s", got.String(), want.String())
	}
}

func TestCertsOnlyRefuses(t *testing.T) {
	t.Parallel()
	der := selfSigned(t, "x")
	for name, list := range map[string][][]byte{
		"none": {}, "empty": {nil}, "text": {[]byte("hello")}, "two in one": {append(bytes.Clone(der), der...)}, "short": {der[:len(der)-1]},
	} {
		if _, err := CertsOnly(list...); err == nil {
			t.Errorf("%s: packed", name)
		}
	}
}

func TestPublicKey(t *testing.T) {
	t.Parallel()
	key := ecKey(elliptic.P256())
	got, err := PublicKey(request(t, key, "Acme"))
	if err != nil || !key.PublicKey.Equal(got) {
		t.Errorf("key %v, error %v", got, err)
	}
	if _, err := PublicKey("x"); err == nil {
		t.Error("a text without CSR has a key")
	}
}
