package gitrepo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Holder says who has a lock. It is the message of the commit the lock's ref points at.
type Holder struct {
	Owner string    `json:"owner"` // a person, machine or CI job, for people to read
	Run   string    `json:"run"`   // names this one run
	Since time.Time `json:"since"`
	Until time.Time `json:"until"` // the lease's end; a renewal moves it
	Nonce string    `json:"nonce"` // another for each renewal, so that no two runs ever push one and the same commit

	Commit string `json:"-"` // what the ref points at, for Break
}

// parseHolder reads a lock's message. A lock that cannot be read is held all the same, by an unknown holder and without an end.
func parseHolder(message []byte) (Holder, error) {
	var h Holder
	dec := json.NewDecoder(bytes.NewReader(message))
	if err := dec.Decode(&h); err != nil {
		return Holder{}, fmt.Errorf("read lock: %w", err)
	}
	if dec.More() {
		return Holder{}, errors.New("read lock: more than one message")
	}
	if h.Owner == "" || h.Until.IsZero() || h.Until.Before(h.Since) {
		return Holder{}, errors.New("read lock: it names no owner or no end")
	}
	return h, nil
}

func (h Holder) message() ([]byte, error) {
	h.Since, h.Until = h.Since.UTC().Truncate(time.Second), h.Until.UTC().Truncate(time.Second)
	data, err := json.Marshal(h)
	return append(data, '\n'), err
}

// LockedError says who has the lock. It is ErrLocked.
type LockedError struct {
	Ref    string
	Holder Holder
}

// Error names the holder.
func (e *LockedError) Error() string {
	if e.Holder.Owner == "" {
		return fmt.Sprintf("%s is held by an unknown run", e.Ref)
	}
	return fmt.Sprintf("%s is held by %s, run %s, since %s, until %s", e.Ref, e.Holder.Owner, e.Holder.Run,
		e.Holder.Since.UTC().Format(time.RFC3339), e.Holder.Until.UTC().Format(time.RFC3339))
}

// Is makes errors.Is(err, ErrLocked) true.
func (e *LockedError) Is(target error) bool { return target == ErrLocked }
