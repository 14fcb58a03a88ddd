package sandbox

import (
	"net/http"
	"slices"
	"strconv"
)

// Users (API facts, section 3).

// shown is a user as lists write one.
func (u *user) shown() any {
	cp := *u
	cp.APIOnly, cp.Assigned = false, nil
	return struct {
		*user
		Container               map[string]any `json:"container"` // in place of the user's
		HasContainerAssignments bool           `json:"has_container_assignments"`
	}{&cp, containerInfo(u.Container), len(u.Assigned) > 0}
}

func (c *call) listUsers() reply    { return c.usersWhere(func(u *user) bool { return !u.APIOnly }) }
func (c *call) listAPIUsers() reply { return c.usersWhere(func(u *user) bool { return u.APIOnly }) }

func (c *call) usersWhere(wanted func(*user) bool) reply {
	list := slices.DeleteFunc(slices.Clone(c.acct.Users), func(u *user) bool {
		return !wanted(u) || u.ID != c.user.ID && !c.sees(u.Container.ID)
	})
	if id := c.query.Get("container_id"); id != "" {
		list = slices.DeleteFunc(list, func(u *user) bool { return !isNumber(u.Container.ID, id) })
	}
	if id := c.query.Get("access_role_id"); id != "" {
		role, _ := strconv.Atoi(id)
		list = slices.DeleteFunc(list, func(u *user) bool { return !u.is(role) })
	}
	list, p, bad := cut(c, list)
	if bad != nil {
		return *bad
	}
	items := []any{}
	for _, u := range list {
		items = append(items, u.shown())
	}
	return ok(map[string]any{"users": items, "page": p})
}

func (c *call) getMe() reply { return ok(c.userInfo(c.user)) }

func (c *call) getUser() reply {
	id, _ := strconv.Atoi(c.params["user_id"])
	if u := c.acct.user(id); u != nil && (u.ID == c.user.ID || c.sees(u.Container.ID)) {
		return ok(c.userInfo(u))
	}
	return fail(http.StatusNotFound, "not_found|user", "There is no such user")
}

func (c *call) userInfo(u *user) any {
	cp := *u
	cp.APIOnly, cp.Assigned = false, nil
	visibility := []map[string]any{}
	for _, id := range c.acct.containersOf(u) {
		if r := c.acct.container(id); r != nil {
			visibility = append(visibility, containerInfo(*r))
		}
	}
	return struct {
		*user
		Container               map[string]any   `json:"container"`
		IsCertCentral           bool             `json:"is_cert_central"`
		IsEnterprise            bool             `json:"is_enterprise"`
		IsSAMLSSOOnly           bool             `json:"is_saml_sso_only"`
		HasContainerAssignments bool             `json:"has_container_assignments"`
		ContainerVisibility     []map[string]any `json:"container_visibility"`
		LanguageID              int              `json:"language_id"`
		AccountLanguageID       int              `json:"account_language_id"`
	}{user: &cp, Container: containerInfo(u.Container), IsCertCentral: true, IsEnterprise: true, HasContainerAssignments: len(u.Assigned) > 0, ContainerVisibility: visibility, LanguageID: 1, AccountLanguageID: 1}
}

// createUser makes service users only: the documents at hand show no other.
func (c *call) createUser() reply {
	f, out, read := c.form()
	if !read {
		return out
	}
	if !c.user.is(roleAdministrator) {
		return fail(http.StatusForbidden, "access_denied|missing_permission", "Only an administrator adds users")
	}
	if apiOnly, _ := f.flag("is_api_only"); !apiOnly {
		f.bad("is_api_only", "only service users can be added here")
	}
	email, name := f.email("email", 255, true), f.need("api_name", 0)
	role, _ := f.keyRole()
	var assigned []int
	if items, isList := f.fields["container_id_assignments"].([]any); isList {
		for _, item := range items {
			id, given := form{map[string]any{"container_id_assignments": item}, f.at, f.errs}.id("container_id_assignments")
			if given && !c.sees(id) {
				f.bad("container_id_assignments", "there is no container %d", id)
			}
			assigned = append(assigned, id)
		}
	} else if f.has("container_id_assignments") {
		f.bad("container_id_assignments", "must be an array of container ids")
	}
	if out, refused := f.refused(); refused {
		return out
	}
	u := &user{
		ID: c.acct.nextID("user"), Username: name, AccountID: accountID, FirstName: name, LastName: "Service User", Email: email,
		Status: "active", Container: c.user.Container, AccessRoles: slices.Clone(c.user.AccessRoles), Type: "standard", APIOnly: true, Assigned: assigned,
	}
	c.acct.Users = append(c.acct.Users, u)
	_, text := c.newKey(name, u.ID, role)
	return created(map[string]any{"id": u.ID, "api_key": text})
}
