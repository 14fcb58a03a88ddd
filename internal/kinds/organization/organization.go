// Package organization is the kind Organization: its list, its info and the calls that change one (API facts, section 4).
package organization

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"dcsync/internal/certcentral"
	"dcsync/internal/resource"
	"dcsync/schema"
)

const kind = "Organization"

// API makes the calls of the kind.
type API struct {
	client    *certcentral.Client
	container int64
}

// New gives the kind over a client; container is the only one whose organizations are listed, 0 for all.
func New(c *certcentral.Client, container int64) *API { return &API{c, container} }

// Name gives the kind's name.
func (*API) Name() string { return kind }

// List gives all organizations the key sees, with their validations but without contacts, which only the info shows.
func (a *API) List(ctx context.Context) (*certcentral.Listing, []*resource.Live, error) {
	query := url.Values{"include_validation": {"true"}, "sort": {"id"}}
	if a.container != 0 {
		query.Set("container_id", strconv.FormatInt(a.container, 10))
	}
	l, err := a.client.List(ctx, "/organization", "organizations", query)
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
	case "status":
		return a.status(ctx, id, fields[0].After)
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
	l.Approvers = approvers(item)
	for _, v := range certcentral.Items(item, "validations") {
		l.Validation[text(v, "type")] = text(v, "status")
	}
	l.Observed = observed(l)
	return l
}

// approvers gives the verified contacts, whom only the info shows, under "", and by type who of them was named for a validation: somebody whom
// the info does not show any more has left, whatever a validation still names. The ids of contacts are not those of users (API facts,
// sections 4.2 and 4.6).
func approvers(item map[string]any) map[string][]resource.Approver {
	out := map[string][]resource.Approver{}
	for _, c := range certcentral.Items(item, "verified_contacts") {
		out[""] = append(out[""], resource.Approver{FirstName: text(c, "first_name"), LastName: text(c, "last_name")})
	}
	for _, v := range certcentral.Items(item, "validations") {
		for _, u := range certcentral.Items(v, "verified_users") {
			a := resource.Approver{ID: certcentral.ID(u["id"]), FirstName: text(u, "first_name"), LastName: text(u, "last_name")}
			left := len(out[""]) > 0 && !slices.Contains(out[""], resource.Approver{FirstName: a.FirstName, LastName: a.LastName})
			if t := text(v, "type"); !left {
				out[t] = append(out[t], a)
			}
		}
	}
	return out
}

func text(item map[string]any, name string) string {
	return resource.Text(resource.FromAny(item[name]))
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
