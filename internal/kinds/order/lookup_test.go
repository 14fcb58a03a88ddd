package order_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"dcsync/internal/certcentral"
	"dcsync/internal/kinds/order"
	"dcsync/internal/secret"
)

// Only the API's own word for "no such order" means that there is none: whatever else a 404 says leads to no order being placed.
func TestLookup(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status int
		body   string
		want   []string
		fails  bool
	}{
		"none by code":     {status: 404, body: `{"errors":[{"code":"not_found|order","message":"none"}]}`},
		"none, generic":    {status: 404, body: `{"errors":[{"code":"not_found","message":"none"}]}`},
		"none by list":     {status: 200, body: `{"page":{"total":0,"limit":1000,"offset":0}}`},
		"two":              {status: 200, body: `{"orders":[{"order_id":1,"certificate_id":null},{"order_id":"2"}],"page":{"total":2,"limit":0,"offset":0}}`, want: []string{"1", "2"}},
		"no such route":    {status: 404, body: `{"errors":[{"code":"not_found|route","message":"no"}]}`, fails: true},
		"a proxy's page":   {status: 404, body: `<html>not here</html>`, fails: true},
		"an empty 404":     {status: 404, fails: true},
		"an id is missing": {status: 200, body: `{"orders":[{"certificate_id":5}]}`, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(tc.status)
				_, _ = w.Write([]byte(tc.body))
			}))
			defer server.Close()
			client, err := certcentral.New(certcentral.Config{BaseURL: server.URL, Key: secret.New("a-key")})
			if err != nil {
				t.Fatal(err)
			}
			got, err := order.New(client, 0).Lookup(t.Context(), "nonce")
			if (err != nil) != tc.fails || !slices.Equal(got, tc.want) {
				t.Errorf("got %v, error %v; want %v, failing %v", got, err, tc.want, tc.fails)
			}
		})
	}
}
