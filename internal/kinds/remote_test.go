package kinds

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/certcentral"
	"dcsync/internal/resource"
	"dcsync/internal/secret"
)

// answering gives a Remote over a server that answers by "METHOD path", with 404 for everything else.
func answering(t *testing.T, answers map[string]string) *Remote {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, known := answers[r.Method+" "+r.URL.Path]
		status := http.StatusOK
		switch {
		case !known:
			status, text = http.StatusNotFound, `{"errors":[{"code":"not_found","message":"no"}]}`
		case text == "forbidden":
			status, text = http.StatusForbidden, `{"errors":[{"code":"access_denied|missing_permission","message":"no"}]}`
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(server.Close)
	c, err := certcentral.New(certcentral.Config{BaseURL: server.URL, Key: secret.New("key")})
	if err != nil {
		t.Fatal(err)
	}
	return New(c, func(ref resource.SecretRef) (secret.String, error) {
		if ref.Env == "" {
			return secret.String{}, errors.New("no such secret")
		}
		return secret.New("s"), nil
	}, 0)
}

func TestWhoami(t *testing.T) {
	t.Parallel()
	const me = `{"id":"9001","account_id":1234567,"first_name":"Ada","last_name":"Admin","container":{"id":11},"access_roles":[{"id":5,"name":"Standard"},{"id":1,"name":"Administrator"}]}`
	for _, test := range []struct {
		name    string
		answers map[string]string
		want    resource.Identity
		err     string
	}{
		{name: "account readable", answers: map[string]string{"GET /user/me": me, "GET /account": `{"id":1234567,"root_container_id":11}`},
			want: resource.Identity{AccountID: 1234567, UserID: 9001, RoleID: 1, Role: "Administrator", ContainerID: 11}},
		{name: "account forbidden", answers: map[string]string{"GET /user/me": me, "GET /account": "forbidden"},
			want: resource.Identity{AccountID: 1234567, UserID: 9001, RoleID: 1, Role: "Administrator", ContainerID: 11}},
		{name: "account alone says its number", answers: map[string]string{"GET /user/me": `{"id":9001}`, "GET /account": `{"id":42,"root_container_id":5}`},
			want: resource.Identity{AccountID: 42, UserID: 9001, ContainerID: 5}},
		{name: "limited", answers: map[string]string{"GET /user/me": strings.Replace(me, `{"id":5,"name":"Standard"}`, `{"id":2,"name":"Limited User"}`, 1), "GET /account": "forbidden"},
			want: resource.Identity{AccountID: 1234567, UserID: 9001, RoleID: 2, Role: "Limited User", ContainerID: 11, Limited: true}},
		{name: "two accounts", answers: map[string]string{"GET /user/me": me, "GET /account": `{"id":42}`}, err: "belongs to account 1234567"},
		{name: "user unknown", answers: map[string]string{}, err: "not_found"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := answering(t, test.answers).Whoami(t.Context())
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("error %v, want one that says %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got.UserName = ""
			if d := cmp.Diff(&test.want, got); d != "" {
				t.Errorf("identity (-want +got):\n%s", d)
			}
		})
	}
}

func TestPrices(t *testing.T) {
	t.Parallel()
	got, err := answering(t, map[string]string{"GET /product/pricing": `{"standard_prices":[{"name_id":"code_signing","prices":[{"lifetime":1,"cost":598.5,"currency":"usd"}]}]}`}).Prices(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := resource.PriceList{{Product: "code_signing", Years: 1}: {Amount: "598.5", Currency: "USD"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("prices (-want +got):\n%s", d)
	}
	if got, err := answering(t, map[string]string{"GET /product/pricing": "forbidden"}).Prices(t.Context()); got != nil || err != nil {
		t.Errorf("prices that may not be read: %v %v, want neither", got, err)
	}
}

// What callers look for in an error is there: what is gone, what the API said.
func TestErrors(t *testing.T) {
	t.Parallel()
	r := answering(t, map[string]string{"GET /order/certificate/2": "forbidden"})
	if _, err := r.Read(t.Context(), "Order", "1", nil); !errors.Is(err, resource.ErrNotFound) {
		t.Errorf("a 404 is %v, want resource.ErrNotFound", err)
	}
	_, err := r.Read(t.Context(), "Order", "2", nil)
	var p interface {
		Problem() (string, string, int)
	}
	if errors.Is(err, resource.ErrNotFound) || !errors.As(err, &p) {
		t.Fatalf("a 403 is %v", err)
	}
	if code, hint, status := p.Problem(); code != "access_denied|missing_permission" || hint == "" || status != http.StatusForbidden {
		t.Errorf("problem %q %q %d", code, hint, status)
	}
	if ids, err := r.Lookup(t.Context(), "Order", "nonce"); len(ids) != 0 || err != nil {
		t.Errorf("look-up of what is not there: %v %v, want neither", ids, err)
	}
	if err := r.DeleteNote(t.Context(), "Order", "1", "9"); err != nil {
		t.Errorf("deleting a note that is gone: %v", err)
	}
}

// Kinds have only the calls they have, and nothing is sent for others.
func TestUnsupported(t *testing.T) {
	t.Parallel()
	r := answering(t, nil)
	ctx := context.Background()
	_, list := r.List(ctx, "Contact")
	_, lookup := r.Lookup(ctx, "Organization", "n")
	_, note := r.AddNote(ctx, "Organization", "1", "text")
	for name, err := range map[string]error{"list of a kind without objects": list, "look-up of a kind without nonce": lookup, "note on a kind without notes": note} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if r.Requests() != 0 {
		t.Errorf("%d requests sent", r.Requests())
	}
	if !slices.Equal(r.Kinds(), []string{"Organization", "Order"}) {
		t.Errorf("kinds %v: organizations come first, orders need them", r.Kinds())
	}
}
