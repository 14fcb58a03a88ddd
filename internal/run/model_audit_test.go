package run_test

import (
	"os"
	"os/exec"
	"slices"

	"pgregory.net/rapid"

	"dcsync/internal/audit"
	"dcsync/internal/diag"
	"dcsync/internal/gitrepo"
	"dcsync/manifests"
	"dcsync/state"
)

// inGit keeps a model's project in a git repository: what is wanted is committed before each run, and the state whenever it lands.
func (m *model) inGit() {
	m.git = func(args ...string) {
		cmd := exec.Command("git", args...)
		cmd.Dir = m.w.dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull, "GIT_AUTHOR_NAME=Ann", "GIT_AUTHOR_EMAIL=ann@example.com",
			"GIT_COMMITTER_NAME=Ann", "GIT_COMMITTER_EMAIL=ann@example.com")
		if out, err := cmd.CombinedOutput(); err != nil {
			m.w.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	m.git("init", "-q", "-b", "main")
	m.commitWanted()
}

// commitWanted commits all but the state.
func (m *model) commitWanted() {
	if m.git != nil {
		m.git("add", "-A", "--", ".", ":!dcsync.state.json", ":!.dcsync")
		m.git("commit", "-q", "--allow-empty", "-m", "what is wanted")
	}
}

// commitState commits the state where there is one.
func (m *model) commitState() {
	if m.git != nil && m.w.stateBytes() != nil {
		m.git("add", "--", "dcsync.state.json")
		m.git("commit", "-q", "--allow-empty", "-m", "state")
	}
}

// audit wants that what the runs recorded, killed and interrupted ones included, passes for what dcsync does.
func (m *model) audit(t *rapid.T) {
	if m.git == nil {
		return
	}
	repo, err := gitrepo.Open(m.w.dir)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := manifests.Load(t.Context(), m.w.dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := audit.Run(t.Context(), audit.Input{Repo: repo, Project: loaded.Project, Root: m.w.dir, State: state.New(modelUID), Set: loaded.Set, Now: m.w.clock.Now(), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	asTheyStand := []diag.Code{diag.AuditUnapplied, diag.AuditExpiring} // what waits or is blocked, and what nobody renews
	for _, f := range r.Findings {
		if slices.Contains(asTheyStand, f.Code) {
			continue
		}
		t.Errorf("%s %s: %s %v", f.Code, f.Address, f.Summary, f.Evidence)
	}
}
