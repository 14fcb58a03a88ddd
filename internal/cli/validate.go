package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"dcsync/internal/diag"
	"dcsync/internal/render"
	"dcsync/internal/run"
)

func validateCommand() command {
	return command{
		name:      "validate",
		arguments: "[PATH...]",
		usage:     "check dcsync.yaml and the manifests",
		about: `Reads no state and no account. With PATH the whole project is read, and only findings in these files and folders count.
The findings are the product and go to stdout.`,
		most: -1,
		run: func(ctx context.Context, s *session, cc *cli.Context) outcome {
			return s.validate(ctx, cc.Args().Slice())
		},
	}
}

func (s *session) validate(ctx context.Context, paths []string) outcome {
	now, err := s.now()
	if err != nil {
		return outcome{err: err}
	}
	p, err := run.Open(ctx, s.folder(), s.absolute(s.state), now)
	var v render.Validation
	if p != nil {
		v = render.Validation{Files: p.Files, Manifests: p.Manifests, Findings: p.Findings}
	}
	if list, ok := errors.AsType[diag.List](err); ok {
		v.Findings = list
	} else if err != nil {
		return outcome{err: err}
	}
	if p != nil && len(paths) > 0 {
		if v.Findings, err = s.within(p.Root, v.Findings, paths); err != nil {
			return outcome{err: err}
		}
	}
	if s.json {
		err = render.ValidationJSON(s.out, v, s.version)
	} else {
		err = render.ValidationText(s.out, v)
	}
	return outcome{err: err, invalid: !v.Valid()}
}

// within keeps the findings in some files and folders of a project.
func (s *session) within(root string, list diag.List, paths []string) (diag.List, error) {
	var wanted []string
	for _, p := range paths {
		full, err := resolved(s.absolute(p))
		if err != nil {
			return nil, usagef("", "no such file or folder: %s", p)
		}
		base, err := resolved(root)
		if err != nil {
			return nil, err
		}
		rel, err := filepath.Rel(base, full)
		if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
			return nil, usagef("", "%s is not in the project %s", p, root)
		}
		wanted = append(wanted, filepath.ToSlash(rel))
	}
	return slices.DeleteFunc(slices.Clone(list), func(d diag.Diagnostic) bool {
		return !slices.ContainsFunc(wanted, func(w string) bool {
			return w == "." || d.Pos.File == w || strings.HasPrefix(d.Pos.File, w+"/")
		})
	}), nil
}

func resolved(path string) (string, error) {
	if _, err := os.Stat(path); err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}
