package order

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"dcsync/internal/certcentral"
	"dcsync/internal/resource"
)

// Change makes one in-place change (API facts, section 8).
func (a *API) Change(ctx context.Context, method, id string, desired resource.Map, _ *resource.Live, fields []resource.FieldChange) error {
	switch method {
	case "emails":
		return a.put(ctx, path(id)+"/additional-emails", resource.Map{"additional_emails": orEmpty(fields[0].After)})
	case "renewal_message":
		return a.put(ctx, path(id)+"/custom-renewal-message", resource.Map{"custom_renewal_message": fields[0].After})
	case "auto_reissue":
		return a.put(ctx, path(id)+"/auto-reissue", resource.Map{"auto_reissue": fields[0].After})
	case "ct":
		return a.put(ctx, path(id)+"/ct-status", resource.Map{"disable_ct": fields[0].After})
	case "renewal_notices":
		return a.renewalNotices(ctx, id, fields[0].After)
	case "contacts":
		return a.contacts(ctx, id, desired, fields)
	case "custom_fields":
		return a.customFields(ctx, id, fields[0])
	}
	return fmt.Errorf("change %s of order %s: no such method", method, id)
}

func (a *API) put(ctx context.Context, path string, body resource.Map) error {
	r := certcentral.Request{Method: http.MethodPut, Path: path, Repeatable: true}
	if body != nil {
		r.Body = body
	}
	_, err := a.client.Do(ctx, r)
	return err
}

func orEmpty(v resource.Value) resource.Value {
	if v == nil {
		return resource.List{}
	}
	return v
}

// renewalNotices switches the notices. The word in the path is not documented in any form that could be read; "enabled" and
// "disabled" are assumed (API facts, section 8).
func (a *API) renewalNotices(ctx context.Context, id string, disable resource.Value) error {
	word := "enabled"
	if disable == resource.Bool(true) {
		word = "disabled"
	}
	return a.put(ctx, path(id)+"/renewal-emails/"+word, nil)
}

// contacts puts the contacts whose fields changed. What is left out keeps its value, so only what is declared is sent.
func (a *API) contacts(ctx context.Context, id string, desired resource.Map, fields []resource.FieldChange) error {
	var list resource.List
	for _, name := range []string{"organization_contact", "technical_contact"} {
		if !slices.ContainsFunc(fields, func(f resource.FieldChange) bool { return f.Path.Under(resource.Path("").Child(name)) }) {
			continue
		}
		contact := resource.Map{"contact_type": resource.String(name)}
		want, _ := desired[name].(resource.Map)
		for k, v := range want {
			contact[k] = v
		}
		list = append(list, contact)
	}
	return a.put(ctx, path(id)+"/contact", resource.Map{"contacts": list})
}

// customFields sets each value that differs; each is a call that can be repeated. The API has no call that removes one.
func (a *API) customFields(ctx context.Context, id string, f resource.FieldChange) error {
	for _, item := range f.NewItems() {
		if _, err := a.client.Do(ctx, certcentral.Request{Method: http.MethodPost, Path: path(id) + "/custom-field", Body: item, Repeatable: true}); err != nil {
			return err
		}
	}
	return nil
}
