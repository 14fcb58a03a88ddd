package sandbox

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// CSV: the order report (API facts, section 5.1), and lists for clients that ask
// for text/csv. Every value stands in quotes.

const (
	reportLimit    = 50000
	reportMaxLimit = 100000
)

// reportColumns are those of the stored header row, which ends there too.
var reportColumns = []string{
	"order_id", "customer_order_id", "date_created", "container_id", "container_name", "status", "user_id", "organization_id", "organization_name",
	"organization_address_1", "organization_address_2", "organization_city", "organization_state", "organization_country", "organization_unit",
	"tech_first_name", "tech_last_name", "tech_email", "tech_title", "tech_telephone", "server_type", "issuing_ca", "agreement_id", "validity_years",
	"signature_hash", "dcv_method", "common_name", "plus_feature", "dns_names", "product_id", "product_name_id", "product_name", "product_type", "email", "csr",
	"valid_from", "valid_till", "certificate_tracker_id", "is_renewed", "renewed_order_id", "receipt_id", "disable_issuance_email", "pay_type",
	"is_out_of_contract", "disable_renewal_notifications", "additional_emails", "auto_renew", "custom_renewal_message", "thumbprint", "serial_number",
	"account_id", "user_first_name", "user_last_name",
}

var reportFilters = []string{
	"id", "common_name", "status", "date_created", "valid_till", "organization_id", "user_id", "product_name_id", "is_renewed", "container_id",
}

func (c *call) orderReport() reply {
	tests := map[string]test[*order]{}
	for _, name := range reportFilters {
		tests[name] = orderFilters[name]
	}
	list, bad := keep(c.orders(), filters(c.query), tests)
	if bad != nil {
		return *bad
	}
	list, _, bad = cutAt(c, list, reportLimit, reportMaxLimit)
	if bad != nil {
		return *bad
	}
	var rows []map[string]string
	for _, o := range list {
		rows = append(rows, c.reportRow(c.view(o)))
	}
	return reply{status: http.StatusOK, kind: "text/csv", raw: csvText(reportColumns, rows)}
}

// reportRow leaves customer_order_id empty: whether it holds the alternative id
// is unknown.
func (c *call) reportRow(o *order) map[string]string {
	cert := o.Certificate
	row := map[string]string{
		"order_id": strconv.Itoa(o.ID), "date_created": reportTime(o.DateCreated), "container_id": strconv.Itoa(o.Container.ID),
		"container_name": o.Container.Name, "status": o.Status, "user_id": strconv.Itoa(o.User.ID), "validity_years": strconv.Itoa(o.ValidityYears),
		"signature_hash": cert.SignatureHash, "dcv_method": o.DCVMethod, "common_name": cert.CommonName, "dns_names": strings.Join(cert.DNSNames, ","),
		"product_name_id": o.Product.NameID, "product_name": o.Product.Name, "product_type": o.Product.Type, "email": strings.Join(cert.Emails, ","),
		"csr": cert.CSR, "valid_from": reportTime(cert.ValidFrom), "valid_till": reportTime(cert.ValidTill), "is_renewed": digit(o.IsRenewed),
		"disable_issuance_email": digit(o.DisableIssuanceEmail), "pay_type": o.PaymentMethod, "is_out_of_contract": "0",
		"disable_renewal_notifications": digit(o.DisableRenewalNotifications), "additional_emails": strings.Join(o.AdditionalEmails, ","),
		"auto_renew": strconv.Itoa(o.AutoRenew), "custom_renewal_message": o.CustomRenewalMessage, "thumbprint": cert.Thumbprint,
		"serial_number": cert.SerialNumber, "account_id": strconv.Itoa(accountID), "user_first_name": o.User.FirstName, "user_last_name": o.User.LastName,
		"organization_unit": strings.Join(cert.OrganizationUnits, ","),
	}
	if cert.ID != 0 {
		row["certificate_tracker_id"] = strconv.Itoa(cert.ID)
	}
	if o.RenewedOrderID != 0 {
		row["renewed_order_id"] = strconv.Itoa(o.RenewedOrderID)
	}
	if cert.ServerPlatform != nil {
		row["server_type"] = cert.ServerPlatform.Name
	}
	if cert.CACert != nil {
		row["issuing_ca"] = cert.CACert.Name
	}
	if org := c.acct.organization(o.organizationID()); org != nil {
		maps.Copy(row, map[string]string{
			"organization_id": strconv.Itoa(org.ID), "organization_name": org.Name, "organization_address_1": org.Address, "organization_address_2": org.Address2,
			"organization_city": org.City, "organization_state": org.State, "organization_country": org.Country,
		})
	}
	if t := o.TechnicalContact; t != nil {
		maps.Copy(row, map[string]string{
			"tech_first_name": t.FirstName, "tech_last_name": t.LastName, "tech_email": t.Email, "tech_title": t.JobTitle, "tech_telephone": t.Telephone,
		})
	}
	return row
}

func digit(on bool) string { return map[bool]string{true: "1", false: "0"}[on] }

// reportTime has no zone; of what has no time of day, midnight.
func reportTime(s string) string {
	t, ok := moment(s)
	if !ok {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}

func csvText(columns []string, rows []map[string]string) []byte {
	var b strings.Builder
	line := func(value func(column string) string) {
		for i, name := range columns {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `"%s"`, strings.ReplaceAll(value(name), `"`, `""`))
		}
		b.WriteString("\r\n")
	}
	line(func(name string) string { return name })
	for _, row := range rows {
		line(func(name string) string { return row[name] })
	}
	return []byte(b.String())
}

// asCSV turns a list answer into a table: a row for each item, a column for each
// scalar in it, named by its path. The columns of the real answer are unknown.
func (out reply) asCSV() reply {
	text, isJSON := out.body.(json.RawMessage)
	var body map[string]any
	if out.status != http.StatusOK || !isJSON || decodeTree(text, &body) != nil {
		return out
	}
	var rows []map[string]string
	seen := map[string]bool{}
	for name, value := range body {
		list, isList := value.([]any)
		if !isList || name == "page" {
			continue
		}
		for _, item := range list {
			row := map[string]string{}
			flatten(row, "", item)
			rows = append(rows, row)
			for name := range row {
				seen[name] = true
			}
		}
	}
	delete(seen, "id")
	columns := append([]string{"id"}, slices.Sorted(maps.Keys(seen))...)
	return reply{status: out.status, kind: "text/csv", raw: csvText(columns, rows)}
}

func flatten(row map[string]string, at string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			if at != "" {
				name = at + "." + name
			}
			flatten(row, name, inner)
		}
	case []any:
		var parts []string
		for _, item := range v {
			if _, nested := item.(map[string]any); !nested {
				parts = append(parts, fmt.Sprint(item))
			}
		}
		row[at] = strings.Join(parts, ",")
	default:
		row[at] = fmt.Sprint(v)
	}
}
