// Package diff compares the desired, applied and live version of one object, field by field, by the policy of its table.
//
// It is pure: it says which fields differ and which side moved, never what is to be done about it. "Leave it alone" is decided
// here once (fields that are not managed, ignored, write-only or not readable at the depth that was read), not by exceptions later.
package diff

import (
	"dcsync/internal/resource"
)

// Input is one object in its three versions.
type Input struct {
	Descriptor *resource.Descriptor
	Desired    resource.Map
	Applied    resource.Map   // nil when nothing was applied yet
	Live       resource.Map   // nil when live was not read
	Depth      resource.Depth // how deep live was read
	Ignore     []resource.Path
	Via        func(resource.Path) (resource.Address, bool) // may be nil
}

// Result is what differs. Released are fields that were applied, are no longer written, and that the API cannot clear: they keep
// their live value and are not managed any more.
type Result struct {
	Changes  []resource.FieldChange
	Released []resource.Path
}

// Compare gives the differences in table order. A field is managed when the manifest writes it, if only as empty, or dcsync applied it. Two values
// that differ only in a way the API does not keep (case of a country, order of a set, empty or absent) are equal.
//
//	desired ≠ applied, live = applied            intent
//	desired = applied, live ≠ applied            drift
//	desired ≠ applied, live ≠ applied, ≠ desired both, or where nothing was applied: intent
//	live = desired, whatever was applied         nothing to do
//	live not readable at this depth              desired against applied alone
func Compare(in Input) Result {
	var out Result
	for _, f := range in.Descriptor.Leaves() {
		if f.Change == resource.CreateOnly || in.Descriptor.SecretAt(f.Path) || Ignored(in.Ignore, f.Path) {
			continue
		}
		rawDesired, rawApplied := f.Value(in.Desired), f.Value(in.Applied)
		desired, applied := Normal(f, rawDesired), Normal(f, rawApplied)
		if rawDesired == nil && applied == nil {
			continue
		}
		readable := in.Live != nil && f.Readable(in.Depth)
		var rawLive, live resource.Value
		if readable {
			rawLive = f.Shown(in.Live)
			if live = Normal(f, rawLive); live == nil {
				live = Normal(f, f.Default)
			}
		}
		if desired == nil && !f.Clearable {
			if applied != nil {
				out.Released = append(out.Released, f.Path)
			}
			continue
		}
		change := resource.FieldChange{Path: f.Path, Before: rawApplied, Applied: rawApplied, After: rawDesired, Field: f}
		intended := !resource.Equal(desired, applied)
		switch {
		case !readable && !intended, readable && resource.Equal(live, desired):
			continue
		case !readable:
			change.Origin = resource.FromIntent
		default:
			change.Before = rawLive
			change.Origin = origin(intended, !resource.Equal(live, applied), rawApplied != nil)
		}
		if in.Via != nil {
			change.Via, _ = in.Via(f.Path)
		}
		out.Changes = append(out.Changes, change)
	}
	return out
}

func origin(intended, drifted, haveApplied bool) resource.Origin {
	switch {
	case !haveApplied || !drifted:
		return resource.FromIntent
	case !intended:
		return resource.FromDrift
	}
	return resource.FromBoth
}

// Normal gives the form in which two versions of a field are compared: normalised by its table, nil when it says no more than
// its absence.
func Normal(f *resource.Field, v resource.Value) resource.Value {
	if resource.IsEmpty(v) {
		return nil
	}
	if f.Normalise != nil {
		v = f.Normalise(v)
	}
	if resource.IsEmpty(v) {
		return nil
	}
	return v
}

// Ignored tells whether a list names a field, or what holds it.
func Ignored(list []resource.Path, p resource.Path) bool {
	for _, i := range list {
		if p.Under(i) {
			return true
		}
	}
	return false
}
