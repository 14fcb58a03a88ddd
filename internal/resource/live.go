package resource

import "time"

// Depth says how much of a live object was read.
type Depth int

// The depths, shallow to deep. InfoDepth includes all that ListDepth shows.
const (
	ListDepth Depth = iota + 1
	InfoDepth
)

// Phase is what the status of a live object means for dcsync.
type Phase string

// The phases. An ended object (rejected, canceled, revoked, expired) can be ordered again only under a new generation.
const (
	Pending Phase = "pending"
	Active  Phase = "active"
	Ended   Phase = "ended"
)

// Live is one object as the API shows it now, decoded by its table.
type Live struct {
	Kind        string
	ID          string
	Product     string
	Depth       Depth
	Spec        Map // in the manifest's shape, only what the API shows at this depth
	Status      string
	Phase       Phase
	WaitingOn   WaitingOn // whom it waits for, as far as its own status tells
	Nonce       string    // the idempotency key it was created with, known at InfoDepth
	ParentID    string    // the object it belongs to (an order's organization), "" for none
	ContainerID string
	Title       string // for people: a common name, an organization's name
	Created     string // RFC 3339, "" when not shown
	Observed    Map    // what is kept in state to see later whether the object moved
	Notes       []Note
	Requests    []Request
	Validation  map[string]string // validation type → status, when listed
	Successor   string            // the order that renewed it, "" for none
	Renewed     bool              // it was renewed, by whichever order
	Life        Life
	End         Action // how it can be ended as it is now: Cancel, Withdraw, Revoke, or "" for no way
	Reissuing   bool   // another certificate was asked for and is not issued yet
	Revoking    bool   // a revocation was asked for and is not approved yet

	// Certificates are all that are known of it, read only when CertificatesPath was wanted.
	Certificates []Certificate
	// Approvers are the people who were named for a validation, by its type, read only when validations were wanted; and under "" those who may
	// approve an order, or any order of an organization, known at InfoDepth.
	Approvers map[string][]Approver
}

// CertificatesPath is wanted of a single read to have all certificates of an object named, duplicates and replaced ones included.
const CertificatesPath Path = "/.certificates"

// Life is when something begins and ends. Zero times are not known, or not set yet.
type Life struct {
	CertificateID string
	Serial        string
	From          time.Time // of the certificate
	Till          time.Time // the day on which the certificate ends
	OrderTill     time.Time // the day on which the order ends, which may be later
	Reissues      int
	Duplicates    int
	AutoRenew     int  // how often CertCentral will renew it by itself; known at InfoDepth
	AutoReissue   bool // CertCentral asks for the next certificate by itself; known at InfoDepth
}

// Certificate is one certificate of an order. Ended tells that it is revoked or expired.
type Certificate struct {
	ID         string
	Serial     string
	CommonName string
	Till       string
	Kind       string // current, reissue, duplicate
	Ended      bool
}

// Approver is one person named for a validation.
type Approver struct {
	ID        string
	FirstName string
	LastName  string
}

// Note is one note of an order.
type Note struct {
	ID     string
	Text   string
	UserID string
}

// Request is one request of an order: what people still have to approve.
type Request struct {
	ID     string
	Type   string // new_request, revoke, duplicate, reissue
	Status string // pending, submitted, approved, rejected
	// Comments are what was said when it was asked for, "" where that is not shown.
	Comments string
}
