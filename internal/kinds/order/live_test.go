package order

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/resource"
)

// What a status means; one that nobody knows yet is taken for pending.
func TestPhase(t *testing.T) {
	t.Parallel()
	pending := []resource.Request{{Type: "new_request", Status: "pending"}}
	for _, test := range []struct {
		status   string
		requests []resource.Request
		phase    resource.Phase
		waiting  resource.WaitingOn
	}{
		{"issued", nil, resource.Active, ""},
		{"reissue_pending", nil, resource.Active, ""},
		{"rejected", nil, resource.Ended, ""},
		{"denied", nil, resource.Ended, ""},
		{"canceled", nil, resource.Ended, ""},
		{"revoked", nil, resource.Ended, ""},
		{"expired", nil, resource.Ended, ""},
		{"needs_approval", nil, resource.Pending, resource.OnApproval},
		{"needs_csr", nil, resource.Pending, resource.OnCSR},
		{"waiting_pickup", nil, resource.Pending, resource.OnPickup},
		{"pending", nil, resource.Pending, resource.OnDigiCert},
		{"pending", pending, resource.Pending, resource.OnApproval},
		{"pending", []resource.Request{{Type: "new_request", Status: "approved"}, {Type: "revoke", Status: "pending"}}, resource.Pending, resource.OnDigiCert},
		{"issued", pending, resource.Active, ""},
		{"something new", nil, resource.Pending, resource.OnDigiCert},
		{"", nil, resource.Pending, resource.OnDigiCert},
	} {
		phase, waiting := phase(&resource.Live{Status: test.status, Requests: test.requests})
		if phase != test.phase || waiting != test.waiting {
			t.Errorf("%q with %v: %s waiting on %q, want %s on %q", test.status, test.requests, phase, waiting, test.phase, test.waiting)
		}
	}
}

// Ids come as numbers or strings, objects as empty arrays, statuses in capitals: one order all the same.
func TestLive(t *testing.T) {
	t.Parallel()
	got := live(map[string]any{
		"id": "123", "status": "ISSUED", "product": map[string]any{"name_id": "class1_smime"}, "alternative_order_id": "n",
		"organization": []any{}, "container": map[string]any{"id": 11, "name": "Sandbox"}, "renewed_order_id": 0, "days_remaining": 9, "price": 1.5,
		"certificate":       map[string]any{"id": 7, "common_name": "a@example.com", "emails": []any{"a@example.com"}, "valid_till": "2027-01-01", "signature_hash": "SHA256"},
		"custom_fields":     []any{map[string]any{"metadata_id": 12, "label": "Cost center", "value": "x"}},
		"verified_contacts": []any{map[string]any{"id": 601, "first_name": "Cy", "last_name": "N"}},
		"notes":             []any{map[string]any{"id": json.Number("5"), "text": "hello", "user": map[string]any{"id": "9001"}}},
	}, resource.InfoDepth)
	want := &resource.Live{Kind: "Order", ID: "123", Depth: resource.InfoDepth, Product: "class1_smime", Status: "issued", Phase: resource.Active, Nonce: "n",
		ContainerID: "11", Title: "a@example.com", End: resource.Revoke, Approvers: map[string][]resource.Approver{"": {{FirstName: "Cy", LastName: "N"}}},
		Life: resource.Life{CertificateID: "7", Till: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}, Notes: []resource.Note{{ID: "5", Text: "hello", UserID: "9001"}},
		Observed: resource.Map{"status": resource.String("issued"), "product": resource.String("class1_smime"), "certificate_id": resource.Int(7),
			"common_name": resource.String("a@example.com"), "valid_till": resource.String("2027-01-01"), "container_id": resource.Int(11),
			"custom_fields": resource.List{resource.Map{"metadata_id": resource.Int(12), "value": resource.String("x")}}}}
	want.Spec = got.Spec
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("order (-want +got):\n%s", d)
	}
	for path, v := range map[resource.Path]resource.Value{"/certificate/emails": resource.List{resource.String("a@example.com")}, "/container/id": resource.Int(11),
		"/notes": resource.List{resource.String("hello")}, "/organization/id": nil} {
		if have := resource.Get(got.Spec, path); !resource.Equal(have, v) {
			t.Errorf("%s is %v, want %v", path, have, v)
		}
	}
	if s := live(map[string]any{"id": json.Number("1"), "product_name_id": "ssl_plus", "renewed_order_id": 77}, resource.ListDepth); s.Product != "ssl_plus" || s.Successor != "77" || len(s.Spec) != 0 {
		t.Errorf("order of a product without table: %+v", s)
	}
}
