package render

import (
	"fmt"
	"io"
	"strings"
	"time"

	"dcsync/internal/run"
)

// LockText says who has the lock, or from whom it was freed; nil stands for nobody.
func LockText(w io.Writer, ref string, h *run.Holder, released bool) error {
	var b strings.Builder
	switch {
	case h == nil:
		fmt.Fprintf(&b, "%s is free.\n", clean(ref))
	case released:
		fmt.Fprintf(&b, "%s was freed from run %s of %s.\n", clean(ref), clean(h.Run), clean(h.Owner))
	case h.Owner == "":
		fmt.Fprintf(&b, "%s is held by an unknown run.\n", clean(ref))
	default:
		fmt.Fprintf(&b, "%s is held.\n  owner: %s\n  run:   %s\n  since: %s\n  until: %s", clean(ref), clean(h.Owner), clean(h.Run),
			h.Since.UTC().Format(time.RFC3339), h.Until.UTC().Format(time.RFC3339))
		if h.Ended {
			b.WriteString(" (over: that run died)")
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// LockJSON writes the document of the lock.
func LockJSON(w io.Writer, ref string, h *run.Holder, released bool, version string) error {
	type holder struct {
		Owner string  `json:"owner"`
		Run   string  `json:"run"`
		Since *string `json:"since"`
		Until *string `json:"until"`
		Ended bool    `json:"ended"`
	}
	var who *holder
	if h != nil {
		who = &holder{h.Owner, h.Run, instant(h.Since), instant(h.Until), h.Ended}
	}
	return encode(w, struct {
		header
		Ref      string  `json:"ref"`
		Held     bool    `json:"held"`
		Released bool    `json:"released"`
		Holder   *holder `json:"holder"`
	}{newHeader(version), ref, h != nil && !released, released, who})
}
