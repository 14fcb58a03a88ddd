package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func request(t testing.TB, key crypto.Signer, cn string, dns ...string) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: cn}, DNSNames: dns, EmailAddresses: []string{"a@example.com"},
	}, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func rsaKey(bits int) *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, bits)) }

func ecKey(c elliptic.Curve) *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(c, rand.Reader)) }

func edKey() ed25519.PrivateKey {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return must(key, err)
}

func TestParseCSRKeys(t *testing.T) {
	for name, c := range map[string]struct {
		key  crypto.Signer
		want CSR
	}{
		"rsa":     {rsaKey(2048), CSR{KeyType: "RSA", Bits: 2048}},
		"p256":    {ecKey(elliptic.P256()), CSR{KeyType: "ECDSA", Bits: 256, Curve: "P-256"}},
		"p384":    {ecKey(elliptic.P384()), CSR{KeyType: "ECDSA", Bits: 384, Curve: "P-384"}},
		"ed25519": {edKey(), CSR{KeyType: "Ed25519", Bits: 256}},
	} {
		c.want.CommonName, c.want.DNSNames, c.want.Emails = "Acme", []string{"b.example", "a.example"}, []string{"a@example.com"}
		got, err := ParseCSR(request(t, c.key, "Acme", "b.example", "a.example"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(&c.want, got, cmpopts.IgnoreFields(CSR{}, "PublicKeySHA256")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if len(got.PublicKeySHA256) != 64 {
			t.Errorf("%s: digest %q", name, got.PublicKeySHA256)
		}
	}
}

func TestParseCSRForms(t *testing.T) {
	text := request(t, ecKey(elliptic.P256()), "Acme")
	want := must(ParseCSR(text))
	for name, form := range map[string]string{
		"crlf":            strings.ReplaceAll(text, "\n", "\r\n"),
		"no newlines":     strings.ReplaceAll(text, "\n", ""),
		"white space":     "\n  " + text + " \t\n",
		"written newline": strings.ReplaceAll(strings.TrimSpace(text), "\n", `\n`),
		"new request":     strings.ReplaceAll(text, "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"),
		"indented":        strings.ReplaceAll(text, "\n", "\n    "),
	} {
		got, err := ParseCSR(form)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestParseCSRRefuses(t *testing.T) {
	text := request(t, ecKey(elliptic.P256()), "Acme")
	block, _ := pem.Decode([]byte(text))
	block.Bytes[len(block.Bytes)-3] ^= 1
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(edKey()))}))
	for name, form := range map[string]string{
		"empty":         "",
		"blank":         " \n",
		"text":          "a request",
		"no end":        strings.Split(text, "-----END")[0],
		"two":           text + text,
		"not base64":    strings.Replace(text, "M", "*", 1),
		"not DER":       csrBegin + "\nAAAA\n" + csrEnd,
		"bad signature": string(pem.EncodeToMemory(block)),
		"private key":   key,
	} {
		if _, err := ParseCSR(form); err == nil {
			t.Errorf("%s: parsed", name)
		}
	}
}

func TestIdentity(t *testing.T) {
	key := ecKey(elliptic.P256())
	id := func(text string) string { return must(ParseCSR(text)).Identity() }
	base := id(request(t, key, "Acme", "a.example", "b.example"))
	if got := id(request(t, key, "Acme", "B.example", "a.example", "a.example")); got != base {
		t.Errorf("same key and names: %s and %s", base, got)
	}
	for name, other := range map[string]string{
		"other key":  id(request(t, ecKey(elliptic.P256()), "Acme", "a.example", "b.example")),
		"other cn":   id(request(t, key, "Other", "a.example", "b.example")),
		"other name": id(request(t, key, "Acme", "a.example", "c.example")),
		"less names": id(request(t, key, "Acme", "a.example")),
	} {
		if other == base {
			t.Errorf("%s: identity is the same", name)
		}
	}
}

func TestContainsPrivateKey(t *testing.T) {
	rsaK, ecK, edK := rsaKey(2048), ecKey(elliptic.P256()), edKey()
	ders := map[string][]byte{
		"PRIVATE KEY":     must(x509.MarshalPKCS8PrivateKey(edK)),
		"RSA PRIVATE KEY": x509.MarshalPKCS1PrivateKey(rsaK),
		"EC PRIVATE KEY":  must(x509.MarshalECPrivateKey(ecK)),
	}
	for kind, der := range ders {
		text := string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
		bare := base64.StdEncoding.EncodeToString(der)
		for name, form := range map[string]string{
			"pem": text, "in text": "key: |\n  " + strings.ReplaceAll(text, "\n", "\n  "), "one line": strings.ReplaceAll(text, "\n", ""),
			"escaped": strings.ReplaceAll(text, "\n", `\n`), "bare": bare, "bare in JSON": `{"csr": "` + bare + `", "x": 1}`,
			"bare in lines": "Machine words before\n" + bare[:40] + "\r\n  " + bare[40:] + "\nMore after",
			"after letters": "MIIMAG" + bare,
			"raw":           base64.RawURLEncoding.EncodeToString(der),
		} {
			if !ContainsPrivateKey(form) {
				t.Errorf("%s, %s: not recognised", kind, name)
			}
		}
	}
	for _, kind := range []string{"OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "DSA PRIVATE KEY", "ANY PRIVATE KEY", "PGP PRIVATE KEY BLOCK"} {
		if !ContainsPrivateKey("text -----BEGIN " + kind + "-----\nxxxx") {
			t.Errorf("%s: not recognised", kind)
		}
	}
	// Made with: openssl genpkey -algorithm ed25519 | openssl pkcs8 -topk8 -outform der -passout pass:x | base64 -w0
	encrypted := "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhmo78YOCLWrwICCAAwDAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEIJss1dCNdrcGeGnjdSQfM4EQCgOYPODGGRgey3NYApmao0YMAS9MxMQ74fNX6Qaq+m1aWAg5siwvQY7fv8Wir6XdS0wHoEU9aiNO6XR4PPw19g="
	if !ContainsPrivateKey(encrypted) {
		t.Error("encrypted PKCS#8 without armour: not recognised")
	}
	cert := base64.StdEncoding.EncodeToString(must(x509.MarshalPKIXPublicKey(&rsaK.PublicKey)))
	for name, form := range map[string]string{
		"empty": "", "csr": request(t, ecK, "Acme"), "public key": cert, "prose": "the PRIVATE KEY stays on the token",
		"bare csr": strings.ReplaceAll(strings.ReplaceAll(request(t, rsaK, "Acme"), csrBegin, ""), csrEnd, ""),
		"letters":  strings.Repeat("M", 200),
	} {
		if ContainsPrivateKey(form) {
			t.Errorf("%s: taken for a private key", name)
		}
	}
}

func FuzzParseCSR(f *testing.F) {
	f.Add(request(f, ecKey(elliptic.P256()), "Acme", "a.example"))
	f.Add(csrBegin + csrEnd)
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseCSR(s)
		if (c == nil) == (err == nil) {
			t.Fatalf("CSR %v, error %v", c, err)
		}
		if err != nil {
			return
		}
		again, err := ParseCSR(strings.ReplaceAll(strings.ReplaceAll(strings.TrimSpace(s), "\r", ""), "\n", ""))
		if err != nil || again.Identity() != c.Identity() {
			t.Fatalf("identity changes with line ends: %v", err)
		}
	})
}

func FuzzContainsPrivateKey(f *testing.F) {
	key := base64.StdEncoding.EncodeToString(must(x509.MarshalPKCS8PrivateKey(edKey())))
	f.Add("")
	f.Add("a: ")
	f.Fuzz(func(t *testing.T, s string) {
		ContainsPrivateKey(s)
		if !ContainsPrivateKey(s + key) {
			t.Fatal("a key after other text is missed")
		}
	})
}
