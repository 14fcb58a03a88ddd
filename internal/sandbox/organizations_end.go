package sandbox

import (
	"net/http"
	"slices"
	"strconv"
)

// The end of an organization's use: activate, deactivate, delete; and who could
// approve for one (API facts, sections 4.4 and 4.5).

func (c *call) activateOrganization() reply {
	o, out := c.theOrganization()
	if o == nil {
		return out
	}
	if !c.user.is(roleAdministrator) {
		return notAdministrator()
	}
	// Its domains stay off, and its validations are what they are.
	o.Status, o.IsActive = "active", true
	return noContent
}

func notAdministrator() reply {
	return fail(http.StatusForbidden, "access_denied|missing_permission", "Only an administrator may do this")
}

// deactivateOrganization is refused while a request or an order of the
// organization is under way (the code is assumed). It takes the domains with it.
func (c *call) deactivateOrganization() reply {
	o, out := c.theOrganization()
	if o == nil {
		return out
	}
	if !c.user.is(roleAdministrator) {
		return notAdministrator()
	}
	for _, ord := range c.acct.Orders {
		if ord.organizationID() != o.ID {
			continue
		}
		if ord.underWay() {
			return fail(http.StatusBadRequest, "organization_in_use", "Order %d of the organization is under way: %s", ord.ID, ord.Status)
		}
		if slices.ContainsFunc(c.acct.requestsOf(ord.ID), func(r *request) bool { return r.open() }) {
			return fail(http.StatusBadRequest, "organization_in_use", "Order %d of the organization has a request nobody has decided yet", ord.ID)
		}
	}
	o.Status, o.IsActive = "inactive", false
	for _, d := range c.acct.Domains {
		if d.Organization.ID == o.ID {
			d.set(false)
		}
	}
	return noContent
}

// deleteOrganization follows the stricter of the two documented rules: refused
// while any order, whatever its state, names the organization. The account's
// first organization stays. Status and codes are assumed.
func (c *call) deleteOrganization() reply {
	o, out := c.theOrganization()
	if o == nil {
		return out
	}
	if !c.user.is(roleAdministrator) {
		return notAdministrator()
	}
	if c.acct.Organizations[0] == o {
		return fail(http.StatusBadRequest, "organization_in_use", "The account's first organization cannot be deleted")
	}
	for _, ord := range c.acct.Orders {
		if ord.organizationID() == o.ID {
			return fail(http.StatusBadRequest, "organization_in_use", "Order %d names the organization", ord.ID)
		}
	}
	c.acct.Organizations = slices.DeleteFunc(c.acct.Organizations, func(other *organization) bool { return other == o })
	c.acct.Domains = slices.DeleteFunc(c.acct.Domains, func(d *domain) bool { return d.Organization.ID == o.ID })
	return noContent
}

// listApprovers are the people who could be named as verified contacts. The
// user_id is a number written as a string.
func (c *call) listApprovers() reply {
	users, contacts := []any{}, []any{}
	person := func(first, last, email, title, phone string) map[string]any {
		item := map[string]any{"name": first + " " + last, "first_name": first, "last_name": last, "email": email}
		if title != "" {
			item["job_title"] = title
		}
		if phone != "" {
			item["telephone"] = phone
		}
		return item
	}
	for _, u := range c.acct.Users {
		if u.APIOnly || !c.sees(u.Container.ID) {
			continue
		}
		item := person(u.FirstName, u.LastName, u.Email, u.JobTitle, u.Telephone)
		item["user_id"] = strconv.Itoa(u.ID)
		users = append(users, item)
	}
	for _, o := range c.acct.Organizations {
		if !c.seesOrganization(o) {
			continue
		}
		for _, v := range o.VerifiedContacts {
			contacts = append(contacts, person(v.FirstName, v.LastName, v.Email, v.JobTitle, v.Telephone))
		}
	}
	return ok(map[string]any{"users": users, "contacts": contacts})
}
