package manifests

import (
	"fmt"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
)

// checkNames reports what must be unique in a project and is not: addresses, and order ids the manifests choose themselves. Of
// several documents with one address the first is what references mean.
func (l *loader) checkNames() {
	nonces := map[string]*document{}
	for _, d := range l.documents {
		address := d.address()
		if address == (resource.Address{}) {
			continue
		}
		if first := l.byAddress[address]; first != nil {
			l.add(d, diag.Diagnostic{
				Severity: diag.Error, Code: diag.DuplicateName, Pos: d.valuePos("/metadata/name"), Path: "/metadata/name",
				Summary: fmt.Sprintf("a second manifest %s", address),
				Hint:    "give one of the two another name, or remove it",
				Related: []diag.Related{{Pos: first.valuePos("/metadata/name"), Message: "the first one"}},
			})
			continue
		}
		l.byAddress[address] = d
		l.checkNonce(d, nonces)
	}
}

func (l *loader) checkNonce(d *document, seen map[string]*document) {
	if d.desc == nil || d.desc.Nonce == "" {
		return
	}
	path := d.noncePath()
	nonce, ok := resource.Get(d.value, path).(resource.String)
	if !ok || nonce == "" {
		return
	}
	first := seen[string(nonce)]
	if first == nil {
		seen[string(nonce)] = d
		return
	}
	l.add(d, diag.Diagnostic{
		Severity: diag.Error, Code: diag.DuplicateNonce, Pos: d.valuePos(path), Path: string(d.desc.Nonce),
		Summary: fmt.Sprintf("%s %s is also that of %s", path.Last(), nonce, first.address()),
		Hint:    "leave it out: dcsync then makes one for each order",
		Related: []diag.Related{{Pos: first.valuePos(first.noncePath()), Message: "first written here"}},
	})
}

func (d *document) noncePath() resource.Path { return specPath + d.desc.Nonce }
