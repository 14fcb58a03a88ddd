package gitrepo

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Of two folders only what differs is given, under each name from either side.
func TestDiffering(t *testing.T) {
	t.Parallel()
	file := func(name string, id byte) string {
		return "100644 " + name + "\x00" + string(slices.Repeat([]byte{id}, 20))
	}
	folder := func(name string, id byte) string {
		return "40000 " + name + "\x00" + string(slices.Repeat([]byte{id}, 20))
	}
	for name, tc := range map[string]struct {
		old, now      string
		before, after []string
	}{
		"equal":              {file("a", 1) + file("b", 2), file("a", 1) + file("b", 2), nil, nil},
		"one changed":        {file("a", 1) + file("b", 2) + file("c", 3), file("a", 1) + file("b", 9) + file("c", 3), []string{"b"}, []string{"b"}},
		"one more":           {file("a", 1) + file("c", 3), file("a", 1) + file("b", 2) + file("c", 3), nil, []string{"b"}},
		"one less":           {file("a", 1) + file("b", 2) + file("c", 3), file("a", 1) + file("c", 3), []string{"b"}, nil},
		"all new":            {"", file("a", 1), nil, []string{"a"}},
		"all gone":           {file("a", 1), "", []string{"a"}, nil},
		"file became folder": {file("a", 1) + file("a-b", 2), file("a-b", 2) + folder("a", 3), []string{"a"}, []string{"a"}},
		"id like a name":     {file("a", ' ') + file("b", 'x'), file("a", 'a') + file("b", 'x'), []string{"a"}, []string{"a"}},
	} {
		before, after, err := differing([]byte(tc.old), []byte(tc.now))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if d := cmp.Diff([][]string{tc.before, tc.after}, [][]string{slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after))}); d != "" {
			t.Errorf("%s (-want +got)\n%s", name, d)
		}
	}
	for _, broken := range []string{"100644 a", "100644 a\x00short", file("a", 1) + "x"} {
		if _, _, err := differing([]byte(broken), nil); err == nil {
			t.Errorf("%q is read", broken)
		}
	}
}
