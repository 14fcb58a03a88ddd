package audit

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
	"dcsync/reconcile"
	"dcsync/state"
)

// What dcsync cannot have done to the state file. One commit may hold several runs, so each rule is one that stays true over any number
// of them: numbers only rise, what ended stays ended, an id gives way only to a later one that remembers it.

// check reports what is wrong with one version as its parents' successor.
func (a *auditor) check(r *replay) {
	after := r.steps[0].after
	switch {
	case r.blob == "":
		if !r.commit.boundary {
			a.edited(r, resource.Address{}, []string{"the state file was removed"}, nil)
		}
		return
	case after.problem == errNotHere:
		return
	case after.head == nil:
		a.add(Finding{Code: diag.AuditStateInvalid, Severity: diag.Error, At: r.commit.when,
			Summary:  fmt.Sprintf("the state of commit %s cannot be read: %s", short(r.commit.id), plain(after.problem)),
			Hint:     "find out who committed it; the versions before and after are compared with each other",
			Evidence: []Evidence{{EvidenceState, r.commit.id}, {EvidenceFile, a.path(a.Project.StateFile)}}})
		return
	}
	a.anotherUser(r)
	a.lineEnds(r)
	whole, entries := a.impossible(r)
	if base := a.suspect[r.old]; base != nil && len(whole)+len(entries) > 0 && len(r.steps) == 1 {
		// What went before was edited: to go on from the version before that, or to go back to it, is right too.
		fromBase := replay{commit: r.commit, blob: r.blob, steps: []step{decoded(between(base, after))}}
		w, e := a.impossible(&fromBase)
		if len(w) == 0 {
			whole = nil
		}
		for address := range entries {
			if e[address] == nil {
				delete(entries, address)
			}
		}
	}
	if !r.commit.boundary {
		moved := movedIn(r.steps[0])
		for _, c := range a.own(r) {
			if c.after.read() == nil {
				continue
			}
			if why := a.recorded(r, c, moved); len(why) > 0 {
				entries[c.address] = append(entries[c.address], why...)
			}
		}
	}
	if len(whole)+len(entries) > 0 {
		if a.suspect[r.blob] = a.suspect[r.old]; a.suspect[r.blob] == nil {
			a.suspect[r.blob] = r.steps[0].before
		}
	}
	for _, address := range slices.SortedFunc(maps.Keys(entries), resource.Address.Compare) {
		e := after.find(address).read()
		a.edited(r, address, unique(append(entries[address], whole...)), e)
	}
	if len(whole) > 0 && len(entries) == 0 {
		a.edited(r, resource.Address{}, whole, nil)
	}
}

// impossible gives what in a version cannot follow from its parents': of the file, and by address.
func (a *auditor) impossible(r *replay) (whole []string, entries map[resource.Address][]string) {
	after := r.steps[0].after
	whole, entries = a.headReasons(r), map[resource.Address][]string{}
	add := func(address resource.Address, why ...string) {
		if len(why) > 0 {
			entries[address] = append(entries[address], why...)
		}
	}
	mine := a.own(r)
	for _, c := range mine {
		if len(r.steps) > 1 && !r.commit.boundary {
			add(c.address, "it is that of neither side of the merge")
		}
		if c.after == nil {
			continue
		}
		e := c.after.read()
		if e == nil {
			add(c.address, "its entry cannot be read: "+plain(c.after.problem))
			continue
		}
		if c.after.odd {
			whole = append(whole, "its bytes are not those dcsync writes")
		}
		add(c.address, a.standing(after, c.address, e)...)
	}
	if r.commit.boundary {
		return unique(whole), entries
	}
	for n, s := range r.steps {
		moved := movedIn(s)
		for _, c := range s.changed {
			switch {
			case len(r.steps) > 1 && !slices.ContainsFunc(mine, func(m change) bool { return m.address == c.address }):
				add(c.address, a.kept(c)...)
			case n == 0 || c.before != nil:
				add(c.address, a.follows(c, moved, s.skips())...)
			}
		}
	}
	return unique(whole), entries
}

// headReasons looks at what belongs to no address.
func (a *auditor) headReasons(r *replay) []string {
	var why []string
	after := r.steps[0].after
	if !after.canonical {
		why = append(why, "its bytes are not those dcsync writes")
	}
	if after.head.Lineage != a.Project.UID {
		why = append(why, fmt.Sprintf("it belongs to project %s, not to %s", after.head.Lineage, a.Project.UID))
	}
	if r.commit.boundary {
		return why
	}
	for _, s := range r.steps {
		before := s.before.head
		if before == nil || before.Serial == 0 && before.Lineage == "" {
			continue // the file begins here
		}
		if was := before.Lineage; was != after.head.Lineage && after.head.Lineage == a.Project.UID {
			continue // put right
		}
		switch {
		case after.head.Serial < before.Serial:
			why = append(why, fmt.Sprintf("its serial went back from %d to %d", before.Serial, after.head.Serial))
		case after.head.Serial == before.Serial && len(r.steps) == 1 && (len(s.changed) > 0 || !reflect.DeepEqual(before.Account, after.head.Account) ||
			!maps.Equal(before.Compromised, after.head.Compromised)):
			why = append(why, fmt.Sprintf("its serial stayed at %d while it changed", before.Serial))
		}
		why = append(why, accountReasons(before.Account, after.head.Account)...)
		if before.Lineage == after.head.Lineage {
			why = append(why, trusted(s)...)
		}
	}
	return why
}

// trusted tells which compromised keys are no longer known: they stay when their address is forgotten.
func trusted(s step) []string {
	known := maps.Clone(s.before.head.Compromised)
	if known == nil {
		known = map[string]string{}
	}
	for _, c := range s.changed {
		if e := c.before.read(); e != nil && c.after == nil {
			for _, t := range e.Identity.Tombstones {
				known[t.Key] = t.ID
			}
		}
	}
	delete(known, "") // most tombstones hold none
	var why []string
	for _, key := range slices.Sorted(maps.Keys(known)) {
		if !s.after.distrusts(key) {
			why = append(why, "it no longer remembers that the key of order "+known[key]+" was compromised")
		}
	}
	return why
}

func accountReasons(before, after *state.Account) []string {
	switch {
	case before == nil:
	case after == nil:
		return []string{"it no longer says which account it belongs to"}
	case before.ID != after.ID:
		return []string{fmt.Sprintf("its account changed from %d to %d", before.ID, after.ID)}
	case before.APIURL != after.APIURL:
		return []string{fmt.Sprintf("its API address changed from %s to %s", before.APIURL, after.APIURL)}
	}
	return nil
}

// standing looks at one entry by itself and among its neighbours.
func (a *auditor) standing(v *version, address resource.Address, e *state.Entry) []string {
	var why []string
	id := e.Identity
	for _, other := range v.twice[address] {
		why = append(why, fmt.Sprintf("%s owns %s too", other, id.ID))
	}
	if id.Generation < 1 || id.Sequence < 0 {
		why = append(why, fmt.Sprintf("generation %d, sequence %d is no place in a life", id.Generation, id.Sequence))
	}
	if e.Applied.Generation != id.Generation {
		why = append(why, fmt.Sprintf("it was applied as generation %d and owns an order of generation %d", e.Applied.Generation, id.Generation))
	}
	if acc := v.head.Account; acc != nil && !reconcile.NonceFits(acc.ID, v.head.Lineage, address.Kind, id) {
		why = append(why, "its key is one of this project, but not that of its name, generation and sequence")
	}
	return why
}

// kept looks at an entry that a merge took from another side: what was known on this one must not be lost.
func (a *auditor) kept(c change) []string {
	before, after := c.before.read(), c.after.read()
	if before == nil || after == nil {
		return nil
	}
	return append(fallen(before, after), lost(before, after)...)
}

// follows looks at one entry as the successor of the one before. With skipped runs it may have been forgotten and found again in between, and
// what is found again begins with what the account still shows.
func (a *auditor) follows(c change, moved moves, skipped bool) []string {
	before, after := c.before.read(), c.after.read()
	if was, ok := moved.before[c.address]; ok && before == nil {
		before = was
	}
	switch {
	case before == nil && after == nil, c.before != nil && before == nil:
		return nil // what cannot be read says nothing
	case after == nil:
		_, renamed := moved.to[c.address]
		released := skipped && a.released(c.address, before) // by one run, and forgotten by the next
		if !renamed && !released && c.after == nil && before.Applied.Protect {
			return []string{"it is protected and no longer recorded"}
		}
		return nil
	case before == nil:
		return nil
	}
	was, is := before.Identity, after.Identity
	if skipped && was.ID != is.ID {
		return nil
	}
	why := fallen(before, after)
	if !skipped {
		why = append(why, lost(before, after)...)
	}
	if was.Origin != is.Origin && !skipped {
		why = append(why, fmt.Sprintf("its first name changed from %s to %s", was.Origin, is.Origin))
	}
	later := is.Generation > was.Generation || is.Generation == was.Generation && is.Sequence > was.Sequence
	switch {
	case was.ID != is.ID && !remembers(after, was.ID):
		why = append(why, fmt.Sprintf("its id changed from %s to %s, and the earlier one is not remembered", was.ID, is.ID))
	case was.ID != is.ID && !later:
		why = append(why, fmt.Sprintf("its id changed from %s to %s, but it is neither a later generation nor a later sequence", was.ID, is.ID))
	case was.ID == is.ID && later:
		why = append(why, fmt.Sprintf("%s became generation %d, sequence %d, which is another order", is.ID, is.Generation, is.Sequence))
	case was.ID == is.ID && was.Nonce != is.Nonce:
		why = append(why, "its key changed while the order stayed")
	case was.ID == is.ID && was.Product != is.Product:
		why = append(why, fmt.Sprintf("its product changed from %s to %s while the order stayed", was.Product, is.Product))
	}
	if was.ID == is.ID && !skipped {
		why = append(why, notesLost(before, after)...)
	}
	return why
}

// fallen tells where generation or sequence went back.
func fallen(before, after *state.Entry) []string {
	was, is := before.Identity, after.Identity
	if is.Generation < was.Generation || is.Generation == was.Generation && is.Sequence < was.Sequence {
		return []string{fmt.Sprintf("it went back from generation %d, sequence %d to %d, %d", was.Generation, was.Sequence, is.Generation, is.Sequence)}
	}
	return nil
}

// lost tells which ends are no longer remembered.
func lost(before, after *state.Entry) []string {
	var why []string
	for _, e := range before.Identity.Earlier {
		if !slices.Contains(after.Identity.Earlier, e) {
			why = append(why, "it no longer remembers that it owned "+e.ID)
		}
	}
	for _, t := range before.Identity.Tombstones {
		if !slices.Contains(after.Identity.Tombstones, t) {
			why = append(why, fmt.Sprintf("it no longer remembers that %s was %s", strings.TrimSpace(t.ID+" "+t.Serial), t.Status))
		}
	}
	if before.Identity.ID != after.Identity.ID {
		return why // what an order had before is kept as long as it is the address's own
	}
	for _, c := range before.Identity.Replaced {
		if !slices.Contains(after.Identity.Replaced, c) {
			why = append(why, "it no longer remembers that its order had certificate "+c.Serial)
		}
	}
	return why
}

// notesLost tells which notes became others, or are forgotten while the manifest still asks for them.
func notesLost(before, after *state.Entry) []string {
	var why []string
	for _, id := range slices.Sorted(maps.Keys(before.Identity.Notes)) {
		text := before.Identity.Notes[id]
		now, stays := after.Identity.Notes[id]
		switch {
		case stays && now != text:
			why = append(why, "note "+id+" has another text, and notes cannot be edited")
		case !stays && before.Source == after.Source && says(after.Applied.Spec, text) && !slices.Contains(slices.Collect(maps.Values(after.Identity.Notes)), text):
			why = append(why, "it no longer remembers that it posted note "+id)
		}
	}
	return why
}

// says tells whether a text stands in a list of a spec.
func says(v resource.Value, text string) bool {
	switch v := v.(type) {
	case resource.Map:
		return slices.ContainsFunc(slices.Collect(maps.Values(v)), func(e resource.Value) bool { return says(e, text) })
	case resource.List:
		return slices.ContainsFunc(v, func(e resource.Value) bool { return e == resource.Value(resource.String(text)) || says(e, text) })
	}
	return false
}

func remembers(e *state.Entry, id string) bool {
	return slices.ContainsFunc(e.Identity.Earlier, func(was state.Earlier) bool { return was.ID == id })
}

// lineEnds reports a version that an editor, or git without its attributes, gave other ends of lines. That changes nothing of what it says.
func (a *auditor) lineEnds(r *replay) {
	if !r.steps[0].after.crlf || slices.ContainsFunc(r.steps, func(s step) bool { return s.before.crlf }) {
		return
	}
	a.add(Finding{Code: diag.AuditStateEdited, Severity: diag.Note, At: r.commit.when,
		Summary:  fmt.Sprintf("commit %s holds the state with lines that end in CR LF, as an editor or git on Windows makes them", short(r.commit.id)),
		Hint:     fmt.Sprintf("write %q into .gitattributes, as dcsync init does, and commit the file as the next apply writes it", a.Project.StateFile+" text eol=lf"),
		Evidence: []Evidence{{EvidenceState, r.commit.id}, {EvidenceFile, a.path(a.Project.StateFile)}}})
}

// edited reports one entry, or with the zero address the file.
func (a *auditor) edited(r *replay, address resource.Address, why []string, e *state.Entry) {
	f := Finding{Code: diag.AuditStateEdited, Severity: diag.Error, Address: address, At: r.commit.when,
		Summary: fmt.Sprintf("commit %s changed the state in a way that dcsync does not: %s", short(r.commit.id), why[0]),
		Hint:    "find out who changed it; compare with the account by dcsync drift, and restore the version before where that is right",
		Evidence: []Evidence{{EvidenceState, r.commit.id}, {EvidenceFile, a.path(a.Project.StateFile)},
			{EvidenceText, "committer " + r.commit.committer.String()}}}
	for _, more := range why[1:] {
		f.Evidence = append(f.Evidence, Evidence{EvidenceText, more})
	}
	if e != nil {
		f.Evidence = append(f.Evidence, Evidence{EvidenceOrder, e.Identity.ID})
	}
	if !r.commit.dcsync {
		f.Evidence = append(f.Evidence, Evidence{EvidenceText, "the commit does not carry the trailers of a run"})
	}
	if len(r.commit.changes) > 1 {
		f.Evidence = append(f.Evidence, Evidence{EvidenceText, "the commit changes other files too"})
	}
	a.add(f)
}

func unique(list []string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// plain gives an error's text on one line.
func plain(err error) string {
	if err == nil {
		return "it is damaged"
	}
	var d diag.Diagnostic
	if errors.As(err, &d) {
		return d.Summary
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}
