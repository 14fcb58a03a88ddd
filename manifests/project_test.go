package manifests

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/diag"
)

func TestFind(t *testing.T) {
	t.Parallel()
	root := project(t, map[string]string{"manifests/deep/a.yaml": "", "other/dcsync.yaml/x": ""})
	for _, dir := range []string{"", "manifests", "manifests/deep", "missing", "other"} {
		got, err := Find(filepath.Join(root, dir))
		if err != nil || got != root {
			t.Errorf("from %q found %q, %v", dir, got, err)
		}
	}
	_, err := Find(t.TempDir())
	var d diag.Diagnostic
	if !errors.As(err, &d) || d.Code != diag.ProjectMissing || !strings.Contains(d.Hint, "dcsync init") {
		t.Errorf("without a project: %v", err)
	}
	// Load takes the project's own folder only.
	if _, err := Load(t.Context(), filepath.Join(root, "manifests")); !errors.As(err, &d) || d.Code != diag.ProjectMissing {
		t.Errorf("loading a folder below: %v", err)
	}
}

func TestProjectDefaults(t *testing.T) {
	t.Parallel()
	root := project(t, map[string]string{
		projectFile:          "apiVersion: dcsync/v1\nkind: Project\nmetadata: {name: test, uid: 0123456789abcdef}\nspec: {}\n",
		"manifests/.gitkeep": "",
	})
	l := load(t, root)
	want := &Project{
		Root: root, Name: "test", UID: "0123456789abcdef", Instance: "us", Manifests: []string{"manifests"},
		StateFile: "dcsync.state.json", Lock: Lock{Mode: "auto", Ref: "refs/dcsync/lock", Lease: 10 * time.Minute}, Git: Git{Remote: "origin", Sign: "none"},
		Trust: Trust{AllowedSigners: ".dcsync/allowed_signers"}, MaxOrders: 25, RateLimit: "100/5s,1000/180s", Settle: time.Minute,
	}
	if diff := cmp.Diff(want, l.Project); diff != "" {
		t.Errorf("project (-want +got):\n%s", diff)
	}
	if len(l.Findings) > 0 || l.Set == nil || l.Manifests != 0 {
		t.Errorf("a project without manifests: %v", l.Findings)
	}
}

func TestProjectSettings(t *testing.T) {
	t.Parallel()
	root := project(t, map[string]string{
		projectFile: `apiVersion: dcsync/v1
kind: Project
metadata: {name: test, uid: 0123456789abcdef}
spec:
  instance: eu
  account_id: 1234567
  container_id: 11
  manifests: [a, b/c]
  state: {file: state/dcsync.json, ref: dcsync-state}
  lock: {mode: none, ref: refs/heads/lock, lease: 5m}
  git: {remote: up, branch: main, identity: {name: Bot, email: bot@example.com}, sign: ssh}
  trust: {allowed_signers: keys/signers, keyring: keys/ring.asc}
  limits: {max_orders: 3, max_destroy: 1}
  rate_limit: off
  settle: 1m30s
  skip_approval: true
`,
		"a/.gitkeep": "", "b/c/.gitkeep": "",
	})
	l := load(t, root)
	want := &Project{
		Root: root, Name: "test", UID: "0123456789abcdef", Instance: "eu", AccountID: 1234567, ContainerID: 11,
		Manifests: []string{"a", "b/c"}, StateFile: "state/dcsync.json", StateRef: "dcsync-state", Lock: Lock{Mode: "none", Ref: "refs/heads/lock", Lease: 5 * time.Minute}, Git: Git{Remote: "up", Branch: "main", Name: "Bot", Email: "bot@example.com", Sign: "ssh"},
		Trust: Trust{AllowedSigners: "keys/signers", Keyring: "keys/ring.asc"}, MaxOrders: 3, MaxDestroy: 1,
		RateLimit: "off", Settle: 90 * time.Second, SkipApproval: true,
	}
	if diff := cmp.Diff(want, l.Project); diff != "" {
		t.Errorf("project (-want +got):\n%s", diff)
	}
	if len(l.Findings) > 0 {
		t.Error(text(l.Findings))
	}
}

func TestScaffold(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "My Project")
	written, err := Scaffold(dir, "", false)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{projectFile, "manifests/contact.yaml", "manifests/order.yaml", "manifests/organization.yaml", ".gitattributes", ".gitignore"}
	if diff := cmp.Diff(want, written); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
	l := load(t, dir)
	if diff := cmp.Diff("", text(l.Findings)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if l.Project.Name != "my-project" || len(l.Project.UID) != 32 || l.Manifests != 3 {
		t.Errorf("project %+v with %d manifests", l.Project, l.Manifests)
	}
	other := t.TempDir()
	if _, err := Scaffold(other, "other", false); err != nil {
		t.Fatal(err)
	}
	if load(t, other).Project.UID == l.Project.UID {
		t.Error("two projects have one uid")
	}
}

func TestScaffoldOverExisting(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, dir, "manifests/order.yaml", "mine")
	writeFile(t, dir, ".gitignore", "build\n.dcsync/")
	if written, err := Scaffold(dir, "test", false); !errors.Is(err, os.ErrExist) || !strings.Contains(err.Error(), "manifests/order.yaml") || written != nil {
		t.Errorf("over a manifest: %v, %v", written, err)
	}
	if _, err := os.Stat(filepath.Join(dir, projectFile)); err == nil {
		t.Error("dcsync.yaml was written all the same")
	}
	if _, err := Scaffold(dir, "test", true); err != nil {
		t.Fatal(err)
	}
	ignore, err := os.ReadFile(filepath.Join(dir, ".gitignore"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("build\n.dcsync/\n.dcsync/cache/\n.dcsync/lock\n.dcsync/work/\n.dcsync.state.json*\n", string(ignore)); diff != "" {
		t.Errorf(".gitignore (-want +got):\n%s", diff)
	}
	first := load(t, dir)
	written, err := Scaffold(dir, "test", true)
	if err != nil {
		t.Fatal(err)
	}
	if len(written) != len(scaffoldFiles) {
		t.Errorf("again: %v", written)
	}
	if again := load(t, dir); again.Project.UID != first.Project.UID {
		t.Error("writing over a project changed its uid")
	}
	if _, err := Scaffold(dir, "Not A Name", true); err == nil {
		t.Error("a bad name was taken")
	}
}
