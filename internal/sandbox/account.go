package sandbox

import (
	"net/http"
	"slices"
	"strconv"
)

// The account and its custom order fields (API facts, section 12).

type metadata struct {
	ID            int    `json:"id"`
	Label         string `json:"label"`
	IsRequired    bool   `json:"is_required"`
	IsActive      bool   `json:"is_active"`
	DataType      string `json:"data_type,omitempty"`
	Description   string `json:"description,omitempty"`
	ShowInReceipt bool   `json:"show_in_receipt"`
}

// defaultMetadata has one field of each kind, none required, one switched off.
func defaultMetadata() []metadata {
	return []metadata{
		{ID: 12, Label: "Cost center", IsActive: true},
		{ID: 13, Label: "Team", IsActive: true, DataType: "text"},
		{ID: 14, Label: "Ticket", IsActive: true, DataType: "int"},
		{ID: 15, Label: "Owner", IsActive: true, DataType: "email_address"},
		{ID: 16, Label: "Watchers", IsActive: true, DataType: "email_list"},
		{ID: 17, Label: "Retired field"},
	}
}

func (c *call) getAccount() reply {
	body := map[string]any{
		"id": accountID, "root_container_id": rootContainer.ID, "cert_central_type": "enterprise",
		"cert_transparency": "default", "billing_account_id": accountID, "language_id": 1, "ent_support_plan": "1",
	}
	if len(c.acct.Organizations) > 0 {
		first := c.acct.Organizations[0]
		body["primary_organization_id"] = first.ID
		body["primary_organization_name"] = first.Name
		body["primary_organization_country"] = first.Country
	}
	return ok(body)
}

func (c *call) listMetadata() reply {
	return ok(map[string]any{"metadata": c.acct.Metadata})
}

// metadata reads a new field, or over an old one what is given.
func (f form) metadata(m metadata) metadata {
	if f.has("label") || m.Label == "" {
		m.Label = f.need("label", 0)
	}
	for name, into := range map[string]*bool{"is_required": &m.IsRequired, "is_active": &m.IsActive, "show_in_receipt": &m.ShowInReceipt} {
		if on, given := f.flag(name); given {
			*into = on
		}
	}
	if f.has("data_type") {
		m.DataType = f.oneOf("data_type", "anything", "text", "int", "email_address", "email_list")
		if m.DataType == "anything" {
			m.DataType = "" // never told
		}
	}
	if f.has("description") {
		m.Description = f.text("description", 0)
	}
	return m
}

func (c *call) addMetadata(m metadata) int {
	m.ID = c.acct.nextID("metadata")
	c.acct.Metadata = append(c.acct.Metadata, m)
	return m.ID
}

func (c *call) createMetadata() reply {
	f, out, read := c.form()
	if !read {
		return out
	}
	m := f.metadata(metadata{IsActive: true})
	if out, refused := f.refused(); refused {
		return out
	}
	return created(idRef{c.addMetadata(m)})
}

func (c *call) createMetadataBulk() reply {
	f, out, read := c.form()
	if !read {
		return out
	}
	list, given := f.objects("metadata")
	if !given && !f.has("metadata") {
		f.missing("metadata")
	}
	var fields []metadata
	for _, item := range list {
		fields = append(fields, item.metadata(metadata{IsActive: true}))
	}
	if out, refused := f.refused(); refused {
		return out
	}
	ids := []idRef{}
	for _, m := range fields {
		ids = append(ids, idRef{c.addMetadata(m)})
	}
	return created(map[string]any{"metadata": ids})
}

// theMetadata is the place of the field of the path.
func (c *call) theMetadata() (int, reply) {
	i := slices.IndexFunc(c.acct.Metadata, func(m metadata) bool { return strconv.Itoa(m.ID) == c.params["metadata_id"] })
	return i, fail(http.StatusNotFound, "not_found|metadata", "There is no such custom field")
}

func (c *call) editMetadata() reply {
	i, out := c.theMetadata()
	if i < 0 {
		return out
	}
	f, out, read := c.form()
	if !read {
		return out
	}
	m := f.metadata(c.acct.Metadata[i])
	if out, refused := f.refused(); refused {
		return out
	}
	c.acct.Metadata[i] = m
	return noContent
}

func (c *call) deleteMetadata() reply {
	i, out := c.theMetadata()
	if i < 0 {
		return out
	}
	c.acct.Metadata = slices.Delete(c.acct.Metadata, i, i+1)
	return noContent
}
