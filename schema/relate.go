package schema

import (
	"slices"

	"dcsync/internal/resource"
)

// relate reports what the members of an object must or must not be because of each other or of fields elsewhere. The published JSON
// Schema says the same.
func (c *checker) relate(n *node, object resource.Map, at resource.Path, root resource.Value) {
	for i := range n.rules {
		r := &n.rules[i]
		given := 0
		for _, name := range r.names {
			if object[name] != nil {
				given++
			}
		}
		switch {
		case r.word == wordExactlyOne && given != 1, r.word == wordAtLeastOne && given == 0,
			r.word == wordAtMostOne && r.values == nil && given > 1:
			c.add(ruleFailed(n, r, at))
		}
	}
	for _, m := range n.members {
		for i := range m.rules {
			r := &m.rules[i]
			given := object[m.row.name] != nil
			switch {
			case r.atSend:
			case r.word == wordRequiredWhen && !given && holds(r.when, object, root):
				c.add(ruleFailed(m, r, at))
			case r.word == wordForbiddenWhen && given && holds(r.when, object, root):
				c.add(ruleFailed(m, r, at.Child(m.row.name)))
			case r.word == wordSpread && m.isSpreadTwice(r.names[0], object):
				c.add(ruleFailed(m, r, at))
			}
		}
	}
}

// isSpreadTwice tells whether two items of a list stand for one field beside it, or one for a field that is given too.
func (n *node) isSpreadTwice(by string, object resource.Map) bool {
	list, _ := object[n.row.name].(resource.List)
	seen := map[string]bool{}
	for _, item := range list {
		m, _ := item.(resource.Map)
		field := resource.Text(m[by])
		if seen[field] || object[field] != nil && slices.Contains(n.item.member(by).allowed, field) {
			return true
		}
		seen[field] = field != ""
	}
	return false
}
