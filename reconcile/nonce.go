package reconcile

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"

	"dcsync/internal/resource"
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
	d := o.Descriptor
	if d.Nonce == "" || in.Live == nil {
		return ""
	}
	own, ok := resource.Get(o.Spec, d.Nonce).(resource.String)
	switch {
	case !ok:
	case numbered(o.Spec, d.Nonce):
		return strings.Replace(string(own), seqMark, fmt.Sprintf("%d-%d", generation, sequence), 1)
	case generation == 1 && sequence == 0:
		return string(own)
	}
	return Nonce(in.Live.ID, in.Settings.UID, d.Kind, origin, generation, sequence)
}
