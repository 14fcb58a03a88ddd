package audit_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dcsync/internal/audit"
	"dcsync/internal/gitrepo"
	"dcsync/internal/resource"
	"dcsync/manifests"
	"dcsync/reconcile"
	"dcsync/state"
)

// world is a real repository with the demo project in it, and what its people and dcsync do there. Each commit is an hour after the one
// before.
type world struct {
	*testing.T
	dir   string // of the repository
	root  string // of the project
	clock time.Time
	next  int // id of the next order

	author, key string // who commits from now on, and the SSH key file to sign with, "" for none
}

const (
	uid       = "5d0c3f5e-8f0b-4f0c-9a57-demo0000demo"
	stateName = "dcsync.state.json"
	version   = "v1.0.0"
)

var begins = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// newWorld makes the repository; below is the folder of the project in it, "" for the whole.
func newWorld(t *testing.T, below string) *world {
	t.Helper()
	w := &world{T: t, dir: t.TempDir(), clock: begins, next: 880001, author: "Ann"}
	w.root = filepath.Join(w.dir, below)
	w.git("init", "-q", "-b", "main")
	if err := os.CopyFS(w.root, os.DirFS(filepath.Join("..", "..", "testdata", "demo"))); err != nil {
		t.Fatal(err)
	}
	return w
}

// seed is the repository after the demo project was asked for and applied. It is made once and copied.
var seed = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "dcsync-audit-test-")
	if err != nil {
		return "", err
	}
	return dir, os.CopyFS(dir, os.DirFS(filepath.Join("..", "..", "testdata", "demo")))
})

// appliedWorld is a world in which the demo project was asked for and applied.
func appliedWorld(t *testing.T) *world {
	t.Helper()
	seeding.Lock()
	defer seeding.Unlock()
	dir, err := seed()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, dir: dir, root: dir, clock: begins, next: 880001, author: "Ann"}
	if _, err := os.Stat(w.path(".git")); err != nil {
		w.git("init", "-q", "-b", "main")
		w.commit("ask")
		w.apply()
	}
	w.dir = t.TempDir()
	if err := os.CopyFS(w.dir, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	w.root, w.clock, w.next = w.dir, begins.Add(2*time.Hour), 880005
	return w
}

var seeding sync.Mutex

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, _ := seed(); dir != "" {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// git runs git as the author, at the world's time.
func (w *world) git(args ...string) string {
	w.Helper()
	out, err := w.gitErr(args...)
	if err != nil {
		w.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(out)
}

// gitIn runs git with text on its standard input.
func (w *world) gitIn(text string, args ...string) string {
	w.Helper()
	cmd := w.command(args...)
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func (w *world) gitErr(args ...string) (string, error) {
	out, err := w.command(args...).CombinedOutput()
	return string(out), err
}

func (w *world) command(args ...string) *exec.Cmd {
	cmd := exec.Command("git", args...)
	cmd.Dir = w.dir
	date := w.clock.Format(time.RFC3339)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull, "TZ=UTC", "LC_ALL=C", "GIT_AUTHOR_DATE="+date, "GIT_COMMITTER_DATE="+date,
		"GIT_AUTHOR_NAME="+w.author, "GIT_AUTHOR_EMAIL="+strings.ToLower(w.author)+"@example.com", "GIT_COMMITTER_NAME="+w.author, "GIT_COMMITTER_EMAIL="+strings.ToLower(w.author)+"@example.com")
	return cmd
}

// commit commits everything an hour later, and gives the commit's id.
func (w *world) commit(message string) string {
	w.Helper()
	w.clock = w.clock.Add(time.Hour)
	w.git("add", "-A")
	args := []string{"commit", "-q", "--allow-empty", "-m", message}
	if w.key != "" {
		args = append([]string{"-c", "gpg.format=ssh", "-c", "user.signingkey=" + w.key}, append(args, "-S")...)
	}
	w.git(args...)
	return w.git("rev-parse", "HEAD")
}

func (w *world) path(name string) string { return filepath.Join(w.root, filepath.FromSlash(name)) }

func (w *world) read(name string) string {
	w.Helper()
	data, err := os.ReadFile(w.path(name))
	if err != nil {
		w.Fatal(err)
	}
	return string(data)
}

func (w *world) write(name, text string) {
	w.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(w.path(name)), 0o755), os.WriteFile(w.path(name), []byte(text), 0o644)); err != nil {
		w.Fatal(err)
	}
}

// edit replaces text in a file that must hold it.
func (w *world) edit(name, old, now string) {
	w.Helper()
	text := w.read(name)
	if !strings.Contains(text, old) {
		w.Fatalf("%s does not hold %q", name, old)
	}
	w.write(name, strings.ReplaceAll(text, old, now))
}

func (w *world) remove(name string) {
	w.Helper()
	if err := os.Remove(w.path(name)); err != nil {
		w.Fatal(err)
	}
}

func (w *world) load() *manifests.Loaded {
	w.Helper()
	loaded, err := manifests.Load(w.Context(), w.root)
	if err != nil {
		w.Fatal(err)
	}
	return loaded
}

// state gives the state as it is on disk, empty when there is none.
func (w *world) state() *state.File {
	w.Helper()
	f, _, err := state.Read(w.path(stateName))
	if errors.Is(err, state.ErrNone) {
		return state.New(uid)
	}
	if err != nil {
		w.Fatal(err)
	}
	return f
}

func (w *world) writeState(f *state.File) {
	w.Helper()
	data, err := state.Encode(f)
	if err != nil {
		w.Fatal(err)
	}
	w.write(stateName, string(data))
}

// forge changes the state by hand, as if by a run, and commits it.
func (w *world) forge(edit func(*state.File)) string {
	w.Helper()
	f := w.state()
	f.Serial++
	edit(f)
	w.writeState(f)
	return w.commit("tidy up")
}

// apply records what the manifests say as dcsync does: the orders are issued at once.
func (w *world) apply() string {
	w.Helper()
	w.record(nil)
	return w.land()
}

// land commits the state as dcsync does.
func (w *world) land() string {
	w.Helper()
	author, key := w.author, w.key
	w.author, w.key = "dcsync", ""
	defer func() { w.author, w.key = author, key }()
	return w.commit("dcsync: record changes\n\nDcsync-Plan: sha256:00\nDcsync-Run: abc\nDcsync-Changes: 1")
}

// record writes the state that an apply leaves; more may change it before.
func (w *world) record(more func(*state.File)) {
	w.Helper()
	loaded := w.load()
	if loaded.Set == nil {
		w.Fatal(loaded.Findings)
	}
	f, _ := reconcile.Move(loaded.Set, w.state())
	f.Serial++
	f.Account = &state.Account{ID: 1, APIURL: "https://example.com/services/v2", User: state.User{ID: 9}}
	head := w.git("rev-parse", "HEAD")
	for a := range f.Objects {
		if loaded.Set.Get(a) == nil {
			f.Forget(a)
		}
	}
	for _, o := range loaded.Set.Objects {
		e := f.Objects[o.Address]
		origin := o.Address.Name
		switch {
		case e == nil:
			e = &state.Entry{Identity: state.Identity{Origin: origin, Generation: o.Lifecycle.Generation}}
		case e.Identity.Generation != o.Lifecycle.Generation:
			was := e.Identity
			e.Identity.Earlier = append(e.Identity.Earlier, state.Earlier{ID: was.ID, Nonce: was.Nonce, Generation: was.Generation, Sequence: was.Sequence, Ended: "expired"})
			e.Identity.ID, e.Identity.Generation, e.Identity.Sequence = "", o.Lifecycle.Generation, 0
		}
		if e.Identity.ID == "" {
			w.order(o, e)
		}
		if digest := reconcile.DesiredDigest(o); e.Source.Desired != digest || e.Source.Document != o.Source.Digest || e.Source.Path != o.Source.File {
			e.Source = state.Source{Path: o.Source.File, Document: o.Source.Digest, Desired: digest, Commit: head, Version: version}
		}
		e.Applied.Generation, e.Applied.Protect, e.DependsOn = o.Lifecycle.Generation, o.Lifecycle.Protect, o.DependsOn
		f.Objects[o.Address] = e
	}
	for _, o := range loaded.Set.Objects {
		f.Objects[o.Address].Applied.Spec, _ = resource.Resolve(o.Spec, func(r resource.Ref) resource.Value {
			return resource.IDValue(f.Objects[resource.Address(r)].Identity.ID)
		}).(resource.Map)
	}
	if more != nil {
		more(f)
	}
	w.writeState(f)
}

// order gives an entry a new live object, issued for a year.
func (w *world) order(o *resource.Object, e *state.Entry) {
	e.Identity.ID = fmt.Sprint(w.next)
	w.next++
	e.Identity.Product = o.Descriptor.Product
	if o.Descriptor.Nonce != "" {
		e.Identity.Nonce = reconcile.Nonce(1, uid, o.Address.Kind, e.Identity.Origin, e.Identity.Generation, e.Identity.Sequence)
	}
	e.SeenAt = w.clock
	e.Observed = resource.Map{"status": resource.String("active")}
	if o.Descriptor.Expires {
		e.Observed = resource.Map{"status": resource.String("issued"), "serial_number": resource.String("0A" + e.Identity.ID), "common_name": resource.String(o.Address.Name),
			"valid_from": resource.String(w.clock.Format(time.DateOnly)), "valid_till": resource.String(w.clock.AddDate(1, 0, 0).Format(time.DateOnly)),
			"order_valid_till": resource.String(w.clock.AddDate(1, 0, 0).Format(time.DateOnly))}
	}
}

// renew lets an address's order be followed by another one.
func (w *world) renew(name string) {
	w.Helper()
	w.record(func(f *state.File) { w.renewIn(f, name) })
}

func (w *world) renewIn(f *state.File, name string) {
	w.Helper()
	a := address(name)
	e := f.Objects[a]
	was := e.Identity
	e.Identity.Earlier = append(e.Identity.Earlier, state.Earlier{ID: was.ID, Nonce: was.Nonce, Generation: was.Generation, Sequence: was.Sequence, Ended: "renewed"})
	e.Identity.Sequence++
	w.order(w.load().Set.Get(a), e)
}

func address(s string) resource.Address {
	a, err := resource.ParseAddress(s)
	if err != nil {
		panic(err)
	}
	return a
}

// input is what an audit of the checkout is given.
func (w *world) input() audit.Input {
	w.Helper()
	repo, err := gitrepo.Open(w.root)
	if err != nil {
		w.Fatal(err)
	}
	loaded := w.load()
	if loaded.Set == nil {
		w.Fatal(loaded.Findings)
	}
	return audit.Input{Repo: repo, Project: loaded.Project, Root: w.root, State: w.state(), Set: loaded.Set, Now: w.clock.Add(time.Hour), Version: version}
}

func (w *world) audit() *audit.Report {
	w.Helper()
	r, err := audit.Run(w.Context(), w.input())
	if err != nil {
		w.Fatal(err)
	}
	return r
}

// findings gives "code severity address" of each finding.
func findings(r *audit.Report) []string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s", f.Code, f.Severity, f.Address)))
	}
	return out
}

// events gives "event address" of each entry, with its order and detail, from the nth on.
func events(r *audit.Report, from int) []string {
	var out []string
	for _, e := range r.Entries[min(from, len(r.Entries)):] {
		line := []string{string(e.Event), e.Address.String(), e.OrderID, e.Detail}
		out = append(out, strings.Join(slices.DeleteFunc(line, func(s string) bool { return s == "" }), " "))
	}
	return out
}
