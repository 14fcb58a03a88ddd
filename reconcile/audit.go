package reconcile

import (
	"strconv"
	"strings"
	"time"

	"dcsync/internal/diff"
	"dcsync/internal/resource"
	"dcsync/state"
)

// What an audit has to know of how dcsync records and plans, so that it holds the records to the very rules they were made by.

// Renewal gives when dcsync renews or reissues an order, as it was last observed, and which of the two; the zero time for never. The
// instant may lie in the past of asOf: then the window is open.
func Renewal(o *resource.Object, e *state.Entry, asOf time.Time) (time.Time, resource.Action) {
	b := &builder{in: Input{AsOf: asOf}}
	d := b.due(o, nil, e.Observed)
	if d.left {
		return time.Time{}, ""
	}
	return d.at, d.action
}

// NonceFits tells whether the key of a recorded order can be that of its first name, generation and sequence. Keys that do not carry
// the project's digits were chosen in a manifest, and always fit.
func NonceFits(account int64, uid, kind string, i state.Identity) bool {
	if len(i.Nonce) != nonceLength || !strings.HasPrefix(i.Nonce, projectDigest(account, uid)) {
		return true
	}
	return i.Nonce == Nonce(account, uid, kind, i.Origin, i.Generation, i.Sequence)
}

// Follows gives the fields of an applied spec that do not say what a manifest wants, in table order. id gives the live id that stands
// for a reference. What was sent only once, and what is secret, is not looked at.
func Follows(o *resource.Object, applied resource.Map, id func(resource.Address) string) []resource.Path {
	desired := resolveRefs(o.Spec, id)
	var out []resource.Path
	for _, f := range o.Descriptor.Leaves() {
		if f.Change == resource.CreateOnly || o.Descriptor.SecretAt(f.Path) {
			continue
		}
		if !resource.Equal(diff.Normal(f, f.Value(desired)), diff.Normal(f, f.Value(applied))) {
			out = append(out, f.Path)
		}
	}
	return out
}

// Same tells whether two applied specs of a product say the same in a field.
func Same(d *resource.Descriptor, path resource.Path, a, b resource.Map) bool {
	f := d.Field(path)
	return f != nil && resource.Equal(diff.Normal(f, f.Value(a)), diff.Normal(f, f.Value(b)))
}

// normalisers tells from which version on dcsync brings manifests into which normal form: raise the number and add a line whenever
// schema's normalisation or DesiredDigest gives another result for a manifest that did not change.
var normalisers = []struct {
	since  [3]int
	number int
}{{[3]int{0, 0, 0}, 1}}

// Comparable tells whether the digests that a version of dcsync recorded are made as the running one makes them. It is false for
// versions that are not known: later ones, and builds that have no version.
func Comparable(recorded, running string) bool {
	if recorded == running {
		return true
	}
	was, ok := release(recorded)
	if !ok {
		return false
	}
	if now, ok := release(running); ok && after(was, now) {
		return false
	}
	return normaliser(was) == normalisers[len(normalisers)-1].number
}

func normaliser(version [3]int) int {
	n := 0
	for _, x := range normalisers {
		if !after(x.since, version) {
			n = x.number
		}
	}
	return n
}

func after(a, b [3]int) bool {
	for i := range a {
		if a[i] != b[i] {
			return a[i] > b[i]
		}
	}
	return false
}

// release reads "v1.2.3", with or without more behind it.
func release(version string) (out [3]int, ok bool) {
	text, found := strings.CutPrefix(version, "v")
	text, _, _ = strings.Cut(text, "-")
	text, _, _ = strings.Cut(text, "+")
	parts := strings.Split(text, ".")
	if !found || len(parts) != len(out) {
		return out, false
	}
	for i, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil || n < 0 {
			return out, false
		}
		out[i] = n
	}
	return out, true
}
