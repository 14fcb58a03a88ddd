// Package term knows the three standard streams: which of them is a terminal, whether it takes colour, and how to ask a question.
//
// It decides nothing about what is printed. Colour only helps the eye: whatever it marks is also said in words or signs, so that text
// without it means the same.
package term

import (
	"io"
	"os"

	"github.com/mattn/go-isatty"
)

// Choice is what the user wants of colour.
type Choice string

// The choices; Auto means "on a terminal, unless the environment objects".
const (
	Auto   Choice = "auto"
	Always Choice = "always"
	Never  Choice = "never"
)

// Stream is an output with what is known about it.
type Stream struct {
	io.Writer
	tty    bool
	colour bool
}

// NewStream wraps a writer. Colour follows the choice, then NO_COLOR, then CLICOLOR_FORCE, then whether the writer is a
// terminal that is not dumb. A nil env stands for an empty environment.
func NewStream(w io.Writer, choice Choice, env func(string) string) *Stream {
	s := &Stream{Writer: w, tty: isTerminal(w)}
	s.colour = wantsColour(s.tty, choice, env)
	return s
}

// Terminal tells whether somebody is looking.
func (s *Stream) Terminal() bool { return s.tty }

func wantsColour(tty bool, choice Choice, env func(string) string) bool {
	if env == nil {
		env = func(string) string { return "" }
	}
	force := env("CLICOLOR_FORCE")
	switch {
	case choice == Always:
		return true
	case choice == Never, env("NO_COLOR") != "":
		return false
	case force != "" && force != "0":
		return true
	}
	return tty && env("TERM") != "dumb" && env("CLICOLOR") != "0"
}

func isTerminal(x any) bool {
	f, ok := x.(*os.File)
	return ok && (isatty.IsTerminal(f.Fd()) || isatty.IsCygwinTerminal(f.Fd()))
}
