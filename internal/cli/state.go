package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"dcsync/internal/render"
	"dcsync/internal/resource"
	"dcsync/internal/run"
	"dcsync/state"
)

func stateCommand() command {
	return command{
		name:      "state",
		arguments: "list | show ADDRESS | mv FROM TO | rm ADDRESS | merge BASE OURS THEIRS",
		usage:     "look at the state file and repair it",
		about: `list and show print what is recorded. mv lets an object go on under another name, rm forgets one; neither touches the account.
mv goes with a manifest whose name was changed. An address is Kind/name. With spec.state.ref all of them look at that branch of the
remote, and mv and rm push a commit to it.

merge puts two state files together address by address and writes the result into OURS; when both changed one address differently it
fails and leaves OURS as it is. It is made for git, which calls it for files with the attribute merge=dcsync (init sets it) once it
was told how:

  git config merge.dcsync.driver "dcsync state merge %O %A %B"`,
		most: 4,
		run: func(ctx context.Context, s *session, cc *cli.Context) outcome {
			action, args := cc.Args().First(), cc.Args().Tail()
			for _, a := range stateActions() {
				if a.name != action {
					continue
				}
				if len(args) != a.arguments {
					return outcome{err: usagef("see `dcsync help state`", "state %s takes %s", action, a.takes)}
				}
				return a.run(ctx, s, args)
			}
			var names []string
			for _, a := range stateActions() {
				names = append(names, a.name)
			}
			return outcome{err: usagef(cmp.Or(didYouMean(action, names), "see `dcsync help state`"), "state takes %s", orList(names))}
		},
	}
}

// stateAction is one word that may follow "state".
type stateAction struct {
	name      string
	arguments int
	takes     string
	run       func(context.Context, *session, []string) outcome
}

func stateActions() []stateAction {
	return []stateAction{
		{"list", 0, "no argument", stateList},
		{"show", 1, "one ADDRESS", stateShow},
		{"mv", 2, "FROM and TO", stateMove},
		{"rm", 1, "one ADDRESS", stateRemove},
		{"merge", 3, "BASE, OURS and THEIRS", stateMerge},
	}
}

func stateList(ctx context.Context, s *session, _ []string) outcome {
	_, f, err := s.stateFile(ctx)
	if err != nil {
		return outcome{err: err}
	}
	var list []render.Managed
	for _, a := range f.Addresses() {
		list = append(list, render.Managed{Address: a, ID: f.Objects[a].Identity.ID, Product: f.Objects[a].Identity.Product})
	}
	if s.json {
		return outcome{err: render.StateJSON(s.out, f.Serial, list, s.version)}
	}
	return outcome{err: render.StateText(s.out, list)}
}

func stateShow(ctx context.Context, s *session, args []string) outcome {
	a, err := address(args[0])
	if err != nil {
		return outcome{err: err}
	}
	_, f, err := s.stateFile(ctx)
	if err != nil {
		return outcome{err: err}
	}
	e := f.Objects[a]
	if e == nil {
		return outcome{err: usagef("see `dcsync state list`", "the state has no %s", a)}
	}
	raw, err := state.EncodeEntry(e)
	if err != nil {
		return outcome{err: err}
	}
	if s.json {
		return outcome{err: render.EntryJSON(s.out, a, raw, s.version)}
	}
	_, err = s.out.Write(raw)
	return outcome{err: err}
}

func stateMove(ctx context.Context, s *session, args []string) outcome {
	from, err := address(args[0])
	if err != nil {
		return outcome{err: err}
	}
	to, err := address(args[1])
	if err != nil {
		return outcome{err: err}
	}
	project, _, err := s.stateFile(ctx)
	if err == nil {
		err = project.MoveState(ctx, from, to, s.repair())
	}
	return s.repaired(fmt.Sprintf("%s is %s now.", from, to), err)
}

func stateRemove(ctx context.Context, s *session, args []string) outcome {
	a, err := address(args[0])
	if err != nil {
		return outcome{err: err}
	}
	project, _, err := s.stateFile(ctx)
	if err == nil {
		err = project.RemoveState(ctx, a, s.repair())
	}
	return s.repaired(fmt.Sprintf("%s is no longer managed; it still exists in the account.", a), err)
}

// stateMerge needs no project: git calls it at the top of the work tree, in the middle of a merge.
func stateMerge(_ context.Context, s *session, args []string) outcome {
	var files [3][]byte
	for i, name := range args {
		var err error
		if files[i], err = os.ReadFile(s.path(name)); err != nil {
			return outcome{err: usagef("see `dcsync help state`", "read %s: %v", name, err)}
		}
	}
	merged, err := run.MergeState(args[1], files[0], files[2], files[1]) // git records the result as what follows %A
	if err == nil {
		err = state.Write(s.path(args[1]), merged, s.step)
	}
	return s.repaired("", err)
}

func (s *session) repair() run.Repair { return run.Repair{Env: s.env, Step: s.step} }

func (s *session) repaired(text string, err error) outcome {
	switch {
	case err != nil:
		return outcome{err: err}
	case s.json:
		return outcome{err: render.FilesJSON(s.out, nil, s.version)}
	case text == "":
		return outcome{}
	}
	return outcome{err: render.ListText(s.out, []string{text})}
}

// stateFile opens the project and its state.
func (s *session) stateFile(ctx context.Context) (*run.Project, *state.File, error) {
	project, err := s.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	f, err := project.State(ctx, s.env)
	return project, f, err
}

func address(text string) (resource.Address, error) {
	a, err := resource.ParseAddress(text)
	if err != nil {
		return a, usagef("an address is Kind/name", "%v", err)
	}
	return a, nil
}
