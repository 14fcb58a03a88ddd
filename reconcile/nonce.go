package reconcile

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
	"dcsync/state"
)

const (
	projectDigits = 8  // of a nonce: which project placed the order
	nonceLength   = 40 // 8 digits of the project, 32 of the intent
)

var digits = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// Nonce gives the idempotency key of one intent: 40 characters of [0-9a-v], the first 8 of which are the same for the whole
// project. It depends on nothing but the arguments, so that any later run on any machine finds what an earlier one ordered
// (domain rules, section 2). origin is the first name the address ever had.
func Nonce(account int64, uid string, kind, origin string, generation, sequence int) string {
	return projectDigest(account, uid) + digest(32, "intent", fmt.Sprint(account), uid, kind, origin, fmt.Sprint(generation), fmt.Sprint(sequence))
}

func projectDigest(account int64, uid string) string {
	return digest(projectDigits, "project", fmt.Sprint(account), uid)
}

// digest gives n characters that depend on all the parts and on where each begins.
func digest(n int, parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return digits.EncodeToString(sum[:])[:n]
}

// seqMark in a manifest's own id stands for generation and sequence, so that each of its orders has one of its own.
const seqMark = "{seq}"

// numbered tells whether a manifest writes its own id with a place for the number.
func numbered(spec resource.Map, nonce resource.Path) bool {
	return strings.Contains(resource.Text(resource.Get(spec, nonce)), seqMark)
}

// nonceOf gives the nonce under which an object is created: the manifest's own for its first order, or for all when it has a place for
// the number, else a derived one; "" for kinds that have none.
func nonceOf(in Input, o *resource.Object, origin string, generation, sequence int) string {
	if own := ownNonce(in, o, generation, sequence); own != "" {
		return own
	}
	return derivedNonce(in, o, origin, generation, sequence)
}

// ownNonce gives the id that a manifest itself says for one of its orders, "" where it says none.
func ownNonce(in Input, o *resource.Object, generation, sequence int) string {
	if o.Descriptor.Nonce == "" || in.Live == nil {
		return ""
	}
	return writtenNonce(o, generation, sequence)
}

func writtenNonce(o *resource.Object, generation, sequence int) string {
	own, ok := resource.Get(o.Spec, o.Descriptor.Nonce).(resource.String)
	switch {
	case !ok:
	case numbered(o.Spec, o.Descriptor.Nonce):
		return strings.Replace(string(own), seqMark, fmt.Sprintf("%d-%d", generation, sequence), 1)
	case generation == 1 && sequence == 0:
		return string(own)
	}
	return ""
}

func derivedNonce(in Input, o *resource.Object, origin string, generation, sequence int) string {
	if o.Descriptor.Nonce == "" || in.Live == nil {
		return ""
	}
	return Nonce(in.Live.ID, in.Settings.UID, o.Descriptor.Kind, origin, generation, sequence)
}

// key is a nonce that an order of a manifest may carry, and where that order then stands.
type key struct {
	place
	nonce string
}

// keysOf gives the nonces that the order of one place may carry: the one that the manifest says itself, and those of the names it may have been
// placed under. An id of its own may have come into the manifest after the order was placed. e is nil where state has no entry.
func keysOf(in Input, o *resource.Object, e *state.Entry, generation, sequence int) []key {
	var out []key
	if own := ownNonce(in, o, generation, sequence); own != "" {
		out = append(out, key{place{generation, sequence, originOf(o, e)}, own})
	}
	for _, origin := range originsOf(o, e) {
		if n := derivedNonce(in, o, origin, generation, sequence); n != "" {
			out = append(out, key{place{generation, sequence, origin}, n})
		}
	}
	return out
}

// originsOf gives the names under which the orders of a manifest may have been placed: what its entry in state says, or, with nil, its own name
// and all that it had before.
func originsOf(o *resource.Object, e *state.Entry) []string {
	if e != nil {
		return []string{originOf(o, e)}
	}
	out := []string{o.Address.Name}
	for _, name := range o.MovedFrom {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// idKept warns where an order carries an id of its own that its manifest says no longer: the API cannot change it, and only by it a lost state would
// find the order.
func (b *builder) idKept(p *Plan, o *resource.Object, entry *state.Entry) {
	own, acc := entry.Identity, b.in.State.Account
	if o.Descriptor.Nonce == "" || own.Nonce == "" || acc == nil || strings.HasPrefix(own.Nonce, projectDigest(acc.ID, b.in.Settings.UID)) ||
		own.Nonce == writtenNonce(o, own.Generation, own.Sequence) {
		return
	}
	id := strings.TrimPrefix(string(o.Descriptor.Nonce), "/")
	p.Findings.Add(diag.Diagnostic{Severity: diag.Warning, Code: diag.IDKept, Address: o.Address.String(), Path: string(o.Descriptor.Nonce), Pos: o.Pos(o.Descriptor.Nonce),
		Summary: fmt.Sprintf("order %s carries %s and keeps it, whatever %s says", own.ID, own.Nonce, id),
		Hint:    fmt.Sprintf("write %s: %s back; without it a lost state cannot find the order, and another one is placed", id, own.Nonce)})
}
