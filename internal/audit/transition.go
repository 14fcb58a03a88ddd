package audit

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"dcsync/internal/gitrepo"
	"dcsync/internal/resource"
	"dcsync/state"
)

// The history of the state file: what each commit that changed it says was done.

// replay holds the way from every version of the state file to the next.
type replay struct {
	commit *commit
	old    string // version of the branch before, "" for none
	blob   string // version of the commit, "" when it took the file away
	steps  []step // from each parent's version; the first is the branch's
	nth    int    // place of its events among those of the same second
}

// transitions replays the state file's history: entries for what was done, findings for what dcsync cannot have done.
func (a *auditor) transitions() {
	replays := a.replays()
	known := map[string]int{} // commits of the manifests' branch
	for _, c := range slices.Concat(a.commits, a.states) {
		if !c.apart {
			known[c.id] = c.nth
		}
	}
	for i := range replays {
		r := &replays[i]
		r.nth = r.commit.nth
		if r.commit.apart {
			r.nth = r.after(known)
			if i > 0 && replays[i-1].commit.when.Equal(r.commit.when) {
				r.nth = max(r.nth, replays[i-1].nth)
			}
		}
		a.report.Transitions += len(r.steps)
		a.events(r)
		a.check(r)
	}
	a.dropped(replays)
}

// after gives the place of the newest known commit that a version of the state was applied from, behind all others when it names none: a
// branch of the state's own has no order in common with that of the manifests.
func (r *replay) after(known map[string]int) int {
	out := -1
	for _, c := range r.steps[0].changed {
		if e := c.after.read(); e != nil {
			if nth, ok := known[e.Source.Commit]; ok {
				out = max(out, nth)
			}
		}
	}
	if out < 0 {
		return math.MaxInt
	}
	return out
}

// replays reads the versions, newest first as packs keep them, and gives the ways between them, oldest first.
func (a *auditor) replays() []replay {
	file := a.path(a.Project.StateFile)
	written := map[string][]int{} // version → places in states of the commits that made it, which may be several
	for i, c := range a.states {
		if id := c.change(file).New; id != "" {
			written[id] = append(written[id], i)
		}
	}
	known := map[string]*version{}
	var spare []byte // the bytes of a version that are no longer needed
	read := func(id, near string) *version {
		if v := known[id]; v != nil {
			return v
		}
		v := noVersion()
		if id != "" {
			data, ok := a.blob(spare, id, file)
			if spare = nil; ok {
				v = readVersion(data, known[near])
			} else {
				v = &version{problem: errNotHere}
			}
		}
		known[id] = v
		return v
	}
	// readable goes back over versions that cannot be read, as they followed each other before a place in states.
	readable := func(place int, id, near string) *version {
		for {
			v := read(id, near)
			if v.head != nil || v.problem == errNotHere {
				return v
			}
			n, _ := slices.BinarySearch(written[id], place)
			if n == 0 {
				return noVersion()
			}
			place = written[id][n-1]
			id = a.states[place].change(file).Old
		}
	}
	out := make([]replay, len(a.states))
	uses := map[string]int{} // how often a version is still needed
	for _, c := range a.states {
		ch := c.change(file)
		uses[ch.Old]++
		uses[ch.New]++
	}
	for i, c := range slices.Backward(a.states) {
		ch := c.change(file)
		r := replay{commit: c, old: ch.Old, blob: ch.New}
		after := read(ch.New, ch.Old)
		before := []*version{readable(i, ch.Old, ch.New)}
		for n := 1; n < len(c.parents) && !c.boundary; n++ {
			before = append(before, readable(i, a.at(c.parents[n], file), ch.New))
		}
		for _, b := range before {
			r.steps = append(r.steps, decoded(between(b, after)))
			after.seekTwice(r.steps[len(r.steps)-1].changed)
		}
		spare = after.release()
		out[i] = r
		for _, id := range []string{ch.Old, ch.New} {
			if uses[id]--; uses[id] <= 0 {
				delete(known, id)
			}
		}
	}
	return out
}

// decoded decodes the entries that differ.
func decoded(s step) step {
	for _, c := range s.changed {
		c.before.decode()
		c.after.decode()
	}
	return s
}

// errNotHere marks a version whose bytes this clone lacks; that is reported where it is read.
var errNotHere = fmt.Errorf("this clone lacks it")

func (c *commit) change(file string) gitrepo.Change {
	for _, ch := range c.changes {
		if ch.Path == file {
			return ch
		}
	}
	return gitrepo.Change{}
}

// events makes the entries of one commit: of addresses that differ from every parent's, as they follow the first that has them.
func (a *auditor) events(r *replay) {
	if r.commit.boundary || r.steps[0].after.head == nil {
		a.recordAll(r)
		return
	}
	moved := movedIn(r.steps[0])
	for _, c := range a.own(r) {
		before, after := c.before.read(), c.after.read()
		e := Entry{Address: c.address, At: r.commit.when, StateCommit: r.commit.id, Author: r.commit.author, Committer: r.commit.committer, Signature: r.commit.judged}
		if after == nil {
			if c.after != nil || before == nil {
				continue // what cannot be read is a finding
			}
			if _, ok := moved.to[c.address]; ok {
				continue // told at its new name
			}
			a.lost[c.address] = loss{before, r.commit}
			a.end(c.address.Kind, before.Identity.ID, r.commit.when, "")
			e.Event, e.OrderID, e.Commit, e.Serial = Forgotten, before.Identity.ID, before.Source.Commit, serialOf(before)
			a.entries = append(a.entries, placed{e, r.nth})
			continue
		}
		delete(a.lost, c.address)
		e.OrderID, e.Commit, e.Serial = after.Identity.ID, after.Source.Commit, serialOf(after)
		if from, ok := moved.from[c.address]; ok {
			before = moved.before[c.address]
			e.Event, e.Detail = Applied, "goes on from "+from.String()
			a.entries = append(a.entries, placed{e, r.nth})
			e.Detail = ""
		}
		a.record(c.address, after, r.commit)
		a.came(placed{e, r.nth}, before, after)
		a.weakKey(r, c.address, after)
	}
	for from, to := range moved.to {
		a.moved[from] = append(a.moved[from], rename{to, r.commit.when, len(a.entries)})
	}
}

// loss is a record that went out of the state.
type loss struct {
	entry  *state.Entry
	commit *commit
}

// came makes the entries of an address that the state holds.
func (a *auditor) came(e placed, before, after *state.Entry) {
	var old state.Entry
	if before != nil {
		old = *before
	}
	add := func(event Event, detail string) {
		e.Event, e.Detail = event, detail
		a.entries = append(a.entries, e)
		if r := a.order(e.Address.Kind, e.OrderID); e.Serial == "" {
			r.waiting = append(r.waiting, len(a.entries)-1)
		}
	}
	followed := after.Identity.ID != old.Identity.ID
	switch {
	case before == nil:
		add(Applied, generation(after))
	case followed:
		was := lastEnd(after, old.Identity.ID)
		switch {
		case was == "renewed":
			add(Renewed, "renews "+old.Identity.ID)
		case after.Identity.Generation != old.Identity.Generation:
			add(Applied, strings.TrimPrefix(generation(after)+", after "+old.Identity.ID, ", "))
		default:
			add(Applied, strings.TrimSuffix("after "+old.Identity.ID+", "+was, ", "))
		}
	case !sameRecord(before, after):
		add(Applied, "")
	}
	for _, t := range after.Identity.Tombstones {
		if slices.Contains(old.Identity.Tombstones, t) {
			continue
		}
		retired := e
		retired.Event, retired.OrderID, retired.Serial = Retired, t.ID, t.Serial
		retired.Detail = strings.TrimSuffix(t.Status+", "+t.Reason, ", ")
		a.entries = append(a.entries, retired)
		a.retire(e.Address.Kind, t, e.At)
	}
}

func generation(e *state.Entry) string {
	if e.Identity.Generation > 1 {
		return fmt.Sprintf("generation %d", e.Identity.Generation)
	}
	return ""
}

// lastEnd says how an earlier order of an entry ended, "" when the entry does not know it.
func lastEnd(e *state.Entry, id string) string {
	for _, was := range slices.Backward(e.Identity.Earlier) {
		if was.ID == id {
			return was.Ended
		}
	}
	return ""
}

// sameRecord tells whether two entries record the same deed: all but tombstones and what was observed.
func sameRecord(a, b *state.Entry) bool {
	return a.Identity.ID == b.Identity.ID && a.Source == b.Source && a.Applied.Protect == b.Applied.Protect && resource.Equal(a.Applied.Spec, b.Applied.Spec)
}

func serialOf(e *state.Entry) string { return resource.Text(e.Observed["serial_number"]) }

// own gives the changes of a commit that no parent's version holds already, against the first parent that knows the address.
func (a *auditor) own(r *replay) []change {
	if len(r.steps) == 1 {
		return r.steps[0].changed
	}
	var out []change
	for _, c := range r.steps[0].changed {
		differs := true
		for _, other := range r.steps[1:] {
			i := slices.IndexFunc(other.changed, func(o change) bool { return o.address == c.address })
			if i < 0 {
				differs = false
				break
			}
			if c.before == nil {
				c.before = other.changed[i].before
			}
		}
		if differs {
			out = append(out, c)
		}
	}
	return out
}

// moves are the addresses of one step that go on under another name: the same live object under a new one.
type moves struct {
	from, to map[resource.Address]resource.Address
	before   map[resource.Address]*state.Entry // by new name
}

func movedIn(s step) moves {
	m := moves{map[resource.Address]resource.Address{}, map[resource.Address]resource.Address{}, map[resource.Address]*state.Entry{}}
	gone := map[resource.Address]change{} // by kind and live id
	for _, c := range s.changed {
		if e := c.before.read(); c.after == nil && e != nil {
			gone[resource.Address{Kind: c.address.Kind, Name: e.Identity.ID}] = c
		}
	}
	for _, c := range s.changed {
		e := c.after.read()
		if c.before != nil || e == nil {
			continue
		}
		was, ok := gone[resource.Address{Kind: c.address.Kind, Name: e.Identity.ID}]
		if !ok {
			for _, earlier := range e.Identity.Earlier {
				if was, ok = gone[resource.Address{Kind: c.address.Kind, Name: earlier.ID}]; ok {
					break
				}
			}
		}
		if ok {
			m.from[c.address], m.to[was.address], m.before[c.address] = was.address, c.address, was.before.read()
		}
	}
	return m
}
