package term

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestWantsColour(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		tty    bool
		choice Choice
		env    map[string]string
		want   bool
	}{
		{"terminal", true, Auto, nil, true},
		{"pipe", false, Auto, nil, false},
		{"dumb terminal", true, Auto, map[string]string{"TERM": "dumb"}, false},
		{"NO_COLOR", true, Auto, map[string]string{"NO_COLOR": "1"}, false},
		{"empty NO_COLOR", true, Auto, map[string]string{"NO_COLOR": ""}, true},
		{"CLICOLOR_FORCE on a pipe", false, Auto, map[string]string{"CLICOLOR_FORCE": "1"}, true},
		{"CLICOLOR_FORCE=0", false, Auto, map[string]string{"CLICOLOR_FORCE": "0"}, false},
		{"CLICOLOR=0", true, Auto, map[string]string{"CLICOLOR": "0"}, false},
		{"NO_COLOR beats CLICOLOR_FORCE", true, Auto, map[string]string{"NO_COLOR": "1", "CLICOLOR_FORCE": "1"}, false},
		{"the flag beats NO_COLOR", false, Always, map[string]string{"NO_COLOR": "1"}, true},
		{"the flag beats CLICOLOR_FORCE", true, Never, map[string]string{"CLICOLOR_FORCE": "1"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := wantsColour(tt.tty, tt.choice, func(k string) string { return tt.env[k] }); got != tt.want {
				t.Errorf("wantsColour = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestPaint(t *testing.T) {
	t.Parallel()
	if got := NewStream(io.Discard, Always, nil).Paint(Red, "x"); got != "\x1b[31mx\x1b[0m" {
		t.Errorf("with colour: %q", got)
	}
	if got := NewStream(io.Discard, Auto, nil).Paint(Red, "x"); got != "x" {
		t.Errorf("without colour: %q", got)
	}
}

func TestConfirm(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]bool{"yes\n": true, " yes \n": true, "yes": true, "y\n": false, "no\n": false, "\n": false, "": false} {
		var out bytes.Buffer
		got, err := Prompt{In: strings.NewReader(in), Out: NewStream(&out, Auto, nil)}.Confirm(context.Background(), "Apply?")
		if err != nil || got != want {
			t.Errorf("Confirm with %q = %v, %v; want %v", in, got, err, want)
		}
		if out.String() != "Apply? " {
			t.Errorf("asked %q", out.String())
		}
	}
}

func TestConfirmEndsWithItsContext(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	defer w.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := (Prompt{In: r, Out: NewStream(io.Discard, Auto, nil)}).Confirm(ctx, "?"); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want context.Canceled", err)
	}
}

func TestPromptNeedsATerminal(t *testing.T) {
	t.Parallel()
	if (Prompt{In: strings.NewReader("yes\n"), Out: NewStream(io.Discard, Always, nil)}).Possible() {
		t.Error("a pipe is no terminal")
	}
}
