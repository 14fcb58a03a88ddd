package resource

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
}
