package audit

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"dcsync/internal/diag"
	"dcsync/internal/pki"
	"dcsync/internal/resource"
	"dcsync/state"
)

// The least a key must have: what CertCentral takes for most products, and for code signing, as the CA/Browser Forum demands since June
// 2021.
const (
	leastRSA     = 2048
	leastRSACode = 3072
	leastECDSA   = 256
)

// requests reads signing requests, each once: an order shows its own in every version of its record.
type requests map[string]*pki.CSR

// parse gives a request, nil for what is none.
func (r requests) parse(text string) *pki.CSR {
	csr, known := r[text]
	if !known {
		if parsed, err := pki.ParseCSR(text); err == nil {
			csr = parsed
		}
		r[text] = csr
	}
	return csr
}

// weakness says why the key or hash of an applied spec is too weak, "" when it is not. Requests are found by what they look like, so that
// records of products that have no table any more are looked at too.
func (r requests) weakness(spec resource.Map, code bool) string {
	least := leastRSA
	if code {
		least = leastRSACode
	}
	var why []string
	var walk func(name string, v resource.Value)
	walk = func(name string, v resource.Value) {
		switch v := v.(type) {
		case resource.Map:
			for _, member := range slices.Sorted(maps.Keys(v)) {
				walk(member, v[member])
			}
		case resource.List:
			for _, item := range v {
				walk(name, item)
			}
		case resource.String:
			if name == "signature_hash" && strings.EqualFold(string(v), "sha1") {
				why = append(why, "it is signed over sha1")
			}
			if !strings.HasPrefix(strings.TrimSpace(string(v)), "-----BEGIN") {
				return
			}
			csr := r.parse(string(v))
			switch {
			case csr == nil:
			case csr.KeyType == "RSA" && csr.Bits < least, csr.KeyType == "ECDSA" && csr.Bits < leastECDSA:
				why = append(why, fmt.Sprintf("its key is %s of %d bits", csr.KeyType, csr.Bits))
			}
		}
	}
	walk("", spec)
	return strings.Join(unique(why), "; ")
}

// signsCode tells whether what an address stands for is used to sign code.
func (a *auditor) signsCode(address resource.Address, e *state.Entry) bool {
	if o := a.wanted[address]; o != nil && o.Descriptor.Product == e.Identity.Product {
		return o.Descriptor.Validation == "cs" || o.Descriptor.Validation == "ev_cs"
	}
	return strings.HasPrefix(e.Identity.Product, "code_signing")
}

// weakKey reports the key that a commit recorded as applied, where it is too weak.
func (a *auditor) weakKey(r *replay, address resource.Address, e *state.Entry) {
	why := a.requests.weakness(e.Applied.Spec, a.signsCode(address, e))
	k := weakID(address, e, why)
	if _, told := a.weak[k]; told || why == "" {
		return
	}
	a.weak[k] = len(a.found)
	f := weakFinding(address, e, why)
	f.At, f.Severity = r.commit.when, diag.Note
	f.Summary, f.Hint = "it was certified with a weak key: "+why, "nothing is left to do when that certificate is revoked or has ended"
	f.Evidence = append(f.Evidence, Evidence{EvidenceState, r.commit.id})
	if e.Source.Commit != "" {
		f.Evidence = append(f.Evidence, Evidence{EvidenceCommit, e.Source.Commit})
	}
	a.add(f)
}

// weakNow reports a weak key that is in use.
func (a *auditor) weakNow(address resource.Address, e *state.Entry) {
	why := a.requests.weakness(e.Applied.Spec, a.signsCode(address, e))
	if why == "" {
		return
	}
	f := weakFinding(address, e, why)
	if i, told := a.weak[weakID(address, e, why)]; told {
		f.At, f.Evidence = a.found[i].At, a.found[i].Evidence
		a.found[i] = finding{f, true}
		return
	}
	a.addNow(f)
}

func weakID(address resource.Address, e *state.Entry, why string) string {
	return address.String() + " " + e.Identity.ID + " " + why
}

func weakFinding(address resource.Address, e *state.Entry, why string) Finding {
	return Finding{Code: diag.AuditWeakKey, Severity: diag.Error, Address: address, At: time.Time{}, Summary: why + ", which is too weak",
		Hint: "commit a CSR with a stronger key, or a stronger hash, and let it be reissued", Evidence: []Evidence{{EvidenceOrder, e.Identity.ID}}}
}
