package resource

import (
	"strconv"
	"strings"
)

// Path is a JSON pointer (RFC 6901) into a spec: "/certificate/dns_names/0". The root is "". In descriptors a list's items are
// written "[]": "/organization/contacts/[]/email".
type Path string

// Item is the path segment that stands for every item of a list in a descriptor's path.
const Item = "[]"

var (
	escaper   = strings.NewReplacer("~", "~0", "/", "~1")
	unescaper = strings.NewReplacer("~1", "/", "~0", "~")
)

// Child gives the path of a member.
func (p Path) Child(name string) Path {
	if strings.ContainsAny(name, "~/") {
		name = escaper.Replace(name)
	}
	return p + "/" + Path(name)
}

// Index gives the path of a list item.
func (p Path) Index(i int) Path { return p + "/" + Path(strconv.Itoa(i)) }

// Parent gives the path one step up; the root's parent is the root.
func (p Path) Parent() Path {
	if i := strings.LastIndexByte(string(p), '/'); i >= 0 {
		return p[:i]
	}
	return ""
}

// Last gives the last segment, unescaped; "" for the root.
func (p Path) Last() string {
	i := strings.LastIndexByte(string(p), '/')
	if i < 0 {
		return ""
	}
	return unescaper.Replace(string(p[i+1:]))
}

// Segments gives the unescaped steps from the root.
func (p Path) Segments() []string {
	if p == "" {
		return nil
	}
	segs := strings.Split(strings.TrimPrefix(string(p), "/"), "/")
	if strings.Contains(string(p), "~") {
		for i, s := range segs {
			segs[i] = unescaper.Replace(s)
		}
	}
	return segs
}

// Under tells whether p is q or lies below it.
func (p Path) Under(q Path) bool {
	return p == q || strings.HasPrefix(string(p), string(q)+"/")
}

// Get gives the value at a path, nil when there is none.
func Get(v Value, p Path) Value {
	for _, seg := range p.Segments() {
		switch x := v.(type) {
		case Map:
			v = x[seg]
		case List:
			i, err := strconv.Atoi(seg)
			if err != nil || i < 0 || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

// Put sets the value at a path of members (no list steps), making the maps on the way. A nil value removes the member and every map
// that is empty without it.
func Put(m Map, p Path, v Value) {
	put(m, p.Segments(), v)
}

func put(m Map, segs []string, v Value) {
	if len(segs) == 0 {
		return
	}
	name := segs[0]
	if len(segs) == 1 {
		if v == nil {
			delete(m, name)
		} else {
			m[name] = v
		}
		return
	}
	child, ok := m[name].(Map)
	if !ok {
		if v == nil {
			return
		}
		child = Map{}
		m[name] = child
	}
	put(child, segs[1:], v)
	if v == nil && len(child) == 0 {
		delete(m, name)
	}
}
