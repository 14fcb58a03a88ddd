package run

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/resource"
	"dcsync/manifests"
	"dcsync/state"
)

// drawn makes a state of words such as "a:1", an order with an id, "a:1+", the same changed otherwise, and "a:2<1", one that had another
// id before.
func drawn(t *testing.T, text string) *state.File {
	t.Helper()
	f := state.New("0123456789abcdef")
	for word := range strings.FieldsSeq(text) {
		name, id, _ := strings.Cut(word, ":")
		id, earlier, renewed := strings.Cut(id, "<")
		changes := strings.Count(id, "+")
		e := &state.Entry{Identity: state.Identity{ID: strings.TrimRight(id, "+"), Origin: name, Generation: 1}, Source: state.Source{Path: "m.yaml"},
			Applied: state.Applied{Spec: resource.Map{"changes": resource.Int(changes)}, Generation: 1}}
		if renewed {
			e.Identity.Earlier = []state.Earlier{{ID: earlier, Generation: 1, Ended: "renewed"}}
		}
		f.Objects[resource.Address{Kind: "Order", Name: name}] = e
	}
	return f
}

func shown(f *state.File) string {
	var out []string
	for a, e := range f.Objects {
		n, _ := e.Applied.Spec["changes"].(resource.Int)
		out = append(out, fmt.Sprintf("%s:%s%s", a.Name, e.Identity.ID, strings.Repeat("+", int(n))))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// What a run that died recorded, and what others have landed since.
func TestMergeWork(t *testing.T) {
	t.Parallel()
	p := &Project{Loaded: &manifests.Loaded{Project: &manifests.Project{UID: "0123456789abcdef"}}, StateFile: "dcsync.state.json"}
	for name, tc := range map[string]struct{ base, work, tip, want string }{
		"only here":                          {"a:1", "a:1 b:2", "a:1", "a:1 b:2"},
		"each its own":                       {"a:1", "a:1 b:2", "a:1+ c:3", "a:1+ b:2 c:3"},
		"placed here, found there":           {"", "a:1+", "a:1", "a:1"},
		"changed on both sides":              {"a:1", "a:1+", "a:1++", "a:1++"},
		"forgotten here, changed there":      {"a:1", "", "a:1+", "a:1+"},
		"changed here, forgotten there":      {"a:1", "a:1+", "", ""},
		"renewed here, changed there":        {"a:1", "a:2<1", "a:1+", "a:2"},
		"renewed there, changed here":        {"a:1", "a:1+", "a:2<1", "a:2"},
		"renewed here, forgotten there":      {"a:1", "a:2<1", "", "conflict a"},
		"two orders for one intent":          {"", "a:1", "a:2", "conflict a"},
		"another name for it there":          {"", "a:1", "b:1", "b:1"},
		"landed long ago, renewed since":     {"", "a:1", "a:2<1", "a:2"},
		"landed long ago, changed for long":  {"a:1", "a:1+", "a:1+++ b:2", "a:1+++ b:2"},
		"nothing but what the branch began ": {"a:1", "a:1", "a:1", "a:1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base, err := state.Encode(drawn(t, tc.base))
			if err != nil {
				t.Fatal(err)
			}
			work, err := state.Encode(drawn(t, tc.work))
			if err != nil {
				t.Fatal(err)
			}
			tip := drawn(t, tc.tip)
			merged, err := p.mergeWork(base, work, tip)
			var failed *GitError
			got := ""
			switch {
			case errors.As(err, &failed):
				got = "conflict a"
				if !strings.Contains(err.Error(), "Order/a changed on both sides") {
					t.Error(err)
				}
			case err != nil:
				t.Fatal(err)
			default:
				got = shown(merged)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(shown(drawn(t, tc.tip)), shown(tip)); diff != "" {
				t.Errorf("the branch's state was changed (-want +got):\n%s", diff)
			}
		})
	}
}
