package audit

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/resource"
	"dcsync/manifests"
	"dcsync/state"
)

func sample(n int) *state.File {
	f := state.New("uid")
	f.Serial = 1
	f.Account = &state.Account{ID: 1, APIURL: "https://example.com"}
	for i := range n {
		a := resource.Address{Kind: "Order", Name: fmt.Sprintf("o%d", i)}
		f.Objects[a] = &state.Entry{Identity: state.Identity{ID: fmt.Sprint(1000 + i), Origin: a.Name, Generation: 1}, Source: state.Source{Path: "m.yaml", Version: "v1.0.0"},
			Applied: state.Applied{Spec: resource.Map{"text": resource.String("a \n    \"b\": {\u2028<é"), "list": resource.List{resource.Map{}, resource.Int(1)}}, Generation: 1}}
	}
	return f
}

func encoded(t testing.TB, f *state.File) []byte {
	t.Helper()
	data, err := state.Encode(f)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestCut: the canonical form is taken apart without decoding it, and any other is read all the same, and told.
func TestCut(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 3, 12} {
		f := sample(n)
		data := encoded(t, f)
		v := readVersion(data, nil)
		if v.problem != nil || !v.canonical || len(v.entries) != n {
			t.Fatalf("%d entries: %v, %v, %d", n, v.problem, v.canonical, len(v.entries))
		}
		for _, s := range v.entries {
			if e := s.decode(); s.problem != nil || s.odd || cmp.Diff(f.Objects[s.address], e) != "" {
				t.Errorf("%s: %v, odd %v\n%s", s.address, s.problem, s.odd, cmp.Diff(f.Objects[s.address], e))
			}
			if v.find(s.address) != s {
				t.Errorf("%s is not found", s.address)
			}
		}
		if v.find(resource.Address{Kind: "Order", Name: "zz"}) != nil {
			t.Error("found what is not there")
		}
	}
	good := string(encoded(t, sample(3)))
	for name, text := range map[string]string{
		"compact":        strings.NewReplacer("\n", "", "  ", "").Replace(good),
		"no newline":     strings.TrimSuffix(good, "\n"),
		"other order":    strings.Replace(good, "\"serial\": 1\n", "\"serial\": 1,\n  \"format_version\": 1\n", 1),
		"spaces in head": strings.Replace(good, "\"lineage\": ", "\"lineage\":  ", 1),
	} {
		if v := readVersion([]byte(text), nil); v.problem != nil || v.canonical || len(v.entries) != 3 {
			t.Errorf("%s: %v, canonical %v, %d entries", name, v.problem, v.canonical, len(v.entries))
		}
	}
	odd := readVersion([]byte(strings.Replace(good, "\"id\": \"1001\"", "\"id\":   \"1001\"", 1)), nil)
	if !odd.canonical || odd.find(resource.Address{Kind: "Order", Name: "o1"}).decode() == nil || !odd.entries[1].odd {
		t.Errorf("an odd entry passes: %+v", odd.entries[1])
	}
	for _, text := range []string{"", "{", "[]", "null", `{"format_version": 2}`, `{"format_version":1,"objects":{"Order/a":{"identity":{"id":"1"}}}}`} {
		if v := readVersion([]byte(text), nil); v.problem == nil || v.head != nil {
			t.Errorf("%q was read", text)
		}
	}
}

// TestBetween: what differs between two versions, and that the rest is shared.
func TestBetween(t *testing.T) {
	t.Parallel()
	old, now := sample(5), sample(6)
	delete(now.Objects, resource.Address{Kind: "Order", Name: "o0"})
	now.Objects[resource.Address{Kind: "Order", Name: "o3"}].Identity.ID = "x"
	s := between(readVersion(encoded(t, old), nil), readVersion(encoded(t, now), nil))
	var got []string
	for _, c := range s.changed {
		got = append(got, fmt.Sprint(c.address, c.before != nil, c.after != nil))
	}
	if d := cmp.Diff([]string{"Order/o0 true false", "Order/o3 true true", "Order/o5 false true"}, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if s.before.find(resource.Address{Kind: "Order", Name: "o1"}) != s.after.find(resource.Address{Kind: "Order", Name: "o1"}) {
		t.Error("what is the same is held twice")
	}
}

// TestCutLike: a version is cut the same whatever it is cut beside, and takes over what is the same.
func TestCutLike(t *testing.T) {
	t.Parallel()
	base := sample(9)
	for name, edit := range map[string]func(*state.File){
		"nothing": func(*state.File) {},
		"serial":  func(f *state.File) { f.Serial = 1000 },
		"first":   func(f *state.File) { f.Objects[resource.Address{Kind: "Order", Name: "o0"}].Identity.ID = "another" },
		"last":    func(f *state.File) { f.Objects[resource.Address{Kind: "Order", Name: "o8"}].Identity.ID = "another" },
		"two": func(f *state.File) {
			f.Objects[resource.Address{Kind: "Order", Name: "o2"}].Identity.ID = "2"
			f.Objects[resource.Address{Kind: "Order", Name: "o5"}].Identity.ID = "5"
		},
		"one less": func(f *state.File) { delete(f.Objects, resource.Address{Kind: "Order", Name: "o4"}) },
		"no first": func(f *state.File) { delete(f.Objects, resource.Address{Kind: "Order", Name: "o0"}) },
		"no last":  func(f *state.File) { delete(f.Objects, resource.Address{Kind: "Order", Name: "o8"}) },
		"one more": func(f *state.File) {
			f.Objects[resource.Address{Kind: "Order", Name: "o41"}] = sample(5).Objects[resource.Address{Kind: "Order", Name: "o4"}]
		},
		"at the end": func(f *state.File) {
			f.Objects[resource.Address{Kind: "Organization", Name: "z"}] = sample(1).Objects[resource.Address{Kind: "Order", Name: "o0"}]
		},
		"none":        func(f *state.File) { clear(f.Objects) },
		"compromised": func(f *state.File) { f.Compromised = map[string]string{"k": "1", "l": "2"} },
	} {
		other := base.Clone()
		edit(other)
		for _, pair := range [][2][]byte{{encoded(t, base), encoded(t, other)}, {encoded(t, other), encoded(t, base)}} {
			near, alone := readVersion(pair[0], nil), readVersion(pair[1], nil)
			got := readVersion(pair[1], near)
			if !got.canonical || !slices.Equal(got.starts, alone.starts) || !slices.EqualFunc(got.entries, alone.entries, func(a, b *stored) bool {
				return a.name == b.name && a.address == b.address && bytes.Equal(a.raw, b.raw)
			}) {
				t.Errorf("%s: cut otherwise beside another version", name)
			}
			shared := 0
			for _, e := range got.entries {
				if slices.Contains(near.entries, e) {
					shared++
				}
			}
			if least := min(len(got.entries), len(near.entries)) - 4; shared < least {
				t.Errorf("%s: %d entries shared, want %d", name, shared, least)
			}
		}
	}
}

// TestRelease: what a version leaves may be written over while its entries are in use, those of its own and those that others took over.
func TestRelease(t *testing.T) {
	t.Parallel()
	f := sample(9)
	first := readVersion(encoded(t, f), nil)
	f.Objects[resource.Address{Kind: "Order", Name: "o4"}].Identity.ID = "another"
	second := readVersion(encoded(t, f), first)
	for _, v := range []*version{first, second} {
		left := v.release()
		if len(left) == 0 || v.data != nil || v.body != nil || v.release() != nil {
			t.Errorf("%d bytes are left", len(left))
		}
		clear(left)
	}
	for _, s := range slices.Concat(first.entries, second.entries) {
		if e := s.decode(); e == nil || s.odd {
			t.Errorf("%s: %v", s.name, s.problem)
		}
	}
	third := readVersion(encoded(t, f), second)
	if s := between(second, third); len(s.changed) > 0 {
		t.Errorf("%d entries changed", len(s.changed))
	}
}

// FuzzTransition: any two versions are compared without a crash, and what is found to differ is what differs when both are decoded.
func FuzzTransition(f *testing.F) {
	one, three := encoded(f, sample(1)), encoded(f, sample(3))
	f.Add(one, three)
	f.Add(three, []byte("{"))
	f.Add(bytes.ReplaceAll(three, []byte("1001"), []byte("1000")), one)
	f.Add(bytes.ReplaceAll(three, []byte("Order/o1"), []byte("Order/o~1")), bytes.ReplaceAll(three, []byte("generation\": 1"), []byte("generation\": -1")))
	f.Add([]byte("{\n  \"format_version\": 1,\n  \"objects\": {\n    \"Order/a\": x\n  },\n  \"serial\": 0\n}\n"), []byte(nil))
	f.Fuzz(func(t *testing.T, old, now []byte) {
		before, after := readVersion(old, nil), readVersion(now, nil)
		if near := readVersion(now, before); near.canonical != after.canonical || !slices.EqualFunc(near.entries, after.entries, func(a, b *stored) bool {
			return a.name == b.name && bytes.Equal(a.raw, b.raw)
		}) || !slices.Equal(near.starts, after.starts) {
			t.Errorf("cut otherwise beside another version: %d entries, %d alone", len(near.entries), len(after.entries))
		}
		if before.head == nil {
			before = noVersion()
		}
		r := replay{commit: &commit{id: "c"}, blob: "b", steps: []step{decoded(between(before, after))}}
		after.seekTwice(r.steps[0].changed)
		a := &auditor{suspect: map[string]*version{}, orders: map[string]*record{}, report: &Report{}, weak: map[string]int{}, requests: requests{},
			renamed: renames{}, moved: renames{}, lost: map[resource.Address]loss{}}
		a.Project, a.State = &manifests.Project{UID: "uid"}, state.New("uid")
		if after.head != nil {
			a.impossible(&r)
		}
		a.events(&r)
		if a.certificates(); after.head == nil {
			return
		}
		was, err := state.Decode("s", old)
		if err != nil && len(before.entries) > 0 {
			return // single entries may be readable in what is not as a whole
		}
		if err != nil {
			was = state.New("")
		}
		is, err := state.Decode("s", now)
		if err != nil {
			return
		}
		var want, got []string
		for a := range union(was, is) {
			x, y := was.Objects[a], is.Objects[a]
			if x == nil || y == nil || !bytes.Equal(entryBytes(t, x), entryBytes(t, y)) {
				want = append(want, a.String())
			}
		}
		for _, c := range r.steps[0].changed {
			if c.before == nil || c.after == nil || !c.before.odd && !c.after.odd {
				got = append(got, c.address.String())
			} else if x, y := was.Objects[c.address], is.Objects[c.address]; !bytes.Equal(entryBytes(t, x), entryBytes(t, y)) {
				got = append(got, c.address.String())
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
	})
}

func union(files ...*state.File) map[resource.Address]bool {
	out := map[resource.Address]bool{}
	for _, f := range files {
		for a := range f.Objects {
			out[a] = true
		}
	}
	return out
}

func entryBytes(t *testing.T, e *state.Entry) []byte {
	t.Helper()
	data, err := state.EncodeEntry(e)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
