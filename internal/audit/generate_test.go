package audit_test

import (
	"bytes"
	"compress/zlib"
	"crypto/ed25519"
	"crypto/sha1" //nolint:gosec // git's own ids
	"crypto/sha512"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
	"dcsync/manifests"
	"dcsync/reconcile"
	"dcsync/state"
)

// The generator writes the history of a project as one pack: honest events as people and dcsync make them, and among them hostile ones,
// of each of which it notes what an audit must find. What a manifest stands for is asked of the real loader; what a state file says is
// encoded as dcsync does.

// object is a git object of the pack. Its data is kept only as long as others are written as a difference to it.
type object struct {
	id    [20]byte
	data  []byte
	at    int // where it begins in the pack, behind the header
	depth int // of differences to others
}

func (o *object) String() string { return hex.EncodeToString(o.id[:]) }

// pack collects objects in git's pack format.
type pack struct {
	out   bytes.Buffer
	count uint32
	known map[[20]byte]*object
	zip   *zlib.Writer
}

// Types of objects in a pack.
const (
	packCommit = 1
	packTree   = 2
	packBlob   = 3
	packDelta  = 6 // to an object further up
)

// put adds an object, as a difference to another one where that is given and its chain is short.
func (p *pack) put(kind int, data []byte, base *object) *object {
	name := map[int]string{packCommit: "commit", packTree: "tree", packBlob: "blob"}[kind]
	h := sha1.New() //nolint:gosec // git's own ids
	fmt.Fprintf(h, "%s %d\x00", name, len(data))
	h.Write(data)
	o := &object{data: data}
	h.Sum(o.id[:0])
	if known := p.known[o.id]; known != nil {
		known.data = data
		return known
	}
	p.known[o.id], o.at = o, p.out.Len()
	p.count++
	if base == nil || base.depth >= 48 || base.data == nil {
		p.write(kind, nil, data)
		return o
	}
	o.depth = base.depth + 1
	p.write(packDelta, distance(o.at-base.at), difference(base.data, data))
	return o
}

func (p *pack) write(kind int, before, data []byte) {
	n := len(data)
	b := byte(kind<<4 | n&15)
	for n >>= 4; n > 0; n >>= 7 {
		p.out.WriteByte(b | 128)
		b = byte(n & 127)
	}
	p.out.WriteByte(b)
	p.out.Write(before)
	if p.zip == nil {
		p.zip, _ = zlib.NewWriterLevel(&p.out, zlib.BestSpeed)
	}
	p.zip.Reset(&p.out)
	_, _ = p.zip.Write(data)
	_ = p.zip.Close()
}

// distance writes how far up an object lies.
func distance(n int) []byte {
	out := []byte{byte(n & 127)}
	for n >>= 7; n > 0; n >>= 7 {
		n--
		out = append([]byte{byte(n&127) | 128}, out...)
	}
	return out
}

// difference writes data as parts of base and what is new. The parts are the entries of a state file; of what has none, the beginning and
// the end.
func difference(base, data []byte) []byte {
	d := &delta{}
	d.size(len(base))
	d.size(len(data))
	mark := []byte("\n    \"")
	if !bytes.Contains(data, mark) {
		start, end := 0, 0
		for start < min(len(base), len(data)) && base[start] == data[start] {
			start++
		}
		for end < min(len(base), len(data))-start && base[len(base)-1-end] == data[len(data)-1-end] {
			end++
		}
		d.take(0, start)
		d.add(data[start : len(data)-end])
		d.take(len(base)-end, end)
		return d.out
	}
	at, places := 0, map[string]int{}
	for _, part := range bytes.SplitAfter(base, mark) {
		places[string(part)] = at
		at += len(part)
	}
	from, n := 0, 0 // what is to be taken
	for _, part := range bytes.SplitAfter(data, mark) {
		place, known := places[string(part)]
		switch {
		case known && from+n == place:
			n += len(part)
		case known:
			d.take(from, n)
			from, n = place, len(part)
		default:
			d.take(from, n)
			d.add(part)
			from, n = 0, 0
		}
	}
	d.take(from, n)
	return d.out
}

// delta is a difference as git writes it.
type delta struct{ out []byte }

func (d *delta) size(n int) {
	for ; n > 127; n >>= 7 {
		d.out = append(d.out, byte(n)|128)
	}
	d.out = append(d.out, byte(n))
}

func (d *delta) take(from, n int) {
	for ; n > 0; from, n = from+0xffff, n-0xffff {
		m := min(n, 0xffff)
		d.out = append(d.out, 128|15|48, byte(from), byte(from>>8), byte(from>>16), byte(from>>24), byte(m), byte(m>>8))
	}
}

func (d *delta) add(data []byte) {
	for len(data) > 0 {
		n := min(len(data), 127)
		d.out = append(append(d.out, byte(n)), data[:n]...)
		data = data[n:]
	}
}

// unpack makes a repository of the objects, with a branch at a commit that is checked out.
func (p *pack) unpack(t testing.TB, dir, head string) {
	t.Helper()
	all := append([]byte("PACK\x00\x00\x00\x02"), byte(p.count>>24), byte(p.count>>16), byte(p.count>>8), byte(p.count))
	all = append(all, p.out.Bytes()...)
	sum := sha1.Sum(all) //nolint:gosec // git's own check
	runGit(t, dir, nil, "init", "-q", "-b", "main")
	runGit(t, dir, append(all, sum[:]...), "index-pack", "--stdin")
	runGit(t, dir, nil, "update-ref", "refs/heads/main", head)
	runGit(t, dir, nil, "reset", "-q", "--hard")
}

func runGit(t testing.TB, dir string, in []byte, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(in)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull, "TZ=UTC", "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// person is somebody who commits; without a key the commits are not signed.
type person struct {
	name string
	key  ssh.Signer
}

func newPerson(t testing.TB, name string, seed byte) person {
	t.Helper()
	key, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	return person{name, key}
}

// signer gives the person's line in a file of allowed signers.
func (p person) signer(options string) string {
	return strings.ToLower(p.name) + "@example.com " + options + strings.TrimSpace(string(ssh.MarshalAuthorizedKey(p.key.PublicKey()))) + "\n"
}

// sign gives a signature as ssh-keygen -Y sign -n git makes one (OpenSSH's PROTOCOL.sshsig).
func (p person) sign(t testing.TB, payload []byte) []byte {
	t.Helper()
	type signed struct {
		Namespace, Reserved, Hash string
		Digest                    []byte
	}
	type blob struct {
		Version                   uint32
		Key                       []byte
		Namespace, Reserved, Hash string
		Signature                 []byte
	}
	sum := sha512.Sum512(payload)
	sig, err := p.key.Sign(nil, append([]byte("SSHSIG"), ssh.Marshal(signed{"git", "", "sha512", sum[:]})...))
	if err != nil {
		t.Fatal(err)
	}
	raw := ssh.Marshal(blob{1, p.key.PublicKey().Marshal(), "git", "", "sha512", ssh.Marshal(sig)})
	return pem.EncodeToMemory(&pem.Block{Type: "SSH SIGNATURE", Bytes: append([]byte("SSHSIG"), raw...)})
}

// few is a project of a few files for the real loader: ids are what git would give.
type few struct {
	blobs   map[string]string
	folders map[string][]fewEntry
}

type fewEntry struct {
	name, id string
	mode     fs.FileMode
}

func (f *few) Folder(id string, visit func(name, id string, mode fs.FileMode)) error {
	for _, e := range f.folders[id] {
		visit(e.name, e.id, e.mode)
	}
	return nil
}

func (f *few) Blob(id string, _ int64) ([]byte, bool, error) { return []byte(f.blobs[id]), true, nil }

// intent is what a manifest of an order says, as far as the generator varies it.
type intent struct {
	name, file  string
	product     string
	team        string // label that the policy wants
	emails      int    // the version of its addresses
	generation  int
	renewBefore string
	protect     bool
	hash        string
	note        string
	retire      bool
	movedFrom   []string
}

func (i intent) address() resource.Address { return resource.Address{Kind: "Order", Name: i.name} }

func (i intent) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: dcsync/v1\nkind: Order\nmetadata:\n  name: %s\n", i.name)
	if i.team != "" {
		fmt.Fprintf(&b, "  labels: {team: %s}\n", i.team)
	}
	if i.movedFrom != nil {
		fmt.Fprintf(&b, "  moved_from: [%s]\n", strings.Join(i.movedFrom, ", "))
	}
	fmt.Fprintf(&b, "spec:\n  product: %s\n  certificate:\n    csr: {file: ../csr/a.csr}\n    signature_hash: %s\n", i.product, i.hash)
	if i.product == "code_signing" {
		b.WriteString("  cs_provisioning_method: email\n")
	} else {
		fmt.Fprintf(&b, "    common_name: %s.example.com\n", i.name)
	}
	b.WriteString("  organization: {ref: acme}\n  order_validity: {years: 1}\n")
	fmt.Fprintf(&b, "  additional_emails: [v%d@example.com]\n", i.emails)
	if i.note != "" {
		fmt.Fprintf(&b, "  notes: [%s]\n", i.note)
	}
	b.WriteString("lifecycle:\n")
	fmt.Fprintf(&b, "  generation: %d\n", i.generation)
	if i.renewBefore != "" {
		fmt.Fprintf(&b, "  renew_before: %s\n", i.renewBefore)
	}
	if i.protect {
		b.WriteString("  protect: true\n")
	}
	if i.retire {
		b.WriteString("retire: {target: current, action: revoke, comments: no longer used}\n")
	}
	return b.String()
}

// want is a finding that an audit must make: by code and address ("" for none), resting on a commit.
type want struct{ code, address, commit, why string }

// chronicle writes a history.
type chronicle struct {
	testing.TB
	random *rand.Rand
	pack   *pack
	clock  time.Time
	number int // of commits
	head   string
	next   int // id of the next live object

	files     map[string]*object // of the project but manifests and state
	texts     map[string]string  // of files and manifests
	names     []string           // of manifests, sorted
	manifests map[string]*object // by name of file
	folder    *object            // of manifests, as last written
	stateBlob *object

	state   *state.File
	entries map[resource.Address][]byte // as encoded in the state

	intents map[resource.Address]*intent
	pending []resource.Address        // asked for, and not applied yet
	frozen  map[resource.Address]bool // left alone: something is planted there
	later   []func()                  // what happens at the end
	wants   []want

	ann, rita, mallory, old, bot person

	few  *few
	past *manifests.Past
}

const (
	genUID     = "5d0c3f5e-8f0b-4f0c-9a57-generated000"
	genAccount = 7
	genStep    = 20 * time.Minute
	genFile    = "dcsync.state.json"
	signersAt  = ".dcsync/allowed_signers"
)

var genBegin = time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)

const genSettings = `apiVersion: dcsync/v1
kind: Project
metadata: {name: generated, uid: ` + genUID + `}
spec:
  settle: 0s
  trust: {allowed_signers: ` + signersAt + `}
  policy:
    rules:
      - {name: owners, required_labels: [team]}
`

func newChronicle(t testing.TB, seed uint64) *chronicle {
	t.Helper()
	csr, err := os.ReadFile(filepath.Join("..", "..", "testdata", "valid", "csr_file", "csr", "firmware.csr"))
	if err != nil {
		t.Fatal(err)
	}
	c := &chronicle{TB: t, random: rand.New(rand.NewPCG(seed, 1)), pack: &pack{known: map[[20]byte]*object{}}, clock: genBegin, next: 100_000,
		files: map[string]*object{}, texts: map[string]string{}, manifests: map[string]*object{}, entries: map[resource.Address][]byte{},
		intents: map[resource.Address]*intent{}, frozen: map[resource.Address]bool{},
		ann: newPerson(t, "Ann", 1), rita: newPerson(t, "Rita", 2), mallory: newPerson(t, "Mallory", 3), old: newPerson(t, "Olaf", 4), bot: person{name: "dcsync"},
		few: &few{map[string]string{}, map[string][]fewEntry{}}}
	c.past = manifests.NewPast(c.few)
	c.state = state.New(genUID)
	c.state.Account = &state.Account{ID: genAccount, APIURL: "https://example.com/services/v2", User: state.User{ID: 9}}
	c.file("dcsync.yaml", genSettings)
	c.file("csr/a.csr", string(csr))
	c.file(signersAt, c.signers())
	c.manifest("acme.yaml", strings.ReplaceAll(genOrganization, "\t", "  "))
	c.commit(commitOf{by: c.ann, message: "begin"})
	c.apply(resource.Address{Kind: "Organization", Name: "acme"})
	return c
}

const genOrganization = `apiVersion: dcsync/v1
kind: Organization
metadata: {name: acme, labels: {team: legal}}
spec:
	name: Acme Inc.
	address: 123 Example Street
	city: Lehi
	state: Utah
	zip: "84043"
	country: us
	telephone: "+1 801 555 0100"
	organization_contact: {first_name: Jane, last_name: Doe, email: jane@example.com, telephone: "+1 801 555 0101"}
`

func (c *chronicle) signers() string {
	return c.ann.signer("") + c.rita.signer("") + c.old.signer(`valid-before="20250101" `)
}

func (c *chronicle) file(name, text string) {
	c.texts[name] = text
	c.files[name] = c.pack.put(packBlob, []byte(text), nil)
}

// manifest writes a file among the manifests; "" removes it.
func (c *chronicle) manifest(name, text string) {
	c.texts["manifests/"+name] = text
	i, is := slices.BinarySearch(c.names, name)
	switch {
	case text == "":
		c.names = slices.Delete(c.names, i, i+1)
		delete(c.manifests, name)
		return
	case !is:
		c.names = slices.Insert(c.names, i, name)
	}
	c.manifests[name] = c.pack.put(packBlob, []byte(text), nil)
}

type treeEntry struct {
	mode, name string
	*object
}

func (c *chronicle) tree(list []treeEntry, base *object) *object {
	var raw []byte
	for _, e := range list {
		raw = append(append(raw, e.mode+" "+e.name+"\x00"...), e.id[:]...)
	}
	return c.pack.put(packTree, raw, base)
}

// root writes the folders as they are now.
func (c *chronicle) root() *object {
	orders := make([]treeEntry, 0, len(c.names))
	for _, name := range c.names {
		orders = append(orders, treeEntry{"100644", name, c.manifests[name]})
	}
	before := c.folder
	c.folder = c.tree(orders, before)
	if before != nil && before != c.folder {
		before.data = nil
	}
	one := func(name string) *object {
		return c.tree([]treeEntry{{"100644", filepath.Base(name), c.files[name]}}, nil)
	}
	list := []treeEntry{{"40000", ".dcsync", one(signersAt)}, {"40000", "csr", one("csr/a.csr")}}
	if c.stateBlob != nil {
		list = append(list, treeEntry{"100644", genFile, c.stateBlob})
	}
	return c.tree(append(list, treeEntry{"100644", "dcsync.yaml", c.files["dcsync.yaml"]}, treeEntry{"40000", "manifests", c.folder}), nil)
}

// commitOf says how a commit is made.
type commitOf struct {
	by      person
	message string
	parents []string // nil: the head
	aside   bool     // the head stays where it is
	tamper  bool     // with what was signed
}

// commit commits the files as they are, a little later.
func (c *chronicle) commit(how commitOf) string {
	c.clock = c.clock.Add(genStep)
	c.number++
	var head strings.Builder
	fmt.Fprintf(&head, "tree %s\n", c.root())
	if how.parents == nil && c.head != "" {
		how.parents = []string{c.head}
	}
	for _, p := range how.parents {
		fmt.Fprintf(&head, "parent %s\n", p)
	}
	who := fmt.Sprintf("%s <%s@example.com> %d +0000", how.by.name, strings.ToLower(how.by.name), c.clock.Unix())
	fmt.Fprintf(&head, "author %s\ncommitter %s\n", who, who)
	rest := "\n" + how.message + "\n"
	signature := ""
	if how.by.key != nil {
		payload := head.String() + rest
		if how.tamper {
			payload += "and more"
		}
		armored := strings.TrimSuffix(string(how.by.sign(c, []byte(payload))), "\n")
		signature = "gpgsig " + strings.ReplaceAll(armored, "\n", "\n ") + "\n"
	}
	id := c.pack.put(packCommit, []byte(head.String()+signature+rest), nil)
	id.data = nil
	if !how.aside {
		c.head = id.String()
	}
	return id.String()
}

// object gives what an address's manifest stands for now.
func (c *chronicle) object(a resource.Address) *resource.Object {
	c.Helper()
	name := c.fileOf(a)
	blob := func(path string) fewEntry {
		o := c.files[path]
		if rest, ok := strings.CutPrefix(path, "manifests/"); ok {
			o = c.manifests[rest]
		}
		c.few.blobs[o.String()] = c.texts[path]
		return fewEntry{filepath.Base(path), o.String(), 0}
	}
	folder := func(entries ...fewEntry) string {
		id := fmt.Sprint(entries)
		c.few.folders[id] = entries
		return id
	}
	list := []fewEntry{blob("manifests/acme.yaml")}
	if name != "acme.yaml" {
		list = append(list, blob("manifests/"+name))
	}
	snapshot, err := c.past.At(folder(fewEntry{"csr", folder(blob("csr/a.csr")), fs.ModeDir}, blob("dcsync.yaml"), fewEntry{"manifests", folder(list...), fs.ModeDir}))
	if err != nil {
		c.Fatal(err)
	}
	o, found, err := snapshot.Object(a)
	if err != nil || o == nil {
		c.Fatalf("%s: %v %v", a, err, found)
	}
	return o
}

func (c *chronicle) fileOf(a resource.Address) string {
	if i := c.intents[a]; i != nil {
		return i.file
	}
	return a.Name + ".yaml"
}

// source is what dcsync records of a manifest that is applied from the head.
func (c *chronicle) source(o *resource.Object) state.Source {
	return state.Source{Path: o.Source.File, Document: o.Source.Digest, Desired: reconcile.DesiredDigest(o), Commit: c.head, Version: version}
}

// follow gives an address a new live object after the one it owns.
func (c *chronicle) follow(o *resource.Object, e *state.Entry, generation, sequence int, ended string) {
	if was := e.Identity; was.ID != "" {
		e.Identity.Earlier = append(e.Identity.Earlier, state.Earlier{ID: was.ID, Nonce: was.Nonce, Generation: was.Generation, Sequence: was.Sequence, Ended: ended})
	}
	c.next++
	e.Identity.ID, e.Identity.Generation, e.Identity.Sequence, e.Identity.Product = fmt.Sprint(c.next), generation, sequence, o.Descriptor.Product
	e.Identity.Notes = nil
	if o.Descriptor.Nonce != "" {
		e.Identity.Nonce = reconcile.Nonce(genAccount, genUID, o.Address.Kind, e.Identity.Origin, generation, sequence)
	}
	if note := c.intents[o.Address]; note != nil && note.note != "" {
		e.Identity.Notes = map[string]string{"1" + e.Identity.ID: note.note}
	}
	if !o.Descriptor.Expires {
		return
	}
	till := c.clock.AddDate(2, 0, 0)
	c.see(e, "issued", till)
}

// see records what an order looks like.
func (c *chronicle) see(e *state.Entry, status string, till time.Time) {
	e.SeenAt = c.clock
	e.Observed = resource.Map{"status": resource.String(status), "serial_number": resource.String("0A" + e.Identity.ID),
		"valid_till": resource.String(till.Format(time.DateOnly)), "order_valid_till": resource.String(till.Format(time.DateOnly))}
}

// make brings the record of an address to what its manifest says.
func (c *chronicle) make(a resource.Address) {
	o, e := c.object(a), c.state.Objects[a]
	switch {
	case e == nil:
		e = &state.Entry{Identity: state.Identity{Origin: a.Name}}
		if n := len(o.MovedFrom); n > 0 {
			e.Identity.Origin = o.MovedFrom[0]
		}
		c.state.Objects[a] = e
		c.follow(o, e, o.Lifecycle.Generation, 0, "")
	case e.Identity.Generation != o.Lifecycle.Generation:
		c.follow(o, e, o.Lifecycle.Generation, 0, "expired")
	}
	if o.Retire != nil && len(e.Identity.Tombstones) == 0 {
		id := e.Identity
		e.Identity.Tombstones = []state.Tombstone{{ID: id.ID, Nonce: id.Nonce, Generation: id.Generation, Sequence: id.Sequence, Status: "revoked"}}
		c.see(e, "revoked", c.clock.AddDate(1, 0, 0))
	}
	e.Applied.Generation, e.Applied.Protect = o.Lifecycle.Generation, o.Lifecycle.Protect
	e.Applied.Spec, _ = resource.Resolve(o.Spec, func(r resource.Ref) resource.Value {
		return resource.IDValue(c.state.Objects[resource.Address(r)].Identity.ID)
	}).(resource.Map)
	e.Source, e.DependsOn = c.source(o), o.DependsOn
}

// apply records some addresses as dcsync does, and commits that.
func (c *chronicle) apply(addresses ...resource.Address) string {
	c.Helper()
	for _, a := range addresses {
		c.make(a)
	}
	return c.land(addresses...)
}

// land commits the state as dcsync does.
func (c *chronicle) land(changed ...resource.Address) string {
	c.Helper()
	c.pending = slices.DeleteFunc(slices.Clone(c.pending), func(a resource.Address) bool { return slices.Contains(changed, a) })
	c.record(changed...)
	return c.commit(commitOf{by: c.bot, message: fmt.Sprintf("dcsync: record %d changes\n\nDcsync-Plan: sha256:%d\nDcsync-Run: r%d\nDcsync-Changes: %d",
		len(changed), c.number, c.number, len(changed))})
}

// record writes the state file, whose entries changed at some addresses only.
func (c *chronicle) record(changed ...resource.Address) {
	c.Helper()
	c.state.Serial++
	c.encode(changed...)
}

func (c *chronicle) encode(changed ...resource.Address) {
	c.Helper()
	for _, a := range changed {
		delete(c.entries, a)
		if e := c.state.Objects[a]; e != nil {
			raw, err := state.EncodeEntry(e)
			if err != nil {
				c.Fatal(err)
			}
			c.entries[a] = bytes.ReplaceAll(bytes.TrimSuffix(raw, []byte("\n")), []byte("\n"), []byte("\n    "))
		}
	}
	shell := *c.state
	shell.Objects = nil
	raw, err := state.Encode(&shell)
	if err != nil {
		c.Fatal(err)
	}
	before, after, ok := bytes.Cut(raw, []byte(`"objects": {}`))
	if !ok || len(c.entries) != len(c.state.Objects) {
		c.Fatalf("%d of %d entries encoded: %s", len(c.entries), len(c.state.Objects), raw)
	}
	text := append(bytes.Clone(before), `"objects": {`...)
	for i, a := range slices.SortedFunc(maps.Keys(c.entries), resource.Address.Compare) {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(append(text, "\n    \""+a.String()+"\": "...), c.entries[a]...)
	}
	if len(c.entries) > 0 {
		text = append(text, "\n  "...)
	}
	c.writeState(append(append(text, '}'), after...))
}

func (c *chronicle) writeState(text []byte) {
	before := c.stateBlob
	c.stateBlob = c.pack.put(packBlob, text, before)
	if before != nil && before != c.stateBlob {
		before.data = nil
	}
}

// ask writes the manifest of an intent.
func (c *chronicle) ask(i *intent) {
	c.intents[i.address()] = i
	c.manifest(i.file, i.text())
	if !slices.Contains(c.pending, i.address()) {
		c.pending = append(c.pending, i.address())
	}
}

// expect notes a finding that the audit must make.
func (c *chronicle) expect(code diag.Code, a resource.Address, commit, why string) {
	w := want{code: string(code), commit: commit, why: why}
	if a != (resource.Address{}) {
		w.address = a.String()
	}
	c.wants = append(c.wants, w)
}
