package manifests

import (
	"fmt"
	"slices"
	"strings"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
	"dcsync/schema"
)

// publicMail holds domains of mail providers the client order document names; anybody can have an address there.
var publicMail = []string{"gmail.com", "googlemail.com", "outlook.com", "yahoo.com", "hotmail.com", "msn.com"}

// checkMailboxProvider warns of an address at a public mail provider: where the organization is validated the API refuses it unless
// the provider's own domain was validated for the organization (client order document, email address validation).
func checkMailboxProvider(in schema.CheckInput) []schema.Violation {
	email, _ := in.Value.(resource.String)
	_, domain, _ := strings.Cut(strings.ToLower(string(email)), "@")
	if !slices.Contains(publicMail, domain) {
		return nil
	}
	return []schema.Violation{{
		Path: in.Path, Severity: diag.Warning, Code: diag.ValueUnverified,
		Summary: fmt.Sprintf("%s is a public mail provider", domain),
		Detail:  "The API refuses such an address unless the provider's domain is validated for the organization.",
		Hint:    "use an address in a domain of the organization",
	}}
}

// checkStrictProfile refuses a usage that the strict profile does not have (API facts, section 7.4.4).
func checkStrictProfile(in schema.CheckInput) []schema.Violation {
	const usage = "client_auth"
	if resource.Text(in.Value) != usage || resource.Text(resource.Get(in.Spec, "/certificate/profile_type")) != "strict" {
		return nil
	}
	return []schema.Violation{{Path: in.Path, Severity: diag.Error, Code: diag.BadValue,
		Summary: usage + " is not in the strict profile", Hint: "remove it, or write profile_type: multipurpose"}}
}
