package reconcile

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/resource"
	"dcsync/schema"
)

// What is sent of an ignored field: the live value, else the applied one, else the manifest's; and never a part of an object without the rest.
func TestWithTheirs(t *testing.T) {
	t.Parallel()
	d, ok := schema.Descriptor("Order", "ssl_basic")
	if !ok {
		t.Fatal("no such product")
	}
	s := func(text string) resource.Value { return resource.String(text) }
	contact := func(phone string) resource.Map {
		m := resource.Map{"first_name": s("Jo"), "last_name": s("Doe"), "email": s("jo@example.com")}
		if phone != "" {
			m["telephone"] = s(phone)
		}
		return m
	}
	tech := func(m resource.Map) resource.Map { return resource.Map{"technical_contact": m} }
	cert := func(name, value string) resource.Map {
		return resource.Map{"certificate": resource.Map{"common_name": s("a.example"), name: s(value)}}
	}
	bare := resource.Map{"certificate": resource.Map{"common_name": s("a.example")}}
	for _, test := range []struct {
		name                       string
		ignore                     resource.Path
		spec, applied, shown, want resource.Map
		list, unread               bool
	}{
		{name: "live", ignore: "/certificate/csr", spec: cert("csr", "mine"), applied: cert("csr", "old"), shown: cert("csr", "theirs"), want: cert("csr", "theirs")},
		{name: "what holds it is ignored", ignore: "/certificate", spec: cert("csr", "mine"), applied: cert("csr", "old"), shown: cert("csr", "theirs"), want: cert("csr", "theirs")},
		{name: "not shown in a list", ignore: "/certificate/csr", spec: cert("csr", "mine"), applied: cert("csr", "old"), shown: bare, list: true, want: cert("csr", "old")},
		{name: "not read", ignore: "/certificate/csr", spec: cert("csr", "mine"), applied: cert("csr", "old"), unread: true, want: cert("csr", "old")},
		{name: "not read, never applied", ignore: "/certificate/csr", spec: cert("csr", "mine"), unread: true, want: cert("csr", "mine")},
		{name: "never shown", ignore: "/comments", spec: resource.Map{"comments": s("mine")}, applied: resource.Map{"comments": s("old")}, shown: resource.Map{}, want: resource.Map{"comments": s("old")}},
		{name: "never shown, never applied", ignore: "/comments", spec: resource.Map{"comments": s("mine")}, shown: resource.Map{}, want: resource.Map{"comments": s("mine")}},
		{name: "required and left out of the answer", ignore: "/certificate/csr", spec: cert("csr", "mine"), applied: cert("csr", "old"), shown: bare, want: cert("csr", "old")},
		{name: "taken away", ignore: "/certificate/ca_cert_id", spec: cert("ca_cert_id", "mine"), applied: cert("ca_cert_id", "mine"), shown: bare, want: bare},
		{name: "never written", ignore: "/certificate/ca_cert_id", spec: bare, shown: cert("ca_cert_id", "theirs"), want: cert("ca_cert_id", "theirs")},
		{name: "member of a contact", ignore: "/technical_contact/telephone", spec: tech(contact("1")), applied: tech(contact("1")), shown: tech(contact("2")), want: tech(contact("2"))},
		{name: "member that is gone", ignore: "/technical_contact/telephone", spec: tech(contact("1")), applied: tech(contact("1")), shown: tech(contact("")), want: tech(contact(""))},
		{name: "member of a new contact", ignore: "/technical_contact/telephone", spec: tech(contact("1")), shown: resource.Map{}, want: tech(contact("1"))},
		{name: "member of a contact that is not declared", ignore: "/technical_contact/telephone", spec: resource.Map{}, shown: tech(contact("2")), want: resource.Map{}},
		{name: "whole contact", ignore: "/technical_contact", spec: resource.Map{}, shown: tech(contact("2")), want: tech(contact("2"))},
		{name: "whole contact that is gone", ignore: "/technical_contact", spec: tech(contact("1")), applied: tech(contact("1")), shown: resource.Map{}, want: resource.Map{}},
		{name: "notes", ignore: "/notes", spec: resource.Map{"notes": resource.List{s("mine")}}, shown: resource.Map{"notes": resource.List{s("theirs")}}, want: resource.Map{}},
		{name: "secret", ignore: "/credit_card", spec: resource.Map{"credit_card": resource.Map{"number": resource.SecretRef{Env: "CARD"}}}, shown: resource.Map{},
			want: resource.Map{"credit_card": resource.Map{"number": resource.SecretRef{Env: "CARD"}}}},
		{name: "another", ignore: "/comments", spec: cert("csr", "mine"), applied: cert("csr", "old"), shown: cert("csr", "theirs"), want: cert("csr", "mine")},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := &resource.Object{Descriptor: d, Spec: test.spec, Lifecycle: resource.Lifecycle{Ignore: []resource.Path{test.ignore}}}
			live := &resource.Live{Spec: test.shown, Depth: resource.InfoDepth}
			if test.list {
				live.Depth = resource.ListDepth
			}
			if test.unread {
				live = nil
			}
			was := test.spec.Clone()
			if diff := cmp.Diff(test.want, withTheirs(o, test.spec, test.applied, live)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(was, test.spec); diff != "" {
				t.Errorf("the manifest's spec was changed (-was +is):\n%s", diff)
			}
		})
	}
}
