package manifests

import (
	"slices"

	"gopkg.in/yaml.v3"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
	"dcsync/schema"
)

// builder makes the object of one document: follows its references and brings it into the one form the tables compare.
type builder struct {
	document *document
	object   *resource.Object
	inlined  map[resource.Path]resource.Address // by path in the document's spec
	moved    []move
}

// move says that what a document says at one path of the spec stands at another in the object.
type move struct{ from, to resource.Path }

func newBuilder(d *document) *builder {
	spec, _ := d.value["spec"].(resource.Map)
	pos := d.pos()
	o := &resource.Object{
		Address:    d.address(),
		Descriptor: d.desc,
		Labels:     labels(d),
		Spec:       spec.Clone(),
		Lifecycle:  lifecycle(d),
		Source:     resource.Source{File: pos.File, Line: pos.Line, Column: pos.Column, Digest: d.digest},
		Via:        map[resource.Path]resource.Address{},
		Positions:  positions(d),
	}
	if o.Spec == nil {
		o.Spec = resource.Map{}
	}
	return &builder{document: d, object: o, inlined: map[resource.Path]resource.Address{}}
}

func labels(d *document) map[string]string {
	out := map[string]string{}
	m, _ := resource.Get(d.value, "/metadata/labels").(resource.Map)
	for name, v := range m {
		out[name] = resource.Text(v)
	}
	return out
}

func lifecycle(d *document) resource.Lifecycle {
	out := resource.Lifecycle{Generation: 1}
	take(d, "/lifecycle/generation", func(v resource.Int) { out.Generation = int(v) })
	take(d, "/lifecycle/protect", func(v resource.Bool) { out.Protect = bool(v) })
	take(d, "/lifecycle/contacts", func(v resource.String) { out.Contacts = string(v) })
	take(d, "/lifecycle/ignore", func(list resource.List) {
		for _, p := range list {
			out.Ignore = append(out.Ignore, resource.Path(resource.Text(p)))
		}
	})
	return out
}

// positions gives where each part of a document's spec is named: a member at its name, a list's item at itself.
func positions(d *document) map[resource.Path]diag.Pos {
	out := map[resource.Path]diag.Pos{}
	var walk func(key, value *yaml.Node, at resource.Path)
	walk = func(key, value *yaml.Node, at resource.Path) {
		out[at] = d.src.pos(place(key))
		value = resolved(value)
		switch value.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(value.Content); i += 2 {
				walk(value.Content[i], value.Content[i+1], at.Child(resolved(value.Content[i]).Value))
			}
		case yaml.SequenceNode:
			for i, item := range value.Content {
				walk(item, item, at.Index(i))
			}
		}
	}
	if key, value, ok := d.find(specPath); ok {
		walk(key, value, "")
	}
	return out
}

// follow puts in place of a reference what it stands for: the id of an object that exists in the API, else the values themselves,
// as far as the place has members for them.
func (b *builder) follow(r reference, target *resource.Object) {
	o := b.object
	m, ok := resource.Get(o.Spec, r.path).(resource.Map)
	if !ok {
		return
	}
	pos := b.document.valuePos(r.refPath())
	delete(m, "ref")
	delete(o.Positions, r.path.Child("ref"))
	if !target.Descriptor.ValueOnly {
		m["id"] = resource.Ref(r.to)
		o.Positions[r.path.Child("id")] = pos
		o.DependsOn = append(o.DependsOn, r.to)
	} else {
		for _, member := range r.field.Members {
			v, ok := target.Spec[member.Name]
			if _, own := m[member.Name]; !ok || own {
				continue
			}
			m[member.Name] = resource.Clone(v)
			o.Positions[r.path.Child(member.Name)] = pos
		}
		o.Via[r.path] = r.to
		b.inlined[r.path] = r.to
		o.DependsOn = append(o.DependsOn, target.DependsOn...)
	}
	slices.SortFunc(o.DependsOn, resource.Address.Compare)
	o.DependsOn = slices.Compact(o.DependsOn)
}

// spread gives each item of a list that stands for several members its place: the item whose contact_type is technical_contact
// becomes the member technical_contact. Of two items for one place the first counts, as in the API.
func (b *builder) spread() {
	var walk func(f *resource.Field, v resource.Value, at resource.Path)
	walk = func(f *resource.Field, v resource.Value, at resource.Path) {
		m, ok := v.(resource.Map)
		if !ok {
			return
		}
		for _, member := range f.Members {
			if member.Spread == "" {
				walk(member, m[member.Name], at.Child(member.Name))
				continue
			}
			list, ok := m[member.Name].(resource.List)
			if !ok {
				continue
			}
			delete(m, member.Name)
			from := at.Child(member.Name)
			for i, item := range list {
				b.lift(m, item, member.Spread, from.Index(i), at)
			}
			b.forget(from)
		}
	}
	walk(b.object.Descriptor.Root, b.object.Spec, "")
}

// lift makes one list item the member of parent that its own member by names.
func (b *builder) lift(parent resource.Map, item resource.Value, by string, from, at resource.Path) {
	m, ok := item.(resource.Map)
	if !ok {
		return
	}
	name := resource.Text(m[by])
	if _, taken := parent[name]; taken || name == "" {
		return
	}
	delete(m, by)
	parent[name] = m
	to := at.Child(name)
	b.moved = append(b.moved, move{from, to})
	o := b.object
	for p, pos := range o.Positions {
		if p.Under(from) && p != from.Child(by) {
			o.Positions[to+p[len(from):]] = pos
		}
	}
	for p, via := range o.Via {
		if p.Under(from) {
			o.Via[to+p[len(from):]] = via
		}
	}
}

// forget drops what is recorded about a path that no longer exists.
func (b *builder) forget(path resource.Path) {
	for p := range b.object.Positions {
		if p.Under(path) {
			delete(b.object.Positions, p)
		}
	}
	for p := range b.object.Via {
		if p.Under(path) {
			delete(b.object.Via, p)
		}
	}
}

// via tells which reference brought in what a violation is about: the path of the object the reference stands in, and where it leads.
func (b *builder) via(v schema.Violation) (holder resource.Path, to resource.Address, ok bool) {
	for path, to := range b.inlined {
		path = specPath + path
		if !v.Path.Under(path) {
			continue
		}
		_, _, own := b.document.find(v.Path)
		if own && v.Path != path {
			return "", resource.Address{}, false
		}
		return path, to, true
	}
	return "", resource.Address{}, false
}

// origin gives the path in the document of a path in the resolved one.
func (b *builder) origin(p resource.Path) resource.Path {
	for _, m := range b.moved {
		if to := specPath + m.to; p.Under(to) {
			return specPath + m.from + p[len(to):]
		}
	}
	return p
}

// set gives the objects without errors, by address.
func (l *loader) set() *resource.Set {
	s := &resource.Set{}
	for _, o := range l.objects {
		if o.Descriptor.ValueOnly {
			s.Values = append(s.Values, o)
		} else {
			s.Objects = append(s.Objects, o)
		}
	}
	for _, list := range [][]*resource.Object{s.Objects, s.Values} {
		slices.SortFunc(list, func(a, b *resource.Object) int { return a.Address.Compare(b.Address) })
	}
	return s
}
