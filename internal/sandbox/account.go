package sandbox

import (
	"net/http"
	"slices"
	"strconv"
)

// Account, users, containers and custom order fields (API facts, sections 3 and 12).

type metadata struct {
	ID            int    `json:"id"`
	Label         string `json:"label"`
	IsRequired    bool   `json:"is_required"`
	IsActive      bool   `json:"is_active"`
	DataType      string `json:"data_type,omitempty"`
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

func (c *call) listUsers() reply {
	list := slices.Clone(c.acct.Users)
	if id := c.query.Get("container_id"); id != "" {
		list = slices.DeleteFunc(list, func(u *user) bool { return !isNumber(u.Container.ID, id) })
	}
	list, p, bad := cut(c, list)
	if bad != nil {
		return *bad
	}
	return ok(map[string]any{"users": list, "page": p})
}

func (c *call) getMe() reply { return ok(c.userInfo(c.user)) }

func (c *call) getUser() reply {
	id, _ := strconv.Atoi(c.params["user_id"])
	if u := c.acct.user(id); u != nil {
		return ok(c.userInfo(u))
	}
	return fail(http.StatusNotFound, "not_found|user", "There is no such user")
}

func (c *call) userInfo(u *user) any {
	return struct {
		*user
		IsCertCentral           bool           `json:"is_cert_central"`
		IsEnterprise            bool           `json:"is_enterprise"`
		IsSAMLSSOOnly           bool           `json:"is_saml_sso_only"`
		HasContainerAssignments bool           `json:"has_container_assignments"`
		ContainerVisibility     []containerRef `json:"container_visibility"`
		LanguageID              int            `json:"language_id"`
		AccountLanguageID       int            `json:"account_language_id"`
	}{user: u, IsCertCentral: true, IsEnterprise: true, ContainerVisibility: []containerRef{rootContainer}, LanguageID: 1, AccountLanguageID: 1}
}

func containerInfo() map[string]any {
	return map[string]any{
		"id": rootContainer.ID, "public_id": "sandbox-root", "name": rootContainer.Name, "parent_id": 0,
		"template_id": 5, "ekey": "sandbox-root", "has_logo": false, "is_active": true,
	}
}

func (c *call) listContainers() reply {
	return ok(map[string]any{"containers": []any{containerInfo()}})
}

func (c *call) getContainer() reply {
	if !isNumber(rootContainer.ID, c.params["container_id"]) {
		return fail(http.StatusNotFound, "not_found|container", "There is no such container")
	}
	return ok(containerInfo())
}

// getProductLimits says that nothing is limited beyond the products' own rules.
func (c *call) getProductLimits() reply {
	if !isNumber(rootContainer.ID, c.params["container_id"]) {
		return fail(http.StatusNotFound, "not_found|container", "There is no such container")
	}
	return ok(map[string]any{"is_limited": false})
}
