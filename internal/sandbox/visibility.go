package sandbox

import "slices"

// Who sees and may do what. A key acts for one user, and shows only what that
// user may see: the containers assigned to the user or, without assignment, the
// user's own and those below it; a limited user, own orders only (API facts,
// section 3; how visibility follows from containers is assumed). What is not
// seen answers 404 like what does not exist.

// Access roles of users (glossary).
const (
	roleAdministrator = 1
	roleLimited       = 2
	roleManager       = 4
)

func (u *user) is(roles ...int) bool {
	return slices.ContainsFunc(u.AccessRoles, func(r accessRole) bool { return slices.Contains(roles, r.ID) })
}

// mayApprove: administrators and managers approve requests, their own included
// (assumed).
func (c *call) mayApprove() bool { return c.user.is(roleAdministrator, roleManager) }

// containersOf are the ids a user may see.
func (a *account) containersOf(u *user) []int {
	if len(u.Assigned) > 0 {
		return u.Assigned
	}
	ids := []int{u.Container.ID}
	for grown := true; grown; {
		grown = false
		for _, c := range a.Containers {
			if slices.Contains(ids, c.ParentID) && !slices.Contains(ids, c.ID) {
				ids, grown = append(ids, c.ID), true
			}
		}
	}
	return ids
}

func (c *call) sees(container int) bool { return slices.Contains(c.containers, container) }

func (c *call) seesOrganization(o *organization) bool { return c.sees(o.Container.ID) }

func (c *call) seesOrder(o *order) bool {
	if !c.sees(o.Container.ID) {
		return false
	}
	if !c.user.is(roleLimited) {
		return true
	}
	return o.User.ID == c.user.ID ||
		slices.ContainsFunc(o.UserAssignments, func(u userRef) bool { return u.ID == c.user.ID })
}

// orders are those the key's user sees and lists know, oldest first.
func (c *call) orders() []*order {
	return slices.DeleteFunc(slices.Clone(c.acct.Orders), func(o *order) bool { return !c.visible(o) || !c.seesOrder(o) })
}
