package run_test

import (
	"testing"

	"dcsync/internal/run"
	"dcsync/internal/sandbox"
	"dcsync/reconcile"
)

// What is wanted of an order that ended outside git, or that the key does not see, is a blocked intent however often it is applied; without a
// wish the same is drift. Another generation of what ended is ordered.
func TestHeldUp(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name          string
		from, to      string // in the manifest
		ended, unseen string // visible changes
	}{
		{name: "nothing", ended: "blocked Order/box (drift)", unseen: "blocked Order/box (drift)"},
		{name: "a wish", from: "  order_validity", to: "  additional_emails: [q@example.com]\n  order_validity",
			ended: "blocked Order/box (intent)", unseen: "blocked Order/box (intent)"},
		{name: "a label", from: "name: box", to: "name: box, labels: {team: a}", ended: "blocked Order/box (drift)", unseen: "blocked Order/box (drift)"},
		{name: "what waits for the next", from: "{years: 1}", to: "{years: 2}", ended: "blocked Order/box (drift)", unseen: "blocked Order/box (drift)"},
		{name: "another generation", from: "name: box}", to: "name: box}\nlifecycle: {generation: 2}", ended: "create Order/box (intent)", unseen: "blocked Order/box (intent)"},
	}
	for _, tt := range tests {
		for _, how := range []string{"ended", "unseen"} {
			t.Run(tt.name+", "+how, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, sandbox.Options{}, map[string]string{"box.yaml": boxYAML})
				w.mustApply()
				want := tt.ended
				if how == "ended" {
					w.do("880001", "issue")
					w.do("880001", "revoke")
				} else {
					blind, err := sandbox.New(sandbox.Options{})
					if err != nil {
						t.Fatal(err)
					}
					w.server.Config.Handler, want = blind.Handler(), tt.unseen
				}
				if tt.from != "" {
					w.edit("box.yaml", tt.from, tt.to)
				}
				for range 2 {
					p := w.plan(reconcile.RefreshAuto)
					w.want("plan", changes(p), want)
					if want == "create Order/box (intent)" {
						break
					}
					if _, err := w.apply(); err != nil {
						t.Fatal(err)
					}
				}
				_, err := w.apply(func(o *run.ApplyOptions) { o.Strict = true })
				if want == "blocked Order/box (intent)" {
					w.refusedBy("strict", err)
				} else if err != nil {
					t.Errorf("strict: %v", err)
				}
			})
		}
	}
}
