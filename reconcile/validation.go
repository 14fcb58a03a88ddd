package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
	"dcsync/state"
)

// What an organization is validated for, and by whom it may be approved, only ever grows: types and people can be added, the API takes
// neither back (domain rules, section 6).

// validationsAsShown gives the managed validations that the account shows as pending or active. Of the people named for one the API
// shows names only, so those that were applied are taken as they were, and of the others the desired ones that it shows.
func validationsAsShown(desired, applied resource.Value, live *resource.Live) resource.List {
	var out resource.List
	seen := map[string]bool{}
	for _, item := range append(items(applied), items(desired)...) {
		t := typeOf(item)
		if s := live.Validation[t]; seen[t] || s != "pending" && s != "active" {
			continue
		}
		seen[t] = true
		before, wanted := ofType(applied, t), ofType(desired, t)
		switch shown := live.Approvers[t]; {
		case !showsPeople(live, t) && before != nil:
			out = append(out, before)
		case !showsPeople(live, t):
			out = append(out, wanted)
		case before == nil:
			out = append(out, ofShown(wanted, shown)) // what an earlier run submitted and could not record, or was there before
		default:
			out = append(out, withShown(before, wanted, shown))
		}
	}
	return out
}

// showsPeople tells whether it is known who was named for a validation: a single read shows them once it is active, if it needs any (API facts,
// section 4.5).
func showsPeople(live *resource.Live, t string) bool {
	return len(live.Approvers[t]) > 0 || live.Depth == resource.InfoDepth && live.Validation[t] == "active" && slices.Contains(approvedTypes(), t)
}

// ofShown gives a validation with those of its people whom the account shows for it.
func ofShown(wanted resource.Map, shown []resource.Approver) resource.Value {
	out := wanted.Clone()
	people := slices.DeleteFunc(slices.Clone(items(wanted["verified_users"])), func(p resource.Value) bool { return !isShown(p, shown) })
	resource.Put(out, "/verified_users", orNil(people))
	return out
}

// withShown gives a validation as it was applied, without the people whom the account shows no more, and with the desired ones whom it shows.
func withShown(before, wanted resource.Map, shown []resource.Approver) resource.Value {
	var people resource.List
	left := slices.Clone(shown) // each stands for one person: of two of one name it is the one that was applied
	for _, p := range append(slices.Clone(items(before["verified_users"])), items(wanted["verified_users"])...) {
		i := slices.IndexFunc(left, func(a resource.Approver) bool { return isShown(p, []resource.Approver{a}) })
		if i >= 0 && indexOf(people, p) < 0 {
			people = append(people, p)
			left = slices.Delete(left, i, i+1)
		}
	}
	out := before.Clone()
	resource.Put(out, "/verified_users", orNil(people))
	return out
}

// asWritten gives applied validations with those whom the manifest still names described as it describes them now: a person is who they are by
// name and address, and the API changes nobody.
func asWritten(applied, desired resource.Value) resource.Value {
	var out resource.List
	for _, was := range items(applied) {
		item, ok := was.(resource.Map)
		now := ofType(desired, typeOf(was))
		if !ok || now == nil || item["verified_users"] == nil {
			out = append(out, was)
			continue
		}
		var people resource.List
		users := items(now["verified_users"])
		for _, p := range items(item["verified_users"]) {
			if i := indexOf(users, p); i >= 0 {
				p = users[i]
			}
			people = append(people, p)
		}
		item = item.Clone()
		item["verified_users"] = people
		out = append(out, item)
	}
	return orNil(out)
}

// warnDetails says which details of approvers were written otherwise since they were applied: no request carries them.
func (b *builder) warnDetails(p *Plan, o *resource.Object, entry *state.Entry) {
	for _, f := range o.Descriptor.Leaves() {
		if f.Method != methodValidation || ignores(o, f.Path) {
			continue
		}
		was, now := resource.Get(entry.Applied.Spec, f.Path), resource.Get(b.desired(o), f.Path)
		for _, v := range items(was) {
			for _, person := range items(resource.Get(v, "/verified_users")) {
				users := items(resource.Get(ofType(now, typeOf(v)), "/verified_users"))
				i := indexOf(users, person)
				if i < 0 {
					continue
				}
				if what := otherDetails(person, users[i]); len(what) > 0 {
					p.Findings.Add(diag.Diagnostic{Severity: diag.Note, Code: diag.ApproverDetails, Address: o.Address.String(), Path: string(f.Path), Pos: o.Pos(f.Path),
						Summary: fmt.Sprintf("%s of %s changed, and the API cannot change it: it stays as it was given", strings.Join(what, " and "), personText(person)),
						Hint:    "have it changed in the console where it matters"})
				}
			}
		}
	}
}

// unnamed gives the people who may approve orders by a managed validation although no manifest names them: the API takes nobody back, so
// that only somebody in the console can (domain rules, section 6). Those of applied validations count as named.
func (b *builder) unnamed(o *resource.Object, live *resource.Live, applied ...resource.Value) []Unnamed {
	if len(live.Approvers) == 0 {
		return nil
	}
	var wanted []resource.Value
	for _, f := range o.Descriptor.Leaves() {
		if f.Method == methodValidation {
			wanted = append(wanted, items(resource.Get(b.desired(o), f.Path))...)
		}
	}
	var people []resource.Value
	for _, v := range slices.Concat(wanted, applied) {
		people = append(people, items(resource.Get(v, "/verified_users"))...)
	}
	for _, other := range b.in.Set.Objects {
		people = append(people, approversOf(resource.Get(other.Spec, orderPeople))...)
	}
	var out []Unnamed
	for _, v := range wanted {
		t := typeOf(v)
		for _, a := range live.Approvers[t] {
			if !slices.ContainsFunc(people, func(p resource.Value) bool { return isShown(p, []resource.Approver{a}) }) {
				out = append(out, Unnamed{o.Address, live.ID, t, strings.TrimSpace(a.FirstName + " " + a.LastName)})
			}
		}
	}
	return out
}

// takenBack says what a change of the validations would take back of what the account shows, "" when it only adds.
func takenBack(f resource.FieldChange) string {
	for _, was := range items(f.Before) {
		now := ofType(f.After, typeOf(was))
		if now == nil {
			return fmt.Sprintf("a validation cannot be taken back; write type %s again, or leave it to run out by taking all of validations away", typeOf(was))
		}
		if who := leftOut(items(resource.Get(was, "/verified_users")), items(now["verified_users"])); len(who) > 0 {
			return onlyInConsole(who[0])
		}
	}
	return ""
}

// ranOut gives the types of applied validations that time alone took from the account; none where anything else of them differs too.
func ranOut(f resource.FieldChange, live *resource.Live) []string {
	if f.Field.Method != methodValidation || live == nil {
		return nil
	}
	var out []string
	for _, was := range items(f.Applied) {
		t := typeOf(was)
		switch shown := ofType(f.Before, t); {
		case shown == nil && live.Validation[t] == "expired":
			out = append(out, t)
		case shown == nil || !resource.Equal(shown, was):
			return nil
		}
	}
	return out
}

// strangersTo gives the people who may approve orders although neither a manifest nor what was applied names them.
func (b *builder) strangersTo(o *resource.Object, entry *state.Entry, live *resource.Live) []Unnamed {
	if len(live.Approvers) == 0 {
		return nil
	}
	var applied []resource.Value // whom git named until now is an intent to take away
	for _, e := range b.in.State.Objects {
		if people := approversOf(resource.Get(e.Applied.Spec, orderPeople)); len(people) > 0 {
			applied = append(applied, resource.Map{"verified_users": people})
		}
	}
	for _, f := range o.Descriptor.Leaves() {
		if f.Method == methodValidation {
			applied = append(applied, items(resource.Get(entry.Applied.Spec, f.Path))...)
		}
	}
	return b.unnamed(o, live, applied...)
}

// strangers plans to report who may approve orders although no manifest names them: only somebody in the console can end that, so it is
// drift that stops nothing.
func (b *builder) strangers(p *Plan, o *resource.Object, entry *state.Entry, live *resource.Live) {
	people := b.strangersTo(o, entry, live)
	if len(people) == 0 {
		return
	}
	var names []string
	for _, u := range people {
		names = append(names, fmt.Sprintf("%s (%s)", u.Person, u.Type))
	}
	c := b.blocked(o, strings.Join(names, ", ")+" may approve orders although no manifest says so", "remove them in the console, or name them in verified_users")
	c.ID, c.Trigger = entry.Identity.ID, resource.ByDrift
	b.place(c, entry)
	for _, f := range o.Descriptor.Leaves() {
		if f.Method == methodValidation {
			want := resource.Get(b.desired(o), f.Path)
			c.Fields = append(c.Fields, resource.FieldChange{Path: f.Path, Before: shownBy(live, people), Applied: resource.Get(entry.Applied.Spec, f.Path),
				After: want, Origin: resource.FromDrift, Field: f})
		}
	}
	b.add(p, c)
}

// shownBy gives the validations of which people take part, with the names of all whom the account shows for them.
func shownBy(live *resource.Live, people []Unnamed) resource.Value {
	var out resource.List
	for _, u := range people {
		if ofType(out, u.Type) != nil {
			continue
		}
		var users resource.List
		for _, a := range live.Approvers[u.Type] {
			users = append(users, resource.Map{"first_name": resource.String(a.FirstName), "last_name": resource.String(a.LastName)})
		}
		out = append(out, resource.Map{"type": resource.String(u.Type), "verified_users": users})
	}
	return out
}

// validated looks whether a submission that got no answer took effect; it gives the error back when it did not.
func (t *task) validated(ctx context.Context, fields []resource.FieldChange, err error) error {
	want := []resource.Path{fields[0].Path}
	live, lookErr := t.await(ctx, want, func(l *resource.Live) bool {
		return resource.Equal(orNil(validationsAsShown(fields[0].After, fields[0].Applied, l)), fields[0].After)
	})
	switch {
	case lookErr != nil:
		return errors.Join(err, lookErr)
	case live == nil:
		return err
	}
	return nil
}

func typeOf(item resource.Value) string { return resource.Text(resource.Get(item, "/type")) }

func ofType(list resource.Value, t string) resource.Map {
	for _, item := range items(list) {
		if typeOf(item) == t {
			m, _ := item.(resource.Map)
			return m
		}
	}
	return nil
}
