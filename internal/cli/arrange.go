package cli

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// arrange puts a command line into the order that urfave/cli understands:
//
//	dcsync [global flags] command [its flags] -- [positional arguments]
//
// Global flags may stand before and after the command, flags and positional arguments may be mixed, and "--" ends the flags. Names are
// written out, so that two forms of one flag do not clash: the last one counts. An unknown flag or command is a usage error. A
// request for help becomes the command help.
func arrange(args []string, globals []cli.Flag, commands []*cli.Command) ([]string, error) {
	if len(args) == 0 {
		args = []string{"dcsync"}
	}
	a := &arrangement{globals: globals, commands: commands}
	rest := args[1:]
	for len(rest) > 0 {
		taken, err := a.take(rest)
		if err != nil {
			return nil, err
		}
		rest = rest[taken:]
	}
	switch {
	case a.help:
		return a.helpLine(args[0]), nil
	case a.command == nil:
		return nil, usagef("see `dcsync help`", "no command is given")
	}
	line := append([]string{args[0]}, a.globalFlags...)
	line = append(line, a.command.Name)
	line = append(line, a.flags...)
	line = append(line, "--")
	return append(line, a.positionals...), nil
}

type arrangement struct {
	globals     []cli.Flag
	commands    []*cli.Command
	command     *cli.Command // nil until it is found
	globalFlags []string
	flags       []string
	positionals []string
	ended       bool // by "--"
	help        bool
}

// take consumes one argument, or two when the first is a flag that takes the second as its value.
func (a *arrangement) take(args []string) (int, error) {
	arg := args[0]
	switch {
	case a.ended, arg == "-", !strings.HasPrefix(arg, "-"):
		return 1, a.word(arg)
	case arg == "--":
		a.ended = true
		return 1, nil
	}
	name, value, inline := strings.Cut(strings.TrimPrefix(arg[1:], "-"), "=")
	if name == "h" || name == "help" {
		a.help = true
		return 1, nil
	}
	flag, global := a.lookUp(name)
	if flag == nil {
		return 0, a.unknownFlag(strings.TrimSuffix(arg, "="+value))
	}
	formed := "--" + flag.Names()[0]
	taken := 1
	switch {
	case inline:
		formed += "=" + value
	case takesValue(flag):
		if len(args) < 2 || a.isFlag(args[1]) {
			return 0, usagef(a.helpHint(), "--%s needs a value", flag.Names()[0])
		}
		formed += "=" + args[1]
		taken = 2
	}
	if global {
		a.globalFlags = append(a.globalFlags, formed)
	} else {
		a.flags = append(a.flags, formed)
	}
	return taken, nil
}

// word takes a positional argument; the first one is the command.
func (a *arrangement) word(arg string) error {
	if a.command != nil {
		a.positionals = append(a.positionals, arg)
		return nil
	}
	var names []string
	for _, c := range a.commands {
		if c.Name == arg {
			a.command = c
			return nil
		}
		names = append(names, c.Name)
	}
	hint := didYouMean(arg, names)
	if hint == "" {
		hint = "see `dcsync help`"
	}
	return usagef(hint, "unknown command %q", arg)
}

func (a *arrangement) lookUp(name string) (flag cli.Flag, global bool) {
	if a.command != nil {
		if f := find(a.command.Flags, name); f != nil {
			return f, false
		}
	}
	return find(a.globals, name), true
}

func find(flags []cli.Flag, name string) cli.Flag {
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

// isFlag tells whether an argument is a flag known here, and so no value.
func (a *arrangement) isFlag(arg string) bool {
	name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	f, _ := a.lookUp(name)
	return strings.HasPrefix(arg, "--") && f != nil
}

func (a *arrangement) unknownFlag(arg string) error {
	flags := slices.Clone(a.globals)
	where := "before the command"
	if a.command != nil {
		flags = append(flags, a.command.Flags...)
		where = "of " + a.command.Name
	}
	var names []string
	for _, f := range flags {
		names = append(names, "--"+f.Names()[0])
	}
	hint := didYouMean(arg, names)
	if hint == "" {
		hint = a.helpHint()
	}
	return usagef(hint, "unknown flag %s %s", arg, where)
}

func (a *arrangement) helpHint() string {
	if a.command != nil {
		return "see `dcsync help " + a.command.Name + "`"
	}
	return "see `dcsync help`"
}

func (a *arrangement) helpLine(program string) []string {
	line := append([]string{program}, a.globalFlags...)
	line = append(line, "help", "--")
	if a.command != nil && a.command.Name != "help" {
		line = append(line, a.command.Name)
	}
	return line
}

func takesValue(f cli.Flag) bool {
	d, ok := f.(cli.DocGenerationFlag)
	return ok && d.TakesValue()
}
