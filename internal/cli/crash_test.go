package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"dcsync/internal/certcentral"
	"dcsync/internal/sandbox"
	"dcsync/internal/step"
	"dcsync/reconcile"
	"dcsync/state"
)

// The crash matrix kills apply with SIGKILL at every crash point it passes, and at random moments, and runs it again: from the state the
// dead run left, and from the last committed one. In the end every order has been placed once and nothing is left to do.
//
// The test binary re-executes itself as the command "dcsync-steps", which is dcsync with a hook: a recording run writes the sequence of
// points to the file STEPS_RECORD; a run with STEPS_KILL=N kills itself at the Nth of them.

func stepsMain() {
	n := 0
	kill := os.Getenv("STEPS_KILL")
	record := os.Getenv("STEPS_RECORD")
	hook := func(p step.Point) {
		n++
		if record != "" {
			f, err := os.OpenFile(record, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
			if err == nil {
				_, err = fmt.Fprintln(f, p)
			}
			if err = errors.Join(err, f.Close()); err != nil {
				panic(err)
			}
		}
		if kill == fmt.Sprint(n) {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	os.Exit(runSteps(context.Background(), os.Args, os.LookupEnv, Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, hook))
}

// scene is one project on one sandbox.
type scene struct {
	t    *testing.T
	dir  string
	api  *httptest.Server
	keep []byte // the last committed state, nil when there is none
}

func newScene(t *testing.T, latency time.Duration) *scene {
	t.Helper()
	box, err := sandbox.New(sandbox.Options{Latency: latency})
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{t: t, dir: t.TempDir(), api: httptest.NewServer(box.Handler())}
	t.Cleanup(s.api.Close)
	if err := os.CopyFS(s.dir, os.DirFS(filepath.Join("..", "..", "testdata", "demo"))); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *scene) env() map[string]string {
	return map[string]string{"DCSYNC_API_URL": s.api.URL + "/services/v2", "DCSYNC_API_KEY": "sandbox-key", "DCSYNC_RATE_LIMIT": "off"}
}

// process makes a process of its own in the project, for runs that are to be killed or recorded.
func (s *scene) process(ctx context.Context, env string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "dcsync-steps", args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), env)
	for k, v := range s.env() {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	return cmd
}

// run carries out a command line in this process, and wants an exit code.
func (s *scene) run(want int, args ...string) {
	s.t.Helper()
	env := s.env()
	var out bytes.Buffer
	args = append([]string{"dcsync", "-C", s.dir}, args...)
	lookup := func(k string) (string, bool) {
		v, ok := env[k]
		return v, ok
	}
	if got := Run(s.t.Context(), args, lookup, Streams{In: strings.NewReader(""), Out: &out, Err: &out}); got != want {
		s.t.Fatalf("%s: exit code %d, want %d\n%s", strings.Join(args, " "), got, want, out.String())
	}
}

func (s *scene) edit(file, before, after string) {
	s.t.Helper()
	path := filepath.Join(s.dir, filepath.FromSlash(file))
	data, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	if !bytes.Contains(data, []byte(before)) {
		s.t.Fatalf("%s does not hold %q", file, before)
	}
	if err := os.WriteFile(path, bytes.Replace(data, []byte(before), []byte(after), 1), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) stateFile() string { return filepath.Join(s.dir, "dcsync.state.json") }

// freshClone throws away what the dead run left on its disk and puts the last committed state back.
func (s *scene) freshClone() {
	s.t.Helper()
	if err := errors.Join(os.RemoveAll(filepath.Join(s.dir, ".dcsync")), os.RemoveAll(s.stateFile())); err != nil {
		s.t.Fatal(err)
	}
	if s.keep != nil {
		if err := os.WriteFile(s.stateFile(), s.keep, 0o644); err != nil {
			s.t.Fatal(err)
		}
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

// wants is what the account must hold in the end.
type wants struct {
	orders, organizations int
	posts                 int      // order placing requests the account saw
	notes                 []string // of all orders, sorted
}

// converged wants the account in its final shape, nothing left to do, and an apply that writes nothing.
func (s *scene) converged(w wants) {
	s.t.Helper()
	var dump struct {
		Organizations []any `json:"organizations"`
		Orders        []struct {
			Nonce string `json:"alternative_order_id"`
			Notes []struct {
				Text string `json:"text"`
			} `json:"notes"`
		} `json:"orders"`
	}
	s.get("/_sandbox/dump", &dump)
	nonces := map[string]bool{}
	var notes []string
	for _, o := range dump.Orders {
		nonces[o.Nonce] = true
		for _, n := range o.Notes {
			notes = append(notes, n.Text)
		}
	}
	slices.Sort(notes)
	if len(dump.Orders) != w.orders || len(nonces) != w.orders || len(dump.Organizations) != w.organizations {
		s.t.Errorf("%d orders of %d intents, %d organizations; want %d, %d, %d", len(dump.Orders), len(nonces), len(dump.Organizations), w.orders, w.orders, w.organizations)
	}
	if !slices.Equal(notes, w.notes) {
		s.t.Errorf("notes %q, want %q", notes, w.notes)
	}
	var stats struct {
		Requests map[string]int `json:"requests"`
	}
	s.get("/_sandbox/stats", &stats)
	if got := stats.Requests["POST /order/certificate/{product_name_id}"]; got != w.posts {
		s.t.Errorf("the account was asked for an order %d times, want %d", got, w.posts)
	}
	s.run(0, "plan", "--refresh", "full", "--detailed-exitcode")
	before, err := os.ReadFile(s.stateFile())
	if err != nil {
		s.t.Fatal(err)
	}
	s.run(0, "apply", "--auto-approve")
	after, err := os.ReadFile(s.stateFile())
	if err != nil {
		s.t.Fatal(err)
	}
	if !bytes.Equal(before, after) {
		s.t.Errorf("an apply with nothing to do changed the state:\n%s\nto\n%s", before, after)
	}
	recorded, _, err := state.Read(s.stateFile())
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

var (
	firstNotes = []string{"Asked for by HR, ticket HR-7", "Windows installer, ticket DESK-41"}
	laterNotes = []string{"Asked for by HR, ticket HR-7", "Handed over, ticket DESK-42"}
)

// scenarios are the applies that are killed.
var scenarios = []struct {
	name    string
	prepare func(*scene)
	want    wants
}{
	{"first", func(*scene) {}, wants{orders: 3, organizations: 1, posts: 3, notes: firstNotes}},
	{"edited", func(s *scene) {
		s.run(0, "apply", "--auto-approve")
		data, err := os.ReadFile(s.stateFile())
		if err != nil {
			s.t.Fatal(err)
		}
		s.keep = data
		s.edit("manifests/orders/installer-signing.yaml", "[pki@example.com]", "[pki@example.com, desktop@example.com]")
		s.edit("manifests/orders/installer-signing.yaml", "Windows installer, ticket DESK-41", "Handed over, ticket DESK-42")
		s.edit("manifests/contacts/people.yaml", "Head of Security", "Chief Security Officer")
	}, wants{orders: 3, organizations: 1, posts: 3, notes: laterNotes}},
}

func TestCrashMatrix(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of processes: left out with -short")
	}
	reached := map[step.Point]bool{}
	for _, sc := range scenarios {
		record := filepath.Join(t.TempDir(), "points")
		s := newScene(t, 0)
		sc.prepare(s)
		if out, err := s.process(t.Context(), "STEPS_RECORD="+record, "apply", "--auto-approve").CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		s.converged(sc.want)
		data, err := os.ReadFile(record)
		if err != nil {
			t.Fatal(err)
		}
		points := strings.Fields(string(data))
		t.Logf("%s: %d crash points × {same disk, fresh clone}", sc.name, len(points))
		for i, p := range points {
			reached[step.Point(p)] = true
			for _, clone := range []bool{false, true} {
				name := fmt.Sprintf("%s/%03d %s/clone=%v", sc.name, i+1, p, clone)
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					s := newScene(t, 0)
					sc.prepare(s)
					cmd := s.process(t.Context(), fmt.Sprintf("STEPS_KILL=%d", i+1), "apply", "--auto-approve")
					out, _ := cmd.CombinedOutput()
					if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL {
						t.Fatalf("the run was not killed at %s: %v\n%s", p, cmd.ProcessState, out)
					}
					if clone {
						s.freshClone()
					}
					s.run(0, "apply", "--auto-approve")
					s.converged(sc.want)
				})
			}
		}
	}
	for _, p := range slices.Concat(reconcile.Points(), state.Points(), certcentral.Points()) {
		if !reached[p] {
			t.Errorf("crash point %s is never reached", p)
		}
	}
}

// TestRandomKills kills the first apply at random moments of its life.
func TestRandomKills(t *testing.T) {
	kills := 20
	if os.Getenv("DCSYNC_SOAK") != "" {
		kills = 1000
	}
	const latency = 3 * time.Millisecond
	whole := newScene(t, latency)
	begin := time.Now()
	if out, err := whole.process(t.Context(), "", "apply", "--auto-approve").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	life := time.Since(begin)
	for n := range kills {
		after := time.Duration(rand.Int64N(int64(life)))
		t.Run(fmt.Sprintf("%03d after %v", n, after.Round(time.Millisecond)), func(t *testing.T) {
			t.Parallel()
			s := newScene(t, latency)
			ctx, cancel := context.WithTimeout(t.Context(), after)
			defer cancel()
			_ = s.process(ctx, "", "apply", "--auto-approve").Run()
			if n%2 == 1 {
				s.freshClone()
			}
			s.run(0, "apply", "--auto-approve")
			s.converged(wants{orders: 3, organizations: 1, posts: 3, notes: firstNotes})
		})
	}
}
