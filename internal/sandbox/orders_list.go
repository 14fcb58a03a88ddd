package sandbox

import (
	"cmp"
	"slices"
	"strings"
)

// The order list (API facts, section 5). It lacks contacts, emails, notes,
// csr, platform, provisioning method and the alternative id.

type listedCertificate struct {
	ID            int       `json:"id,omitempty"`
	CommonName    string    `json:"common_name,omitempty"`
	DNSNames      []string  `json:"dns_names,omitempty"`
	SerialNumber  string    `json:"serial_number,omitempty"`
	ValidFrom     string    `json:"valid_from,omitempty"`
	ValidTill     string    `json:"valid_till,omitempty"`
	DaysRemaining int       `json:"days_remaining,omitempty"`
	CertValidity  *validity `json:"cert_validity,omitempty"`
	SignatureHash string    `json:"signature_hash,omitempty"`
}

type listedOrganization struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
}

type listedProduct struct {
	NameID string `json:"name_id"`
	Name   string `json:"name"`
	Type   string `json:"type"`
}

type listedOrder struct {
	ID                          int                            `json:"id"`
	Certificate                 listedCertificate              `json:"certificate"`
	Status                      string                         `json:"status"`
	IsRenewed                   bool                           `json:"is_renewed"`
	DateCreated                 string                         `json:"date_created"`
	Organization                maybeEmpty[listedOrganization] `json:"organization"`
	ValidityYears               int                            `json:"validity_years,omitempty"`
	OrderValidity               validity                       `json:"order_validity"`
	OrderValidTill              string                         `json:"order_valid_till,omitempty"`
	IsMultiYearPlan             string                         `json:"is_multi_year_plan,omitempty"`
	DisableRenewalNotifications bool                           `json:"disable_renewal_notifications"`
	Container                   orderContainer                 `json:"container"`
	Product                     listedProduct                  `json:"product"`
	ProductNameID               string                         `json:"product_name_id"`
	HasDuplicates               bool                           `json:"has_duplicates"`
	DuplicatesCount             int                            `json:"duplicates_count"`
	HasReissues                 bool                           `json:"has_reissues"`
	ReissuesCount               int                            `json:"reissues_count"`
	Price                       float64                        `json:"price"`
	NumberOfSANs                int                            `json:"number_of_sans"`
	CustomFields                []customField                  `json:"custom_fields,omitempty"`
}

func (c *call) listed(o *order) listedOrder {
	v := c.view(o)
	item := listedOrder{
		ID: v.ID,
		Certificate: listedCertificate{
			v.Certificate.ID, v.Certificate.CommonName, v.Certificate.DNSNames, v.Certificate.SerialNumber,
			v.Certificate.ValidFrom, v.Certificate.ValidTill, v.Certificate.DaysRemaining,
			v.Certificate.CertValidity, v.Certificate.SignatureHash,
		},
		Status: v.Status, IsRenewed: v.IsRenewed, DateCreated: v.DateCreated,
		ValidityYears: v.ValidityYears, OrderValidity: v.OrderValidity, OrderValidTill: v.OrderValidTill,
		IsMultiYearPlan:             v.IsMultiYearPlan,
		DisableRenewalNotifications: v.DisableRenewalNotifications, Container: v.Container,
		Product: listedProduct{v.Product.NameID, v.Product.Name, v.Product.Type}, ProductNameID: v.Product.NameID,
		HasDuplicates: v.DuplicatesCount > 0, DuplicatesCount: v.DuplicatesCount,
		HasReissues: v.ReissuesCount > 0, ReissuesCount: v.ReissuesCount,
		Price: v.Price, NumberOfSANs: len(v.Certificate.DNSNames), CustomFields: v.CustomFields,
	}
	if org := v.Organization.v; org != nil {
		item.Organization.v = &listedOrganization{org.ID, org.Name}
	}
	return item
}

// orderFilters are the documented ones. There is none for the alternative id.
var orderFilters = map[string]test[*order]{
	"id": func(o *order, v string) bool { return isNumber(o.ID, v) },
	// Expired orders are issued ones to this filter.
	"status":                        func(o *order, v string) bool { return o.Status == v || v == "issued" && o.Status == "expired" },
	"organization_id":               func(o *order, v string) bool { return isNumber(o.organizationID(), v) },
	"product_name_id":               func(o *order, v string) bool { return o.Product.NameID == v },
	"valid_till":                    func(o *order, v string) bool { return inTime(o.Certificate.ValidTill, v) },
	"user_id":                       func(o *order, v string) bool { return isNumber(o.User.ID, v) },
	"common_name":                   func(o *order, v string) bool { return strings.EqualFold(o.Certificate.CommonName, v) },
	"domain_name":                   func(o *order, v string) bool { return o.hasName(v) },
	"date_created":                  func(o *order, v string) bool { return inTime(o.DateCreated, v) },
	"container_id":                  func(o *order, v string) bool { return isNumber(o.Container.ID, v) },
	"metadata_id":                   func(o *order, v string) bool { return o.hasField(v) },
	"is_renewed":                    func(o *order, v string) bool { return isFlag(o.IsRenewed, v) },
	"disable_renewal_notifications": func(o *order, v string) bool { return isFlag(o.DisableRenewalNotifications, v) },
	"email":                         func(o *order, v string) bool { return slices.Contains(o.Certificate.Emails, v) },
	"certificate_id":                func(o *order, v string) bool { return isNumber(o.Certificate.ID, v) },
	"origin":                        func(_ *order, v string) bool { return v == "certcentral" },
	"serial_number":                 func(o *order, v string) bool { return v != "" && strings.EqualFold(o.Certificate.SerialNumber, v) },
	"search": func(o *order, v string) bool {
		return searched(v, append(slices.Clone(o.Certificate.Emails), o.Certificate.CommonName)...)
	},
}

func (o *order) hasName(name string) bool {
	return strings.EqualFold(o.Certificate.CommonName, name) ||
		slices.ContainsFunc(o.Certificate.DNSNames, func(n string) bool { return strings.EqualFold(n, name) })
}

func (o *order) hasField(id string) bool {
	return slices.ContainsFunc(o.CustomFields, func(f customField) bool { return isNumber(f.MetadataID, id) })
}

var orderSorts = map[string]func(a, b *order) int{
	"order_id":        func(a, b *order) int { return cmp.Compare(a.ID, b.ID) },
	"id":              func(a, b *order) int { return cmp.Compare(a.ID, b.ID) },
	"date_created":    func(a, b *order) int { return cmp.Compare(a.DateCreated, b.DateCreated) },
	"common_name":     func(a, b *order) int { return cmp.Compare(a.Certificate.CommonName, b.Certificate.CommonName) },
	"status":          func(a, b *order) int { return cmp.Compare(a.Status, b.Status) },
	"validity_years":  func(a, b *order) int { return cmp.Compare(a.ValidityYears, b.ValidityYears) },
	"product_name":    func(a, b *order) int { return cmp.Compare(a.Product.Name, b.Product.Name) },
	"product_name_id": func(a, b *order) int { return cmp.Compare(a.Product.NameID, b.Product.NameID) },
	"valid_till":      func(a, b *order) int { return cmp.Compare(a.Certificate.ValidTill, b.Certificate.ValidTill) },
}

// listOrders answers newest first unless sorted (assumed; unknown). An empty
// answer has no orders key at all.
func (c *call) listOrders() reply {
	list := c.orders()
	if id := c.query.Get("container_id"); id != "" {
		list = slices.DeleteFunc(list, func(o *order) bool { return !isNumber(o.Container.ID, id) })
	}
	slices.Reverse(list)
	list, bad := keep(list, filters(c.query), orderFilters)
	if bad == nil {
		bad = arrange(list, c.query.Get("sort"), orderSorts)
	}
	if bad != nil {
		return *bad
	}
	list, p, bad := cut(c, list)
	if bad != nil {
		return *bad
	}
	body := map[string]any{"page": p}
	if len(list) > 0 {
		items := make([]listedOrder, len(list))
		for i, o := range list {
			items[i] = c.listed(o)
		}
		body["orders"] = items
	}
	return ok(body)
}
