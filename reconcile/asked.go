package reconcile

import (
	"context"

	"dcsync/internal/resource"
	"dcsync/state"
)

// A reissue is asked for long before it is there: people may have to approve it, and may say no. Until then state keeps what was asked for
// beside what was applied:
//
//	asked ──under way──▶ counts as applied: nothing is asked twice
//	  ├──another certificate shows──▶ becomes what was applied
//	  └──neither──▶ dropped: what the manifest says is an open intent again

// cameThrough tells whether an order got another certificate since a reissue was asked for.
func cameThrough(q *state.Asked, live *resource.Live) bool {
	moved := live.Life.CertificateID != "" && q.CertificateID != "" && live.Life.CertificateID != q.CertificateID
	return moved || live.Life.Reissues > q.Reissues
}

// refusedReissue tells whether a reissue that was asked for is neither under way nor through: it was rejected or canceled. Only a single
// read tells.
func refusedReissue(entry *state.Entry, live *resource.Live) bool {
	q := entry.Applied.Asked
	return q != nil && live != nil && live.Depth == resource.InfoDepth && !live.Reissuing && !cameThrough(q, live)
}

// appliedSpec gives the spec that counts as applied: with what was asked for, unless that was refused.
func appliedSpec(entry *state.Entry, live *resource.Live) resource.Map {
	q := entry.Applied.Asked
	if q == nil || refusedReissue(entry, live) {
		return entry.Applied.Spec
	}
	return withAsked(entry.Applied.Spec, q)
}

func withAsked(spec resource.Map, q *state.Asked) resource.Map {
	out := spec.Clone()
	for _, p := range q.Fields {
		resource.Put(out, p, resource.Get(q.Spec, p))
	}
	return out
}

// recordAsked keeps what a reissue was asked for with.
func (t *task) recordAsked(ctx context.Context, spec resource.Map, live *resource.Live) error {
	q := &state.Asked{Spec: resource.Map{}, CertificateID: live.Life.CertificateID, Reissues: live.Life.Reissues}
	for _, f := range t.change.Fields {
		q.Fields = append(q.Fields, f.Path)
		resource.Put(q.Spec, f.Path, resource.Get(spec, f.Path))
	}
	err := t.record(ctx, func(f *state.File) { f.Objects[t.change.Address].Applied.Asked = q })
	if err == nil {
		t.opts.Step.At(AfterRecord)
	}
	return err
}

// answered settles what was asked for, as far as it is known by now: live is the item of the closing listing, info the single read that the
// plan was made from, each nil for none.
func answered(e *state.Entry, live, info *resource.Live, askedNow bool) {
	q := e.Applied.Asked
	switch {
	case q == nil:
	case live != nil && cameThrough(q, live) && !live.Reissuing:
		e.Applied.Spec, e.Applied.Asked = withAsked(e.Applied.Spec, q), nil
	case askedNow || info == nil || live != nil && live.Phase != resource.Active: // not known, or over
	case refusedReissue(e, info):
		e.Applied.Asked = nil
	}
}
