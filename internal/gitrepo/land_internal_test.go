package gitrepo

import (
	"testing"
	"time"
)

// Where a push takes long, those who lost together need more room.
func TestSpread(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		attempt    int
		took, want time.Duration
	}{
		{1, 0, 200 * time.Millisecond},
		{1, 200 * time.Millisecond, 200 * time.Millisecond},
		{7, 10 * time.Millisecond, 12800 * time.Millisecond},
		{9, 10 * time.Millisecond, 12800 * time.Millisecond},
		{1, 3 * time.Second, 3 * time.Second},
		{4, 3 * time.Second, 24 * time.Second},
		{9, 3 * time.Second, maxPause},
		{9, time.Hour, maxPause},
	} {
		if got := spread(tc.attempt, tc.took); got != tc.want {
			t.Errorf("attempt %d that took %s: %s, want %s", tc.attempt, tc.took, got, tc.want)
		}
	}
}
