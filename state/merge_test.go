package state_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"dcsync/internal/resource"
	"dcsync/state"
)

func order(name string) resource.Address { return resource.Address{Kind: "Order", Name: name} }

// record is an entry with an id, a spec of one field, and an observation made at a minute.
func record(id, spec, seen string, minute int) *state.Entry {
	return &state.Entry{Identity: state.Identity{ID: id, Origin: "x", Generation: 1}, Applied: state.Applied{Spec: resource.Map{"f": resource.String(spec)}, Generation: 1},
		Observed: resource.Map{"status": resource.String(seen)}, SeenAt: time.Date(2026, 11, 2, 8, minute, 0, 0, time.UTC)}
}

func file(serial int, objects map[string]*state.Entry) *state.File {
	f := state.New("uid-1")
	f.Serial = serial
	f.Account = &state.Account{ID: 1, APIURL: "https://example.com"}
	for name, e := range objects {
		f.Objects[order(name)] = e
	}
	return f
}

func TestMerge(t *testing.T) {
	t.Parallel()
	type objects = map[string]*state.Entry
	base := objects{"a": record("1", "v1", "pending", 0), "b": record("2", "v1", "pending", 0)}
	for name, tc := range map[string]struct {
		base, ours, theirs objects
		want               objects
		conflicts          []resource.Address
	}{
		"each changes its own": {base,
			objects{"a": record("1", "v2", "pending", 0), "b": base["b"]}, objects{"a": base["a"], "b": record("2", "v2", "pending", 0)},
			objects{"a": record("1", "v2", "pending", 0), "b": record("2", "v2", "pending", 0)}, nil},
		"each adds": {base,
			objects{"a": base["a"], "b": base["b"], "c": record("3", "v", "x", 1)}, objects{"a": base["a"], "b": base["b"], "d": record("4", "v", "x", 1)},
			objects{"a": base["a"], "b": base["b"], "c": record("3", "v", "x", 1), "d": record("4", "v", "x", 1)}, nil},
		"one removes": {base, objects{"b": base["b"]}, objects{"a": base["a"], "b": record("2", "v2", "x", 1)}, objects{"b": record("2", "v2", "x", 1)}, nil},
		"both remove": {base, objects{"b": base["b"]}, objects{"b": record("2", "v2", "x", 1)}, objects{"b": record("2", "v2", "x", 1)}, nil},
		"both change one alike, seen at other times": {base,
			objects{"a": record("1", "v2", "issued", 5), "b": base["b"]}, objects{"a": record("1", "v2", "pending", 4), "b": base["b"]},
			objects{"a": record("1", "v2", "issued", 5), "b": base["b"]}, nil},
		"both observe": {base,
			objects{"a": record("1", "v1", "issued", 5), "b": record("2", "v1", "issued", 5)}, objects{"a": record("1", "v1", "issued", 6), "b": record("2", "v1", "revoked", 4)},
			objects{"a": record("1", "v1", "issued", 6), "b": record("2", "v1", "issued", 5)}, nil},
		"one orders anew, the other observes the old": {base,
			objects{"a": record("9", "v1", "pending", 3), "b": base["b"]}, objects{"a": record("1", "v1", "expired", 8), "b": base["b"]},
			objects{"a": record("9", "v1", "pending", 3), "b": base["b"]}, nil},
		"one removes, the other observes": {base, objects{"b": base["b"]}, objects{"a": record("1", "v1", "issued", 8), "b": base["b"]}, objects{"b": base["b"]}, nil},
		"both change one": {base,
			objects{"a": record("1", "v2", "x", 1), "b": base["b"]}, objects{"a": record("1", "v3", "x", 1), "b": record("2", "v2", "x", 1)},
			objects{"a": record("1", "v2", "x", 1), "b": record("2", "v2", "x", 1)}, []resource.Address{order("a")}},
		"one removes, the other changes": {base, objects{"b": base["b"]}, objects{"a": record("1", "v3", "x", 1), "b": base["b"]}, objects{"b": base["b"]}, []resource.Address{order("a")}},
		"both order":                     {objects{}, objects{"a": record("1", "v", "x", 1)}, objects{"a": record("2", "v", "x", 1)}, objects{"a": record("1", "v", "x", 1)}, []resource.Address{order("a")}},
		"one id under two addresses": {objects{}, objects{"a": record("1", "v", "x", 1)}, objects{"b": record("1", "v", "x", 1)},
			objects{"a": record("1", "v", "x", 1), "b": record("1", "v", "x", 1)}, []resource.Address{order("a"), order("b")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, conflicts, err := state.Merge(file(3, tc.base), file(4, tc.ours), file(6, tc.theirs))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(file(got.Serial, tc.want), got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
			if d := cmp.Diff(tc.conflicts, conflicts); d != "" {
				t.Errorf("conflicts (-want +got)\n%s", d)
			}
			if got.Serial != 7 && cmp.Diff(file(6, tc.theirs), got) != "" {
				t.Errorf("serial %d", got.Serial)
			}
		})
	}
}

func TestMergeNothingNew(t *testing.T) {
	t.Parallel()
	base := file(3, map[string]*state.Entry{"a": record("1", "v1", "x", 0)})
	theirs := file(5, map[string]*state.Entry{"a": record("1", "v2", "x", 0), "b": record("2", "v", "x", 0)})
	ours := file(4, map[string]*state.Entry{"a": record("1", "v2", "x", 0)})
	got, _, err := state.Merge(base, ours, theirs)
	if err != nil || cmp.Diff(theirs, got) != "" {
		t.Errorf("theirs holds all of it: %v\n%s", err, cmp.Diff(theirs, got))
	}
	got, _, err = state.Merge(base, ours, base)
	if err != nil || cmp.Diff(ours, got) != "" {
		t.Errorf("theirs did nothing: %v\n%s", err, cmp.Diff(ours, got))
	}
	got, _, err = state.Merge(nil, ours, state.New("uid-1"))
	if err != nil || cmp.Diff(ours, got) != "" {
		t.Errorf("no base and nothing there: %v\n%s", err, cmp.Diff(ours, got))
	}
}

// buried is an entry with a tombstone of a compromised key.
func buried(id, key string) *state.Entry {
	e := record(id, "v1", "revoked", 0)
	e.Identity.Tombstones = []state.Tombstone{{ID: id, Status: "revoked", Reason: "keyCompromise", Key: key}}
	return e
}

// What one of the files knows as a compromised key, the merged one does, whatever became of the address.
func TestMergeKeepsCompromisedKeys(t *testing.T) {
	t.Parallel()
	type objects = map[string]*state.Entry
	type keys = map[string]string
	knowing := func(k keys, o objects) *state.File {
		f := file(3, o)
		f.Compromised = k
		return f
	}
	a := objects{"a": buried("1", "k1")}
	for name, tc := range map[string]struct {
		base, ours, theirs *state.File
		want               keys // of the list
	}{
		"nothing":                 {file(3, a), file(3, a), file(3, a), nil},
		"one forgets":             {file(3, a), knowing(keys{"k1": "1"}, nil), file(3, a), keys{"k1": "1"}},
		"both forget":             {file(3, a), knowing(keys{"k1": "1"}, nil), knowing(keys{"k1": "1"}, nil), keys{"k1": "1"}},
		"each forgets another":    {file(3, objects{"a": a["a"], "b": buried("2", "k2")}), knowing(keys{"k1": "1"}, objects{"b": buried("2", "k2")}), knowing(keys{"k2": "2"}, a), keys{"k1": "1", "k2": "2"}},
		"one key of two orders":   {file(3, nil), knowing(keys{"k1": "7"}, nil), knowing(keys{"k1": "5"}, nil), keys{"k1": "5"}},
		"one side dropped it":     {knowing(keys{"k1": "1"}, nil), file(4, nil), knowing(keys{"k1": "1"}, nil), keys{"k1": "1"}},
		"both sides dropped it":   {knowing(keys{"k1": "1"}, nil), file(3, nil), file(3, nil), keys{"k1": "1"}},
		"one dropped the address": {file(3, a), file(3, nil), file(3, a), keys{"k1": "1"}},
		"one goes on elsewhere":   {file(3, a), file(4, objects{"z": a["a"]}), file(3, a), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, conflicts, err := state.Merge(tc.base, tc.ours, tc.theirs)
			if err != nil || len(conflicts) > 0 {
				t.Fatalf("%v %v", conflicts, err)
			}
			if d := cmp.Diff(tc.want, got.Compromised); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
			other, _, err := state.Merge(tc.base, tc.theirs, tc.ours)
			if err != nil || cmp.Diff(got, other) != "" {
				t.Errorf("it differs by side: %v\n%s", err, cmp.Diff(got, other))
			}
		})
	}
}

func TestMergeRefuses(t *testing.T) {
	t.Parallel()
	a, b := file(1, nil), file(1, nil)
	b.Lineage = "uid-2"
	if _, _, err := state.Merge(a, a, b); !errors.Is(err, state.ErrLineage) {
		t.Errorf("another project: %v", err)
	}
	base := file(1, nil)
	base.Account = nil
	b = file(1, nil)
	b.Account.ID = 2
	if _, _, err := state.Merge(base, a, b); !errors.Is(err, state.ErrAccount) {
		t.Errorf("another account: %v", err)
	}
	b.Account = &state.Account{ID: 1, APIURL: "https://example.com", User: state.User{ID: 7}}
	b.Serial = 2
	if got, _, err := state.Merge(base, a, b); err != nil || got.Account.User.ID != 7 {
		t.Errorf("who applied last: %+v, %v", got, err)
	}
}

// TestMergeProperties: merging is the same from both sides, gives a side back when the other did nothing, and adds nothing when done
// again.
func TestMergeProperties(t *testing.T) {
	t.Parallel()
	entry := rapid.Custom(func(t *rapid.T) map[string]*state.Entry {
		m := map[string]*state.Entry{}
		for i, name := range []string{"a", "b", "c", "d"} {
			if rapid.Bool().Draw(t, "there") {
				m[name] = record(fmt.Sprint(i), rapid.SampledFrom([]string{"v1", "v2"}).Draw(t, "spec"), rapid.SampledFrom([]string{"pending", "issued"}).Draw(t, "seen"), rapid.IntRange(0, 2).Draw(t, "at"))
			}
		}
		return m
	})
	rapid.Check(t, func(t *rapid.T) {
		known := func(f *state.File, label string) *state.File {
			f.Compromised = rapid.SampledFrom([]map[string]string{nil, nil, {"k": "1"}, {"k": "2", "l": "3"}}).Draw(t, label)
			return f
		}
		base, ours, theirs := file(1, entry.Draw(t, "base")), file(rapid.IntRange(1, 3).Draw(t, "s"), entry.Draw(t, "ours")), file(rapid.IntRange(1, 3).Draw(t, "s"), entry.Draw(t, "theirs"))
		base, ours, theirs = known(base, "base knows"), known(ours, "we know"), known(theirs, "they know")
		one, conflicts, err := state.Merge(base, ours, theirs)
		if err != nil {
			t.Fatal(err)
		}
		other, conflicts2, err := state.Merge(base, theirs, ours)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(conflicts, conflicts2); d != "" {
			t.Fatalf("conflicts differ by side:\n%s", d)
		}
		if len(conflicts) > 0 {
			return
		}
		if d := cmp.Diff(one, other); d != "" {
			t.Fatalf("the result differs by side:\n%s", d)
		}
		again, conflicts, err := state.Merge(ours, one, ours)
		if err != nil || len(conflicts) > 0 {
			t.Fatalf("again: %v %v", conflicts, err)
		}
		one.Serial, again.Serial = 0, 0
		if d := cmp.Diff(one, again); d != "" {
			t.Fatalf("merged again it differs:\n%s", d)
		}
	})
}
