package cli

import (
	"slices"
	"testing"

	"dcsync/schema/glossary"
)

// The topics that scripts may ask for, by the contract of the command line.
func TestReferenceTopics(t *testing.T) {
	t.Parallel()
	for _, topic := range []string{
		"access_roles", "api_key_roles", "certificate_formats", "custom_field_types", "currencies", "locales", "cs_provisioning_methods",
		"csr_requirements", "dcv_methods", "hash_types", "http_statuses", "order_statuses", "products", "platforms_tls",
		"platforms_code_signing", "platforms_ev_code_signing", "subaccount_currencies", "subaccount_types", "user_statuses",
		"organization_statuses", "organization_validation_statuses",
	} {
		if !slices.Contains(glossary.Topics(), topic) {
			t.Errorf("no topic %s", topic)
		}
	}
}
