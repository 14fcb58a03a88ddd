package audit_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/audit"
	"dcsync/internal/resource"
	"dcsync/state"
)

// into moves files of the project into a folder of the repository, "" for its top, which is the project's from now on.
func (w *world) into(folder string, names ...string) {
	w.Helper()
	to := filepath.Join(w.dir, folder)
	for _, name := range names {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(to, name)), 0o755); err != nil {
			w.Fatal(err)
		}
		w.git("mv", w.path(name), filepath.Join(to, name))
	}
	w.root = to
}

// project is all that a move of the whole project takes along.
var project = []string{"dcsync.yaml", stateName, "manifests"}

// auditOf audits the checkout with the state file that its settings name.
func (w *world) auditOf() *audit.Report {
	w.Helper()
	in := w.input()
	f, err := state.Decode("state", []byte(w.read(in.Project.StateFile)))
	if err != nil {
		w.Fatal(err)
	}
	in.State = f
	r, err := audit.Run(w.Context(), in)
	if err != nil {
		w.Fatal(err)
	}
	return r
}

// tamper edits the state where it lies as who deceives does.
func (w *world) tamper() {
	w.Helper()
	f := w.state()
	f.Serial--
	f.Objects[address(order)].Identity.Nonce = strings.Repeat("x", 40)
	w.writeState(f)
}

// TestMoved: a move of the project, or of its state file, is no event and hides none.
func TestMoved(t *testing.T) {
	t.Parallel()
	const edited = "DC3005 error "
	every := []string{edited + "Order/installer-signing"}
	for name, tc := range map[string]struct {
		do   func(*world)
		want []string
		text string
	}{
		"the project": {func(w *world) { w.into("sub", project...); w.commit("move") }, nil, ""},
		"and it goes on": {func(w *world) {
			w.into("sub", project...)
			w.commit("move")
			w.ticket("8")
			w.commit("change")
			w.apply()
			w.renew(order)
			w.land()
		}, nil, ""},
		"there and back": {func(w *world) {
			w.into("sub", project...)
			w.commit("move")
			w.renew(order)
			w.land()
			w.into("", project...)
			w.commit("back")
			w.renew(order)
			w.land()
		}, nil, ""},
		"twice": {func(w *world) {
			w.into("a", project...)
			w.commit("move")
			w.renew(order)
			w.land()
			w.into("b", project...)
			w.commit("on")
			w.renew(order)
			w.land()
		}, nil, ""},
		"in two commits": {func(w *world) {
			w.into("sub", project[0])
			w.root = w.dir
			w.commit("one")
			w.into("sub", project[1:]...)
			w.commit("two")
		}, nil, ""},
		"with a manifest": {func(w *world) { w.into("sub", project...); w.ticket("8"); w.commit("move"); w.apply() }, nil, ""},
		"on a side branch": {func(w *world) {
			w.git("checkout", "-q", "-b", "side")
			w.into("sub", project...)
			w.commit("move")
			w.git("checkout", "-q", "main")
			w.root = w.dir
			w.write("README", "hello")
			w.commit("meanwhile")
			w.git("merge", "-q", "--no-ff", "-m", "merge", "side")
			w.root = filepath.Join(w.dir, "sub")
			w.renew(order)
			w.land()
		}, nil, ""},
		"and edited":    {func(w *world) { w.into("sub", project...); w.tamper(); w.commit("move") }, every, "its key changed"},
		"edited before": {func(w *world) { w.tamper(); w.commit("tidy up"); w.into("sub", project...); w.commit("move") }, every, "its key changed"},
		"edited after":  {func(w *world) { w.into("sub", project...); w.commit("move"); w.tamper(); w.commit("tidy up") }, every, "its key changed"},
		"edited in two commits": {func(w *world) {
			w.into("sub", project[0])
			w.root = w.dir
			w.commit("one")
			w.into("sub", project[1:]...)
			w.tamper()
			w.commit("two")
		}, every, "its key changed"},
		"taken away, and edited": {func(w *world) {
			w.into("sub", project...)
			w.tamper()
			if err := os.Rename(w.root, filepath.Join(w.dir, ".git", "kept")); err != nil {
				w.Fatal(err)
			}
			w.commit("away")
			if err := os.Rename(filepath.Join(w.dir, ".git", "kept"), w.root); err != nil {
				w.Fatal(err)
			}
			w.commit("there")
		}, every, "its key changed"},
		"copied, and edited": {func(w *world) {
			if err := os.CopyFS(filepath.Join(w.dir, "sub"), os.DirFS(filepath.Join(w.dir, "manifests"))); err != nil {
				w.Fatal(err)
			}
			for _, name := range project[:2] {
				w.write("sub/"+name, w.read(name))
			}
			w.edit("sub/dcsync.yaml", "spec:\n", "spec:\n  manifests: [orders, contacts, organizations]\n")
			w.root = filepath.Join(w.dir, "sub")
			w.tamper()
			w.commit("copy")
			w.git("rm", "-rq", "dcsync.yaml", "manifests", stateName)
			w.commit("away")
		}, every, "its key changed"},
		"the state file":             {func(w *world) { w.callState("st.json"); w.commit("another name") }, nil, ""},
		"the state file, and edited": {func(w *world) { w.tamper(); w.callState("st.json"); w.commit("another name") }, every, "its key changed"},
		"the state file and the project": {func(w *world) {
			w.tamper()
			w.callState("st.json")
			w.into("sub", "dcsync.yaml", "st.json", "manifests")
			w.commit("move")
		}, every, "its key changed"},
		"a copy of the state": {func(w *world) {
			good := w.read(stateName)
			w.tamper()
			w.write("st.json", w.read(stateName))
			w.write(stateName, good)
			w.commit("one")
			w.edit("dcsync.yaml", "spec:\n", "spec:\n  state: {file: st.json}\n")
			w.commit("two")
		}, every, "its key changed"},
		"another uid": {func(w *world) {
			w.into("sub", project...)
			w.edit("dcsync.yaml", uid, strings.Replace(uid, "5", "6", 1))
			w.edit(stateName, uid, strings.Replace(uid, "5", "6", 1))
			w.commit("move")
		}, []string{"DC3005 error"}, "belongs to project"},
		"observed as ours": {func(w *world) {
			w.into("sub", project...)
			w.forge(func(f *state.File) { f.Objects[address(order)].Observed["status"] = resource.String("issued") })
		}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := appliedWorld(t)
			tc.do(w)
			r := w.auditOf()
			got := slices.DeleteFunc(findings(r), func(f string) bool { return strings.HasPrefix(f, "DC3003") })
			if d := cmp.Diff(tc.want, got); d != "" || !strings.Contains(textOf(r), tc.text) || !r.Complete {
				t.Errorf("complete: %t (-want +got)\n%s\n%s", r.Complete, d, textOf(r))
			}
		})
	}
}

// TestMovedApart: the state may lie on a branch of its own while the project moves, which its file there does too.
func TestMovedApart(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		edit func(*world, *state.File)
		want []string
	}{
		"honest": {func(w *world, f *state.File) { w.renewIn(f, order) }, nil},
		"edited": {func(_ *world, f *state.File) { f.Objects[address(order)].Identity.ID = "999" }, []string{"DC3005 error " + order}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := appliedWorld(t)
			w.keepApart()
			w.goOn(func(f *state.File) { w.renewIn(f, order) })
			w.into("sub", "dcsync.yaml", "manifests")
			w.commit("move")
			f := w.stateOf(tracking)
			f.Serial++
			tc.edit(w, f)
			data, err := state.Encode(f)
			if err != nil {
				t.Fatal(err)
			}
			w.clock = w.clock.Add(time.Hour)
			below := w.gitIn("100644 blob "+w.gitIn(string(data), "hash-object", "-w", "--stdin")+"\t"+stateName+"\n", "mktree")
			top := w.git("ls-tree", tracking) + "\n040000 tree " + below + "\tsub\n" // a run leaves what it does not own
			w.git("update-ref", tracking, w.git("commit-tree", "-m", "dcsync: record", "-m", "Dcsync-Run: r", w.gitIn(top, "mktree"), "-p", tracking))
			in := w.input()
			in.State = f
			r, err := audit.Run(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			got := slices.DeleteFunc(findings(r), func(f string) bool { return strings.HasPrefix(f, "DC3003") })
			if d := cmp.Diff(tc.want, got); d != "" || !r.Complete {
				t.Errorf("complete: %t (-want +got)\n%s\n%s", r.Complete, d, textOf(r))
			}
		})
	}
}

// TestStateFromElsewhere: a state that comes from where the audit does not look leaves the history incomplete, whatever it holds.
func TestStateFromElsewhere(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		do   func(*world)
		text string
	}{
		"a name that no settings knew": {func(w *world) {
			w.git("mv", stateName, "old.json")
			w.git("commit", "-q", "--amend", "-m", "state by hand")
			w.git("mv", "old.json", stateName)
			w.tamper()
			w.commit("its name")
		}, "the state was old.json"},
		"brought by a merge": {func(w *world) {
			w.git("checkout", "-q", "-b", "side")
			good := w.read(stateName)
			w.tamper()
			w.write("st.json", w.read(stateName))
			w.write(stateName, good)
			w.commit("beside")
			w.git("checkout", "-q", "main")
			w.edit("dcsync.yaml", "spec:\n", "spec:\n  state: {file: st.json}\n")
			w.commit("another name")
			w.git("merge", "-q", "--no-ff", "-m", "merge", "side")
		}, "no commit is known that made st.json what it is"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := appliedWorld(t)
			tc.do(w)
			if r := w.auditOf(); r.Complete || !strings.Contains(textOf(r), tc.text) {
				t.Errorf("complete: %t\n%s", r.Complete, textOf(r))
			}
		})
	}
}

// callState gives the state file another name.
func (w *world) callState(name string) {
	w.Helper()
	w.git("mv", w.path(stateName), w.path(name))
	w.edit("dcsync.yaml", "spec:\n", "spec:\n  state: {file: "+name+"}\n")
}

// TestSignersMoved: what was found of signatures stays, and whose count is changed by those only whose counted, wherever the files lie.
func TestSignersMoved(t *testing.T) {
	t.Parallel()
	const unsigned = "DC3007 warning Order/alice-mail"
	call := func(w *world) {
		w.git("mv", w.path(signers), w.path("signers.txt"))
		w.edit("dcsync.yaml", "  settle: 0s", "  trust: {allowed_signers: signers.txt}\n  settle: 0s")
	}
	signed := append([]string{signers}, project...)
	for name, tc := range map[string]struct {
		do   func(w *world, ann string)
		want []string
	}{
		"the file":           {func(w *world, ann string) { w.key = ann; call(w); w.commit("another name") }, []string{unsigned}},
		"the file, unsigned": {func(w *world, _ string) { call(w); w.commit("another name") }, []string{"DC3010 error", unsigned}},
		"the project":        {func(w *world, ann string) { w.key = ann; w.into("sub", signed...); w.commit("move") }, []string{unsigned}},
		"no keys any more": {func(w *world, ann string) {
			w.key = ann
			w.remove(signers)
			w.commit("trust nobody")
			w.key = ""
			w.edit("manifests/contacts/people.yaml", "801-555-0101", "801-555-0103")
			w.commit("nobody has to sign this")
			w.apply()
		}, []string{unsigned}},
		"the project, unsigned": {func(w *world, _ string) { w.into("sub", signed...); w.commit("move") }, []string{unsigned}},
		"the project, with other keys": {func(w *world, ann string) {
			w.into("sub", signed...)
			line := w.read(signers)
			_, eve := newKey(w.T, "eve@example.com")
			w.write(signers, line+eve)
			w.commit("move")
		}, []string{"DC3010 error", unsigned}},
		"the project, in two commits": {func(w *world, ann string) {
			_, eve := newKey(w.T, "eve@example.com")
			w.into("sub", project[0])
			w.root = w.dir
			w.write("sub/"+signers, w.read(signers)+eve)
			w.commit("one")
			w.into("sub", project[1:]...)
			w.commit("two")
		}, []string{"DC3010 error", "DC3007 warning", unsigned}},
		"the project, without its keys": {func(w *world, ann string) {
			line := w.read(signers)
			w.into("sub", project...)
			w.commit("one")
			w.key = ann
			w.write(signers, line)
			w.commit("two")
		}, []string{"DC3010 error", unsigned}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := signedWorld(t)
			ann := w.key
			w.key = ""
			w.ticket("8")
			w.commit("nobody signs this")
			w.apply()
			w.key = ""
			tc.do(w, ann)
			r := w.audit()
			if d := cmp.Diff(tc.want, findings(r)); d != "" || !r.Complete {
				t.Errorf("complete: %t (-want +got)\n%s\n%s", r.Complete, d, textOf(r))
			}
		})
	}
}
