package sandbox

import (
	"net/http"
	"slices"
)

// What of an order can be changed in place (API facts, section 8).

// putAdditionalEmails replaces the whole list; an empty one clears it.
func (c *call) putAdditionalEmails() reply {
	o, f, out := c.orderForm()
	if o == nil {
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
	o, f, out := c.orderForm()
	if o == nil {
		return out
	}
	updates := f.contactUpdates(false)
	if out, refused := f.refused(); refused {
		return out
	}
	if org := o.Organization.v; org == nil && o.Product.ValidationType == "dv" {
		for _, u := range updates {
			if u.kind == organizationContact {
				return fail(http.StatusBadRequest, "invalid_value:contacts", "DV orders have no organization contact")
			}
		}
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
	o, f, out := c.orderForm()
	if o == nil {
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

// putAutoReissue is for multi-year TLS orders: those that outlive a first year.
func (c *call) putAutoReissue() reply {
	o, f, out := c.orderForm()
	if o == nil {
		return out
	}
	on, given := f.flag("auto_reissue")
	if !given {
		f.missing("auto_reissue")
	}
	if on && o.IsMultiYearPlan == "" {
		f.bad("auto_reissue", "is for multi-year TLS orders")
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
// Older clients write CANCELED, beside parameters that mean nothing any more.
func (c *call) putOrderStatus() reply {
	o, f, out := c.orderForm()
	if o == nil {
		return out
	}
	if f.fields["status"] == "CANCELED" {
		f.fields["status"] = "canceled"
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
	reissue := o.Status == "reissue_pending"
	switch {
	case o.Status == "pending" || o.Status == "waiting_pickup":
		o.Status = "canceled"
	case reissue:
		o.Status = "issued"
		if o.Hidden != nil {
			o.Hidden.Rework = slices.DeleteFunc(o.Hidden.Rework, func(w *rework) bool { return w.Kind == kindReissue })
		}
	default:
		return fail(http.StatusBadRequest, "invalid_order_status", "An order that is %s cannot be canceled", o.Status)
	}
	c.closeRequests(o, reissue, note)
	return noContent
}

// deleteOrder removes only orders that ended over twelve years ago (API facts,
// section 8), of which a sandbox has none. The code is assumed.
func (c *call) deleteOrder() reply {
	o, out := c.theOrder()
	if o == nil {
		return out
	}
	return fail(http.StatusBadRequest, "order_not_eligible_for_delete", "Order %d is %s: only orders that ended long ago can be deleted", o.ID, o.Status)
}

// closeRequests leaves the note on what was canceled: the requests of a reissue
// are rejected, of an order only those still open.
func (c *call) closeRequests(o *order, reissue bool, note string) {
	for _, r := range c.acct.requestsOf(o.ID) {
		switch {
		case reissue && r.Type == kindReissue && (r.open() || r == c.lastReissue(o)), !reissue && r.open():
			c.process(r, c.user, "rejected", note)
		case !reissue && r.Type == "new_request":
			r.ProcessorComment = note
		}
	}
}

// lastReissue is the request of the reissue under way, or nil.
func (c *call) lastReissue(o *order) (last *request) {
	for _, r := range c.acct.requestsOf(o.ID) {
		if r.Type == kindReissue {
			last = r
		}
	}
	return last
}
