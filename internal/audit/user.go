package audit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"dcsync/internal/diag"
	"dcsync/state"
)

// Whose key the state was applied with. What that user may see decides what "not there" means to the next run (domain rules, section 11),
// so a run goes over to another one only when it is told --accept-key-change. Container and role are written as the key has them. None of
// it leaves a mark elsewhere in the state, so what tells a hand from a run is the commit: one that carries no trailers of a run. It may
// record a run all the same, committed by hand, so this is no error.

// anotherUser reports a commit that no run made and that gave the state another user or container than any side had that it goes on from.
func (a *auditor) anotherUser(r *replay) {
	after := r.steps[0].after
	if r.commit.boundary || after.head == nil || after.head.Account == nil {
		return
	}
	is, first := after.head.Account, a.users[r.old]
	var was *state.Account
	for _, s := range r.steps {
		before := s.before.head
		if before == nil || before.Account == nil || sameUser(before.Account, is) {
			if first != nil {
				a.users[r.blob] = first
			}
			return // nothing to compare with, or as it was
		}
		was = cmp.Or(was, before.Account)
	}
	if r.commit.dcsync || first != nil && sameUser(first, is) {
		return // a run's own, or back to what it was before such a commit
	}
	a.users[r.blob] = cmp.Or(first, was)
	f := Finding{Code: diag.AuditStateEdited, Severity: diag.Note, At: r.commit.when,
		Summary: fmt.Sprintf("commit %s, which carries no trailers of a run, changed in the state %s", short(r.commit.id), userChanges(was, is)),
		Hint:    "a run writes what belongs to its key; ask who committed it whether one did, else restore what the version before says",
		Evidence: []Evidence{{EvidenceState, r.commit.id}, {EvidenceFile, a.path(a.Project.StateFile)},
			{EvidenceText, "committer " + r.commit.committer.String()}}}
	if !sameSight(was, is) {
		f.Severity = diag.Warning
		f.Hint = "a run does so only when it is told --accept-key-change; ask who committed it whether one was, else restore what the version before says"
	}
	a.add(f)
}

// sameSight tells whether two versions name the same user, who sees the same.
func sameSight(a, b *state.Account) bool {
	return a.User.ID == b.User.ID && slices.Equal(a.User.Sees, b.User.Sees)
}

func sameUser(a, b *state.Account) bool {
	return sameSight(a, b) && a.ContainerID == b.ContainerID && a.User.RoleID == b.User.RoleID
}

func userChanges(was, is *state.Account) string {
	var out []string
	add := func(what string, was, is any) {
		if x, y := fmt.Sprint(was), fmt.Sprint(is); x != y {
			out = append(out, fmt.Sprintf("%s from %s to %s", what, x, y))
		}
	}
	add("the container", was.ContainerID, is.ContainerID)
	add("the user whose key it was applied with", was.User.ID, is.User.ID)
	add("that user's role", was.User.RoleID, is.User.RoleID)
	add("the containers that user is limited to", was.User.Sees, is.User.Sees)
	return strings.Join(out, ", ")
}
