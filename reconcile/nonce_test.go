package reconcile

import (
	"strings"
	"testing"

	"dcsync/internal/resource"
)

// These values are in the accounts of users: an order is found again by its nonce alone. They must never change.
func TestNonceIsForever(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		account              int64
		uid, kind, origin    string
		generation, sequence int
		want                 string
	}{
		{1234567, "5d0c3f5e-8f0b-4f0c-9a57-demo0000demo", "Order", "installer-signing", 1, 0, "mg07cnhkjips50ehl4rct254vgp7io0agit0jrk1"},
		{1234567, "5d0c3f5e-8f0b-4f0c-9a57-demo0000demo", "Order", "installer-signing", 2, 0, "mg07cnhkti3s0v8n4eru7m3ltflln1072bp15u6f"},
		{1234567, "5d0c3f5e-8f0b-4f0c-9a57-demo0000demo", "Order", "installer-signing", 1, 3, "mg07cnhkgfn96oij2ja70n9s7kirt3d6oscuj56u"},
		{1234567, "5d0c3f5e-8f0b-4f0c-9a57-demo0000demo", "Order", "driver-signing", 1, 0, "mg07cnhk91t7nagrrajcvuo5ic1sukoodnr427ov"},
		{7654321, "5d0c3f5e-8f0b-4f0c-9a57-demo0000demo", "Order", "installer-signing", 1, 0, "47t858dadm42jjceoo978arfs57h166qcfs7kjt9"},
		{1234567, "00000000-0000-0000-0000-000000000000", "Order", "installer-signing", 1, 0, "sse73466q8ormn8h0p4n2enmni7v777o3sguagf2"},
	} {
		if got := Nonce(test.account, test.uid, test.kind, test.origin, test.generation, test.sequence); got != test.want {
			t.Errorf("nonce of %s/%s, generation %d, sequence %d: %s, want %s", test.kind, test.origin, test.generation, test.sequence, got, test.want)
		}
	}
}

func TestNonceForm(t *testing.T) {
	t.Parallel()
	base := Nonce(1, "uid", "Order", "a", 1, 0)
	seen := map[string]string{base: "the first"}
	for name, n := range map[string]string{
		"name": Nonce(1, "uid", "Order", "b", 1, 0), "kind": Nonce(1, "uid", "Thing", "a", 1, 0), "generation": Nonce(1, "uid", "Order", "a", 2, 0),
		"sequence": Nonce(1, "uid", "Order", "a", 1, 1), "digits moved from name to generation": Nonce(1, "uid", "Order", "a1", 1, 0),
		"generation 11": Nonce(1, "uid", "Order", "a", 11, 0),
	} {
		if len(n) != nonceLength || strings.Trim(n, "0123456789abcdefghijklmnopqrstuv") != "" {
			t.Errorf("%s: %q is not 40 characters of digits and lower case", name, n)
		}
		if n[:projectDigits] != base[:projectDigits] || n[:projectDigits] != projectDigest(1, "uid") {
			t.Errorf("%s: %q does not begin as the project's others do", name, n)
		}
		if other, twice := seen[n]; twice {
			t.Errorf("%s has the nonce of %s", name, other)
		}
		seen[n] = name
	}
	if Nonce(2, "uid", "Order", "a", 1, 0)[:projectDigits] == base[:projectDigits] {
		t.Error("two accounts share the project's digits")
	}
}

// A manifest's own id is the nonce of its first order alone.
func TestNonceOf(t *testing.T) {
	t.Parallel()
	d := things()
	in := Input{Live: &Account{ID: 1}, Settings: Settings{UID: "uid"}}
	own := &resource.Object{Descriptor: d, Spec: resource.Map{"key": resource.String("mine")}}
	without := &resource.Object{Descriptor: d, Spec: resource.Map{}}
	for _, test := range []struct {
		name                 string
		object               *resource.Object
		generation, sequence int
		want                 string
	}{
		{"own", own, 1, 0, "mine"},
		{"own, ordered again", own, 2, 0, Nonce(1, "uid", "Thing", "a", 2, 0)},
		{"own, renewed", own, 1, 1, Nonce(1, "uid", "Thing", "a", 1, 1)},
		{"derived", without, 1, 0, Nonce(1, "uid", "Thing", "a", 1, 0)},
	} {
		if got := nonceOf(in, test.object, "a", test.generation, test.sequence); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
	if got := nonceOf(Input{}, own, "a", 1, 0); got != "" {
		t.Errorf("without an account: %q, want none", got)
	}
	keyless := *d
	keyless.Nonce = ""
	if got := nonceOf(in, &resource.Object{Descriptor: &keyless, Spec: resource.Map{}}, "a", 1, 0); got != "" {
		t.Errorf("of a kind without nonce: %q, want none", got)
	}
}

// things describes a kind with one field of each sort that reconcile treats apart.
func things() *resource.Descriptor {
	field := func(path resource.Path, typ resource.Type, send resource.Send, change resource.ChangeMode, method, list, info string) *resource.Field {
		return &resource.Field{Name: path.Last(), Path: path, Type: typ, Send: send, Change: change, Method: method, Read: resource.Read{List: list, Info: info}}
	}
	name := field("/name", resource.TypeString, resource.SendCreate, resource.Immutable, "", "name", "")
	name.Identity = true
	name.Normalise = func(v resource.Value) resource.Value { return resource.String(strings.ToLower(resource.Text(v))) }
	mails := field("/mails", resource.TypeList, resource.SendCreate, resource.Reissue, "", "", "mails")
	mails.Identity, mails.Item = true, &resource.Field{Type: resource.TypeString}
	notes := field("/notes", resource.TypeList, resource.SendAfter, resource.InPlace, methodNotes, "", "notes[].text")
	notes.Item = &resource.Field{Type: resource.TypeString}
	secret := field("/card", resource.TypeString, resource.SendCreate, resource.CreateOnly, "", "", "")
	secret.Secret = true
	return &resource.Descriptor{Kind: "Thing", Nonce: "/key", Expires: true, Billable: true, Root: &resource.Field{Type: resource.TypeObject, Members: []*resource.Field{
		name, mails,
		field("/years", resource.TypeInt, resource.SendCreate, resource.Immutable, "", "years", ""),
		field("/message", resource.TypeString, resource.SendCreatePut, resource.InPlace, "message", "", "message"),
		field("/comment", resource.TypeString, resource.SendCreate, resource.CreateOnly, "", "", ""),
		field("/key", resource.TypeString, resource.SendCreate, resource.Immutable, "", "", "key"),
		notes, secret,
	}}}
}
