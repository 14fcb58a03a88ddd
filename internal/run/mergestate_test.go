package run_test

import (
	"bytes"
	"testing"
	"time"

	"dcsync/internal/resource"
	"dcsync/internal/run"
	"dcsync/state"
)

// A merged state is the one it follows, byte by byte, or a later one: an audit takes a file that changed under one serial for edited.
func TestMergeStateIsLater(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	file := func(serial int, seen time.Time, status string) []byte {
		f := state.New(modelUID)
		f.Serial = serial
		f.Objects[resource.Address{Kind: "Order", Name: "a"}] = &state.Entry{Identity: state.Identity{ID: "1", Origin: "a", Generation: 1}, SeenAt: seen,
			Applied: state.Applied{Spec: resource.Map{}, Generation: 1}, Observed: resource.Map{"status": resource.String(status)}}
		data, err := state.Encode(f)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	base, early, late := file(1, at, "pending"), file(2, at.Add(time.Hour), "issued"), file(2, at.Add(2*time.Hour), "issued")
	for name, tt := range map[string]struct {
		ours, theirs []byte
		serial       int // 0: theirs as it is
	}{
		"ours saw it later":   {late, early, 3},
		"theirs saw it later": {early, late, 0},
		"both the same":       {late, late, 0},
		"nothing of ours":     {base, late, 0},
		"nothing of theirs":   {late, base, 2},
	} {
		merged, err := run.MergeState("state", base, tt.ours, tt.theirs)
		if err != nil {
			t.Fatal(err)
		}
		f, err := state.Decode("state", merged)
		switch {
		case err != nil:
			t.Fatal(err)
		case tt.serial == 0 && !bytes.Equal(merged, tt.theirs), tt.serial != 0 && f.Serial != tt.serial:
			t.Errorf("%s: serial %d\n%s", name, f.Serial, merged)
		}
	}
}
