package reconcile

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/resource"
	"dcsync/state"
)

// What a reissue or revocation takes with it is named also where no serial number is known.
func TestDyingWithoutSerial(t *testing.T) {
	t.Parallel()
	entry := &state.Entry{Identity: state.Identity{ID: "880003"}, Observed: resource.Map{}}
	for name, tc := range map[string]struct {
		live *resource.Live
		want []string
	}{
		"not looked at":  {nil, []string{"the certificates of order 880003"}},
		"by its id":      {&resource.Live{ID: "880003", Certificates: []resource.Certificate{{ID: "5", CommonName: "a.example"}}}, []string{"certificate with id 5 of a.example"}},
		"by its name":    {&resource.Live{ID: "880003", Certificates: []resource.Certificate{{Kind: "duplicate", CommonName: "a.example"}}}, []string{"duplicate of a.example"}},
		"none is listed": {&resource.Live{ID: "880003"}, []string{"the certificates of order 880003"}},
	} {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(tc.want, dying(tc.live, entry, time.Time{})); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
	entry.Observed["serial_number"] = resource.String("0A")
	if d := cmp.Diff([]string{"certificate 0A"}, dying(nil, entry, time.Time{})); d != "" {
		t.Errorf("offline (-want +got)\n%s", d)
	}
}
