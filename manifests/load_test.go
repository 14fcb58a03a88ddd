package manifests

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
)

const contact = `apiVersion: dcsync/v1
kind: Contact
metadata: {name: %s}
spec: {first_name: Jane, last_name: Doe, email: jane@example.com}
`

// sameDescriptor compares descriptors by identity: they are shared and hold functions.
var sameDescriptor = cmp.Comparer(func(a, b *resource.Descriptor) bool { return a == b })

func codes(l diag.List) []diag.Code {
	var out []diag.Code
	for _, d := range l {
		out = append(out, d.Code)
	}
	return out
}

func TestLoadObjects(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../testdata/valid/several_documents.yaml")
	if err != nil {
		t.Fatal(err)
	}
	l := load(t, project(t, map[string]string{"manifests/all.yaml": string(data)}))
	if l.Files != 2 || l.Manifests != 4 {
		t.Errorf("%d files and %d manifests, want 2 and 4", l.Files, l.Manifests)
	}
	var addresses []string
	for _, o := range append(slices.Clone(l.Set.Objects), l.Set.Values...) {
		addresses = append(addresses, o.Address.String())
	}
	want := []string{"Order/driver-signing", "Organization/acme", "Contact/jane-doe", "Contact/john-doe"}
	if diff := cmp.Diff(want, addresses); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}

	jane := resource.Address{Kind: "Contact", Name: "jane-doe"}
	john := resource.Address{Kind: "Contact", Name: "john-doe"}
	acme := resource.Address{Kind: "Organization", Name: "acme"}
	person := func(first, email string) resource.Map {
		return resource.Map{"first_name": resource.String(first), "last_name": resource.String("Doe"), "email": resource.String(email)}
	}
	with := func(m resource.Map, more ...string) resource.Map {
		for i := 0; i < len(more); i += 2 {
			m[more[i]] = resource.String(more[i+1])
		}
		return m
	}
	janes := func() resource.Map {
		return with(person("Jane", "jane.doe@example.com"), "job_title", "Officer", "telephone", "+1 801 555 0101")
	}

	order := l.Set.Get(resource.Address{Kind: "Order", Name: "driver-signing"})
	wantSpec := resource.Map{
		"product":                resource.String("code_signing_ev"),
		"certificate":            resource.Map{"signature_hash": resource.String("sha256")},
		"cs_provisioning_method": resource.String("ship_token"),
		"organization": resource.Map{
			"id":       resource.Ref(acme),
			"contacts": resource.List{with(janes(), "contact_type", "verified_contact")},
		},
		"organization_contact": janes(),
		"technical_contact":    person("John", "john.doe@example.com"),
		"order_validity":       resource.Map{"years": resource.Int(1)},
	}
	if diff := cmp.Diff(wantSpec, order.Spec); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]resource.Address{acme}, order.DependsOn); diff != "" {
		t.Errorf("order depends on (-want +got):\n%s", diff)
	}
	wantVia := map[resource.Path]resource.Address{
		"/organization/contacts/0": jane, "/organization_contact": jane, "/technical_contact": john,
	}
	if diff := cmp.Diff(wantVia, order.Via); diff != "" {
		t.Errorf("order via (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(resource.Lifecycle{Generation: 1}, order.Lifecycle); diff != "" {
		t.Errorf("order lifecycle (-want +got):\n%s", diff)
	}
	for path, want := range map[resource.Path]string{
		"":                               "manifests/all.yaml:7:1",
		"/certificate/signature_hash":    "manifests/all.yaml:9:17",
		"/organization/id":               "manifests/all.yaml:12:10",
		"/organization/contacts/0":       "manifests/all.yaml:14:9",
		"/organization/contacts/0/email": "manifests/all.yaml:14:47",
		"/technical_contact/first_name":  "manifests/all.yaml:16:28",
		"/order_validity/years":          "manifests/all.yaml:17:20",
	} {
		if got := order.Pos(path).String(); got != want {
			t.Errorf("position of %q is %s, want %s", path, got, want)
		}
	}

	organization := l.Set.Get(acme)
	for path, want := range map[resource.Path]resource.Value{
		"/contacts":                       nil,
		"/organization_contact":           janes(),
		"/technical_contact":              person("Alex", "alex.doe@example.com"),
		"/validations/0/verified_users/0": janes(),
	} {
		if diff := cmp.Diff(want, resource.Get(organization.Spec, path)); diff != "" {
			t.Errorf("organization%s (-want +got):\n%s", path, diff)
		}
	}
	wantVia = map[resource.Path]resource.Address{"/organization_contact": jane, "/validations/0/verified_users/0": jane}
	if diff := cmp.Diff(wantVia, organization.Via); diff != "" {
		t.Errorf("organization via (-want +got):\n%s", diff)
	}
	for path, want := range map[resource.Path]string{
		"/organization_contact":       "manifests/all.yaml:32:7",
		"/organization_contact/email": "manifests/all.yaml:32:49",
		"/technical_contact/email":    "manifests/all.yaml:36:7",
	} {
		if got := organization.Pos(path).String(); got != want {
			t.Errorf("position of %q is %s, want %s", path, got, want)
		}
	}
	if len(order.Source.Digest) != 64 || order.Source.Digest == organization.Source.Digest {
		t.Errorf("digests of two documents: %s and %s", order.Source.Digest, organization.Source.Digest)
	}
	want2 := resource.Source{File: "manifests/all.yaml", Line: 3, Column: 1, Digest: order.Source.Digest}
	if diff := cmp.Diff(want2, order.Source); diff != "" {
		t.Errorf("order source (-want +got):\n%s", diff)
	}
}

func TestLoadLifecycleLabelsAndSecrets(t *testing.T) {
	t.Parallel()
	l := load(t, project(t, map[string]string{"manifests/orders/a.yml": `apiVersion: dcsync/v1
kind: Order
metadata: {name: a, labels: {team: desktop}}
spec:
  product: client_authentication_plus
  certificate: {common_name: Jane Doe, emails: [jane@example.com], signature_hash: sha256}
  organization: {id: 1}
  order_validity: {years: 1}
  payment_method: card
  credit_card:
    number: {env: CARD_NUMBER}
    cvv: {file: ../../secrets/cvv}
    expiration_month: 12
    expiration_year: 2030
    cardholder_name: Jane Doe
  billing_address: {address: 1 Street, city: Lehi, country: us}
lifecycle: {generation: 3, protect: true, ignore: [/additional_emails], contacts: follow}
`}))
	if l.Findings.HasErrors() {
		t.Fatal(text(l.Findings))
	}
	o := l.Set.Objects[0]
	want := resource.Map{
		"number":           resource.SecretRef{Env: "CARD_NUMBER"},
		"cvv":              resource.SecretRef{File: "secrets/cvv"},
		"expiration_month": resource.Int(12),
		"expiration_year":  resource.Int(2030),
		"cardholder_name":  resource.String("Jane Doe"),
	}
	if diff := cmp.Diff(want, o.Spec["credit_card"]); diff != "" {
		t.Errorf("card (-want +got):\n%s", diff)
	}
	lifecycle := resource.Lifecycle{Generation: 3, Protect: true, Ignore: []resource.Path{"/additional_emails"}, Contacts: "follow"}
	if diff := cmp.Diff(lifecycle, o.Lifecycle); diff != "" {
		t.Errorf("lifecycle (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"team": "desktop"}, o.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
}

// A digest belongs to one document: a change beside it does not touch it, a change in a comment of it does.
func TestSourceDigest(t *testing.T) {
	t.Parallel()
	digests := func(text string) []string {
		l := load(t, project(t, map[string]string{"manifests/a.yaml": text}))
		var out []string
		for _, o := range l.Set.Values {
			out = append(out, o.Source.Digest)
		}
		return out
	}
	one, two := fmt.Sprintf(contact, "a"), fmt.Sprintf(contact, "b")
	base := digests(one + "---\n" + two)
	if got := digests(one + "# more\n---\n" + two); got[0] == base[0] || got[1] != base[1] {
		t.Errorf("a comment in the first: %v and %v", base, got)
	}
	if got := digests(one + "---\n# more\n" + two); got[0] != base[0] || got[1] == base[1] {
		t.Errorf("a comment in the second: %v and %v", base, got)
	}
	if got := digests(strings.ReplaceAll(one+"---\n"+two, "\n", "\r\n")); got[0] != base[0] || got[1] != base[1] {
		t.Errorf("with CRLF: %v and %v", base, got)
	}
}

func TestInputs(t *testing.T) {
	t.Parallel()
	csr, err := os.ReadFile("../testdata/valid/csr_file/csr/firmware.csr")
	if err != nil {
		t.Fatal(err)
	}
	order, err := os.ReadFile("../testdata/valid/csr_file/manifests/orders/firmware.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"manifests/orders/a.yaml": string(order), "csr/firmware.csr": string(csr), "unrelated": "x"}
	inputs := func(change func(map[string]string)) string {
		f := maps.Clone(files)
		change(f)
		return load(t, project(t, f)).Inputs
	}
	base := inputs(func(map[string]string) {})
	if !strings.HasPrefix(base, "sha256:") || len(base) != 71 {
		t.Errorf("inputs are %q", base)
	}
	if got := inputs(func(f map[string]string) { f["unrelated"] = "y" }); got != base {
		t.Error("a file nobody names moved the inputs")
	}
	crlf := inputs(func(f map[string]string) {
		for name, text := range f {
			f[name] = strings.ReplaceAll(text, "\n", "\r\n")
		}
	})
	if crlf != base {
		t.Error("line ends moved the inputs")
	}
	for name, change := range map[string]func(map[string]string){
		"manifest":   func(f map[string]string) { f["manifests/orders/a.yaml"] += "\n" },
		"named file": func(f map[string]string) { f["csr/firmware.csr"] += "\n" },
		"project":    func(f map[string]string) { f[projectFile] = testProject + "\n" },
		"path": func(f map[string]string) {
			f["manifests/orders/b.yaml"] = string(order)
			delete(f, "manifests/orders/a.yaml")
		},
	} {
		if inputs(change) == base {
			t.Errorf("%s did not move the inputs", name)
		}
	}
}

func TestLoadTwice(t *testing.T) {
	t.Parallel()
	for name, dir := range fixtures(t, "../testdata/valid") {
		first, second := load(t, dir), load(t, dir)
		if diff := cmp.Diff(first, second, sameDescriptor); diff != "" {
			t.Errorf("%s loaded twice (-first +second):\n%s", name, diff)
		}
	}
}

// How manifests are spread over files and documents says nothing about what is wanted.
func TestFilesDoNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var documents []string
		people := rapid.IntRange(1, 4).Draw(rt, "people")
		for i := range people {
			documents = append(documents, fmt.Sprintf(contact, fmt.Sprintf("p%d", i)))
		}
		for i := range rapid.IntRange(0, 3).Draw(rt, "organizations") {
			documents = append(documents, fmt.Sprintf(`apiVersion: dcsync/v1
kind: Organization
metadata: {name: o%d}
spec:
  name: Acme
  address: 1 Street
  city: Lehi
  state: Utah
  zip: "84043"
  country: us
  telephone: "1"
  organization_contact: {ref: p%d}
`, i, rapid.IntRange(0, people-1).Draw(rt, "contact")))
		}
		spread := func(label string) map[string]string {
			files := map[string]string{}
			for _, d := range rapid.Permutation(documents).Draw(rt, label) {
				name := fmt.Sprintf("manifests/%d.yaml", rapid.IntRange(0, 3).Draw(rt, label+" file"))
				files[name] += "---\n" + d
			}
			return files
		}
		wanted := func(files map[string]string) map[string]resource.Map {
			l := load(t, project(t, files))
			if len(l.Findings) > 0 {
				rt.Fatal(text(l.Findings))
			}
			out := map[string]resource.Map{}
			for _, o := range append(slices.Clone(l.Set.Objects), l.Set.Values...) {
				out[o.Address.String()] = o.Spec
			}
			return out
		}
		if diff := cmp.Diff(wanted(spread("one")), wanted(spread("other"))); diff != "" {
			rt.Errorf("two ways to write a set differ (-one +other):\n%s", diff)
		}
	})
}

func TestCanceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Load(ctx, project(t, map[string]string{"manifests/a.yaml": fmt.Sprintf(contact, "a")})); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

// What a manifest names is the same text however git checked it out.
func TestIncludedLineEnds(t *testing.T) {
	t.Parallel()
	csr, err := os.ReadFile("../testdata/valid/csr_file/csr/firmware.csr")
	if err != nil {
		t.Fatal(err)
	}
	order, err := os.ReadFile("../testdata/valid/csr_file/manifests/orders/firmware.yaml")
	if err != nil {
		t.Fatal(err)
	}
	spec := func(csr string) resource.Value {
		l := load(t, project(t, map[string]string{"manifests/orders/a.yaml": string(order), "csr/firmware.csr": csr}))
		if len(l.Set.Objects) != 1 {
			t.Fatalf("%d objects: %v", len(l.Set.Objects), l.Findings)
		}
		return l.Set.Objects[0].Spec
	}
	if diff := cmp.Diff(spec(string(csr)), spec(strings.ReplaceAll(string(csr), "\n", "\r\n"))); diff != "" {
		t.Errorf("(-LF +CRLF):\n%s", diff)
	}
}

// Windows line ends, a byte order mark and a missing last line end change no position.
func TestLineEnds(t *testing.T) {
	t.Parallel()
	lf := fmt.Sprintf(contact, "a") + "colour: red"
	want := text(load(t, project(t, map[string]string{"manifests/a.yaml": lf})).Findings)
	for name, form := range map[string]string{
		"CRLF":            strings.ReplaceAll(lf, "\n", "\r\n"),
		"byte order mark": "\ufeff" + lf,
		"last line end":   lf + "\n",
	} {
		got := text(load(t, project(t, map[string]string{"manifests/a.yaml": form})).Findings)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
