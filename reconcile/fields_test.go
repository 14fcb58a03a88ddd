package reconcile

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/resource"
	"dcsync/state"
)

func strs(s ...string) resource.Value {
	if s == nil {
		return nil
	}
	out := resource.List{}
	for _, e := range s {
		out = append(out, resource.String(e))
	}
	return out
}

func TestNoteChanges(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name                         string
		before, applied, after, live []string
		owned                        map[string]string
		unread                       bool
		add, remove                  []string
	}{
		{name: "nothing", after: []string{"a"}, live: []string{"a"}},
		{name: "first", after: []string{"a", "b"}, add: []string{"a", "b"}},
		{name: "one twice", after: []string{"a", "a"}, add: []string{"a"}},
		{name: "ours gone from the account", applied: []string{"a"}, after: []string{"a"}, owned: map[string]string{"1": "a"}, add: []string{"a"}},
		{name: "theirs says it already", after: []string{"a"}, live: []string{"a"}, owned: map[string]string{}},
		{name: "line removed", applied: []string{"a", "b"}, after: []string{"b"}, live: []string{"a", "b"}, owned: map[string]string{"1": "a", "2": "b"}, remove: []string{"a"}},
		{name: "line removed, theirs", applied: []string{"a"}, live: []string{"a"}, owned: map[string]string{}},
		{name: "line removed, gone already", applied: []string{"a"}, owned: map[string]string{"1": "a"}},
		{name: "line changed", applied: []string{"a"}, after: []string{"b"}, live: []string{"a", "theirs"}, owned: map[string]string{"1": "a"}, add: []string{"b"}, remove: []string{"a"}},
		{name: "several removed come sorted", applied: []string{"c", "a", "b"}, live: []string{"a", "b", "c"},
			owned: map[string]string{"1": "c", "2": "a", "3": "b"}, remove: []string{"a", "b", "c"}},
		{name: "ownership unknown", applied: []string{"a", "b"}, after: []string{"b"}, live: []string{"a", "b", "c"}, remove: []string{"a"}},
		{name: "not read", before: []string{"a"}, applied: []string{"a"}, after: []string{"a", "b"}, unread: true, add: []string{"b"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := resource.FieldChange{Before: strs(test.before...), Applied: strs(test.applied...), After: strs(test.after...)}
			var live *resource.Live
			if !test.unread {
				live = &resource.Live{Depth: resource.InfoDepth}
				for _, text := range test.live {
					live.Notes = append(live.Notes, resource.Note{Text: text})
				}
			}
			add, remove := noteChanges(f, live, test.owned)
			if d := cmp.Diff([][]string{test.add, test.remove}, [][]string{add, remove}); d != "" {
				t.Errorf("added and removed (-want +got):\n%s", d)
			}
		})
	}
}

func TestItemsThatDiffer(t *testing.T) {
	t.Parallel()
	field := func(id int, value string) resource.Map {
		return resource.Map{"metadata_id": resource.Int(id), "value": resource.String(value)}
	}
	f := resource.FieldChange{Before: resource.List{field(1, "a"), field(2, "b")}, After: resource.List{field(2, "c"), field(1, "a"), field(3, "d")}}
	if d := cmp.Diff(resource.List{field(2, "c"), field(3, "d")}, f.NewItems()); d != "" {
		t.Errorf("items (-want +got):\n%s", d)
	}
	if !sameItem(field(1, "a"), field(1, "b")) || sameItem(field(1, "a"), field(2, "a")) {
		t.Error("custom fields are one when their numbers are")
	}
	if got := orNil(nil); got != nil {
		t.Errorf("an empty list is %v, want absent", got)
	}
}

// Of shared lists only what is wanted, applied or posted by dcsync is compared.
func TestOurs(t *testing.T) {
	t.Parallel()
	live := &resource.Live{Depth: resource.InfoDepth, Spec: resource.Map{"notes": strs("ours", "theirs", "both"), "message": resource.String("m")},
		Notes: []resource.Note{{ID: "1", Text: "ours"}, {ID: "2", Text: "theirs"}, {ID: "3", Text: "both"}}}
	entry := &state.Entry{Identity: state.Identity{Notes: map[string]string{"1": "ours"}}}
	got := ours(things(), resource.Map{"notes": strs("both")}, entry, live)
	if d := cmp.Diff(resource.Map{"notes": strs("ours", "both"), "message": resource.String("m")}, got); d != "" {
		t.Errorf("ours (-want +got):\n%s", d)
	}
	if len(live.Spec["notes"].(resource.List)) != 3 {
		t.Error("the live object itself was changed")
	}
}

func TestAppliedFromLive(t *testing.T) {
	t.Parallel()
	live := &resource.Live{Depth: resource.InfoDepth, Spec: resource.Map{"name": resource.String("ACME"), "years": resource.Int(3), "message": resource.String("m")}}
	desired := resource.Map{"name": resource.String("Acme"), "years": resource.Int(1), "comment": resource.String("c"), "card": resource.SecretRef{Env: "X"}, "notes": strs("n")}
	got := appliedFromLive(things(), desired, live, nil)
	want := resource.Map{"name": resource.String("Acme"), "years": resource.Int(3), "comment": resource.String("c")}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("applied (-want +got):\n%s", d)
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	d := things()
	found := func(id, phase, product, name string, more ...string) *resource.Live {
		l := &resource.Live{ID: id, Phase: resource.Phase(phase), Product: product, Depth: resource.InfoDepth, Spec: resource.Map{"name": resource.String(name)}, Nonce: "derived"}
		if more != nil {
			l.Spec["mails"] = strs(more...)
		}
		return l
	}
	desired := resource.Map{"name": resource.String("Acme"), "mails": strs("a", "b"), "years": resource.Int(1)}
	own := desired.Clone()
	own["key"] = resource.String("derived")
	for _, test := range []struct {
		name    string
		desired resource.Map
		found   []*resource.Live
		adopt   string
		block   string
	}{
		{name: "none", desired: desired},
		{name: "live", desired: desired, found: []*resource.Live{found("1", "active", "", "ACME", "a")}, adopt: "1"},
		{name: "pending", desired: desired, found: []*resource.Live{found("1", "pending", "", "acme", "a", "c")}, adopt: "1"},
		{name: "ended", desired: desired, found: []*resource.Live{found("1", "ended", "", "acme")}},
		{name: "ended and live", desired: desired, found: []*resource.Live{found("1", "ended", "", "acme"), found("2", "active", "", "acme")}, adopt: "2"},
		{name: "two live", desired: desired, found: []*resource.Live{found("2", "active", "", "acme"), found("1", "pending", "", "acme")}, block: "1, 2"},
		{name: "another product", desired: desired, found: []*resource.Live{found("1", "active", "other", "acme")}, block: "is a other"},
		{name: "another name", desired: desired, found: []*resource.Live{found("1", "active", "", "else")}, block: "differs in /name"},
		{name: "another first mail", desired: desired, found: []*resource.Live{found("1", "active", "", "acme", "b", "a")}, block: "differs in /mails"},
		{name: "another name, ended", desired: desired, found: []*resource.Live{found("1", "ended", "", "else")}, block: "differs in /name"},
		{name: "not shown", desired: desired, found: []*resource.Live{found("1", "active", "", "")}, block: "differs in /name"},
		{name: "own key, all agrees", desired: own, found: []*resource.Live{func() *resource.Live {
			l := found("1", "active", "", "acme", "a", "b")
			l.Spec["years"], l.Spec["key"] = resource.Int(1), resource.String("derived")
			return l
		}()}, adopt: "1"},
		{name: "own key, something differs", desired: own, found: []*resource.Live{found("1", "active", "", "acme", "a", "b")}, block: "differs in /years"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v := judge(d, test.desired, test.found)
			if got := v.adopt; (got == nil) != (test.adopt == "") || got != nil && got.ID != test.adopt {
				t.Errorf("adopt %+v, want %q", got, test.adopt)
			}
			if (v.block == "") != (test.block == "") || !strings.Contains(v.block, test.block) {
				t.Errorf("block %q, want %q", v.block, test.block)
			}
			if (v.block != "") != (v.hint != "") {
				t.Errorf("hint %q for block %q", v.hint, v.block)
			}
		})
	}
}

// What has no nonce is adopted only when one single object equals it in everything; anything near to it stops the create.
func TestByDetails(t *testing.T) {
	t.Parallel()
	d := things()
	d.Nonce = ""
	object := func(id, name string, years int, phase resource.Phase, container string) *resource.Live {
		return &resource.Live{Kind: "Thing", ID: id, Title: name, Phase: phase, ContainerID: container, Depth: resource.ListDepth,
			Spec: resource.Map{"name": resource.String(name), "years": resource.Int(years)}}
	}
	for _, test := range []struct {
		name   string
		listed []*resource.Live
		mails  map[string][]string // info, by id
		owned  string
		adopt  string
		block  []string
	}{
		{name: "none"},
		{name: "equal", listed: []*resource.Live{object("1", "ACME", 1, resource.Active, "11")}, mails: map[string][]string{"1": {"a"}}, adopt: "1"},
		{name: "equal but not read", listed: []*resource.Live{object("1", "ACME", 1, resource.Active, "11")}, block: []string{"1"}},
		{name: "equal in the listing only", listed: []*resource.Live{object("1", "ACME", 1, resource.Active, "11")}, mails: map[string][]string{"1": {"z"}}, block: []string{"1"}},
		{name: "same name only", listed: []*resource.Live{object("1", "acme", 2, resource.Active, "11")}, block: []string{"1"}},
		{name: "another", listed: []*resource.Live{object("1", "else", 1, resource.Active, "11")}},
		{name: "inactive", listed: []*resource.Live{object("1", "acme", 1, resource.Ended, "11")}, mails: map[string][]string{"1": {"a"}}, block: []string{"1"}},
		{name: "another container", listed: []*resource.Live{object("1", "acme", 1, resource.Active, "12")}, mails: map[string][]string{"1": {"a"}}, block: []string{"1"}},
		{name: "two equal", listed: []*resource.Live{object("2", "acme", 1, resource.Active, "11"), object("1", "acme", 1, resource.Active, "11")},
			mails: map[string][]string{"1": {"a"}, "2": {"a"}}, block: []string{"1", "2"}},
		{name: "equal and near", listed: []*resource.Live{object("1", "acme", 1, resource.Active, "11"), object("2", "acme", 2, resource.Active, "11")},
			mails: map[string][]string{"1": {"a"}}, block: []string{"1", "2"}},
		{name: "owned by another", listed: []*resource.Live{object("1", "acme", 1, resource.Active, "11")}, owned: "1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := &resource.Object{Address: resource.Address{Kind: "Thing", Name: "t"}, Descriptor: d, Lifecycle: resource.Lifecycle{Generation: 1},
				Spec: resource.Map{"name": resource.String("Acme"), "years": resource.Int(1), "mails": strs("a")}}
			in := Input{Set: &resource.Set{Objects: []*resource.Object{o}}, State: state.New("uid"),
				Live: &Account{ID: 1, ContainerID: 11, Lists: map[string]*resource.Listing{"Thing": {Objects: test.listed, Complete: true}}, Infos: map[Key]*resource.Live{}}}
			for _, l := range test.listed {
				if mails := test.mails[l.ID]; mails != nil {
					info := *l
					info.Depth, info.Spec = resource.InfoDepth, l.Spec.Clone()
					info.Spec["mails"] = strs(mails...)
					in.Live.Infos[Key{"Thing", l.ID}] = &info
				}
			}
			if test.owned != "" {
				in.State.Objects[resource.Address{Kind: "Thing", Name: "other"}] = &state.Entry{Identity: state.Identity{ID: test.owned}}
			}
			v := newBuilder(in).byDetails(o)
			if got := v.adopt; (got == nil) != (test.adopt == "") || got != nil && got.ID != test.adopt {
				t.Errorf("adopt %+v, want %q", got, test.adopt)
			}
			if ids := strings.Join(test.block, ", "); (v.block == "") != (ids == "") || !strings.HasSuffix(v.block, ids) {
				t.Errorf("block %q, want one that ends with %q", v.block, ids)
			}
		})
	}
}

// The lists of actions and points that others walk are whole.
func TestPoints(t *testing.T) {
	t.Parallel()
	points := Points()
	for _, p := range points {
		if !strings.HasPrefix(string(p), "reconcile.") {
			t.Errorf("point %q has not this room's name", p)
		}
	}
	if slices.Sort(points); len(slices.Compact(points)) != 5 {
		t.Errorf("points %v", points)
	}
}
