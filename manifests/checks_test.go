package manifests

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dcsync/schema"
)

// Every check the tables name is there, and none that no table names.
func TestChecksAreThoseOfTheTables(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(schema.CheckNames(), slices.Sorted(maps.Keys(checks(time.Time{})))); diff != "" {
		t.Errorf("checks (-tables +here):\n%s", diff)
	}
}
