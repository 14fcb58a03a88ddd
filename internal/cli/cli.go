// Package cli is the command line: flags, environment, signals, exit codes, and the wiring of one command from the floors below.
//
// Each command has a file of its own: its flags, the function that reads them into an options struct, and the function that runs it.
// What a command does is decided in internal/run and below; how its outcome looks, in internal/render.
package cli

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"dcsync/internal/secret"
	"dcsync/internal/step"
	"dcsync/internal/term"
)

// Streams are the standard streams of the process.
type Streams struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer
}

// Run carries out one command line, args[0] being the program's name, and gives the exit code of `dcsync help exit-codes`. lookup
// gives an environment variable and whether it is set. Run catches SIGINT and SIGTERM while it works.
func Run(ctx context.Context, args []string, lookup func(string) (string, bool), streams Streams) int {
	return runSteps(ctx, args, lookup, streams, nil)
}

// runSteps is Run with a hook at every crash point. Only tests have one.
func runSteps(ctx context.Context, args []string, lookup func(string) (string, bool), streams Streams, hook step.Hook) int {
	env := func(name string) string {
		value, _ := lookup(name)
		return value
	}
	s := &session{env: env, lookup: lookup, streams: streams, signals: catch(), version: buildVersion(), scrub: &secret.Scrubber{}, step: hook}
	defer s.signals.stop()
	s.out = term.NewStream(streams.Out, term.Auto, env)
	s.err = term.NewStream(streams.Err, term.Auto, env)
	s.json = asksForJSON(args)

	var o outcome
	app := s.app(&o)
	line, err := arrange(args, app.Flags, app.Commands)
	if err == nil {
		err = app.RunContext(ctx, line)
	}
	if err != nil {
		o = outcome{err: err}
	}
	return s.finish(o)
}

// session is one command line at work: the world around it and its global options.
type session struct {
	env     func(string) string // "" when it is not set
	lookup  func(string) (string, bool)
	streams Streams
	out     *term.Stream
	err     *term.Stream
	signals *signals
	version string
	scrub   *secret.Scrubber
	log     *slog.Logger
	step    step.Hook

	dir        string // where relative paths start, "" for the working directory
	state      string
	apiURL     string
	apiKeyFile string
	json       bool
	format     string // what --output says
	timeout    time.Duration
}

// app makes the parser. urfave/cli would print usage errors to stdout, exit by itself and add commands of its own; all three are
// switched off, and the arguments have been put in order by arrange before it sees them.
func (s *session) app(o *outcome) *cli.App {
	app := &cli.App{
		Name:                      "dcsync",
		Usage:                     "keep a DigiCert CertCentral account equal to the manifests of a git repository",
		Flags:                     globalFlags(),
		HideHelp:                  true,
		HideVersion:               true,
		DisableSliceFlagSeparator: true,
		Writer:                    s.out,
		ErrWriter:                 s.err,
		ExitErrHandler:            func(*cli.Context, error) {},
		OnUsageError:              usageError,
	}
	for _, c := range []command{
		initCommand(), validateCommand(), fmtCommand(), planCommand(), applyCommand(), driftCommand(), showCommand(), schemaCommand(),
		explainCommand(), referenceCommand(), auditCommand(), stateCommand(), lockCommand(), sandboxCommand(), versionCommand(),
	} {
		app.Commands = append(app.Commands, s.parserOf(c, o))
	}
	app.Commands = append(app.Commands, s.parserOf(completionCommand(app), o), s.parserOf(helpCommand(app), o))
	return app
}

// command is one command before it is wired to a session.
type command struct {
	name      string
	arguments string // of the usage line
	usage     string
	about     string // paragraphs of its help
	flags     []cli.Flag
	most      int      // positional arguments, -1 for any number
	formats   []string // of stdout, beside text and json
	run       func(context.Context, *session, *cli.Context) outcome
}

func (s *session) parserOf(c command, o *outcome) *cli.Command {
	return &cli.Command{
		Name: c.name, Usage: c.usage, ArgsUsage: c.arguments, Description: c.about, Flags: c.flags,
		HideHelp: true, OnUsageError: usageError,
		Action: func(cc *cli.Context) error {
			if err := s.takeGlobals(cc, c.formats); err != nil {
				return err
			}
			if c.most >= 0 && cc.NArg() > c.most {
				return usagef("see `dcsync help "+c.name+"`", "%s takes %s, and %q is one more", c.name, atMost(c.most), cc.Args().Get(c.most))
			}
			ctx, cancel := s.signals.bind(cc.Context)
			defer cancel()
			if s.timeout > 0 {
				ctx, cancel = context.WithTimeoutCause(ctx, s.timeout, errTimeout)
				defer cancel()
			}
			*o = c.run(ctx, s, cc)
			if stopped := o.err != nil || o.ledger != nil && o.ledger.Interrupted; stopped && errors.Is(context.Cause(ctx), errTimeout) {
				o.err = &timeoutError{after: s.timeout, err: o.err}
			}
			return nil
		},
	}
}

func atMost(n int) string {
	switch n {
	case 0:
		return "no argument"
	case 1:
		return "one argument"
	}
	return "fewer arguments"
}

// asksForJSON looks for the output flag in an unparsed command line, so that a mistake in it is reported in the wanted form.
func asksForJSON(args []string) bool {
	wanted := false
	for i, a := range args {
		if a == "--" {
			break
		}
		name, value, inline := strings.Cut(a, "=")
		if name != "-o" && name != "--output" && name != "-output" && name != "--o" {
			continue
		}
		if !inline && i+1 < len(args) {
			value = args[i+1]
		}
		wanted = value == "json"
	}
	return wanted
}
