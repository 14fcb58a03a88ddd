package audit

import (
	"time"

	"dcsync/internal/diag"
	"dcsync/internal/gitrepo"
	"dcsync/internal/resource"
)

// Report is what an audit found. Everything in it is plain data; whoever shows it decides on order beyond what is said here.
type Report struct {
	Project      string // metadata.name of dcsync.yaml
	At           time.Time
	From, To     time.Time // the period asked for; zero for no bound
	Head         string    // commit the audit started from
	Complete     bool      // false when history is cut off or something could not be read: then nothing may be concluded absent
	Offline      bool      // the account was not looked at
	Entries      []Entry   // oldest first
	Findings     []Finding // gravest first, then by address and time
	Certificates []Certificate
	Commits      int // commits looked at
	Transitions  int // changes of the state file replayed
}

// Event is what happened to an address.
type Event string

// The events, in the order of an object's life.
const (
	Requested Event = "requested" // its manifest came to the branch
	Changed   Event = "changed"   // its manifest became another one, or was taken away
	Applied   Event = "applied"   // state says that dcsync made it true
	Renewed   Event = "renewed"   // a later order took over from an earlier one
	Retired   Event = "retired"   // canceled, revoked or withdrawn because a manifest said so
	Forgotten Event = "forgotten" // state no longer holds it; it lives on unmanaged
)

// Entry is one line of evidence: what happened to an address, in which commit, by whom. For requested and changed Commit is the one
// whose author wrote the manifest, and Committer merged it into the branch. For the others Commit is that of the manifest it was applied
// from, as state names it ("" when state names none), and StateCommit the one that recorded it.
type Entry struct {
	Address     resource.Address
	Event       Event
	At          time.Time
	Commit      string
	Author      gitrepo.Identity
	Committer   gitrepo.Identity
	Signature   gitrepo.Judgement // of Commit for requested and changed, of StateCommit otherwise
	OrderID     string            // live id of the object, "" while there is none
	Serial      string            // of the certificate, as state observed it
	StateCommit string
	Detail      string           // a few words, such as "generation 2" or "manifest removed"
	GoesOnAs    resource.Address // the name its object got later, zero when it kept this one
}

// Finding is something an auditor must know of.
type Finding struct {
	Code     diag.Code
	Severity diag.Severity
	Address  resource.Address // zero when it is about no single address
	At       time.Time        // since when, zero when that is not known
	Summary  string           // one sentence without a full stop
	Hint     string           // next step
	Evidence []Evidence
}

// Evidence is one thing a finding rests on.
type Evidence struct {
	Kind  EvidenceKind
	Value string
}

// EvidenceKind says what an evidence's value is.
type EvidenceKind string

// The kinds of evidence.
const (
	EvidenceCommit EvidenceKind = "commit" // a commit's id
	EvidenceState  EvidenceKind = "state_commit"
	EvidenceOrder  EvidenceKind = "id" // live id of an order or organization
	EvidenceFile   EvidenceKind = "file"
	EvidenceKey    EvidenceKind = "key" // fingerprint
	EvidenceSerial EvidenceKind = "serial_number"
	EvidenceField  EvidenceKind = "path"
	EvidenceTime   EvidenceKind = "time" // RFC 3339
	EvidenceText   EvidenceKind = "text"
)

// Certificate is the life of one order, for a time line. Zero times are unknown.
type Certificate struct {
	Address    resource.Address
	OrderID    string
	Product    string
	CommonName string
	Serial     string
	Status     string
	Current    bool      // the order its address owns now; false: an earlier one
	Ordered    time.Time // first recorded in state
	ValidFrom  time.Time
	ValidTill  time.Time // of the certificate
	OrderTill  time.Time // of the order
	Renews     time.Time // when dcsync will renew or reissue it
	Ended      time.Time // when it was found to have been renewed, revoked, canceled
	EndedAs    string    // renewed, revoked, canceled, …
}
