package sandbox

import (
	"net/http"
	"slices"
	"strconv"
)

// Containers, which the console calls divisions (API facts, section 12).

func (a *account) container(id int) *containerRef {
	i := slices.IndexFunc(a.Containers, func(c containerRef) bool { return c.ID == id })
	if i < 0 {
		return nil
	}
	return &a.Containers[i]
}

func (c *call) visibleContainers() []containerRef {
	return slices.DeleteFunc(slices.Clone(c.acct.Containers), func(r containerRef) bool { return !c.sees(r.ID) })
}

func containerInfo(r containerRef) map[string]any {
	name := "sandbox-" + strconv.Itoa(r.ID)
	if r.ID == rootContainer.ID {
		name = "sandbox-root"
	}
	return map[string]any{
		"id": r.ID, "public_id": name, "name": r.Name, "parent_id": r.ParentID,
		"template_id": 5, "ekey": name, "has_logo": false, "is_active": r.IsActive,
	}
}

func (c *call) listContainers() reply {
	list := []any{}
	for _, r := range c.visibleContainers() {
		list = append(list, containerInfo(r))
	}
	return ok(map[string]any{"containers": list})
}

func (c *call) theContainer() (*containerRef, reply) {
	id, _ := strconv.Atoi(c.params["container_id"])
	r := c.acct.container(id)
	if r == nil || !c.sees(id) {
		return nil, fail(http.StatusNotFound, "not_found|container", "There is no such container")
	}
	return r, reply{}
}

func (c *call) getContainer() reply {
	r, out := c.theContainer()
	if r == nil {
		return out
	}
	return ok(containerInfo(*r))
}

// productLimit is one rule of an account that customised its products. Its
// lifetimes are numbers written as strings.
type productLimit struct {
	ContainerID           int      `json:"container_id"`
	RoleID                int      `json:"role_id"`
	ProductNameID         string   `json:"product_name_id"`
	AllowedHashes         []string `json:"allowed_hashes,omitempty"`
	AllowedIntermediates  []string `json:"allowed_intermediates,omitempty"`
	AllowedLifetimes      []string `json:"allowed_lifetimes,omitempty"`
	AllowedOrderLifetimes []string `json:"allowed_order_lifetimes,omitempty"`
	AllowAutoRenew        bool     `json:"allow_auto_renew"`
	AllowAutoReissue      bool     `json:"allow_auto_reissue"`
	AllowedWildcards      bool     `json:"allowed_wildcards"`
}

// getProductLimits: nothing is limited beyond the products' own rules unless the
// seed brings limits.
func (c *call) getProductLimits() reply {
	r, out := c.theContainer()
	if r == nil {
		return out
	}
	list := slices.DeleteFunc(slices.Clone(c.acct.ProductLimits), func(l productLimit) bool { return l.ContainerID != r.ID })
	if len(list) == 0 {
		return ok(map[string]any{"is_limited": false})
	}
	return ok(map[string]any{"is_limited": true, "product_limits": list})
}

// refuseLimited applies the limits to an order.
func (p *placing) refuseLimited() {
	for _, l := range p.acct.ProductLimits {
		if l.ContainerID != p.order.Container.ID || l.ProductNameID != p.product.NameID || l.RoleID != 0 && !p.user.is(l.RoleID) {
			continue
		}
		hash := p.order.Certificate.SignatureHash
		if len(l.AllowedHashes) > 0 && hash != "" && !slices.Contains(l.AllowedHashes, hash) {
			p.bad("certificate.signature_hash", "%s is not allowed in this container", hash)
		}
		years := strconv.Itoa(p.order.OrderValidity.pricedYears(p.now()))
		if len(l.AllowedOrderLifetimes) > 0 && !slices.Contains(l.AllowedOrderLifetimes, years) {
			p.add("invalid_value:validity_years", "%s years are not allowed in this container", years)
		}
	}
}

// listContainerOrganizations are the active organizations orders in a container
// can name, with their validations: those of the container and of the ones above
// it (the latter assumed).
func (c *call) listContainerOrganizations() reply {
	r, out := c.theContainer()
	if r == nil {
		return out
	}
	chain := []int{}
	for at := r; at != nil && !slices.Contains(chain, at.ID); at = c.acct.container(at.ParentID) {
		chain = append(chain, at.ID)
	}
	list := []any{}
	for _, o := range c.acct.Organizations {
		if o.IsActive && c.seesOrganization(o) && slices.Contains(chain, o.Container.ID) {
			list = append(list, o.listed(true))
		}
	}
	return ok(map[string]any{"organizations": list})
}
