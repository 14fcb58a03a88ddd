package reconcile

import (
	"context"
	"maps"
	"slices"

	"dcsync/internal/diff"
	"dcsync/internal/resource"
	"dcsync/state"
)

// close ends an apply: one listing of every kind says what is there now; what was observed, and what the manifests say of objects
// that needed no call, is written down. Nothing is written when nothing differs.
func (r *runner) close(ctx context.Context, p *Plan) error {
	lists := r.in.Live.Lists
	if r.changedAnything() {
		fresh := map[string]*resource.Listing{}
		for kind := range lists {
			l, err := r.remote.List(ctx, kind)
			if err != nil {
				return err
			}
			fresh[kind] = l
		}
		lists = fresh
	}
	account := &Account{ID: r.in.Live.ID, Lists: lists}
	left := r.left(p)
	askedNow := r.askedNow()
	err := r.record(ctx, func(f *state.File) {
		r.sign(f)
		ids := func(a resource.Address) string {
			if e := f.Objects[a]; e != nil {
				return e.Identity.ID
			}
			return ""
		}
		for a, e := range f.Objects {
			live := account.listed(Key{a.Kind, e.Identity.ID})
			answered(e, live, r.in.Live.Infos[Key{a.Kind, e.Identity.ID}], askedNow[a])
			if o := r.in.Set.Get(a); o != nil && left[a] != nil && !left[a].failed && o.Lifecycle.Generation == e.Identity.Generation {
				r.refresh(e, o, live, resolveRefs(o.Spec, ids), left[a])
				r.claimNotes(e, o, Key{a.Kind, e.Identity.ID})
			}
			if live != nil && !resource.Equal(live.Observed, e.Observed) {
				outlived(e, live)
				e.Observed, e.SeenAt = live.Observed.Clone(), r.opts.Now().UTC()
			}
			if o := r.in.Set.Get(a); o != nil {
				buried(o, e, func(id string) *resource.Live { return account.listed(Key{a.Kind, id}) })
				buriedCertificate(o, e, r.in.AsOf, func(id string) *resource.Live { return r.in.Live.Infos[Key{a.Kind, id}] })
			}
		}
	})
	if err != nil {
		return err
	}
	r.sayWhoWaits(account)
	return nil
}

// refresh writes down what the manifest says now, but for the fields that were not made true. live is nil where the listing does not show it.
// Of what was adopted, or lost one of its certificates, the rest of what its manifest says was not looked at: what is recorded as applied stays.
func (r *runner) refresh(e *state.Entry, o *resource.Object, live *resource.Live, desired resource.Map, left *left) {
	applied := withoutSecrets(o.Descriptor, desired)
	for _, f := range o.Descriptor.Leaves() {
		before := resource.Get(e.Applied.Spec, f.Path)
		asked := e.Applied.Asked != nil && slices.Contains(e.Applied.Asked.Fields, f.Path)
		keep := f.Change == resource.CreateOnly || asked || ignores(o, f.Path) || slices.Contains(left.held, f.Path) ||
			resource.Equal(diff.Normal(f, before), diff.Normal(f, resource.Get(applied, f.Path)))
		if keep {
			resource.Put(applied, f.Path, before)
		}
	}
	over := o.Descriptor.Expires && live != nil && live.Phase == resource.Ended
	if !left.partly && !over && !endsCurrent(o, e) { // of what has ended or is to end nothing else is made true
		e.Applied.Spec = applied
	}
	e.Applied.Protect = o.Lifecycle.Protect || e.Applied.Protect && left.guarded
	e.DependsOn = o.DependsOn
	if left.blocked && !left.worked {
		return // nothing of what the manifest says now was made true, so that it was not applied from it
	}
	if s := r.opts.Source(o); s.Path != e.Source.Path || s.Document != e.Source.Document || s.Desired != e.Source.Desired {
		e.Source = s
	}
}

// claimNotes sets right what an earlier run died before it could record: notes it posted become ours, notes it deleted no longer are.
func (r *runner) claimNotes(e *state.Entry, o *resource.Object, k Key) {
	live, before := r.in.Live.Infos[k], r.in.State.Objects[o.Address]
	if live == nil || before == nil || !slices.ContainsFunc(notePaths(o.Descriptor), func(p resource.Path) bool { return resource.Get(o.Spec, p) != nil }) {
		return
	}
	for id := range before.Identity.Notes {
		if !slices.ContainsFunc(live.Notes, func(n resource.Note) bool { return n.ID == id }) {
			delete(e.Identity.Notes, id)
		}
	}
	for id, text := range postedNotes(o.Descriptor, o.Spec, live, r.in.Live.User.ID) {
		if slices.Contains(slices.Collect(maps.Values(e.Identity.Notes)), text) {
			continue
		}
		if e.Identity.Notes == nil {
			e.Identity.Notes = map[string]string{}
		}
		e.Identity.Notes[id] = text
	}
}

// askedNow tells for which objects this run tried to have another certificate.
func (r *runner) askedNow() map[resource.Address]bool {
	out := map[resource.Address]bool{}
	for c := range r.results {
		out[c.Address] = out[c.Address] || c.Action == resource.ReissueNow
	}
	return out
}

func (r *runner) changedAnything() bool {
	for _, res := range r.results {
		if res.Requests > 0 {
			return true
		}
	}
	return false
}

// left is what a run did not make true of one object.
type left struct {
	failed  bool            // something of it was not carried out: what its manifest says now must not pass for applied
	partly  bool            // the plan looked at a part of its manifest only
	blocked bool            // an intent was
	worked  bool            // something was carried out
	guarded bool            // protection held something back
	held    []resource.Path // single fields that stay as they are
}

// left gives, for every address of a plan, what the run left.
func (r *runner) left(p *Plan) map[resource.Address]*left {
	out := map[resource.Address]*left{}
	for _, c := range p.Changes {
		l, res := out[c.Address], r.results[c]
		if l == nil {
			l = &left{}
			out[c.Address] = l
		}
		if c.Action == resource.Deferred || c.Action == resource.Blocked {
			for _, f := range c.Fields {
				l.held = append(l.held, f.Path)
			}
		}
		l.guarded = l.guarded || c.guarded
		l.blocked = l.blocked || c.Action == resource.Blocked && c.Trigger == resource.ByIntent
		l.worked = l.worked || res != nil && res.Action.Works() && (res.Outcome == resource.Done || res.Outcome == resource.Waiting)
		entry := r.in.State.Objects[c.Address]
		l.partly = l.partly || res != nil && res.Action == resource.Adopt || c.named && entry != nil && c.ID == entry.Identity.ID
		switch {
		case c.Action == resource.Blocked:
			l.failed = l.failed || len(c.Fields) == 0
		case res != nil:
			l.failed = l.failed || res.held || res.Outcome != resource.Done && res.Outcome != resource.Waiting
		}
	}
	return out
}

// sayWhoWaits turns the result of what was asked for and is not issued yet into waiting.
func (r *runner) sayWhoWaits(account *Account) {
	for c, res := range r.results {
		asks := res.Action.Orders() || res.Action == resource.Adopt || res.Action == resource.ReissueNow
		if res.Outcome != resource.Done || !asks || c.object == nil || !c.object.Descriptor.Expires {
			continue
		}
		d := c.object.Descriptor
		live := account.listed(Key{c.Address.Kind, res.ID})
		switch {
		case live == nil:
		case res.Action == resource.ReissueNow && !live.Reissuing:
			res.WaitingOn = ""
		case res.Action == resource.ReissueNow && res.WaitingOn == "":
			res.WaitingOn = resource.OnDigiCert
		case res.Action != resource.ReissueNow:
			res.WaitingOn = waitingOn(d, live, account.listed(Key{parentKind(d), live.ParentID}))
		}
		if res.WaitingOn != "" {
			res.Outcome = resource.Waiting
		}
	}
}
