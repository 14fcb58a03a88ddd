package manifests

import (
	"fmt"
	"strings"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
	"dcsync/schema"
)

// checkWildcard holds a name against what its product does with wildcards, which the table writes behind the check: never (an
// extended-validation certificate cannot have any), first (the main name is one), unusual (other products are made for them, but an
// account may allow it).
func checkWildcard(in schema.CheckInput) []schema.Violation {
	name := resource.Text(in.Value)
	isWildcard := strings.HasPrefix(name, "*.")
	v := schema.Violation{Path: in.Path, Severity: diag.Error, Code: diag.BadValue}
	switch {
	case in.Argument == "never" && isWildcard:
		v.Summary, v.Hint = fmt.Sprintf("%s takes no wildcard", in.Product), "name each host, or order an organization-validated product"
	case in.Argument == "unusual" && isWildcard:
		v.Severity, v.Code = diag.Warning, diag.ValueUnverified
		v.Summary, v.Hint = fmt.Sprintf("%s takes a wildcard only where the account allows it", in.Product), "order a wildcard or flex product"
	case in.Argument == "first" && !isWildcard:
		v.Severity, v.Code = diag.Warning, diag.ValueUnverified
		v.Summary, v.Hint = fmt.Sprintf("%s is made for a wildcard, and %s is none", in.Product, name), "write *."+name+", or order another product"
	default:
		return nil
	}
	return []schema.Violation{v}
}
