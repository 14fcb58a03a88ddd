package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"dcsync/internal/certcentral"
	"dcsync/internal/gitrepo"
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

func itoa(n int) string { return strconv.Itoa(n) }

// matrix collects what became of the runs that were killed.
type matrix struct {
	mu       sync.Mutex
	recorded int
	reached  map[step.Point]bool
	cells    []cell
}

// cell is one killed run and the next one.
type cell struct {
	scenario, n  int
	point        string
	clone        bool
	outcome      string
	orders       int // in the account, in the end
	intents      int // different orders among them
	posts, wants int // order placing requests that the account saw, and how many it must see
}

func (m *matrix) add(c cell) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cells = append(m.cells, c)
}

func TestCrashMatrix(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of processes: left out with -short")
	}
	t.Parallel()
	// The demo's apply is always killed at each point for both next runs; the other scenarios by turns for one of them, unless all is asked for.
	whole := os.Getenv("DCSYNC_SOAK") != "" || os.Getenv("DCSYNC_CRASH_TABLE") != ""
	m := &matrix{reached: map[step.Point]bool{}}
	t.Cleanup(func() { m.finish(t) })
	for i, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			f := freeze(t, sc.options, sc.prepare)
			points := m.record(t, f, sc)
			for n, p := range points {
				if len(sc.points) > 0 && os.Getenv("DCSYNC_SOAK") == "" && !slices.Contains(sc.points, step.Point(p)) {
					continue
				}
				for _, clone := range []bool{false, true} {
					if !whole && i > 0 && clone != (n%2 == 0) {
						continue
					}
					t.Run(fmt.Sprintf("%03d %s/clone=%v", n+1, p, clone), func(t *testing.T) {
						t.Parallel()
						c := cell{scenario: i, n: n + 1, point: p, clone: clone, wants: sc.want.posts, outcome: "failed"}
						defer func() { m.add(c) }()
						s := f.thaw(t)
						s.kill(n+1, p)
						if clone {
							s.freshClone()
						}
						c.outcome = s.again()
						s.converged(sc.want)
						if left, err := filepath.Glob(filepath.Join(s.dir, ".dcsync.state.json*")); err != nil || left != nil {
							t.Errorf("the killed run's temporary files are left: %v, %v", left, err)
						}
						orders := s.dump().Orders
						nonces := map[string]bool{}
						for _, o := range orders {
							nonces[o.Nonce] = true
						}
						c.orders, c.intents, c.posts = len(orders), len(nonces), s.seen()[placing]
						if s.remote != "" {
							s.landed()
						}
						if t.Failed() {
							c.outcome = "failed"
						}
					})
				}
			}
		})
	}
}

// record carries a scenario's apply out undisturbed and gives the points it passes.
func (m *matrix) record(t *testing.T, f *frozen, sc scenario) []string {
	t.Helper()
	s := f.thaw(t)
	record := filepath.Join(s.root, "points")
	if out, err := s.process(t.Context(), "STEPS_RECORD="+record, s.apply()...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s.converged(sc.want)
	if s.remote != "" {
		s.landed()
	}
	points := strings.Fields(string(s.read(record)))
	t.Logf("%d crash points × {same disk, fresh clone}", len(points))
	m.mu.Lock()
	defer m.mu.Unlock()
	m.recorded++
	for _, p := range points {
		m.reached[step.Point(p)] = true
	}
	return points
}

// kill runs apply and kills it at a point.
func (s *scene) kill(n int, p string) {
	s.t.Helper()
	cmd := s.process(s.t.Context(), "STEPS_KILL="+itoa(n), s.apply()...)
	out, _ := cmd.CombinedOutput()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		s.t.Fatalf("the run was not killed at %s: %v\n%s", p, cmd.ProcessState, out)
	}
}

// again applies after a run that was killed, as its pipeline would: where that run left a lock, the next one is kept out until the lease
// is over.
func (s *scene) again() string {
	s.t.Helper()
	outcome := "applied"
	if s.remote != "" && s.locked() {
		s.run(7, s.apply()...)
		s.letLeaseEnd()
		outcome = "locked, then applied"
	}
	s.run(0, s.apply()...)
	return outcome
}

// finish wants every declared point to have been reached, where all scenarios ran, and writes the table to the file
// DCSYNC_CRASH_TABLE.
func (m *matrix) finish(t *testing.T) {
	if m.recorded == len(scenarios) {
		for _, p := range slices.Concat(reconcile.Points(), state.Points(), certcentral.Points(), gitrepo.Points()) {
			if !m.reached[p] {
				t.Errorf("crash point %s is never reached", p)
			}
		}
	}
	name := os.Getenv("DCSYNC_CRASH_TABLE")
	if name == "" {
		return
	}
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(m.write(f), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// write prints the matrix: one line a point, with what the next run came to on the same disk and from a fresh clone.
func (m *matrix) write(f *os.File) error {
	slices.SortFunc(m.cells, func(x, y cell) int {
		return cmp.Or(x.scenario-y.scenario, x.n-y.n, cmp.Compare(fmt.Sprint(x.clone), fmt.Sprint(y.clone)))
	})
	w := tabwriter.NewWriter(f, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SCENARIO\tN\tKILLED AT\tNEXT RUN, SAME DISK\tORDERS\tPOSTS\tNEXT RUN, FRESH CLONE\tORDERS\tPOSTS")
	failed := 0
	for i := 0; i+1 < len(m.cells); i += 2 {
		same, clone := m.cells[i], m.cells[i+1]
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\n", scenarios[same.scenario].name, same.n, same.point, same.text(), clone.text())
		for _, c := range []cell{same, clone} {
			if c.outcome == "failed" {
				failed++
			}
		}
	}
	fmt.Fprintf(w, "\n%d killed runs of %d scenarios; %d of the runs after them failed. Orders: in the account, of so many intents. Posts: requests to place an order, of so many due.\n",
		len(m.cells), m.recorded, failed)
	return w.Flush()
}

func (c cell) text() string {
	return fmt.Sprintf("%s\t%d/%d\t%d/%d", c.outcome, c.orders, c.intents, c.posts, c.wants)
}

// TestRandomKills kills the first apply at random moments of its life.
func TestRandomKills(t *testing.T) {
	t.Parallel()
	kills := 20
	if os.Getenv("DCSYNC_SOAK") != "" {
		kills = 1000
	}
	o := sandbox.Options{Latency: 3 * time.Millisecond}
	whole := newScene(t, o)
	begin := time.Now()
	if out, err := whole.process(t.Context(), "", "apply", "--auto-approve").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	life := time.Since(begin)
	for n := range kills {
		after := time.Duration(rand.Int64N(int64(life)))
		t.Run(fmt.Sprintf("%03d after %v", n, after.Round(time.Millisecond)), func(t *testing.T) {
			t.Parallel()
			s := newScene(t, o)
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
