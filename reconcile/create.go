package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"dcsync/internal/diff"
	"dcsync/internal/resource"
	"dcsync/state"
)

// How one object comes into being without ever being asked for twice:
//
//	look up ──found──▶ adopt, or block             (an earlier run asked for it; see lookup.go)
//	   │none
//	  POST ──answer──▶ record ─▶ what is sent afterwards
//	   │no answer
//	 settle: look up until the settle time has passed ──found──▶ adopt
//	   │none
//	  POST again, at most attempts times
//
// Kinds without a nonce are looked up by comparing every declared detail.

// attempts bounds how often a creating request is sent when each ends without an answer and each settled look-up says none.
const attempts = 3

// looks is how often, at least, the account is looked at before something counts as not there.
const looks = 3

// clockSkew is how far this machine's clock may be ahead of the API's when recent orders are looked for.
const clockSkew = time.Hour

func (t *task) create(ctx context.Context) error {
	spec, err := t.desired()
	if err != nil {
		return err
	}
	d := t.change.object.Descriptor
	if d.Nonce != "" {
		found, err := t.lookup(ctx, spec, t.change.keys)
		if err != nil {
			return err
		}
		if found != nil {
			return t.adopt(ctx, found)
		}
	}
	created, adopted, err := t.ask(ctx, t.complete(spec))
	switch {
	case t.change.renews != "" && codeOf(err) == renewedAlready:
		return t.blocked(renewedOutside(t.change.renews, []string{"another order"}))
	case codeOf(err) == duplicateOrganization:
		return t.duplicate(ctx, err)
	case err != nil:
		return err
	case adopted != nil:
		return t.adopt(ctx, adopted)
	}
	if owner, taken := t.store.Snapshot().ByID(d.Kind, created.ID); taken && owner != t.change.Address {
		return fmt.Errorf("create %s: the answer names %s, which is %s's", t.change.Address, created.ID, owner)
	}
	t.result.ID = created.ID
	for _, req := range created.Requests {
		if req.Status == "pending" {
			t.result.WaitingOn = resource.OnApproval
		}
	}
	applied := withoutSecrets(d, spec)
	later := sentAfter(d, spec)
	for _, f := range later {
		resource.Put(applied, f.Path, nil)
	}
	if err := t.recordNew(ctx, created.ID, applied); err != nil {
		return err
	}
	return t.inPlace(ctx, spec, later, nil)
}

// renewedAlready is the API's word for a renewal that somebody else placed (API facts, section 2).
const renewedAlready = "order_renewed_already"

// duplicateOrganization is the API's word for details that an organization has already (API facts, section 2).
const duplicateOrganization = "duplicate_organization"

// duplicate blocks a creation that the API refused since there is such an object: somebody made it after the plan. It names those of that name.
func (t *task) duplicate(ctx context.Context, err error) error {
	t.sent(1)
	l, lookErr := t.remote.List(ctx, t.change.Address.Kind)
	if lookErr != nil {
		return errors.Join(err, lookErr)
	}
	var alike []*resource.Live
	for _, live := range l.Objects {
		if sameTitle(t.change.object, live) {
			alike = append(alike, live)
		}
	}
	return t.blocked(thereAlready(t.change.object, alike))
}

// codeOf gives the API's own code of an error, "" when there is none.
func codeOf(err error) string {
	var api interface {
		Problem() (code, hint string, status int)
	}
	if !errors.As(err, &api) {
		return ""
	}
	code, _, _ := api.Problem()
	code, _, _ = strings.Cut(code, "|")
	return code
}

// complete adds what the project decides for every order: its nonce, its container, and whether the account's approval is skipped.
func (t *task) complete(spec resource.Map) resource.Map {
	out := spec.Clone()
	d, s := t.change.object.Descriptor, t.in.Settings
	if d.Nonce != "" {
		resource.Put(out, d.Nonce, resource.String(t.change.nonce))
	}
	if d.Field(renewalOf) != nil && t.change.Sequence > 0 {
		resource.Put(out, renewalOf, resource.IDValue(t.change.renews)) // what the manifest says was for its first order
	}
	container := t.in.Container()
	if p := resource.Path("/container/id"); container != 0 && d.Field(p) != nil && resource.Get(out, p) == nil {
		resource.Put(out, p, resource.Int(container))
	}
	if p := resource.Path("/skip_approval"); s.SkipApproval && d.Field(p) != nil && resource.Get(out, p) == nil {
		resource.Put(out, p, resource.Bool(true))
	}
	t.reuseParent(out)
	return out
}

// reuseParent sends the id that an inline parent got when an earlier generation was ordered, instead of its details, as long as they are the
// same; so it does with the id of one that is left to others.
func (t *task) reuseParent(spec resource.Map) {
	e, id := t.in.State.Objects[t.change.Address], resource.Get(spec, "/organization/id")
	switch {
	case e == nil || resource.Get(spec, "/organization") == nil || id != nil && resource.Get(spec, "/organization/name") == nil:
		return
	case id == nil && t.sameParent(e, spec):
		id = e.Observed["organization_id"]
	}
	if id == nil {
		return
	}
	parent := resource.Map{"id": id}
	if contacts := resource.Get(spec, orderPeople); contacts != nil {
		parent["contacts"] = contacts
	}
	spec["organization"] = parent
}

// sameParent tells whether inline details are those an order was placed with, or where it was placed with a number, those the account shows of
// that parent.
func (t *task) sameParent(e *state.Entry, spec resource.Map) bool {
	d := t.change.object.Descriptor
	was := resource.Get(e.Applied.Spec, "/organization")
	if resource.Get(was, "/name") == nil {
		live := t.in.Live.listed(Key{parentKind(d), resource.Text(e.Observed["organization_id"])})
		if live == nil {
			return false
		}
		was = live.Spec
	}
	for _, f := range d.Leaves() {
		detail, ok := strings.CutPrefix(string(f.Path), "/organization")
		if want := resource.Get(spec, f.Path); ok && want != nil && !strings.HasPrefix(detail, "/contacts") &&
			!resource.Equal(diff.Normal(f, want), diff.Normal(f, resource.Get(was, resource.Path(detail)))) {
			return false
		}
	}
	return true
}

// ask sends the creating request until there is an answer, or until an object turns up that an unanswered one made.
func (t *task) ask(ctx context.Context, spec resource.Map) (*resource.Created, *resource.Live, error) {
	d := t.change.object.Descriptor
	for n := 1; ; n++ {
		since := t.opts.Now().Add(-clockSkew)
		t.opts.Step.At(BeforeCreate)
		t.sent(1)
		created, err := t.remote.Create(ctx, d, spec)
		t.opts.Step.At(AfterCreate)
		if err == nil {
			return created, nil, nil
		}
		var unknown Ambiguous
		if errors.As(err, &unknown) && unknown.Ambiguous() {
			found, lookErr := t.settled(ctx, spec, since)
			switch {
			case lookErr != nil:
				return nil, nil, fmt.Errorf("%w; whether it took effect is not known: %w", err, lookErr)
			case found != nil:
				return nil, found, nil
			case n == attempts || t.stopping():
				return nil, nil, fmt.Errorf("%w; nothing was found %s later", err, t.opts.Settle)
			}
			continue
		}
		// The account may require unique alternative order ids; then a refusal can mean that it is there already.
		if d.Nonce != "" && refused(err) {
			if found, lookErr := t.lookup(ctx, spec, t.placing()); lookErr == nil && found != nil {
				return nil, found, nil
			}
		}
		return nil, nil, err
	}
}

// refused tells whether an error says that the API read the request and declined it.
func refused(err error) bool {
	var api interface {
		Problem() (code, hint string, status int)
	}
	if !errors.As(err, &api) {
		return false
	}
	_, _, status := api.Problem()
	return status == 400 || status == 409 || status == 422
}

// recordEnded keeps in state that the manifest's order was placed and has ended: only a raised generation orders again.
func (t *task) recordEnded(ctx context.Context, spec resource.Map, found []*resource.Live) error {
	last := found[len(found)-1]
	t.over = true
	if err := t.recordNew(ctx, last.ID, appliedFromLive(t.change.object.Descriptor, spec, last, unheard(t.in.Findings)[t.change.Address.String()])); err != nil {
		return err
	}
	t.result.ID = last.ID
	return t.blocked(orderedBefore(found))
}

func (t *task) blocked(message, hint string) error {
	return fmt.Errorf("%w: %w", errBlocked, &Problem{Message: message, Hint: hint})
}

// settled looks for what an unanswered request may have made, at least three times over the settle time, and last in the listing.
func (t *task) settled(ctx context.Context, spec resource.Map, since time.Time) (*resource.Live, error) {
	for n := range looks {
		if n > 0 {
			if err := t.opts.Sleep(ctx, t.opts.Settle/(looks-1)); err != nil {
				return nil, err
			}
		}
		if found, err := t.look(ctx, spec); err != nil || found != nil {
			return found, err
		}
	}
	if t.change.object.Descriptor.Nonce == "" {
		return nil, nil
	}
	return t.recent(ctx, spec, since)
}

func (t *task) look(ctx context.Context, spec resource.Map) (*resource.Live, error) {
	o := t.change.object
	if o.Descriptor.Nonce != "" {
		return t.lookup(ctx, spec, t.placing())
	}
	t.sent(1)
	l, err := t.remote.List(ctx, o.Address.Kind)
	if err != nil {
		return nil, err
	}
	if !l.Complete {
		return nil, fmt.Errorf("list %s: %s", o.Address.Kind, l.Problem)
	}
	in := t.in
	in.State = t.store.Snapshot()
	// What the request may have made was not there when the plan was.
	l.Objects = slices.DeleteFunc(l.Objects, func(live *resource.Live) bool { return t.in.Live.listed(Key{live.Kind, live.ID}) != nil })
	in.Live = &Account{ID: t.in.Live.ID, ContainerID: t.in.Live.ContainerID, Lists: map[string]*resource.Listing{o.Address.Kind: l}, Infos: map[Key]*resource.Live{}}
	b := newBuilder(in)
	for _, c := range b.candidates(o) {
		t.sent(1)
		live, err := t.remote.Read(ctx, c.Kind, c.ID, managedPaths(o, nil))
		if err != nil {
			return nil, err
		}
		in.Live.Infos[Key{c.Kind, c.ID}] = live
	}
	if v := b.byDetails(o); v.block == "" {
		return v.adopt, nil
	} else if len(in.Live.Infos) > 0 {
		return nil, t.blocked(v.block, v.hint)
	}
	return nil, nil
}

// recent looks in the listing for an order that the look-up by nonce does not show yet.
func (t *task) recent(ctx context.Context, spec resource.Map, since time.Time) (*resource.Live, error) {
	d := t.change.object.Descriptor
	t.sent(1)
	list, err := t.remote.Recent(ctx, d.Kind, d.Product, since)
	if err != nil {
		return nil, err
	}
	known := t.store.Snapshot()
	for _, live := range list {
		if _, owned := known.ByID(d.Kind, live.ID); owned || sameIdentity(d, spec, live) != "" {
			continue
		}
		t.sent(1)
		info, err := t.remote.Read(ctx, d.Kind, live.ID, managedPaths(t.change.object, nil))
		if err != nil {
			return nil, err
		}
		if info.Nonce == t.change.nonce && info.Phase != resource.Ended {
			return info, nil
		}
	}
	return nil, nil
}

// adopt records an object that an earlier run created, and completes it: what was to be sent afterwards, and what is changed in
// place.
func (t *task) adopt(ctx context.Context, live *resource.Live) error {
	t.result.Action, t.result.ID = resource.Adopt, live.ID
	t.result.WaitingOn = live.WaitingOn
	spec, err := t.desired()
	if err != nil {
		return err
	}
	o := t.change.object
	in := t.in
	in.State = t.store.Snapshot()
	b := newBuilder(in)
	applied := appliedFromLive(o.Descriptor, spec, live, b.unheard[o.Address.String()])
	if err := t.recordNew(ctx, live.ID, applied); err != nil {
		return err
	}
	if err := t.recordNotes(ctx, spec, live); err != nil || live.Phase == resource.Ended {
		return err
	}
	return t.inPlace(ctx, withTheirs(o, spec, applied, live), b.adoptable(o, live), live)
}

// recordNotes takes the notes of an adopted object that dcsync posted before it died as ours.
func (t *task) recordNotes(ctx context.Context, spec resource.Map, live *resource.Live) error {
	mine := postedNotes(t.change.object.Descriptor, spec, live, t.in.Live.User.ID)
	if len(mine) == 0 {
		return nil
	}
	return t.record(ctx, func(f *state.File) { f.Objects[t.change.Address].Identity.Notes = mine })
}

// postedNotes gives, by id, the notes that say what the manifest says and were posted by our own user, one for each text: what a run
// that died before it could record them has posted.
func postedNotes(d *resource.Descriptor, spec resource.Map, live *resource.Live, user int64) map[string]string {
	mine := map[string]string{}
	for _, p := range notePaths(d) {
		for _, want := range texts(resource.Get(spec, p)) {
			for _, n := range live.Notes {
				if n.Text == want && n.UserID == fmt.Sprint(user) {
					mine[n.ID] = n.Text
					break
				}
			}
		}
	}
	return mine
}

// recordNew makes the address own a live id, keeping what it owned before among its earlier ids.
func (t *task) recordNew(ctx context.Context, id string, applied resource.Map) error {
	o := t.change.object
	err := t.record(ctx, func(f *state.File) {
		before := f.Objects[o.Address]
		origin := t.origin
		if before != nil || origin == "" {
			origin = originOf(o, before)
		}
		e := newEntry(o, id, t.nonce, origin, o.Lifecycle.Generation, t.sequence)
		e.Identity.FoundEnded = t.over
		if before != nil {
			e.Identity.Earlier = before.Identity.Earlier
			e.Identity.Tombstones = before.Identity.Tombstones
			if t.change.Action != resource.Create {
				stillApplied(o, applied, before.Applied.Spec)
			}
			if before.Identity.ID != id {
				was := before.Identity
				e.Identity.Earlier = append(e.Identity.Earlier, state.Earlier{ID: was.ID, Nonce: was.Nonce, Generation: was.Generation, Sequence: was.Sequence,
					Ended: t.endedAs(was), Key: keyOf(o, before, was.ID)})
			}
		}
		e.Identity.Earlier = append(e.Identity.Earlier, t.earlierOf()...)
		e.Applied = state.Applied{Spec: applied, Generation: o.Lifecycle.Generation, Protect: o.Lifecycle.Protect}
		e.Source, e.DependsOn = t.opts.Source(o), o.DependsOn
		f.Objects[o.Address] = e
	})
	if err == nil {
		t.opts.Step.At(AfterRecord)
	}
	return err
}

// endedAs says why an order is not the address's own any more: another one followed it, or the status it ended with.
func (t *task) endedAs(was state.Identity) string {
	live := t.in.Live.deepest(Key{t.change.Address.Kind, was.ID})
	switch {
	case t.sequence > was.Sequence && (t.change.renews != "" || t.change.live != nil && renews(t.change.live) == was.ID):
		return endedRenewed
	case t.sequence > was.Sequence:
		return endedReplaced
	case live == nil:
		return "unknown"
	}
	return live.Status
}

// withoutSecrets gives a spec without what must never be stored.
func withoutSecrets(d *resource.Descriptor, spec resource.Map) resource.Map {
	out := spec.Clone()
	for _, f := range d.Leaves() {
		if d.SecretAt(f.Path) {
			resource.Put(out, f.Path, nil)
		}
	}
	return out
}
