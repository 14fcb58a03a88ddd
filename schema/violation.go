package schema

import (
	"dcsync/internal/diag"
	"dcsync/internal/resource"
)

// Violation is one finding about a document, before it has a place in a file.
type Violation struct {
	Path     resource.Path // pointer into the document
	OnKey    bool          // belongs on the member's key rather than on its value: unknown and unwelcome fields
	Member   string        // name of a missing member, whose parent Path then is
	Severity diag.Severity
	AtSend   bool // holds only where the field is sent: a warning until a plan sends it, an error then
	Code     diag.Code
	Summary  string
	Detail   string
	Hint     string
}

// CheckFunc is a check(name) of the tables: what no other rule word can say. Its findings carry paths into the document.
type CheckFunc func(CheckInput) []Violation

// CheckInput is what a check is given: the value of its row, where that value stands in the document, the whole spec, the product
// ("" for kinds without products), and what the row says behind the check's name ("" for nothing).
type CheckInput struct {
	Path     resource.Path
	Value    resource.Value
	Spec     resource.Map
	Product  string
	Argument string
}

// Checks holds check functions by the name the tables call them.
type Checks map[string]CheckFunc
