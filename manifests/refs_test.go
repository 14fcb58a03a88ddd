package manifests

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/resource"
)

// The tables of today cannot make a circle, because no kind refers to its own or back. This one lets contacts refer to contacts.
var friends = &resource.Descriptor{
	Kind: "Contact", ValueOnly: true,
	Root: &resource.Field{Type: resource.TypeObject, Members: []*resource.Field{
		{Name: "first_name", Path: "/first_name", Type: resource.TypeString},
		{Name: "friend", Path: "/friend", Type: resource.TypeObject, RefKind: "Contact", Members: []*resource.Field{
			{Name: "first_name", Path: "/friend/first_name", Type: resource.TypeString},
		}},
		{Name: "others", Path: "/others", Type: resource.TypeList, Item: &resource.Field{
			Path: "/others/[]", Type: resource.TypeObject, RefKind: "Contact",
		}},
	}},
}

// joined loads contacts, one document each, given as name and spec, up to and with their references.
func joined(t *testing.T, contacts ...string) *loader {
	t.Helper()
	var documents []string
	for i := 0; i < len(contacts); i += 2 {
		documents = append(documents, fmt.Sprintf("kind: Contact\nmetadata: {name: %s}\nspec: %s\n", contacts[i], contacts[i+1]))
	}
	l, err := newLoader(project(t, map[string]string{"a.yaml": strings.Join(documents, "---\n")}))
	if err != nil {
		t.Fatal(err)
	}
	l.documents = l.readFile("a.yaml")
	for _, d := range l.documents {
		d.desc = friends
	}
	l.checkNames()
	return l
}

func TestCircles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		contacts []string
		want     string
	}{
		"none": {[]string{"a", "{friend: {ref: b}}", "b", "{others: [{ref: c}]}", "c", "{}"}, ""},
		"self": {[]string{"a", "{friend: {ref: a}}"}, `a.yaml:3:22: error: references in a circle: Contact/a → Contact/a [DC1303]
    | spec: {friend: {ref: a}}
    at Contact/a /friend/ref
    hint: write one of them out, or give an id instead
`},
		"three": {[]string{"a", "{friend: {ref: b}}", "b", "{others: [{ref: c}, {ref: c}]}", "c", "{friend: {ref: a}}", "d", "{friend: {ref: a}}"},
			`a.yaml:3:22: error: references in a circle: Contact/a → Contact/b → Contact/c → Contact/a [DC1303]
    | spec: {friend: {ref: b}}
    at Contact/a /friend/ref
    a.yaml:7:23: Contact/b refers to Contact/c
    a.yaml:7:33: Contact/b refers to Contact/c
    a.yaml:11:22: Contact/c refers to Contact/a
    hint: write one of them out, or give an id instead
`},
		"two": {[]string{"a", "{friend: {ref: b}}", "b", "{friend: {ref: a}}", "c", "{friend: {ref: c}}"},
			`a.yaml:3:22: error: references in a circle: Contact/a → Contact/b → Contact/a [DC1303]
    | spec: {friend: {ref: b}}
    at Contact/a /friend/ref
    a.yaml:7:22: Contact/b refers to Contact/a
    hint: write one of them out, or give an id instead
a.yaml:11:22: error: references in a circle: Contact/c → Contact/c [DC1303]
    | spec: {friend: {ref: c}}
    at Contact/c /friend/ref
    hint: write one of them out, or give an id instead
`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := joined(t, c.contacts...)
			deps, refs := l.edges()
			l.circles(deps, refs)
			if diff := cmp.Diff(c.want, text(l.sortedFindings())); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if circle := deps.Cycle(); circle != nil {
				t.Errorf("circle %v is left", circle)
			}
		})
	}
}

// A reference brings in only what its place has members for.
func TestFollow(t *testing.T) {
	t.Parallel()
	l := joined(t, "a", "{friend: {ref: b}}", "b", "{first_name: Bea, friend: {ref: c}}", "c", "{first_name: Cid}")
	b := newBuilder(l.documents[0])
	target := newBuilder(l.documents[1])
	b.follow(references(l.documents[0])[0], target.object)
	want := resource.Map{"friend": resource.Map{"first_name": resource.String("Bea")}}
	if diff := cmp.Diff(want, b.object.Spec); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[resource.Path]resource.Address{"/friend": {Kind: "Contact", Name: "b"}}, b.object.Via); diff != "" {
		t.Errorf("via (-want +got):\n%s", diff)
	}
}
