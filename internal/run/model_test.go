package run_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"dcsync/internal/resource"
	"dcsync/internal/run"
	"dcsync/internal/sandbox"
	"dcsync/internal/step"
)

const (
	modelUID     = "11111111-2222-3333-4444-555555555555"
	modelAccount = 1234567
	modelSteps   = 50 // of one history, on average
)

// TestModel plays random histories of a project: commits that edit its manifests, people who edit the account behind dcsync's back, time
// that passes, calls that go wrong, runs that are cut off or killed at any of their crash points, clones that know the last committed state
// only, a state file that is lost.
//
// After every run, whatever became of it, all that it placed, reissued, ended or switched off must follow from the manifests as they were
// (model_consent_test.go). After each undisturbed apply the account must hold what the manifests want, each order once, and what is
// left to do must be what waits for a reason (model_check_test.go).
//
// By default it makes about 2,000 steps, with DCSYNC_MODEL_STEPS that many, with DCSYNC_SOAK a million; -rapid.checks and -rapid.steps
// overrule them. The histories are the same in every run, so that a change fails for what it changed; with DCSYNC_SOAK, or another
// -rapid.seed, they are others. A failing history is kept under testdata/rapid and played first from then on.
func TestModel(t *testing.T) {
	t.Parallel()
	steps := 2_000
	if os.Getenv("DCSYNC_SOAK") != "" {
		steps = 1_000_000
	}
	if given := os.Getenv("DCSYNC_MODEL_STEPS"); given != "" {
		n, err := strconv.Atoi(given)
		if err != nil {
			t.Fatalf("DCSYNC_MODEL_STEPS: %v", err)
		}
		steps = n
	}
	given := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	flags := map[string]int{"rapid.checks": steps / modelSteps, "rapid.steps": modelSteps}
	if os.Getenv("DCSYNC_SOAK") == "" {
		flags["rapid.seed"] = modelSeed
	}
	for name, value := range flags {
		if !given[name] {
			if err := flag.Set(name, fmt.Sprint(value)); err != nil {
				t.Fatal(err)
			}
		}
	}
	rapid.Check(t, playModel)
}

// modelSeed begins the histories that every run plays.
const modelSeed = 1

func playModel(t *rapid.T) {
	dir, err := os.MkdirTemp(memory(), "dcsync-model-")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	w := openWorld(t, dir, sandbox.Options{
		UniqueAlternativeIDs: rapid.Bool().Draw(t, "unique ids"),
		IssueAfter:           rapid.SampledFrom([]time.Duration{0, 36 * time.Hour}).Draw(t, "issue after"),
	})
	chosen := rapid.SliceOfNDistinct(rapid.IntRange(0, len(modelProducts)-1), 1, 4, rapid.ID[int]).Draw(t, "products")
	m := newModel(w, chosen, rapid.IntRange(0, 3).Draw(t, "approvals") == 0)
	if rapid.IntRange(0, 9).Draw(t, "audited") == 0 {
		m.inGit()
	}
	for range chosen {
		m.add(t)
	}
	t.Repeat(map[string]func(*rapid.T){
		"":                    m.check,
		"add":                 m.add,
		"remove":              m.remove,
		"rename":              m.rename,
		"edit order":          m.editOrder,
		"edit certificate":    m.editCertificate,
		"another certificate": m.editCertificate,
		"edit lifecycle":      m.editLifecycle,
		"edit consent":        m.editConsent,
		"retire":              m.editRetire,
		"order again":         m.raise,
		"edit person":         m.editPerson,
		"edit organization":   m.editOrganization,
		"switch":              m.editStatus,
		"validate":            m.editValidations,
		"drift":               m.drift,
		"people end":          m.end,
		"people approve":      m.approve,
		"people refuse":       m.refuse,
		"people pick up":      m.pickUp,
		"time passes":         m.advance,
		"a window opens":      m.advanceToWindow,
		"another window":      m.advanceToWindow,
		"faulty apply":        m.faultyApply,
		"interrupted apply":   m.interruptedApply,
		"killed apply":        m.killedApply,
		"killed apply again":  m.killedApply,
		"fresh clone":         m.clone,
		"state is lost":       m.lose,
		"apply":               m.apply,
		"apply again":         m.apply,
	})
	m.apply(t)
	m.audit(t)
}

// memory gives a folder whose files never reach a disk, where the system has one: a run syncs its state several times.
func memory() string {
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		return "/dev/shm"
	}
	return ""
}

func generous(o *run.ApplyOptions) { o.MaxOrders, o.MaxDestroy = 1000, 1000 }

func (m *model) faultyApply(t *rapid.T) {
	for range rapid.IntRange(1, 3).Draw(t, "faults") {
		match := rapid.SampledFrom([]string{"POST /order/certificate/*", "POST /organization", "POST /order/certificate/*/note", "PUT /**", "GET /order/alternate/*",
			"GET /order/certificate/*", "GET /order/certificate", "GET /organization", "DELETE /**", "POST /**", "* /**", "POST /order/certificate/*/reissue",
			"PUT /order/certificate/*/revoke", "PUT /order/certificate/*/status", "POST /organization/*/validation", "PUT /organization/*/*"}).Draw(t, "call")
		do := rapid.SampledFrom([]string{"drop_before", "drop_after", "status:500", "status:503", "status_after:500", "status:429", "status:403", "status:400",
			"html", "cut_body"}).Draw(t, "fault")
		m.w.fault(match, do, rapid.SampledFrom([]int{1, 2, 9}).Draw(t, "times"))
	}
	m.run(t, func() { _, _ = m.w.apply(generous) }) // whatever comes of it
	m.w.control("DELETE", "/faults", nil)
	m.maybeLand(t)
}

// interruptedApply cuts a run off at one of its steps: by a drain, or by ending its context, after which nothing more is sent.
func (m *model) interruptedApply(t *rapid.T) {
	left, hard := rapid.IntRange(0, 25).Draw(t, "steps"), rapid.Bool().Draw(t, "hard")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	drain := make(chan struct{})
	m.stepping(t, ctx, drain, func() {}, func() {
		if left--; left != -1 {
			return
		}
		if hard {
			cancel()
		} else {
			close(drain)
		}
	})
	m.maybeLand(t)
}

// killedApply ends a run at one of its crash points as SIGKILL would: from there on nothing reaches the account, and the disk stays as
// it is.
func (m *model) killedApply(t *rapid.T) {
	left := rapid.IntRange(0, 60).Draw(t, "steps")
	wire := m.w.wire.(*direct)
	var disk []byte
	m.stepping(t, context.Background(), nil, func() {
		if wire.dead {
			wire.dead = false
			m.w.restore(disk)
		}
	}, func() {
		if left--; left == -1 {
			disk = m.w.stateBytes()
			wire.dead = true
		}
	})
	if rapid.Bool().Draw(t, "on a machine that is gone") {
		m.clone(t)
	}
}

// stepping makes a run, calls at for each crash point it passes, and end when it is over.
func (m *model) stepping(t *rapid.T, ctx context.Context, drain chan struct{}, end, at func()) {
	m.w.step = func(step.Point) { at() }
	m.run(t, func() {
		o := m.w.applyOptions()
		generous(&o)
		o.Drain, o.Step = drain, m.w.step
		_, _ = m.w.open().Apply(ctx, m.w.account(), o)
		end()
	})
	m.w.step = nil
}

// maybeLand commits what a run left of the state, as a run does that fails and lands all the same.
func (m *model) maybeLand(t *rapid.T) {
	if rapid.Bool().Draw(t, "state is committed") {
		m.land()
	}
}

func (m *model) land() {
	m.committed = m.w.stateBytes()
	m.commitState()
}

// clone goes on from the last committed state, on another machine.
func (m *model) clone(t *rapid.T) {
	if string(m.committed) == string(m.w.stateBytes()) {
		return
	}
	m.behind, m.lost = true, m.lost || m.committed == nil
	m.w.restore(m.committed)
	m.forget(t)
}

// forget notes of which orders other certificates were asked for that the state at hand knows nothing of: it takes them for the account's.
func (m *model) forget(t *rapid.T) {
	known := map[string]int{}
	for _, e := range m.file(t).Objects {
		if n, ok := e.Observed["reissues_count"].(resource.Int); ok {
			known[e.Identity.ID] = int(n)
		}
		if e.Applied.Asked != nil {
			known[e.Identity.ID]++
		}
	}
	for _, order := range m.look(t).Orders {
		if order.asked() > known[fmt.Sprint(order.ID)] {
			m.unrecorded[order.ID] = true
		}
	}
}

// lose goes on without any state.
func (m *model) lose(t *rapid.T) {
	m.audit(t)
	m.git = nil // a state that begins anew does not follow from the one before
	m.behind, m.lost = true, true
	m.w.lose()
	m.forget(t)
	m.land()
}
