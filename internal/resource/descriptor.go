package resource

import "slices"

// Type is the JSON type of a field.
type Type string

// The field types. An integer may be written as a reference (RefKind) where the field is the id of another manifest's object.
const (
	TypeString Type = "string"
	TypeInt    Type = "integer"
	TypeBool   Type = "boolean"
	TypeObject Type = "object"
	TypeList   Type = "array"
)

// Req says whether a field must be given.
type Req string

// The values of a table's Req column.
const (
	Required    Req = "required"
	Optional    Req = "optional"
	Conditional Req = "conditional"
)

// Send says when a field travels to the API.
type Send string

// The values of a table's Send column.
const (
	SendCreate    Send = "create"     // in the creating request
	SendCreatePut Send = "create+put" // in the creating request, and in a call of its own when it changes
	SendAfter     Send = "after"      // in a call of its own after creation
	SendNever     Send = "never"      // not at all
)

// ChangeMode says how a difference in a field can be acted on.
type ChangeMode string

// The values of a table's Change column, without the method of an in-place change.
const (
	InPlace    ChangeMode = "in_place"
	Reissue    ChangeMode = "reissue"
	Immutable  ChangeMode = "immutable"
	CreateOnly ChangeMode = "create_only" // sent once, never compared
)

// Read says where the API shows a field: the dotted path in a list item and in the info answer; "" where it does not. What a list
// item shows, info shows too.
type Read struct {
	List string
	Info string
}

// Field is one row of a table.
type Field struct {
	Name        string
	Path        Path // in the spec; list items as "[]"
	Type        Type
	Req         Req
	Members     []*Field // of an object, in table order
	Item        *Field   // of a list
	Send        Send
	Change      ChangeMode
	Method      string // of an in-place change: emails, custom_fields, contacts, …
	Read        Read
	Set         bool   // a list whose order means nothing
	Secret      bool   // never stored or shown; for an object, all below it
	Clearable   bool   // the API can clear it once it was set
	File        bool   // may be written as {file: PATH}
	Identity    bool   // tells one order from another; of a list, its first item does
	RefKind     string // kind whose id the field holds
	Format      string // country, email, csr, phone, …
	Default     Value  // what the API takes when the field is left out, nil when unknown or conditional
	Description string

	Includes Path      // of a list: the field whose value counts among the items whether it is written there or not; "" for none
	Revokes  RevokesOn // what makes a reissue for the sake of this field revoke, where a reissue does not always

	// Normalise gives the form in which two versions are compared; nil means as it is.
	Normalise func(Value) Value

	// Spread names the member of this list's items by whose value each item stands for the sibling field of that name: the items of
	// an organization's contacts are its organization_contact and technical_contact. "" for ordinary lists.
	Spread string
}

// Descriptor says all that the tables know about one kind, or one product of a kind.
type Descriptor struct {
	Kind    string
	Product string // "" for kinds without products
	Root    *Field // the spec itself

	Expires      bool   // has an end, so it can be renewed
	Billable     bool   // creating one costs money
	Downloadable bool   // yields a certificate
	ValueOnly    bool   // has no object in the API; is inlined where it is referred to
	Nonce        Path   // the field that carries the idempotency key; "" where there is none
	Validation   string // the organization validation it needs: cs, ev_cs, …; "" for none
	ReissueKeeps bool   // earlier certificates outlive a reissue unless Field.Revokes says otherwise; false: they are revoked, or nothing is known
}

// RevokesOn says which difference in a field makes DigiCert revoke earlier certificates when it is reissued for.
type RevokesOn string

// The differences that revoke; "" for none.
const (
	RevokesChanged RevokesOn = "changed" // any
	RevokesRemoved RevokesOn = "removed" // an item of the list is gone
)

// ReissueRevokes tells whether a reissue that carries out these changes makes DigiCert revoke earlier certificates (domain rules,
// section 4). Where a product's behaviour is not known the answer is yes.
func (d *Descriptor) ReissueRevokes(changes []FieldChange) bool {
	if !d.ReissueKeeps {
		return true
	}
	return slices.ContainsFunc(changes, func(c FieldChange) bool {
		switch c.Field.Revokes {
		case RevokesChanged:
			return true
		case RevokesRemoved:
			return c.Field.loses(c.Before, c.After)
		}
		return false
	})
}

// loses tells whether an item of one list is missing in another, normalised.
func (f *Field) loses(before, after Value) bool {
	if f.Normalise != nil && before != nil {
		before = f.Normalise(before)
	}
	if f.Normalise != nil && after != nil {
		after = f.Normalise(after)
	}
	kept, _ := after.(List)
	list, _ := before.(List)
	return slices.ContainsFunc(list, func(item Value) bool {
		return !slices.ContainsFunc(kept, func(k Value) bool { return Equal(k, item) })
	})
}

// Value gives the field's value in a spec, completed by the value it includes; nil when the spec does not hold the field.
func (f *Field) Value(spec Map) Value {
	v := Get(spec, f.Path)
	list, isList := v.(List)
	included := f.included(spec)
	if !isList || included == nil || slices.ContainsFunc(list, func(e Value) bool { return Equal(e, included) }) {
		return v
	}
	return append(slices.Clone(list), included)
}

// Shown is Value for a spec that the API shows, which may leave the list out when it holds nothing but the included value.
func (f *Field) Shown(spec Map) Value {
	if v := f.Value(spec); v != nil {
		return v
	}
	if included := f.included(spec); included != nil {
		return List{included}
	}
	return nil
}

func (f *Field) included(spec Map) Value {
	if f.Includes == "" {
		return nil
	}
	return Get(spec, f.Includes)
}

// Field gives the field at a path, which may name list items by number or by "[]"; nil when the table has none.
func (d *Descriptor) Field(p Path) *Field {
	f := d.Root
	for _, seg := range p.Segments() {
		if f == nil {
			return nil
		}
		f = f.child(seg)
	}
	return f
}

func (f *Field) child(seg string) *Field {
	if f.Item != nil {
		return f.Item
	}
	for _, m := range f.Members {
		if m.Name == seg {
			return m
		}
	}
	return nil
}

// Leaves gives the fields that are compared as one: scalars and lists, in table order, below the root. The members of list items
// are not among them.
func (d *Descriptor) Leaves() []*Field {
	var out []*Field
	var walk func(*Field)
	walk = func(f *Field) {
		if f.Type != TypeObject {
			out = append(out, f)
			return
		}
		for _, m := range f.Members {
			walk(m)
		}
	}
	for _, m := range d.Root.Members {
		walk(m)
	}
	return out
}

// SecretAt tells whether the value at a path is, or lies below, a secret.
func (d *Descriptor) SecretAt(p Path) bool {
	f := d.Root
	for _, seg := range p.Segments() {
		if f == nil {
			return false
		}
		if f.Secret {
			return true
		}
		f = f.child(seg)
	}
	return f != nil && f.Secret
}
