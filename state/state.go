// Package state is the state file: what dcsync last made true, under which id, and what it saw then.
//
// It holds the model, the canonical encoding, the format version, the atomic write and the file lock. It does not decide what is
// recorded (reconcile does) and does not commit the file to git (internal/gitrepo does).
package state

import (
	"maps"
	"slices"
	"time"

	"dcsync/internal/resource"
)

// FormatVersion is the version of the file that this package writes.
const FormatVersion = 1

// File is a whole state file. Lineage is the project's uid; Serial counts the applies that changed the file.
type File struct {
	FormatVersion int
	Lineage       string
	Serial        int
	Account       *Account // nil before the first apply
	Objects       map[resource.Address]*Entry
	Compromised   map[string]string // keys whose entry was forgotten: digest of the key → order that was revoked for it
}

// Account says which account the state belongs to and who applied last.
type Account struct {
	ID          int64  `json:"id"`
	APIURL      string `json:"api_url"`
	ContainerID int64  `json:"container_id,omitempty"`
	User        User   `json:"user"`
}

// User is the user of the key of the last apply: what it may see decides what "not there" means.
type User struct {
	ID     int64   `json:"id"`
	RoleID int     `json:"role_id,omitempty"`
	Sees   []int64 `json:"containers,omitempty"` // containers the user is limited to, ascending; none means all
}

// Entry is all that is known of one managed object.
type Entry struct {
	Identity  Identity           `json:"identity"`
	Applied   Applied            `json:"applied"`
	Observed  resource.Map       `json:"-"`
	SeenAt    time.Time          `json:"-"` // when Observed last got another value
	Source    Source             `json:"source"`
	DependsOn []resource.Address `json:"depends_on,omitempty"`
}

// Identity says which live object an address owns and how it came to it.
type Identity struct {
	ID         string            `json:"id"`
	Nonce      string            `json:"nonce,omitempty"`
	Origin     string            `json:"origin"` // the first name the address ever had
	Product    string            `json:"product,omitempty"`
	Generation int               `json:"generation"`
	Sequence   int               `json:"sequence"`
	FoundEnded bool              `json:"found_ended,omitempty"` // it had ended when it was found: nothing of the manifest was ever made true of it
	Notes      map[string]string `json:"notes,omitempty"`       // note id → text, of the notes dcsync posted
	Earlier    []Earlier         `json:"earlier,omitempty"`
	Tombstones []Tombstone       `json:"tombstones,omitempty"`
	Replaced   []Certificate     `json:"replaced_certificates,omitempty"` // of the order that ID names, oldest first
}

// Certificate is one that an order showed as its own until it was reissued. It may live on, and the account lists the first of an order
// nowhere once there is another.
type Certificate struct {
	ID     string `json:"id,omitempty"`
	Serial string `json:"serial_number"`
	Till   string `json:"valid_till,omitempty"`
}

// Earlier is an id an address owned before, and why it no longer does.
type Earlier struct {
	ID         string `json:"id"`
	Nonce      string `json:"nonce,omitempty"`
	Generation int    `json:"generation"`
	Sequence   int    `json:"sequence"`
	Ended      string `json:"ended"`         // the status it ended with, or renewed or replaced
	Key        string `json:"key,omitempty"` // digest of the public key it was last applied with
}

// Tombstone is an order that ended because a manifest asked for it, or a single certificate of one, named by its serial number. Key is
// kept where the key was compromised.
type Tombstone struct {
	ID         string `json:"id"`
	Serial     string `json:"serial_number,omitempty"`
	Nonce      string `json:"nonce,omitempty"`
	Generation int    `json:"generation"`
	Sequence   int    `json:"sequence"`
	Status     string `json:"status"`
	Reason     string `json:"reason,omitempty"`
	Key        string `json:"key,omitempty"`
}

// Applied is the spec last made true, without secrets, and the instructions it was applied under.
type Applied struct {
	Spec       resource.Map `json:"-"`
	Generation int          `json:"-"`
	Protect    bool         `json:"-"`
	Asked      *Asked       `json:"-"` // nil when no reissue is under way
}

// Asked is a reissue that was asked for and of which it is not known yet whether it came through: people may reject it.
type Asked struct {
	Fields        []resource.Path
	Spec          resource.Map // Fields and nothing else, as they were asked for; one that is missing was left out
	CertificateID string       // the order's certificate at that time
	Reissues      int          // how often it had been reissued by then
}

// Source says which manifest the entry was last applied from. Document and Desired are SHA-256 (hex) of the YAML document's bytes
// and of the normalised spec; Commit is empty when the manifest was not committed as it was.
type Source struct {
	Path     string `json:"path"`
	Document string `json:"document"`
	Desired  string `json:"desired"`
	Commit   string `json:"commit,omitempty"`
	Version  string `json:"dcsync_version"`
}

// New gives the empty state of a project.
func New(lineage string) *File {
	return &File{FormatVersion: FormatVersion, Lineage: lineage, Objects: map[resource.Address]*Entry{}}
}

// Addresses gives the managed addresses, ascending.
func (f *File) Addresses() []resource.Address {
	return slices.SortedFunc(maps.Keys(f.Objects), resource.Address.Compare)
}

// ByID gives the address that owns a live id.
func (f *File) ByID(kind, id string) (resource.Address, bool) {
	for a, e := range f.Objects {
		if a.Kind == kind && e.Identity.ID == id {
			return a, true
		}
	}
	return resource.Address{}, false
}

// Forget takes an entry out. The keys that it knows as compromised are kept: none of them is ever certified again (domain rules, section 5).
func (f *File) Forget(a resource.Address) {
	if e := f.Objects[a]; e != nil {
		for _, t := range e.Identity.Tombstones {
			f.distrust(t.Key, t.ID)
		}
	}
	delete(f.Objects, a)
}

// distrust keeps that a key was compromised; "" is none. Of several orders that were revoked for it the lowest id stands, wherever the file is
// merged.
func (f *File) distrust(key, id string) {
	if key == "" {
		return
	}
	if was, known := f.Compromised[key]; known && was <= id {
		return
	}
	if f.Compromised == nil {
		f.Compromised = map[string]string{}
	}
	f.Compromised[key] = id
}

// CompromisedKeys gives, by the digest of every key that is known as compromised, the order that was revoked for it: those of forgotten
// addresses, and those of tombstones.
func (f *File) CompromisedKeys() map[string]string {
	all := File{Compromised: maps.Clone(f.Compromised)}
	for _, e := range f.Objects {
		for _, t := range e.Identity.Tombstones {
			all.distrust(t.Key, t.ID)
		}
	}
	return all.Compromised
}

// Clone copies the file and everything in it.
func (f *File) Clone() *File {
	c := *f
	c.Compromised = maps.Clone(f.Compromised)
	if f.Account != nil {
		a := *f.Account
		a.User.Sees = slices.Clone(a.User.Sees)
		c.Account = &a
	}
	c.Objects = make(map[resource.Address]*Entry, len(f.Objects))
	for a, e := range f.Objects {
		c.Objects[a] = e.Clone()
	}
	return &c
}

// Clone copies an entry and everything in it.
func (e *Entry) Clone() *Entry {
	c := *e
	c.Identity.Notes = maps.Clone(e.Identity.Notes)
	c.Identity.Earlier = slices.Clone(e.Identity.Earlier)
	c.Identity.Tombstones = slices.Clone(e.Identity.Tombstones)
	c.Identity.Replaced = slices.Clone(e.Identity.Replaced)
	c.Applied.Spec = e.Applied.Spec.Clone()
	if e.Applied.Asked != nil {
		asked := *e.Applied.Asked
		asked.Fields, asked.Spec = slices.Clone(asked.Fields), asked.Spec.Clone()
		c.Applied.Asked = &asked
	}
	c.Observed = e.Observed.Clone()
	c.DependsOn = slices.Clone(e.DependsOn)
	return &c
}
