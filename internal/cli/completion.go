package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"dcsync/internal/render"
	"dcsync/schema"
	"dcsync/schema/glossary"
)

func completionCommand(app *cli.App) command {
	shells := map[string]func(completions) string{"bash": completions.bash, "zsh": completions.zsh, "fish": completions.fish}
	names := []string{"bash", "zsh", "fish"}
	return command{
		name:      "completion",
		arguments: "bash|zsh|fish",
		usage:     "print a script that completes dcsync's commands and flags",
		about: `bash: source <(dcsync completion bash)
zsh:  dcsync completion zsh > "${fpath[1]}/_dcsync"
fish: dcsync completion fish > ~/.config/fish/completions/dcsync.fish`,
		most: 1,
		run: func(_ context.Context, s *session, cc *cli.Context) outcome {
			shell := cc.Args().First()
			script, ok := shells[shell]
			switch {
			case shell == "":
				return outcome{err: usagef("", "completion takes %s", orList(names))}
			case !ok:
				return outcome{err: usagef(didYouMean(shell, names), "no completion for %q: want %s", shell, orList(names))}
			}
			text := script(completionsOf(app))
			if s.json {
				return outcome{err: render.TopicJSON(s.out, shell, text, s.version)}
			}
			_, err := io.WriteString(s.out, text)
			return outcome{err: err}
		},
	}
}

// completions is what can be completed: the flags of every command, and for each command its own flags and arguments.
type completions struct {
	flags    []completion
	commands []completedCommand
}

type completion struct{ name, usage string }

type completedCommand struct {
	completion
	flags     []completion
	arguments []string
}

func completionsOf(app *cli.App) completions {
	var commands []string
	for _, c := range app.Commands {
		commands = append(commands, c.Name)
	}
	arguments := map[string][]string{
		"schema": schema.Kinds(), "explain": schema.Kinds(), "reference": glossary.Topics(),
		"audit": {verifyWord}, "completion": {"bash", "zsh", "fish"}, "help": append(commands, exitCodesTopic),
	}
	out := completions{flags: completedFlags(app.Flags)}
	for _, c := range app.Commands {
		out.commands = append(out.commands, completedCommand{completion{c.Name, c.Usage}, completedFlags(c.Flags), arguments[c.Name]})
	}
	return out
}

func completedFlags(flags []cli.Flag) []completion {
	var out []completion
	for _, f := range flags {
		if d, ok := f.(cli.DocGenerationFlag); ok {
			out = append(out, completion{f.Names()[0], strings.ReplaceAll(d.GetUsage(), "`", "")})
		}
	}
	return out
}

// words gives what may follow: flags and arguments.
func words(flags []completion, arguments []string) string {
	var out []string
	for _, f := range flags {
		out = append(out, "--"+f.name)
	}
	return strings.Join(append(out, arguments...), " ")
}

func (c completions) names() []string {
	var out []string
	for _, cmd := range c.commands {
		out = append(out, cmd.name)
	}
	return out
}

// bash completes file names wherever nothing else fits.
func (c completions) bash() string {
	var b strings.Builder
	b.WriteString("# bash completion of dcsync\n_dcsync() {\n    local command= word words\n")
	b.WriteString("    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n        case $word in\n")
	fmt.Fprintf(&b, "        %s) command=$word; break ;;\n        esac\n    done\n    case $command in\n", strings.Join(c.names(), "|"))
	for _, cmd := range c.commands {
		fmt.Fprintf(&b, "    %s) words=%s ;;\n", cmd.name, quoted(words(cmd.flags, cmd.arguments)))
	}
	fmt.Fprintf(&b, "    *) words=%s ;;\n    esac\n", quoted(strings.Join(c.names(), " ")))
	fmt.Fprintf(&b, "    COMPREPLY=($(compgen -W \"$words %s\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\n", words(c.flags, nil))
	b.WriteString("complete -o bashdefault -o default -F _dcsync dcsync\n")
	return b.String()
}

func (c completions) zsh() string {
	var b strings.Builder
	b.WriteString("#compdef dcsync\n_dcsync() {\n    local command= word\n    local -a found\n")
	b.WriteString("    for word in ${words[2,CURRENT-1]}; do\n        case $word in\n")
	fmt.Fprintf(&b, "        %s) command=$word; break ;;\n        esac\n    done\n    case $command in\n", strings.Join(c.names(), "|"))
	for _, cmd := range c.commands {
		fmt.Fprintf(&b, "    %s)\n        found=(%s)\n        compadd -- %s\n        ;;\n", cmd.name, described("--", cmd.flags), strings.Join(cmd.arguments, " "))
	}
	var commands []completion
	for _, cmd := range c.commands {
		commands = append(commands, cmd.completion)
	}
	fmt.Fprintf(&b, "    *) found=(%s) ;;\n    esac\n", described("", commands))
	fmt.Fprintf(&b, "    found+=(%s)\n    _describe dcsync found\n    [[ -n $command ]] && _files\n}\n", described("--", c.flags))
	b.WriteString("compdef _dcsync dcsync\n")
	return b.String()
}

// described gives entries as zsh's _describe takes them: 'name:what it is'.
func described(prefix string, entries []completion) string {
	var out []string
	for _, e := range entries {
		out = append(out, quoted(prefix+e.name+":"+e.usage))
	}
	return strings.Join(out, " ")
}

func (c completions) fish() string {
	var b strings.Builder
	b.WriteString("# fish completion of dcsync\n")
	for _, f := range c.flags {
		fmt.Fprintf(&b, "complete -c dcsync -l %s -d %s\n", f.name, fishQuoted(f.usage))
	}
	for _, cmd := range c.commands {
		fmt.Fprintf(&b, "complete -c dcsync -n __fish_use_subcommand -a %s -d %s\n", cmd.name, fishQuoted(cmd.usage))
		when := quoted("__fish_seen_subcommand_from " + cmd.name)
		for _, f := range cmd.flags {
			fmt.Fprintf(&b, "complete -c dcsync -n %s -l %s -d %s\n", when, f.name, fishQuoted(f.usage))
		}
		if len(cmd.arguments) > 0 {
			fmt.Fprintf(&b, "complete -c dcsync -n %s -f -a %s\n", when, quoted(strings.Join(cmd.arguments, " ")))
		}
	}
	return b.String()
}

// quoted puts a text into single quotes as POSIX shells read them.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// fishQuoted does so for fish, which has escapes inside the quotes.
func fishQuoted(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}
