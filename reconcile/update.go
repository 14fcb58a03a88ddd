package reconcile

import (
	"context"
	"errors"
	"slices"

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
