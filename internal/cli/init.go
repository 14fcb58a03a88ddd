package cli

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"dcsync/internal/render"
	"dcsync/manifests"
)

type initOptions struct {
	dir   string
	name  string
	force bool
}

func initCommand() command {
	return command{
		name:      "init",
		arguments: "[DIR]",
		usage:     "write a new project: dcsync.yaml and one manifest of each kind",
		about: `Nothing that exists is overwritten without --force; the uid of an existing dcsync.yaml is kept even then, because
placed orders are bound to it.`,
		most: 1,
		flags: []cli.Flag{
			&cli.StringFlag{Name: "name", Usage: "call the project `NAME` instead of like its folder"},
			&cli.StringFlag{Name: "ci", Value: "none", Usage: "write workflows for `SYSTEM`: none"},
			&cli.BoolFlag{Name: "force", Usage: "overwrite files that exist"},
		},
		run: func(_ context.Context, s *session, cc *cli.Context) outcome {
			if err := oneOf("ci", cc.String("ci"), "none"); err != nil {
				return outcome{err: err}
			}
			if cc.IsSet("name") && cc.String("name") == "" {
				return outcome{err: usagef("", "--name is empty")}
			}
			dir := s.folder()
			if cc.NArg() == 1 {
				dir = s.path(cc.Args().First())
			}
			return s.init(initOptions{dir: dir, name: cc.String("name"), force: cc.Bool("force")})
		},
	}
}

func (s *session) init(o initOptions) outcome {
	written, err := manifests.Scaffold(o.dir, o.name, o.force)
	if errors.Is(err, fs.ErrExist) {
		return outcome{err: usagef("name another folder, or overwrite with --force", "%v", err)}
	}
	if _, ofDisk := errors.AsType[*fs.PathError](err); err != nil && !ofDisk {
		return outcome{err: usagef("choose the name with --name", "%v", err)}
	}
	if err != nil {
		return outcome{err: err}
	}
	for i, name := range written {
		written[i] = filepath.ToSlash(filepath.Join(o.dir, filepath.FromSlash(name)))
	}
	if s.json {
		return outcome{err: render.FilesJSON(s.out, written, s.version)}
	}
	return outcome{err: render.ListText(s.out, written)}
}
