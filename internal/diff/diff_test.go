package diff_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/diff"
	"dcsync/internal/resource"
)

func lower(v resource.Value) resource.Value {
	return resource.String(strings.ToLower(resource.Text(v)))
}

// descriptor has one field of each policy that the comparison treats apart.
func descriptor() *resource.Descriptor {
	scalar := func(name string, change resource.ChangeMode, read resource.Read) *resource.Field {
		return &resource.Field{Name: name, Path: resource.Path("").Child(name), Type: resource.TypeString, Change: change, Read: read}
	}
	country := scalar("country", resource.Immutable, resource.Read{List: "country"})
	country.Normalise = lower
	notices := scalar("notices", resource.InPlace, resource.Read{Info: "notices"})
	notices.Type, notices.Default = resource.TypeBool, resource.Bool(false)
	emails := &resource.Field{Name: "emails", Path: "/emails", Type: resource.TypeList, Item: &resource.Field{Type: resource.TypeString},
		Change: resource.InPlace, Read: resource.Read{Info: "emails"}, Clearable: true}
	card := scalar("number", resource.Immutable, resource.Read{Info: "number"})
	card.Path = "/card/number"
	return &resource.Descriptor{Kind: "Thing", Root: &resource.Field{Type: resource.TypeObject, Members: []*resource.Field{
		scalar("name", resource.Immutable, resource.Read{List: "name"}),
		country,
		notices,
		emails,
		scalar("message", resource.InPlace, resource.Read{Info: "message"}),
		scalar("comment", resource.CreateOnly, resource.Read{Info: "comment"}),
		scalar("hidden", resource.Immutable, resource.Read{}),
		{Name: "card", Path: "/card", Type: resource.TypeObject, Secret: true, Members: []*resource.Field{card}},
	}}}
}

func m(kv ...any) resource.Map {
	out := resource.Map{}
	for i := 0; i < len(kv); i += 2 {
		out[kv[i].(string)] = resource.FromAny(kv[i+1])
	}
	return out
}

func list(items ...any) []any { return items }

func TestCompare(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name                   string
		applied, desired, live resource.Map
		depth                  resource.Depth
		ignore                 []resource.Path
		want                   string // path origin, … | released
	}{
		{name: "all equal", applied: m("name", "a"), desired: m("name", "a"), live: m("name", "a")},
		{name: "intent", applied: m("name", "a"), desired: m("name", "b"), live: m("name", "a"), want: "/name intent"},
		{name: "drift", applied: m("name", "a"), desired: m("name", "a"), live: m("name", "c"), want: "/name drift"},
		{name: "both", applied: m("name", "a"), desired: m("name", "b"), live: m("name", "c"), want: "/name both"},
		{name: "both sides made the same change", applied: m("name", "a"), desired: m("name", "b"), live: m("name", "b")},
		{name: "never applied", desired: m("name", "b"), live: m("name", "c"), want: "/name intent"},
		{name: "never applied, others were", applied: m("country", "de"), desired: m("country", "de", "name", "b"), live: m("country", "de", "name", "c"), want: "/name intent"},
		{name: "not managed", applied: m(), desired: m(), live: m("name", "c")},
		{name: "spelled differently", applied: m("country", "de"), desired: m("country", "DE"), live: m("country", "de")},
		{name: "not readable in a list", applied: m("message", "a"), desired: m("message", "b"), live: m("name", "x"), depth: resource.ListDepth, want: "/message intent"},
		{name: "drift not seen in a list", applied: m("message", "a"), desired: m("message", "a"), live: m(), depth: resource.ListDepth},
		{name: "gone from live", applied: m("message", "a"), desired: m("message", "a"), live: m(), want: "/message drift"},
		{name: "live shows the default by absence", applied: m("notices", false), desired: m("notices", false), live: m()},
		{name: "default asked for and not there", applied: m("notices", true), desired: m("notices", true), live: m(), want: "/notices drift"},
		{name: "never read: intent only", applied: m("hidden", "a"), desired: m("hidden", "b"), live: m(), want: "/hidden intent"},
		{name: "create only is never compared", applied: m("comment", "a"), desired: m("comment", "b"), live: m("comment", "c")},
		{name: "secret is never compared", desired: m("card", map[string]any{"number": "1"}), live: m()},
		{name: "list cleared", applied: m("emails", list("a")), desired: m(), live: m("emails", list("a")), want: "/emails intent"},
		{name: "list cleared already", applied: m("emails", list("a")), desired: m(), live: m()},
		{name: "emptied list", applied: m("emails", list("a")), desired: m("emails", list()), live: m("emails", list("a")), want: "/emails intent"},
		{name: "drift from an empty list", applied: m("emails", list()), desired: m("emails", list()), live: m("emails", list("a")), want: "/emails drift"},
		{name: "emptied and not clearable", applied: m("message", "a"), desired: m("message", ""), live: m("message", "a"), want: "/message released"},
		{name: "empty list equals absent", applied: m(), desired: m("emails", list()), live: m()},
		{name: "removed and not clearable", applied: m("message", "a"), desired: m(), live: m("message", "a"), want: "/message released"},
		{name: "ignored", applied: m("name", "a"), desired: m("name", "b"), live: m("name", "c"), ignore: []resource.Path{"/name"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if tc.depth == 0 {
				tc.depth = resource.InfoDepth
			}
			res := diff.Compare(diff.Input{Descriptor: descriptor(), Desired: tc.desired, Applied: tc.applied, Live: tc.live, Depth: tc.depth, Ignore: tc.ignore})
			var got []string
			for _, c := range res.Changes {
				got = append(got, string(c.Path)+" "+string(c.Origin))
			}
			for _, p := range res.Released {
				got = append(got, string(p)+" released")
			}
			if d := cmp.Diff(tc.want, strings.Join(got, ", ")); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

func TestCompareWithoutLive(t *testing.T) {
	t.Parallel()
	res := diff.Compare(diff.Input{Descriptor: descriptor(), Desired: m("name", "b", "country", "DE"), Applied: m("name", "a", "country", "de")})
	if len(res.Changes) != 1 || res.Changes[0].Path != "/name" || res.Changes[0].Before != resource.String("a") {
		t.Errorf("got %+v, want one change of /name from a", res.Changes)
	}
}

// TestCompareSettles: when the desired values of the changes have been made live and applied, nothing differs any more.
func TestCompareSettles(t *testing.T) {
	t.Parallel()
	versions := []resource.Map{m(), m("name", "a"), m("name", "b", "emails", list("x")), m("emails", list("x", "y"), "message", "hi"), m("notices", true, "country", "DE")}
	for _, desired := range versions {
		for _, applied := range versions {
			for _, live := range versions {
				in := diff.Input{Descriptor: descriptor(), Desired: desired, Applied: applied, Live: live.Clone(), Depth: resource.InfoDepth}
				for _, c := range diff.Compare(in).Changes {
					resource.Put(in.Live, c.Path, resource.Clone(c.After))
				}
				in.Applied = desired
				if again := diff.Compare(in).Changes; len(again) > 0 {
					t.Errorf("desired %v applied %v live %v: still differs in %v", desired, applied, live, again)
				}
			}
		}
	}
}
