package cli

import (
	"cmp"
	"context"
	"os"
	"os/user"

	"github.com/urfave/cli/v2"

	"dcsync/internal/certcentral"
	"dcsync/internal/render"
	"dcsync/internal/run"
	"dcsync/internal/term"
)

func lockCommand() command {
	return command{
		name:      "lock",
		arguments: "show|release",
		usage:     "show who holds the lock on the git remote, or free it from a run that died",
		about: `The lock is a reference on spec.git.remote that keeps runs on all machines apart. A run that lives renews it; one that died
loses it a minute after its lease. release is for whoever knows that the run is dead and does not want to wait: it asks, and frees the
lock from the holder it has shown and from no other.`,
		most:  1,
		flags: []cli.Flag{&cli.BoolFlag{Name: "auto-approve", Usage: "release without asking; required where nobody can be asked"}},
		run: func(ctx context.Context, s *session, cc *cli.Context) outcome {
			switch action := cc.Args().First(); action {
			case "show":
				if cc.IsSet("auto-approve") {
					return outcome{err: usagef("leave it out", "--auto-approve does not go with lock show")}
				}
				return s.lockShow(ctx)
			case "release":
				return s.lockRelease(ctx, cc.Bool("auto-approve"))
			default:
				return outcome{err: usagef(cmp.Or(didYouMean(action, []string{"show", "release"}), "see `dcsync help lock`"), "lock takes show or release")}
			}
		},
	}
}

func (s *session) lockShow(ctx context.Context) outcome {
	project, err := s.open(ctx)
	if err != nil {
		return outcome{err: err}
	}
	ref, holder, err := project.LockHolder(ctx, s.env)
	if err != nil {
		return outcome{err: err}
	}
	return outcome{err: s.showLock(ref, holder, false)}
}

func (s *session) lockRelease(ctx context.Context, given bool) outcome {
	prompt := term.Prompt{In: s.streams.In, Out: s.err}
	if !given && !prompt.Possible() {
		return outcome{err: usagef("look at `dcsync lock show`, then run lock release with --auto-approve", "there is no terminal to ask for approval")}
	}
	project, err := s.open(ctx)
	if err != nil {
		return outcome{err: err}
	}
	ref, holder, err := project.LockHolder(ctx, s.env)
	if err != nil || holder == nil {
		if err == nil {
			err = s.showLock(ref, nil, false)
		}
		return outcome{err: err}
	}
	if !given {
		if err := render.LockText(s.err, ref, holder, false); err != nil {
			return outcome{err: err}
		}
		yes, err := prompt.Confirm(ctx, "Is that run dead, and may its lock be freed? Only yes is accepted:")
		if err == nil && !yes {
			err = errNotReleased
		}
		if err != nil {
			return outcome{err: err}
		}
	}
	if err := project.BreakLock(ctx, s.env, holder); err != nil {
		return outcome{err: err}
	}
	return outcome{err: s.showLock(ref, holder, true)}
}

func (s *session) showLock(ref string, holder *run.Holder, released bool) error {
	if s.json {
		return render.LockJSON(s.out, ref, holder, released, s.version)
	}
	return render.LockText(s.out, ref, holder, released)
}

// lockFlags say how other runs are kept out.
func lockFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "lock", DefaultText: "the project's", Usage: "keep other runs out: `MODE` auto, git, file or none"},
		&cli.DurationFlag{Name: "lock-timeout", Usage: "wait at most `DURATION` for a lock that another run holds"},
	}
}

// takeLock reads lockFlags. An empty mode stands for the project's.
func takeLock(cc *cli.Context) (run.Locking, error) {
	l := run.Locking{Mode: cc.String("lock"), Patience: cc.Duration("lock-timeout"), Request: certcentral.DefaultTimeout}
	if l.Patience < 0 {
		return l, usagef("", "--lock-timeout is a duration of 0 or more, such as 5m")
	}
	if cc.IsSet("lock") {
		return l, oneOf("lock", l.Mode, "auto", "git", "file", "none")
	}
	return l, nil
}

// owner says to people who runs: the CI job, else user and machine.
func (s *session) owner() string {
	if job := s.env("CI_JOB_URL"); job != "" {
		return job
	}
	if server, repo, id := s.env("GITHUB_SERVER_URL"), s.env("GITHUB_REPOSITORY"), s.env("GITHUB_RUN_ID"); server != "" && repo != "" && id != "" {
		return server + "/" + repo + "/actions/runs/" + id
	}
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return name + "@" + host
}
