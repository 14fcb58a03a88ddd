package reconcile

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

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
	methodStatus       = "status"
)

// The status of an object that can be switched on and off.
const (
	valueActive   = resource.String("active")
	valueInactive = resource.String("inactive")
)

// differences plans an object that is in state and alive, by the policy of each field that differs.
func (b *builder) differences(p *Plan, o *resource.Object, entry *state.Entry, live *resource.Live) {
	res := b.compare(o, entry, live)
	b.warnDetails(p, o, entry)
	if live != nil {
		b.strangers(p, o, entry, live)
	}
	parts := map[part][]resource.FieldChange{}
	var released []resource.Path
	for _, path := range res.Released {
		if k, f := b.keeps(o, entry, live, path); k.action != "" {
			parts[k] = append(parts[k], f)
			continue
		}
		released = append(released, path)
	}
	if d := b.due(o, live, entry.Observed); d.action != "" {
		b.warnClamped(p, o, d)
		b.warnLeft(p, o, d)
		if d.action == resource.RenewOrder && d.reached(b.in.AsOf) {
			c := b.renewal(o, entry, live, d, res.Changes)
			b.add(p, c)
			if c.Action != resource.Blocked && c.Action != resource.Deferred {
				return // whatever else differs rides on the renewal
			}
		}
	}
	for _, f := range res.Changes {
		k := b.act(o, f, live)
		if types := ranOut(f, live); len(types) > 0 {
			if f.Origin == resource.FromDrift && k.action == resource.Update {
				k.trigger, k.reason = resource.ByTime, fmt.Sprintf("validation %s ran out, and is submitted again", strings.Join(types, ", "))
			}
			f.Origin = resource.FromIntent
		}
		parts[k] = append(parts[k], f)
	}
	if f := parts[replacing]; f != nil {
		delete(parts, replacing)
		c := b.replacement(o, entry, live, f)
		if c.Action != resource.Blocked {
			c.Fields = res.Changes // the new order is asked for as the manifest is now
			b.add(p, c)
			return
		}
		b.add(p, c)
	}
	b.warnReleased(p, o, released)
	b.planReissue(p, o, entry, live, parts)
	for _, k := range slices.SortedFunc(maps.Keys(parts), part.compare) {
		c := b.change(o, k.action, k.trigger, k.reason)
		c.ID, c.live, c.Fields, c.Corrected = entry.Identity.ID, live, parts[k], k.corrected
		c.spec = b.sending(o, entry, live).Spec
		b.place(c, entry)
		switch k.action {
		case resource.Update:
			if k.trigger == "" {
				c.Trigger, c.Reason = triggerOf(c.Fields), reasonOf(c.Fields)
			}
			c.Requests = requests(c.Fields, live)
		case resource.Activate, resource.Deactivate:
			c = b.switching(o, entry, live, c)
		}
		b.add(p, c)
	}
	if last := p.Changes; len(last) == 0 || last[len(last)-1].Address != o.Address {
		b.add(p, b.noop(o, entry, live))
	}
}

// planReissue plans a reissue for the fields that want one now, or because time asks for it; then it takes along what waits for the
// next certificate. It takes those fields out of parts.
func (b *builder) planReissue(p *Plan, o *resource.Object, entry *state.Entry, live *resource.Live, parts map[part][]resource.FieldChange) {
	fields := asked(entry, live, parts[rekeying])
	delete(parts, rekeying)
	d := b.due(o, live, entry.Observed)
	timely := d.action == resource.ReissueNow && d.reached(b.in.AsOf) && !d.left && (live == nil || !live.Reissuing)
	if len(fields) == 0 && !timely {
		return
	}
	trigger, reason := resource.ByIntent, "the manifest changes what a reissue can change"
	if len(fields) == 0 {
		trigger = resource.ByTime
	} else if refusedReissue(entry, live) {
		reason = "a reissue was asked for before and rejected, or canceled; the manifest still wants it"
	}
	fields = append(fields, parts[waitingForCertificate]...)
	if trigger == resource.ByTime {
		reason = d.reissueReason(len(fields))
	}
	fields = append(fields, parts[driftedCertificate]...) // it asks for the whole certificate as the manifest has it
	delete(parts, waitingForCertificate)
	delete(parts, driftedCertificate)
	b.add(p, b.reissuing(o, entry, live, trigger, reason, fields))
}

// keeps gives the part of a field that is no longer written where the people it named may still approve orders; the zero part where they do not.
func (b *builder) keeps(o *resource.Object, entry *state.Entry, live *resource.Live, path resource.Path) (part, resource.FieldChange) {
	f := o.Descriptor.Field(path)
	was := f.Value(entry.Applied.Spec)
	why := b.dismissed(o, f, was, nil, live)
	if why == "" {
		return part{}, resource.FieldChange{}
	}
	return part{action: resource.Blocked, trigger: resource.ByIntent, reason: why},
		resource.FieldChange{Path: path, Before: was, Applied: was, Origin: resource.FromIntent, Field: f}
}

// warnReleased says which fields keep their values and are not managed any more. What a reference stands for has its details of its own.
func (b *builder) warnReleased(p *Plan, o *resource.Object, released []resource.Path) {
	for _, path := range released {
		holder := o.Descriptor.Field(path.Parent())
		if holder != nil && holder.RefKind != "" && resource.Get(o.Spec, path.Parent().Child("id")) != nil {
			continue
		}
		p.Findings.Add(diag.Diagnostic{Severity: diag.Warning, Code: diag.FieldReleased, Address: o.Address.String(), Path: string(path), Pos: o.Pos(path),
			Summary: fmt.Sprintf("%s is no longer written; the API cannot clear it, so it keeps its value and is not managed any more", path),
			Hint:    "write the value you want instead"})
	}
}

func (b *builder) warnClamped(p *Plan, o *resource.Object, d due) {
	if !d.clamped {
		return
	}
	p.Findings.Add(diag.Diagnostic{Severity: diag.Warning, Code: diag.RenewalClamped, Address: o.Address.String(),
		Pos:     diag.Pos{File: o.Source.File, Line: o.Source.Line, Column: o.Source.Column},
		Summary: fmt.Sprintf("renew_before begins before the last 90 days of the order, in which alone it can be renewed; it is renewed from %s on", d.at.Format(time.DateOnly)),
		Hint:    "write a shorter renew_before"})
}

// warnLeft says that the window is open and that dcsync leaves it to CertCentral to ask for the next certificate.
func (b *builder) warnLeft(p *Plan, o *resource.Object, d due) {
	if !d.left || !d.reached(b.in.AsOf) {
		return
	}
	p.Findings.Add(diag.Diagnostic{Severity: diag.Warning, Code: diag.LeftToAccount, Address: o.Address.String(), Pos: o.Pos(""),
		Summary: fmt.Sprintf("its certificate ends on %s, and CertCentral is to ask for the next one by itself (auto_reissue is on in the account), so dcsync does not",
			d.till.Format(time.DateOnly)),
		Hint: "write auto_reissue: 0 to have dcsync ask for it, or take lifecycle.renew_before away"})
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

// The parts that become one change of their own.
var (
	replacing             = part{action: resource.Replace}
	rekeying              = part{action: resource.ReissueNow}
	driftedCertificate    = part{action: resource.Blocked, trigger: resource.ByDrift, reason: "changed in the account; only a reissue could change it back, and dcsync does not reissue by itself"}
	waitingForCertificate = part{action: resource.Deferred, trigger: resource.ByIntent, reason: "kept for the next certificate, as apply_changes: at_renewal says"}
)

// The values of lifecycle.apply_changes.
const (
	applyNow       = "now"
	applyAtRenewal = "at_renewal"
)

// act says what is done about a field that differs: change it in place, by a reissue or by another order; keep it for the next
// certificate; or say why none is possible.
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
		switch f.Field.Method {
		case methodStatus:
			if f.After == valueInactive {
				return part{action: resource.Deactivate}
			}
			return part{action: resource.Activate}
		case methodValidation:
			if gone := takenBack(f); gone != "" {
				return part{action: resource.Blocked, trigger: resource.ByIntent, reason: gone}
			}
		}
		return part{action: resource.Update}
	case resource.Reissue:
		switch {
		case drift:
			return driftedCertificate
		case o.Lifecycle.ApplyChanges == applyAtRenewal:
			return waitingForCertificate
		case live != nil && live.Reissuing:
			return part{action: resource.Deferred, trigger: resource.ByIntent, reason: "a reissue is pending already; this waits until it is through"}
		case live != nil && live.Phase == resource.Pending:
			return part{action: resource.Deferred, trigger: resource.ByIntent, reason: "the order is not issued yet, and only an issued one can be reissued"}
		}
		return rekeying
	}
	if gone := b.dismissed(o, f.Field, f.Applied, f.After, live); gone != "" {
		return part{action: resource.Blocked, trigger: resource.ByIntent, reason: gone}
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
	if o.Lifecycle.ApplyChanges == applyNow {
		return replacing
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

// adoptable gives the in-place fields in which an adopted object still differs from its manifest, to be completed in the same run.
func (b *builder) adoptable(o *resource.Object, live *resource.Live) []resource.FieldChange {
	entry := &state.Entry{Applied: state.Applied{Spec: appliedFromLive(o.Descriptor, b.desired(o), live, b.unheard[o.Address.String()])}}
	var out []resource.FieldChange
	for _, f := range b.compare(o, entry, live).Changes {
		if a := b.act(o, f, live).action; a == resource.Update || a == resource.Activate {
			out = append(out, f)
		}
	}
	return out
}

// appliedFromLive gives the applied spec of an object that was found, not made: what live shows of the declared fields, and the
// declared value of those it cannot show, or takes no notice of.
func appliedFromLive(d *resource.Descriptor, desired resource.Map, live *resource.Live, unheard []resource.Path) resource.Map {
	spec := resource.Map{}
	for _, f := range d.Leaves() {
		want := resource.Get(desired, f.Path)
		if want == nil || d.SecretAt(f.Path) {
			continue
		}
		if f.Change == resource.CreateOnly || !f.Readable(live.Depth) || slices.Contains(unheard, f.Path) {
			resource.Put(spec, f.Path, want)
			continue
		}
		have := resource.Get(live.Spec, f.Path)
		if f.Method == methodValidation { // of which others may be there
			have = orNil(validationsAsShown(want, nil, live))
		}
		if f.Path == d.Nonce {
			have = want // what it was placed with the identity says; see idKept
		}
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
	if !slices.Contains(approvedTypes(), d.Validation) {
		return "", ""
	}
	if len(approversOf(resource.Get(o.Spec, orderPeople))) > 0 {
		return "", ""
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
