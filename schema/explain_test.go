package schema

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExplainField(t *testing.T) {
	t.Parallel()
	got, err := Explain("Order.certificate.organization_units")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range got.Variants {
		if ignored := slices.Contains(v.Rules, "ignored"); ignored != slices.Contains(v.Products, "client_premium") && ignored != slices.Contains(v.Products, "ssl_plus") {
			t.Errorf("products that differ are not told apart: %+v", v)
		}
	}
	if got, err = Explain("Order.product"); err != nil || len(got.Variants) == 0 || !slices.Contains(got.Variants[0].Allowed, "code_signing") {
		t.Errorf("products are not listed: %+v, %v", got, err)
	}
	if got, err = Explain("Order.code_signing.certificate.csr"); err != nil {
		t.Fatal(err)
	}
	want := Explanation{Path: "Order.certificate.csr", Variants: []Variant{{
		Text: "Signing request made by your own hardware module. Only its key is used: names and organization are never taken from it.",
		Type: "a string", Req: "conditional",
		Rules: []string{"a certificate signing request in PEM form", "may be {file: PATH}, a file of the project",
			"a signing request that can be read and is signed by its own key",
			"required when cs_provisioning_method is email", "must not be given when cs_provisioning_method is not email",
			"up to the account when cs_provisioning_method is not given", "when it is sent: a key of one of these sizes: RSA 3072.. EC 256.."},
		Change: "needs a reissue of the certificate", Send: "when the object is created", Read: "in the object's own page: certificate.csr",
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	tests := []struct {
		path string
		want string // a line for each variant and each member
	}{
		{"Project.lock.mode", "string all optional default auto: auto, git, file, none"},
		{"Order.ssl_plus.order_validity.years", "integer all conditional default : "},
		{"Order.code_signing.ship_info.method", "string all required default : STANDARD, EXPEDITED"},
		{"Order.metadata.labels", "mapping all optional default : "},
		{"Contact.email", "string all required default : "},
		{"Organization.validations[].type", "string all required default : ov, ev, cs, ev_cs, ds, smime"},
		{"Organization.contacts", "mappings all optional default : \n" +
			"ref optional all\ncontact_type required all\nfirst_name required unless ref is given all\nlast_name required unless ref is given all\n" +
			"email required unless ref is given all\njob_title optional all\ntelephone optional all\ntelephone_extension optional all"},
		{"Contact", "apiVersion required all\nkind required all\nmetadata required all\n" +
			"first_name required all\nlast_name required all\nemail required all\njob_title optional all\ntelephone optional all\ntelephone_extension optional all"},
		{"Order.class1_smime.certificate", "mapping all required default : \n" +
			"emails required all\nsignature_hash required all\norganization_units optional all\ncsr optional all\nca_cert_id optional all"},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			t.Parallel()
			e, err := Explain(tt.path)
			if err != nil {
				t.Fatal(err)
			}
			var out []string
			products := func(list []string) string {
				if list == nil {
					return "all"
				}
				return strings.Join(list, " ")
			}
			for _, v := range e.Variants {
				words := strings.Fields(v.Type)
				out = append(out, words[len(words)-1]+" "+products(v.Products)+" "+v.Req+" default "+v.Default+": "+strings.Join(v.Allowed, ", "))
			}
			for _, m := range e.Members {
				out = append(out, m.Name+" "+m.Req+" "+products(m.Products))
			}
			if diff := cmp.Diff(tt.want, strings.Join(out, "\n")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestExplainUnknown(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"":                            `unknown kind "": known here: Organization, Contact, Order, Project`,
		"Ordr":                        `unknown kind "Ordr": did you mean "Order"?`,
		"Order.certificate.csrr":      `Order has no field "certificate.csrr": did you mean "certificate.csr"?`,
		"Organization.contacts.ref.x": `Organization has no field "contacts.ref.x": did you mean "contacts.email"?`,
	} {
		if _, err := Explain(path); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", path, err, want)
		}
	}
}

// Every field can be explained by the path that Check's hints name.
func TestExplainEveryField(t *testing.T) {
	t.Parallel()
	for _, d := range built().documents {
		var roots []place
		for _, root := range d.roots() {
			roots = append(roots, place{node: root})
		}
		for _, path := range paths(roots) {
			if _, err := Explain(d.kind + "." + path); err != nil {
				t.Error(err)
			}
		}
	}
}
