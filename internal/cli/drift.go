package cli

import (
	"context"
	"errors"
	"slices"

	"github.com/urfave/cli/v2"

	"dcsync/internal/render"
	"dcsync/reconcile"
)

func driftCommand() command {
	return command{
		name:  "drift",
		usage: "show what was changed in the account behind the manifests' back",
		about: `Reads every managed object wholly, and shows only where the account differs from what was last applied, and which objects of the account
nobody manages here. It changes nothing; a key that may only read is enough.`,
		flags: append([]cli.Flag{
			&cli.StringFlag{Name: "refresh", Value: "full", Usage: "read the account wholly, as far as needed or not at all: `MODE` full, auto or none"},
			&cli.IntFlag{Name: "parallelism", Value: 1, Usage: "have at most `N` requests in flight; it never needs more than one"},
			&cli.BoolFlag{Name: "detailed-exitcode", Usage: "exit 4 when there is drift"},
		}, limitFlags()...),
		run: func(ctx context.Context, s *session, cc *cli.Context) outcome {
			f, err := takeDriftFlags(cc)
			if err != nil {
				return outcome{err: err}
			}
			return s.drift(ctx, f)
		},
	}
}

func takeDriftFlags(cc *cli.Context) (planFlags, error) {
	f := planFlags{detailed: cc.Bool("detailed-exitcode")}
	f.Refresh, f.Unmanaged = reconcile.Refresh(cc.String("refresh")), true
	if cc.Int("parallelism") < 1 {
		return f, usagef("", "--parallelism is 1 or more")
	}
	return f, errors.Join(oneOf("refresh", cc.String("refresh"), "auto", "full", "none"), takeLimits(cc, &f.PlanOptions))
}

func (s *session) drift(ctx context.Context, f planFlags) outcome {
	project, err := s.openToPlan(ctx)
	if err != nil {
		return outcome{err: err}
	}
	if f.PlanOptions, err = s.planOptions(project, f.PlanOptions); err != nil {
		return outcome{err: err}
	}
	account, err := s.remoteFor(project, f.Refresh)
	if err != nil {
		return outcome{err: err}
	}
	p, err := project.Drift(ctx, account, f.PlanOptions)
	if unsaid := s.unsent(project, err); unsaid != nil {
		return outcome{err: errors.Join(err, unsaid)}
	}
	if p == nil {
		return outcome{err: err}
	}
	own := p.Findings
	p.Findings = append(slices.Clone(project.Findings), own...)
	o := outcome{err: err, plan: p, detailed: f.detailed}
	if s.json {
		return s.planDocument(o)
	}
	o.err = errors.Join(o.err, s.warn(own), render.DriftText(s.out, p))
	return o
}
