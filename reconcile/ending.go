package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"dcsync/internal/resource"
	"dcsync/state"
)

// The statuses of an order, and of a certificate, that ended on demand or by itself.
const (
	statusRevoked = "revoked"
	statusExpired = "expired"
)

// finished are the API's words for a revocation that finds nothing left to revoke (API facts, section 2).
var finished = []string{"order_already_revoked", "order_is_revoked"}

// end carries out what a retire block asks for. A call that got no answer is not sent again: a look tells whether it took effect.
func (t *task) end(ctx context.Context) error {
	c, r := t.change, t.change.object.Retire
	if c.last {
		if err := t.unfollowed(ctx); err != nil {
			return err
		}
	}
	e := resource.Ending{Kind: c.Address.Kind, ID: c.ID, Action: c.Action, Certificate: c.serial, Reason: r.Reason, Comments: r.Comments,
		SkipApproval: t.in.Settings.SkipApproval || c.object.Spec["skip_approval"] == resource.Bool(true)}
	if c.Action == resource.Revoke && c.live.Reissuing {
		cancel := e
		cancel.Action, cancel.Certificate = resource.Cancel, ""
		if _, err := t.endOnce(ctx, cancel, func(l *resource.Live) bool { return !l.Reissuing }); err != nil && !t.tooLate(ctx, err) {
			return err
		}
	}
	for _, q := range c.live.Requests {
		if c.Action == resource.Withdraw && q.Type == "new_request" && (q.Status == "pending" || q.Status == "submitted") {
			e.Request = q.ID
		}
	}
	if c.Action == resource.Withdraw && e.Request == "" {
		return t.blocked("order "+c.ID+" has no request that could be withdrawn", "look at it in the console")
	}
	requested, err := t.endOnce(ctx, e, func(l *resource.Live) bool {
		return l.Phase == resource.Ended || l.Revoking || c.serial != "" && certificateEnded(l, c.serial)
	})
	if err != nil {
		return err
	}
	switch {
	case requested:
		t.result.Outcome, t.result.WaitingOn = resource.Waiting, resource.OnApproval
	case c.serial == "" && c.Action == resource.Revoke && r.Reason == keyCompromise && !c.live.Reissuing:
		// What the closing listing would record, before anything can keep it from that: the key must never be certified again.
		return t.record(ctx, func(f *state.File) {
			e := f.Objects[c.Address]
			if c.ID == e.Identity.ID {
				answered(e, c.live, c.live, false)
			}
			bury(c.object, e, state.Tombstone{ID: c.ID, Status: statusRevoked}, keyOf(c.object, e, c.ID))
		})
	case c.serial != "":
		// The order does not show which of its certificates are revoked, so state has to remember.
		return t.record(ctx, func(f *state.File) {
			e, key := f.Objects[c.Address], ""
			answered(e, c.live, c.live, false)
			if strings.EqualFold(c.serial, c.live.Life.Serial) {
				key = keyOf(c.object, e, c.ID)
			}
			bury(c.object, e, state.Tombstone{ID: c.ID, Serial: c.serial, Status: statusRevoked}, key)
		})
	}
	return nil
}

// unfollowed blocks the end of an order that another one followed: a lost run placed it, and no plan need have seen it, since it may be of
// another product or other names than the manifest says by now. Followers that have ended stop nothing.
func (t *task) unfollowed(ctx context.Context) error {
	o := t.change.object
	own := t.store.Snapshot().Objects[o.Address]
	for n := own.Identity.Sequence + 1; n < longestChain; n++ {
		next, err := t.carriers(ctx, nonceOf(t.in, o, originOf(o, own), own.Identity.Generation, n), nil, false)
		if err != nil || len(next) == 0 {
			return err
		}
		for _, live := range next {
			if live.Phase != resource.Ended {
				return t.blocked(fmt.Sprintf("order %s (%s, %s) was placed after order %s for this manifest and never recorded, so order %s is not ended",
					live.ID, live.Product, live.Status, t.change.ID, t.change.ID),
					"have it taken over: run again with a key that lists it, and the manifest as it was when it was ordered; or end it in the console")
			}
		}
	}
	return nil
}

// tooLate tells whether a reissue that the API refused to cancel has come through since the plan: then the order ends with what that brought.
func (t *task) tooLate(ctx context.Context, refused error) bool {
	if isAmbiguous(refused) {
		return false // endOnce has looked
	}
	t.sent(1)
	live, err := t.remote.Read(ctx, t.change.Address.Kind, t.change.ID, nil)
	return err == nil && !live.Reissuing && live.Phase == resource.Active
}

// endOnce makes one call; when it gets no answer, over tells by a look at the object whether it took effect.
func (t *task) endOnce(ctx context.Context, e resource.Ending, over func(*resource.Live) bool) (requested bool, err error) {
	t.opts.Step.At(BeforeChange)
	t.sent(1)
	requested, err = t.remote.End(ctx, e)
	t.opts.Step.At(AfterChange)
	switch {
	case err == nil, slices.Contains(finished, codeOf(err)):
		return requested, nil
	case !isAmbiguous(err):
		return false, err
	}
	live, lookErr := t.await(ctx, []resource.Path{resource.CertificatesPath}, over)
	switch {
	case lookErr != nil:
		return false, errors.Join(err, lookErr)
	case live == nil:
		return false, err
	}
	return live.Revoking, nil
}

// await looks at the change's object until a condition holds, at least three times over the settle time; nil when it never did.
func (t *task) await(ctx context.Context, want []resource.Path, holds func(*resource.Live) bool) (*resource.Live, error) {
	for n := range looks {
		if n > 0 {
			if err := t.opts.Sleep(ctx, t.opts.Settle/(looks-1)); err != nil {
				return nil, err
			}
		}
		t.sent(1)
		live, err := t.remote.Read(ctx, t.change.Address.Kind, t.change.ID, want)
		if err != nil {
			return nil, err
		}
		if holds(live) {
			return live, nil
		}
	}
	return nil, nil
}

// isAmbiguous tells whether the outcome of a write is unknown.
func isAmbiguous(err error) bool {
	var unknown Ambiguous
	return errors.As(err, &unknown) && unknown.Ambiguous()
}
