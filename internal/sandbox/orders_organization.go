package sandbox

// The organization of an order: an id, or details that are matched against the
// account and otherwise make a new one (code signing order document,
// organization).

func (p *placing) readOrganization() {
	if p.product.needs == "" {
		if p.has("organization") {
			p.bad("organization", "is not used for %s", p.product.NameID)
		}
		return
	}
	sub, given := p.object("organization")
	if !given {
		if !p.has("organization") {
			p.missing("organization")
		}
		return
	}
	p.org.named = p.contacts(sub, needsVerified(p.product.needs))
	if sub.has("id") {
		p.existing(sub)
	} else {
		p.matchOrMake(sub)
	}
	if needsVerified(p.product.needs) {
		p.readVerified(sub)
	}
	org := p.org.found
	if org == nil || !org.validatedOrPending(p.product.needs) {
		// The order itself submits its organization for what it needs. Client
		// products too (assumed).
		p.org.submit = []submission{{kind: p.product.needs, verified: p.org.named.verified}}
	}
}

func (p *placing) existing(sub form) {
	id, read := sub.id("id")
	if !read {
		return
	}
	org := p.acct.organization(id)
	switch {
	case org == nil || !p.seesOrganization(org):
		sub.bad("id", "there is no organization %d", id)
	case !org.IsActive:
		sub.bad("id", "organization %d is inactive", id)
	default:
		p.org.found = org
	}
}

// matchOrMake uses the oldest organization with these details without a word,
// unless told to skip the check.
func (p *placing) matchOrMake(sub form) {
	org := sub.organization()
	p.needContact(sub, p.org.named)
	skip, _ := sub.flag("skip_duplicate_org_check")
	if twin := p.twin(org); twin != nil && !skip {
		// Its own contacts stay; only verified ones are added (assumed).
		p.org.found = twin
		p.org.named.organization, p.org.named.technical = nil, nil
		return
	}
	p.org.made = org
}

// readVerified makes sure that somebody can approve. For an organization neither
// validated nor pending, without anyone named and without approvers of its own,
// the key's user is tried, who needs a job title and a telephone number.
func (p *placing) readVerified(sub form) {
	if len(p.org.named.verified) > 0 {
		return
	}
	if org := p.org.found; org != nil && (org.validatedOrPending(p.product.needs) || len(org.VerifiedContacts) > 0) {
		return
	}
	if list, _ := sub.objects("contacts"); len(*p.errs) > 0 && len(list) > 0 {
		return // what was named is wrong, and said so
	}
	u := p.user
	if u.JobTitle == "" || u.Telephone == "" {
		sub.add("required_param:organization.contacts", "A verified_contact is required: the organization has none, and the user of the key has no job title and telephone number")
		return
	}
	p.org.named.verified = []contact{{
		FirstName: u.FirstName, LastName: u.LastName, Email: u.Email, JobTitle: u.JobTitle, Telephone: u.Telephone, UserID: u.ID,
	}}
}
