package cli

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"dcsync/internal/sandbox"
	"dcsync/state"
)

// fleet is one account, one bare remote, and any number of clones of it.
type fleet struct {
	t    *testing.T
	dir  string
	bare string
	ref  string // spec.state.ref, "" for state beside the manifests
	api  *httptest.Server
}

// onBothBranches runs a test with state beside the manifests and with state on a branch of its own.
func onBothBranches(t *testing.T, test func(*testing.T, string)) {
	for _, ref := range []string{"", "dcsync-state"} {
		t.Run("ref="+ref, func(t *testing.T) {
			t.Parallel()
			test(t, ref)
		})
	}
}

func newFleet(t *testing.T, ref string) *fleet {
	t.Helper()
	box, err := sandbox.New(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f := &fleet{t: t, dir: t.TempDir(), ref: ref, api: httptest.NewServer(box.Handler())}
	settings := "skip_approval: true, limits: {max_orders: 100}"
	if ref != "" {
		settings += ", state: {ref: " + ref + "}"
	}
	f.bare = filepath.Join(f.dir, "remote.git")
	t.Cleanup(f.api.Close)
	seed := filepath.Join(f.dir, "seed")
	f.write(seed, "dcsync.yaml", "apiVersion: dcsync/v1\nkind: Project\nmetadata: {name: fleet, uid: 0123456789abcdef}\nspec: {"+settings+"}\n")
	f.write(seed, "manifests/people.yaml", `apiVersion: dcsync/v1
kind: Organization
metadata: {name: acme}
spec:
  name: Acme Inc
  address: 1 Main Street
  city: Lehi
  state: Utah
  zip: "84043"
  country: us
  telephone: "+1 801 555 0100"
  organization_contact: {first_name: Jane, last_name: Doe, email: jane@example.com, job_title: Lead, telephone: "+1 801 555 0100"}
`)
	f.git(f.dir, "init", "-q", "--bare", "-b", "main", f.bare)
	f.git(seed, "init", "-q", "-b", "main")
	f.git(seed, "remote", "add", "origin", f.bare)
	f.push(seed, "seed")
	return f
}

func (f *fleet) git(dir string, args ...string) string {
	f.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), gitEnv()...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		f.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func (f *fleet) write(dir, name, text string) {
	f.t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fleet) push(dir, message string) {
	f.t.Helper()
	f.git(dir, "add", "-A")
	f.git(dir, "commit", "-q", "-m", message)
	f.git(dir, "push", "-q", "origin", "HEAD:main")
}

// clone makes a clone of its own.
func (f *fleet) clone(name string) string {
	f.t.Helper()
	dir := filepath.Join(f.dir, name)
	f.git(f.dir, "clone", "-q", f.bare, dir)
	return dir
}

// order commits and pushes one more order.
func (f *fleet) order(dir, name string) {
	f.t.Helper()
	f.write(dir, "manifests/"+name+".yaml", fmt.Sprintf(`apiVersion: dcsync/v1
kind: Order
metadata: {name: %s}
spec:
  product: client_authentication_plus
  certificate: {common_name: %s Roe, emails: [%s@example.com], signature_hash: sha256}
  organization: {ref: acme}
  order_validity: {years: 1}
`, name, name, name))
	f.push(dir, name)
}

func (f *fleet) env() map[string]string {
	return map[string]string{"DCSYNC_API_URL": f.api.URL + "/services/v2", "DCSYNC_API_KEY": "sandbox-key", "DCSYNC_RATE_LIMIT": "off",
		"DCSYNC_SETTLE": "0s", "GIT_CONFIG_GLOBAL": os.DevNull, "GIT_CONFIG_NOSYSTEM": "1"}
}

// apply runs apply --push in every clone at once, and wants all of them to end well.
func (f *fleet) apply(clones ...string) {
	f.t.Helper()
	env := f.env()
	var wg sync.WaitGroup
	for _, dir := range clones {
		wg.Go(func() {
			var out bytes.Buffer
			args := []string{"dcsync", "-C", dir, "apply", "--auto-approve", "--push", "--lock", "git", "--lock-timeout", "10m"}
			if got := Run(f.t.Context(), args, func(k string) (string, bool) { v, ok := env[k]; return v, ok }, Streams{In: strings.NewReader(""), Out: &out, Err: &out}); got != 0 {
				f.t.Errorf("%s: exit code %d\n%s", filepath.Base(dir), got, out.String())
			}
		})
	}
	wg.Wait()
}

// holds wants so many orders in the account, each asked for once, all of them in the branch's state, and the repository sound and
// unlocked.
func (f *fleet) holds(orders int) {
	f.t.Helper()
	seen := (&scene{t: f.t, api: f.api}).seen()
	if got := seen[placing]; got != orders {
		f.t.Errorf("the account was asked for an order %d times, want %d", got, orders)
	}
	if got := seen[organizing]; got != 1 {
		f.t.Errorf("the account was asked for an organization %d times, want 1", got)
	}
	landed, err := state.Decode("state", []byte(f.git(f.bare, "show", cmp.Or(f.ref, "main")+":dcsync.state.json")))
	if err != nil {
		f.t.Fatal(err)
	}
	if got := len(landed.Objects); got != orders+1 {
		f.t.Errorf("the branch's state has %d objects, want %d: %v", got, orders+1, landed.Addresses())
	}
	want := "refs/heads/main"
	if f.ref != "" {
		want = "refs/heads/" + f.ref + "\n" + want
	}
	if refs := f.git(f.bare, "for-each-ref", "--format=%(refname)"); refs != want {
		f.t.Errorf("references left on the remote: %s", refs)
	}
	f.git(f.bare, "fsck", "--strict")
}

// TestTwoAppliesAtOnce applies the same intent from two clones at the same moment.
func TestTwoAppliesAtOnce(t *testing.T) {
	t.Parallel()
	rounds := 3
	if os.Getenv("DCSYNC_SOAK") != "" {
		rounds = 50
	}
	onBothBranches(t, func(t *testing.T, ref string) {
		for n := range rounds {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				t.Parallel()
				f := newFleet(t, ref)
				f.order(filepath.Join(f.dir, "seed"), "a")
				f.apply(f.clone("one"), f.clone("two"))
				f.holds(1)
				f.apply(f.clone("later"))
				f.holds(1)
			})
		}
	})
}

// TestManyAppliers applies ten intents, each pushed after the one before, from ten clones at once: none knows of the ones after it,
// and none may take their work for removed.
func TestManyAppliers(t *testing.T) {
	if testing.Short() {
		t.Skip("half a minute: left out with -short")
	}
	t.Parallel()
	appliers := 10
	if os.Getenv("DCSYNC_SOAK") != "" {
		appliers = 50
	}
	onBothBranches(t, func(t *testing.T, ref string) {
		f := newFleet(t, ref)
		var clones []string
		for n := range appliers {
			dir := f.clone(fmt.Sprint(n))
			f.order(dir, "order-"+fmt.Sprint(n))
			clones = append(clones, dir)
		}
		f.apply(clones...)
		f.holds(appliers)
		f.apply(f.clone("later"))
		f.holds(appliers)
	})
}
