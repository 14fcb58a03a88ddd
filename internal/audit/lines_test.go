package audit_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/audit"
	"dcsync/internal/resource"
)

// crlf ends the lines of all files but the state as a checkout on Windows does.
func (w *world) crlf() {
	w.Helper()
	err := filepath.WalkDir(w.root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git":
			return filepath.SkipDir
		case d.IsDir() || d.Name() == stateName:
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, []byte(windows(string(text))), 0o600)
	})
	if err != nil {
		w.Fatal(err)
	}
}

func windows(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\r\n")
}

// TestLineEnds: how a checkout ends its lines is nobody's doing, whether git converts them or keeps them.
func TestLineEnds(t *testing.T) {
	t.Parallel()
	for _, convert := range []string{"true", "false"} {
		t.Run("core.autocrlf="+convert, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "")
			w.git("config", "core.autocrlf", convert)
			w.git("config", "core.safecrlf", "false")
			w.crlf()
			w.commit("ask")
			w.apply()
			w.edit("manifests/orders/alice-mail.yaml", "ticket HR-7", "ticket HR-8")
			w.commit("another ticket")
			w.record(nil)
			w.git("commit", "-q", "-am", "the state, by hand")
			if got := w.git("cat-file", "blob", "HEAD:dcsync.yaml"); strings.Contains(got, "\r") == (convert == "true") {
				t.Fatalf("git keeps %q", got)
			}
			if r := w.audit(); len(r.Findings) > 0 || !r.Complete {
				t.Errorf("complete %t\n%s", r.Complete, textOf(r))
			}
		})
	}
}

// TestLineEndsOfState: a state whose lines end otherwise was saved by an editor or converted by git, and says what it said; what else was
// changed with it is told as ever.
func TestLineEndsOfState(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		edit func(*world)
		want []string
	}{
		"only they": {func(w *world) { w.write(stateName, windows(w.read(stateName))); w.commit("save") }, []string{"DC3005 note"}},
		"and a run": {func(w *world) { w.renew(order); w.write(stateName, windows(w.read(stateName))); w.commit("save") }, []string{"DC3005 note"}},
		"twice": {func(w *world) {
			w.write(stateName, windows(w.read(stateName)))
			w.commit("save")
			w.renew(order)
			w.write(stateName, windows(w.read(stateName)))
			w.commit("save")
		}, []string{"DC3005 note"}},
		"and the next run": {func(w *world) {
			w.write(stateName, windows(w.read(stateName)))
			w.commit("save")
			w.renew(order)
			w.land()
		}, []string{"DC3005 note"}},
		"and an id": {func(w *world) {
			f := w.state()
			f.Serial++
			f.Objects[address(order)].Identity.ID = "999"
			w.writeState(f)
			w.write(stateName, windows(w.read(stateName)))
			w.commit("save")
		}, []string{"DC3005 error " + order, "DC3005 note"}},
		"and spaces": {func(w *world) {
			w.write(stateName, windows(strings.ReplaceAll(w.read(stateName), "\n  \"", "\n   \"")))
			w.commit("save")
		}, []string{"DC3005 error", "DC3005 note"}},
		"and what the serial should tell": {func(w *world) {
			f := w.state()
			f.Objects[address(order)].SeenAt = begins.Add(time.Minute)
			f.Objects[address(order)].Observed["status"] = resource.String("reissue_pending")
			w.writeState(f)
			w.write(stateName, windows(w.read(stateName)))
			w.commit("save")
		}, []string{"DC3005 error", "DC3005 note"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := appliedWorld(t)
			tc.edit(w)
			for name, look := range map[string]func() (*audit.Report, error){
				"audit":  func() (*audit.Report, error) { return w.audit(), nil },
				"verify": func() (*audit.Report, error) { return audit.Verify(t.Context(), w.input()) },
			} {
				r, err := look()
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(tc.want, findings(r)); d != "" || !strings.Contains(textOf(r), "lines that end in CR LF") {
					t.Errorf("%s (-want +got)\n%s\n%s", name, d, textOf(r))
				}
			}
		})
	}
}
