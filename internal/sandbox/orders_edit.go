package sandbox

import "net/http"

// What of an order can be changed in place (API facts, section 8).

// putAdditionalEmails replaces the whole list; an empty one clears it.
func (c *call) putAdditionalEmails() reply {
	o, out := c.theOrder()
	if o == nil {
		return out
	}
	f, out, read := c.form()
	if !read {
		return out
	}
	list, given := f.emails("additional_emails")
	if !given && !f.has("additional_emails") {
		f.missing("additional_emails")
	}
	if out, refused := f.refused(); refused {
		return out
	}
	o.AdditionalEmails = list
	return noContent
}

// putOrderContacts adds or replaces the order's own copies. Other than on an
// organization, optional fields left out keep what they hold, and nothing can
// be removed.
func (c *call) putOrderContacts() reply {
	o, out := c.theOrder()
	if o == nil {
		return out
	}
	f, out, read := c.form()
	if !read {
		return out
	}
	updates := f.contactUpdates(false)
	if out, refused := f.refused(); refused {
		return out
	}
	for _, u := range updates {
		at := &o.OrganizationContact
		if u.kind == technicalContact {
			at = &o.TechnicalContact
		}
		if old := *at; old != nil {
			for name, fields := range map[string][2]*string{
				"job_title":           {&u.person.JobTitle, &old.JobTitle},
				"telephone":           {&u.person.Telephone, &old.Telephone},
				"telephone_extension": {&u.person.TelephoneExtension, &old.TelephoneExtension},
			} {
				if !u.given.has(name) {
					*fields[0] = *fields[1]
				}
			}
		}
		*at = u.person
	}
	return noContent
}

// putRenewalEmails: the words the path takes are in no source; these are the
// two likely pairs.
func (c *call) putRenewalEmails() reply {
	o, out := c.theOrder()
	if o == nil {
		return out
	}
	switch c.params["status"] {
	case "enabled", "1":
		o.DisableRenewalNotifications = false
	case "disabled", "0":
		o.DisableRenewalNotifications = true
	default:
		return fail(http.StatusBadRequest, "invalid_value:status", "status must be enabled or disabled")
	}
	return noContent
}

// putRenewalMessage: an empty message clears it (assumed).
func (c *call) putRenewalMessage() reply {
	o, out := c.theOrder()
	if o == nil {
		return out
	}
	f, out, read := c.form()
	if !read {
		return out
	}
	if _, given := f.fields["custom_renewal_message"]; !given {
		f.missing("custom_renewal_message")
	}
	text := f.text("custom_renewal_message", 0)
	if out, refused := f.refused(); refused {
		return out
	}
	o.CustomRenewalMessage = text
	return noContent
}

// putAutoReissue is for multi-year orders. The source says multi-year TLS, which
// is not sold here yet; any order that may outlive its certificate passes.
func (c *call) putAutoReissue() reply {
	o, out := c.theOrder()
	if o == nil {
		return out
	}
	f, out, read := c.form()
	if !read {
		return out
	}
	on, given := f.flag("auto_reissue")
	if !given {
		f.missing("auto_reissue")
	}
	if on && o.OrderValidity.end(c.now()).Before(c.now().AddDate(1, 0, 1)) {
		f.bad("auto_reissue", "is for multi-year orders")
	}
	if out, refused := f.refused(); refused {
		return out
	}
	o.AutoReissue = 0
	if on {
		o.AutoReissue = 1
	}
	return noContent
}

// putOrderStatus cancels (API facts, section 8.1). The word is case sensitive,
// a note is needed, and the order must be pending or waiting for pickup;
// canceling a pending reissue gives the issued order back. The codes are assumed.
func (c *call) putOrderStatus() reply {
	o, out := c.theOrder()
	if o == nil {
		return out
	}
	f, out, read := c.form()
	if !read {
		return out
	}
	status := f.need("status", 0)
	if status != "" {
		f.oneOf("status", "canceled", "renewed", "not_renewed")
	}
	var note string
	if status == "canceled" {
		note = f.need("note", 0)
	} else {
		note = f.text("note", 0)
	}
	if out, refused := f.refused(); refused {
		return out
	}
	if status != "canceled" {
		return fail(http.StatusBadRequest, "invalid_order_status", "Only migrated orders can be marked as %s", status)
	}
	switch o.Status {
	case "pending", "waiting_pickup":
		o.Status = "canceled"
	case "reissue_pending":
		o.Status = "issued"
	default:
		return fail(http.StatusBadRequest, "invalid_order_status", "An order that is %s cannot be canceled", o.Status)
	}
	for _, r := range c.acct.requestsOf(o.ID) {
		if o.Status == "issued" && r.Type != "reissue" {
			continue
		}
		if r.Status == "pending" || r.Status == "submitted" || o.Status == "issued" {
			c.process(r, "rejected", note)
		} else if r.Type == "new_request" {
			r.ProcessorComment = note
		}
	}
	return noContent
}
