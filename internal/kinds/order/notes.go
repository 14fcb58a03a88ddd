package order

import (
	"context"
	"net/http"

	"dcsync/internal/certcentral"
	"dcsync/internal/resource"
)

// AddNote posts a note and gives its id. Posting twice gives two notes, so it is never repeated blindly (API facts, section 9).
func (a *API) AddNote(ctx context.Context, id, text string) (string, error) {
	resp, err := a.client.Do(ctx, certcentral.Request{Method: http.MethodPost, Path: path(id) + "/note", Body: resource.Map{"text": resource.String(text)}})
	if err != nil {
		return "", err
	}
	return certcentral.NewID(resp, "post note")
}

// DeleteNote removes a note.
func (a *API) DeleteNote(ctx context.Context, id, note string) error {
	_, err := a.client.Do(ctx, certcentral.Request{Method: http.MethodDelete, Path: path(id) + "/note/" + certcentral.PathEscape(note), Repeatable: true})
	return err
}
