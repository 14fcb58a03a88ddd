package cli

import (
	"context"

	"github.com/urfave/cli/v2"

	"dcsync/internal/render"
	"dcsync/manifests"
)

func fmtCommand() command {
	return command{
		name:      "fmt",
		arguments: "[PATH...]",
		usage:     "write dcsync.yaml and the manifests in canonical form",
		about: `Puts keys into the order of the tables, line ends to LF, and takes white space off the ends of lines. Comments, blank lines, quotes and
anchors stay, and what a file says does not change. Prints the names of the files that differed. Files with errors are left alone and
reported. With PATH only these files and folders count.`,
		most:  -1,
		flags: []cli.Flag{&cli.BoolFlag{Name: "check", Usage: "write nothing; exit code 3 when a file differs"}},
		run: func(ctx context.Context, s *session, cc *cli.Context) outcome {
			return s.inOrder(ctx, cc.Args().Slice(), cc.Bool("check"))
		},
	}
}

func (s *session) inOrder(ctx context.Context, paths []string, check bool) outcome {
	root, err := manifests.Find(s.folder())
	if err != nil {
		return outcome{err: err}
	}
	files, findings, err := manifests.Format(ctx, root)
	if err != nil {
		return outcome{err: err}
	}
	wanted, err := s.wanted(root, paths)
	if err != nil {
		return outcome{err: err}
	}
	var differ []string
	for _, f := range files {
		if !wanted.has(f.Name) || !f.Differs() {
			continue
		}
		if !check {
			if err := f.Write(); err != nil {
				return outcome{err: err}
			}
		}
		differ = append(differ, f.Name)
	}
	findings = wanted.errors(findings)
	if s.json {
		err = render.FormattedJSON(s.out, differ, findings, s.version)
	} else if err = s.warn(findings); err == nil {
		err = render.ListText(s.out, differ)
	}
	return outcome{err: err, invalid: findings.HasErrors() || check && differ != nil}
}
