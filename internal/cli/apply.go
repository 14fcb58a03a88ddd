package cli

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"dcsync/internal/diag"
	"dcsync/internal/render"
	"dcsync/internal/run"
	"dcsync/internal/term"
	"dcsync/reconcile"
)

type applyFlags struct {
	run.PlanOptions
	planFile    string
	autoApprove bool
	parallelism int
	wait        time.Duration
	locking     run.Locking
	landing     run.Landing
}

func applyCommand() command {
	return command{
		name:      "apply",
		arguments: "[PLANFILE]",
		usage:     "carry a plan out and record it in the state file",
		about: `Builds the plan, asks, and carries it out. With PLANFILE it does what that plan says or nothing: a plan that no longer fits is
refused with exit code 6. Progress goes to stderr, results to stdout.

The first SIGINT or SIGTERM lets calls in flight finish and begins nothing new; a second one stops at once. Whatever was done
is recorded, and the next apply goes on from there.

--commit makes one commit of the state file and nothing else, --push also puts it on the remote's branch: when the branch has moved
meanwhile, the state is merged address by address and pushed again. Both refuse manifests that are not committed. Git's hooks do not
run. With spec.state.ref the state is read from that branch of the remote and pushed to it, and the checkout stays as it is.

The lock on the git remote (spec.lock) keeps runs on all machines apart; --lock auto takes it where the remote can be pushed to, else
only a lock in this folder.`,
		most: 1,
		flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: "refresh", Value: "auto", Usage: "read the account as far as needed or wholly: `MODE` auto or full"},
			&cli.BoolFlag{Name: "auto-approve", Usage: "do not ask; required where nobody can be asked"},
			&cli.BoolFlag{Name: "commit", Usage: "commit the state file afterwards"},
			&cli.BoolFlag{Name: "push", Usage: "commit the state file and push it to the branch"},
			&cli.IntFlag{Name: "parallelism", Value: 1, Usage: "carry out up to `N` changes at once"},
			&cli.DurationFlag{Name: "wait", Usage: "wait up to `DURATION` for what was asked for to be issued, as long as it waits for DigiCert alone"},
			&cli.BoolFlag{Name: "accept-key-change", Usage: "believe the account though another user applied last, or the user sees only a part"},
		}, lockFlags(), limitFlags()),
		run: func(ctx context.Context, s *session, cc *cli.Context) outcome {
			f, err := takeApplyFlags(cc)
			if err != nil {
				return outcome{err: err}
			}
			return s.apply(ctx, f)
		},
	}
}

func takeApplyFlags(cc *cli.Context) (applyFlags, error) {
	f := applyFlags{
		planFile: cc.Args().First(), autoApprove: cc.Bool("auto-approve"), parallelism: cc.Int("parallelism"), wait: cc.Duration("wait"),
		landing: run.Landing{Commit: cc.Bool("commit") || cc.Bool("push"), Push: cc.Bool("push")},
	}
	f.Refresh, f.AcceptKeyChange = reconcile.Refresh(cc.String("refresh")), cc.Bool("accept-key-change")
	locking, err := takeLock(cc)
	f.locking = locking
	errs := []error{oneOf("refresh", cc.String("refresh"), "auto", "full"), takeLimits(cc, &f.PlanOptions), err}
	if f.landing.Push && cc.IsSet("commit") && !cc.Bool("commit") {
		errs = append(errs, usagef("", "--push implies --commit"))
	}
	if f.parallelism < 1 {
		errs = append(errs, usagef("", "--parallelism is 1 or more"))
	}
	if f.wait < 0 {
		errs = append(errs, usagef("", "--wait is 0s or more"))
	}
	if f.planFile != "" && len(f.Targets) > 0 {
		errs = append(errs, usagef("leave it out", "--target does not go with a saved plan, which has its own"))
	}
	if f.planFile != "" && cc.IsSet("refresh") {
		errs = append(errs, usagef("leave it out", "--refresh does not go with a saved plan, which was made with its own"))
	}
	if cc.NArg() > 0 && f.planFile == "" {
		errs = append(errs, usagef("", "the name of the plan file is empty"))
	}
	return f, errors.Join(errs...)
}

func (s *session) apply(ctx context.Context, f applyFlags) outcome {
	prompt := term.Prompt{In: s.streams.In, Out: s.err}
	if !f.autoApprove && !prompt.Possible() {
		return outcome{err: usagef("review `dcsync plan`, then run apply with --auto-approve", "there is no terminal to ask for approval")}
	}
	o := run.ApplyOptions{
		PlanOptions: f.PlanOptions, Parallelism: f.parallelism, Wait: f.wait, Clock: time.Now, Sleep: sleep, Drain: s.signals.first, Step: s.step,
		Locking: f.locking, Landing: f.landing,
	}
	var err error
	if f.planFile != "" {
		if o.Saved, err = readPlan(s.path(f.planFile)); err != nil {
			return outcome{err: err}
		}
	}
	project, err := s.openToPlan(ctx)
	if err != nil {
		return outcome{err: err}
	}
	if o.PlanOptions, err = s.planOptions(project, o.PlanOptions); err != nil {
		return outcome{err: err}
	}
	if o.Settle, err = s.settle(project.Project.Settle); err != nil {
		return outcome{err: err}
	}
	account, err := s.account(project)
	if err != nil {
		return outcome{err: err}
	}
	o.Locking.Owner = s.owner()
	o.Locking.Mode = cmp.Or(f.locking.Mode, project.Project.Lock.Mode)
	var unsaid error
	o.Note = func(d diag.Diagnostic) { unsaid = errors.Join(unsaid, render.Findings(s.err, diag.List{d})) }
	progress := render.NewProgress(s.err, time.Now)
	o.Observer = progress
	planned, shown := false, s.json
	o.Confirm = func(p *reconcile.Plan) (bool, error) {
		planned, shown = true, true
		if err := s.unsent(project, nil); err != nil {
			return false, err
		}
		yes, err := s.approve(ctx, p, f.autoApprove, prompt)
		if yes {
			s.signals.drain()
		}
		return yes, err
	}
	applied, err := project.Apply(ctx, account, o)
	progress.End()
	if !planned {
		unsaid = errors.Join(unsaid, s.unsent(project, err))
	}
	if !shown && applied != nil && applied.Plan != nil { // with nothing to approve, what the plan found is told all the same
		unsaid = errors.Join(unsaid, render.Findings(s.err, applied.Plan.Findings))
	}
	return s.applied(applied, errors.Join(err, unsaid))
}

// approve shows the plan on stderr and asks for a yes, unless that was given beforehand.
func (s *session) approve(ctx context.Context, p *reconcile.Plan, given bool, prompt term.Prompt) (bool, error) {
	if given && s.json {
		return true, nil
	}
	err := errors.Join(render.Findings(s.err, p.Findings), render.PlanText(s.err, p))
	if err != nil || given {
		return err == nil, err
	}
	return prompt.Confirm(ctx, "Apply this plan? Only yes is accepted:")
}

// What is said when the person at the terminal did not say yes.
var (
	errDeclined    = errors.New("not applied: the answer was not yes")
	errNotReleased = errors.New("not released: the answer was not yes")
)

// applied prints what an apply came to.
func (s *session) applied(a *run.Applied, err error) outcome {
	if a == nil || a.Declined && err == nil {
		if a != nil {
			err = errDeclined
		}
		return outcome{err: err}
	}
	o := outcome{err: err, plan: a.Plan, ledger: a.Ledger}
	if a.Ledger == nil && err != nil {
		if _, refused := errors.AsType[*run.Refused](err); refused && a.Plan != nil && !s.json {
			o.err = errors.Join(err, render.PlanText(s.err, a.Plan))
		}
		return o
	}
	result := render.Applied{Ledger: a.Ledger, Serial: a.Serial, Requests: a.Requests, Commit: a.Commit, Branch: a.Branch, Pushed: a.Pushed, Unchanged: a.Unchanged}
	if result.Ledger == nil {
		result.Ledger = &reconcile.Ledger{}
	}
	if !s.json {
		o.err = errors.Join(err, render.ApplyText(s.out, result))
		return o
	}
	var failed *render.Failure
	if err != nil {
		f := s.failure(err, exitCode(o, s.signals.caught.Load()))
		failed = &f
	}
	if werr := render.ApplyJSON(s.out, result, failed, s.version); werr != nil {
		return outcome{err: errors.Join(err, werr), ledger: a.Ledger}
	}
	o.told = true
	return o
}

// sleep waits, or ends early with the context's error.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
