package state

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"dcsync/internal/resource"
)

// ErrLineage says that two state files belong to different projects.
var ErrLineage = errors.New("the state files belong to different projects")

// ErrAccount says that two state files belong to different accounts or API addresses.
var ErrAccount = errors.New("the state files belong to different accounts")

// Merge puts together two state files that went on from one base, address by address: what one side changed is taken from it, and
// what both changed in the same way is taken once. base is nil when there was no file. Addresses that the two changed in different
// ways, and those that would then own one live id together, are given ascending; the file then holds ours for the former, and is not
// to be used unseen.
//
// A key that any of the three files knows as compromised stays so.
//
// What was observed of an object is no record of what was done: where that is all that differs, the later observation wins. The
// serial is one above both, unless one side holds everything already: then that side is the result as it is.
func Merge(base, ours, theirs *File) (*File, []resource.Address, error) {
	if base == nil {
		base = New(ours.Lineage)
	}
	if ours.Lineage != theirs.Lineage || ours.Lineage != base.Lineage {
		return nil, nil, fmt.Errorf("merge state: %w: %s, %s and %s", ErrLineage, base.Lineage, ours.Lineage, theirs.Lineage)
	}
	account, err := mergeAccount(base, ours, theirs)
	if err != nil {
		return nil, nil, err
	}
	out := New(ours.Lineage)
	out.Account = account
	var conflicts []resource.Address
	addresses := map[resource.Address]bool{}
	for _, f := range []*File{base, ours, theirs} {
		for a := range f.Objects {
			addresses[a] = true
		}
	}
	for _, a := range slices.SortedFunc(maps.Keys(addresses), resource.Address.Compare) {
		e, ok := mergeEntry(base.Objects[a], ours.Objects[a], theirs.Objects[a])
		if !ok {
			conflicts = append(conflicts, a)
			e = ours.Objects[a]
		}
		if e != nil {
			out.Objects[a] = e
		}
	}
	out = out.Clone()
	out.distrustAll(base, ours, theirs)
	conflicts = append(conflicts, out.sharedIDs()...)
	slices.SortFunc(conflicts, resource.Address.Compare)
	conflicts = slices.Compact(conflicts)
	for _, side := range []*File{theirs, ours} {
		if len(conflicts) == 0 && side.Serial == max(ours.Serial, theirs.Serial) && out.records(side) {
			out.Serial = side.Serial
			return out, nil, nil
		}
	}
	out.Serial = max(ours.Serial, theirs.Serial) + 1
	return out, conflicts, nil
}

// distrustAll keeps the compromised keys of the files that were merged: those of forgotten addresses, and those that no entry tells of any more.
func (f *File) distrustAll(files ...*File) {
	known := f.CompromisedKeys()
	for _, from := range files {
		for key, id := range from.Compromised {
			f.distrust(key, id)
		}
		for key, id := range from.CompromisedKeys() {
			if known[key] == "" {
				f.distrust(key, id)
			}
		}
	}
}

// sharedIDs gives the addresses that own a live id which another one owns too.
func (f *File) sharedIDs() []resource.Address {
	var out []resource.Address
	owner := map[resource.Address]resource.Address{} // by kind and id
	for _, a := range f.Addresses() {
		id := resource.Address{Kind: a.Kind, Name: f.Objects[a].Identity.ID}
		if first, taken := owner[id]; taken {
			out = append(out, first, a)
			continue
		}
		owner[id] = a
	}
	return out
}

// records tells whether two files hold the same but for their serial.
func (f *File) records(other *File) bool {
	return reflect.DeepEqual(f.Account, other.Account) && maps.Equal(f.Compromised, other.Compromised) && maps.EqualFunc(f.Objects, other.Objects, func(a, b *Entry) bool {
		return sameRecord(a, b) && sameObservation(a, b)
	})
}

// mergeAccount takes the account of the side that changed it. Who applied last may differ on both; then it is the side with the
// higher serial, and ours when they are equal.
func mergeAccount(base, ours, theirs *File) (*Account, error) {
	o, t := ours.Account, theirs.Account
	switch {
	case t == nil || reflect.DeepEqual(base.Account, t):
		return o, nil
	case o == nil || reflect.DeepEqual(base.Account, o):
		return t, nil
	case o.ID != t.ID || o.APIURL != t.APIURL:
		return nil, fmt.Errorf("merge state: %w: %d at %s and %d at %s", ErrAccount, o.ID, o.APIURL, t.ID, t.APIURL)
	case theirs.Serial > ours.Serial:
		return t, nil
	}
	return o, nil
}

// mergeEntry gives the entry both sides amount to; nil means that the address is no longer managed. It is false when they disagree.
func mergeEntry(base, ours, theirs *Entry) (*Entry, bool) {
	switch {
	case sameRecord(ours, theirs):
		if ours != nil && laterObservation(ours, theirs) {
			return theirs, true
		}
		return ours, true
	case sameRecord(base, ours):
		return theirs, true
	case sameRecord(base, theirs):
		return ours, true
	}
	return nil, false
}

// sameRecord compares all but what was observed. nil stands for "not managed".
func sameRecord(a, b *Entry) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Identity.equal(b.Identity) && resource.Equal(a.Applied.Spec, b.Applied.Spec) && a.Applied.Generation == b.Applied.Generation &&
		a.Applied.Protect == b.Applied.Protect && a.Applied.Asked.equal(b.Applied.Asked) && a.Source == b.Source && slices.Equal(a.DependsOn, b.DependsOn)
}

func (i Identity) equal(o Identity) bool {
	return i.ID == o.ID && i.Nonce == o.Nonce && i.Origin == o.Origin && i.Product == o.Product && i.Generation == o.Generation &&
		i.Sequence == o.Sequence && i.FoundEnded == o.FoundEnded && maps.Equal(i.Notes, o.Notes) && slices.Equal(i.Earlier, o.Earlier) &&
		slices.Equal(i.Tombstones, o.Tombstones) && slices.Equal(i.Replaced, o.Replaced)
}

func (q *Asked) equal(o *Asked) bool {
	if q == nil || o == nil {
		return q == o
	}
	return slices.Equal(q.Fields, o.Fields) && resource.Equal(q.Spec, o.Spec) && q.CertificateID == o.CertificateID && q.Reissues == o.Reissues
}

func sameObservation(a, b *Entry) bool {
	return a.SeenAt.Equal(b.SeenAt) && (a.Observed == nil) == (b.Observed == nil) && resource.Equal(a.Observed, b.Observed)
}

// laterObservation tells whether theirs was observed later. At the same instant the side does not matter as long as it is the same
// one on both machines that merge, so the digest of the bytes decides.
func laterObservation(ours, theirs *Entry) bool {
	if !ours.SeenAt.Equal(theirs.SeenAt) {
		return theirs.SeenAt.After(ours.SeenAt)
	}
	if sameObservation(ours, theirs) {
		return false
	}
	o, err := marshal(ours.Observed)
	t, err2 := marshal(theirs.Observed)
	return err == nil && err2 == nil && string(t) > string(o)
}
