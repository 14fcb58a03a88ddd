package resource

import (
	"strconv"
	"strings"
)

// Encode gives the part of a spec that travels in the creating request: the fields whose Send is create or create+put, by their own
// names. References and secrets are handed to resolve, which gives what is sent in their place.
func Encode(d *Descriptor, spec Map, resolve func(Value) (Value, error)) (Map, error) {
	v, err := encode(d.Root, spec, resolve)
	if err != nil {
		return nil, err
	}
	m, _ := v.(Map)
	if m == nil {
		m = Map{}
	}
	return m, nil
}

func encode(f *Field, v Value, resolve func(Value) (Value, error)) (Value, error) {
	switch v := v.(type) {
	case Map:
		out := Map{}
		for _, m := range f.Members {
			member, ok := v[m.Name]
			if !ok || m.Send == SendNever || m.Send == SendAfter {
				continue
			}
			e, err := encode(m, member, resolve)
			if err != nil {
				return nil, err
			}
			if e != nil {
				out[m.Name] = e
			}
		}
		return out, nil
	case List:
		out := make(List, 0, len(v))
		for _, item := range v {
			e, err := encode(f.Item, item, resolve)
			if err != nil {
				return nil, err
			}
			out = append(out, e)
		}
		return out, nil
	case SecretRef, Ref:
		r, err := resolve(v)
		if err != nil {
			return nil, err
		}
		return coerce(f.Type, r), nil
	}
	return v, nil
}

// Resolve replaces every Ref below v by what ref gives; a Ref for which it gives nil stays.
func Resolve(v Value, ref func(Ref) Value) Value {
	switch v := v.(type) {
	case Map:
		out := make(Map, len(v))
		for k, e := range v {
			out[k] = Resolve(e, ref)
		}
		return out
	case List:
		out := make(List, len(v))
		for i, e := range v {
			out[i] = Resolve(e, ref)
		}
		return out
	case Ref:
		if r := ref(v); r != nil {
			return r
		}
	}
	return v
}

// Decode gives the spec that an answer of the API shows, by the Read columns of the table: those of a list item at ListDepth, all at
// InfoDepth. What the answer does not hold is absent.
func Decode(d *Descriptor, body Map, depth Depth) Map {
	out := Map{}
	decodeMembers(d.Root, body, depth, out)
	return out
}

func decodeMembers(f *Field, body Map, depth Depth, out Map) {
	for _, m := range f.Members {
		if m.Type == TypeObject {
			child := Map{}
			decodeMembers(m, body, depth, child)
			if len(child) > 0 {
				out[m.Name] = child
			}
			continue
		}
		path := m.readPath(depth)
		if path == "" {
			continue
		}
		if v := decodeValue(m, lookup(body, strings.Split(path, "."))); !IsEmpty(v) {
			out[m.Name] = v
		}
	}
}

// Readable tells whether the API shows a leaf field at a depth.
func (f *Field) Readable(depth Depth) bool { return f.readPath(depth) != "" }

func (f *Field) readPath(depth Depth) string {
	switch {
	case depth == ListDepth:
		return f.Read.List
	case depth == InfoDepth && f.Read.Info != "":
		return f.Read.Info
	case depth == InfoDepth:
		return f.Read.List
	}
	return ""
}

// lookup follows member names; a name that ends in "[]" collects from every item of a list.
func lookup(v Value, segs []string) Value {
	for i, seg := range segs {
		m, ok := v.(Map)
		if !ok {
			return nil
		}
		name, each := strings.CutSuffix(seg, "[]")
		v = m[name]
		if !each {
			continue
		}
		items, ok := v.(List)
		if !ok || i == len(segs)-1 {
			return v
		}
		out := List{}
		for _, item := range items {
			if x := lookup(item, segs[i+1:]); x != nil {
				out = append(out, x)
			}
		}
		return out
	}
	return v
}

func decodeValue(f *Field, v Value) Value {
	switch x := v.(type) {
	case nil, Null:
		return nil
	case List:
		if f.Item == nil {
			return nil // an empty object comes as []
		}
		out := make(List, 0, len(x))
		for _, item := range x {
			if d := decodeValue(f.Item, item); d != nil {
				out = append(out, d)
			}
		}
		return out
	case Map:
		out := Map{}
		for _, m := range f.Members {
			if d := decodeValue(m, x[m.Name]); d != nil {
				out[m.Name] = d
			}
		}
		return out
	}
	return coerce(f.Type, v)
}

// coerce brings a scalar to the type its field has: the API sends some numbers as strings and some booleans as numbers.
func coerce(t Type, v Value) Value {
	switch v := v.(type) {
	case Map, List:
		return v
	case String:
		switch t {
		case TypeInt:
			if n, err := strconv.ParseInt(string(v), 10, 64); err == nil {
				return Int(n)
			}
		case TypeBool:
			if b, err := strconv.ParseBool(string(v)); err == nil {
				return Bool(b)
			}
		}
	case Int:
		switch t {
		case TypeString:
			return String(Text(v))
		case TypeBool:
			return Bool(v != 0)
		}
	case Bool:
		switch t {
		case TypeString:
			return String(Text(v))
		case TypeInt:
			if v {
				return Int(1)
			}
			return Int(0)
		}
	}
	return v
}
