package reconcile

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"dcsync/internal/resource"
)

// DigestOf gives "sha256:…" over what the changes do: by address, the action, generation, sequence, and each field's path and desired
// value. Reasons, times, live values and costs are not part of it, nor is anything secret.
func DigestOf(changes []*Change) string {
	type field struct {
		Path  resource.Path
		After resource.Value
	}
	type act struct {
		Address    string
		Action     resource.Action
		Generation int
		Sequence   int
		Fields     []field
	}
	var acts []act
	for _, c := range changes {
		if c.Action == resource.Noop {
			continue
		}
		a := act{Address: c.Address.String(), Action: c.Action, Generation: c.Generation, Sequence: c.Sequence}
		for _, f := range c.Fields {
			if f.Sensitive {
				f.After = nil
			}
			a.Fields = append(a.Fields, field{f.Path, f.After})
		}
		acts = append(acts, a)
	}
	slices.SortStableFunc(acts, func(x, y act) int {
		if x.Address != y.Address {
			if x.Address < y.Address {
				return -1
			}
			return 1
		}
		return x.Action.Risk() - y.Action.Risk()
	})
	data, err := json.Marshal(acts)
	if err != nil {
		panic("reconcile: a value tree that is no JSON: " + err.Error())
	}
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}
