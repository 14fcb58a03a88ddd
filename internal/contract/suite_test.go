package contract

import (
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"dcsync/internal/sandbox"
)

// mark is how sure the source of a check is, by the words of the API facts.
type mark string

const (
	seed   mark = "seed"   // in DigiCert's documents at hand
	doc    mark = "doc"    // read in an official page
	client mark = "client" // seen in a public client or recording
	guess  mark = "guess"  // inferred; where the real service differs, it is right
)

// check is one promise of the API.
type check struct {
	name    string
	section string // of the API facts
	mark    mark
	run     func(*probe)
}

// TestSandbox holds the sandbox to every check; none may be skipped there.
func TestSandbox(t *testing.T) {
	t.Parallel()
	srv, err := sandbox.New(sandbox.Options{Seed: "demo", Keys: map[string]int{"all": 0, "view": 102, "orders": 100}})
	if err != nil {
		t.Fatal(err)
	}
	hs := httptest.NewServer(srv.Handler())
	t.Cleanup(hs.Close)
	p := &probe{T: t, base: hs.URL + "/services/v2", key: "all", viewKey: "view", ordersKey: "orders", strict: true}
	furnish(p)
	runAll(t, p, reads)
	runAll(t, p, writes)
}

// TestService runs the suite against a real service, when one is named.
func TestService(t *testing.T) {
	t.Parallel()
	url, key := os.Getenv("DCSYNC_CONTRACT_URL"), os.Getenv("DCSYNC_CONTRACT_KEY")
	if url == "" || key == "" {
		t.Skip("DCSYNC_CONTRACT_URL and DCSYNC_CONTRACT_KEY are not set: the suite runs against the sandbox only")
	}
	p := &probe{T: t, base: strings.TrimRight(url, "/"), key: key, viewKey: os.Getenv("DCSYNC_CONTRACT_VIEW_KEY"), ordersKey: os.Getenv("DCSYNC_CONTRACT_ORDERS_KEY")}
	runAll(t, p, reads)
	if os.Getenv("DCSYNC_CONTRACT_WRITES") == "yes" {
		runAll(t, p, writes)
	}
}

// runAll runs checks one after the other, as the service asks for.
func runAll(t *testing.T, p *probe, checks []check) {
	t.Helper()
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			one := *p
			one.T = t
			t.Cleanup(func() {
				switch {
				case t.Failed():
					t.Logf("the promise is from API facts, section %s [%s]", c.section, c.mark)
				case t.Skipped() && p.strict:
					t.Errorf("skipped on the sandbox")
				}
			})
			c.run(&one)
		})
	}
}

// TestTable: every check has its own name and says where it comes from.
func TestTable(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range append(append([]check{}, reads...), writes...) {
		if c.name == "" || c.section == "" || c.mark == "" || seen[c.name] {
			t.Errorf("check %q of section %q [%s] is incomplete or stands twice", c.name, c.section, c.mark)
		}
		seen[c.name] = true
	}
}
