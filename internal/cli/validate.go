package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"

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
The findings are the product and go to stdout. --output github writes annotations for GitHub Actions, --output sarif a SARIF 2.1.0 log for
code scanning; both count paths from the repository that holds the project.`,
		most:    -1,
		formats: []string{"github", "sarif"},
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
		wanted, err := s.wanted(p.Root, paths)
		if err != nil {
			return outcome{err: err}
		}
		v.Findings = wanted.findings(v.Findings)
	}
	switch s.format {
	case "json":
		err = render.ValidationJSON(s.out, v, s.version)
	case "github":
		err = render.ValidationGitHub(s.out, v, inRepository(p))
	case "sarif":
		err = render.ValidationSARIF(s.out, v, inRepository(p), s.version)
	default:
		err = render.ValidationText(s.out, v)
	}
	return outcome{err: err, invalid: !v.Valid()}
}

// inRepository gives the folder of a project in its git repository with "/" separators, "" when it is the repository's own or there is
// none.
func inRepository(p *run.Project) string {
	if p == nil {
		return ""
	}
	root, err := resolved(p.Root)
	if err != nil {
		return ""
	}
	for at := root; ; at = filepath.Dir(at) {
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
			if rel, err := filepath.Rel(at, root); err == nil && rel != "." {
				return filepath.ToSlash(rel)
			}
			return ""
		}
		if at == filepath.Dir(at) {
			return ""
		}
	}
}

func resolved(path string) (string, error) {
	if _, err := os.Stat(path); err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}
