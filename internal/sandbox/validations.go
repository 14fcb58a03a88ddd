package sandbox

import (
	"reflect"
	"slices"
	"time"
)

// Validation of organizations (API facts, sections 4.5 and 4.6).

// validationDays is how long a validation holds; the industry's limit for
// reusing what was checked, assumed for all types.
const validationDays = 398

var validationNames = map[string][2]string{
	"ov":    {"OV", "Normal organization validation"},
	"ev":    {"EV", "Extended organization validation"},
	"cs":    {"CS", "Code signing organization validation"},
	"ev_cs": {"EV CS", "Code signing organization extended validation"},
	"ds":    {"DS", "Document signing validation"},
	"smime": {"SMIME", "S/MIME organization validation"},
}

func newValidation(kind string) validation {
	n := validationNames[kind]
	return validation{Type: kind, Name: n[0], Description: n[1], Status: "pending"}
}

func (v *validation) activate(at time.Time) {
	v.Status, v.DateCreated, v.ValidatedUntil = "active", stamp(at), stamp(at.AddDate(0, 0, validationDays))
}

// needsVerified: these types are approved by verified contacts.
func needsVerified(kind string) bool { return kind == "ev" || kind == "cs" || kind == "ev_cs" }

func (o *organization) validation(kind string) *validation {
	i := slices.IndexFunc(o.Validations, func(v validation) bool { return v.Type == kind })
	if i < 0 {
		return nil
	}
	return &o.Validations[i]
}

// validatedOrPending: in force for a type, or on the way to it.
func (o *organization) validatedOrPending(kind string) bool {
	v := o.validation(kind)
	return v != nil && (v.Status == "active" || v.Status == "pending")
}

func (c *call) getValidations() reply {
	o, out := c.theOrganization()
	if o == nil {
		return out
	}
	list := o.Validations
	if list == nil {
		list = []validation{}
	}
	return ok(map[string]any{"validations": list})
}

func (c *call) submitValidations() reply {
	o, out := c.theOrganization()
	if o == nil {
		return out
	}
	f, out, read := c.form()
	if !read {
		return out
	}
	wanted := c.validations(f, true)
	if out, refused := f.refused(); refused {
		return out
	}
	c.submit(o, wanted)
	return noContent
}

// submission is one type somebody wants validated, and who may approve.
type submission struct {
	kind     string
	verified []contact
}

func (c *call) validations(f form, required bool) []submission {
	list, _ := f.objects("validations")
	if required && len(list) == 0 && len(*f.errs) == 0 {
		f.missing("validations")
	}
	var wanted []submission
	for _, item := range list {
		s := submission{kind: item.oneOf("type", glossaryValues("validation_types")...)}
		if s.kind == "" {
			item.missing("type")
			continue
		}
		users, _ := item.objects("verified_users")
		if needsVerified(s.kind) {
			for _, u := range users {
				// With an id the other fields are passed over.
				if id, given := u.id("id"); given {
					s.verified = append(s.verified, *c.userContact(form{map[string]any{}, u.at, u.errs}, "id", id, true))
				} else if !u.has("id") {
					s.verified = append(s.verified, *u.person(true))
				}
			}
			if len(users) == 0 {
				item.missing("verified_users")
			}
		}
		wanted = append(wanted, s)
	}
	return wanted
}

// samePeople keeps together what an edit behind the API's back changes on one
// side only: who is no verified contact any more is named for no validation,
// and who is named for one is a verified contact.
func (a *account) samePeople(was, next *organization) {
	named := func(list []contact, u userRef) bool {
		return slices.ContainsFunc(list, func(v contact) bool {
			return u.ID != 0 && (u.ID == v.UserID || u.ID == v.ID) || u.FirstName == v.FirstName && u.LastName == v.LastName
		})
	}
	contacts := reflect.DeepEqual(was.VerifiedContacts, next.VerifiedContacts)
	validations := reflect.DeepEqual(was.Validations, next.Validations)
	for i := range next.Validations {
		v := &next.Validations[i]
		switch {
		case !contacts && validations:
			v.VerifiedUsers = slices.DeleteFunc(slices.Clone(v.VerifiedUsers), func(u userRef) bool { return !named(next.VerifiedContacts, u) })
		case contacts && !validations:
			for _, u := range v.VerifiedUsers {
				if !named(next.VerifiedContacts, u) {
					next.VerifiedContacts = append(next.VerifiedContacts, contact{ID: a.nextID("contact"), FirstName: u.FirstName, LastName: u.LastName})
				}
			}
		}
	}
}

// submit starts validations. One that is active stays so and only gains
// verified contacts, which are known by their user id.
func (c *call) submit(o *organization, wanted []submission) {
	for _, s := range wanted {
		var users []userRef
		for _, person := range s.verified {
			v := c.addVerified(o, person)
			id := v.UserID
			if id == 0 {
				id = v.ID
			}
			users = append(users, userRef{ID: id, FirstName: v.FirstName, LastName: v.LastName})
		}
		v := o.validation(s.kind)
		if v == nil {
			o.Validations = append(o.Validations, validation{})
			v = &o.Validations[len(o.Validations)-1]
		}
		for _, u := range v.VerifiedUsers {
			if !slices.Contains(users, u) {
				users = append(users, u)
			}
		}
		if v.Status != "active" {
			if v.Status != "pending" {
				*v = newValidation(s.kind)
				if o.Hidden == nil {
					o.Hidden = map[string]time.Time{}
				}
				o.Hidden[s.kind] = c.now()
			}
		}
		v.VerifiedUsers = users
	}
}
