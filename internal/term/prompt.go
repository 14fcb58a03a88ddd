package term

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
)

// Prompt asks the person at the terminal.
type Prompt struct {
	In  io.Reader
	Out *Stream // where the question goes
}

// Possible tells whether both sides of a conversation are a terminal.
func (p Prompt) Possible() bool { return p.Out.Terminal() && isTerminal(p.In) }

// Confirm prints the question and waits for a line. Only "yes" means yes; the end of the input means no. It returns the context's
// error when that ends first.
func (p Prompt) Confirm(ctx context.Context, question string) (bool, error) {
	if _, err := fmt.Fprintf(p.Out, "%s ", question); err != nil {
		return false, fmt.Errorf("write prompt: %w", err)
	}
	type answer struct {
		line string
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		line, err := bufio.NewReader(p.In).ReadString('\n')
		got <- answer{line, err}
	}()
	select {
	case <-ctx.Done():
		return false, ctx.Err()
	case a := <-got:
		if a.err != nil && a.err != io.EOF {
			return false, fmt.Errorf("read answer: %w", a.err)
		}
		return strings.TrimSpace(a.line) == "yes", nil
	}
}
