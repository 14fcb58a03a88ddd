package audit_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dcsync/internal/audit"
	"dcsync/internal/diag"
	"dcsync/internal/gitrepo"
	"dcsync/internal/resource"
	"dcsync/manifests"
	"dcsync/reconcile"
	"dcsync/state"
)

// honest is what happens in a project day by day.
func (c *chronicle) honest(most int) {
	switch n := c.random.IntN(100); {
	case len(c.pending) > 4 || n < 30 && len(c.pending) > 0:
		c.apply(c.pending[:min(len(c.pending), 1+c.random.IntN(5))]...)
	case len(c.intents) < most && n < 60:
		c.request()
	case n < 75:
		c.change(func(i *intent) { i.emails++ })
	case n < 80:
		c.change(func(i *intent) { c.manifest(i.file, ""); i.file = fmt.Sprintf("file-%05d.yaml", c.number) })
	case n < 84:
		c.change(func(i *intent) { i.generation++ })
	case n < 88:
		c.renew(c.pick())
	case n < 91:
		c.rename()
	case n < 94:
		c.remove()
	case n < 96:
		c.retire()
	case n < 97:
		c.state.Account.User.ID++ // a run that was told --accept-key-change
		c.land()
	default:
		c.observe()
	}
}

// newIntent gives an intent under a new name.
func (c *chronicle) newIntent() *intent {
	name := fmt.Sprintf("o-%05d", c.number)
	product := "code_signing"
	if c.random.IntN(3) == 0 {
		product = "private_ssl_plus"
	}
	i := &intent{name: name, file: name + ".yaml", product: product, team: "desk", generation: 1, hash: "sha256"}
	if c.random.IntN(4) == 0 {
		i.note = "ticket-" + name
	}
	if c.random.IntN(5) == 0 {
		i.protect = true
	}
	return i
}

// request asks for an order: on the branch itself, or on a side branch that Rita merges while dcsync goes on.
func (c *chronicle) request() *intent {
	i := c.newIntent()
	if c.random.IntN(2) == 0 {
		c.ask(i)
		c.commit(commitOf{by: c.ann, message: "ask for " + i.name})
		return i
	}
	c.merged(i, c.rita, func() { c.observe() })
	return i
}

// merged asks on a side branch, does something on the branch meanwhile, and has somebody merge. It gives the merge.
func (c *chronicle) merged(i *intent, by person, meanwhile func()) string {
	base := c.head
	c.manifest(i.file, i.text())
	side := c.commit(commitOf{by: c.ann, message: "ask for " + i.name, aside: true})
	c.manifest(i.file, "")
	meanwhile()
	if c.head == base {
		c.Fatal("nothing happened meanwhile")
	}
	c.ask(i)
	return c.commit(commitOf{by: by, message: "merge " + i.name, parents: []string{c.head, side}})
}

// pick gives an address that is applied as it is asked for, and where nothing is planted; the zero one when there is none.
func (c *chronicle) pick() resource.Address {
	var free []resource.Address
	for a, i := range c.intents {
		if !c.frozen[a] && !i.retire && c.state.Objects[a] != nil && !slices.Contains(c.pending, a) {
			free = append(free, a)
		}
	}
	if len(free) == 0 {
		return resource.Address{}
	}
	slices.SortFunc(free, resource.Address.Compare)
	return free[c.random.IntN(len(free))]
}

// change changes a manifest.
func (c *chronicle) change(how func(*intent)) {
	if a := c.pick(); a.Name != "" {
		c.rewrite(a, c.ann, how)
	}
}

func (c *chronicle) rewrite(a resource.Address, by person, how func(*intent)) string {
	how(c.intents[a])
	c.ask(c.intents[a])
	return c.commit(commitOf{by: by, message: "change " + a.Name})
}

func (c *chronicle) renew(a resource.Address) {
	if a.Name == "" {
		return
	}
	o, e := c.object(a), c.state.Objects[a]
	c.follow(o, e, e.Identity.Generation, e.Identity.Sequence+1, "renewed")
	c.apply(a)
}

// rename lets an intent go on under another name.
func (c *chronicle) rename() {
	a := c.pick()
	if a.Name == "" {
		return
	}
	i := *c.intents[a]
	i.movedFrom = append(slices.Clone(i.movedFrom), i.name)
	i.name = fmt.Sprintf("o-%05d", c.number)
	delete(c.intents, a)
	c.ask(&i)
	c.commit(commitOf{by: c.ann, message: "rename " + a.Name})
	c.state.Objects[i.address()] = c.state.Objects[a]
	delete(c.state.Objects, a)
	c.make(i.address())
	c.land(a, i.address())
}

// remove takes a manifest away; what it ordered lives on and is forgotten.
func (c *chronicle) remove() {
	a := c.pick()
	if a.Name == "" || c.intents[a].protect {
		return
	}
	c.manifest(c.intents[a].file, "")
	delete(c.intents, a)
	c.commit(commitOf{by: c.ann, message: "remove " + a.Name})
	delete(c.state.Objects, a)
	c.land(a)
}

func (c *chronicle) retire() resource.Address {
	a := c.pick()
	if a.Name == "" || c.intents[a].protect {
		return resource.Address{}
	}
	c.rewrite(a, c.ann, func(i *intent) { i.retire = true })
	c.apply(a)
	return a
}

// observe records that something looks otherwise than before.
func (c *chronicle) observe() {
	a := c.pick()
	if a.Name == "" {
		a = resource.Address{Kind: "Organization", Name: "acme"}
	}
	e := c.state.Objects[a]
	c.see(e, "issued", c.clock.AddDate(2, 0, c.random.IntN(100)))
	if a.Kind == "Organization" {
		e.Observed = resource.Map{"status": resource.String("active"), "seen": resource.Int(c.number)}
	}
	c.land(a)
}

// forge commits a state as it was edited by hand.
func (c *chronicle) forge(changed ...resource.Address) string {
	c.record(changed...)
	return c.commit(commitOf{by: c.mallory, message: "tidy up"})
}

// plant is one kind of hostile event. It gives false when there is nothing yet to be hostile to.
type plant struct {
	name string
	do   func(c *chronicle, why string) bool
}

// forged edits the record of one address.
func forged(edit func(c *chronicle, a resource.Address, e *state.Entry)) func(*chronicle, string) bool {
	return func(c *chronicle, why string) bool {
		a := c.pick()
		if a.Name == "" {
			return false
		}
		c.frozen[a] = true
		edit(c, a, c.state.Objects[a])
		c.expect(diag.AuditStateEdited, a, c.forge(a), why)
		return true
	}
}

// prepared has something honest happen to an address first.
func prepared(first func(c *chronicle, a resource.Address), edit func(e *state.Entry)) func(*chronicle, string) bool {
	return func(c *chronicle, why string) bool {
		a := c.pick()
		if a.Name == "" {
			return false
		}
		c.frozen[a] = true
		first(c, a)
		edit(c.state.Objects[a])
		c.expect(diag.AuditStateEdited, a, c.forge(a), why)
		return true
	}
}

// whole edits the file, not an entry; back makes it good again.
func whole(edit, back func(c *chronicle)) func(*chronicle, string) bool {
	return func(c *chronicle, why string) bool {
		edit(c)
		c.encode()
		c.expect(diag.AuditStateEdited, resource.Address{}, c.commit(commitOf{by: c.mallory, message: "tidy up"}), why)
		back(c)
		return true
	}
}

func raise(c *chronicle, a resource.Address) {
	c.rewrite(a, c.ann, func(i *intent) { i.generation++ })
	c.apply(a)
}

// signed changes a manifest in a commit whose signature is not what it should be, and applies it.
func signed(code diag.Code, by func(*chronicle) person, tamper bool) func(*chronicle, string) bool {
	return func(c *chronicle, why string) bool {
		a := c.pick()
		if a.Name == "" {
			return false
		}
		c.intents[a].emails++
		c.ask(c.intents[a])
		c.expect(code, a, c.commit(commitOf{by: by(c), message: "change " + a.Name, tamper: tamper}), why)
		return true
	}
}

var plants = []plant{
	{"the applied spec is edited", forged(func(_ *chronicle, _ resource.Address, e *state.Entry) {
		e.Applied.Spec = e.Applied.Spec.Clone()
		e.Applied.Spec["additional_emails"] = resource.List{resource.String("mallory@example.net")}
	})},
	{"protection is edited", forged(func(_ *chronicle, _ resource.Address, e *state.Entry) { e.Applied.Protect = !e.Applied.Protect })},
	{"the digest of what is wanted is edited", forged(func(_ *chronicle, _ resource.Address, e *state.Entry) { e.Source.Desired = strings.Repeat("0", 64) })},
	{"the id is another", forged(func(c *chronicle, _ resource.Address, e *state.Entry) { c.next++; e.Identity.ID = fmt.Sprint(c.next) })},
	{"the first name is another", forged(func(_ *chronicle, _ resource.Address, e *state.Entry) { e.Identity.Origin = "someone-else" })},
	{"the key is another", forged(func(_ *chronicle, _ resource.Address, e *state.Entry) { e.Identity.Nonce = "mine" })},
	{"the product is another", forged(func(_ *chronicle, _ resource.Address, e *state.Entry) { e.Identity.Product = "code_signing_ev" })},
	{"two ids are swapped", func(c *chronicle, why string) bool {
		a := c.pick()
		c.frozen[a] = true
		b := c.pick()
		if b.Name == "" {
			delete(c.frozen, a)
			return false
		}
		c.frozen[b] = true
		x, y := c.state.Objects[a], c.state.Objects[b]
		x.Identity.ID, y.Identity.ID = y.Identity.ID, x.Identity.ID
		commit := c.forge(a, b)
		c.expect(diag.AuditStateEdited, a, commit, why)
		c.expect(diag.AuditStateEdited, b, commit, why)
		return true
	}},
	{"one id has two owners", func(c *chronicle, why string) bool {
		a := c.pick()
		c.frozen[a] = true
		b := c.pick()
		delete(c.frozen, a)
		if b.Name == "" {
			return false
		}
		own := c.state.Objects[a].Identity.ID
		c.state.Objects[a].Identity.ID = c.state.Objects[b].Identity.ID
		c.expect(diag.AuditStateEdited, a, c.forge(a), why)
		c.state.Objects[a].Identity.ID = own
		c.forge(a) // back to what it was is right
		return true
	}},
	{"the generation goes back", prepared(raise, func(e *state.Entry) { e.Identity.Generation--; e.Applied.Generation-- })},
	{"the sequence goes back", prepared(func(c *chronicle, a resource.Address) { c.renew(a) }, func(e *state.Entry) { e.Identity.Sequence-- })},
	{"an earlier id is forgotten", prepared(func(c *chronicle, a resource.Address) { c.renew(a) }, func(e *state.Entry) { e.Identity.Earlier = nil })},
	{"a tombstone is removed", func(c *chronicle, why string) bool {
		a := c.retire()
		if a.Name == "" {
			return false
		}
		c.frozen[a] = true
		c.state.Objects[a].Identity.Tombstones = nil
		c.expect(diag.AuditStateEdited, a, c.forge(a), why)
		return true
	}},
	{"a note is edited", prepared(func(c *chronicle, a resource.Address) {
		c.rewrite(a, c.ann, func(i *intent) { i.note = "note-of-" + i.name; i.generation++ })
		c.apply(a)
	}, func(e *state.Entry) {
		for id := range e.Identity.Notes {
			e.Identity.Notes = map[string]string{id: "something else"}
		}
	})},
	{"what is protected is no longer recorded", func(c *chronicle, why string) bool {
		i := c.newIntent()
		i.protect = true
		c.ask(i)
		asked := c.commit(commitOf{by: c.ann, message: "ask for " + i.name})
		a := i.address()
		c.apply(a)
		c.frozen[a] = true
		delete(c.state.Objects, a)
		c.expect(diag.AuditStateEdited, a, c.forge(a), why)
		c.expect(diag.AuditUnapplied, a, asked, why)
		return true
	}},
	{"the serial goes back", whole(func(c *chronicle) { c.state.Serial -= 2 }, func(*chronicle) {})},
	{"the serial stays", func(c *chronicle, why string) bool {
		a := c.pick()
		if a.Name == "" {
			return false
		}
		c.see(c.state.Objects[a], "issued", c.clock.AddDate(3, 0, 0))
		c.encode(a)
		c.expect(diag.AuditStateEdited, resource.Address{}, c.commit(commitOf{by: c.mallory, message: "tidy up"}), why)
		return true
	}},
	{"the project is another", whole(func(c *chronicle) { c.state.Serial++; c.state.Lineage = "somebody-else" }, func(c *chronicle) {
		c.state.Lineage = genUID
		c.land()
	})},
	{"the account is another", whole(func(c *chronicle) { c.state.Serial++; c.state.Account.ID++ }, func(c *chronicle) {
		c.state.Account.ID--
		c.land() // back to what it was is right
	})},
	{"the user is another", whole(func(c *chronicle) { c.state.Serial++; c.state.Account.User.ID += 1000 }, func(c *chronicle) {
		c.state.Account.User.ID -= 1000
		c.land()
	})},
	{"the container is another", whole(func(c *chronicle) { c.state.Serial++; c.state.Account.ContainerID++ }, func(c *chronicle) {
		c.state.Account.ContainerID--
		c.land()
	})},
	{"the bytes are not canonical", func(c *chronicle, why string) bool {
		c.record()
		c.writeState(bytes.ReplaceAll(c.stateBlob.data, []byte("\n  \""), []byte("\n   \"")))
		c.expect(diag.AuditStateEdited, resource.Address{}, c.commit(commitOf{by: c.mallory, message: "tidy up"}), why)
		return true
	}},
	{"the state is no JSON", func(c *chronicle, why string) bool {
		c.writeState([]byte("{\n<<<<<<< ours\n"))
		c.expect(diag.AuditStateInvalid, resource.Address{}, c.commit(commitOf{by: c.mallory, message: "merge"}), why)
		c.land()
		return true
	}},
	{"a merge drops what was recorded", func(c *chronicle, why string) bool {
		if len(c.pending) == 0 {
			c.request()
		}
		a, before := c.pending[0], c.state.Clone()
		entry, blob := c.entries[a], c.stateBlob
		c.make(a)
		c.record(a)
		side := c.commit(commitOf{by: c.bot, message: "dcsync: record\n\nDcsync-Run: side", aside: true})
		c.state = before
		c.stateBlob = blob
		if delete(c.entries, a); entry != nil {
			c.entries[a] = entry
		}
		c.observe()
		c.commit(commitOf{by: c.rita, message: "merge, ours", parents: []string{c.head, side}})
		c.expect(diag.AuditStateEdited, resource.Address{}, side, why)
		return true
	}},
	{"applied from a manifest that never was", func(c *chronicle, why string) bool {
		a := c.pick()
		if a.Name == "" {
			return false
		}
		c.frozen[a] = true
		c.state.Objects[a].Source.Document = strings.Repeat("ab", 32)
		c.expect(diag.AuditUnasked, a, c.forge(a), why)
		return true
	}},
	{"an order without any manifest", func(c *chronicle, why string) bool {
		from := c.pick()
		if from.Name == "" {
			return false
		}
		ghost := resource.Address{Kind: "Order", Name: fmt.Sprintf("ghost-%05d", c.number)}
		e := c.state.Objects[from].Clone()
		c.next++
		e.Identity = state.Identity{ID: fmt.Sprint(c.next), Origin: ghost.Name, Product: e.Identity.Product, Generation: e.Identity.Generation}
		e.Source.Document, e.Source.Path = strings.Repeat("cd", 32), "manifests/"+ghost.Name+".yaml"
		c.state.Objects[ghost] = e
		c.expect(diag.AuditUnasked, ghost, c.forge(ghost), why)
		return true
	}},
	{"a value of a record whose commit is not on the branch", func(c *chronicle, why string) bool {
		a := c.pick()
		if a.Name == "" {
			return false
		}
		c.frozen[a] = true
		e := c.state.Objects[a]
		e.Source.Commit = c.commit(commitOf{by: c.mallory, message: "aside", aside: true})
		resource.Put(e.Applied.Spec, "/certificate/signature_hash", resource.String("sha512"))
		c.expect(diag.AuditStateEdited, a, c.forge(a), why)
		return true
	}},
	{"the document is of another manifest", func(c *chronicle, why string) bool {
		a := c.pick()
		c.frozen[a] = true
		b := c.pick()
		if b.Name == "" {
			delete(c.frozen, a)
			return false
		}
		c.state.Objects[a].Source.Document = c.state.Objects[b].Source.Document
		c.expect(diag.AuditStateEdited, a, c.forge(a), why)
		return true
	}},
	{"asked for and never applied", func(c *chronicle, why string) bool {
		i := c.newIntent()
		c.ask(i)
		c.shelve(i.address())
		c.expect(diag.AuditUnapplied, i.address(), c.commit(commitOf{by: c.ann, message: "ask for " + i.name}), why)
		return true
	}},
	{"changed and never applied", func(c *chronicle, why string) bool {
		a := c.pick()
		if a.Name == "" {
			return false
		}
		commit := c.rewrite(a, c.ann, func(i *intent) { i.emails++ })
		c.shelve(a)
		c.expect(diag.AuditUnapplied, a, commit, why)
		return true
	}},
	{"removed and never applied", func(c *chronicle, why string) bool {
		a := c.pick()
		if a.Name == "" || c.intents[a].protect {
			return false
		}
		c.manifest(c.intents[a].file, "")
		delete(c.intents, a)
		c.frozen[a] = true
		c.expect(diag.AuditUnapplied, a, c.commit(commitOf{by: c.ann, message: "remove " + a.Name}), why)
		return true
	}},
	{"not signed", signed(diag.AuditUnsigned, func(*chronicle) person { return person{name: "Ann"} }, false)},
	{"signed by a stranger", signed(diag.AuditUnknownKey, func(c *chronicle) person { return c.mallory }, false)},
	{"signed by a key that had ended", signed(diag.AuditUnknownKey, func(c *chronicle) person { return c.old }, false)},
	{"the signature is of something else", signed(diag.AuditBadSignature, func(c *chronicle) person { return c.ann }, true)},
	{"merged without signature", func(c *chronicle, why string) bool {
		i := c.newIntent()
		c.expect(diag.AuditUnsigned, i.address(), c.merged(i, person{name: "Rita"}, func() { c.observe() }), why)
		return true
	}},
	{"a state commit with a bad signature", func(c *chronicle, why string) bool {
		c.record()
		c.expect(diag.AuditBadSignature, resource.Address{}, c.commit(commitOf{by: c.rita, message: "dcsync: record\n\nDcsync-Run: x", tamper: true}), why)
		return true
	}},
	{"a stranger adds a key", func(c *chronicle, why string) bool {
		c.file(signersAt, c.signers()+c.mallory.signer(""))
		c.expect(diag.AuditTrustChanged, resource.Address{}, c.commit(commitOf{by: c.mallory, message: "add me"}), why)
		c.file(signersAt, c.signers())
		c.commit(commitOf{by: c.rita, message: "take the key out"})
		return true
	}},
	{"a stranger names another file of keys", func(c *chronicle, why string) bool {
		c.file("dcsync.yaml", strings.Replace(genSettings, signersAt, ".dcsync/others", 1))
		c.expect(diag.AuditTrustChanged, resource.Address{}, c.commit(commitOf{by: person{name: "Mallory"}, message: "other keys"}), why)
		c.file("dcsync.yaml", genSettings)
		c.commit(commitOf{by: c.rita, message: "our keys"})
		return true
	}},
	{"applied outside policy", func(c *chronicle, why string) bool {
		i := c.newIntent()
		i.team = ""
		c.ask(i)
		c.commit(commitOf{by: c.ann, message: "ask for " + i.name})
		c.expect(diag.AuditPolicy, i.address(), c.apply(i.address()), why)
		c.rewrite(i.address(), c.ann, func(i *intent) { i.team = "desk" })
		return true
	}},
	{"a weak hash", func(c *chronicle, why string) bool {
		i := c.newIntent()
		i.product, i.hash = "private_ssl_plus", "sha1"
		c.ask(i)
		c.commit(commitOf{by: c.ann, message: "ask for " + i.name})
		c.expect(diag.AuditWeakKey, i.address(), c.apply(i.address()), why)
		c.frozen[i.address()] = true
		return true
	}},
	{"ends and nothing renews it", ending("", 20)},
	{"ended", ending("", -3)},
	{"its window is open", ending("60d", 50)},
}

// ending has a certificate end some days after the history's end.
func ending(renewBefore string, days int) func(*chronicle, string) bool {
	return func(c *chronicle, why string) bool {
		a := c.pick()
		if a.Name == "" {
			return false
		}
		if renewBefore != "" {
			c.rewrite(a, c.ann, func(i *intent) { i.renewBefore = renewBefore })
			c.apply(a)
		}
		c.frozen[a] = true
		c.later = append(c.later, func() {
			c.see(c.state.Objects[a], "issued", c.clock.AddDate(0, 0, days))
			c.land(a)
			c.expect(diag.AuditExpiring, a, "", why)
		})
		return true
	}
}

// shelve keeps a pending address from being applied ever.
func (c *chronicle) shelve(a resource.Address) {
	c.frozen[a] = true
	c.pending = slices.DeleteFunc(slices.Clone(c.pending), func(p resource.Address) bool { return p == a })
}

// write writes a history of about so many commits and manifests, one in twenty of whose events is hostile, and ends it with everything
// applied that is to be.
func (c *chronicle) write(commits, most int) {
	for planted := 0; c.number < commits-20; {
		if planted*20 >= c.number-40 {
			c.honest(most)
			continue
		}
		for range plants {
			p := plants[planted%len(plants)]
			planted++
			if p.do(c, p.name) {
				break
			}
		}
	}
	for len(c.pending) > 0 {
		c.apply(c.pending[:min(len(c.pending), 20)]...)
	}
	for _, do := range c.later {
		do()
	}
}

// repository makes a repository of the history and gives what an audit of it is told.
func (c *chronicle) repository() (dir string, in audit.Input) {
	c.Helper()
	dir = filepath.Join(c.TempDir(), "generated")
	if err := os.Mkdir(dir, 0o755); err != nil {
		c.Fatal(err)
	}
	c.pack.unpack(c, dir, c.head)
	repo, err := gitrepo.Open(dir)
	if err != nil {
		c.Fatal(err)
	}
	loaded, err := manifests.Load(c.Context(), dir)
	if err != nil || loaded.Set == nil {
		c.Fatalf("%v %v", err, loaded.Findings)
	}
	text, err := os.ReadFile(filepath.Join(dir, genFile))
	if err != nil {
		c.Fatal(err)
	}
	f, err := state.Decode(genFile, text)
	if err != nil {
		c.Fatal(err)
	}
	// What was made up is what the loader and the encoder say, too.
	if again, err := state.Encode(f); err != nil || !bytes.Equal(again, text) {
		c.Fatalf("the generated state is not canonical: %v", err)
	}
	for _, o := range loaded.Set.Objects {
		if e := f.Objects[o.Address]; e != nil && !c.frozen[o.Address] && e.Source.Desired != reconcile.DesiredDigest(o) {
			c.Fatalf("%s is not recorded as it is wanted", o.Address)
		}
	}
	return dir, audit.Input{Repo: repo, Project: loaded.Project, Root: dir, State: f, Set: loaded.Set, Now: c.clock.Add(time.Hour), Version: version}
}

// judge tells what of the wanted findings is missing, and what was found that is not wanted.
func (c *chronicle) judge(r *audit.Report, codes ...diag.Code) {
	c.Helper()
	rest := slices.Clone(r.Findings)
	for _, w := range c.wants {
		if codes != nil && !slices.Contains(codes, diag.Code(w.code)) {
			continue
		}
		i := slices.IndexFunc(rest, func(f audit.Finding) bool {
			address := ""
			if f.Address != (resource.Address{}) {
				address = f.Address.String()
			}
			return string(f.Code) == w.code && address == w.address && (w.commit == "" || slices.ContainsFunc(f.Evidence, func(e audit.Evidence) bool {
				return e.Value == w.commit
			}))
		})
		if i < 0 {
			c.Errorf("not found: %s %s at %s (%s)", w.code, w.address, w.commit, w.why)
			continue
		}
		rest = slices.Delete(rest, i, i+1)
	}
	for _, f := range rest {
		c.Errorf("found, and not planted: %s %s %s %v", f.Code, f.Address, f.Summary, f.Evidence)
	}
}

func size(commits, most int) (int, int) {
	if os.Getenv("DCSYNC_SOAK") != "" {
		return 10_000, 1000
	}
	return commits, most
}

// Of a long history every hostile event is found, and nothing else.
func TestGenerated(t *testing.T) {
	t.Parallel()
	c := newChronicle(t, 1)
	c.write(size(1000, 200))
	dir, in := c.repository()
	runGit(t, dir, nil, "fsck", "--strict", "--no-dangling")
	kinds := map[string]int{}
	for _, w := range c.wants {
		kinds[w.why]++
	}
	for _, p := range plants {
		if kinds[p.name] == 0 {
			t.Errorf("never planted: %s", p.name)
		}
	}
	r, err := audit.Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Complete || len(r.Entries) < c.number/2 {
		t.Errorf("complete: %t, %d entries of %d commits", r.Complete, len(r.Entries), c.number)
	}
	c.judge(r)
	t.Logf("%d commits, %d manifests, %d findings planted of %d kinds, %d entries, %d certificates", c.number, len(c.names), len(c.wants), len(plants),
		len(r.Entries), len(r.Certificates))
	if r, err = audit.Verify(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	c.judge(r, diag.AuditStateEdited, diag.AuditStateInvalid, diag.AuditUnasked)
}
