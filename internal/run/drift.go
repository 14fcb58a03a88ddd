package run

import (
	"context"
	"errors"

	"dcsync/reconcile"
)

// Drift says what was changed in the account behind the manifests' back, and what of the account is not managed here. The limits of an
// apply do not concern it.
func (p *Project) Drift(ctx context.Context, acct Account, o PlanOptions) (*reconcile.Plan, error) {
	b, err := p.look(ctx, acct, o)
	if b == nil {
		return nil, err
	}
	var refused *Refused
	if errors.As(err, &refused) {
		err = nil // a limit of apply
	}
	b.plan.KeepDrift()
	return b.plan, err
}
