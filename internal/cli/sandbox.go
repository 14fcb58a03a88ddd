package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"dcsync/internal/sandbox"
)

func sandboxCommand() command {
	return command{
		name:  "sandbox",
		usage: "serve an embedded CertCentral on loopback",
		about: `Prints "listening on URL" as its first line and serves until it is told to stop; then it saves its data. Use the URL as
DCSYNC_API_URL and the key as DCSYNC_API_KEY. Nothing it does leaves this machine.`,
		flags: []cli.Flag{
			&cli.StringFlag{Name: "listen", Value: "127.0.0.1:0", Usage: "serve on `ADDRESS`"},
			&cli.StringFlag{Name: "data", Usage: "keep the account in `FILE`"},
			&cli.StringFlag{Name: "seed", Usage: "fill a new account from `SOURCE`: demo, or a file as GET /_sandbox/dump gives it"},
			&cli.StringFlag{Name: "key", Value: "sandbox-key", Usage: "accept `KEY`, without restriction"},
			&cli.StringSliceFlag{Name: "key-role", Usage: "accept a key with a restriction: `KEY=ROLE`, role 0, 100, 101 or 102; may be repeated"},
			&cli.DurationFlag{Name: "issue-after", Usage: "issue an order `DURATION` after nothing is missing"},
			&cli.DurationFlag{Name: "visible-after", Usage: "let look-ups and lists find a new order after `DURATION`"},
			&cli.DurationFlag{Name: "latency", Usage: "wait `DURATION` before each answer"},
			&cli.StringFlag{Name: "rate-limits", Value: "on", Usage: "`on|off`: refuse more requests than CertCentral allows"},
			&cli.StringFlag{Name: "unique-alternative-ids", Value: "off", Usage: "`on|off`: refuse a second order with one alternative_order_id"},
		},
		run: func(ctx context.Context, s *session, cc *cli.Context) outcome {
			o, err := s.takeSandboxFlags(cc)
			if err != nil {
				return outcome{err: err}
			}
			return s.sandbox(ctx, o)
		},
	}
}

func (s *session) takeSandboxFlags(cc *cli.Context) (sandbox.Options, error) {
	o := sandbox.Options{
		Listen: cc.String("listen"), Data: s.path(cc.String("data")), Seed: cc.String("seed"), Keys: map[string]int{},
		IssueAfter: cc.Duration("issue-after"), VisibleAfter: cc.Duration("visible-after"), Latency: cc.Duration("latency"),
		RateLimits: cc.String("rate-limits") == "on", UniqueAlternativeIDs: cc.String("unique-alternative-ids") == "on", Now: time.Now,
	}
	if s.json {
		return o, usagef("leave out --output", "sandbox has no JSON output")
	}
	if o.Seed != "" && o.Seed != "demo" {
		o.Seed = s.path(o.Seed)
	}
	for _, name := range []string{"rate-limits", "unique-alternative-ids"} {
		if err := oneOf(name, cc.String(name), "on", "off"); err != nil {
			return o, err
		}
	}
	for _, name := range []string{"issue-after", "visible-after", "latency"} {
		if cc.Duration(name) < 0 {
			return o, usagef("", "--%s is 0s or more", name)
		}
	}
	if cc.String("key") == "" {
		return o, usagef("", "--key is empty")
	}
	o.Keys[cc.String("key")] = 0
	for _, pair := range cc.StringSlice("key-role") {
		key, text, ok := strings.Cut(pair, "=")
		role, err := strconv.Atoi(text)
		if !ok || key == "" || err != nil {
			return o, usagef("write it like reader=102", "--key-role is KEY=ROLE")
		}
		switch role {
		case 0, 100, 101, 102:
			o.Keys[key] = role
		default:
			return o, usagef("", "--key-role: the role is 0, 100, 101 or 102, not %d", role)
		}
	}
	return o, nil
}

// sandbox serves until a signal; that is how it is meant to end, so it is no failure.
func (s *session) sandbox(ctx context.Context, o sandbox.Options) outcome {
	server, err := sandbox.New(o)
	if err != nil {
		return outcome{err: err}
	}
	return outcome{err: server.Serve(ctx, func(url string) {
		io.WriteString(s.out, fmt.Sprintf("listening on %s\n", url))
	})}
}
