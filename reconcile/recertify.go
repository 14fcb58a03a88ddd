package reconcile

import (
	"context"
	"errors"

	"dcsync/internal/diff"
	"dcsync/internal/resource"
	"dcsync/state"
)

// reissue asks for another certificate, once. The request has no idempotency key, so the order is looked at right before: a reissue that
// is pending, or that came through since the plan was made, is not asked for again (domain rules, section 3).
func (t *task) reissue(ctx context.Context) error {
	spec, err := t.desired()
	if err != nil {
		return err
	}
	d := t.change.object.Descriptor
	for n := 1; ; n++ {
		t.sent(1)
		live, err := t.remote.Read(ctx, d.Kind, t.change.ID, managedPaths(t.change.object, nil))
		if err != nil {
			return err
		}
		switch {
		case live.Reissuing:
			t.result.Outcome, t.result.held = resource.Waiting, true
			t.result.WaitingOn = reissueWaits(live.Requests)
			return nil
		case t.reissued(live, spec):
			return t.recordReissue(ctx, spec)
		}
		t.opts.Step.At(BeforeChange)
		t.sent(1)
		requests, err := t.remote.Reissue(ctx, d, t.change.ID, reissuable(d, spec, t.in.Settings.SkipApproval))
		t.opts.Step.At(AfterChange)
		if err == nil {
			t.result.WaitingOn = reissueWaits(requests)
			return t.recordAsked(ctx, spec, live)
		}
		if !isAmbiguous(err) {
			return err
		}
		found, lookErr := t.await(ctx, nil, func(l *resource.Live) bool { return l.Reissuing || t.reissued(l, spec) })
		switch {
		case lookErr != nil:
			return errors.Join(err, lookErr)
		case found != nil && found.Reissuing:
			t.result.WaitingOn = reissueWaits(found.Requests)
			return t.recordAsked(ctx, spec, live)
		case found != nil:
			return t.recordReissue(ctx, spec)
		case n == attempts || t.stopping():
			return err
		}
	}
}

// reissued tells whether the order moved on to another certificate since the plan was made, or shows what is wanted.
func (t *task) reissued(live *resource.Live, spec resource.Map) bool {
	was := t.change.live.Life
	if live.Life.Reissues != was.Reissues || was.CertificateID != "" && live.Life.CertificateID != was.CertificateID {
		return true
	}
	shown := 0
	for _, f := range t.change.Fields {
		if !f.Field.Readable(live.Depth) {
			return false
		}
		shown++
		if !resource.Equal(diff.Normal(f.Field, f.Field.Shown(live.Spec)), diff.Normal(f.Field, f.Field.Value(spec))) {
			return false
		}
	}
	return shown > 0
}

// recordReissue keeps that the certificate is as the manifest has it.
func (t *task) recordReissue(ctx context.Context, spec resource.Map) error {
	err := t.record(ctx, func(f *state.File) {
		e := f.Objects[t.change.Address]
		for _, fc := range t.change.Fields {
			resource.Put(e.Applied.Spec, fc.Path, resource.Get(spec, fc.Path))
		}
		e.Applied.Asked = nil
	})
	if err != nil {
		return err
	}
	t.opts.Step.At(AfterRecord)
	return nil
}

func reissueWaits(requests []resource.Request) resource.WaitingOn {
	for _, r := range requests {
		if r.Status == "pending" || r.Status == "submitted" {
			return resource.OnApproval
		}
	}
	return ""
}
