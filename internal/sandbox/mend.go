package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// mend completes an account that was written by hand and refuses one that
// cannot be: sorts by id, moves requests out of orders, sets the counters,
// makes the certificates of issued orders.
func (a *account) mend() error {
	if slices.Contains(a.Organizations, nil) || slices.Contains(a.Orders, nil) || slices.Contains(a.Users, nil) ||
		slices.Contains(a.Requests, nil) || slices.Contains(a.Keys, nil) || slices.Contains(a.Domains, nil) || slices.Contains(a.Certificates, nil) {
		return errors.New("null stands where an object belongs")
	}
	if err := a.mendPeople(); err != nil {
		return err
	}
	a.mendOrders()
	a.mendOrganizations()
	slices.SortFunc(a.Organizations, func(x, y *organization) int { return cmp.Compare(x.ID, y.ID) })
	slices.SortFunc(a.Orders, func(x, y *order) int { return cmp.Compare(x.ID, y.ID) })
	slices.SortFunc(a.Requests, func(x, y *request) int { return cmp.Compare(x.ID, y.ID) })
	slices.SortFunc(a.Domains, func(x, y *domain) int { return cmp.Compare(x.ID, y.ID) })
	if err := a.count(); err != nil {
		return err
	}
	for _, o := range a.Orders {
		a.mendNotes(o)
	}
	if err := a.mendCertificates(); err != nil {
		return err
	}
	if a.Changes == nil {
		a.Changes = map[int]change{}
	}
	for _, o := range a.Orders {
		if _, noted := a.Changes[o.ID]; !noted {
			at, _ := moment(o.DateCreated)
			a.Changes[o.ID] = change{o.Status, at}
		}
	}
	return nil
}

// mendPeople completes containers, users and keys.
func (a *account) mendPeople() error {
	if len(a.Containers) == 0 {
		a.Containers = []containerRef{rootContainer}
	}
	if len(a.Users) == 0 {
		a.Users = []*user{administrator()}
	}
	if a.Metadata == nil {
		a.Metadata = defaultMetadata()
	}
	for _, u := range a.Users {
		if u.Container.ID == 0 {
			u.Container = a.Containers[0]
		}
		if c := a.container(u.Container.ID); c != nil {
			u.Container = *c
		}
		if len(u.AccessRoles) == 0 {
			u.AccessRoles = []accessRole{{roleAdministrator, "Administrator"}}
		}
		if u.Status == "" {
			u.Status = "active"
		}
	}
	for i, k := range a.Keys {
		if k.Key != "" {
			k.KeySHA256, k.Key = keyDigest(k.Key), ""
		}
		if k.Status == "" {
			k.Status = "active"
		}
		if k.CreateDate == "" {
			k.CreateDate = firstKeyDate
		}
		if a.user(k.UserID) == nil || k.KeySHA256 == "" || !validKeyRole(k.RestrictedToRoleID) {
			return fmt.Errorf("API key %d needs a key, the id of a user and a role that exists", i+1)
		}
	}
	return nil
}

func (a *account) mendOrders() {
	for _, o := range a.Orders {
		for _, ref := range o.Requests {
			if !slices.ContainsFunc(a.Requests, func(r *request) bool { return r.ID == ref.ID }) {
				a.Requests = append(a.Requests, &request{requestRef: ref, Requester: o.User, Order: orderID{o.ID}})
			}
		}
		o.Requests = nil
		if o.Container.ID == 0 {
			o.Container = orderContainer{rootContainer.ID, rootContainer.Name, true}
		}
		if p := findProduct(o.Product.NameID); p != nil && o.Product.Name == "" {
			o.Product = p.onOrder()
		}
	}
}

func (a *account) mendOrganizations() {
	for _, o := range a.Organizations {
		if o.Container.ID == 0 {
			o.Container = rootContainer
		}
		if o.DisplayName == "" {
			o.DisplayName = displayName(o.Name, o.AssumedName)
		}
		for i, v := range o.Validations {
			if v.Name == "" {
				full := newValidation(v.Type)
				o.Validations[i].Name, o.Validations[i].Description = full.Name, full.Description
			}
		}
	}
}

// count sets the counters behind every id in use, and refuses ids that are
// missing or stand twice.
func (a *account) count() error {
	if a.LastID == nil {
		a.LastID = map[string]int{}
	}
	for what, first := range firstIDs {
		a.LastID[what] = max(a.LastID[what], first)
	}
	seen := func(what string, id int) { a.LastID[what] = max(a.LastID[what], id) }
	for i, o := range a.Organizations {
		seen("organization", o.ID)
		for _, c := range o.people() {
			seen("contact", c.ID)
		}
		if o.ID <= 0 || i > 0 && a.Organizations[i-1].ID == o.ID {
			return fmt.Errorf("organization id %d is missing or stands twice", o.ID)
		}
	}
	for i, o := range a.Orders {
		seen("order", o.ID)
		seen("certificate", o.Certificate.ID)
		for _, n := range o.Notes {
			seen("note", n.ID)
		}
		if o.ID <= 0 || i > 0 && a.Orders[i-1].ID == o.ID {
			return fmt.Errorf("order id %d is missing or stands twice", o.ID)
		}
	}
	for _, r := range a.Requests {
		seen("request", r.ID)
	}
	for _, u := range a.Users {
		seen("user", u.ID)
	}
	for _, k := range a.Keys {
		if k.ID == 0 {
			k.ID = a.nextID("key")
		}
		seen("key", k.ID)
	}
	for _, d := range a.Domains {
		seen("domain", d.ID)
	}
	for _, c := range a.Certificates {
		seen("certificate", c.ID)
	}
	for _, m := range a.Metadata {
		seen("metadata", m.ID)
	}
	return nil
}
