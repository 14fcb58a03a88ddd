package reconcile

import (
	"slices"
	"strings"
	"testing"
	"time"

	"dcsync/internal/resource"
)

// A plan's digest is of what would be done: not of why, when, over what, or at which price.
func TestDigestOf(t *testing.T) {
	t.Parallel()
	base := func() []*Change {
		return []*Change{
			{Address: resource.Address{Kind: "Order", Name: "a"}, Action: resource.Update, Generation: 1, Reason: "x", Fields: []resource.FieldChange{
				{Path: "/emails", Before: resource.String("b"), After: resource.String("c"), Origin: resource.FromIntent},
				{Path: "/card", Sensitive: true}}},
			{Address: resource.Address{Kind: "Order", Name: "b"}, Action: resource.Create, Generation: 1, Sequence: 0},
			{Address: resource.Address{Kind: "Order", Name: "c"}, Action: resource.Noop},
		}
	}
	want := DigestOf(base())
	if !strings.HasPrefix(want, "sha256:") || len(want) != len("sha256:")+64 {
		t.Fatalf("digest %q", want)
	}
	for name, change := range map[string]func([]*Change) []*Change{
		"reason":          func(c []*Change) []*Change { c[0].Reason = "y"; return c },
		"trigger":         func(c []*Change) []*Change { c[0].Trigger = resource.ByDrift; return c },
		"live value":      func(c []*Change) []*Change { c[0].Fields[0].Before = resource.String("z"); return c },
		"origin":          func(c []*Change) []*Change { c[0].Fields[0].Origin = resource.FromBoth; return c },
		"requests":        func(c []*Change) []*Change { c[0].Requests = 9; return c },
		"id":              func(c []*Change) []*Change { c[0].ID = "9"; return c },
		"position":        func(c []*Change) []*Change { c[0].Source = resource.Source{File: "x", Line: 9}; return c },
		"secret":          func(c []*Change) []*Change { c[0].Fields[1].After = resource.String("4111"); return c },
		"order":           func(c []*Change) []*Change { slices.Reverse(c); return c },
		"without noop":    func(c []*Change) []*Change { return c[:2] },
		"nonce, internal": func(c []*Change) []*Change { c[1].nonce = "x"; return c },
	} {
		if got := DigestOf(change(base())); got != want {
			t.Errorf("%s changes the digest", name)
		}
	}
	for name, change := range map[string]func([]*Change) []*Change{
		"action":     func(c []*Change) []*Change { c[0].Action = resource.Blocked; return c },
		"address":    func(c []*Change) []*Change { c[0].Address.Name = "z"; return c },
		"generation": func(c []*Change) []*Change { c[1].Generation = 2; return c },
		"sequence":   func(c []*Change) []*Change { c[1].Sequence = 1; return c },
		"path":       func(c []*Change) []*Change { c[0].Fields[0].Path = "/other"; return c },
		"desired":    func(c []*Change) []*Change { c[0].Fields[0].After = resource.String("d"); return c },
		"cleared":    func(c []*Change) []*Change { c[0].Fields[0].After = nil; return c },
		"field gone": func(c []*Change) []*Change { c[0].Fields = c[0].Fields[1:]; return c },
		"one less":   func(c []*Change) []*Change { return c[1:] },
	} {
		if got := DigestOf(change(base())); got == want {
			t.Errorf("%s does not change the digest", name)
		}
	}
}

// Build is pure: equal inputs give equal plans, whatever the clock says.
func TestBuildIsPure(t *testing.T) {
	t.Parallel()
	in := population(20)
	first := Build(in)
	in.AsOf = in.AsOf.Add(time.Hour)
	second := Build(in)
	if first.Digest != second.Digest || len(first.Changes) != len(second.Changes) {
		t.Errorf("two plans of one input differ: %s with %d changes, %s with %d", first.Digest, len(first.Changes), second.Digest, len(second.Changes))
	}
}

// Manifests that mean the same have the same desired digest; secrets never enter it.
func TestDesiredDigest(t *testing.T) {
	t.Parallel()
	object := func(spec resource.Map, l resource.Lifecycle) *resource.Object {
		return &resource.Object{Descriptor: things(), Spec: spec, Lifecycle: l}
	}
	base := resource.Map{"name": resource.String("Acme"), "message": resource.String("m")}
	want := DesiredDigest(object(base, resource.Lifecycle{Generation: 1}))
	for name, o := range map[string]*resource.Object{
		"spelling": object(resource.Map{"name": resource.String("ACME"), "message": resource.String("m")}, resource.Lifecycle{Generation: 1}),
		"empty":    object(resource.Map{"name": resource.String("Acme"), "message": resource.String("m"), "notes": resource.List{}}, resource.Lifecycle{Generation: 1}),
		"secret":   object(resource.Map{"name": resource.String("Acme"), "message": resource.String("m"), "card": resource.SecretRef{Env: "X"}}, resource.Lifecycle{Generation: 1}),
	} {
		if DesiredDigest(o) != want {
			t.Errorf("%s changes the digest", name)
		}
	}
	for name, o := range map[string]*resource.Object{
		"field":      object(resource.Map{"name": resource.String("Acme"), "message": resource.String("n")}, resource.Lifecycle{Generation: 1}),
		"less":       object(resource.Map{"name": resource.String("Acme")}, resource.Lifecycle{Generation: 1}),
		"generation": object(base, resource.Lifecycle{Generation: 2}),
		"protect":    object(base, resource.Lifecycle{Generation: 1, Protect: true}),
		"ignore":     object(base, resource.Lifecycle{Generation: 1, Ignore: []resource.Path{"/message"}}),
		"contacts":   object(base, resource.Lifecycle{Generation: 1, Contacts: "follow"}),
	} {
		if DesiredDigest(o) == want {
			t.Errorf("%s does not change the digest", name)
		}
	}
}
