package manifests

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"dcsync/internal/diag"
	"dcsync/internal/pki"
	"dcsync/internal/resource"
	"dcsync/schema"
)

// checks gives the functions the tables call as check(name).
func checks() schema.Checks {
	requests := csrReader{}
	return schema.Checks{
		"csr":              requests.check,
		"mailbox_provider": checkMailboxProvider,
	}
}

// leastRSA gives the smallest RSA key a product takes: 3072 bits for code signing (code signing order document), 2048 for others.
func leastRSA(product string) int {
	switch product {
	case "code_signing", "code_signing_ev":
		return 3072
	}
	return 2048
}

// leastEC is the smallest curve any product takes, P-256.
const leastEC = 256

// csrReader reads requests and remembers them: their signatures take longer to verify than the rest of a manifest to check, and one
// request is looked at more than once.
type csrReader map[string]parsedCSR

type parsedCSR struct {
	csr *pki.CSR
	err error
}

func (r csrReader) parse(text string) (*pki.CSR, error) {
	p, known := r[text]
	if !known {
		p.csr, p.err = pki.ParseCSR(text)
		r[text] = p
	}
	return p.csr, p.err
}

// check wants a request that can be read, is signed by its own key, and has a key the product takes. A request in a file is
// checked once the file was read; private keys were refused before.
func (r csrReader) check(in schema.CheckInput) []schema.Violation {
	text, ok := in.Value.(resource.String)
	if !ok {
		return nil
	}
	refuse := func(summary, hint string) []schema.Violation {
		return []schema.Violation{{Path: in.Path, Severity: diag.Error, Code: diag.CSRInvalid, Summary: summary, Hint: hint}}
	}
	csr, err := r.parse(string(text))
	if err != nil {
		return refuse("the CSR cannot be used: "+steady(err), "paste the whole PEM text, or name its file with {file: PATH}")
	}
	least := leastRSA(in.Product)
	fit := fmt.Sprintf("make a CSR with an RSA key of at least %d bits or an EC key on P-256 or a larger curve", least)
	switch {
	case csr.KeyType == "RSA" && csr.Bits < least:
		return refuse(fmt.Sprintf("the CSR's RSA key has %d bits, fewer than %d", csr.Bits, least), fit)
	case csr.KeyType == "ECDSA" && csr.Bits < leastEC:
		return refuse(fmt.Sprintf("the CSR's key is on curve %s, smaller than P-256", csr.Curve), fit)
	case csr.KeyType != "RSA" && csr.KeyType != "ECDSA":
		return refuse(fmt.Sprintf("the CSR's key is of type %s", csr.KeyType), fit)
	}
	return nil
}

// steady gives an error's text without that of its cause: encoding/asn1 prints addresses of memory, which differ from run to run.
func steady(err error) string {
	cause := errors.Unwrap(err)
	if cause == nil {
		return err.Error()
	}
	return strings.TrimSuffix(err.Error(), ": "+cause.Error()) + " failed"
}

// publicMail holds domains of mail providers the client order document names; anybody can have an address there.
var publicMail = []string{"gmail.com", "googlemail.com", "outlook.com", "yahoo.com", "hotmail.com", "msn.com"}

// checkMailboxProvider warns of an address at a public mail provider on a sponsor-validated certificate: the API refuses it unless
// the provider's own domain was validated for the organization (client order document, email address validation).
func checkMailboxProvider(in schema.CheckInput) []schema.Violation {
	switch in.Product {
	case "client_premium", "client_digital_signature_plus", "client_email_security_plus":
	default:
		return nil
	}
	email, _ := in.Value.(resource.String)
	_, domain, _ := strings.Cut(strings.ToLower(string(email)), "@")
	if !slices.Contains(publicMail, domain) {
		return nil
	}
	return []schema.Violation{{
		Path: in.Path, Severity: diag.Warning, Code: diag.ValueUnverified,
		Summary: fmt.Sprintf("%s is a public mail provider", domain),
		Detail:  "The API refuses such an address unless the provider's domain is validated for the organization.",
		Hint:    "use an address in a domain of the organization",
	}}
}
