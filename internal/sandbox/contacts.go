package sandbox

// contactType values (code signing order document, Contact types).
const (
	organizationContact = "organization_contact"
	technicalContact    = "technical_contact"
	verifiedContact     = "verified_contact"
)

// person reads names, email and the optional fields with the lengths the code
// signing order document gives organization.contacts; that they hold for every
// other contact too is assumed. A verified contact needs job title and telephone.
func (f form) person(verified bool) *contact {
	c := &contact{
		FirstName: f.need("first_name", 128),
		LastName:  f.need("last_name", 128),
		Email:     f.email("email", 255, true),
	}
	if verified {
		c.JobTitle, c.Telephone = f.need("job_title", 64), f.need("telephone", 32)
	} else {
		c.JobTitle, c.Telephone = f.text("job_title", 64), f.text("telephone", 32)
	}
	c.TelephoneExtension = f.text("telephone_extension", 16)
	return c
}

// namedContacts is what a contacts array says about an organization.
type namedContacts struct {
	organization, technical *contact
	verified                []contact
}

// contacts reads organization.contacts. The first organization and the first
// technical contact count, later ones are passed over unread. A user_id stands
// for the user's own details, which the item may complete with job title and
// telephone. Without verified ones are passed over: only code signing uses them.
func (c *call) contacts(f form, wantVerified bool) namedContacts {
	var n namedContacts
	list, _ := f.objects("contacts")
	for _, item := range list {
		if item.fields["type"] == "existing_contact" && !item.has("contact_type") {
			continue // newer document signing bodies name a contact the organization has
		}
		switch item.need("contact_type", 0) {
		case "":
		case organizationContact:
			if n.organization == nil {
				n.organization = c.contactOrUser(item, false)
			}
		case technicalContact:
			if n.technical == nil {
				n.technical = c.contactOrUser(item, false)
			}
		case verifiedContact:
			if wantVerified {
				n.verified = append(n.verified, *c.contactOrUser(item, true))
			}
		default:
			item.oneOf("contact_type", organizationContact, technicalContact, verifiedContact)
		}
	}
	return n
}

func (c *call) contactOrUser(f form, verified bool) *contact {
	id, given := f.id("user_id")
	if !f.has("user_id") {
		return f.person(verified)
	}
	if !given {
		return &contact{} // refused already
	}
	return c.userContact(f, "user_id", id, verified)
}

// userContact makes a contact of an account user (code signing order document,
// organization.contacts.user_id).
func (c *call) userContact(f form, field string, id int, verified bool) *contact {
	u := c.acct.user(id)
	if u == nil {
		f.bad(field, "there is no user %d", id)
		return &contact{}
	}
	person := &contact{
		FirstName: u.FirstName, LastName: u.LastName, Email: u.Email, UserID: u.ID,
		JobTitle: u.JobTitle, Telephone: u.Telephone, TelephoneExtension: f.text("telephone_extension", 16),
	}
	if s := f.text("job_title", 64); s != "" {
		person.JobTitle = s
	}
	if s := f.text("telephone", 32); s != "" {
		person.Telephone = s
	}
	if verified && person.JobTitle == "" {
		f.missing("job_title")
	}
	if verified && person.Telephone == "" {
		f.missing("telephone")
	}
	return person
}

// contactUpdate is one item of a contact PUT.
type contactUpdate struct {
	kind   string
	person *contact // nil removes
	given  form
}

// contactUpdates reads the body of both contact PUTs: {"contacts": [...]}, at
// most one of each of the two types (API facts, sections 4.7 and 8). An item that
// names its type alone removes the technical contact where bare says that it may.
func (f form) contactUpdates(bare bool) []contactUpdate {
	list, given := f.objects("contacts")
	if !given && !f.has("contacts") {
		f.missing("contacts")
	}
	var updates []contactUpdate
	seen := map[string]bool{}
	for _, item := range list {
		kind := item.oneOf("contact_type", organizationContact, technicalContact)
		if kind == "" {
			item.missing("contact_type")
			continue
		}
		if seen[kind] {
			f.add("contact_type_duplicate", "There is more than one %s", kind)
		}
		seen[kind] = true
		u := contactUpdate{kind: kind, given: item}
		if !bare || kind != technicalContact || !onlyType(item) {
			u.person = item.person(false)
			if lang := item.text("language_id", 0); lang != "" && !allDigits(lang) {
				item.bad("language_id", "must be a number written as a string")
			}
		}
		updates = append(updates, u)
	}
	return updates
}

func onlyType(f form) bool {
	for name := range f.fields {
		if name != "contact_type" && f.has(name) {
			return false
		}
	}
	return true
}

func allDigits(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return s != ""
}
