package reconcile

import (
	"fmt"
	"strings"

	"dcsync/internal/resource"
	"dcsync/state"
)

// reissuing plans another certificate under the same order, with fields as its differences, or says why there is none. It carries the
// consent that a reissue needs which makes DigiCert revoke what is there (domain rules, section 4).
func (b *builder) reissuing(o *resource.Object, entry *state.Entry, live *resource.Live, trigger resource.Trigger, reason string, fields []resource.FieldChange) *Change {
	stop := func(why, hint string) *Change {
		c := b.blocked(o, why, hint)
		c.Trigger, c.ID, c.Fields = trigger, entry.Identity.ID, fields
		b.place(c, entry)
		return c
	}
	if why, hint := b.unsure(o, entry, live); why != "" {
		return stop(why, hint)
	}
	sending := b.sending(o, entry, live)
	if why, hint := b.keyStands(sending, entry, live); why != "" {
		return stop(why, hint)
	}
	if why, hint := b.frozen(sending); why != "" {
		return stop(why, hint)
	}
	if why, hint := b.outdated(o, func(f *resource.Field) bool { return f == nil || f.Change == resource.Reissue }); why != "" {
		return stop(why, hint)
	}
	c := b.change(o, resource.ReissueNow, trigger, reason)
	c.ID, c.live, c.Fields, c.spec, c.Requests = entry.Identity.ID, live, fields, sending.Spec, 2 // a last look, and the request
	b.place(c, entry)
	if o.Descriptor.ReissueRevokes(fields) {
		c.Revokes = dying(live, entry, b.in.AsOf)
		if !o.Lifecycle.Allows(resource.AllowReissueRevoking) {
			return stop("the reissue makes DigiCert revoke "+strings.Join(c.Revokes, ", "), "allow it with lifecycle.allow: [reissue-revoking]")
		}
	}
	return c
}

// elsewhere tells whether the account shows another certificate than the one state last saw: somebody, or an earlier run that could
// not record it, had it reissued.
func elsewhere(entry *state.Entry, live *resource.Live) bool {
	if live == nil || entry.Observed == nil {
		return false
	}
	moved := func(name string) bool {
		return resource.Text(entry.Observed[name]) != "" && resource.Text(entry.Observed[name]) != resource.Text(live.Observed[name])
	}
	return moved("certificate_id") || moved("reissues_count")
}

// asked takes out of a reissue what an earlier run asked for and nothing shows: when the certificate moved on since state last saw it,
// fields that the API never shows count as done.
func asked(entry *state.Entry, live *resource.Live, fields []resource.FieldChange) []resource.FieldChange {
	if !elsewhere(entry, live) {
		return fields
	}
	var out []resource.FieldChange
	for _, f := range fields {
		if f.Field.Readable(live.Depth) {
			out = append(out, f)
		}
	}
	return out
}

// reissuable gives the part of a spec that a reissue sends.
func reissuable(d *resource.Descriptor, spec resource.Map, skipApproval bool) resource.Map {
	out := resource.Map{}
	for _, f := range d.Leaves() {
		if v := resource.Get(spec, f.Path); v != nil && f.Change == resource.Reissue {
			resource.Put(out, f.Path, v)
		}
	}
	if skip := resource.Path("/skip_approval"); d.Field(skip) != nil {
		if v := resource.Get(spec, skip); v != nil {
			out["skip_approval"] = v
		} else if skipApproval {
			out["skip_approval"] = resource.Bool(true)
		}
	}
	return out
}

// reissueReason says what a reissue that time asks for is for.
func (d due) reissueReason(fields int) string {
	if fields == 0 {
		return d.reason() + "; nothing else changes"
	}
	return fmt.Sprintf("%s; it takes %d waiting changes along", d.reason(), fields)
}
