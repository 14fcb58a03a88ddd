// Package organization is the kind Organization: its list, its info and the calls that change one (API facts, section 4).
package organization

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"

	"dcsync/internal/certcentral"
	"dcsync/internal/resource"
	"dcsync/schema"
)

const kind = "Organization"

// API makes the calls of the kind.
type API struct{ client *certcentral.Client }

// New gives the kind over a client.
func New(c *certcentral.Client) *API { return &API{c} }

// Name gives the kind's name.
func (*API) Name() string { return kind }

// List gives all organizations the key sees, with their validations but without contacts, which only the info shows.
func (a *API) List(ctx context.Context) (*certcentral.Listing, []*resource.Live, error) {
	l, err := a.client.List(ctx, "/organization", "organizations", url.Values{"include_validation": {"true"}, "sort": {"id"}})
	if err != nil {
		return nil, nil, err
	}
	out := make([]*resource.Live, 0, len(l.Items))
	for _, item := range l.Items {
		out = append(out, live(item, resource.ListDepth))
	}
	return l, out, nil
}

// Read gives one organization with its contacts. Its validations are another page, asked for only when they are wanted.
func (a *API) Read(ctx context.Context, id string, want []resource.Path) (*resource.Live, error) {
	resp, err := a.client.Do(ctx, certcentral.Request{Method: http.MethodGet, Path: path(id)})
	if err != nil {
		return nil, err
	}
	body := resp.Body
	if got := certcentral.ID(body["id"]); got != id {
		return nil, fmt.Errorf("read organization %s: the answer is about %s", id, cmp.Or(got, "none"))
	}
	for _, p := range want {
		if p.Under("/validations") && body["validations"] == nil {
			v, err := a.client.Do(ctx, certcentral.Request{Method: http.MethodGet, Path: path(id) + "/validation"})
			if err != nil {
				return nil, err
			}
			body["validations"] = v.Body["validations"]
			break
		}
	}
	return live(body, resource.InfoDepth), nil
}

// Create makes an organization. The default duplicate check of the API stays on unless the manifest turns it off.
func (a *API) Create(ctx context.Context, _ *resource.Descriptor, body resource.Map) (id, parent string, requests []resource.Request, err error) {
	resp, err := a.client.Do(ctx, certcentral.Request{Method: http.MethodPost, Path: "/organization", Body: body})
	if err != nil {
		return "", "", nil, err
	}
	if id, err = certcentral.NewID(resp, "create organization"); err != nil {
		return "", "", nil, err
	}
	return id, "", nil, nil
}

// Change makes one in-place change.
func (a *API) Change(ctx context.Context, method, id string, desired resource.Map, live *resource.Live, fields []resource.FieldChange) error {
	switch method {
	case "contacts":
		return a.contacts(ctx, id, desired, live, fields)
	case "validation":
		return a.validation(ctx, id, fields)
	}
	return fmt.Errorf("change %s of organization %s: no such method", method, id)
}

func path(id string) string { return "/organization/" + certcentral.PathEscape(id) }

func live(item map[string]any, depth resource.Depth) *resource.Live {
	d, _ := schema.Descriptor(kind, "")
	body, _ := resource.FromAny(item).(resource.Map)
	l := &resource.Live{Kind: kind, ID: certcentral.ID(item["id"]), Depth: depth, Spec: resource.Decode(d, body, depth),
		Status: resource.Text(body["status"]), Title: resource.Text(body["name"]), Phase: resource.Active, Validation: map[string]string{},
		ContainerID: resource.Text(resource.Get(body, "/container/id"))}
	if l.Status == "" && body["is_active"] == resource.Bool(false) {
		l.Status = "inactive"
	}
	if l.Status == "inactive" {
		l.Phase = resource.Ended
	}
	for _, v := range certcentral.Items(item, "validations") {
		l.Validation[resource.Text(resource.FromAny(v["type"]))] = resource.Text(resource.FromAny(v["status"]))
	}
	l.Observed = observed(l)
	return l
}

// observed is what a list item tells of an organization: its status, its details and its validations.
func observed(l *resource.Live) resource.Map {
	out := resource.Map{"status": resource.String(l.Status)}
	for k, v := range l.Spec {
		switch k {
		case "organization_contact", "technical_contact", "validations": // info shows more of these than the list does
		default:
			out[k] = resource.Clone(v)
		}
	}
	validations := resource.Map{}
	for t, s := range l.Validation {
		validations[t] = resource.String(s)
	}
	if len(validations) > 0 {
		out["validations"] = validations
	}
	return out
}
