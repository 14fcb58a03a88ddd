package audit

import (
	"fmt"

	"dcsync/internal/diag"
)

// dropped reports versions that no later one goes on from: a merge that took the other side's file whole.
func (a *auditor) dropped(replays []replay) {
	file := a.path(a.Project.StateFile)
	uses := map[string]int{a.stateBlob: 1}
	made := map[string]*replay{} // by version, who made it first
	for i := range replays {
		r := &replays[i]
		if made[r.blob] == nil {
			made[r.blob] = r
		}
		uses[r.commit.change(file).Old]++
		for n := 1; n < len(r.commit.parents) && !r.commit.boundary; n++ {
			uses[a.at(r.commit.parents[n], file)]++
		}
	}
	for i := range replays {
		r := &replays[i]
		if r.blob == "" || uses[r.blob] > 0 {
			continue
		}
		why := "a merge dropped it"
		if r.commit.apart {
			why = "what came after did not go on from it"
		}
		first := r // of the versions that were dropped with it
		for range replays {
			before := made[first.old]
			if before == nil || uses[before.blob] != 1 {
				break
			}
			first = before
		}
		a.add(Finding{Code: diag.AuditStateEdited, Severity: diag.Error, At: r.commit.when,
			Summary:  "what commit " + short(r.commit.id) + " recorded in the state is in no later version: " + why,
			Hint:     a.bringBack(r, made[first.old]),
			Evidence: []Evidence{{EvidenceState, r.commit.id}, {EvidenceFile, file}}})
	}
}

// bringBack says what to do about entries that were dropped since a version, nil for none. The next apply takes orders over by their keys
// (domain rules, section 2); what else was recorded of them comes back only by a merge.
func (a *auditor) bringBack(r, since *replay) string {
	const byKeys = "run dcsync apply, which finds orders by their keys and takes them over"
	if a.Project.StateRef != "" {
		return byKeys
	}
	file := a.path(a.Project.StateFile)
	base := ":" // an empty file
	if since != nil {
		base = fmt.Sprintf("git show %s:%s", short(since.commit.id), a.then(since.commit.id, file))
	}
	return fmt.Sprintf("%s; before that, for whatever else was recorded: %s > base, git show %s:%s > theirs, dcsync state merge base %s theirs; "+
		"to keep it from happening again set up dcsync's merge driver, see dcsync help state", byKeys, base, short(r.commit.id), a.then(r.commit.id, file), a.Project.StateFile)
}
