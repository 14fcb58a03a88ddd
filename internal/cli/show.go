package cli

import (
	"context"
	"errors"

	"github.com/urfave/cli/v2"

	"dcsync/internal/render"
)

func showCommand() command {
	return command{
		name:      "show",
		arguments: "FILE",
		usage:     "print a saved plan, stale or not",
		most:      1,
		run: func(_ context.Context, s *session, cc *cli.Context) outcome {
			if cc.NArg() == 0 {
				return outcome{err: usagef("make one with `dcsync plan --out FILE`", "show takes the file of a saved plan")}
			}
			return s.show(s.path(cc.Args().First()))
		},
	}
}

// show exits 0 for whatever it could print: what the plan would do is a question to plan.
func (s *session) show(path string) outcome {
	p, err := readPlan(path)
	if err != nil {
		return outcome{err: err}
	}
	if s.json {
		return outcome{err: render.PlanJSON(s.out, p, nil, s.version)}
	}
	return outcome{err: errors.Join(s.warn(p.Findings), render.PlanText(s.out, p))}
}
