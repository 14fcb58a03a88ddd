package sandbox

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"dcsync/schema/glossary"
)

// API keys and what they may do (API facts, section 3). Of a key only a digest is
// kept; its text is told once, when it is made.

type apiKey struct {
	ID                 int    `json:"id"`
	Name               string `json:"name"`
	UserID             int    `json:"user_id"`
	Status             string `json:"status"` // active or inactive (assumed)
	CreateDate         string `json:"create_date"`
	LastUsedDate       string `json:"last_used_date,omitempty"`
	RestrictedToRoleID int    `json:"restricted_to_role_id"`
	// Key is read from a seed and never written.
	Key       string `json:"key,omitempty"`
	KeySHA256 string `json:"key_sha256,omitempty"`
}

// firstKeyDate is the create_date of keys that come from options or a seed.
const firstKeyDate = "2020-01-01T00:00:00+00:00"

func keyDigest(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// optionKeys are the keys of Options.Keys, which belong to the first user.
func optionKeys(keys map[string]int) []*apiKey {
	var list []*apiKey
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		list = append(list, &apiKey{ID: len(list) + 1, Name: "sandbox " + strconv.Itoa(len(list)+1), Status: "active", CreateDate: firstKeyDate, RestrictedToRoleID: keys[key], KeySHA256: keyDigest(key)})
	}
	return list
}

// keys are all keys, those of the options first.
func (s *Server) keys() []*apiKey { return append(slices.Clone(s.fixedKeys), s.acct.Keys...) }

// owner is the user a key acts for.
func (s *Server) owner(k *apiKey) *user {
	if k.UserID == 0 {
		return s.acct.Users[0]
	}
	return s.acct.user(k.UserID)
}

// authenticate finds the key a request names.
func (s *Server) authenticate(text string) (*apiKey, *user) {
	digest := keyDigest(text)
	for _, k := range s.keys() {
		if k.KeySHA256 == digest && k.Status == "active" {
			if u := s.owner(k); u != nil && u.Status == "active" {
				return k, u
			}
		}
	}
	return nil, nil
}

func (c *call) shownKey(k *apiKey) map[string]any {
	item := map[string]any{
		"id": k.ID, "status": k.Status, "name": k.Name, "is_legacy": false, "restricted_to_role_id": k.RestrictedToRoleID,
	}
	if u := c.owner(k); u != nil {
		item["user"] = userRef{ID: u.ID, FirstName: u.FirstName, LastName: u.LastName}
	}
	for name, value := range map[string]string{"create_date": k.CreateDate, "last_used_date": k.LastUsedDate} {
		if value != "" {
			item[name] = value
		}
	}
	return item
}

// seesKey: an administrator sees the keys of visible users, others their own (assumed).
func (c *call) seesKey(k *apiKey) bool {
	u := c.owner(k)
	return u != nil && (u.ID == c.user.ID || c.user.is(roleAdministrator) && c.sees(u.Container.ID))
}

func (c *call) listKeys() reply {
	list := []any{}
	for _, k := range c.keys() {
		if u := c.owner(k); !c.seesKey(k) || c.query.Get("user_id") != "" && !isNumber(u.ID, c.query.Get("user_id")) {
			continue
		}
		list = append(list, c.shownKey(k))
	}
	return ok(map[string]any{"api_keys": list})
}

func (c *call) theKey() (*apiKey, reply) {
	for _, k := range c.keys() {
		if isNumber(k.ID, c.params["key_id"]) && c.seesKey(k) {
			return k, reply{}
		}
	}
	return nil, fail(http.StatusNotFound, "not_found|api_key", "There is no such API key")
}

func (c *call) getKey() reply {
	k, out := c.theKey()
	if k == nil {
		return out
	}
	return ok(c.shownKey(k))
}

func (c *call) editKey() reply {
	k, out := c.theKey()
	if k == nil {
		return out
	}
	f, out, read := c.form()
	if !read {
		return out
	}
	name := f.need("name", 0)
	role, given := f.keyRole()
	if out, refused := f.refused(); refused {
		return out
	}
	if k.Name = name; given {
		k.RestrictedToRoleID = role
	}
	return noContent
}

func (c *call) putKeyStatus() reply {
	k, out := c.theKey()
	if k == nil {
		return out
	}
	f, out, read := c.form()
	if !read {
		return out
	}
	status := f.oneOf("status", "active", "inactive")
	if !f.has("status") {
		f.missing("status")
	}
	if out, refused := f.refused(); refused {
		return out
	}
	k.Status = status
	return noContent
}

func (c *call) createKey() reply {
	f, out, read := c.form()
	if !read {
		return out
	}
	name := f.need("name", 0)
	role, _ := f.keyRole()
	if out, refused := f.refused(); refused {
		return out
	}
	id, _ := strconv.Atoi(c.params["user_id"])
	u := c.acct.user(id)
	if u == nil || !c.sees(u.Container.ID) {
		return fail(http.StatusNotFound, "not_found|user", "There is no such user")
	}
	if u.ID != c.user.ID && !c.user.may("edit_users") { // own keys anybody may make (assumed)
		return missingPermission()
	}
	k, text := c.newKey(name, u.ID, role)
	return created(map[string]any{"id": k.ID, "api_key": text})
}

// newKey makes a key and returns its text, which is not kept.
func (c *call) newKey(name string, userID, role int) (*apiKey, string) {
	text := rand.Text()
	k := &apiKey{
		ID: c.acct.nextID("key"), Name: name, UserID: userID, Status: "active", CreateDate: stamp(c.now()),
		RestrictedToRoleID: role, KeySHA256: keyDigest(text),
	}
	c.acct.Keys = append(c.acct.Keys, k)
	return k, text
}

func (f form) keyRole() (int, bool) {
	role, given := f.integer("restricted_to_role_id")
	if given && !validKeyRole(role) {
		f.bad("restricted_to_role_id", "there is no key role %d", role)
	}
	return role, given
}

func validKeyRole(role int) bool {
	return slices.Contains([]int{roleNone, roleOrders, roleOrganizations, roleViewOnly, roleUsers}, role)
}

func (c *call) listKeyRoles() reply {
	l, _ := glossary.Lookup("api_key_roles")
	var list []accessRole
	for i, id := range l.Values() {
		n, _ := strconv.Atoi(id)
		list = append(list, accessRole{n, l.Column("name")[i]})
	}
	list = append(list, accessRole{roleUsers, "User Management"})
	slices.SortFunc(list, func(a, b accessRole) int { return cmp.Compare(a.ID, b.ID) })
	return ok(map[string]any{"access_roles": list})
}

// permissions are the words the sources show, and which access roles have them
// (the latter assumed). They follow the user and not the key's restriction, as
// the source guesses.
var permissions = []struct {
	name  string
	roles []int
}{
	{"add_domains", []int{1, 4}}, {"create_containers", []int{1}}, {"create_organizations", []int{1, 4}}, {"create_users", []int{1}},
	{"edit_container", []int{1}}, {"edit_users", []int{1, 4}}, {"manage_guest_keys", []int{1}}, {"view_container", []int{1, 3, 4, 5}},
	{"view_domains", []int{1, 3, 4, 5}}, {"view_orders", []int{1, 2, 3, 4, 5}}, {"view_users", []int{1, 4}},
}

// needed is the permission a changing call needs. Custom order fields are in no
// permission the sources show; who may change the account's divisions may change
// them (assumed).
var needed = map[string]string{
	"POST /organization":                     "create_organizations",
	"POST /domain":                           "add_domains",
	"PUT /domain/{domain_id}/activate":       "add_domains",
	"PUT /domain/{domain_id}/deactivate":     "add_domains",
	"POST /account/metadata":                 "edit_container",
	"POST /account/metadata/bulk":            "edit_container",
	"PUT /account/metadata/{metadata_id}":    "edit_container",
	"DELETE /account/metadata/{metadata_id}": "edit_container",
	"POST /user":                             "create_users",
}

// allowed applies what GET /authorization says of the user.
func (u *user) allowed(rt *route) bool {
	name, asked := needed[rt.method+" "+rt.pattern]
	return !asked || u.may(name)
}

func (u *user) may(permission string) bool {
	for _, p := range permissions {
		if p.name == permission {
			return u.is(p.roles...)
		}
	}
	return false
}

func missingPermission() reply {
	return fail(http.StatusForbidden, "access_denied|missing_permission", "The user of the API key may not do this")
}

type authorization struct {
	Authorized bool   `json:"authorized"`
	Permission string `json:"permission"`
}

func (c *call) listAuthorizations() reply {
	var list []authorization
	for _, p := range permissions {
		list = append(list, authorization{c.user.is(p.roles...), p.name})
	}
	return ok(map[string]any{"authorizations": list})
}

func (c *call) thePermission() (authorization, reply, bool) {
	for _, p := range permissions {
		if p.name == c.params["permission"] {
			return authorization{c.user.is(p.roles...), p.name}, reply{}, true
		}
	}
	return authorization{}, fail(http.StatusNotFound, "not_found|permission", "There is no such permission"), false
}

func (c *call) getAuthorization() reply {
	a, out, known := c.thePermission()
	if !known {
		return out
	}
	return ok(a)
}

// getAuthorizedContainers: where the permission holds.
func (c *call) getAuthorizedContainers() reply {
	a, out, known := c.thePermission()
	if !known {
		return out
	}
	list := []containerRef{}
	if a.Authorized {
		list = append(list, c.visibleContainers()...)
	}
	return ok(map[string]any{"containers": list})
}
