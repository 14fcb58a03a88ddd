package manifests

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"dcsync/internal/diag"
	"dcsync/internal/pki"
	"dcsync/internal/resource"
	"dcsync/schema"
)

// csrReader reads requests and remembers them: their signatures take longer to verify than the rest of a manifest to check, and one
// request is looked at more than once.
type csrReader map[string]parsedCSR

type parsedCSR struct {
	csr   *pki.CSR // nil when it cannot be used
	err   error
	keyed bool // holds a private key
}

func (r csrReader) parse(text string) parsedCSR {
	p, known := r[text]
	if !known {
		p.keyed = pki.ContainsPrivateKey(text)
		if p.csr, p.err = pki.ParseCSR(text); p.err != nil {
			p.csr = nil
		}
		r[text] = p
	}
	return p
}

// check wants a request that can be read and is signed by its own key. A request in a file is checked once the file was read.
func (r csrReader) check(in schema.CheckInput) []schema.Violation {
	text, ok := in.Value.(resource.String)
	if !ok {
		return nil
	}
	p := r.parse(string(text))
	if p.keyed {
		d := privateKey()
		return []schema.Violation{{
			Path: in.Path, Severity: d.Severity, Code: d.Code, Summary: d.Summary, Detail: d.Detail, Hint: d.Hint,
		}}
	}
	if p.err != nil {
		return []schema.Violation{{Path: in.Path, Severity: diag.Error, Code: diag.CSRInvalid,
			Summary: "the CSR cannot be used: " + steady(p.err), Hint: "paste the whole PEM text, or name its file with {file: PATH}"}}
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

// read gives the request that a value holds, nil when it holds none that can be used.
func (r csrReader) read(v resource.Value) *pki.CSR {
	text, _ := v.(resource.String)
	return r.parse(string(text)).csr
}

// keySize is a kind of key and the sizes of it that a product takes; high is 0 for any size from low.
type keySize struct {
	kind      string
	low, high int
}

func (k keySize) takes(csr *pki.CSR) bool {
	kind := map[string]string{"RSA": "RSA", "ECDSA": "EC"}[csr.KeyType]
	return k.kind == kind && csr.Bits >= k.low && (k.high == 0 || csr.Bits <= k.high)
}

func (k keySize) String() string {
	name := map[string]string{"RSA": "RSA of %d", "EC": "EC of %d"}[k.kind]
	if k.high == 0 {
		return fmt.Sprintf(name+" bits or more", k.low)
	}
	return fmt.Sprintf(name+" to %d bits", k.low, k.high)
}

// keySizes reads what a table writes behind the check: KIND LOW..[HIGH], as often as needed.
func keySizes(argument string) []keySize {
	var out []keySize
	words := strings.Fields(argument)
	for i := 0; i+1 < len(words); i += 2 {
		low, high, _ := strings.Cut(words[i+1], "..")
		k := keySize{kind: words[i]}
		k.low, _ = strconv.Atoi(low)
		k.high, _ = strconv.Atoi(high)
		out = append(out, k)
	}
	return out
}

// checkKey wants a key of one of the sizes that the table names.
func (r csrReader) checkKey(in schema.CheckInput) []schema.Violation {
	csr := r.read(in.Value)
	sizes := keySizes(in.Argument)
	if csr == nil || slices.ContainsFunc(sizes, func(k keySize) bool { return k.takes(csr) }) {
		return nil
	}
	words := make([]string, len(sizes))
	for i, k := range sizes {
		words[i] = k.String()
	}
	key := fmt.Sprintf("%s key of %d bits", csr.KeyType, csr.Bits)
	return []schema.Violation{{Path: in.Path, Severity: diag.Error, Code: diag.CSRInvalid,
		Summary: fmt.Sprintf("the CSR has an %s, which %s does not take", key, in.Product),
		Hint:    "make a CSR with a key that is " + strings.Join(words, " or ")}}
}

// checkNames warns of a request that asks for names which the order does not have: the API takes none of them (client order
// document, csr), so that whoever made the request would miss them in the certificate. A common name that is neither a host nor an
// address is a label and nothing to miss.
func (r csrReader) checkNames(in schema.CheckInput) []schema.Violation {
	csr := r.read(in.Value)
	if csr == nil {
		return nil
	}
	ordered := map[string]bool{}
	for _, field := range []resource.Path{"/certificate/common_name", "/certificate/dns_names", "/certificate/emails"} {
		v := resource.Get(in.Spec, field)
		list, isList := v.(resource.List)
		if !isList {
			list = resource.List{v}
		}
		for _, name := range list {
			ordered[strings.ToLower(resource.Text(name))] = true
		}
	}
	var missing []string
	for _, name := range slices.Concat([]string{csr.CommonName}, csr.DNSNames, csr.Emails) {
		if strings.ContainsAny(name, ".@") && !strings.Contains(name, " ") && !ordered[strings.ToLower(name)] && !slices.Contains(missing, name) {
			missing = append(missing, name)
		}
	}
	if missing == nil {
		return nil
	}
	return []schema.Violation{{Path: in.Path, Severity: diag.Warning, Code: diag.CSRNames,
		Summary: "the CSR asks for names that the order does not have: " + strings.Join(missing, ", "),
		Detail:  "Only the key of a CSR is used. The certificate gets the names that are written in the manifest.",
		Hint:    "write the names into the manifest, or make a CSR without them"}}
}
