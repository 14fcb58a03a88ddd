package manifests

import (
	"fmt"
	"slices"
	"strings"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
)

// What a manifest's instructions and its spec say together (domain rules, sections 2, 5 to 7, 9 and 10): the envelope's table knows
// nothing of the spec.

const renewBefore = resource.Path("/lifecycle/renew_before")

// checkLifecycles reports instructions that do not fit the spec, or another manifest.
func (l *loader) checkLifecycles() {
	for _, d := range l.documents {
		if d.value == nil || d.desc == nil || l.byAddress[d.address()] != d {
			continue
		}
		l.checkTiming(d)
		l.checkSequence(d)
		l.checkRetirement(d)
		l.checkAllow(d)
		l.checkMoved(d)
		l.checkScope(d)
	}
}

func (d *document) has(p resource.Path) bool { return resource.Get(d.value, p) != nil }

func (l *loader) unfit(d *document, at resource.Path, code diag.Code, summary, hint string) {
	l.add(d, diag.Diagnostic{Severity: diag.Error, Code: code, Pos: d.valuePos(at), Path: string(shortPath(at)), Summary: summary, Hint: hint})
}

// checkTiming: dcsync and CertCentral must not both renew, a renewal must have a length of its own, and a card is charged once.
func (l *loader) checkTiming(d *document) {
	if !d.has(renewBefore) {
		return
	}
	for _, p := range []resource.Path{"/order_validity/custom_expiration_date", "/custom_expiration_date"} {
		if d.has(specPath + p) {
			l.unfit(d, renewBefore, diag.ForbiddenField, fmt.Sprintf("renew_before must not be given with %s: a renewal would end on the same day", p[1:]),
				"write order_validity.years or days")
		}
	}
	if n, ok := resource.Get(d.value, specPath+"/auto_renew").(resource.Int); ok && n > 0 {
		l.unfit(d, renewBefore, diag.ForbiddenField, "renew_before must not be given with auto_renew: both would place the next order", "keep one of the two")
	}
	if resource.Get(d.value, specPath+"/payment_method") == resource.Value(resource.String("card")) {
		l.unfit(d, renewBefore, diag.ForbiddenField, "renew_before must not be given with payment_method card, which is charged once and kept nowhere", "pay by balance or profile")
	}
	for _, r := range references(d) {
		if target := l.byAddress[r.to]; target != nil && resource.Get(target.value, specPath+"/status") == resource.Value(resource.String("inactive")) {
			l.unfit(d, renewBefore, diag.ForbiddenField, fmt.Sprintf("renew_before must not be given while %s is wanted inactive: nothing can be renewed for it", r.to),
				"keep it active, or take renew_before away")
		}
	}
}

// seqMark is where a manifest's own order id has the number of the order.
const seqMark = "{seq}"

// longestSeq is the longest number that stands for it: two generations and sequences of four digits each, and a hyphen.
const longestSeq = len("9999-9999")

// checkSequence: a manifest that orders more than once needs more than one order id.
func (l *loader) checkSequence(d *document) {
	if d.desc.Nonce == "" {
		return
	}
	path := d.noncePath()
	own, ok := resource.Get(d.value, path).(resource.String)
	if !ok {
		return
	}
	if strings.Contains(string(own), seqMark) {
		if most := 64 - longestSeq; len(own)-len(seqMark) > most {
			l.unfit(d, path, diag.BadValue, fmt.Sprintf("%s must have at most %d characters beside %s", path.Last(), most, seqMark), "shorten it, or leave it out")
		}
		return
	}
	if d.has(renewBefore) || generationOf(d) > 1 {
		l.unfit(d, path, diag.BadValue, fmt.Sprintf("%s must hold %s where the manifest orders more than once", path.Last(), seqMark),
			fmt.Sprintf("write %s-%s, or leave it out: dcsync then makes one for each order", own, seqMark))
	}
}

func (l *loader) checkRetirement(d *document) {
	r := retirement(d)
	if r == nil {
		return
	}
	if strings.HasPrefix(r.Target, "certificate:") && r.Action != resource.Revoke {
		l.unfit(d, "/retire/action", diag.BadValue, "a single certificate can only be revoked", "write action: revoke")
	}
	if r.Reason != "" && r.Reason != "keyCompromise" && !d.desc.ReissueKeeps { // that is known of TLS alone, as reasons are
		l.add(d, diag.Diagnostic{Severity: diag.Warning, Code: diag.FieldIgnored, Pos: d.valuePos("/retire/reason"), Path: "/retire/reason",
			Summary: "reason has no effect here: only TLS certificates record why they were revoked", Hint: "say it in comments"})
	}
}

// checkAllow: each consent belongs to one kind.
func (l *loader) checkAllow(d *document) {
	for i, v := range resourceList(d.value, "/lifecycle/allow") {
		if (resource.Grant(resource.Text(v)) == resource.AllowDeactivateInUse) == d.desc.Expires {
			l.unfit(d, resource.Path("/lifecycle/allow").Index(i), diag.BadValue, fmt.Sprintf("%s has no meaning for kind %s", resource.Text(v), d.kind), "take it away")
		}
	}
}

func resourceList(m resource.Map, p resource.Path) resource.List {
	list, _ := resource.Get(m, p).(resource.List)
	return list
}

// checkMoved: an earlier name must be free, and be claimed once. Orders are told apart by their generation too: two manifests may have had one name, or
// have it now, where those differ.
func (l *loader) checkMoved(d *document) {
	for i, name := range movedFrom(d) {
		at := resource.Path("/metadata/moved_from").Index(i)
		was := resource.Address{Kind: d.kind, Name: name}
		if holder := l.byAddress[was]; was == d.address() || holder != nil && !apart(d, holder) {
			hint := "name only what has no manifest any more"
			if was != d.address() && d.desc.Nonce != "" {
				hint += ", or give that one another lifecycle.generation: each then stands for what was ordered as its own"
			}
			l.unfit(d, at, diag.MovedConflict, fmt.Sprintf("%s is still there", was), hint)
			continue
		}
		for _, other := range l.documents {
			if other != d && other.kind == d.kind && l.byAddress[other.address()] == other && slices.Contains(movedFrom(other), name) && !apart(d, other) {
				l.unfit(d, at, diag.MovedConflict, fmt.Sprintf("%s was also the name of %s", was, other.address()), "leave it with one of the two")
			}
		}
	}
}

// apart tells whether the orders of two manifests can be told apart where both had one name.
func apart(a, b *document) bool {
	return a.desc != nil && a.desc.Nonce != "" && generationOf(a) != generationOf(b)
}

func generationOf(d *document) int64 {
	if n, ok := resource.Get(d.value, "/lifecycle/generation").(resource.Int); ok {
		return int64(n)
	}
	return 1
}

// checkScope: what the project does not look at, it cannot manage.
func (l *loader) checkScope(d *document) {
	s := l.project.Scope
	outside := func(at resource.Path, what string) {
		l.unfit(d, at, diag.OutOfScope, what+" lies outside of spec.scope in "+projectFile, "widen the scope, or move the manifest to the project it belongs to")
	}
	number := func(at resource.Path, list []int64, what string) {
		if n, ok := resource.Get(d.value, at).(resource.Int); ok && len(list) > 0 && !slices.Contains(list, int64(n)) {
			outside(at, fmt.Sprintf("%s %d", what, n))
		}
	}
	if d.desc.Product != "" && len(s.Products) > 0 && !slices.Contains(s.Products, d.desc.Product) {
		outside(specPath+"/product", "product "+d.desc.Product)
	}
	number(specPath+"/container/id", s.Containers, "container")
	number(specPath+"/organization/id", s.Organizations, "organization")
}
