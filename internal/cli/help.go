package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"dcsync/internal/render"
)

const exitCodesTopic = "exit-codes"

func helpCommand(app *cli.App) command {
	return command{
		name:      "help",
		arguments: "[COMMAND | exit-codes]",
		usage:     "explain a command, or the exit codes",
		most:      1,
		run: func(_ context.Context, s *session, cc *cli.Context) outcome {
			text, err := helpText(app, cc.Args().First())
			switch {
			case err != nil:
			case s.json:
				err = render.TopicJSON(s.out, cc.Args().First(), text, s.version)
			default:
				_, err = io.WriteString(s.out, text)
			}
			return outcome{err: err}
		},
	}
}

// helpText gives the help of a topic, "" being the whole program.
func helpText(app *cli.App, topic string) (string, error) {
	switch topic {
	case "":
		return programHelp(app), nil
	case exitCodesTopic:
		return exitTopic, nil
	}
	names := []string{exitCodesTopic}
	for _, c := range app.Commands {
		if c.Name == topic {
			return commandHelp(app, c), nil
		}
		names = append(names, c.Name)
	}
	return "", usagef(didYouMean(topic, names), "no help on %q", topic)
}

func programHelp(app *cli.App) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s - %s\n\nUsage: dcsync [flags] COMMAND [flags] [arguments]\n\nCommands:\n", app.Name, app.Usage)
	for _, c := range app.Commands {
		fmt.Fprintf(&b, "  %-10s %s\n", c.Name, c.Usage)
	}
	b.WriteString("\nFlags of every command:\n")
	describe(&b, app.Flags)
	b.WriteString(`
Environment:
  DCSYNC_API_KEY                 the API key
  DCSYNC_API_URL                 address of the API, instead of that of spec.instance
  DCSYNC_RATE_LIMIT              windows of requests, such as 100/5s,1000/180s, or off
  DCSYNC_SETTLE                  instead of spec.settle
  DCSYNC_GIT_TOKEN               token for the git remote; else GITHUB_TOKEN or CI_JOB_TOKEN for their own host
  DCSYNC_GIT_SIGNING_KEY         file of the private key that signs commits (spec.git.sign)
  DCSYNC_GIT_SIGNING_PASSPHRASE  passphrase of that key
  DCSYNC_PULL_REQUEST            pull request to name in the commit, where GitHub or GitLab do not tell
  DCSYNC_APPROVED_BY             who approved it, separated by commas
  DCSYNC_NOW                     instant a plan is made for (RFC 3339)

See dcsync help COMMAND, and dcsync help exit-codes.
`)
	return b.String()
}

func commandHelp(app *cli.App, c *cli.Command) string {
	var b strings.Builder
	usageLine := strings.TrimSpace("dcsync " + c.Name + " [flags] " + c.ArgsUsage)
	fmt.Fprintf(&b, "dcsync %s - %s\n\nUsage: %s\n", c.Name, c.Usage, usageLine)
	if c.Description != "" {
		b.WriteString("\n" + strings.TrimSpace(c.Description) + "\n")
	}
	if len(c.Flags) > 0 {
		b.WriteString("\nFlags:\n")
		describe(&b, c.Flags)
	}
	b.WriteString("\nFlags of every command:\n")
	describe(&b, app.Flags)
	return b.String()
}

func describe(b *strings.Builder, flags []cli.Flag) {
	for _, f := range flags {
		d, ok := f.(cli.DocGenerationFlag)
		if !ok {
			continue
		}
		names := f.Names()
		form := "--" + names[0]
		if len(names) > 1 {
			form = "-" + names[1] + ", " + form
		}
		text := d.GetUsage()
		if before, rest, found := strings.Cut(text, "`"); found {
			placeholder, after, _ := strings.Cut(rest, "`")
			form += " " + placeholder
			text = before + placeholder + after
		}
		if value := strings.Trim(d.GetDefaultText(), `"`); d.TakesValue() && value != "" && value != "0s" {
			text += " (default " + value + ")"
		}
		fmt.Fprintf(b, "  %-32s %s\n", form, text)
	}
}
