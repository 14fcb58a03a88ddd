package cli

import (
	"context"

	"github.com/urfave/cli/v2"

	"dcsync/internal/render"
	"dcsync/schema"
)

func explainCommand() command {
	return command{
		name:      "explain",
		arguments: "KIND[.path]",
		usage:     "explain a kind or one of its fields: type, rules, allowed values, what changing it does",
		about: `Path leads into the spec: dcsync explain Order.certificate.csr. The name of a product before it keeps to that product:
dcsync explain Order.code_signing.cs_provisioning_method.`,
		most: 1,
		run: func(_ context.Context, s *session, cc *cli.Context) outcome {
			if cc.NArg() == 0 {
				return outcome{err: usagef("the kinds are "+orList(schema.Kinds()), "explain takes KIND or KIND.path")}
			}
			e, err := schema.Explain(cc.Args().First())
			if err != nil {
				return outcome{err: usagef("", "%v", err)}
			}
			if s.json {
				return outcome{err: render.ExplanationJSON(s.out, e, s.version)}
			}
			return outcome{err: render.ExplanationText(s.out, e)}
		},
	}
}
