package resource

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
)

// Value is one node of a closed tree: String, Int, Bool, Decimal, List, Map, Null, SecretRef or Ref. Code that must treat each of
// them switches on the type. A nil Value means "absent".
type Value interface{ isValue() }

// The plain values. Decimal is a number that is no integer, kept as it was written; only the API sends such numbers.
type (
	String  string
	Int     int64
	Bool    bool
	Decimal string
	List    []Value
	Map     map[string]Value
	Null    struct{}
)

// SecretRef stands for a secret that is read from the environment or a file only at the moment it is sent. Exactly one of the two
// is set.
type SecretRef struct {
	Env  string
	File string
}

// Ref stands for the id of another object of the project, which may not exist yet.
type Ref Address

func (String) isValue()    {}
func (Int) isValue()       {}
func (Bool) isValue()      {}
func (Decimal) isValue()   {}
func (List) isValue()      {}
func (Map) isValue()       {}
func (Null) isValue()      {}
func (SecretRef) isValue() {}
func (Ref) isValue()       {}

// MarshalJSON writes the number as it was read.
func (d Decimal) MarshalJSON() ([]byte, error) { return []byte(d), nil }

// MarshalJSON writes null.
func (Null) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

// MarshalJSON never shows more than that there is a secret.
func (SecretRef) MarshalJSON() ([]byte, error) { return []byte(`{"sensitive":true}`), nil }

// MarshalJSON writes {"ref":"Kind/name"}.
func (r Ref) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"ref": Address(r).String()})
}

// FromJSON reads one JSON document into a value tree. Integers become Int, other numbers Decimal.
func FromJSON(data []byte) (Value, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var x any
	if err := dec.Decode(&x); err != nil {
		return nil, fmt.Errorf("decode JSON: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("decode JSON: more than one document")
	}
	return FromAny(x), nil
}

// FromAny turns what encoding/json decodes (with or without UseNumber) into a value tree. It panics on any other type.
func FromAny(x any) Value {
	switch x := x.(type) {
	case nil:
		return Null{}
	case Value:
		return x
	case string:
		return String(x)
	case bool:
		return Bool(x)
	case int:
		return Int(x)
	case int64:
		return Int(x)
	case float64:
		return number(strconv.FormatFloat(x, 'f', -1, 64))
	case json.Number:
		return number(x.String())
	case []any:
		l := make(List, len(x))
		for i, e := range x {
			l[i] = FromAny(e)
		}
		return l
	case map[string]any:
		m := make(Map, len(x))
		for k, e := range x {
			m[k] = FromAny(e)
		}
		return m
	}
	panic(fmt.Sprintf("resource: no value for %T", x))
}

func number(s string) Value {
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return Int(i)
	}
	return Decimal(s)
}

// ToAny turns a value tree into what encoding/json would decode, integers as int64, for libraries that want plain values.
// SecretRef becomes {"env":…} or {"file":…} and Ref {"ref":…}.
func ToAny(v Value) any {
	switch v := v.(type) {
	case nil, Null:
		return nil
	case String:
		return string(v)
	case Int:
		return int64(v)
	case Bool:
		return bool(v)
	case Decimal:
		return json.Number(v)
	case List:
		l := make([]any, len(v))
		for i, e := range v {
			l[i] = ToAny(e)
		}
		return l
	case Map:
		m := make(map[string]any, len(v))
		for k, e := range v {
			m[k] = ToAny(e)
		}
		return m
	case SecretRef:
		if v.Env != "" {
			return map[string]any{"env": v.Env}
		}
		return map[string]any{"file": v.File}
	case Ref:
		return map[string]any{"ref": v.Name}
	}
	panic(fmt.Sprintf("resource: no plain form of %T", v))
}

// Equal compares two trees. Absent (nil) equals only absent.
func Equal(a, b Value) bool {
	switch a := a.(type) {
	case nil:
		return b == nil
	case List:
		b, ok := b.(List)
		return ok && slices.EqualFunc(a, b, Equal)
	case Map:
		b, ok := b.(Map)
		return ok && maps.EqualFunc(a, b, Equal)
	}
	switch b.(type) {
	case List, Map:
		return false
	}
	return a == b
}

// Clone copies a tree, so that the copy can be changed.
func Clone(v Value) Value {
	switch v := v.(type) {
	case List:
		l := make(List, len(v))
		for i, e := range v {
			l[i] = Clone(e)
		}
		return l
	case Map:
		return v.Clone()
	}
	return v
}

// Clone copies a map and all below it. A nil map stays nil.
func (m Map) Clone() Map {
	if m == nil {
		return nil
	}
	c := make(Map, len(m))
	for k, e := range m {
		c[k] = Clone(e)
	}
	return c
}

// IsEmpty tells whether a value says no more than its absence does: absent, null, an empty string, list or map.
func IsEmpty(v Value) bool {
	switch v := v.(type) {
	case nil, Null:
		return true
	case String:
		return v == ""
	case List:
		return len(v) == 0
	case Map:
		return len(v) == 0
	}
	return false
}

// Text gives a scalar as plain text, for ids that the API sends as numbers or strings; "" for anything that is no scalar.
func Text(v Value) string {
	switch v := v.(type) {
	case String:
		return string(v)
	case Int:
		return strconv.FormatInt(int64(v), 10)
	case Bool:
		return strconv.FormatBool(bool(v))
	case Decimal:
		return string(v)
	}
	return ""
}

// IDValue gives a live id as a value: an Int where it is a number, as CertCentral's are; nil for "".
func IDValue(id string) Value {
	if id == "" {
		return nil
	}
	if n, err := strconv.ParseInt(id, 10, 64); err == nil {
		return Int(n)
	}
	return String(id)
}
