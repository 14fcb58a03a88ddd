package sandbox

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Organizations: list, info, create, activate and deactivate (API facts,
// sections 4.1 to 4.4).

// people are all contacts an organization has.
func (o *organization) people() []contact {
	var list []contact
	for _, c := range []*contact{o.OrganizationContact, o.TechnicalContact} {
		if c != nil {
			list = append(list, *c)
		}
	}
	return append(list, o.VerifiedContacts...)
}

// onOrder is how an order names its organization.
func (o *organization) onOrder() *orderOrganization {
	return &orderOrganization{o.ID, o.Name, o.AssumedName, o.DisplayName, o.IsActive, o.City, o.State, o.Country, o.Telephone}
}

// dumped is the organization without bookkeeping.
func (o *organization) dumped() *organization {
	cp := *o
	cp.Hidden = nil
	return &cp
}

// info is the answer of GET /organization/{id}: no validations, and of verified
// contacts only their id and names.
func (o *organization) info() *organization {
	cp := o.dumped()
	cp.Validations, cp.VerifiedContacts = nil, nil
	for _, v := range o.VerifiedContacts {
		cp.VerifiedContacts = append(cp.VerifiedContacts, contact{ID: v.ID, FirstName: v.FirstName, LastName: v.LastName})
	}
	return cp
}

// listed has no contacts, and validations only when asked for.
func (o *organization) listed(withValidation bool) *organization {
	cp := o.dumped()
	cp.OrganizationContact, cp.TechnicalContact, cp.VerifiedContacts = nil, nil, nil
	if !withValidation {
		cp.Validations = nil
	}
	return cp
}

func (c *call) listOrganizations() reply {
	list := slices.DeleteFunc(slices.Clone(c.acct.Organizations), func(o *organization) bool { return !c.seesOrganization(o) })
	if id := c.query.Get("container_id"); id != "" {
		list = slices.DeleteFunc(list, func(o *organization) bool { return !isNumber(o.Container.ID, id) })
	}
	// The properties but status and search are assumed.
	list, bad := keep(list, filters(c.query), map[string]test[*organization]{
		"status":       func(o *organization, v string) bool { return o.Status == v },
		"id":           func(o *organization, v string) bool { return isNumber(o.ID, v) },
		"name":         func(o *organization, v string) bool { return strings.EqualFold(o.Name, v) },
		"container_id": func(o *organization, v string) bool { return isNumber(o.Container.ID, v) },
		"search": func(o *organization, v string) bool {
			return isNumber(o.ID, v) || searched(v, o.Name, o.AssumedName, o.DisplayName)
		},
	})
	if bad == nil {
		bad = arrange(list, c.query.Get("sort"), map[string]func(a, b *organization) int{
			"id":           func(a, b *organization) int { return cmp.Compare(a.ID, b.ID) },
			"name":         func(a, b *organization) int { return cmp.Compare(a.Name, b.Name) },
			"status":       func(a, b *organization) int { return cmp.Compare(a.Status, b.Status) },
			"country":      func(a, b *organization) int { return cmp.Compare(a.Country, b.Country) },
			"display_name": func(a, b *organization) int { return cmp.Compare(a.DisplayName, b.DisplayName) },
		})
	}
	if bad != nil {
		return *bad
	}
	list, p, bad := cut(c, list)
	if bad != nil {
		return *bad
	}
	with, _ := strconv.ParseBool(c.query.Get("include_validation"))
	items := make([]*organization, len(list))
	for i, o := range list {
		items[i] = o.listed(with)
	}
	return ok(map[string]any{"organizations": items, "page": p})
}

// theOrganization finds the organization of the path.
func (c *call) theOrganization() (*organization, reply) {
	id, _ := strconv.Atoi(c.params["organization_id"])
	o := c.acct.organization(id)
	if o == nil || !c.seesOrganization(o) {
		return nil, fail(http.StatusNotFound, "not_found|organization", "There is no such organization")
	}
	return o, reply{}
}

func (c *call) getOrganization() reply {
	o, out := c.theOrganization()
	if o == nil {
		return out
	}
	return ok(o.info())
}

func (c *call) createOrganization() reply {
	f, out, read := c.form()
	if !read {
		return out
	}
	o := f.organization()
	named := c.contacts(f, true)
	if person := f.contact("organization_contact"); person != nil {
		named.organization = person
	}
	c.needContact(f, named)
	o.Container = c.container(f)
	wanted := c.validations(f, false)
	skip, _ := f.flag("skip_duplicate_org_check")
	if out, refused := f.refused(); refused {
		return out
	}
	// The code of the refusal is assumed; that there is one is not.
	if twin := c.twin(o); twin != nil && !skip {
		return fail(http.StatusBadRequest, "duplicate_organization", "An organization with these details exists already (%d)", twin.ID)
	}
	c.addOrganization(o, named)
	c.submit(o, wanted)
	return created(idRef{o.ID})
}

// organization reads the details of a new one.
func (f form) organization() *organization {
	o := &organization{
		Status: "active", IsActive: true,
		AssumedName: f.text("assumed_name", 0),
		Address:     f.need("address", 64),
		Address2:    f.text("address2", 64),
		City:        f.need("city", 64),
		State:       f.need("state", 64),
		Zip:         f.need("zip", 128),
		Telephone:   f.need("telephone", 32),
		Country:     strings.ToLower(f.country("country")),
	}
	if o.AssumedName == "" {
		o.Name = f.need("name", 64)
	} else if o.Name = f.need("name", 0); len([]rune(o.Name))+len([]rune(o.AssumedName)) > 61 {
		f.bad("name", "name and assumed_name together must not be longer than 61 characters")
	}
	o.DisplayName = displayName(o.Name, o.AssumedName)
	return o
}

// twin is the oldest active organization with the same details. Which details
// count is assumed: all but the telephone, whatever the case and spacing.
func (c *call) twin(o *organization) *organization {
	for _, other := range c.acct.Organizations {
		if other.IsActive && c.seesOrganization(other) && other.details() == o.details() {
			return other
		}
	}
	return nil
}

func (o *organization) details() string {
	parts := []string{o.Name, o.AssumedName, o.Address, o.Address2, o.City, o.State, o.Zip, o.Country}
	for i, p := range parts {
		parts[i] = strings.ToLower(strings.Join(strings.Fields(p), " "))
	}
	return strings.Join(parts, "\n")
}

// addOrganization stores a new organization. Without an organization contact
// the key's user becomes it.
func (c *call) addOrganization(o *organization, named namedContacts) {
	if named.organization == nil {
		u := c.user
		named.organization = &contact{FirstName: u.FirstName, LastName: u.LastName, Email: u.Email, JobTitle: u.JobTitle, Telephone: u.Telephone}
	}
	o.ID = c.acct.nextID("organization")
	c.setContacts(o, named)
	c.acct.Organizations = append(c.acct.Organizations, o)
}

// setContacts replaces what is named and adds verified contacts that are new.
func (c *call) setContacts(o *organization, named namedContacts) {
	if named.organization != nil {
		o.OrganizationContact = c.successor(o.OrganizationContact, named.organization)
	}
	if named.technical != nil {
		o.TechnicalContact = c.successor(o.TechnicalContact, named.technical)
	}
	for _, v := range named.verified {
		c.addVerified(o, v)
	}
}

// successor keeps the contact id while names and email stay; otherwise the
// person is a new contact. Optional fields are those given, not the old ones.
func (c *call) successor(old, next *contact) *contact {
	cp := *next
	cp.UserID = 0
	if next.samePerson(old) {
		cp.ID = old.ID
	} else {
		cp.ID = c.acct.nextID("contact")
	}
	return &cp
}

// addVerified returns the organization's verified contact for a person, which
// it adds if need be; none is ever removed.
func (c *call) addVerified(o *organization, v contact) contact {
	for _, have := range o.VerifiedContacts {
		if v.UserID != 0 && v.UserID == have.UserID || v.samePerson(&have) {
			return have
		}
	}
	v.ID = c.acct.nextID("contact")
	o.VerifiedContacts = append(o.VerifiedContacts, v)
	return v
}

// needContact: a service user cannot stand in as the organization contact (API
// facts, section 4.3).
func (c *call) needContact(f form, named namedContacts) {
	if c.user.APIOnly && named.organization == nil {
		f.missing("organization_contact")
	}
}

// container reads container.id, the user's own by default.
func (c *call) container(f form) containerRef {
	if sub, given := f.object("container"); given {
		if id, read := sub.id("id"); read {
			if r := c.acct.container(id); r != nil && c.sees(id) {
				return *r
			}
			sub.bad("id", "there is no container %d", id)
		}
	}
	return c.user.Container
}

// putOrganizationContacts: types left out stay, optional fields left out are
// erased, other names or email are another person, and a bare technical_contact
// is removed (API facts, section 4.7).
func (c *call) putOrganizationContacts() reply {
	o, out := c.theOrganization()
	if o == nil {
		return out
	}
	f, out, read := c.form()
	if !read {
		return out
	}
	updates := f.contactUpdates(true)
	if out, refused := f.refused(); refused {
		return out
	}
	for _, u := range updates {
		switch {
		case u.kind == organizationContact:
			o.OrganizationContact = c.successor(o.OrganizationContact, u.person)
		case u.person == nil:
			o.TechnicalContact = nil
		default:
			o.TechnicalContact = c.successor(o.TechnicalContact, u.person)
		}
	}
	return noContent
}
