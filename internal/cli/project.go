package cli

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"dcsync/internal/diag"
	"dcsync/internal/render"
	"dcsync/internal/resource"
	"dcsync/internal/run"
	"dcsync/reconcile"
)

// open loads the project. Its warnings go to stderr; in JSON they are part of the document.
func (s *session) open(ctx context.Context) (*run.Project, error) {
	p, err := s.openToPlan(ctx)
	if err != nil {
		return nil, err
	}
	return p, s.unsent(p, nil)
}

// openToPlan is open for a command that makes a plan. What refuses only what is sent is told by unsent, when it is known whether it does.
func (s *session) openToPlan(ctx context.Context) (*run.Project, error) {
	now, err := s.now()
	if err != nil {
		return nil, err
	}
	p, err := run.Open(ctx, s.folder(), s.absolute(s.state), now)
	if err != nil {
		return nil, err
	}
	return p, s.warn(slices.DeleteFunc(slices.Clone(p.Findings), func(d diag.Diagnostic) bool { return d.AtSend }))
}

// unsent writes the findings of a project that refuse only what is sent, as warnings, but for those that err refuses a plan for.
func (s *session) unsent(p *run.Project, err error) error {
	refused, _ := errors.AsType[diag.List](err)
	return s.warn(slices.DeleteFunc(slices.Clone(p.Findings), func(d diag.Diagnostic) bool {
		return !d.AtSend || slices.ContainsFunc(refused, func(r diag.Diagnostic) bool {
			return r.Code == d.Code && r.Pos == d.Pos && r.Path == d.Path && r.Summary == d.Summary
		})
	}))
}

// warn writes findings that stop nothing to stderr, in text.
func (s *session) warn(list diag.List) error {
	if s.json {
		return nil
	}
	return render.Findings(s.err, list)
}

// limitFlags bound what a plan looks at and may do.
func limitFlags() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "max-orders", Value: projectsOwn, DefaultText: "the project's", Usage: "refuse a plan that places more than `N` orders"},
		&cli.IntFlag{Name: "max-destroy", Value: projectsOwn, DefaultText: "the project's", Usage: "refuse a plan that ends more than `N` things that cannot be brought back"},
		&cli.BoolFlag{Name: "strict", Usage: "refuse the whole plan when an intent in it is blocked"},
		&cli.StringSliceFlag{Name: "target", Usage: "look at `ADDRESS` and what it refers to only; may be repeated"},
	}
}

// projectsOwn is the limit that stands for the project's.
const projectsOwn = -1

// takeLimits reads limitFlags into the options of a plan.
func takeLimits(cc *cli.Context, o *run.PlanOptions) error {
	o.MaxOrders, o.MaxDestroy, o.Strict = cc.Int("max-orders"), cc.Int("max-destroy"), cc.Bool("strict")
	for _, text := range cc.StringSlice("target") {
		a, err := resource.ParseAddress(text)
		if err != nil {
			return usagef("write it like Order/installer-signing", "--target %q is no address", text)
		}
		o.Targets = append(o.Targets, a)
	}
	for name, n := range map[string]int{"max-orders": o.MaxOrders, "max-destroy": o.MaxDestroy} {
		if cc.IsSet(name) && n < 0 {
			return usagef("", "--%s is 0 or more", name)
		}
	}
	return nil
}

// planOptions fills in what all plans share.
func (s *session) planOptions(p *run.Project, o run.PlanOptions) (run.PlanOptions, error) {
	now, err := s.now()
	if err != nil {
		return o, err
	}
	o.Now, o.Version, o.Env = now.UTC().Truncate(time.Second), s.version, s.env
	o.APIURL, o.APIURLExplicit = s.address(p)
	_, err = s.settle(p.Project.Settle)
	return o, err
}

// remoteFor opens the account where the refresh mode needs it.
func (s *session) remoteFor(p *run.Project, refresh reconcile.Refresh) (run.Account, error) {
	if refresh == reconcile.RefreshNone {
		return nil, nil
	}
	return s.account(p)
}
