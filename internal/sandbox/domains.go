package sandbox

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Domains, as far as orders need them (API facts, section 12).

type dcvToken struct {
	Token          string `json:"token,omitempty"`
	Status         string `json:"status"`
	ExpirationDate string `json:"expiration_date"`
}

type domain struct {
	ID           int                `json:"id"`
	IsActive     bool               `json:"is_active"`
	Status       string             `json:"status"`
	Name         string             `json:"name"`
	DateCreated  string             `json:"date_created"`
	Organization listedOrganization `json:"organization"`
	Validations  []validation       `json:"validations,omitempty"`
	DCVMethod    string             `json:"dcv_method,omitempty"`
	DCVToken     *dcvToken          `json:"dcv_token,omitempty"`
	Container    containerRef       `json:"container"`
	// SubmittedAt is when the proof was asked for.
	SubmittedAt time.Time `json:"submitted_at,omitzero"`
}

func (a *account) domain(id int) *domain {
	return byID(a.Domains, id, func(d *domain) int { return d.ID })
}

// domainOf finds a domain of an organization by name.
func (a *account) domainOf(name string, organization int) *domain {
	i := slices.IndexFunc(a.Domains, func(d *domain) bool { return d.Name == name && d.Organization.ID == organization })
	if i < 0 {
		return nil
	}
	return a.Domains[i]
}

func (d *domain) validated(now time.Time) bool {
	return d.IsActive && slices.ContainsFunc(d.Validations, func(v validation) bool {
		until, ok := moment(v.ValidatedUntil)
		return v.Status == "active" && ok && now.Before(until)
	})
}

func (d *domain) validate(at time.Time) {
	for i := range d.Validations {
		d.Validations[i].activate(at)
	}
	if d.DCVToken != nil {
		d.DCVToken.Status = "valid"
	}
	d.SubmittedAt = time.Time{}
}

func (c *call) addDomain(name string, org *organization, method string) *domain {
	if method == "" {
		method = "email"
	}
	pr := &proof{}
	pr.renew(method, c.now())
	v := newValidation("ov")
	d := &domain{
		ID: c.acct.nextID("domain"), IsActive: true, Status: "active", Name: name, DateCreated: stamp(c.now()),
		Organization: listedOrganization{org.ID, org.Name}, Validations: []validation{v}, DCVMethod: method,
		DCVToken: &dcvToken{pr.Token, "pending", pr.Expires}, Container: org.Container, SubmittedAt: c.now(),
	}
	c.acct.Domains = append(c.acct.Domains, d)
	return d
}

// shown is a domain with what the query asks for.
func (d *domain) shown(dcv, validations bool) *domain {
	cp := *d
	cp.SubmittedAt = time.Time{}
	if !dcv {
		cp.DCVToken = nil
	}
	if !validations {
		cp.Validations = nil
	}
	return &cp
}

func (c *call) listDomains() reply {
	list := slices.DeleteFunc(slices.Clone(c.acct.Domains), func(d *domain) bool { return !c.sees(d.Container.ID) })
	if id := c.query.Get("container_id"); id != "" {
		list = slices.DeleteFunc(list, func(d *domain) bool { return !isNumber(d.Container.ID, id) })
	}
	list, bad := keep(list, filters(c.query), map[string]test[*domain]{
		"status":          func(d *domain, v string) bool { return d.Status == v },
		"name":            func(d *domain, v string) bool { return strings.EqualFold(d.Name, v) },
		"organization_id": func(d *domain, v string) bool { return isNumber(d.Organization.ID, v) },
		"search":          func(d *domain, v string) bool { return searched(v, d.Name) },
	})
	if bad == nil {
		bad = arrange(list, c.query.Get("sort"), map[string]func(a, b *domain) int{
			"id":   func(a, b *domain) int { return cmp.Compare(a.ID, b.ID) },
			"name": func(a, b *domain) int { return cmp.Compare(a.Name, b.Name) },
		})
	}
	if bad != nil {
		return *bad
	}
	list, p, bad := cut(c, list)
	if bad != nil {
		return *bad
	}
	with, _ := strconv.ParseBool(c.query.Get("include_validation"))
	items := []any{}
	for _, d := range list {
		items = append(items, d.shown(false, with))
	}
	return ok(map[string]any{"domains": items, "page": p})
}

func (c *call) theDomain() (*domain, reply) {
	id, _ := strconv.Atoi(c.params["domain_id"])
	d := c.acct.domain(id)
	if d == nil || !c.sees(d.Container.ID) {
		return nil, fail(http.StatusNotFound, "not_found|domain", "There is no such domain")
	}
	return d, reply{}
}

func (c *call) getDomain() reply {
	d, out := c.theDomain()
	if d == nil {
		return out
	}
	dcv, _ := strconv.ParseBool(c.query.Get("include_dcv"))
	validations, _ := strconv.ParseBool(c.query.Get("include_validation"))
	return ok(d.shown(dcv, validations))
}

func (c *call) createDomain() reply {
	f, out, read := c.form()
	if !read {
		return out
	}
	name := strings.ToLower(f.need("name", 253))
	if name != "" && !hostname.MatchString(name) {
		f.bad("name", "%q is not a domain name", name)
	}
	var org *organization
	if sub, given := f.object("organization"); given {
		id, _ := sub.id("id")
		if org = c.acct.organization(id); org == nil || !c.seesOrganization(org) {
			sub.bad("id", "there is no organization %d", id)
		}
	} else if !f.has("organization") {
		f.missing("organization")
	}
	method := f.oneOf("dcv_method", glossaryValues("dcv_methods")...)
	kinds := []string{}
	list, _ := f.objects("validations")
	for _, item := range list {
		kinds = append(kinds, item.oneOf("type", glossaryValues("validation_types")...))
	}
	if out, refused := f.refused(); refused {
		return out
	}
	if c.acct.domainOf(name, org.ID) != nil {
		return fail(http.StatusBadRequest, "invalid_value:name", "The organization has this domain already")
	}
	d := c.addDomain(name, org, method)
	if len(kinds) > 0 {
		d.Validations = nil
		for _, kind := range kinds {
			d.Validations = append(d.Validations, newValidation(kind))
		}
	}
	return created(map[string]any{"id": d.ID, "dcv_token": d.DCVToken})
}

func (c *call) activateDomain() reply   { return c.switchDomain(true) }
func (c *call) deactivateDomain() reply { return c.switchDomain(false) }

func (c *call) switchDomain(on bool) reply {
	d, out := c.theDomain()
	if d == nil {
		return out
	}
	d.set(on)
	return noContent
}

func (d *domain) set(on bool) {
	d.IsActive, d.Status = on, map[bool]string{true: "active", false: "inactive"}[on]
}
