package reconcile

import (
	"context"
	"errors"
	"maps"
	"slices"

	"dcsync/internal/diff"
	"dcsync/internal/resource"
	"dcsync/state"
)

func (t *task) update(ctx context.Context) error {
	spec, err := t.desired()
	if err != nil {
		return err
	}
	return t.inPlace(ctx, spec, t.change.Fields, t.change.live)
}

// inPlace makes the in-place changes, method by method, and records each when the API has taken it. live is nil for an object that
// was created a moment ago.
func (t *task) inPlace(ctx context.Context, spec resource.Map, fields []resource.FieldChange, live *resource.Live) error {
	order, by := methods(fields)
	for _, m := range order {
		if t.stopping() {
			return errDrained
		}
		var err error
		if m == methodNotes {
			err = t.notes(ctx, spec, by[m][0], live)
		} else {
			err = t.call(ctx, m, spec, by[m], live)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *task) call(ctx context.Context, method string, spec resource.Map, fields []resource.FieldChange, live *resource.Live) error {
	t.opts.Step.At(BeforeChange)
	t.sent(requests(fields, live))
	err := t.remote.Change(ctx, resource.Call{Descriptor: t.change.object.Descriptor, ID: t.result.ID, Method: method, Desired: spec, Live: live, Fields: fields})
	if err != nil && method == methodValidation && isAmbiguous(err) {
		err = t.validated(ctx, fields, err)
	}
	if err != nil {
		return err
	}
	t.opts.Step.At(AfterChange)
	return t.recordFields(ctx, spec, fields)
}

// notes posts the missing texts and deletes our own notes whose text is no longer written. Each note is recorded by itself: posting
// is not idempotent.
func (t *task) notes(ctx context.Context, spec resource.Map, f resource.FieldChange, live *resource.Live) error {
	owned := map[string]string{}
	if e := t.store.Snapshot().Objects[t.change.Address]; e != nil {
		owned = e.Identity.Notes
	}
	add, remove := noteChanges(f, live, owned)
	if owned == nil {
		remove = nil // none of the notes is ours
	}
	for _, text := range add {
		if err := t.addNote(ctx, text); err != nil {
			return err
		}
	}
	for id, text := range owned {
		if !slices.Contains(remove, text) {
			continue
		}
		t.opts.Step.At(BeforeChange)
		t.sent(1)
		if err := t.remote.DeleteNote(ctx, t.change.Address.Kind, t.result.ID, id); err != nil {
			return err
		}
		t.opts.Step.At(AfterChange)
		if err := t.recordNote(ctx, id, ""); err != nil {
			return err
		}
	}
	return t.recordFields(ctx, spec, []resource.FieldChange{f})
}

func (t *task) addNote(ctx context.Context, text string) error {
	kind := t.change.Address.Kind
	for n := 1; ; n++ {
		t.opts.Step.At(BeforeChange)
		t.sent(1)
		id, err := t.remote.AddNote(ctx, kind, t.result.ID, text)
		if err == nil {
			t.opts.Step.At(AfterChange)
			return t.recordNote(ctx, id, text)
		}
		var unknown Ambiguous
		if !errors.As(err, &unknown) || !unknown.Ambiguous() {
			return err
		}
		t.sent(1)
		live, readErr := t.remote.Read(ctx, kind, t.result.ID, notePaths(t.change.object.Descriptor))
		if readErr != nil {
			return errors.Join(err, readErr)
		}
		for _, note := range live.Notes {
			if note.Text == text {
				return t.recordNote(ctx, note.ID, text)
			}
		}
		if n == attempts || t.stopping() {
			return err
		}
	}
}

func notePaths(d *resource.Descriptor) []resource.Path {
	var out []resource.Path
	for _, f := range d.Leaves() {
		if f.Method == methodNotes {
			out = append(out, f.Path)
		}
	}
	return out
}

// recordNote keeps that dcsync posted a note, or with an empty text that it is gone.
func (t *task) recordNote(ctx context.Context, id, text string) error {
	return t.record(ctx, func(f *state.File) {
		e := f.Objects[t.change.Address]
		if text == "" {
			delete(e.Identity.Notes, id)
			return
		}
		if e.Identity.Notes == nil {
			e.Identity.Notes = map[string]string{}
		}
		e.Identity.Notes[id] = text
	})
}

// recordFields keeps that some fields were applied.
func (t *task) recordFields(ctx context.Context, spec resource.Map, fields []resource.FieldChange) error {
	return t.record(ctx, func(f *state.File) {
		e := f.Objects[t.change.Address]
		for _, fc := range fields {
			resource.Put(e.Applied.Spec, fc.Path, resource.Get(spec, fc.Path))
		}
	})
}

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
	held := heldFields(p)
	failed := r.unfinished(p)
	planned, adopted := map[resource.Address]bool{}, map[resource.Address]bool{}
	for _, c := range p.Changes {
		planned[c.Address] = true
		if res := r.results[c]; res != nil && res.Action == resource.Adopt {
			adopted[c.Address] = true
		}
	}
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
			if o := r.in.Set.Get(a); o != nil && planned[a] && !failed[a] && o.Lifecycle.Generation == e.Identity.Generation {
				r.refresh(e, o, live, resolveRefs(o.Spec, ids), held[a], adopted[a])
				r.claimNotes(e, o, Key{a.Kind, e.Identity.ID})
			}
			if live != nil && !resource.Equal(live.Observed, e.Observed) {
				e.Observed, e.SeenAt = live.Observed.Clone(), r.opts.Now().UTC()
			}
			if o := r.in.Set.Get(a); o != nil {
				buried(o, e, func(id string) *resource.Live { return account.listed(Key{a.Kind, id}) })
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
// What was applied to an adopted object was recorded with it: the rest of what its manifest says is still to be made true.
func (r *runner) refresh(e *state.Entry, o *resource.Object, live *resource.Live, desired resource.Map, held []resource.Path, adopted bool) {
	applied := withoutSecrets(o.Descriptor, desired)
	for _, f := range o.Descriptor.Leaves() {
		before := resource.Get(e.Applied.Spec, f.Path)
		keep := f.Change == resource.CreateOnly || slices.Contains(held, f.Path) ||
			resource.Equal(diff.Normal(f, before), diff.Normal(f, resource.Get(applied, f.Path)))
		if keep {
			resource.Put(applied, f.Path, before)
		}
	}
	over := o.Descriptor.Expires && live != nil && live.Phase == resource.Ended
	if !adopted && !over && !endsCurrent(o, e) { // of what has ended or is to end nothing else is made true
		e.Applied.Spec = applied
	}
	e.Applied.Protect = o.Lifecycle.Protect
	e.DependsOn = o.DependsOn
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

// heldFields gives, by address, the fields that a plan leaves as they are.
func heldFields(p *Plan) map[resource.Address][]resource.Path {
	out := map[resource.Address][]resource.Path{}
	for _, c := range p.Changes {
		if c.Action == resource.Deferred || c.Action == resource.Blocked {
			for _, f := range c.Fields {
				out[c.Address] = append(out[c.Address], f.Path)
			}
		}
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

// unfinished gives the addresses of which something was not carried out, but for those of which only single fields are held back:
// what their manifests say now must not pass for applied.
func (r *runner) unfinished(p *Plan) map[resource.Address]bool {
	out := map[resource.Address]bool{}
	for _, c := range p.Changes {
		res := r.results[c]
		switch {
		case c.Action == resource.Blocked:
			if len(c.Fields) == 0 {
				out[c.Address] = true
			}
		case res != nil && (res.held || res.Outcome != resource.Done && res.Outcome != resource.Waiting):
			out[c.Address] = true
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
