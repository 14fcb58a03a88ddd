package sandbox

import (
	"net/http"
	"net/url"
	"strings"
)

// Restrictions of API keys (glossary, API key roles).
const (
	roleNone          = 0
	roleOrders        = 100
	roleOrganizations = 101
	roleViewOnly      = 102
)

// area says which restricted keys reach an endpoint.
type area int

const (
	orders        area = iota // orders, requests, certificates: roles 100 and 101
	organizations             // role 101
	self                      // the key's own user: every role (assumed)
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

var routes = []*route{
	{"GET", "/account", rest, (*call).getAccount},
	{"GET", "/account/metadata", rest, (*call).listMetadata},
	{"GET", "/user", rest, (*call).listUsers},
	{"GET", "/user/me", self, (*call).getMe},
	{"GET", "/user/{user_id}", rest, (*call).getUser},
	{"GET", "/container", rest, (*call).listContainers},
	{"GET", "/container/{container_id}", rest, (*call).getContainer},
	{"GET", "/container/{container_id}/product-limits", rest, (*call).getProductLimits},
	{"GET", "/product", rest, (*call).listProducts},
	{"GET", "/product/pricing", rest, (*call).listPrices},
	{"GET", "/product/{name_id}", rest, (*call).getProduct},

	{"GET", "/organization", organizations, (*call).listOrganizations},
	{"POST", "/organization", organizations, (*call).createOrganization},
	{"GET", "/organization/{organization_id}", organizations, (*call).getOrganization},
	{"PUT", "/organization/{organization_id}/contact", organizations, (*call).putOrganizationContacts},
	{"PUT", "/organization/{organization_id}/activate", organizations, (*call).activateOrganization},
	{"PUT", "/organization/{organization_id}/deactivate", organizations, (*call).deactivateOrganization},
	{"GET", "/organization/{organization_id}/validation", organizations, (*call).getValidations},
	{"POST", "/organization/{organization_id}/validation", organizations, (*call).submitValidations},

	{"GET", "/order/certificate", orders, (*call).listOrders},
	{"GET", "/order/certificate/{order_id}", orders, (*call).getOrder},
	{"POST", "/order/certificate/{product_name_id}", orders, (*call).createOrder},
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
	{"PUT", "/order/certificate/{order_id}/status", orders, (*call).putOrderStatus},

	{"GET", "/request", orders, (*call).listRequests},
	{"GET", "/request/{request_id}", orders, (*call).getRequest},
	{"PUT", "/request/{request_id}/status", orders, (*call).putRequestStatus},
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
		return rt.area != rest
	}
	return true
}
