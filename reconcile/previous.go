package reconcile

import (
	"fmt"
	"slices"
	"strings"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
	"dcsync/state"
)

// What `retire: {target: previous}` names: the newest earlier order that ever stood. It moves on with each order that follows, while consent is
// for one order:
//
//	880001 ──renewed──▶ 880002                          previous is 880001: it is ended
//	revoked             issued
//
//	880001 ──renewed──▶ 880002 ──renewed──▶ 880003      previous is 880002: the block is spent, and nothing is ended
//	revoked             issued              issued

// Why an order is an earlier one although it lives on.
const (
	endedRenewed  = "renewed"
	endedReplaced = "replaced"
)

// neverIssued are the statuses of an order that ended before it had a certificate.
var neverIssued = []string{"rejected", "denied", "canceled"}

// neverStood tells whether an earlier order had ended without a certificate by the time another one followed it.
func neverStood(was state.Earlier) bool { return slices.Contains(neverIssued, was.Ended) }

// previous gives the place among the earlier orders of the one that target: previous names, -1 for none.
func previous(e *state.Entry) int {
	for i, was := range slices.Backward(e.Identity.Earlier) {
		if !neverStood(was) {
			return i
		}
	}
	return -1
}

// before gives the earlier orders whose end means that a target: previous was carried out for them: those of the same generation that came before
// the one it names now, and the one that still lived when that generation began. The newest is first.
func before(e *state.Entry) []state.Earlier {
	i := previous(e)
	var out []state.Earlier
	for _, was := range slices.Backward(e.Identity.Earlier[:max(i, 0)]) {
		switch {
		case was.Generation == e.Identity.Earlier[i].Generation:
			out = append(out, was)
		case neverStood(was):
		case was.Ended == endedRenewed || was.Ended == endedReplaced:
			return append(out, was)
		default:
			return out
		}
	}
	return out
}

// usedUp gives the order for which a target: previous was carried out before, "" where it is not spent, and whether state remembers that. shown
// gives what the account shows of an order, nil where that is not known.
func usedUp(r *resource.Retire, e *state.Entry, shown func(id string) *resource.Live) (id string, remembered bool) {
	if r.Target != targetPrevious {
		return "", false
	}
	for _, was := range before(e) {
		if hasTombstone(e, was.ID, "") {
			return was.ID, true
		}
		if endedOnDemand(r, shown(was.ID)) {
			return was.ID, false
		}
	}
	return "", false
}

// doubtful gives the orders of which only a single read shows whether a target: previous was carried out for them: a revocation of them may wait
// for approval, or have been rejected.
func (b *builder) doubtful(o *resource.Object, entry *state.Entry) []Key {
	var out []Key
	if id, _ := usedUp(o.Retire, entry, b.shown(o)); o.Retire.Target != targetPrevious || id != "" {
		return nil
	}
	for _, was := range before(entry) {
		if live := b.shown(o)(was.ID); live != nil && live.Phase != resource.Ended {
			out = append(out, Key{o.Address.Kind, was.ID})
		}
	}
	return out
}

// endedOnDemand tells whether an order was ended by somebody, or a block's words have asked for that.
func endedOnDemand(r *resource.Retire, live *resource.Live) bool {
	switch {
	case live == nil:
		return false
	case live.Phase == resource.Ended:
		return live.Status == statusRevoked || slices.Contains(neverIssued, live.Status)
	}
	return live.Revoking || rejectedRevocation(r, live) != ""
}

// shown gives what the account shows of a manifest's orders.
func (b *builder) shown(o *resource.Object) func(id string) *resource.Live {
	return func(id string) *resource.Live {
		if b.in.Live == nil {
			return nil
		}
		return b.in.Live.deepest(Key{o.Address.Kind, id})
	}
}

// ended tells whether an order of a manifest is known to have ended.
func (b *builder) ended(o *resource.Object, entry *state.Entry, id string) bool {
	live := b.shown(o)(id)
	return hasTombstone(entry, id, "") || live != nil && live.Phase == resource.Ended
}

// warnSpent says that a block was carried out already, and does not end the order that it would name now.
func (b *builder) warnSpent(p *Plan, o *resource.Object, entry *state.Entry) {
	id, remembered := usedUp(o.Retire, entry, b.shown(o))
	if id == "" {
		return
	}
	now := entry.Identity.Earlier[previous(entry)].ID
	if b.ended(o, entry, now) {
		return
	}
	why := fmt.Sprintf("retire: previous was carried out for order %s", id)
	if !remembered {
		why = fmt.Sprintf("retire: previous ends one order, and order %s, an earlier one, was ended already or is asked to be", id)
	}
	p.Findings.Add(diag.Diagnostic{Severity: diag.Warning, Code: diag.RetireSpent, Address: o.Address.String(), Pos: o.Pos(""),
		Summary: why, Hint: fmt.Sprintf("to end order %s too, name it: target: %s; else take retire away", now, now)})
}

// sayAhead adds to the change that places another order which one target: previous ends as soon as that is issued. changes are those of one object.
func (b *builder) sayAhead(changes []*Change, o *resource.Object, entry *state.Entry) {
	if o.Retire == nil || o.Retire.Target != targetPrevious || slices.ContainsFunc(changes, func(c *Change) bool { return c.named }) {
		return
	}
	after := entry.Clone()
	was := state.Earlier{ID: entry.Identity.ID, Generation: entry.Identity.Generation, Sequence: entry.Identity.Sequence, Ended: endedRenewed}
	if live := b.shown(o)(was.ID); live != nil && live.Phase == resource.Ended {
		was.Ended = live.Status
	}
	after.Identity.Earlier = append(after.Identity.Earlier, was)
	i := previous(after)
	if i < 0 {
		return
	}
	id := after.Identity.Earlier[i].ID
	if spent, _ := usedUp(o.Retire, after, b.shown(o)); spent != "" || b.ended(o, entry, id) {
		return
	}
	for _, c := range changes {
		if c.Action.Orders() {
			c.Reason += fmt.Sprintf("; retire: previous then ends order %s, when the new one is issued", id)
		}
	}
}

// rejectedRevocation gives the request for a revocation that people rejected and that a block asked for in the same words, "" for none. Where the
// account does not show the words, they count as the same.
func rejectedRevocation(r *resource.Retire, live *resource.Live) string {
	for _, q := range slices.Backward(live.Requests) {
		words := strings.TrimSpace(q.Comments)
		if q.Type == "revoke" && q.Status == "rejected" && (words == "" || words == strings.TrimSpace(r.Comments)) {
			return q.ID
		}
	}
	return ""
}

// approvedRevocation tells whether people approved that a single certificate of an order is revoked: an order shows that of its present one by
// the request alone, which does not say which certificate it is about. Of those with the words of the manifest each that is known to have ended
// had one.
func approvedRevocation(r *resource.Retire, e *state.Entry, live *resource.Live, serial string) bool {
	words, approved := strings.TrimSpace(r.Comments), 0
	for _, q := range live.Requests {
		if q.Type == "revoke" && q.Status == "approved" && words != "" && strings.TrimSpace(q.Comments) == words {
			approved++
		}
	}
	for _, t := range e.Identity.Tombstones {
		if t.ID == live.ID && t.Serial != "" && !strings.EqualFold(t.Serial, serial) {
			approved--
		}
	}
	return approved > 0
}

// rejected says why a revocation is not asked for once more.
func rejected(id string, r *resource.Retire, live *resource.Live) (reason, hint string) {
	request := rejectedRevocation(r, live)
	hint = "take retire away; to ask again, say in its comments what has changed"
	if !slices.ContainsFunc(live.Requests, func(q resource.Request) bool { return q.ID == request && strings.TrimSpace(q.Comments) != "" }) {
		hint = "take retire away, or have it revoked in the console"
	}
	return fmt.Sprintf("the revocation of order %s was rejected (request %s)", id, request), hint
}
