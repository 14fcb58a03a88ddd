package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dcsync/internal/sandbox"
	"dcsync/state"
)

// scene is one project on one sandbox, and where it has one, on one git remote.
type scene struct {
	t      *testing.T
	root   string // holds everything
	dir    string // the project
	remote string // the bare repository that the project is pushed to, "" for none
	branch string // of the remote, that holds the state; "" where it is a file of the project
	api    *httptest.Server
	keep   []byte // the last committed state, nil when there is none; with a remote, that has it
	now    string // DCSYNC_NOW, "" for the real time
}

// newScene has the demo as its project.
func newScene(t *testing.T, o sandbox.Options) *scene {
	t.Helper()
	root := t.TempDir()
	s := &scene{t: t, root: root, dir: filepath.Join(root, "project")}
	s.serve(o)
	if err := os.CopyFS(s.dir, os.DirFS(filepath.Join("..", "..", "testdata", "demo"))); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *scene) serve(o sandbox.Options) {
	s.t.Helper()
	box, err := sandbox.New(o)
	if err != nil {
		s.t.Fatal(err)
	}
	s.api = httptest.NewServer(box.Handler())
	s.t.Cleanup(func() {
		s.api.Close()
		if err := box.Close(); err != nil {
			s.t.Error(err)
		}
	})
}

// frozen is a prepared scene from which any number of others begin: they need not be prepared again.
type frozen struct {
	scene
	options sandbox.Options
	account string // file that the account was saved to
}

func freeze(t *testing.T, o sandbox.Options, prepare func(*scene)) *frozen {
	t.Helper()
	f := &frozen{options: o, account: filepath.Join(t.TempDir(), "account.json")}
	o.Data = f.account
	s := newScene(t, o)
	prepare(s)
	f.scene = *s
	f.options.Seed = f.account
	if _, err := os.Stat(f.account); err != nil {
		f.options.Seed = "" // nothing was asked of the account yet
	}
	return f
}

// thaw gives a scene that goes on where the frozen one stands.
func (f *frozen) thaw(t *testing.T) *scene {
	t.Helper()
	s := f.scene
	s.t, s.root = t, t.TempDir()
	if err := os.CopyFS(s.root, os.DirFS(f.root)); err != nil {
		t.Fatal(err)
	}
	moved := func(path string) string { return strings.Replace(path, f.root, s.root, 1) }
	s.dir = moved(f.dir)
	s.serve(f.options)
	if f.remote != "" {
		s.remote = moved(f.remote)
		s.git(s.dir, "remote", "set-url", "origin", s.remote)
		return &s
	}
	// The address is another one. A state made with the old one would be written anew for that alone.
	s.keep = bytes.ReplaceAll(f.keep, []byte(f.api.URL), []byte(s.api.URL))
	if s.keep != nil {
		s.write(s.stateFile(), s.keep)
	}
	return &s
}

func (s *scene) env() map[string]string {
	env := map[string]string{"DCSYNC_API_URL": s.api.URL + "/services/v2", "DCSYNC_API_KEY": "sandbox-key", "DCSYNC_RATE_LIMIT": "off", "DCSYNC_NOW": s.now}
	for _, pair := range gitEnv() {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	return env
}

// steps gives the command that kills or records itself. Under the race detector it is built once without: a process that lives for a tenth of
// a second would spend most of its time on the detector's own start, and what is asked here is what its disk and the account hold afterwards.
// The runs after it, in this process, are watched.
func steps(t *testing.T) string {
	t.Helper()
	if !underRace {
		return "dcsync-steps"
	}
	path, err := builtSteps()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var builtSteps = sync.OnceValues(func() (string, error) {
	path, err := filepath.Abs(filepath.Join("..", "..", "bin", "dcsync-steps"))
	if err != nil {
		return "", err
	}
	if out, err := exec.Command("go", "test", "-c", "-race=false", "-o", path, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the command without the race detector: %w\n%s", err, out)
	}
	return path, nil
})

// process makes a process of its own in the project, for runs that are to be killed or recorded.
func (s *scene) process(ctx context.Context, env string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, steps(s.t), args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), env)
	for k, v := range s.env() {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	return cmd
}

// try carries out a command line in this process, and gives its exit code and all it printed.
func (s *scene) try(args ...string) (int, string) {
	env := s.env()
	var out bytes.Buffer
	args = append([]string{"dcsync", "-C", s.dir}, args...)
	lookup := func(k string) (string, bool) {
		v, ok := env[k]
		return v, ok
	}
	code := Run(s.t.Context(), args, lookup, Streams{In: strings.NewReader(""), Out: &out, Err: &out})
	return code, out.String()
}

// run carries out a command line, and wants an exit code.
func (s *scene) run(want int, args ...string) {
	s.t.Helper()
	if got, out := s.try(args...); got != want {
		s.t.Fatalf("%s: exit code %d, want %d\n%s", strings.Join(args, " "), got, want, out)
	}
}

// apply is the command line that a scene's changes are applied with.
func (s *scene) apply() []string {
	args := []string{"apply", "--auto-approve", "--max-destroy", "1"}
	if s.remote != "" {
		args = append(args, "--push", "--lock", "git")
	}
	return args
}

func (s *scene) write(path string, data []byte) {
	s.t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) read(path string) []byte {
	s.t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	return data
}

// edit replaces text in a file of the project, which must hold it.
func (s *scene) edit(file, before, after string) {
	s.t.Helper()
	path := filepath.Join(s.dir, filepath.FromSlash(file))
	data := s.read(path)
	if !bytes.Contains(data, []byte(before)) {
		s.t.Fatalf("%s does not hold %q", file, before)
	}
	s.write(path, bytes.Replace(data, []byte(before), []byte(after), 1))
}

// add appends text to a file of the project.
func (s *scene) add(file, text string) {
	s.t.Helper()
	path := filepath.Join(s.dir, filepath.FromSlash(file))
	s.write(path, append(s.read(path), text...))
}

// drop removes files of the project.
func (s *scene) drop(files ...string) {
	s.t.Helper()
	for _, file := range files {
		if err := os.Remove(filepath.Join(s.dir, filepath.FromSlash(file))); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *scene) stateFile() string { return filepath.Join(s.dir, "dcsync.state.json") }

// state gives the bytes of the state, from where the project keeps it.
func (s *scene) state() []byte {
	s.t.Helper()
	if s.branch != "" {
		return []byte(s.git(s.remote, "show", s.branch+":dcsync.state.json"))
	}
	return s.read(s.stateFile())
}

// applied applies the project and keeps its state as the last committed one.
func (s *scene) applied() {
	s.t.Helper()
	s.run(0, s.apply()...)
	s.keep = s.state()
}

// pass lets days go by, for the account and for the runs to come.
func (s *scene) pass(days int) {
	s.t.Helper()
	s.post("/_sandbox/clock", fmt.Sprintf(`{"advance": "%dh"}`, 24*days))
	s.now = time.Now().UTC().AddDate(0, 0, days).Format(time.RFC3339)
}

func (s *scene) post(path, body string) {
	s.t.Helper()
	resp, err := http.Post(s.api.URL+path, "application/json", strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
		s.t.Fatalf("POST %s: %d %v", path, resp.StatusCode, err)
	}
}

func (s *scene) get(path string, into any) {
	s.t.Helper()
	resp, err := http.Get(s.api.URL + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		s.t.Fatal(err)
	}
}

// dump is what an account holds, as far as scenes look at it.
type dump struct {
	Organizations []any `json:"organizations"`
	Orders        []struct {
		ID          int    `json:"id"`
		Nonce       string `json:"alternative_order_id"`
		Status      string `json:"status"`
		Certificate struct {
			CommonName string `json:"common_name"`
			Serial     string `json:"serial_number"`
		} `json:"certificate"`
		Notes []struct {
			Text string `json:"text"`
		} `json:"notes"`
	} `json:"orders"`
}

func (s *scene) dump() dump {
	s.t.Helper()
	var d dump
	s.get("/_sandbox/dump", &d)
	return d
}

// seen gives how often the account was asked for each thing.
func (s *scene) seen() map[string]int {
	s.t.Helper()
	var stats struct {
		Requests map[string]int `json:"requests"`
	}
	s.get("/_sandbox/stats", &stats)
	return stats.Requests
}

// placing is the request that places an order.
const placing = "POST /order/certificate/{product_name_id}"

// freshClone throws away what the dead run left on its disk and puts the last committed state back.
func (s *scene) freshClone() {
	s.t.Helper()
	if s.remote != "" {
		s.dir = filepath.Join(s.root, "clone")
		s.git(s.root, "clone", "-q", s.remote, s.dir)
		return
	}
	if err := errors.Join(os.RemoveAll(filepath.Join(s.dir, ".dcsync")), os.RemoveAll(s.stateFile())); err != nil {
		s.t.Fatal(err)
	}
	if s.keep != nil {
		s.write(s.stateFile(), s.keep)
	}
}

// wants is what the account must hold in the end.
type wants struct {
	orders, organizations int
	posts                 int            // order placing requests the account saw since the scene began
	notes                 []string       // of all orders, sorted
	calls                 map[string]int // how often the account saw other requests since then
}

// converged wants the account in its final shape, nothing left to do, and an apply that writes nothing.
func (s *scene) converged(w wants) {
	s.t.Helper()
	d := s.dump()
	nonces := map[string]bool{}
	var notes []string
	for _, o := range d.Orders {
		nonces[o.Nonce] = true
		for _, n := range o.Notes {
			notes = append(notes, n.Text)
		}
	}
	slices.Sort(notes)
	if len(d.Orders) != w.orders || len(nonces) != w.orders || len(d.Organizations) != w.organizations {
		s.t.Errorf("%d orders of %d intents, %d organizations; want %d, %d, %d", len(d.Orders), len(nonces), len(d.Organizations), w.orders, w.orders, w.organizations)
	}
	if !slices.Equal(notes, w.notes) {
		s.t.Errorf("notes %q, want %q", notes, w.notes)
	}
	seen := s.seen()
	if got := seen[placing]; got != w.posts {
		s.t.Errorf("the account was asked for an order %d times, want %d", got, w.posts)
	}
	for call, n := range w.calls {
		if got := seen[call]; got != n {
			s.t.Errorf("the account saw %s %d times, want %d", call, got, n)
		}
	}
	s.run(0, "plan", "--refresh", "full", "--detailed-exitcode")
	before := s.state()
	s.run(0, s.apply()...)
	if after := s.state(); !bytes.Equal(before, after) {
		s.t.Errorf("an apply with nothing to do changed the state:\n%s\nto\n%s", before, after)
	}
	recorded, err := state.Decode("state", before)
	if err != nil {
		s.t.Fatal(err)
	}
	var owned []string
	for _, e := range recorded.Objects {
		owned = slices.AppendSeq(owned, maps.Values(e.Identity.Notes))
	}
	slices.Sort(owned)
	if !slices.Equal(owned, w.notes) {
		s.t.Errorf("the state knows %q as posted by dcsync, want %q", owned, w.notes)
	}
	left, err := filepath.Glob(filepath.Join(s.dir, ".dcsync.state.json*"))
	if err != nil || len(left) > 1 {
		s.t.Errorf("temporary state files are left: %v %v", left, err)
	}
}
