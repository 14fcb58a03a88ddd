package organization

import (
	"context"
	"net/http"
	"strings"

	"dcsync/internal/certcentral"
	"dcsync/internal/resource"
)

// contacts puts the contacts whose fields changed. The API erases every optional field that is left out, so what the manifest does
// not declare is read from live and sent back as long as it is the same person: name and email equal. A technical contact that is
// no longer declared is removed; the organization contact cannot be (API facts, section 4.7).
func (a *API) contacts(ctx context.Context, id string, desired resource.Map, live *resource.Live, fields []resource.FieldChange) error {
	var list resource.List
	for _, name := range []string{"organization_contact", "technical_contact"} {
		if !touches(fields, name) {
			continue
		}
		contact := resource.Map{"contact_type": resource.String(name)}
		want, _ := desired[name].(resource.Map)
		var have resource.Map
		if live != nil {
			have, _ = live.Spec[name].(resource.Map)
		}
		if samePerson(want, have) {
			for k, v := range have {
				contact[k] = v
			}
		}
		for k, v := range want {
			contact[k] = v
		}
		for _, f := range fields {
			if f.After == nil && f.Path.Under(resource.Path("").Child(name)) {
				delete(contact, f.Path.Last())
			}
		}
		list = append(list, contact)
	}
	_, err := a.client.Do(ctx, certcentral.Request{Method: http.MethodPut, Path: path(id) + "/contact", Body: resource.Map{"contacts": list}, Repeatable: true})
	return err
}

func touches(fields []resource.FieldChange, name string) bool {
	for _, f := range fields {
		if f.Path.Under(resource.Path("").Child(name)) {
			return true
		}
	}
	return false
}

func samePerson(a, b resource.Map) bool {
	for _, k := range []string{"first_name", "last_name", "email"} {
		if !strings.EqualFold(resource.Text(a[k]), resource.Text(b[k])) {
			return false
		}
	}
	return true
}
