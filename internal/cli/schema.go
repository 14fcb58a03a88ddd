package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"dcsync/internal/render"
	"dcsync/schema"
)

func schemaCommand() command {
	return command{
		name:      "schema",
		arguments: "[KIND]",
		usage:     "print the JSON Schema of a kind, or name the kinds",
		most:      1,
		flags:     []cli.Flag{&cli.StringFlag{Name: "dir", Usage: "write the JSON Schema of every kind into `DIR`"}},
		run: func(_ context.Context, s *session, cc *cli.Context) outcome {
			kind, dir := cc.Args().First(), cc.String("dir")
			switch {
			case cc.IsSet("dir") && cc.NArg() > 0:
				return outcome{err: usagef("", "--dir writes every kind and takes no KIND")}
			case cc.IsSet("dir") && dir == "":
				return outcome{err: usagef("", "--dir is empty")}
			case dir != "":
				return s.writeSchemas(s.path(dir))
			case cc.NArg() > 0:
				return s.printSchema(kind)
			case s.json:
				return outcome{err: render.KindsJSON(s.out, schema.Kinds(), s.version)}
			}
			return outcome{err: render.ListText(s.out, schema.Kinds())}
		},
	}
}

// printSchema writes the schema itself, which is JSON whatever the output is set to.
func (s *session) printSchema(kind string) outcome {
	if !slices.Contains(schema.Kinds(), kind) {
		return outcome{err: usagef(didYouMean(kind, schema.Kinds()), "unknown kind %q: want %s", kind, orList(schema.Kinds()))}
	}
	doc, _ := schema.JSON(kind)
	_, err := s.out.Write(doc)
	return outcome{err: err}
}

func (s *session) writeSchemas(dir string) outcome {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return outcome{err: fmt.Errorf("write schemas: %w", err)}
	}
	var written []string
	for _, kind := range schema.Kinds() {
		doc, _ := schema.JSON(kind)
		path := filepath.Join(dir, strings.ToLower(kind)+".json")
		if err := os.WriteFile(path, doc, 0o644); err != nil {
			return outcome{err: fmt.Errorf("write schemas: %w", err)}
		}
		written = append(written, filepath.ToSlash(path))
	}
	if s.json {
		return outcome{err: render.FilesJSON(s.out, written, s.version)}
	}
	return outcome{err: render.ListText(s.out, written)}
}
