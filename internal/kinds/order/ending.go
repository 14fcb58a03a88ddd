package order

import (
	"context"
	"fmt"
	"net/http"

	"dcsync/internal/certcentral"
	"dcsync/internal/resource"
)

// End cancels an order or its pending reissue, withdraws a request, or revokes (API facts, sections 8.1, 8.2 and 10). requested tells
// that a revocation was only asked for and waits for approval.
func (a *API) End(ctx context.Context, e resource.Ending) (requested bool, err error) {
	switch e.Action {
	case resource.Cancel:
		return false, a.once(ctx, path(e.ID)+"/status", resource.Map{"status": resource.String("canceled"), "note": resource.String(e.Comments)})
	case resource.Withdraw:
		return false, a.once(ctx, "/request/"+certcentral.PathEscape(e.Request)+"/status",
			resource.Map{"status": resource.String("rejected"), "processor_comment": resource.String(e.Comments)})
	case resource.Revoke:
		return a.revoke(ctx, e)
	}
	return false, fmt.Errorf("end order %s: no way to %s it", e.ID, e.Action)
}

func (a *API) revoke(ctx context.Context, e resource.Ending) (requested bool, err error) {
	body := resource.Map{"comments": resource.String(e.Comments)}
	if e.Reason != "" {
		body["revocation_reason"] = resource.String(e.Reason)
	}
	if e.SkipApproval {
		body["skip_approval"] = resource.Bool(true)
	}
	at := path(e.ID) + "/revoke"
	if e.Certificate != "" {
		at = "/certificate/" + certcentral.PathEscape(e.Certificate) + "/revoke"
	}
	resp, err := a.client.Do(ctx, certcentral.Request{Method: http.MethodPut, Path: at, Body: body})
	if err != nil {
		return false, err
	}
	return certcentral.ID(resp.Body["id"]) != "", nil // a request, to be approved; nothing when it is done
}

// once puts what must not be sent again without a look: between two such calls people may have acted.
func (a *API) once(ctx context.Context, path string, body resource.Map) error {
	_, err := a.client.Do(ctx, certcentral.Request{Method: http.MethodPut, Path: path, Body: body})
	return err
}
