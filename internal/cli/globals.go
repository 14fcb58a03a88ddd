package cli

import (
	"log/slog"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"dcsync/internal/term"
)

func globalFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "chdir", Aliases: []string{"C"}, Usage: "work in `DIR`; the project is found from there upwards by dcsync.yaml"},
		&cli.StringFlag{Name: "state", Usage: "use `FILE` as state file instead of spec.state.file"},
		&cli.StringFlag{Name: "api-url", Usage: "talk to `URL` instead of the address of spec.instance (DCSYNC_API_URL); http only to loopback"},
		&cli.StringFlag{Name: "api-key-file", Usage: "read the API key from `FILE` instead of DCSYNC_API_KEY"},
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: "text", Usage: "`FORMAT` of stdout: text or json, and what the command adds"},
		&cli.StringFlag{Name: "color", Value: "auto", Usage: "`WHEN` to use colour: auto, always or never (NO_COLOR, CLICOLOR_FORCE)"},
		&cli.StringFlag{Name: "log-level", Value: "warn", Usage: "`LEVEL` of the log on stderr: error, warn, info or debug"},
		&cli.DurationFlag{Name: "timeout", Usage: "give the whole command at most `DURATION`"},
	}
}

// takeGlobals reads the global flags. formats are those of the command's own output, beside text and json.
func (s *session) takeGlobals(cc *cli.Context, formats []string) error {
	output, colour, level := cc.String("output"), cc.String("color"), cc.String("log-level")
	if err := oneOf("output", output, append([]string{"text", "json"}, formats...)...); err != nil {
		return err
	}
	if err := oneOf("color", colour, "auto", "always", "never"); err != nil {
		return err
	}
	if err := oneOf("log-level", level, "error", "warn", "info", "debug"); err != nil {
		return err
	}
	if s.timeout = cc.Duration("timeout"); s.timeout < 0 || cc.IsSet("timeout") && s.timeout == 0 {
		return usagef("", "--timeout is a duration above 0, such as 10m")
	}
	for _, name := range []string{"chdir", "state", "api-url", "api-key-file"} {
		if cc.IsSet(name) && cc.String(name) == "" {
			return usagef("", "--%s is empty", name)
		}
	}
	s.dir, s.state, s.apiURL, s.apiKeyFile = cc.String("chdir"), cc.String("state"), cc.String("api-url"), cc.String("api-key-file")
	s.json, s.format = output == "json", output
	s.out = term.NewStream(s.streams.Out, term.Choice(colour), s.env)
	s.err = term.NewStream(s.streams.Err, term.Choice(colour), s.env)
	var threshold slog.Level
	if err := threshold.UnmarshalText([]byte(level)); err != nil {
		return usagef("", "--log-level: %v", err)
	}
	s.log = slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: threshold}))
	return nil
}

// path gives a path from the command line, which counts from the folder of --chdir.
func (s *session) path(p string) string {
	if p == "" || filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(s.dir, p)
}

// absolute gives a path from the command line in a form that means the same from any folder.
func (s *session) absolute(p string) string {
	if p == "" {
		return ""
	}
	if abs, err := filepath.Abs(s.path(p)); err == nil {
		return abs
	}
	return s.path(p)
}

// folder gives the folder to work in.
func (s *session) folder() string {
	if s.dir == "" {
		return "."
	}
	return s.dir
}

// now gives the instant a plan is made for: DCSYNC_NOW, or the time.
func (s *session) now() (time.Time, error) {
	fixed := s.env("DCSYNC_NOW")
	if fixed == "" {
		return time.Now(), nil
	}
	t, err := time.Parse(time.RFC3339, fixed)
	if err != nil {
		return time.Time{}, usagef("write it like 2026-01-31T12:00:00Z", "DCSYNC_NOW is %q, which is no RFC 3339 time", fixed)
	}
	return t.UTC(), nil
}

// settle gives DCSYNC_SETTLE, or the project's own setting.
func (s *session) settle(project time.Duration) (time.Duration, error) {
	text := s.env("DCSYNC_SETTLE")
	if text == "" {
		return project, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, usagef("write it like 60s, or 0s for none", "DCSYNC_SETTLE is %q, which is no duration", text)
	}
	return d, nil
}
