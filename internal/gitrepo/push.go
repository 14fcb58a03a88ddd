package gitrepo

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/storer"
)

// command moves one ref of the remote from old to new; zero stands for "no such ref".
type command struct {
	ref      plumbing.ReferenceName
	old, new plumbing.Hash
}

// pushable asks as one who is about to push, which needs more rights than reading, and tells whether two refs can move as one.
func (r *remote) pushable(ctx context.Context) (now tips, atomic bool, err error) {
	s, err := r.push.via.NewReceivePackSession(r.push.Endpoint, r.push.auth)
	if err != nil {
		return nil, false, r.fail("push to", r.push, err)
	}
	defer func() { _ = s.Close() }()
	adv, err := s.AdvertisedReferencesContext(ctx)
	if err != nil {
		return nil, false, r.fail("push to", r.push, err)
	}
	return tipsOf(adv), adv.Capabilities.Supports(capability.Atomic), nil
}

// swap moves refs, all or none of them. A ref that was not where it should be gives *movedError, a refusal *RejectedError. When
// the answer is lost on the way, the remote is asked where its refs are now, so a nil error means that they moved.
func (r *remote) swap(ctx context.Context, cmds []command, from storer.EncodedObjectStorer, ids []plumbing.Hash) error {
	reasons, note, err := r.send(ctx, cmds, from, ids)
	var moved *movedError
	if err == nil && len(reasons) == 0 || errors.As(err, &moved) || errors.Is(err, ErrAuth) || errors.Is(err, ErrNoAtomic) {
		return err
	}
	// Also after a cancellation: whether the refs moved must be known.
	ask, stop := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer stop()
	now, err2 := r.tips(ask)
	if err2 != nil {
		return cmp.Or(err, err2)
	}
	if !slices.ContainsFunc(cmds, func(c command) bool { return now[c.ref] != c.new }) {
		return nil
	}
	for _, c := range cmds {
		if now[c.ref] != c.old {
			return &movedError{ref: c.ref, at: now[c.ref]}
		}
	}
	if err != nil {
		return err
	}
	for _, c := range cmds {
		reason := reasons[c.ref]
		if reason == "" || strings.Contains(reason, "atomic") && len(reasons) > 1 {
			continue // it only went down with the other
		}
		if contended(reason) {
			return &movedError{ref: c.ref, at: c.old, busy: true}
		}
		return &RejectedError{Ref: string(c.ref), Reason: r.scrub(reason), Note: r.scrub(note), Hint: hintFor(c.ref)}
	}
	return &movedError{ref: cmds[0].ref, at: cmds[0].old, busy: true}
}

// contended tells whether a server's reason says that the ref is being written by another push, or moved just now.
func contended(reason string) bool {
	reason = strings.ToLower(reason)
	for _, word := range []string{"failed to update ref", "failed to lock", "cannot lock", "unable to lock", "already exists", "incorrect old value",
		"fetch first", "non-fast-forward", "stale info", "atomic"} {
		if strings.Contains(reason, word) {
			return true
		}
	}
	return false
}

func hintFor(ref plumbing.ReferenceName) string {
	if ref.IsBranch() {
		return "let this identity push to the branch, or keep state on a branch of its own with spec.state.ref"
	}
	return "this host may take branches only: name one, such as refs/heads/dcsync-lock"
}

// send makes one push. reasons holds what the server said of the commands that it refused, note what it wrote beside.
func (r *remote) send(ctx context.Context, cmds []command, from storer.EncodedObjectStorer, ids []plumbing.Hash) (reasons map[plumbing.ReferenceName]string, note string, err error) {
	s, err := r.push.via.NewReceivePackSession(r.push.Endpoint, r.push.auth)
	if err != nil {
		return nil, "", r.fail("push to", r.push, err)
	}
	defer func() { _ = s.Close() }()
	adv, err := s.AdvertisedReferencesContext(ctx)
	if err != nil {
		return nil, "", r.fail("push to", r.push, err)
	}
	now := tipsOf(adv)
	req := packp.NewReferenceUpdateRequestFromCapabilities(adv.Capabilities)
	for _, c := range cmds {
		if now[c.ref] != c.old {
			return nil, "", &movedError{ref: c.ref, at: now[c.ref]}
		}
		req.Commands = append(req.Commands, &packp.Command{Name: c.ref, Old: c.old, New: c.new})
	}
	if len(cmds) > 1 {
		if !adv.Capabilities.Supports(capability.Atomic) {
			return nil, "", fmt.Errorf("push to %s: %w", bare(r.push.Endpoint), ErrNoAtomic)
		}
		_ = req.Capabilities.Set(capability.Atomic)
	}
	var notes bytes.Buffer
	if adv.Capabilities.Supports(capability.Sideband64k) {
		_ = req.Capabilities.Set(capability.Sideband64k)
		req.Progress = &notes
	}
	if len(ids) > 0 {
		var pack bytes.Buffer
		if _, err := packfile.NewEncoder(&pack, from, false).Encode(ids, 0); err != nil {
			return nil, "", fmt.Errorf("write git pack: %w", err)
		}
		req.Packfile = pipe{&pack}
	}
	report, err := s.ReceivePack(ctx, req)
	if report == nil {
		return nil, "", r.fail("push to", r.push, cmp.Or(err, errors.New("no answer")))
	}
	reasons = map[plumbing.ReferenceName]string{}
	for _, c := range report.CommandStatuses {
		if c.Status != "ok" {
			reasons[c.ReferenceName] = c.Status
		}
	}
	if report.UnpackStatus != "ok" {
		for _, c := range cmds {
			reasons[c.ref] = cmp.Or(reasons[c.ref], "unpack "+report.UnpackStatus)
		}
	}
	if err != nil && len(reasons) == 0 {
		return nil, "", r.fail("push to", r.push, err)
	}
	return reasons, remarks(notes.String()), nil
}

// pipe is a buffer that go-git may close.
type pipe struct{ *bytes.Buffer }

func (pipe) Close() error { return nil }

// remarks keeps what a server wrote beside its answer, without the lines git itself writes.
func remarks(notes string) string {
	var out []string
	for line := range strings.FieldsFuncSeq(notes, func(c rune) bool { return c == '\n' || c == '\r' }) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "error: cannot lock ref") || strings.HasPrefix(line, "Resolving deltas") ||
			strings.HasPrefix(line, "Processing changes") {
			continue
		}
		out = append(out, line)
	}
	note := strings.Join(out, " ")
	if len(note) > 400 {
		note = strings.ToValidUTF8(note[:400], "") + "…"
	}
	return note
}
