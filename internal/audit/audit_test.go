package audit_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/audit"
	"dcsync/internal/gitrepo"
	"dcsync/internal/resource"
	"dcsync/state"
)

// TestHonestLife: from the first request to the last order, every event has its line and nothing is found.
func TestHonestLife(t *testing.T) {
	t.Parallel()
	for _, below := range []string{"", "infra/certs"} {
		t.Run("below "+below, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, below)
			asked := w.commit("ask for certificates")
			applied := w.apply()
			first := w.audit()
			if d := cmp.Diff([]string{
				"requested Contact/jane-doe", "requested Contact/ruth-park", "requested Contact/sam-roe", "requested Order/alice-mail",
				"requested Order/driver-signing", "requested Order/installer-signing", "requested Organization/acme",
				"applied Order/alice-mail 880001", "applied Order/driver-signing 880002", "applied Order/installer-signing 880003", "applied Organization/acme 880004",
			}, events(first, 0)); d != "" {
				t.Errorf("events (-want +got)\n%s", d)
			}
			e := first.Entries[len(first.Entries)-2]
			want := audit.Entry{Address: address("Order/installer-signing"), Event: audit.Applied, At: begins.Add(2 * time.Hour), Commit: asked, StateCommit: applied,
				Author: gitrepo.Identity{Name: "dcsync", Email: "dcsync@example.com"}, Committer: gitrepo.Identity{Name: "dcsync", Email: "dcsync@example.com"},
				OrderID: "880003", Serial: "0A880003", Signature: gitrepo.Judgement{Verdict: gitrepo.Unsigned}}
			if d := cmp.Diff(want, e, cmp.Transformer("utc", func(t time.Time) string { return t.UTC().String() })); d != "" {
				t.Errorf("entry (-want +got)\n%s", d)
			}
			n := len(first.Entries)

			w.edit("manifests/orders/alice-mail.yaml", "ticket HR-7", "ticket HR-8")
			w.commit("another ticket")
			w.apply()
			w.git("mv", w.path("manifests/orders/alice-mail.yaml"), w.path("manifests/alice.yaml"))
			w.commit("a better place")
			w.apply()
			w.edit("manifests/alice.yaml", "name: alice-mail", "name: alice\n  moved_from: [alice-mail]")
			w.commit("a better name")
			w.apply()
			w.renew("Order/alice")
			w.land()
			w.edit("manifests/alice.yaml", "spec:\n", "lifecycle: {generation: 2}\nspec:\n")
			w.commit("once more")
			w.apply()
			w.remove("manifests/alice.yaml")
			w.commit("enough")
			w.apply()
			r := w.audit()
			if d := cmp.Diff([]string{
				"changed Order/alice-mail", "applied Order/alice-mail 880001",
				"applied Order/alice-mail 880001",
				"requested Order/alice goes on from Order/alice-mail", "changed Order/alice-mail goes on as Order/alice", "applied Order/alice 880001 goes on from Order/alice-mail",
				"applied Order/alice 880001",
				"renewed Order/alice 880005 renews 880001",
				"changed Order/alice", "applied Order/alice 880006 generation 2, after 880005",
				"changed Order/alice manifest removed", "forgotten Order/alice 880006",
			}, events(r, n)); d != "" {
				t.Errorf("events (-want +got)\n%s", d)
			}
			if len(r.Findings) > 0 || !r.Complete || !r.Offline {
				t.Errorf("complete %v, offline %v, findings %+v", r.Complete, r.Offline, r.Findings)
			}
			if r.Transitions != 7 || r.Head != w.git("rev-parse", "HEAD") || r.Project != "demo" {
				t.Errorf("%d transitions, head %s, project %s", r.Transitions, r.Head, r.Project)
			}
			var lives []string
			for _, c := range r.Certificates {
				lives = append(lives, c.Address.String()+" "+c.OrderID+" "+c.EndedAs)
			}
			if d := cmp.Diff([]string{"Order/alice 880001 renewed", "Order/alice 880005 expired", "Order/alice 880006 ", "Order/driver-signing 880002 ",
				"Order/installer-signing 880003 "}, lives); d != "" {
				t.Errorf("certificates (-want +got)\n%s", d)
			}
			verified, err := audit.Verify(t.Context(), w.input())
			if err != nil || len(verified.Findings) > 0 || verified.Transitions != 7 || len(verified.Entries) > 0 {
				t.Errorf("verify: %+v, %v", verified, err)
			}
		})
	}
}

// TestMerged: what a side branch asks for has its author, and who merged it.
func TestMerged(t *testing.T) {
	t.Parallel()
	w := appliedWorld(t)
	n := len(w.audit().Entries)
	w.git("checkout", "-q", "-b", "side")
	w.author = "Bob"
	w.edit("manifests/orders/alice-mail.yaml", "ticket HR-7", "ticket HR-9")
	change := w.commit("change on the side")
	w.git("checkout", "-q", "main")
	w.author = "Carl"
	w.write("README", "hello")
	w.commit("meanwhile")
	w.clock = w.clock.Add(24 * time.Hour)
	w.git("merge", "-q", "--no-ff", "-m", "merge side", "side")
	w.apply()
	r := w.audit()
	e := r.Entries[n]
	if e.Commit != change || e.Author.Name != "Bob" || e.Committer.Name != "Carl" || !e.At.Equal(w.clock.Add(-time.Hour)) || e.Event != audit.Changed {
		t.Errorf("got %+v", e)
	}
	if len(r.Findings) > 0 {
		t.Errorf("findings %+v", r.Findings)
	}
}

// TestTakenBack: a merge that takes one side's manifest whole drops what the other side asked for.
func TestTakenBack(t *testing.T) {
	t.Parallel()
	w := appliedWorld(t)
	w.git("checkout", "-q", "-b", "side")
	w.ticket("8")
	dropped := w.commit("change on the side")
	w.git("checkout", "-q", "main")
	w.clock = w.clock.Add(time.Hour)
	w.git("merge", "-q", "--no-ff", "-s", "ours", "-m", "merge", "side")
	r := w.audit()
	if d := cmp.Diff([]string{"DC3018 warning Order/alice-mail"}, findings(r)); d != "" || r.Findings[0].Evidence[0].Value != dropped {
		t.Errorf("(-want +got)\n%s\n%s", d, textOf(r))
	}
	w.ticket("9")
	w.commit("change it after all")
	w.apply()
	if r = w.audit(); len(r.Findings) > 0 {
		t.Errorf("findings %v", r.Findings)
	}
}

// TestNamedFile: a request that is exchanged changes what its manifest asks for, although the manifest stays.
func TestNamedFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.edit("manifests/orders/installer-signing.yaml", "file: installer.csr", "file: ../../keys/installer.csr")
	w.write("keys/installer.csr", w.read("manifests/orders/installer.csr"))
	w.write("manifests/orders/installer.csr", "unused")
	w.commit("ask")
	w.apply()
	n := len(w.audit().Entries)
	w.write("manifests/orders/installer.csr", "unused still")
	w.commit("a file that no manifest names")
	w.write("keys/installer.csr", newCSR(t, 3072))
	w.commit("exchange the key")
	r := w.audit()
	if d := cmp.Diff([]string{"changed Order/installer-signing its file keys/installer.csr changed"}, events(r, n)); d != "" {
		t.Errorf("events (-want +got)\n%s", d)
	}
	if d := cmp.Diff([]string{"DC3003 warning Order/installer-signing"}, findings(r)); d != "" {
		t.Errorf("findings (-want +got)\n%s", d)
	}
}

// TestShown: the period, the addresses and the orders bound what is shown.
func TestShown(t *testing.T) {
	t.Parallel()
	w := appliedWorld(t)
	w.edit("manifests/orders/alice-mail.yaml", "ticket HR-7", "ticket HR-8")
	w.commit("change")
	in := w.input()
	for name, tc := range map[string]struct {
		set      func(*audit.Input)
		entries  []string
		findings []string
	}{
		"until the first commit": {func(in *audit.Input) {
			in.Until = begins.Add(90 * time.Minute)
			in.Addresses = append(in.Addresses, address("Order/alice-mail"))
		},
			[]string{"requested Order/alice-mail"}, []string{"DC3003 warning Order/alice-mail"}},
		"since the last commit": {func(in *audit.Input) { in.Since = begins.Add(3 * time.Hour) }, []string{"changed Order/alice-mail"}, []string{"DC3003 warning Order/alice-mail"}},
		"another address":       {func(in *audit.Input) { in.Addresses = append(in.Addresses, address("Contact/jane-doe")) }, []string{"requested Contact/jane-doe"}, nil},
		"an order": {func(in *audit.Input) { in.Orders = []string{"880001"} },
			[]string{"requested Order/alice-mail", "applied Order/alice-mail 880001", "changed Order/alice-mail"}, []string{"DC3003 warning Order/alice-mail"}},
		"another order": {func(in *audit.Input) { in.Orders = []string{"880003"} }, []string{"requested Order/installer-signing", "applied Order/installer-signing 880003"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			in := in
			in.Addresses = slices.Clone(in.Addresses)
			tc.set(&in)
			r, err := audit.Run(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.entries, events(r, 0)); d != "" {
				t.Errorf("entries (-want +got)\n%s", d)
			}
			if d := cmp.Diff(tc.findings, findings(r)); d != "" {
				t.Errorf("findings (-want +got)\n%s", d)
			}
		})
	}
}

// TestNames: what happened under an earlier name is found under the later one, and only that: the name may be something else's by then.
func TestNames(t *testing.T) {
	t.Parallel()
	w := appliedWorld(t)
	w.edit("manifests/orders/alice-mail.yaml", "name: alice-mail", "name: alice\n  moved_from: [alice-mail]")
	w.commit("a better name")
	w.apply()
	w.edit("manifests/orders/alice-mail.yaml", "name: alice\n  moved_from: [alice-mail]", "name: al\n  moved_from: [alice-mail, alice]")
	w.commit("a shorter one")
	w.apply()
	w.forge(func(f *state.File) { f.Objects[address("Order/al")].Identity.Nonce = "mine" })
	w.edit("manifests/orders/alice-mail.yaml", "\n  moved_from: [alice-mail, alice]", "")
	w.commit("all know it by now")
	w.apply()
	w.write("manifests/orders/alice.yaml", strings.NewReplacer("name: al\n", "name: alice\n", "Example", "Poe", "alice@", "poe@").Replace(w.read("manifests/orders/alice-mail.yaml")))
	w.commit("another Alice")
	w.apply()
	w.edit("manifests/orders/installer-signing.yaml", "name: installer-signing", "name: installer\n  moved_from: [installer-signing]")
	w.commit("a name that is not applied yet")
	for name, want := range map[string][]string{
		"Order/al": {"requested Order/alice-mail", "applied Order/alice-mail 880001", "requested Order/alice goes on from Order/alice-mail", "changed Order/alice-mail goes on as Order/alice",
			"applied Order/alice 880001 goes on from Order/alice-mail", "applied Order/alice 880001", "requested Order/al goes on from Order/alice", "changed Order/alice goes on as Order/al",
			"applied Order/al 880001 goes on from Order/alice", "applied Order/al 880001", "changed Order/al", "applied Order/al 880001"},
		"Order/alice":      {"requested Order/alice goes on from Order/alice-mail", "applied Order/alice 880001 goes on from Order/alice-mail", "applied Order/alice 880001", "changed Order/alice goes on as Order/al", "requested Order/alice", "applied Order/alice 880005"},
		"Order/alice-mail": {"requested Order/alice-mail", "applied Order/alice-mail 880001", "changed Order/alice-mail goes on as Order/alice"},
		"Order/installer": {"requested Order/installer-signing", "applied Order/installer-signing 880003", "requested Order/installer goes on from Order/installer-signing",
			"changed Order/installer-signing goes on as Order/installer"},
	} {
		in := w.input()
		in.Addresses = []resource.Address{address(name)}
		r, err := audit.Run(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, events(r, 0)); d != "" {
			t.Errorf("%s (-want +got)\n%s", name, d)
		}
	}
}

// TestSameSecond: where clocks do not tell, events stand in the order in which one made the other possible.
func TestSameSecond(t *testing.T) {
	t.Parallel()
	for name, apart := range map[string]bool{"beside": false, "apart": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := appliedWorld(t)
			n := len(w.audit().Entries)
			if apart {
				w.keepApart()
			}
			now := w.clock.Add(time.Hour)
			still := func(do func()) { w.clock = now.Add(-time.Hour); do() }
			apply := func() { w.apply() }
			if apart {
				apply = func() {
					w.bring()
					w.record(nil)
					f := w.state()
					w.remove(stateName)
					w.onBranch(f)
				}
			}
			for _, ticket := range []string{"8", "9"} {
				still(func() { w.ticket(ticket); w.commit("another ticket") })
				still(apply)
			}
			in := w.input()
			if apart {
				in.State = w.stateOf(tracking)
			}
			r, err := audit.Run(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff([]string{"changed Order/alice-mail", "applied Order/alice-mail 880001", "changed Order/alice-mail", "applied Order/alice-mail 880001"}, events(r, n)); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
			if len(r.Findings) > 0 {
				t.Errorf("%s", textOf(r))
			}
		})
	}
}
