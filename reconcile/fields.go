package reconcile

import (
	"fmt"
	"slices"
	"strings"

	"dcsync/internal/diag"
	"dcsync/internal/diff"
	"dcsync/internal/resource"
	"dcsync/state"
)

// The in-place methods whose fields are lists of which others may own items too.
const (
	methodNotes        = "notes"
	methodCustomFields = "custom_fields"
	methodContacts     = "contacts"
	methodValidation   = "validation"
)

// differences plans an object that is in state and alive, by the policy of each field that differs.
func (b *builder) differences(p *Plan, o *resource.Object, entry *state.Entry, live *resource.Live) {
	res := b.compare(o, entry, live)
	for _, path := range res.Released {
		p.Findings.Add(diag.Diagnostic{Severity: diag.Warning, Code: diag.FieldReleased, Address: o.Address.String(), Path: string(path), Pos: o.Pos(path),
			Summary: fmt.Sprintf("%s is no longer written; the API cannot clear it, so it keeps its value and is not managed any more", path),
			Hint:    "write the value you want instead"})
	}
	parts := map[part][]resource.FieldChange{}
	for _, f := range res.Changes {
		k := b.act(o, f, live)
		parts[k] = append(parts[k], f)
	}
	if len(parts) == 0 {
		c := b.change(o, resource.Noop, resource.ByIntent, "")
		c.ID, c.live = entry.Identity.ID, live
		b.place(c, entry)
		b.add(p, c)
		return
	}
	for _, k := range slices.SortedFunc(keys(parts), part.compare) {
		c := b.change(o, k.action, k.trigger, k.reason)
		c.ID, c.live, c.Fields, c.Corrected = entry.Identity.ID, live, parts[k], k.corrected
		b.place(c, entry)
		if k.action == resource.Update {
			c.Trigger = triggerOf(c.Fields)
			c.Reason = reasonOf(c.Fields)
			c.Requests = requests(c.Fields, live)
		}
		b.add(p, c)
	}
}

func (b *builder) place(c *Change, entry *state.Entry) {
	c.Generation, c.Sequence, c.nonce = entry.Identity.Generation, entry.Identity.Sequence, entry.Identity.Nonce
}

// part is what is done with some of an object's fields.
type part struct {
	action    resource.Action
	trigger   resource.Trigger
	reason    string
	corrected bool
}

func (p part) compare(q part) int {
	return strings.Compare(fmt.Sprint(p.action, p.trigger, p.reason), fmt.Sprint(q.action, q.trigger, q.reason))
}

// act says what is done about a field that differs: change it in place; keep it for the next certificate; or say why neither is
// possible.
func (b *builder) act(o *resource.Object, f resource.FieldChange, live *resource.Live) part {
	drift := f.Origin == resource.FromDrift
	switch f.Field.Change {
	case resource.InPlace:
		if f.Field.Method == methodContacts && o.Descriptor.Expires && live != nil && live.Phase == resource.Active && o.Lifecycle.Contacts != "follow" {
			if drift {
				return part{action: resource.Blocked, trigger: resource.ByDrift, reason: "contacts of an issued order are changed only with lifecycle.contacts: follow"}
			}
			return part{action: resource.Deferred, trigger: resource.ByIntent, reason: "contacts of an issued order wait for the next one; lifecycle.contacts: follow changes them now"}
		}
		return part{action: resource.Update}
	case resource.Reissue:
		if drift {
			return part{action: resource.Blocked, trigger: resource.ByDrift, reason: "changed in the account; only a reissue could change it back, and dcsync does not reissue by itself"}
		}
		return part{action: resource.Blocked, trigger: resource.ByIntent, reason: "only a reissue can change this; put the applied value back, or reissue in the console"}
	}
	if !o.Descriptor.Expires {
		if drift {
			return part{action: resource.Blocked, trigger: resource.ByDrift, corrected: true,
				reason: "corrected by DigiCert, or in the console; write the live value into the manifest"}
		}
		return part{action: resource.Blocked, trigger: resource.ByIntent, reason: "the API cannot change this on something that exists; put the applied value back, or write a manifest of another name"}
	}
	if drift {
		return part{action: resource.Blocked, trigger: resource.ByDrift, reason: "changed in the account; it cannot be changed back on an order that was placed"}
	}
	return part{action: resource.Deferred, trigger: resource.ByIntent, reason: "fixed for an order that was placed; kept for the next one"}
}

func triggerOf(fields []resource.FieldChange) resource.Trigger {
	for _, f := range fields {
		if f.Origin != resource.FromDrift {
			return resource.ByIntent
		}
	}
	return resource.ByDrift
}

func reasonOf(fields []resource.FieldChange) string {
	intent, drift := 0, 0
	for _, f := range fields {
		if f.Origin != resource.FromDrift {
			intent++
		}
		if f.Origin != resource.FromIntent {
			drift++
		}
	}
	switch {
	case drift == 0:
		return "the manifest changed"
	case intent == 0:
		return "the account was changed outside git"
	}
	return "the manifest changed, and so did the account"
}

// methods groups the fields by in-place method, in the order of the table.
func methods(fields []resource.FieldChange) ([]string, map[string][]resource.FieldChange) {
	by := map[string][]resource.FieldChange{}
	var order []string
	for _, f := range fields {
		if _, ok := by[f.Field.Method]; !ok {
			order = append(order, f.Field.Method)
		}
		by[f.Field.Method] = append(by[f.Field.Method], f)
	}
	return order, by
}

// requests counts the calls that in-place changes take: one for each method, but one for each note and each custom field.
func requests(fields []resource.FieldChange, live *resource.Live) int {
	order, by := methods(fields)
	n := 0
	for _, m := range order {
		switch m {
		case methodNotes:
			add, remove := noteChanges(by[m][0], live, nil)
			n += len(add) + len(remove)
		case methodCustomFields:
			n += len(itemsThatDiffer(by[m][0]))
		default:
			n++
		}
	}
	return n
}

// noteChanges gives the texts to post and the texts of which our own notes are to be deleted. owned are the notes dcsync posted, by
// id; nil counts every removed text as one.
func noteChanges(f resource.FieldChange, live *resource.Live, owned map[string]string) (add, remove []string) {
	want, have := texts(f.After), texts(f.Before)
	if live != nil && live.Depth == resource.InfoDepth {
		have = nil
		for _, n := range live.Notes {
			have = append(have, n.Text)
		}
	}
	for _, t := range want {
		if !slices.Contains(have, t) && !slices.Contains(add, t) {
			add = append(add, t)
		}
	}
	if owned == nil {
		for _, t := range texts(f.Applied) {
			if !slices.Contains(want, t) && slices.Contains(have, t) {
				remove = append(remove, t)
			}
		}
		return add, remove
	}
	for _, t := range owned {
		if !slices.Contains(want, t) && slices.Contains(have, t) {
			remove = append(remove, t)
		}
	}
	slices.Sort(remove)
	return add, remove
}

func texts(v resource.Value) []string {
	l, _ := v.(resource.List)
	var out []string
	for _, e := range l {
		out = append(out, resource.Text(e))
	}
	return out
}

// itemsThatDiffer gives the items of a list that are in After and not, equal, in Before.
func itemsThatDiffer(f resource.FieldChange) resource.List {
	before, _ := f.Before.(resource.List)
	after, _ := f.After.(resource.List)
	var out resource.List
	for _, item := range after {
		if !slices.ContainsFunc(before, func(b resource.Value) bool { return resource.Equal(b, item) }) {
			out = append(out, item)
		}
	}
	return out
}

// ours gives the live spec without what others own in shared lists: notes that are neither wanted nor posted by dcsync, and
// custom fields that are neither wanted nor applied.
func ours(d *resource.Descriptor, desired resource.Map, entry *state.Entry, live *resource.Live) resource.Map {
	spec := live.Spec.Clone()
	for _, f := range d.Leaves() {
		if f.Change != resource.InPlace || live.Depth != resource.InfoDepth && !f.Readable(live.Depth) {
			continue
		}
		switch f.Method {
		case methodNotes:
			want := texts(resource.Get(desired, f.Path))
			var keep resource.List
			for _, n := range live.Notes {
				if _, owned := entry.Identity.Notes[n.ID]; owned || slices.Contains(want, n.Text) {
					keep = append(keep, resource.String(n.Text))
				}
			}
			resource.Put(spec, f.Path, orNil(keep))
		case methodCustomFields:
			mine := append(items(resource.Get(desired, f.Path)), items(resource.Get(entry.Applied.Spec, f.Path))...)
			var keep resource.List
			for _, item := range items(resource.Get(live.Spec, f.Path)) {
				if slices.ContainsFunc(mine, func(m resource.Value) bool { return sameItem(m, item) }) {
					keep = append(keep, item)
				}
			}
			resource.Put(spec, f.Path, orNil(keep))
		case methodValidation:
			resource.Put(spec, f.Path, orNil(validationsAsApplied(resource.Get(desired, f.Path), resource.Get(entry.Applied.Spec, f.Path), live)))
		}
	}
	return spec
}

// validationsAsApplied gives the managed validations that the account shows as pending or active. The API does not show who was
// named for them in a form that could be compared, so each is taken as it was applied, or, before that, as it is desired.
func validationsAsApplied(desired, applied resource.Value, live *resource.Live) resource.List {
	var out resource.List
	seen := map[string]bool{}
	for _, item := range append(items(applied), items(desired)...) {
		t := resource.Text(resource.Get(item, "/type"))
		if s := live.Validation[t]; !seen[t] && (s == "pending" || s == "active") {
			seen[t] = true
			out = append(out, item)
		}
	}
	return out
}

func orNil(l resource.List) resource.Value {
	if len(l) == 0 {
		return nil
	}
	return l
}

func items(v resource.Value) resource.List {
	l, _ := v.(resource.List)
	return l
}

// sameItem tells whether two custom field values are of the same field.
func sameItem(a, b resource.Value) bool {
	return resource.Equal(resource.Get(a, "/metadata_id"), resource.Get(b, "/metadata_id"))
}

// adoptable gives the in-place fields in which an adopted object still differs from its manifest, to be completed in the same run.
func (b *builder) adoptable(o *resource.Object, live *resource.Live) []resource.FieldChange {
	entry := &state.Entry{Applied: state.Applied{Spec: appliedFromLive(o.Descriptor, b.desired(o), live)}}
	var out []resource.FieldChange
	for _, f := range b.compare(o, entry, live).Changes {
		if b.act(o, f, live).action == resource.Update {
			out = append(out, f)
		}
	}
	return out
}

// appliedFromLive gives the applied spec of an object that was found, not made: what live shows of the declared fields, and the
// declared value of those it cannot show.
func appliedFromLive(d *resource.Descriptor, desired resource.Map, live *resource.Live) resource.Map {
	spec := resource.Map{}
	for _, f := range d.Leaves() {
		want := resource.Get(desired, f.Path)
		if want == nil || d.SecretAt(f.Path) {
			continue
		}
		if f.Change == resource.CreateOnly || !f.Readable(live.Depth) {
			resource.Put(spec, f.Path, want)
			continue
		}
		have := resource.Get(live.Spec, f.Path)
		if resource.Equal(diff.Normal(f, f.Value(desired)), diff.Normal(f, f.Shown(live.Spec))) {
			have = want
		}
		if !resource.IsEmpty(have) {
			resource.Put(spec, f.Path, have)
		}
	}
	return spec
}

// waitingOn says whom a live object waits for: where its own status names nobody, its organization's validation may.
func (b *builder) waitingOn(o *resource.Object, live *resource.Live) resource.WaitingOn {
	return waitingOn(o.Descriptor, live, b.parent(o, live))
}

func waitingOn(d *resource.Descriptor, live, parent *resource.Live) resource.WaitingOn {
	if live.WaitingOn == resource.OnDigiCert && d.Validation != "" && parent != nil && parent.Validation[d.Validation] != "active" {
		return resource.OnOrganizationValidation
	}
	return live.WaitingOn
}

// parent gives the listed object that a live one belongs to, nil when it is not listed.
func (b *builder) parent(o *resource.Object, live *resource.Live) *resource.Live {
	if b.in.Live == nil || live.ParentID == "" {
		return nil
	}
	return b.in.Live.listed(Key{parentKind(o.Descriptor), live.ParentID})
}

// parentKind gives the kind that a descriptor's identity reference names, "" when it has none.
func parentKind(d *resource.Descriptor) string {
	for _, f := range d.Leaves() {
		if !f.Identity {
			continue
		}
		if holder := d.Field(f.Path.Parent()); holder != nil && holder.RefKind != "" {
			return holder.RefKind
		}
	}
	return ""
}

// lacksVerifiedContact says why an order that needs a validated organization must name somebody who may approve it: without one
// DigiCert would take the key's own user (domain rules, section 6).
func (b *builder) lacksVerifiedContact(o *resource.Object) (reason, hint string) {
	d := o.Descriptor
	if !slices.Contains([]string{"cs", "ev_cs", "ev"}, d.Validation) {
		return "", ""
	}
	for _, item := range items(resource.Get(o.Spec, "/organization/contacts")) {
		if resource.Get(item, "/contact_type") == resource.String("verified_contact") {
			return "", ""
		}
	}
	id := resource.Text(resource.Get(b.desired(o), "/organization/id"))
	if id != "" {
		parent := b.in.Live.listed(Key{parentKind(d), id})
		if parent == nil {
			return "", "" // this key does not list organizations: nothing can be concluded
		}
		if s := parent.Validation[d.Validation]; s == "active" || s == "pending" {
			return "", ""
		}
	}
	for _, dep := range o.DependsOn {
		if dep.Kind == parentKind(d) && validates(b.in.Set.Get(dep), d.Validation) {
			return "", ""
		}
	}
	return fmt.Sprintf("its organization is not validated for %s and no verified contact is named, so DigiCert would take the key's own user", d.Validation),
		"name who may approve it: organization.contacts with contact_type: verified_contact"
}

// validates tells whether an organization's manifest submits it for a validation itself.
func validates(o *resource.Object, validation string) bool {
	if o == nil {
		return false
	}
	return slices.ContainsFunc(items(resource.Get(o.Spec, "/validations")), func(v resource.Value) bool {
		return resource.Get(v, "/type") == resource.String(validation)
	})
}
