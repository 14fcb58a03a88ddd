package reconcile_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/resource"
	"dcsync/reconcile"
	"dcsync/state"
)

func TestComparable(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		recorded, running string
		want              bool
	}{
		{"v1.2.3", "v1.2.3", true},
		{"devel", "devel", true},
		{"v0.1.0", "v1.2.3", true},
		{"v1.2.3-5-gabc1234", "v1.2.3", true},
		{"v1.0.0", "devel", true},
		{"v1.2.4", "v1.2.3", false},
		{"v2.0.0", "v1.9.9", false},
		{"devel", "v1.2.3", false},
		{"", "v1.2.3", false},
		{"v1.2", "v1.2.3", false},
		{"v1.-2.3", "v1.2.3", false},
		{"1.2.3", "v1.2.3", false},
	} {
		if got := reconcile.Comparable(tc.recorded, tc.running); got != tc.want {
			t.Errorf("recorded by %q, running %q: %v", tc.recorded, tc.running, got)
		}
	}
}

func TestNonceFits(t *testing.T) {
	t.Parallel()
	i := state.Identity{Origin: "a", Generation: 2, Sequence: 1, Nonce: reconcile.Nonce(1, "uid", "Order", "a", 2, 1)}
	fits := func(edit func(*state.Identity)) bool {
		j := i
		edit(&j)
		return reconcile.NonceFits(1, "uid", "Order", j)
	}
	for name, tc := range map[string]struct {
		edit func(*state.Identity)
		want bool
	}{
		"as made":            {func(*state.Identity) {}, true},
		"none":               {func(i *state.Identity) { i.Nonce = "" }, true},
		"of a manifest":      {func(i *state.Identity) { i.Nonce = "INV-1" }, true},
		"of another project": {func(i *state.Identity) { i.Nonce = reconcile.Nonce(1, "other", "Order", "b", 1, 0) }, true},
		"of another name":    {func(i *state.Identity) { i.Origin = "b" }, false},
		"of another number":  {func(i *state.Identity) { i.Sequence = 2 }, false},
	} {
		if got := fits(tc.edit); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestRenewal(t *testing.T) {
	t.Parallel()
	day := func(s string) time.Time {
		at, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	o := &resource.Object{Address: resource.Address{Kind: "Order", Name: "a"}, Descriptor: &resource.Descriptor{Expires: true}, Lifecycle: resource.Lifecycle{RenewBefore: resource.Span{Days: 30}}}
	e := &state.Entry{Observed: resource.Map{"status": resource.String("issued"), "valid_from": resource.String("2026-01-01"), "valid_till": resource.String("2027-01-01"), "order_valid_till": resource.String("2027-01-01")}}
	at, action := reconcile.Renewal(o, e, day("2026-06-01"))
	if action != resource.RenewOrder || at.Before(day("2026-12-02")) || at.After(day("2026-12-05")) {
		t.Errorf("%s at %s", action, at)
	}
	e.Observed["order_valid_till"] = resource.String("2029-01-01")
	if at, action = reconcile.Renewal(o, e, day("2026-06-01")); action != resource.ReissueNow || at.IsZero() {
		t.Errorf("of a longer order: %s at %s", action, at)
	}
	e.Observed["status"] = resource.String("pending")
	if at, action = reconcile.Renewal(o, e, day("2026-06-01")); action != "" || !at.IsZero() {
		t.Errorf("not issued: %s at %s", action, at)
	}
}

func TestFollows(t *testing.T) {
	t.Parallel()
	field := func(name string, change resource.ChangeMode) *resource.Field {
		return &resource.Field{Name: name, Path: resource.Path("/" + name), Type: resource.TypeString, Change: change}
	}
	secret := field("secret", resource.Immutable)
	secret.Secret = true
	d := &resource.Descriptor{Root: &resource.Field{Type: resource.TypeObject, Members: []*resource.Field{field("a", resource.InPlace), field("ref", resource.Immutable), field("once", resource.CreateOnly), secret}}}
	to := resource.Address{Kind: "Organization", Name: "acme"}
	o := &resource.Object{Descriptor: d, Spec: resource.Map{"a": resource.String("x"), "ref": resource.Ref(to), "once": resource.String("y"), "secret": resource.SecretRef{Env: "S"}}}
	id := func(resource.Address) string { return "7" }
	for name, tc := range map[string]struct {
		applied resource.Map
		want    []resource.Path
	}{
		"as wanted":         {resource.Map{"a": resource.String("x"), "ref": resource.Int(7)}, nil},
		"another value":     {resource.Map{"a": resource.String("z"), "ref": resource.Int(7)}, []resource.Path{"/a"}},
		"another reference": {resource.Map{"a": resource.String("x"), "ref": resource.Int(8)}, []resource.Path{"/ref"}},
		"nothing":           {resource.Map{}, []resource.Path{"/a", "/ref"}},
		"sent only once":    {resource.Map{"a": resource.String("x"), "ref": resource.Int(7), "once": resource.String("z")}, nil},
	} {
		if d := cmp.Diff(tc.want, reconcile.Follows(o, tc.applied, id)); d != "" {
			t.Errorf("%s (-want +got)\n%s", name, d)
		}
	}
	if !reconcile.Same(d, "/a", resource.Map{"a": resource.String("x")}, resource.Map{"a": resource.String("x")}) || reconcile.Same(d, "/a", resource.Map{}, resource.Map{"a": resource.String("x")}) {
		t.Error("same is wrong")
	}
}
