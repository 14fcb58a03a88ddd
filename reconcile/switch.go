package reconcile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"dcsync/internal/resource"
	"dcsync/state"
)

// switching completes the plan to switch an object on or off. Off freezes what depends on it in the account, so it needs consent while
// something live does; and the API refuses it while something is under way (domain rules, section 6).
func (b *builder) switching(o *resource.Object, entry *state.Entry, live *resource.Live, c *Change) *Change {
	c.Trigger, c.Requests = triggerOf(c.Fields), 1
	if c.Action == resource.Activate {
		c.Reason = reasonOf(c.Fields) + "; being active brings no validation back"
		return c
	}
	c.Reason = reasonOf(c.Fields) + "; its domains are switched off too"
	stop := func(reason, hint string) *Change {
		out := b.blocked(o, reason, hint)
		out.Trigger, out.ID, out.Fields = c.Trigger, c.ID, c.Fields
		b.place(out, entry)
		return out
	}
	if o.Lifecycle.Protect || entry.Applied.Protect {
		return guard(stop("it is protected", "put the old status back, write protect: false and apply that; then switch it off"))
	}
	if live == nil {
		return c
	}
	var underWay, inUse []string
	for _, kind := range slices.Sorted(maps.Keys(b.in.Live.Lists)) {
		if l := b.in.Live.Lists[kind]; !l.Complete {
			return stop("the listing is not complete, so what uses it is not known: "+l.Problem, "run again")
		}
		for _, item := range b.in.Live.Lists[kind].Objects {
			item = b.in.Live.deepest(Key{kind, item.ID}) // a listing does not show what waits for approval
			switch {
			case item.ParentID != live.ID || kind == o.Address.Kind:
			case item.Phase == resource.Pending || item.Reissuing || item.Revoking:
				underWay = append(underWay, item.ID)
			case item.Phase == resource.Ended:
			default:
				inUse = append(inUse, item.ID)
			}
		}
	}
	switch {
	case len(underWay) > 0:
		return stop("orders "+strings.Join(underWay, ", ")+" of it are under way, and the API refuses it until they are through", "cancel them, or wait")
	case len(inUse) > 0 && !o.Lifecycle.Allows(resource.AllowDeactivateInUse):
		return stop("orders "+strings.Join(inUse, ", ")+" of it are live, and could not be reissued any more", "allow it with lifecycle.allow: [deactivate-in-use]")
	case len(inUse) > 0:
		c.Reason += fmt.Sprintf("; orders %s cannot be reissued until it is active again", strings.Join(inUse, ", "))
	}
	return c
}

// guard marks a change that protection keeps from being made. Protection outlives the manifest that took it away together with what it
// guards against: a commit of its own ends it.
func guard(c *Change) *Change {
	c.guarded = true
	return c
}

// frozen says why nothing can be asked for under an object that is wanted inactive, or that the account shows as inactive and no manifest
// switches on first; "" when it is on.
func (b *builder) frozen(o *resource.Object) (reason, hint string) {
	id := resource.Text(resource.Get(b.desired(o), "/organization/id"))
	for _, dep := range o.DependsOn {
		d := b.in.Set.Get(dep)
		switch {
		case d == nil:
		case d.Spec["status"] == valueInactive:
			return fmt.Sprintf("%s is wanted inactive, and nothing can be asked for under it", dep), "keep it active while something refers to it"
		case d.Spec["status"] == valueActive && b.ids[dep] == id:
			return "", ""
		}
	}
	if id == "" || b.in.Live == nil {
		return "", ""
	}
	if parent := b.in.Live.listed(Key{parentKind(o.Descriptor), id}); parent != nil && parent.Phase == resource.Ended {
		return fmt.Sprintf("organization %s is inactive", id), "switch it on with status: active in its manifest, or in the console"
	}
	return "", ""
}
