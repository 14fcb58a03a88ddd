package schema

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/resource"
	"dcsync/schema/glossary"
)

func descriptor(t *testing.T, kind, product string) *resource.Descriptor {
	t.Helper()
	d, ok := Descriptor(kind, product)
	if !ok {
		t.Fatalf("no descriptor of %s %s", kind, product)
	}
	return d
}

func TestDescriptors(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff([]string{"Organization", "Contact", "Order", "Project"}, Kinds()); diff != "" {
		t.Errorf("kinds (-want +got)\n%s", diff)
	}
	documented, _ := glossary.Lookup("products")
	got := Products("Order")
	for _, p := range documented.Values() {
		if !slices.Contains(got, p) {
			t.Errorf("no table has product %s", p)
		}
	}
	if sorted := slices.Sorted(slices.Values(got)); len(slices.Compact(sorted)) != len(got) {
		t.Errorf("a product twice in %q", got)
	}
	if got := Products("Organization"); got != nil {
		t.Errorf("products of an organization: %v", got)
	}
	for _, bad := range [][2]string{{"Order", ""}, {"Order", "ssl_minus"}, {"Organization", "x"}, {"Nothing", ""}} {
		if d, ok := Descriptor(bad[0], bad[1]); ok {
			t.Errorf("descriptor of %v: %v", bad, d)
		}
	}
	ev := descriptor(t, "Order", "code_signing_ev")
	if !ev.Expires || !ev.Billable || !ev.Downloadable || ev.ValueOnly || ev.Nonce != "/alternative_order_id" || ev.Validation != "ev_cs" {
		t.Errorf("got %+v", ev)
	}
	if d := descriptor(t, "Order", "code_signing"); d.Validation != "cs" {
		t.Errorf("validation of code_signing: %q", d.Validation)
	}
	if !descriptor(t, "Contact", "").ValueOnly || descriptor(t, "Organization", "").ValueOnly {
		t.Error("value-only kinds")
	}
	again := descriptor(t, "Order", "code_signing_ev")
	if again != ev {
		t.Error("descriptors are not shared")
	}
}

// Every field has a policy, and every path leads back to it.
func TestDescriptorFields(t *testing.T) {
	t.Parallel()
	for _, kind := range Kinds() {
		for _, product := range append(Products(kind), "") {
			d, ok := Descriptor(kind, product)
			if !ok {
				continue
			}
			var walk func(*resource.Field)
			walk = func(f *resource.Field) {
				if got := d.Field(f.Path); got != f {
					t.Errorf("%s %s: Field(%s) is another one", kind, product, f.Path)
				}
				if f != d.Root && (f.Send == "" || f.Change == "" || f.Req == "" || f.Description == "") {
					t.Errorf("%s %s: %s has no policy", kind, product, f.Path)
				}
				if f.Name == "ref" && kind != "Project" { // spec.lock.ref names a reference of git
					t.Errorf("%s %s: %s is a field", kind, product, f.Path)
				}
				for _, m := range f.Members {
					walk(m)
				}
				if f.Item != nil {
					walk(f.Item)
				}
			}
			walk(d.Root)
		}
	}
}

func TestDescriptorPolicies(t *testing.T) {
	t.Parallel()
	type policy struct {
		Type      resource.Type
		Req       resource.Req
		Send      resource.Send
		Change    resource.ChangeMode
		Method    string
		Read      resource.Read
		Set       bool
		Secret    bool
		Clearable bool
		Identity  bool
		RefKind   string
		Format    string
		Default   resource.Value
		Spread    string
	}
	tests := []struct {
		kind, product, path string
		want                policy
	}{
		{"Order", "client_premium", "/certificate/common_name", policy{Type: "string", Req: "required", Send: "create", Change: "reissue",
			Read: resource.Read{List: "certificate.common_name", Info: "certificate.common_name"}, Identity: true}},
		{"Order", "client_premium", "/certificate/emails", policy{Type: "array", Req: "required", Send: "create", Change: "reissue",
			Read: resource.Read{Info: "certificate.emails"}, Identity: true}},
		{"Order", "code_signing", "/certificate/csr", policy{Type: "string", Req: "conditional", Send: "create", Change: "reissue",
			Read: resource.Read{Info: "certificate.csr"}, Format: "csr"}},
		{"Order", "code_signing", "/additional_emails", policy{Type: "array", Req: "optional", Send: "create+put", Change: "in_place", Method: "emails",
			Read: resource.Read{Info: "additional_emails"}, Set: true, Clearable: true}},
		{"Order", "code_signing", "/notes", policy{Type: "array", Req: "optional", Send: "after", Change: "in_place", Method: "notes",
			Read: resource.Read{Info: "notes[].text"}, Set: true, Clearable: true}},
		{"Order", "code_signing", "/skip_approval", policy{Type: "boolean", Req: "optional", Send: "create", Change: "create_only", Default: resource.Bool(false)}},
		{"Order", "code_signing", "/organization", policy{Type: "object", Req: "required", Send: "create", Change: "immutable", RefKind: "Organization",
			Read: resource.Read{List: "organization", Info: "organization"}}},
		{"Order", "class1_smime", "/organization/id", policy{Type: "integer", Req: "conditional", Send: "create", Change: "immutable", Identity: true, RefKind: "Organization",
			Read: resource.Read{List: "organization.id", Info: "organization.id"}}},
		{"Order", "code_signing", "/organization/contacts/0", policy{Type: "object", Req: "optional", Send: "create", Change: "immutable", RefKind: "Contact"}},
		{"Order", "code_signing", "/credit_card/number", policy{Type: "string", Req: "required", Send: "create", Change: "create_only", Secret: true}},
		{"Order", "code_signing", "/credit_card/cardholder_name", policy{Type: "string", Req: "required", Send: "create", Change: "create_only", Secret: true}},
		{"Order", "code_signing", "/certificate/server_platform/id", policy{Type: "integer", Req: "required", Send: "create", Change: "reissue",
			Read: resource.Read{Info: "certificate.server_platform.id"}}},
		{"Organization", "", "/contacts", policy{Type: "array", Req: "optional", Send: "never", Change: "create_only", Spread: "contact_type"}},
		{"Organization", "", "/technical_contact", policy{Type: "object", Req: "optional", Send: "after", Change: "in_place", Method: "contacts", RefKind: "Contact",
			Read: resource.Read{Info: "technical_contact"}}},
		{"Project", "", "/manifests", policy{Type: "array", Req: "optional", Send: "never", Change: "immutable", Default: resource.List{resource.String("manifests")}}},
		{"Project", "", "/limits/max_orders", policy{Type: "integer", Req: "optional", Send: "never", Change: "immutable", Default: resource.Int(25)}},
	}
	for _, tt := range tests {
		t.Run(tt.kind+tt.path, func(t *testing.T) {
			t.Parallel()
			f := descriptor(t, tt.kind, tt.product).Field(resource.Path(tt.path))
			if f == nil {
				t.Fatal("no such field")
			}
			got := policy{f.Type, f.Req, f.Send, f.Change, f.Method, f.Read, f.Set, f.Secret, f.Clearable, f.Identity, f.RefKind, f.Format, f.Default, f.Spread}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// What names a TLS certificate has says whether a reissue ends the earlier ones.
func TestReissueRevokes(t *testing.T) {
	t.Parallel()
	names := func(list ...string) resource.Value {
		out := resource.List{}
		for _, n := range list {
			out = append(out, resource.String(n))
		}
		return out
	}
	tests := []struct {
		name, product, path string
		before, after       resource.Value
		want                bool
	}{
		{"name added", "ssl_plus", "/certificate/dns_names", names("a.example.com"), names("b.example.com", "A.example.com"), false},
		{"name removed", "ssl_plus", "/certificate/dns_names", names("a.example.com", "b.example.com"), names("b.example.com"), true},
		{"all names removed", "ssl_dv_rapidssl", "/certificate/dns_names", names("a.example.com"), nil, true},
		{"main name changed", "ssl_ev_basic", "/certificate/common_name", resource.String("a.example.com"), resource.String("b.example.com"), true},
		{"key changed", "ssl_plus", "/certificate/csr", resource.String("a"), resource.String("b"), false},
		{"key of a document signer changed", "ds_org", "/certificate/csr", resource.String("a"), resource.String("b"), true},
		{"unknown behaviour", "private_ssl_plus", "/certificate/csr", resource.String("a"), resource.String("b"), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := descriptor(t, "Order", tt.product)
			change := resource.FieldChange{Path: resource.Path(tt.path), Before: tt.before, After: tt.after, Field: d.Field(resource.Path(tt.path))}
			if got := d.ReissueRevokes([]resource.FieldChange{change}); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

// The common name counts among the names of a certificate, whether it is repeated there or not.
func TestIncludedName(t *testing.T) {
	t.Parallel()
	f := descriptor(t, "Order", "ssl_plus").Field("/certificate/dns_names")
	spec := func(text string) resource.Map { return parse(t, `{"certificate": `+text+`}`) }
	want := resource.List{resource.String("a.example.com"), resource.String("b.example.com")}
	for _, text := range []string{
		`{"common_name": "a.example.com", "dns_names": ["b.example.com"]}`,
		`{"common_name": "A.example.com", "dns_names": ["b.example.com", "a.example.com"]}`,
	} {
		if diff := cmp.Diff(resource.Value(want), f.Normalise(f.Value(spec(text)))); diff != "" {
			t.Errorf("%s (-want +got)\n%s", text, diff)
		}
	}
	alone := spec(`{"common_name": "a.example.com"}`)
	if got := f.Value(alone); got != nil {
		t.Errorf("a list that is not written is %v", got)
	}
	if diff := cmp.Diff(resource.Value(resource.List{resource.String("a.example.com")}), f.Shown(alone)); diff != "" {
		t.Errorf("a list that the API leaves out (-want +got)\n%s", diff)
	}
}

func TestSecretAt(t *testing.T) {
	t.Parallel()
	d := descriptor(t, "Order", "code_signing")
	for path, want := range map[resource.Path]bool{"/credit_card": true, "/credit_card/number": true, "/credit_card/cardholder_name": true,
		"/billing_address": false, "/payment_method": false, "/certificate/csr": false} {
		if got := d.SecretAt(path); got != want {
			t.Errorf("SecretAt(%s) = %v", path, got)
		}
	}
}

func TestNormalise(t *testing.T) {
	t.Parallel()
	s := func(text string) resource.Value { return resource.String(text) }
	tests := []struct {
		kind, path string
		in, want   resource.Value
	}{
		{"Organization", "/country", s("US"), s("us")},
		{"Organization", "/telephone", s("+1 (801) 555-0100"), s("+18015550100")},
		{"Organization", "/organization_contact/email", s("Jane.Doe@Example.COM"), s("Jane.Doe@example.com")},
		{"Organization", "/container/id", s("11"), resource.Int(11)},
		{"Order", "/certificate/signature_hash", s("SHA256"), s("sha256")},
		{"Order", "/certificate/server_platform/id", resource.Int(53), resource.Int(-1)},
		{"Order", "/certificate/server_platform/id", s("57"), resource.Int(-1)},
		{"Order", "/certificate/server_platform/id", resource.Int(19), resource.Int(19)},
		{"Order", "/certificate/csr", s("  not a CSR\r\n at all\r\n"), s("not a CSR\n at all")},
		{"Order", "/order_validity/custom_expiration_date", s("09 JUN 2027"), s("2027-06-09")},
		{"Order", "/order_validity/custom_expiration_date", s("2027-06-09"), s("2027-06-09")},
		{"Order", "/disable_renewal_notifications", resource.Int(1), resource.Bool(true)},
		{"Order", "/disable_renewal_notifications", s("false"), resource.Bool(false)},
		{"Order", "/organization/id", resource.Ref{Kind: "Organization", Name: "acme"}, resource.Ref{Kind: "Organization", Name: "acme"}},
		{"Order", "/additional_emails", resource.List{s("b@X.com"), s("a@x.com"), s("b@x.com")}, resource.List{s("a@x.com"), s("b@x.com")}},
		{"Order", "/custom_fields",
			resource.List{resource.Map{"metadata_id": s("2"), "value": s("b")}, resource.Map{"metadata_id": resource.Int(1), "value": s("a")}},
			resource.List{resource.Map{"metadata_id": resource.Int(1), "value": s("a")}, resource.Map{"metadata_id": resource.Int(2), "value": s("b")}}},
		{"Order", "/organization/contacts",
			resource.List{resource.Map{"contact_type": s("verified_contact"), "user_id": s("7")}},
			resource.List{resource.Map{"contact_type": s("verified_contact"), "user_id": resource.Int(7)}}},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			t.Parallel()
			product := ""
			if tt.kind == "Order" {
				product = "code_signing"
			}
			f := descriptor(t, tt.kind, product).Field(resource.Path(tt.path))
			before := resource.Clone(tt.in)
			got := f.Normalise(tt.in)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(got, f.Normalise(got)); diff != "" {
				t.Errorf("a second time gives another form\n%s", diff)
			}
			if diff := cmp.Diff(before, tt.in); diff != "" {
				t.Errorf("the value itself was changed\n%s", diff)
			}
		})
	}
}
