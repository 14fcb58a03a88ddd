package order

import (
	"context"
	"net/http"

	"dcsync/internal/certcentral"
	"dcsync/internal/resource"
)

// Reissue asks for another certificate, once; body holds what it is to be (API facts, section 8.3).
func (a *API) Reissue(ctx context.Context, id string, body resource.Map) ([]resource.Request, error) {
	resp, err := a.client.Do(ctx, certcentral.Request{Method: http.MethodPost, Path: path(id) + "/reissue", Body: body})
	if err != nil {
		return nil, err
	}
	return requestsOf(resp.Body), nil
}
