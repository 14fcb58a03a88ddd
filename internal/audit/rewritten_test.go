package audit_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/audit"
	"dcsync/internal/resource"
	"dcsync/state"
)

const mail = "Order/alice-mail"

// rebase puts what was committed since a commit upon it anew, after something else.
func (w *world) rebase(since string, upstream func()) {
	w.Helper()
	w.git("checkout", "-q", "-b", "upstream", since)
	upstream()
	w.git("checkout", "-q", "main")
	w.git("rebase", "-q", "upstream")
}

// TestCommitRewritten: a rebase or a squash gives commits other ids. Where the manifest was on the branch when its record came to be, that is
// no finding; what the record says is held against the versions that the branch has.
func TestCommitRewritten(t *testing.T) {
	t.Parallel()
	other := func(w *world) func() { return func() { w.write("other.txt", "x"); w.commit("something else") } }
	const edited = "DC3005 error " + mail
	forged := func(edit func(*state.Entry)) func(*world) {
		return func(w *world) {
			w.forge(func(f *state.File) {
				e := f.Objects[address(mail)]
				e.Source.Commit = ""
				edit(e)
			})
		}
	}
	for name, tc := range map[string]struct {
		do   func(*world)
		want []string
		text string
	}{
		"rebased": {func(w *world) {
			base := w.git("rev-parse", "HEAD")
			w.ticket("8")
			w.commit("change")
			w.apply()
			w.rebase(base, other(w))
		}, nil, ""},
		"rebased, and gone on": {func(w *world) {
			base := w.git("rev-parse", "HEAD")
			w.ticket("8")
			w.commit("change")
			w.apply()
			w.rebase(base, other(w))
			w.forge(func(f *state.File) { f.Objects[address(mail)].Observed["status"] = resource.String("reissue_pending") })
			w.ticket("9")
			w.commit("change")
			w.apply()
		}, nil, ""},
		"rebased over another version of a contact": {func(w *world) {
			base := w.git("rev-parse", "HEAD")
			w.edit("manifests/organizations/acme.yaml", "protect: true", "protect: false")
			w.commit("change")
			w.apply()
			w.rebase(base, func() {
				w.edit("manifests/contacts/people.yaml", "801-555-0101", "801-555-0103")
				w.commit("another phone")
			})
			w.apply()
		}, nil, ""},
		"rebased over another place of the manifest": {func(w *world) {
			base := w.git("rev-parse", "HEAD")
			w.ticket("8")
			w.commit("change")
			w.apply()
			w.rebase(base, func() {
				w.git("mv", "manifests/orders/alice-mail.yaml", "manifests/alice.yaml")
				w.commit("move")
			})
		}, nil, ""},
		"squashed with its state": {func(w *world) {
			w.git("checkout", "-q", "-b", "feature")
			w.ticket("8")
			w.commit("change")
			w.apply()
			w.git("checkout", "-q", "main")
			w.git("merge", "-q", "--squash", "feature")
			w.commit("squashed")
		}, nil, ""},
		"rebased and edited": {func(w *world) {
			base := w.git("rev-parse", "HEAD")
			w.ticket("8")
			w.commit("change")
			w.record(func(f *state.File) {
				resource.Put(f.Objects[address(mail)].Applied.Spec, "/order_validity/years", resource.Int(3))
			})
			w.land()
			w.rebase(base, other(w))
		}, []string{edited}, "/order_validity/years was never asked for"},
		"rebased, and edited later": {func(w *world) {
			base := w.git("rev-parse", "HEAD")
			w.ticket("8")
			w.commit("change")
			w.apply()
			w.rebase(base, other(w))
			w.forge(func(f *state.File) {
				resource.Put(f.Objects[address(mail)].Applied.Spec, "/order_validity/years", resource.Int(3))
			})
		}, []string{edited}, "/order_validity/years was never asked for"},
		"the state before the manifest": {func(w *world) {
			w.git("checkout", "-q", "-b", "feature")
			w.ticket("8")
			w.commit("change")
			w.apply()
			w.git("checkout", "-q", "main")
			w.git("checkout", "-q", "feature", "--", stateName)
			w.commit("the state")
			w.git("checkout", "-q", "feature", "--", "manifests")
			w.commit("and what it was made of")
		}, []string{"DC3004 error " + mail}, "not on the branch"},
		"a manifest that was squashed away": {func(w *world) {
			w.git("checkout", "-q", "-b", "feature")
			w.ticket("8")
			w.commit("change")
			w.apply()
			w.ticket("9")
			w.commit("better")
			w.git("checkout", "-q", "main")
			w.git("merge", "-q", "--squash", "feature")
			w.commit("squashed")
		}, []string{"DC3004 error " + mail}, "never was on the branch"},
		"not committed when it was applied": {func(w *world) {
			w.ticket("8")
			w.record(func(f *state.File) { f.Objects[address(mail)].Source.Commit = "" })
			w.commit("manifest and state")
		}, nil, ""},
		"not committed before its state": {func(w *world) {
			w.ticket("8")
			w.record(func(f *state.File) { f.Objects[address(mail)].Source.Commit = "" })
			w.git("add", stateName)
			w.git("commit", "-q", "-m", "state")
			w.commit("manifest")
		}, nil, ""},
		"commit taken out": {forged(func(*state.Entry) {}), nil, ""},
		"commit taken out, and a value edited": {forged(func(e *state.Entry) {
			resource.Put(e.Applied.Spec, "/order_validity/years", resource.Int(3))
		}), []string{edited}, "/order_validity/years was never asked for"},
		"commit taken out, and the digest edited": {forged(func(e *state.Entry) { e.Source.Desired = strings.Repeat("0", 64) }), []string{edited}, "digest of what is wanted"},
		"commit taken out, and protected":         {forged(func(e *state.Entry) { e.Applied.Protect = true }), []string{edited}, "says protect: true"},
		"commit taken out, and another's manifest": {func(w *world) {
			w.forge(func(f *state.File) {
				e := f.Objects[address(mail)]
				e.Source = f.Objects[address(order)].Source
				e.Source.Commit = ""
			})
		}, []string{edited}, "that never stood for it"},
		"a commit that never was, and a value edited": {forged(func(e *state.Entry) {
			e.Source.Commit = strings.Repeat("1", 40)
			resource.Put(e.Applied.Spec, "/order_validity/years", resource.Int(3))
		}), []string{edited}, "/order_validity/years was never asked for"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := appliedWorld(t)
			tc.do(w)
			r := w.audit()
			got := slices.DeleteFunc(findings(r), func(f string) bool { return strings.HasPrefix(f, "DC3003") })
			if d := cmp.Diff(tc.want, got); d != "" || !strings.Contains(textOf(r), tc.text) {
				t.Errorf("(-want +got)\n%s\n%s", d, textOf(r))
			}
			v, err := audit.Verify(t.Context(), w.input())
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.want, findings(v)); d != "" {
				t.Errorf("verify (-want +got)\n%s", d)
			}
		})
	}
}
