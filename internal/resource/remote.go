package resource

import "errors"

// ErrNotFound says that the API does not show an object: it does not exist, or the key may not see it.
var ErrNotFound = errors.New("not found, or not visible to this key")

// ErrNotSent says that a write was held back before it was sent, because other runs may no longer be kept out.
var ErrNotSent = errors.New("not sent")

// Listing is every object of one kind that a key sees. Complete is false when the walk could not be proven to be whole; Problem
// says why.
type Listing struct {
	Objects  []*Live
	Requests int // that one more walk would take
	Complete bool
	Problem  string
}

// Created is the answer to a creating request.
type Created struct {
	ID       string
	ParentID string // of an object that was made on the way (an order's inline organization), "" for none
	Requests []Request
}

// Call is one in-place change. Desired is the whole desired spec without Ref; Live was read in this run, and is nil for an object
// that was created a moment ago.
type Call struct {
	Descriptor *Descriptor
	ID         string
	Method     string
	Desired    Map
	Live       *Live
	Fields     []FieldChange
}

// Ending is one call that ends something. Certificate names a single certificate of the object by its serial number; "" means all.
type Ending struct {
	Kind         string
	ID           string
	Action       Action // Cancel, Withdraw or Revoke
	Certificate  string
	Request      string // the request to withdraw
	Reason       string
	Comments     string
	SkipApproval bool
}

// Rules are what an account demands of orders beyond the tables. nil means that the key may not read them.
type Rules struct {
	Fields []CustomField  // all of the account; nil: not known
	Limits []ProductLimit // of the container asked about; a product without one is not limited
}

// CustomField is one that orders may give, or must.
type CustomField struct {
	ID       int64
	Label    string
	Required bool
	Active   bool
}

// ProductLimit says what may be ordered of a product. Empty lists allow everything.
type ProductLimit struct {
	Product string
	Hashes  []string
	Years   []int64
}

// Identity is who a key acts as. Zero values mean that the API did not say.
type Identity struct {
	AccountID   int64
	UserID      int64
	UserName    string
	RoleID      int
	Role        string
	Limited     bool // the user sees only its own orders
	ContainerID int64
	Sees        []int64 // containers the user is limited to, ascending; none means all
}

// PriceList gives the list price of each product and lifetime; nil when the key may not read prices.
type PriceList map[PriceKey]ListPrice

// PriceKey names what is priced: a product for a number of years.
type PriceKey struct {
	Product string
	Years   int
}

// ListPrice is a decimal amount and an upper-case currency code. An amount of 0 means that the price is unknown.
type ListPrice struct {
	Amount   string
	Currency string
}
