package organization

import (
	"context"
	"net/http"

	"dcsync/internal/certcentral"
	"dcsync/internal/resource"
)

// validation submits the organization for the types that are new or whose verified users changed. A type that is pending or active
// is never submitted again as it is (domain rules, section 3).
func (a *API) validation(ctx context.Context, id string, fields []resource.FieldChange) error {
	var submit resource.List
	for _, f := range fields {
		submit = append(submit, f.NewItems()...)
	}
	if len(submit) == 0 {
		return nil
	}
	_, err := a.client.Do(ctx, certcentral.Request{Method: http.MethodPost, Path: path(id) + "/validation", Body: resource.Map{"validations": submit}})
	return err
}
