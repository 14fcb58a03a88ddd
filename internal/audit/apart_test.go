package audit_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/audit"
	"dcsync/reconcile"
	"dcsync/state"
)

const (
	branch   = "certs"
	tracking = "refs/remotes/origin/" + branch
	apart    = "  state: {ref: " + branch + "}\n"
)

// keepApart lets the state lie on a branch of its own from now on, which begins with what is beside the manifests.
func (w *world) keepApart() {
	w.Helper()
	if _, err := w.gitErr("remote", "get-url", "origin"); err != nil {
		w.git("remote", "add", "origin", w.TempDir())
	}
	w.edit("dcsync.yaml", "  settle: 0s", apart+"  settle: 0s")
	w.commit("keep the state apart")
	w.onBranch(w.state())
	w.remove(stateName)
	w.commit("the state is elsewhere now")
}

// onBranch commits a state to the branch as a run pushes it, and gives the commit.
func (w *world) onBranch(f *state.File) string {
	w.Helper()
	data, err := state.Encode(f)
	if err != nil {
		w.Fatal(err)
	}
	return w.branchFile(string(data))
}

// branchFile commits bytes as the state to the branch; "" takes it away.
func (w *world) branchFile(text string) string {
	w.Helper()
	w.clock = w.clock.Add(time.Hour)
	list := ""
	if text != "" {
		list = "100644 blob " + w.gitIn(text, "hash-object", "-w", "--stdin") + "\t" + stateName + "\n"
	}
	args := []string{"commit-tree", "-m", "dcsync: record", "-m", "Dcsync-Run: r", w.gitIn(list, "mktree")}
	if tip, err := w.gitErr("rev-parse", "-q", "--verify", tracking); err == nil {
		args = append(args, "-p", strings.TrimSpace(tip))
	}
	id := w.git(args...)
	w.git("update-ref", tracking, id)
	return id
}

// goOn records something as a run does that reads the branch and pushes to it.
func (w *world) goOn(edit func(*state.File)) {
	w.Helper()
	f := w.stateOf(tracking)
	f.Serial++
	edit(f)
	w.onBranch(f)
}

func (w *world) stateOf(revision string) *state.File {
	w.Helper()
	f, err := state.Decode("state", []byte(w.git("cat-file", "blob", revision+":"+stateName)))
	if err != nil {
		w.Fatal(err)
	}
	return f
}

// bring takes the state of the branch into the checkout.
func (w *world) bring() { w.Helper(); w.writeState(w.stateOf(tracking)) }

func (w *world) beside() { w.Helper(); w.edit("dcsync.yaml", apart, "") }

// TestStateThereAndBack: the state may go to a branch of its own and come back, on any of the ways that lead there; what is lost or made up
// on the way is told.
func TestStateThereAndBack(t *testing.T) {
	t.Parallel()
	renewed := func(w *world) {
		w.goOn(func(f *state.File) { w.renewIn(f, order) })
	}
	back := func(w *world) { w.bring(); w.beside(); w.commit("the state is beside the manifests again") }
	const dropped, edited = "is in no later version", "DC3005 error "
	for name, tc := range map[string]struct {
		do   func(*world)
		want []string
		text string
	}{
		"there":    {func(w *world) { w.keepApart(); renewed(w) }, nil, ""},
		"and back": {func(w *world) { w.keepApart(); renewed(w); back(w) }, nil, ""},
		"and on":   {func(w *world) { w.keepApart(); renewed(w); back(w); w.renew(order); w.land() }, nil, ""},
		"the file first": {func(w *world) {
			w.keepApart()
			renewed(w)
			w.bring()
			w.commit("the state")
			w.beside()
			w.commit("its place")
			w.renew(order)
			w.land()
		}, nil, ""},
		"the settings first": {func(w *world) {
			w.keepApart()
			renewed(w)
			w.beside()
			w.commit("its place")
			w.bring()
			w.renew(order)
			w.land()
		}, nil, ""},
		"over the file that stayed": {func(w *world) {
			w.keepApart()
			w.git("checkout", "-q", "HEAD~", "--", stateName)
			w.git("commit", "-q", "--amend", "--allow-empty", "-m", "nothing is removed")
			renewed(w)
			w.goOn(func(f *state.File) { w.renewIn(f, "Order/alice-mail") })
			w.bring()
			w.commit("the state")
			w.beside()
			w.commit("its place")
		}, nil, ""},
		"twice": {func(w *world) {
			w.keepApart()
			renewed(w)
			back(w)
			w.git("update-ref", "refs/remotes/origin/former", tracking)
			w.renew(order)
			w.land()
			w.edit("dcsync.yaml", "  settle: 0s", "  state: {ref: other}\n  settle: 0s")
			w.commit("apart again")
			f := w.state()
			w.git("update-ref", "-d", tracking)
			w.onBranch(f)
			w.git("update-ref", "refs/remotes/origin/other", tracking)
			w.git("update-ref", tracking, "refs/remotes/origin/former")
		}, nil, ""},
		"the file stays out of use": {func(w *world) {
			w.keepApart()
			renewed(w)
			w.beside()
			w.commit("its place")
			w.apply()
		}, []string{edited + "Order/alice-mail", edited + "Order/driver-signing", edited + order, edited + organization}, "its serial went back from 2 to 1"},
		"and back, not committed yet": {func(w *world) { w.keepApart(); renewed(w); w.bring(); w.beside() }, nil, ""},
		"there, not committed yet": {func(w *world) {
			w.git("remote", "add", "origin", w.TempDir())
			w.edit("dcsync.yaml", "  settle: 0s", apart+"  settle: 0s")
			w.onBranch(w.state())
			renewed(w)
		}, nil, ""},
		"the state of before": {func(w *world) {
			w.keepApart()
			f := w.stateOf(tracking)
			renewed(w)
			w.writeState(f)
			w.beside()
			w.commit("the wrong one")
		}, []string{"DC3005 error"}, dropped},
		"edited on the way there": {func(w *world) {
			w.edit("dcsync.yaml", "  settle: 0s", apart+"  settle: 0s")
			w.git("remote", "add", "origin", w.TempDir())
			w.commit("keep the state apart")
			f := w.state()
			f.Serial++
			f.Objects[address(order)].Identity.ID = "999"
			w.onBranch(f)
			w.remove(stateName)
			w.commit("the state is elsewhere now")
		}, []string{"DC3005 error " + order}, "from 880003 to 999"},
		"edited on the way back": {func(w *world) {
			w.keepApart()
			renewed(w)
			w.beside()
			f := w.stateOf(tracking)
			f.Serial++
			f.Objects[address(order)].Identity.Earlier = nil
			w.writeState(f)
			w.commit("back")
		}, []string{"DC3005 error " + order}, "owned 880003"},
		"edited on the branch": {func(w *world) {
			w.keepApart()
			w.goOn(func(f *state.File) { f.Objects[address(order)].Identity.ID = "999" })
			back(w)
		}, []string{"DC3005 error " + order}, "from 880003 to 999"},
		"pushed to the branch after it came back": {func(w *world) {
			w.keepApart()
			renewed(w)
			back(w)
			w.goOn(func(f *state.File) { w.renewIn(f, "Order/alice-mail") })
		},
			[]string{"DC3005 error"}, dropped},
		"a branch that this clone has not": {func(w *world) {
			w.keepApart()
			renewed(w)
			back(w)
			w.git("update-ref", "-d", tracking)
		}, []string{"DC3016 warning"}, "on the branch certs"},
		"a branch that never began": {func(w *world) {
			w.edit("dcsync.yaml", "  settle: 0s", apart+"  settle: 0s")
			w.git("remote", "add", "origin", w.TempDir())
			w.commit("keep the state apart")
			w.beside()
			w.commit("better not")
			w.renew(order)
			w.land()
		}, nil, ""},
		"removed before": {func(w *world) {
			f := w.state()
			w.remove(stateName)
			w.commit("away")
			w.writeState(f)
			w.commit("there")
			w.keepApart()
		}, []string{"DC3005 error"}, "the state file was removed"},
		"removed after": {func(w *world) {
			w.keepApart()
			back(w)
			f := w.state()
			w.remove(stateName)
			w.commit("away")
			w.writeState(f)
			w.commit("there")
		}, []string{"DC3005 error"}, "the state file was removed"},
		"removed from the branch": {func(w *world) {
			w.keepApart()
			f := w.stateOf(tracking)
			w.branchFile("")
			f.Serial++
			w.onBranch(f)
		}, []string{"DC3005 error"}, "the state file was removed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := appliedWorld(t)
			tc.do(w)
			in := w.input()
			if strings.Contains(w.read("dcsync.yaml"), "  state: {ref: other}") {
				in.State = w.stateOf("refs/remotes/origin/other")
			} else if strings.Contains(w.read("dcsync.yaml"), apart) {
				in.State = w.stateOf(tracking)
			}
			r, err := audit.Run(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			got := slices.DeleteFunc(findings(r), func(f string) bool { return strings.HasPrefix(f, "DC3003") })
			if d := cmp.Diff(tc.want, got); d != "" || !strings.Contains(textOf(r), tc.text) {
				t.Errorf("(-want +got)\n%s\n%s", d, textOf(r))
			}
			if r.Complete == slices.Contains(tc.want, "DC3016 warning") {
				t.Errorf("complete: %t", r.Complete)
			}
		})
	}
}

// What was done while the state was apart is told like everything else.
func TestEventsOfThereAndBack(t *testing.T) {
	t.Parallel()
	w := appliedWorld(t)
	n := len(w.audit().Entries)
	w.keepApart()
	w.goOn(func(f *state.File) { w.renewIn(f, order) })
	w.bring()
	w.beside()
	w.commit("the state is beside the manifests again")
	w.renew(order)
	w.land()
	r := w.audit()
	if d := cmp.Diff([]string{fmt.Sprintf("renewed %s 880005 renews 880003", order), fmt.Sprintf("renewed %s 880006 renews 880005", order)}, events(r, n)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// A state that is taken away for a branch that the remote does not have is gone.
func TestRemovedForNoBranch(t *testing.T) {
	t.Parallel()
	w := appliedWorld(t)
	w.git("remote", "add", "origin", w.TempDir())
	w.edit("dcsync.yaml", "  settle: 0s", apart+"  settle: 0s")
	w.remove(stateName)
	w.commit("keep the state apart")
	in := w.input()
	in.State, in.Drift = state.New(uid), &reconcile.Plan{Complete: true}
	r, err := audit.Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	got := slices.DeleteFunc(findings(r), func(f string) bool { return strings.HasPrefix(f, "DC3003") })
	if d := cmp.Diff([]string{"DC3005 error"}, got); d != "" || !strings.Contains(textOf(r), "was removed") {
		t.Errorf("(-want +got)\n%s\n%s", d, textOf(r))
	}
}

// Right after spec.state.ref was written no run has begun the branch yet. Who asked the remote knows that; who did not is told both.
func TestBranchNotBegun(t *testing.T) {
	t.Parallel()
	w := appliedWorld(t)
	w.git("remote", "add", "origin", w.TempDir())
	w.edit("dcsync.yaml", "  settle: 0s", apart+"  settle: 0s")
	w.commit("keep the state apart")
	w.ticket("8")
	w.commit("change")
	in := w.input()
	r, err := audit.Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"DC3016 warning"}, findings(r)); d != "" || r.Complete {
		t.Fatalf("offline (-want +got)\n%s\n%s", d, textOf(r))
	}
	for _, part := range []string{"the first apply --push begins it", "git fetch origin certs:" + tracking} {
		if hint := r.Findings[0].Hint; !strings.Contains(hint, part) {
			t.Errorf("the hint does not say %q: %s", part, hint)
		}
	}
	in.Drift = &reconcile.Plan{Complete: true}
	if r, err = audit.Run(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"DC3003 warning Order/alice-mail"}, findings(r)); d != "" || !r.Complete {
		t.Errorf("the remote was asked (-want +got)\n%s\n%s", d, textOf(r))
	}
}
