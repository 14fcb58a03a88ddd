package certcentral

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// User is who a key acts as (API facts, section 3). It says nothing of the key's own restriction.
type User struct {
	ID        string
	AccountID string // "" when the server does not say
	Name      string
	Email     string
	Roles     []Role
	Container Container
	Visible   []Container // the containers the user may see; none when the server does not say
}

// Role is one access role of a user.
type Role struct {
	ID   string
	Name string
}

// Container is one division of an account.
type Container struct {
	ID       string
	ParentID string // "0" or "" for the root
	Name     string
	Active   bool
}

// Account is the account that a key belongs to (API facts, section 12).
type Account struct {
	ID              string
	RootContainerID string
	Organization    string // the name of its first organization
}

// Me reads the key's user. Every key may.
func (c *Client) Me(ctx context.Context) (*User, error) {
	resp, err := c.Do(ctx, Request{Method: http.MethodGet, Path: "/user/me"})
	if err != nil {
		return nil, fmt.Errorf("read the key's user: %w", err)
	}
	b := resp.Body
	u := &User{
		ID: ID(b["id"]), AccountID: ID(b["account_id"]), Email: text(b, "email"),
		Name:      strings.TrimSpace(text(b, "first_name") + " " + text(b, "last_name")),
		Container: container(Object(b["container"])),
	}
	if u.ID == "" {
		return nil, errors.New("read the key's user: answer has no id")
	}
	for _, r := range Items(b, "access_roles") {
		u.Roles = append(u.Roles, Role{ID: ID(r["id"]), Name: text(r, "name")})
	}
	for _, v := range Items(b, "container_visibility") {
		u.Visible = append(u.Visible, container(v))
	}
	return u, nil
}

// Account reads the key's account. Some keys may not; they get an *APIError of status 403.
func (c *Client) Account(ctx context.Context) (*Account, error) {
	resp, err := c.Do(ctx, Request{Method: http.MethodGet, Path: "/account"})
	if err != nil {
		return nil, fmt.Errorf("read the account: %w", err)
	}
	b := resp.Body
	a := &Account{ID: ID(b["id"]), RootContainerID: ID(b["root_container_id"]), Organization: text(b, "primary_organization_name")}
	if a.ID == "" {
		return nil, errors.New("read the account: answer has no id")
	}
	return a, nil
}

func container(m map[string]any) Container {
	active, _ := m["is_active"].(bool)
	return Container{ID: ID(m["id"]), ParentID: ID(m["parent_id"]), Name: text(m, "name"), Active: active}
}

// Date gives the server's clock; the zero time when it does not tell.
func (c *Client) Date(ctx context.Context) (time.Time, error) {
	resp, err := c.Do(ctx, Request{Method: http.MethodGet, Path: "/user/me"})
	if err != nil {
		return time.Time{}, fmt.Errorf("read the server's clock: %w", err)
	}
	return resp.Date, nil
}
