package audit_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/audit"
	"dcsync/internal/resource"
	"dcsync/reconcile"
	"dcsync/state"
)

// Where an audit has to look twice: what a merge made up, what state says of a certificate, and folders that have other names by now.

func TestMergeMakesUpState(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*state.File){
		"an entry taken out": func(f *state.File) { delete(f.Objects, address(order)) },
		"what was observed":  func(f *state.File) { f.Objects[address(order)].Observed["valid_till"] = resource.String("2039-01-01") },
		"an earlier order": func(f *state.File) {
			e := f.Objects[address(order)]
			e.Identity.Earlier = append(e.Identity.Earlier, state.Earlier{ID: "1", Generation: 1, Ended: "renewed"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := appliedWorld(t)
			w.git("checkout", "-q", "-b", "side")
			w.write("notes.txt", "one")
			w.commit("one")
			w.git("checkout", "-q", "main")
			w.write("other.txt", "two")
			w.commit("two")
			w.git("merge", "-q", "--no-ff", "--no-commit", "side")
			w.forge(edit)
			r := w.audit()
			got := slices.DeleteFunc(findings(r), func(f string) bool { return f == "DC3003 warning "+order }) // what was taken out is to be applied again
			if d := cmp.Diff([]string{"DC3005 error " + order}, got); d != "" || !strings.Contains(textOf(r), "neither side of the merge") {
				t.Errorf("(-want +got)\n%s\n%s", d, textOf(r))
			}
		})
	}
}

// What the account shows counts, whatever state says it observed.
func TestObservedByTheAccount(t *testing.T) {
	t.Parallel()
	w := appliedWorld(t)
	w.only(order)
	seen := w.state().Objects[address(order)].Observed.Clone()
	w.forge(func(f *state.File) {
		e := f.Objects[address(order)]
		e.Observed["valid_till"], e.Observed["order_valid_till"], e.Observed["serial_number"] = resource.String("2039-01-01"), resource.String("2039-01-01"), resource.String("AA")
	})
	in := w.input()
	in.Now = begins.AddDate(1, 0, -5)
	in.Drift = &reconcile.Plan{Complete: true, Seen: map[resource.Address]resource.Map{address(order): seen}}
	r, err := audit.Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"DC3012 warning " + order}, findings(r)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	for _, c := range r.Certificates {
		if c.Address == address(order) && (c.Serial == "AA" || c.ValidTill.Year() == 2039) {
			t.Errorf("told as %+v", c)
		}
	}
}

// Manifests that were applied from a folder of another name were asked for there.
func TestManifestsFolderRenamed(t *testing.T) {
	t.Parallel()
	w := appliedWorld(t)
	w.git("mv", "manifests", "certs")
	w.edit("dcsync.yaml", "spec:\n", "spec:\n  manifests: [certs]\n")
	w.commit("another folder")
	w.apply()
	if d := cmp.Diff([]string(nil), findings(w.audit())); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}
