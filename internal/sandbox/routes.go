package sandbox

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Restrictions of API keys (glossary, API key roles).
const (
	roleNone          = 0
	roleOrders        = 100
	roleOrganizations = 101
	roleViewOnly      = 102
	roleUsers         = 103
)

// area says which restricted keys reach an endpoint.
type area int

const (
	orders        area = iota // orders, requests, certificates: roles 100 and 101
	organizations             // role 101
	self                      // the key's own user: every role (assumed)
	people                    // users and their keys: role 103
	rest                      // unrestricted and view-only keys
)

// route is one endpoint. Pattern uses the parameter names of the API documents;
// it is what stats count by.
type route struct {
	method  string
	pattern string
	area    area
	handle  func(*call) reply
}

var routes = slices.Concat(accountRoutes, organizationRoutes, orderRoutes, certificateRoutes)

var accountRoutes = []*route{
	{"GET", "/account", rest, (*call).getAccount},
	{"GET", "/account/metadata", rest, (*call).listMetadata},
	{"POST", "/account/metadata", rest, (*call).createMetadata},
	{"POST", "/account/metadata/bulk", rest, (*call).createMetadataBulk},
	{"PUT", "/account/metadata/{metadata_id}", rest, (*call).editMetadata},
	{"DELETE", "/account/metadata/{metadata_id}", rest, (*call).deleteMetadata},
	{"GET", "/user", people, (*call).listUsers},
	{"POST", "/user", people, (*call).createUser},
	{"GET", "/user/me", self, (*call).getMe},
	{"GET", "/user/api-only", people, (*call).listAPIUsers},
	{"GET", "/service-user", people, (*call).listAPIUsers},
	{"GET", "/user/{user_id}", people, (*call).getUser},
	{"GET", "/key", people, (*call).listKeys},
	{"GET", "/key/api-roles", people, (*call).listKeyRoles},
	{"GET", "/key/{key_id}", people, (*call).getKey},
	{"PUT", "/key/{key_id}", people, (*call).editKey},
	{"PUT", "/key/{key_id}/status", people, (*call).putKeyStatus},
	{"POST", "/key/user/{user_id}", people, (*call).createKey},
	{"GET", "/authorization", self, (*call).listAuthorizations},
	{"GET", "/authorization/{permission}", self, (*call).getAuthorization},
	{"GET", "/authorization/{permission}/container", self, (*call).getAuthorizedContainers},
	{"GET", "/container", rest, (*call).listContainers},
	{"GET", "/container/{container_id}", rest, (*call).getContainer},
	{"GET", "/container/{container_id}/product-limits", rest, (*call).getProductLimits},
	{"GET", "/container/{container_id}/order/organization", organizations, (*call).listContainerOrganizations},
	{"GET", "/product", rest, (*call).listProducts},
	{"GET", "/product/pricing", rest, (*call).listPrices},
	{"GET", "/product/{name_id}", rest, (*call).getProduct},
	{"POST", "/finance/order-pricing", rest, (*call).estimatePrice},
}

var organizationRoutes = []*route{
	{"GET", "/organization", organizations, (*call).listOrganizations},
	{"POST", "/organization", organizations, (*call).createOrganization},
	{"GET", "/organization/potential-approvers", organizations, (*call).listApprovers},
	{"GET", "/organization/{organization_id}", organizations, (*call).getOrganization},
	{"DELETE", "/organization/{organization_id}", organizations, (*call).deleteOrganization},
	{"PUT", "/organization/{organization_id}/contact", organizations, (*call).putOrganizationContacts},
	{"PUT", "/organization/{organization_id}/activate", organizations, (*call).activateOrganization},
	{"PUT", "/organization/{organization_id}/deactivate", organizations, (*call).deactivateOrganization},
	{"GET", "/organization/{organization_id}/validation", organizations, (*call).getValidations},
	{"POST", "/organization/{organization_id}/validation", organizations, (*call).submitValidations},
	{"GET", "/domain", organizations, (*call).listDomains},
	{"POST", "/domain", organizations, (*call).createDomain},
	{"GET", "/domain/{domain_id}", organizations, (*call).getDomain},
	{"PUT", "/domain/{domain_id}/activate", organizations, (*call).activateDomain},
	{"PUT", "/domain/{domain_id}/deactivate", organizations, (*call).deactivateDomain},
}

var orderRoutes = []*route{
	{"GET", "/order/certificate", orders, (*call).listOrders},
	{"GET", "/order/certificate/status-changes", orders, (*call).listStatusChanges},
	{"GET", "/order/certificate/{order_id}", orders, (*call).getOrder},
	{"POST", "/order/certificate/{product_name_id}", orders, (*call).createOrder},
	{"DELETE", "/order/certificate/{order_id}", orders, (*call).deleteOrder},
	{"GET", "/order/alternate/{alternative_order_id}", orders, (*call).lookUpOrders},
	{"GET", "/order/certificate/{order_id}/note", orders, (*call).listNotes},
	{"POST", "/order/certificate/{order_id}/note", orders, (*call).addNote},
	{"DELETE", "/order/certificate/{order_id}/note/{note_id}", orders, (*call).deleteNote},
	{"PUT", "/order/certificate/{order_id}/additional-emails", orders, (*call).putAdditionalEmails},
	{"POST", "/order/certificate/{order_id}/custom-field", orders, (*call).postCustomField},
	{"PUT", "/order/certificate/{order_id}/contact", orders, (*call).putOrderContacts},
	{"PUT", "/order/certificate/{order_id}/renewal-emails/{status}", orders, (*call).putRenewalEmails},
	{"PUT", "/order/certificate/{order_id}/custom-renewal-message", orders, (*call).putRenewalMessage},
	{"PUT", "/order/certificate/{order_id}/auto-reissue", orders, (*call).putAutoReissue},
	{"PUT", "/order/certificate/{order_id}/ct-status", orders, (*call).putTransparency},
	{"PUT", "/order/certificate/{order_id}/dcv-method", orders, (*call).putProofMethod},
	{"PUT", "/order/certificate/{order_id}/dcv-random-value", orders, (*call).putRandomValue},
	{"PUT", "/order/certificate/{order_id}/resend-emails", orders, (*call).resendEmails},
	{"PUT", "/order/certificate/{order_id}/check-dcv", orders, (*call).checkProof},
	{"PUT", "/order/certificate/{order_id}/order-approval/resend-emails", orders, (*call).resendApprovals},
	{"POST", "/order/certificate/{order_id}/csr", orders, (*call).postCSR},
	{"PUT", "/order/certificate/{order_id}/status", orders, (*call).putOrderStatus},
	{"PUT", "/order/certificate/{order_id}/revoke", orders, (*call).revokeOrderCall},
	{"GET", "/order/certificate/{order_id}/reissue", orders, (*call).listReissues},
	{"POST", "/order/certificate/{order_id}/reissue", orders, (*call).reissueOrder},
	{"GET", "/order/certificate/{order_id}/duplicate", orders, (*call).listDuplicates},
	{"POST", "/order/certificate/{order_id}/duplicate", orders, (*call).duplicateOrder},
	{"GET", "/report/order", orders, (*call).orderReport},

	{"GET", "/request", orders, (*call).listRequests},
	{"GET", "/request/{request_id}", orders, (*call).getRequest},
	{"PUT", "/request/{request_id}/status", orders, (*call).putRequestStatus},
}

var certificateRoutes = []*route{
	{"GET", "/certificate/intermediates", orders, (*call).listIntermediates},
	{"GET", "/certificate/{certificate_id}/chain", orders, (*call).getChain},
	{"GET", "/certificate/{certificate_id}/download/platform", orders, (*call).downloadForPlatform},
	{"GET", "/certificate/{certificate_id}/download/platform/{platform_id}", orders, (*call).downloadForPlatform},
	{"GET", "/certificate/{certificate_id}/download/format/{format}", orders, (*call).downloadInFormat},
	{"GET", "/certificate/download/order/{order_id}", orders, (*call).downloadOfOrder},
	{"GET", "/certificate/download/order/{order_id}/format/{format}", orders, (*call).downloadOfOrder},
	{"PUT", "/certificate/{certificate_id}/revoke", orders, (*call).revokeCertificateCall},
}

// offers are the media types an endpoint can answer with, the usual one first.
func (rt *route) offers() []string {
	switch {
	case rt == nil:
	case strings.Contains(rt.pattern, "/download/"):
		// A client may ask for JSON, as every other call wants it, or for the file.
		return []string{"application/json", "application/zip", "application/x-pkcs7-certificates", "application/x-pem-file", "application/octet-stream", "text/plain"}
	case rt.pattern == "/report/order":
		return []string{"text/csv", "application/json"}
	case slices.Contains([]string{"GET /order/certificate", "GET /organization", "GET /request", "GET /user", "GET /domain"}, rt.method+" "+rt.pattern):
		return []string{"application/json", "text/csv"}
	}
	return []string{"application/json"}
}

// findRoute matches a path below the API's root. A path that exists under
// another method only is no route either: the API knows no 405 (assumed).
func findRoute(method, path string) (*route, map[string]string) {
	segments := strings.Split(path, "/")
	var found *route
	var params map[string]string
	for _, rt := range routes {
		if rt.method != method {
			continue
		}
		p, ok := matchPattern(strings.Split(rt.pattern, "/"), segments)
		if ok && (found == nil || len(p) < len(params)) { // a literal beats a parameter
			found, params = rt, p
		}
	}
	return found, params
}

func matchPattern(pattern, segments []string) (map[string]string, bool) {
	if len(pattern) != len(segments) {
		return nil, false
	}
	params := map[string]string{}
	for i, p := range pattern {
		value, err := url.PathUnescape(segments[i])
		if err != nil {
			return nil, false
		}
		if name, isParam := strings.CutPrefix(p, "{"); isParam {
			if value == "" {
				return nil, false
			}
			params[strings.TrimSuffix(name, "}")] = value
		} else if p != value {
			return nil, false
		}
	}
	return params, true
}

// permitted applies a key's restriction. The glossary names the areas; that a
// restricted key may still ask who it is, is assumed.
func permitted(role int, method string, rt *route) bool {
	switch role {
	case roleViewOnly:
		return method == http.MethodGet
	case roleOrders:
		return rt.area == orders || rt.area == self
	case roleOrganizations:
		return rt.area == orders || rt.area == organizations || rt.area == self
	case roleUsers:
		return rt.area == people || rt.area == self
	}
	return true
}
