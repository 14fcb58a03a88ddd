// Package reconcile compares what is wanted with what was applied and what is there, and carries the difference out.
//
//	desired (resource.Set) ─┐
//	applied (state.File)  ──┼─▶ Needs ─▶ reads ─▶ Build ─▶ Plan ─▶ Apply ─▶ Results
//	live    (Account)     ──┘
//
// Needs and Build are pure: they know no network, clock or terminal, so a plan can be printed, hashed, saved and built again. Apply
// works through the small interfaces Remote, Store and Observer. Nothing here knows a kind by name: descriptors say how a
// field is sent, compared and changed.
package reconcile

import (
	"slices"
	"time"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
)

// Refresh says how much of the account a plan looks at.
type Refresh string

// The refresh modes.
const (
	RefreshAuto Refresh = "auto" // listings, and single objects where Needs says so
	RefreshFull Refresh = "full" // listings and every managed object
	RefreshNone Refresh = "none" // state only: no key, no network
)

// Plan is what apply would do, as plain data.
type Plan struct {
	CreatedAt time.Time
	AsOf      time.Time // the instant the plan was built for
	Commit    string    // of the repository's head, "" outside git
	Inputs    string    // "sha256:…" over the project's files
	Digest    string    // "sha256:…" over what the changes do
	Refresh   Refresh
	Complete  bool // false when something could not be read: then nothing may be concluded absent
	Compared  Compared
	State     *StateRef   // nil before the first apply
	Account   *AccountRef // nil before the first apply
	Target    *AccountRef // the account and address the plan would be applied to; nil when it is not known
	Cost      Cost
	Changes   []*Change // every managed object, riskiest first, then by address
	Findings  diag.List
	Targets   []resource.Address // the addresses it was limited to; none: everything
	Waiting   int                // managed objects that wait for people or DigiCert

	UnmanagedCount int                               // live, not ended objects that no manifest and no state entry names
	Unmanaged      []Unmanaged                       // the same by name, where the command asks for them
	Seen           map[resource.Address]resource.Map // what the account shows of each managed object: the fields that state keeps as observed
	Unnamed        []Unnamed                         // who may approve orders although no manifest names them, as far as validations were read
}

// Compared counts the managed objects by how deep they were read.
type Compared struct {
	List int
	Info int
}

// StateRef names the state a plan was built from.
type StateRef struct {
	Lineage string
	Serial  int
	Digest  string // "sha256:…" of the file's bytes
}

// AccountRef names the account a plan is for.
type AccountRef struct {
	ID     int64
	APIURL string
}

// Cost is what carrying the plan out takes.
type Cost struct {
	Orders   int
	Requests int
	Price    *Price // nil when the key may not read prices, or nothing is ordered and none was read
}

// Price is the sum of the list prices of the orders.
type Price struct {
	Amount   string // decimal, two places
	Currency string // upper case
	Complete bool   // false when some order's price is unknown
}

// Unmanaged is a live object that no manifest and no state entry names.
type Unmanaged struct {
	Kind    string
	ID      string
	Product string // "" for what is no order
	Summary string
}

// Unnamed is a person whom the account lets approve orders and no manifest names.
type Unnamed struct {
	Address resource.Address // whose validation they were named for
	ID      string           // live id of that object
	Type    string           // of the validation
	Person  string
}

// Change is what the plan does with one object, or with some of its fields: an object whose fields call for different actions has
// one change for each action.
type Change struct {
	Address    resource.Address
	Action     resource.Action
	Trigger    resource.Trigger
	Reason     string
	ID         string   // live id, "" when there is none yet
	Revokes    []string // certificates that die
	Source     resource.Source
	DependsOn  []resource.Address
	Fields     []resource.FieldChange
	Requests   int // writes and look-ups this change takes
	Generation int
	Sequence   int
	Product    string
	Corrected  bool // drift that DigiCert's own staff made while validating: moves no exit code
	Unread     bool // it could not be read, so nothing is known of it

	// What Apply needs and a reader does not.
	object *resource.Object
	spec   resource.Map // what is sent: the manifest's, or with the values of others in what is left to them
	nonce  string
	keys   []key  // that are looked up before it orders
	origin string // the name that the order to adopt was placed under
	renews string // the order that this one renews
	before []link // live orders of the manifest that the one to adopt followed
	serial string // the single certificate that is revoked
	last   bool   // it ends the order that the manifest stands for: whether another one followed is looked up before
	named  bool   // a retire block names what ends
	over   bool   // it is blocked since the manifest's own order has ended, which state does not know yet
	waits  bool   // nothing is to be done, since what was asked for waits for people
	// guarded tells that it is blocked by the object's protection.
	guarded bool
	live    *resource.Live
}

// risk ranks a change among the others: a reissue that makes DigiCert revoke stands with the revocations.
func (c *Change) risk() int {
	if len(c.Revokes) > 0 && c.Action == resource.ReissueNow {
		return resource.Revoke.Risk()
	}
	return c.Action.Risk()
}

// Destroys tells whether the change ends something that no retire block names: that counts against the limit of such changes.
func (c *Change) Destroys() bool { return !c.named && (c.Action.Destroys() || len(c.Revokes) > 0) }

// Summary counts the changes by action, and drift.
type Summary struct {
	ByAction map[resource.Action]int
	Waiting  int
	Drift    int // changes whose trigger is drift
}

// Summary counts what the plan holds.
func (p *Plan) Summary() Summary {
	s := Summary{ByAction: map[resource.Action]int{}, Waiting: p.Waiting}
	for _, c := range p.Changes {
		s.ByAction[c.Action]++
		if c.Trigger == resource.ByDrift && !c.Corrected && !c.Unread {
			s.Drift++
		}
	}
	return s
}

// Visible gives the changes worth showing: all but noop.
func (p *Plan) Visible() []*Change {
	var out []*Change
	for _, c := range p.Changes {
		if c.Action != resource.Noop {
			out = append(out, c)
		}
	}
	return out
}

// HasIntent tells whether apply would carry out an intent, a renewal that is due, or a recovery.
func (p *Plan) HasIntent() bool {
	return p.any(func(c *Change) bool { return c.Action.Works() && c.Trigger != resource.ByDrift })
}

// HasDrift tells whether the account was changed behind the manifests' back, apart from corrections by DigiCert.
func (p *Plan) HasDrift() bool {
	return p.any(func(c *Change) bool {
		if c.Corrected || c.Unread || c.Action == resource.Noop {
			return false
		}
		for _, f := range c.Fields {
			if f.Origin != resource.FromIntent {
				return true
			}
		}
		return c.Trigger == resource.ByDrift
	})
}

// KeepDrift leaves in a plan only what the account changed by itself, and the objects that are as they should be.
func (p *Plan) KeepDrift() {
	p.Changes = slices.DeleteFunc(p.Changes, func(c *Change) bool {
		drifted := c.Trigger == resource.ByDrift
		c.Fields = slices.DeleteFunc(c.Fields, func(f resource.FieldChange) bool { return f.Origin == resource.FromIntent })
		if !drifted && len(c.Fields) > 0 {
			c.Trigger, c.Reason = resource.ByDrift, "the account was changed outside git"
		}
		return c.Action != resource.Noop && !drifted && len(c.Fields) == 0
	})
	p.Cost = Cost{}
	p.Digest = DigestOf(p.Changes)
}

// HasBlockedIntent tells whether something that is wanted cannot be carried out.
func (p *Plan) HasBlockedIntent() bool {
	return p.any(func(c *Change) bool { return c.Action == resource.Blocked && c.Trigger != resource.ByDrift })
}

func (p *Plan) any(f func(*Change) bool) bool {
	for _, c := range p.Changes {
		if f(c) {
			return true
		}
	}
	return false
}
