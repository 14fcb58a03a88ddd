package cli

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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

	meet chan struct{} // orders wait in it for one of another run, for a second at most; nil: they do not
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
	box, err := sandbox.New(sandbox.Options{UniqueAlternativeIDs: true})
	if err != nil {
		t.Fatal(err)
	}
	f := &fleet{t: t, dir: t.TempDir(), ref: ref}
	f.api = httptest.NewServer(f.door(box.Handler()))
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

// door lets orders of two runs through at the same moment where the test wants them to meet.
func (f *fleet) door(api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.meet != nil && r.Method == http.MethodPost && strings.Contains(r.URL.Path, "/order/certificate/") {
			select {
			case f.meet <- struct{}{}:
			case <-f.meet:
			case <-time.After(time.Second):
			}
		}
		api.ServeHTTP(w, r)
	})
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
	for dir, end := range f.applyAll("git", "10m", clones...) {
		if end.code != 0 {
			f.t.Errorf("%s: exit code %d\n%s", filepath.Base(dir), end.code, end.said)
		}
	}
}

// ended is what became of a run.
type ended struct {
	code int
	said string
}

// applyAll runs apply --push in every clone at once, under a lock mode and with so much patience for a lock that is held.
func (f *fleet) applyAll(lock, patience string, clones ...string) map[string]ended {
	f.t.Helper()
	env := f.env()
	out := map[string]ended{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, dir := range clones {
		wg.Go(func() {
			var said bytes.Buffer
			args := []string{"dcsync", "-C", dir, "apply", "--auto-approve", "--push", "--lock", lock, "--lock-timeout", patience}
			code := Run(f.t.Context(), args, func(k string) (string, bool) { v, ok := env[k]; return v, ok }, Streams{In: strings.NewReader(""), Out: &said, Err: &said})
			mu.Lock()
			defer mu.Unlock()
			out[dir] = ended{code, said.String()}
		})
	}
	wg.Wait()
	return out
}

// holds wants so many orders in the account, each asked for once, all of them in the branch's state, and the repository sound and
// unlocked.
func (f *fleet) holds(orders int) {
	f.t.Helper()
	var stats struct {
		Requests map[string]int `json:"requests"`
	}
	s := &scene{t: f.t, api: f.api}
	s.get("/_sandbox/stats", &stats)
	if got := stats.Requests["POST /order/certificate/{product_name_id}"]; got != orders {
		f.t.Errorf("the account was asked for an order %d times, want %d", got, orders)
	}
	f.keeps(orders)
}

// asked gives how often the account was asked for an order.
func (f *fleet) asked() int {
	f.t.Helper()
	var stats struct {
		Requests map[string]int `json:"requests"`
	}
	(&scene{t: f.t, api: f.api}).get("/_sandbox/stats", &stats)
	return stats.Requests["POST /order/certificate/{product_name_id}"]
}

// keeps wants so many orders in the account and in the branch's state, however often they were asked for.
func (f *fleet) keeps(orders int) {
	f.t.Helper()
	var dump struct {
		Organizations []any `json:"organizations"`
		Orders        []any `json:"orders"`
	}
	(&scene{t: f.t, api: f.api}).get("/_sandbox/dump", &dump)
	if len(dump.Orders) != orders || len(dump.Organizations) != 1 {
		f.t.Errorf("the account has %d orders and %d organizations, want %d and 1", len(dump.Orders), len(dump.Organizations), orders)
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
				if n%2 == 0 {
					f.apply(f.clone("one"), f.clone("two"))
				} else { // without patience the loser, if there is one, leaves it to the other
					for dir, end := range f.applyAll("git", "0s", f.clone("one"), f.clone("two")) {
						if end.code != 0 && end.code != 7 {
							t.Errorf("%s: exit code %d\n%s", filepath.Base(dir), end.code, end.said)
						}
					}
				}
				f.holds(1)
				f.apply(f.clone("later"))
				f.holds(1)
			})
		}
	})
}

// TestTwoAppliesWithoutLock applies the same intents from two clones at once with nothing between them but the account's own option that
// alternative order ids are unique.
func TestTwoAppliesWithoutLock(t *testing.T) {
	t.Parallel()
	rounds := 3
	if os.Getenv("DCSYNC_SOAK") != "" {
		rounds = 50
	}
	var met atomic.Int32
	t.Cleanup(func() {
		t.Logf("in %d of %d rounds both runs asked for the same order", met.Load(), 2*rounds)
		if met.Load() == 0 {
			t.Error("the two never met")
		}
	})
	onBothBranches(t, func(t *testing.T, ref string) {
		for n := range rounds {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				t.Parallel()
				f := newFleet(t, ref)
				seed := filepath.Join(f.dir, "seed")
				f.apply(f.clone("before")) // organizations carry no key of their own
				f.git(seed, "pull", "-q", "--ff-only", "origin", "main")
				f.order(seed, "a")
				f.order(seed, "b")
				one, two := f.clone("one"), f.clone("two")
				f.meet = make(chan struct{})
				for dir, end := range f.applyAll("none", "0s", one, two) {
					if end.code != 0 {
						t.Errorf("%s: exit code %d\n%s", filepath.Base(dir), end.code, end.said)
					}
				}
				if n := f.asked(); n > 2 {
					met.Add(1)
				}
				f.keeps(2)
				f.apply(f.clone("later"))
				f.keeps(2)
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
