package cli

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"dcsync/internal/render"
	"dcsync/internal/run"
	"dcsync/reconcile"
)

type planFlags struct {
	run.PlanOptions
	out      string
	detailed bool
}

func planCommand() command {
	return command{
		name:  "plan",
		usage: "show what apply would do",
		about: `Compares the manifests with the state file and with the account, and changes neither. A key that may only read is enough;
with --refresh none no key and no network are needed. With spec.state.ref the state is fetched from that branch of the remote;
--refresh none takes it as this clone saw it last.

Each field is shown as path: before → after, with (intent) where the manifest changed, (drift) where the account did, and both where both
did. Before is what the account shows, or what was last applied under --refresh none.`,
		flags: append([]cli.Flag{
			&cli.StringFlag{Name: "refresh", Value: "auto", Usage: "read the account as far as needed, wholly or not at all: `MODE` auto, full or none"},
			&cli.StringFlag{Name: "out", Usage: "save the plan in `FILE`, for apply and show"},
			&cli.StringFlag{Name: "as-of", Usage: "plan for `DATE` (2027-01-31, or RFC 3339) in place of now: what will be due then"},
			&cli.IntFlag{Name: "parallelism", Value: 1, Usage: "have at most `N` requests in flight; a plan never needs more than one"},
			&cli.BoolFlag{Name: "detailed-exitcode", Usage: "exit 2 when there is something to apply, 4 when there is drift only"},
		}, limitFlags()...),
		run: func(ctx context.Context, s *session, cc *cli.Context) outcome {
			f, err := takePlanFlags(cc)
			if err != nil {
				return outcome{err: err}
			}
			return s.plan(ctx, f)
		},
	}
}

func takePlanFlags(cc *cli.Context) (planFlags, error) {
	f := planFlags{out: cc.String("out"), detailed: cc.Bool("detailed-exitcode")}
	f.Refresh = reconcile.Refresh(cc.String("refresh"))
	if cc.IsSet("out") && f.out == "" {
		return f, usagef("", "--out is empty")
	}
	if cc.Int("parallelism") < 1 {
		return f, usagef("", "--parallelism is 1 or more")
	}
	if cc.IsSet("as-of") {
		var err error
		if f.AsOf, err = instant("as-of", cc.String("as-of")); err != nil {
			return f, err
		}
	}
	return f, errors.Join(oneOf("refresh", cc.String("refresh"), "auto", "full", "none"), takeLimits(cc, &f.PlanOptions))
}

// instant reads a day, which begins at midnight UTC, or a moment.
func instant(flag, text string) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, usagef("write it like 2027-01-31 or 2027-01-31T12:00:00Z", "--%s %q is no date", flag, text)
}

func (s *session) plan(ctx context.Context, f planFlags) outcome {
	if f.out != "" {
		if err := mayHoldPlan(s.path(f.out)); err != nil {
			return outcome{err: err}
		}
	}
	project, err := s.openToPlan(ctx)
	if err != nil {
		return outcome{err: err}
	}
	if f.out != "" && samePlace(s.path(f.out), project.StateFile) {
		return outcome{err: usagef("name another file", "--out: %s is where the state is kept", f.out)}
	}
	if f.PlanOptions, err = s.planOptions(project, f.PlanOptions); err != nil {
		return outcome{err: err}
	}
	account, err := s.remoteFor(project, f.Refresh)
	if err != nil {
		return outcome{err: err}
	}
	p, err := project.Plan(ctx, account, f.PlanOptions)
	if unsaid := s.unsent(project, err); unsaid != nil {
		return outcome{err: errors.Join(err, unsaid)}
	}
	if p == nil {
		return outcome{err: err}
	}
	own := p.Findings
	p.Findings = append(slices.Clone(project.Findings), own...)
	o := outcome{err: err, plan: p, detailed: f.detailed}
	if err == nil && f.out != "" {
		if err := savePlan(s.path(f.out), p, s.version); err != nil {
			return outcome{err: err}
		}
	}
	if s.json {
		return s.planDocument(o)
	}
	o.err = errors.Join(o.err, s.warn(own), render.PlanText(s.out, p))
	return o
}

// planDocument prints a plan as JSON, with the refusal in it if there is one.
func (s *session) planDocument(o outcome) outcome {
	var refusal *render.Failure
	if o.err != nil {
		f := s.failure(o.err, exitCode(o, s.signals.caught.Load()))
		refusal = &f
	}
	if err := render.PlanJSON(s.out, o.plan, refusal, s.version); err != nil {
		return outcome{err: errors.Join(o.err, err)}
	}
	o.told = true
	return o
}
