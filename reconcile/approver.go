package reconcile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"dcsync/internal/resource"
	"dcsync/state"
)

// Who may approve orders is named in two places: for the validations of an organization, and by single orders, which add the people to
// their organization. Either way the API only ever adds them (domain rules, section 6).

// orderPeople is where an order names people of its organization, approvers among them.
const orderPeople = resource.Path("/organization/contacts")

// approversOf gives those of an order's people who may approve, in the shape that validations have for them.
func approversOf(contacts resource.Value) resource.List {
	var out resource.List
	for _, c := range items(contacts) {
		if resource.Get(c, "/contact_type") != resource.String("verified_contact") {
			continue
		}
		person := resource.Map{}
		for to, from := range map[string]resource.Path{"id": "/user_id", "first_name": "/first_name", "last_name": "/last_name", "email": "/email"} {
			if v := resource.Get(c, from); v != nil {
				person[to] = v
			}
		}
		out = append(out, person)
	}
	return out
}

// approvedTypes are the validations that people are named for (API facts, section 4.5).
func approvedTypes() []string { return []string{"ev", "cs", "ev_cs"} }

// needsApprover tells whether a change asks for a certificate that somebody has to approve who was named for that.
func needsApprover(c *Change) bool {
	return (c.Action.Orders() || c.Action == resource.ReissueNow) && slices.Contains(approvedTypes(), c.object.Descriptor.Validation)
}

// dismissed says whom a manifest no longer names, or names otherwise, who was named for the field before and may still approve; "" for
// nobody. live is nil where the account is not read.
func (b *builder) dismissed(o *resource.Object, f *resource.Field, before, after resource.Value, live *resource.Live) string {
	var gone resource.List
	switch {
	case f.Path == orderPeople:
		gone = slices.DeleteFunc(leftOut(approversOf(before), approversOf(after)), func(p resource.Value) bool {
			return live != nil && live.Depth == resource.InfoDepth && !mayApprove(p, live.Approvers[""]) || b.hasLeft(o, p, live)
		})
	case f.Method == methodValidation && after == nil:
		for _, was := range items(before) {
			gone = append(gone, slices.DeleteFunc(slices.Clone(items(resource.Get(was, "/verified_users"))), func(p resource.Value) bool {
				return live != nil && !mayApprove(p, live.Approvers[typeOf(was)])
			})...)
		}
	}
	if len(gone) == 0 {
		return ""
	}
	return onlyInConsole(gone[0])
}

// hasLeft tells whether the organization of an order, read with its validations, shows somebody neither among its contacts nor for a validation.
func (b *builder) hasLeft(o *resource.Object, person resource.Value, live *resource.Live) bool {
	if live == nil || live.ParentID == "" {
		return false
	}
	org := b.in.Live.Infos[Key{parentKind(o.Descriptor), live.ParentID}]
	if org == nil || len(org.Validation) == 0 {
		return false
	}
	return !mayApprove(person, slices.Concat(slices.Collect(maps.Values(org.Approvers))...))
}

// approversRead gives what tells whether the people whom an order names no more may still approve: its organization with its validations.
// It is nil where nobody was taken away.
func (b *builder) approversRead(o *resource.Object, entry *state.Entry) *Read {
	item := b.in.Live.deepest(Key{o.Address.Kind, entry.Identity.ID})
	if item == nil || item.ParentID == "" ||
		len(leftOut(approversOf(resource.Get(entry.Applied.Spec, orderPeople)), approversOf(resource.Get(o.Spec, orderPeople)))) == 0 {
		return nil
	}
	return &Read{Key: Key{parentKind(o.Descriptor), item.ParentID}, Want: []resource.Path{"/validations"}}
}

func onlyInConsole(person resource.Value) string {
	return fmt.Sprintf("who may approve orders can only be added; remove %s in the console", personText(person))
}

// leftOut gives the people who are not among others.
func leftOut(people, among resource.List) resource.List {
	return slices.DeleteFunc(slices.Clone(people), func(p resource.Value) bool {
		return indexOf(among, p) >= 0
	})
}

// indexOf gives the place of a person in a list, -1 for none.
func indexOf(people resource.List, person resource.Value) int {
	return slices.IndexFunc(people, func(p resource.Value) bool { return samePerson(person, p) })
}

// mayApprove tells whether a person is, or by a number alone may be, among those whom the account shows.
func mayApprove(person resource.Value, shown []resource.Approver) bool {
	unnamed := resource.Get(person, "/id") != nil && resource.Get(person, "/last_name") == nil
	return isShown(person, shown) || unnamed && len(shown) > 0
}

func isShown(person resource.Value, shown []resource.Approver) bool {
	id, first, last := resource.Text(resource.Get(person, "/id")), resource.Text(resource.Get(person, "/first_name")), resource.Text(resource.Get(person, "/last_name"))
	return slices.ContainsFunc(shown, func(a resource.Approver) bool {
		return id != "" && a.ID == id || id == "" && sameText(a.FirstName, first) && sameText(a.LastName, last)
	})
}

// samePerson tells whether two verified users are one person: the same user, or the same name and address.
func samePerson(a, b resource.Value) bool {
	if x, y := resource.Get(a, "/id"), resource.Get(b, "/id"); x != nil || y != nil {
		return resource.Text(x) == resource.Text(y)
	}
	for _, p := range []resource.Path{"/first_name", "/last_name", "/email"} {
		if !sameText(resource.Text(resource.Get(a, p)), resource.Text(resource.Get(b, p))) {
			return false
		}
	}
	return true
}

// sameText compares as people read: case and the width of spaces do not count.
func sameText(a, b string) bool {
	return strings.EqualFold(strings.Join(strings.Fields(a), " "), strings.Join(strings.Fields(b), " "))
}

// otherDetails names what two descriptions of one person say differently, beside what makes them one. Of a user only the number counts.
func otherDetails(was, now resource.Value) []string {
	if resource.Get(now, "/id") != nil {
		return nil
	}
	var out []string
	for _, name := range []string{"job_title", "telephone"} {
		at := resource.Path("").Child(name)
		if !sameText(resource.Text(resource.Get(was, at)), resource.Text(resource.Get(now, at))) {
			out = append(out, name)
		}
	}
	return out
}

func personText(p resource.Value) string {
	if id := resource.Text(resource.Get(p, "/id")); id != "" {
		return "user " + id
	}
	return resource.Text(resource.Get(p, "/first_name")) + " " + resource.Text(resource.Get(p, "/last_name"))
}
