package kinds

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"dcsync/internal/certcentral"
	"dcsync/internal/resource"
)

// problem makes of the client's errors what their callers look for: ErrNotFound, Ambiguous, and the API's own code.
type problem struct{ err error }

func (p *problem) Error() string { return p.err.Error() }
func (p *problem) Unwrap() error { return p.err }

// Is makes a 404 resource.ErrNotFound, and a write that was held back resource.ErrNotSent.
func (p *problem) Is(target error) bool {
	var api *certcentral.APIError
	var held *certcentral.NotSentError
	if target == resource.ErrNotSent {
		return errors.As(p.err, &held)
	}
	return target == resource.ErrNotFound && errors.As(p.err, &api) && api.Status == http.StatusNotFound
}

// Ambiguous tells whether the outcome of a write is unknown.
func (p *problem) Ambiguous() bool {
	var a *certcentral.AmbiguousError
	return errors.As(p.err, &a)
}

// Problem gives the API's first error code, a hint, and the HTTP status; zero values when there was no answer.
func (p *problem) Problem() (code, hint string, status int) {
	var api *certcentral.APIError
	if !errors.As(p.err, &api) {
		return "", "", 0
	}
	if len(api.Codes) > 0 {
		code = string(api.Codes[0])
	}
	return code, api.Hint(), api.Status
}

func wrap(err error) error {
	if err == nil {
		return nil
	}
	return &problem{err}
}

// List gives every object of a kind that the key sees.
func (r *Remote) List(ctx context.Context, kind string) (*resource.Listing, error) {
	k, err := r.kind(kind)
	if err != nil {
		return nil, err
	}
	l, objects, err := k.List(ctx)
	if err != nil {
		return nil, wrap(err)
	}
	return &resource.Listing{Objects: objects, Complete: l.Complete, Problem: l.Problem, Requests: certcentral.Pages(l.Total)}, nil
}

// Recent gives the objects of a kind and product created at or after an instant.
func (r *Remote) Recent(ctx context.Context, kind, product string, since time.Time) ([]*resource.Live, error) {
	k, err := r.kind(kind)
	if err != nil {
		return nil, err
	}
	n, ok := k.(Nonced)
	if !ok {
		return nil, fmt.Errorf("list recent %s: %w", kind, errUnsupported)
	}
	live, err := n.Recent(ctx, product, since)
	return live, wrap(err)
}

// Read gives one object at InfoDepth, or resource.ErrNotFound.
func (r *Remote) Read(ctx context.Context, kind, id string, want []resource.Path) (*resource.Live, error) {
	k, err := r.kind(kind)
	if err != nil {
		return nil, err
	}
	live, err := k.Read(ctx, id, want)
	return live, wrap(err)
}

// Lookup gives the ids of the objects that carry a nonce.
func (r *Remote) Lookup(ctx context.Context, kind, nonce string) ([]string, error) {
	k, err := r.kind(kind)
	if err != nil {
		return nil, err
	}
	n, ok := k.(Nonced)
	if !ok {
		return nil, fmt.Errorf("look up %s: %w", kind, errUnsupported)
	}
	ids, err := n.Lookup(ctx, nonce)
	return ids, wrap(err)
}

// Create sends the creating request, once.
func (r *Remote) Create(ctx context.Context, d *resource.Descriptor, spec resource.Map) (*resource.Created, error) {
	k, err := r.kind(d.Kind)
	if err != nil {
		return nil, err
	}
	body, err := resource.Encode(d, spec, r.reveal)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", d.Kind, err)
	}
	id, parent, requests, err := k.Create(ctx, d, body)
	if err != nil {
		return nil, wrap(err)
	}
	return &resource.Created{ID: id, ParentID: parent, Requests: requests}, nil
}

// reveal gives what is sent in place of a secret. A reference to an object must have been resolved before.
func (r *Remote) reveal(v resource.Value) (resource.Value, error) {
	ref, ok := v.(resource.SecretRef)
	if !ok {
		return nil, fmt.Errorf("reference %v has no id yet", v)
	}
	s, err := r.resolve(ref)
	if err != nil {
		return nil, err
	}
	return resource.String(s.Reveal()), nil
}

// Change makes one in-place change.
func (r *Remote) Change(ctx context.Context, call resource.Call) error {
	k, err := r.kind(call.Descriptor.Kind)
	if err != nil {
		return err
	}
	return wrap(k.Change(ctx, call.Method, call.ID, call.Desired, call.Live, call.Fields))
}

// AddNote posts a note and gives its id.
func (r *Remote) AddNote(ctx context.Context, kind, id, text string) (string, error) {
	n, err := r.noted(kind)
	if err != nil {
		return "", err
	}
	note, err := n.AddNote(ctx, id, text)
	return note, wrap(err)
}

// DeleteNote removes a note; one that is gone already is no error.
func (r *Remote) DeleteNote(ctx context.Context, kind, id, note string) error {
	n, err := r.noted(kind)
	if err != nil {
		return err
	}
	if err := wrap(n.DeleteNote(ctx, id, note)); err != nil && !errors.Is(err, resource.ErrNotFound) {
		return err
	}
	return nil
}

// Reissue asks for another certificate with the given fields of a spec, once.
func (r *Remote) Reissue(ctx context.Context, d *resource.Descriptor, id string, spec resource.Map) ([]resource.Request, error) {
	k, err := r.certified(d.Kind)
	if err != nil {
		return nil, err
	}
	body, err := resource.Encode(d, spec, r.reveal)
	if err != nil {
		return nil, fmt.Errorf("reissue %s %s: %w", d.Kind, id, err)
	}
	requests, err := k.Reissue(ctx, id, body)
	return requests, wrap(err)
}

// End makes one call that ends something, once. requested tells that it was only asked for and waits for approval.
func (r *Remote) End(ctx context.Context, e resource.Ending) (requested bool, err error) {
	k, err := r.certified(e.Kind)
	if err != nil {
		return false, err
	}
	requested, err = k.End(ctx, e)
	return requested, wrap(err)
}

func (r *Remote) certified(kind string) (Certified, error) {
	k, err := r.kind(kind)
	if err != nil {
		return nil, err
	}
	c, ok := k.(Certified)
	if !ok {
		return nil, fmt.Errorf("certificates of %s: %w", kind, errUnsupported)
	}
	return c, nil
}

func (r *Remote) noted(kind string) (Noted, error) {
	k, err := r.kind(kind)
	if err != nil {
		return nil, err
	}
	n, ok := k.(Noted)
	if !ok {
		return nil, fmt.Errorf("notes of %s: %w", kind, errUnsupported)
	}
	return n, nil
}

// Kinds names the kinds that have an object in the account, in the order they depend on each other.
func (*Remote) Kinds() []string { return Names() }

// Requests gives the number of HTTP requests sent so far.
func (r *Remote) Requests() int { return r.client.Requests() }

func number(id string) int64 {
	n, _ := strconv.ParseInt(id, 10, 64) // "" and words give 0: not said
	return n
}
