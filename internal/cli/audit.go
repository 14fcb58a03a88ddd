package cli

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"dcsync/internal/audit"
	"dcsync/internal/diag"
	"dcsync/internal/render"
	"dcsync/internal/resource"
	"dcsync/internal/run"
	"dcsync/internal/term"
	"dcsync/reconcile"
)

type auditFlags struct {
	since, until time.Time
	addresses    []resource.Address
	orders       []string
	failOn       diag.Severity // "" for never
	offline      bool
	out          string
	verify       bool
}

const verifyWord = "verify"

func auditCommand() command {
	return command{
		name:      "audit",
		arguments: "[verify]",
		usage:     "say who asked for what, who merged it, what came of it, and what does not add up",
		about: `Joins the history of the manifests and of the state file with the account: one line of evidence for each event from the request to the end,
and findings, gravest first. It changes nothing; a key that may only read is enough. With --offline no key and no network are needed, and
what the account holds is as the state file last recorded it.

verify replays every change of the state file and reports what no run of dcsync can have done; it looks at history alone and needs no key.

-o csv and -o html make a table and a report for a browser, which is one file and needs no network. A day given to --until belongs to the
period. The whole history must be there: clone it without --depth.`,
		flags: []cli.Flag{
			&cli.StringFlag{Name: "since", Usage: "leave out what happened before `DATE` (2027-01-31, or RFC 3339)"},
			&cli.StringFlag{Name: "until", Usage: "leave out what happened after `DATE`"},
			&cli.StringSliceFlag{Name: "address", Usage: "look at `ADDRESS` only; may be repeated"},
			&cli.StringSliceFlag{Name: "order", Usage: "look at the order with `ID` only; may be repeated"},
			&cli.StringFlag{Name: "fail-on", Usage: "exit 5 when a finding is at least of `SEVERITY` error, warning or note; verify does so on errors"},
			&cli.BoolFlag{Name: "offline", Usage: "do not look at the account"},
			&cli.StringFlag{Name: "out", Usage: "write the report to `FILE` in place of stdout"},
		},
		most:    1,
		formats: []string{"csv", "html"},
		run: func(ctx context.Context, s *session, cc *cli.Context) outcome {
			f, err := takeAuditFlags(cc)
			if err != nil {
				return outcome{err: err}
			}
			return s.audit(ctx, f)
		},
	}
}

func takeAuditFlags(cc *cli.Context) (auditFlags, error) {
	f := auditFlags{offline: cc.Bool("offline"), out: cc.String("out"), failOn: diag.Severity(cc.String("fail-on"))}
	switch word := cc.Args().First(); word {
	case "":
	case verifyWord:
		f.verify, f.offline, f.failOn = true, true, cmp.Or(f.failOn, diag.Error)
	default:
		return f, usagef(cmp.Or(didYouMean(word, []string{verifyWord}), "see `dcsync help audit`"), "audit takes verify or nothing, not %q", word)
	}
	for _, name := range []string{"since", "until", "fail-on", "out"} {
		if cc.IsSet(name) && cc.String(name) == "" {
			return f, usagef("", "--%s is empty", name)
		}
	}
	var err error
	if cc.IsSet("since") {
		if f.since, err = instant("since", cc.String("since")); err != nil {
			return f, err
		}
	}
	if cc.IsSet("until") {
		if f.until, err = instant("until", cc.String("until")); err != nil {
			return f, err
		}
		if !strings.Contains(cc.String("until"), "T") {
			f.until = f.until.AddDate(0, 0, 1).Add(-time.Second)
		}
	}
	if !f.since.IsZero() && !f.until.IsZero() && f.until.Before(f.since) {
		return f, usagef("", "--until is before --since")
	}
	for _, text := range cc.StringSlice("address") {
		a, err := address(text)
		if err != nil {
			return f, err
		}
		f.addresses = append(f.addresses, a)
	}
	for _, id := range cc.StringSlice("order") {
		if n, err := strconv.ParseInt(id, 10, 64); err != nil || n <= 0 || strconv.FormatInt(n, 10) != id {
			return f, usagef("an order's id is a number as 880001; use --address for a name", "--order %q is no id of an order", id)
		}
		f.orders = append(f.orders, id)
	}
	if cc.IsSet("fail-on") {
		err = oneOf("fail-on", string(f.failOn), string(diag.Error), string(diag.Warning), string(diag.Note))
	}
	return f, err
}

func (s *session) audit(ctx context.Context, f auditFlags) outcome {
	if f.out == "" && s.format == "html" && s.out.Terminal() {
		return outcome{err: usagef("name a file with --out, and open it in a browser", "a terminal shows no HTML")}
	}
	project, err := s.open(ctx)
	if err != nil {
		return outcome{err: err}
	}
	if f.out != "" {
		if err := s.mayHoldReport(project, f.out); err != nil {
			return outcome{err: err}
		}
	}
	in, found, err := s.auditInput(ctx, project, f)
	if err != nil {
		return outcome{err: err}
	}
	if err := s.warn(found); err != nil {
		return outcome{err: err}
	}
	look := audit.Run
	if f.verify {
		look = audit.Verify
	}
	report, err := look(ctx, in)
	if err != nil {
		return outcome{err: err}
	}
	if err := s.showAudit(report, append(slices.Clone(project.Findings), found...), f); err != nil {
		return outcome{err: err}
	}
	return outcome{
		refused: f.failOn != "" && render.AuditReaches(report.Findings, f.failOn),
		unread:  in.Drift != nil && !in.Drift.Complete,
	}
}

// auditInput gathers what an audit looks at, and what is to be known of how that could be read.
func (s *session) auditInput(ctx context.Context, project *run.Project, f auditFlags) (audit.Input, diag.List, error) {
	past, err := project.History(ctx, s.env, f.offline)
	if err != nil {
		return audit.Input{}, nil, err
	}
	options, err := s.planOptions(project, run.PlanOptions{Refresh: reconcile.RefreshFull, Unmanaged: true, MaxOrders: projectsOwn, MaxDestroy: projectsOwn})
	in := audit.Input{
		Repo: past.Repo, Project: project.Project, Root: project.Root, State: past.State, Set: project.Set, Now: options.Now, Version: s.version,
		Since: f.since, Until: f.until, Addresses: f.addresses, Orders: f.orders,
	}
	if err != nil || f.offline {
		return in, past.Findings, err
	}
	account, err := s.remoteFor(project, options.Refresh)
	if err != nil {
		return in, nil, err
	}
	if in.Drift, err = project.Drift(ctx, account, options); err != nil {
		return in, nil, err
	}
	return in, in.Drift.Findings, nil
}

// showAudit writes the report to stdout, or to the file that was named.
func (s *session) showAudit(r *audit.Report, found diag.List, f auditFlags) error {
	if f.out == "" {
		return s.writeAudit(s.out, r, found, f.verify)
	}
	var b bytes.Buffer
	if err := s.writeAudit(term.NewStream(&b, term.Never, nil), r, found, f.verify); err != nil {
		return err
	}
	if err := writeWhole(s.path(f.out), b.Bytes()); err != nil {
		return fmt.Errorf("save report: %w", err)
	}
	return nil
}

func (s *session) writeAudit(w *term.Stream, r *audit.Report, found diag.List, verify bool) error {
	switch {
	case s.format == "json":
		return render.AuditJSON(w, r, found, s.version)
	case s.format == "csv":
		return render.AuditCSV(w, r)
	case s.format == "html":
		return render.AuditHTML(w, r, s.version)
	case verify:
		return render.AuditVerifyText(w, r)
	}
	return render.AuditText(w, r)
}

// mayHoldReport refuses a place where a report would destroy something: what is there must be an earlier report of the same format.
func (s *session) mayHoldReport(project *run.Project, out string) error {
	path := s.path(out)
	exists, err := mayHold(path, out)
	if err != nil {
		return err
	}
	if samePlace(path, project.StateFile) {
		return usagef("name another file", "--out: %s is where the state is kept", out)
	}
	if exists {
		if earlier, err := readBounded(path); err != nil || !render.IsAudit(s.format, earlier) {
			return usagef("name another file", "--out: %s exists and is no report of an audit as %s", out, s.format)
		}
	}
	return nil
}
