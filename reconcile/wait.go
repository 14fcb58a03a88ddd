package reconcile

import (
	"context"
	"time"

	"dcsync/internal/resource"
)

// The pauses between two looks at what is not issued yet.
const (
	firstPause = time.Second
	lastPause  = 15 * time.Second
)

// wait looks at what this run asked for until it is issued, until only people can bring it on, or until the time is over. A look that
// fails ends the waiting for that object, nothing else: what was asked for is recorded already.
func (r *runner) wait(ctx context.Context) {
	open := map[*Change]*Result{}
	for c, res := range r.results {
		asks := res.Action.Orders() || res.Action == resource.Adopt || res.Action == resource.ReissueNow
		if asks && (res.Outcome == resource.Done || res.Outcome == resource.Waiting) && c.object != nil && c.object.Descriptor.Expires {
			open[c] = res
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if r.opts.Drain != nil {
		go func() {
			select {
			case <-r.opts.Drain:
				cancel()
			case <-ctx.Done():
			}
		}()
	}
	until := r.opts.Now().Add(r.opts.Wait)
	for pause := firstPause; len(open) > 0; pause = min(pause*3/2, lastPause) {
		for c, res := range open {
			if r.stopping() || !r.unissued(ctx, c, res) {
				delete(open, c)
			}
		}
		if left := until.Sub(r.opts.Now()); len(open) > 0 && (left <= 0 || r.opts.Sleep(ctx, min(pause, left)) != nil) {
			return
		}
	}
}

// unissued tells whether an order still waits for DigiCert alone.
func (r *runner) unissued(ctx context.Context, c *Change, res *Result) bool {
	res.Requests++
	live, err := r.remote.Read(ctx, c.Address.Kind, res.ID, nil)
	switch {
	case err != nil || live.Phase == resource.Ended:
		return false
	case live.Reissuing:
		return reissueWaits(live.Requests) == ""
	case live.Phase == resource.Pending:
		return live.WaitingOn == resource.OnDigiCert
	}
	return false
}
