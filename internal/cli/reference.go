package cli

import (
	"context"

	"github.com/urfave/cli/v2"

	"dcsync/internal/render"
	"dcsync/schema/glossary"
)

func referenceCommand() command {
	return command{
		name:      "reference",
		arguments: "[TOPIC]",
		usage:     "print a list of the glossary, or name the lists",
		about: `Products, platforms, formats, roles, statuses and the like, as CertCentral's own glossary gives them. Needs no project, key or
network.`,
		most: 1,
		run: func(_ context.Context, s *session, cc *cli.Context) outcome {
			if cc.NArg() == 0 {
				if s.json {
					return outcome{err: render.TopicsJSON(s.out, glossary.Topics(), s.version)}
				}
				return outcome{err: render.ListText(s.out, glossary.Topics())}
			}
			topic := cc.Args().First()
			list, ok := glossary.Lookup(topic)
			switch {
			case !ok:
				hint := didYouMean(topic, glossary.Topics())
				if hint == "" {
					hint = "dcsync reference names the topics"
				}
				return outcome{err: usagef(hint, "unknown topic %q", topic)}
			case s.json:
				return outcome{err: render.ReferenceJSON(s.out, list, s.version)}
			}
			return outcome{err: render.ReferenceText(s.out, list)}
		},
	}
}
