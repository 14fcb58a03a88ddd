package audit_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/audit"
	"dcsync/internal/resource"
	"dcsync/state"
)

const (
	order        = "Order/installer-signing"
	organization = "Organization/acme"
)

// TestStateEdited plants what dcsync does not do to the state, one at a time, in a history that is right before and goes on after it.
// Beside each stands what is near to it and right.
func TestStateEdited(t *testing.T) {
	t.Parallel()
	entry := func(f *state.File) *state.Entry { return f.Objects[address(order)] }
	ours := func(edit func(*state.Entry)) func(*world) {
		return func(w *world) { w.forge(func(f *state.File) { edit(entry(f)) }) }
	}
	file := func(edit func(*state.File)) func(*world) { return func(w *world) { w.forge(edit) } }
	const edited = "DC3005 error "
	for name, tc := range map[string]struct {
		plant func(*world)
		want  []string
		text  string // in the summary or evidence
	}{
		"id swapped": {ours(func(e *state.Entry) { e.Identity.ID = "999" }), []string{edited + order}, "changed from 880003 to 999"},
		"mended by hand": {func(w *world) {
			w.forge(func(f *state.File) { entry(f).Identity.ID = "999" })
			w.forge(func(f *state.File) { entry(f).Identity.ID = "880003" })
			w.renew("Order/alice-mail")
			w.land()
		}, []string{edited + order}, ""},
		"renewed": {func(w *world) { w.renew(order); w.land() }, nil, ""},
		"id of another": {func(w *world) {
			good := w.read(stateName)
			w.forge(func(f *state.File) { entry(f).Identity.ID = "880001" })
			w.write(stateName, good)
			w.commit("mended")
		}, []string{edited + order}, "Order/alice-mail owns 880001 too"},
		"remembered too": {func(w *world) { w.renew(order); w.forgeRecord(func(f *state.File) { entry(f).Identity.Earlier = nil }) }, []string{edited + order}, "not remembered"},
		"generation back": {func(w *world) {
			w.edit("manifests/orders/installer-signing.yaml", "spec:\n", "lifecycle: {generation: 2}\nspec:\n")
			w.commit("again")
			w.apply()
			w.forge(func(f *state.File) { entry(f).Identity.Generation, entry(f).Applied.Generation = 1, 1 })
		}, []string{edited + order}, "went back from generation 2"},
		"sequence ahead":     {ours(func(e *state.Entry) { e.Identity.Sequence = 1 }), []string{edited + order}, "which is another order"},
		"key exchanged":      {ours(func(e *state.Entry) { e.Identity.Nonce = "mine" }), []string{edited + order}, "its key changed"},
		"serial back":        {file(func(f *state.File) { f.Serial = 0 }), []string{"DC3005 error"}, "serial went back from 1 to 0"},
		"serial stands":      {file(func(f *state.File) { f.Serial = 1; entry(f).SeenAt = begins.Add(time.Minute) }), []string{"DC3005 error"}, "serial stayed at 1"},
		"only observed":      {ours(func(e *state.Entry) { e.Observed["status"] = resource.String("reissue_pending") }), nil, ""},
		"lineage":            {file(func(f *state.File) { f.Lineage = "another" }), []string{"DC3005 error"}, "belongs to project another"},
		"account":            {file(func(f *state.File) { f.Account.ID = 2 }), []string{"DC3005 error"}, "account changed from 1 to 2"},
		"address of the API": {file(func(f *state.File) { f.Account.APIURL = "https://evil.example" }), []string{"DC3005 error"}, "API address changed"},
		"another user":       {file(func(f *state.File) { f.Account.User.ID = 7 }), []string{"DC3005 warning"}, "whose key it was applied with from 9 to 7"},
		"another container":  {file(func(f *state.File) { f.Account.ContainerID = 5 }), []string{"DC3005 note"}, "the container from 0 to 5"},
		"another role":       {file(func(f *state.File) { f.Account.User.RoleID = 1 }), []string{"DC3005 note"}, "role from 0 to 1"},
		"a user who sees less": {file(func(f *state.File) { f.Account.User.Sees = []int64{5} }), []string{"DC3005 warning"},
			"limited to from [] to [5]"},
		"another user by a run": {func(w *world) {
			w.record(func(f *state.File) {
				f.Account.User, f.Account.ContainerID = state.User{ID: 7, RoleID: 1, Sees: []int64{5}}, 5
			})
			w.land()
		}, nil, ""},
		"another user, and back": {func(w *world) {
			w.forge(func(f *state.File) { f.Account.User.ID = 7 })
			w.forge(func(f *state.File) { f.Objects[address(order)].SeenAt = begins.Add(time.Minute) })
			w.forge(func(f *state.File) { f.Account.User.ID = 9 })
		}, []string{"DC3005 warning"}, ""},
		"another user while the serial stands": {file(func(f *state.File) { f.Serial, f.Account.User.ID = 1, 7 }), []string{"DC3005 error", "DC3005 warning"}, "serial stayed at 1"},
		"account taken out":                    {file(func(f *state.File) { f.Account = nil }), []string{"DC3005 error"}, "no longer says which account"},
		"earlier order": {func(w *world) {
			w.renew(order)
			w.land()
			w.forge(func(f *state.File) { entry(f).Identity.Earlier = nil })
		}, []string{edited + order}, "no longer remembers that it owned 880003"},
		"tombstone taken out": {func(w *world) { w.bury(); w.forge(func(f *state.File) { entry(f).Identity.Tombstones = nil }) }, []string{edited + order}, "no longer remembers that 880003 0A880003 was revoked"},
		"tombstone":           {func(w *world) { w.bury() }, nil, ""},
		"compromised key":     {func(w *world) { w.distrust() }, nil, ""},
		"compromised key of a forgotten order": {func(w *world) {
			w.distrust()
			w.remove("manifests/orders/installer-signing.yaml")
			w.commit("enough")
			w.apply()
			w.ticket("8")
			w.commit("go on")
			w.apply()
		}, nil, ""},
		"compromised key that another order knows too": {func(w *world) {
			w.distrust()
			w.record(func(f *state.File) {
				i := &f.Objects[address("Order/alice-mail")].Identity
				i.Tombstones = entry(f).Identity.Tombstones
			})
			w.land()
			w.forge(func(f *state.File) { delete(f.Objects, address(order)) })
		}, []string{"DC3003 warning " + order}, ""},
		"compromised key forgotten with its order": {func(w *world) {
			w.distrust()
			w.forge(func(f *state.File) { delete(f.Objects, address(order)) })
		}, []string{"DC3005 error", "DC3003 warning " + order}, "no longer remembers that the key of order 880003 was compromised"},
		"compromised key taken out": {func(w *world) {
			w.distrust()
			w.remove("manifests/orders/installer-signing.yaml")
			w.commit("enough")
			w.apply()
			w.forge(func(f *state.File) { f.Compromised = nil })
		}, []string{"DC3005 error"}, "no longer remembers that the key of order 880003 was compromised"},
		"compromised key put in": {func(w *world) {
			f := w.state()
			f.Compromised = map[string]string{"mine": "880003"}
			w.writeState(f)
			w.commit("tidy up")
		}, []string{"DC3005 error"}, "its serial stayed"},
		"certificate of before": {func(w *world) {
			w.record(func(f *state.File) { entry(f).Identity.Replaced = []state.Certificate{{Serial: "0B"}} })
			w.land()
			w.forge(func(f *state.File) { entry(f).Identity.Replaced = nil })
		}, []string{edited + order}, "had certificate 0B"},
		"certificates of an order that was followed": {func(w *world) {
			w.record(func(f *state.File) { entry(f).Identity.Replaced = []state.Certificate{{Serial: "0B"}} })
			w.land()
			w.renew(order)
			w.forgeRecord(func(f *state.File) { entry(f).Identity.Replaced = nil })
		}, nil, ""},
		"note rewritten": {func(w *world) {
			w.forge(func(f *state.File) {
				entry(f).Identity.Notes = map[string]string{"5": "Windows installer, ticket DESK-41"}
			})
			w.forge(func(f *state.File) { entry(f).Identity.Notes["5"] = "another" })
		}, []string{edited + order}, "note 5 has another text"},
		"note forgotten": {func(w *world) {
			w.forge(func(f *state.File) {
				entry(f).Identity.Notes = map[string]string{"5": "Windows installer, ticket DESK-41"}
			})
			w.forge(func(f *state.File) { entry(f).Identity.Notes = nil })
		}, []string{edited + order}, "posted note 5"},
		"note posted anew": {func(w *world) {
			w.forge(func(f *state.File) {
				entry(f).Identity.Notes = map[string]string{"5": "Windows installer, ticket DESK-41"}
			})
			w.forge(func(f *state.File) {
				entry(f).Identity.Notes = map[string]string{"6": "Windows installer, ticket DESK-41"}
			})
		}, nil, ""},
		"first name": {ours(func(e *state.Entry) { e.Identity.Origin = "other" }), []string{edited + order}, "first name changed"},
		"product":    {ours(func(e *state.Entry) { e.Identity.Product = "ssl_basic" }), []string{edited + order}, "product changed"},
		"bytes":      {func(w *world) { w.edit(stateName, "\n  \"serial\": 1\n", "\n  \"serial\":  2\n"); w.commit("reformat") }, []string{"DC3005 error"}, "not those dcsync writes"},
		"bytes of one": {func(w *world) {
			w.edit(stateName, "\"id\": \"880003\"", "\"id\":  \"880003\"")
			w.edit(stateName, "\"serial\": 1\n", "\"serial\": 2\n")
			w.commit("reformat")
		}, []string{"DC3005 error"}, "not those dcsync writes"},
		"damaged twice in the same way": {func(w *world) {
			damage := func() {
				good := w.read(stateName)
				w.write(stateName, "{\n<<<<<<< ours\n")
				w.commit("merge")
				w.write(stateName, good)
				w.record(nil)
				w.land()
			}
			damage()
			w.forge(func(f *state.File) { entry(f).Identity.Origin = "other" })
			damage() // what comes after is compared with the version right before, not with the one before the first damage
		}, []string{"DC3006 error", "DC3006 error", edited + order}, "first name changed"},
		"protection off": {file(func(f *state.File) { f.Objects[address(organization)].Applied.Protect = false }), []string{edited + organization}, "says protect: false, and the manifest true"},
		"protection lifted": {func(w *world) {
			w.edit("manifests/organizations/acme.yaml", "protect: true", "protect: false")
			w.commit("lift")
			w.apply()
		}, nil, ""},
		"protection lifted and forgotten by two runs of which only the second landed": {func(w *world) {
			w.edit("manifests/orders/alice-mail.yaml", "spec:\n", "lifecycle: {protect: true}\nspec:\n")
			w.commit("protect")
			w.apply()
			w.edit("manifests/orders/alice-mail.yaml", "protect: true", "protect: false")
			w.commit("lift")
			w.record(nil)
			w.remove("manifests/orders/alice-mail.yaml")
			w.commit("away")
			w.apply()
		}, nil, ""},
		"protected and forgotten by two runs": {func(w *world) {
			w.edit("manifests/orders/alice-mail.yaml", "spec:\n", "lifecycle: {protect: true}\nspec:\n")
			w.commit("protect")
			w.apply()
			w.forge(func(f *state.File) { f.Serial++; delete(f.Objects, address("Order/alice-mail")) })
		}, []string{edited + "Order/alice-mail", "DC3003 warning Order/alice-mail"}, "protected and no longer recorded"},
		"protected and gone": {file(func(f *state.File) { delete(f.Objects, address(organization)) }), []string{edited + organization, "DC3003 warning " + organization}, "protected and no longer recorded"},
		"forgotten":          {file(func(f *state.File) { delete(f.Objects, address(order)) }), []string{"DC3003 warning " + order}, ""},
		"applied value": {ours(func(e *state.Entry) {
			resource.Put(e.Applied.Spec, "/certificate/signature_hash", resource.String("sha512"))
		}), []string{edited + order}, "/certificate/signature_hash was never asked for"},
		"applied reference": {ours(func(e *state.Entry) { resource.Put(e.Applied.Spec, "/organization/id", resource.Int(4711)) }), []string{edited + order}, "/organization/id was never asked for"},
		"value of before": {func(w *world) {
			w.edit("manifests/orders/installer-signing.yaml", "sha256", "sha384")
			w.commit("stronger")
			w.apply()
			w.forge(func(f *state.File) {
				resource.Put(entry(f).Applied.Spec, "/certificate/signature_hash", resource.String("sha256"))
			}) // as a run that stopped half way leaves it
			w.apply()
		}, nil, ""},
		"value of another version of a contact": {func(w *world) {
			w.edit("manifests/contacts/people.yaml", "801-555-0101", "801-555-0103")
			w.commit("another phone")
			w.apply()
			w.forge(func(f *state.File) {
				resource.Put(f.Objects[address(organization)].Applied.Spec, "/organization_contact/telephone", resource.String("801-555-0101"))
			})
			w.apply()
		}, nil, ""},
		"renamed after a run that did not land": {func(w *world) {
			w.ticket("8")
			w.commit("change")
			w.record(nil)
			source := w.state().Objects[address("Order/alice-mail")].Source
			w.git("checkout", "-q", "--", stateName)
			w.edit("manifests/orders/alice-mail.yaml", "name: alice-mail", "name: alice\n  moved_from: [alice-mail]")
			w.commit("a better name")
			w.record(func(f *state.File) { f.Objects[address("Order/alice")].Source = source })
			w.land()
		}, nil, ""},
		"taken over": {func(w *world) {
			text := w.read("manifests/orders/alice-mail.yaml")
			w.remove("manifests/orders/alice-mail.yaml")
			w.commit("enough")
			w.apply()
			w.write("manifests/orders/alice-mail.yaml", text)
			w.commit("not enough")
			w.record(func(f *state.File) { // as it stands in the account
				resource.Put(f.Objects[address("Order/alice-mail")].Applied.Spec, "/order_validity/years", resource.Int(3))
			})
			w.land()
		}, nil, ""},
		"another digest": {ours(func(e *state.Entry) { e.Source.Desired = strings.Repeat("0", 64) }), []string{edited + order}, "digest of what is wanted"},
		"digest of a version that is not known": {func(w *world) {
			w.forge(func(f *state.File) {
				e := entry(f)
				e.Source.Desired, e.Source.Version = strings.Repeat("0", 64), "v9.0.0"
			})
			w.apply()
		}, nil, ""},
		"another file":        {ours(func(e *state.Entry) { e.Source.Path = "manifests/other.yaml" }), []string{edited + order}, "does not hold"},
		"document never seen": {ours(func(e *state.Entry) { e.Source.Document = strings.Repeat("1", 64) }), []string{"DC3004 error " + order}, "never was on the branch"},
		"commit never seen":   {ours(func(e *state.Entry) { e.Source.Commit = strings.Repeat("1", 40) }), nil, ""}, // as a rebase leaves it
		"garbage": {func(w *world) {
			good := w.read(stateName)
			w.write(stateName, "{")
			w.commit("oops")
			w.write(stateName, good)
			w.commit("mended")
		}, []string{"DC3006 error"}, "cannot be read"},
		"edit behind garbage": {func(w *world) {
			f := w.state()
			w.write(stateName, "{")
			w.commit("oops")
			f.Serial++
			f.Objects[address(order)].Identity.ID = "999"
			w.writeState(f)
			w.commit("mended")
		}, []string{"DC3006 error", edited + order}, "changed from 880003 to 999"},
		"removed": {func(w *world) { w.remove(stateName); w.commit("away") }, []string{"DC3005 error", "DC3003 warning Order/alice-mail", "DC3003 warning Order/driver-signing", "DC3003 warning " + order, "DC3003 warning " + organization}, "was removed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := appliedWorld(t)
			tc.plant(w)
			r := w.audit()
			if d := cmp.Diff(tc.want, findings(r)); d != "" {
				t.Errorf("(-want +got)\n%s\n%+v", d, r.Findings)
			}
			if tc.text != "" && !strings.Contains(textOf(r), tc.text) {
				t.Errorf("%q is not in\n%s", tc.text, textOf(r))
			}
			v, err := audit.Verify(t.Context(), w.input())
			if err != nil {
				t.Fatal(err)
			}
			var state []string
			for _, f := range tc.want {
				if !strings.HasPrefix(f, "DC3003") {
					state = append(state, f)
				}
			}
			if d := cmp.Diff(state, findings(v)); d != "" {
				t.Errorf("verify (-want +got)\n%s", d)
			}
		})
	}
}

// textOf gives all that a report's findings say.
func textOf(r *audit.Report) string {
	var b strings.Builder
	for _, f := range r.Findings {
		b.WriteString(f.Summary + "\n")
		for _, e := range f.Evidence {
			b.WriteString("  " + string(e.Kind) + ": " + e.Value + "\n")
		}
	}
	return b.String()
}

// bury lets a certificate of the order end as a manifest asked, and goes on.
func (w *world) bury() {
	w.Helper()
	w.record(func(f *state.File) {
		i := &f.Objects[address(order)].Identity
		i.Tombstones = append(i.Tombstones, state.Tombstone{ID: i.ID, Serial: "0A" + i.ID, Nonce: i.Nonce, Generation: 1, Status: "revoked", Reason: "superseded"})
	})
	w.land()
}

// distrust records that the key of the order was revoked as compromised.
func (w *world) distrust() {
	w.Helper()
	w.record(func(f *state.File) {
		i := &f.Objects[address(order)].Identity
		i.Tombstones = append(i.Tombstones, state.Tombstone{ID: i.ID, Nonce: i.Nonce, Generation: 1, Status: "revoked", Reason: "keyCompromise", Key: strings.Repeat("5", 64)})
	})
	w.land()
}

// forgeRecord changes what was recorded before it is committed.
func (w *world) forgeRecord(edit func(*state.File)) {
	w.Helper()
	f := w.state()
	edit(f)
	w.writeState(f)
	w.commit("tidy up")
}

// TestNotComparable: where the version that recorded a digest is not known, the entry says so and nothing is found.
func TestNotComparable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.commit("ask")
	w.record(func(f *state.File) {
		s := &f.Objects[address(order)].Source
		s.Desired, s.Version = strings.Repeat("0", 64), "v9.9.9"
	})
	w.land()
	r := w.audit()
	found := false
	for _, e := range r.Entries {
		found = found || e.Address == address(order) && strings.Contains(e.Detail, "not comparable (v9.9.9)")
	}
	if !found {
		t.Errorf("entries %v", events(r, 0))
	}
}

// TestMergeDropsState: a merge that takes one side's state whole loses what the other recorded.
func TestMergeDropsState(t *testing.T) {
	t.Parallel()
	w := appliedWorld(t)
	base := w.git("rev-parse", "HEAD")[:10]
	w.git("checkout", "-q", "-b", "side")
	w.renew(order)
	w.land()
	w.renew("Order/driver-signing")
	last := w.land()[:10]
	w.git("checkout", "-q", "main")
	w.renew("Order/alice-mail")
	w.land()
	w.clock = w.clock.Add(time.Hour)
	w.git("merge", "-q", "--no-ff", "-s", "ours", "-m", "merge side", "side")
	r := w.audit()
	if d := cmp.Diff([]string{"DC3005 error"}, findings(r)); d != "" || !strings.Contains(textOf(r), "a merge dropped it") {
		t.Fatalf("(-want +got)\n%s\n%s", d, textOf(r))
	}
	// The hint names the versions whose difference was lost: that of both renewals on the side, not of the last one.
	hint := r.Findings[0].Hint
	for _, part := range []string{base + ":" + stateName + " > base", last + ":" + stateName + " > theirs", "dcsync state merge base " + stateName + " theirs"} {
		if !strings.Contains(hint, part) {
			t.Errorf("%q is not in %q", part, hint)
		}
	}
}

// TestMergedState: the merge driver's result holds both sides; one that takes back what a side recorded is found.
func TestMergedState(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		edit func(ours, theirs, merged *state.File)
		want []string
	}{
		"both sides": {func(_, _, _ *state.File) {}, nil},
		"an older entry": {func(ours, _, merged *state.File) {
			a := address(order)
			merged.Objects[a] = ours.Objects[a]
		}, []string{"DC3005 error " + order}},
		"an entry of nobody's": {func(_, _, merged *state.File) { merged.Objects[address(order)].Identity.ID = "999" }, []string{"DC3005 error " + order}},
		"serial back":          {func(_, _, merged *state.File) { merged.Serial = 1 }, []string{"DC3005 error"}},
		"a user of nobody's":   {func(_, _, merged *state.File) { merged.Account.User.ID = 7 }, []string{"DC3005 warning"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := appliedWorld(t)
			base := w.state()
			w.git("checkout", "-q", "-b", "side")
			w.renew(order)
			theirs := w.state()
			w.land()
			w.git("checkout", "-q", "main")
			w.renew("Order/alice-mail")
			ours := w.state()
			w.land()
			w.clock = w.clock.Add(time.Hour)
			_, _ = w.gitErr("merge", "-q", "--no-ff", "-m", "merge side", "side")
			merged, conflicts, err := state.Merge(base, ours, theirs)
			if err != nil || len(conflicts) > 0 {
				t.Fatal(conflicts, err)
			}
			tc.edit(ours, theirs, merged)
			w.writeState(merged)
			w.commit("merge side by hand")
			r := w.audit()
			if d := cmp.Diff(tc.want, findings(r)); d != "" {
				t.Errorf("(-want +got)\n%s\n%s", d, textOf(r))
			}
			if tc.want == nil && len(r.Entries) != 13 {
				t.Errorf("%d entries: %v", len(r.Entries), events(r, 0))
			}
		})
	}
}

// TestStateApart: state on a branch of its own goes on from the one beside the manifests, which may go away then.
func TestStateApart(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		edit func(*state.File)
		want []string
	}{
		"honest": {func(f *state.File) { f.Objects[address(order)].Observed["reissues_count"] = resource.Int(1) }, nil},
		"edited": {func(f *state.File) { f.Objects[address(order)].Identity.ID = "999" }, []string{"DC3005 error " + order}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := appliedWorld(t)
			bare := t.TempDir()
			w.git("init", "-q", "--bare", bare)
			w.git("remote", "add", "origin", bare)
			w.edit("dcsync.yaml", "  settle: 0s", "  state: {ref: certs}\n  settle: 0s")
			w.commit("keep the state apart")
			w.git("checkout", "-q", "--orphan", "certs")
			w.git("rm", "-q", "-r", "-f", "--cached", ".")
			onBranch := func(message string, edit func(*state.File)) {
				f := w.state()
				f.Serial++
				edit(f)
				w.writeState(f)
				w.clock = w.clock.Add(time.Hour)
				w.git("add", stateName)
				w.git("commit", "-q", "-m", message)
			}
			onBranch("begin", func(*state.File) {})
			onBranch("go on", tc.edit)
			w.git("push", "-q", "origin", "certs")
			now := w.state()
			w.git("checkout", "-q", "-f", "main")
			w.remove(stateName)
			w.commit("the state is elsewhere now")
			in := w.input()
			in.State = now
			r, err := audit.Run(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.want, findings(r)); d != "" || r.Transitions != 3 || !r.Complete {
				t.Errorf("%d transitions, complete %v (-want +got)\n%s\n%s", r.Transitions, r.Complete, d, textOf(r))
			}
			w.git("update-ref", "-d", "refs/remotes/origin/certs")
			in = w.input()
			in.State = now
			if r, err = audit.Run(t.Context(), in); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff([]string{"DC3016 warning"}, findings(r)); d != "" || r.Complete {
				t.Errorf("without the branch (-want +got)\n%s\n%s", d, textOf(r))
			}
		})
	}
}
