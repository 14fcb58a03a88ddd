package organization

import (
	"context"
	"net/http"

	"dcsync/internal/certcentral"
	"dcsync/internal/resource"
)

// status switches an organization off or on. Off also switches its domains off and freezes its certificates; on brings no validation
// back (API facts, section 4.4).
func (a *API) status(ctx context.Context, id string, want resource.Value) error {
	word := "activate"
	if want == resource.String("inactive") {
		word = "deactivate"
	}
	_, err := a.client.Do(ctx, certcentral.Request{Method: http.MethodPut, Path: path(id) + "/" + word, Repeatable: true})
	return err
}
