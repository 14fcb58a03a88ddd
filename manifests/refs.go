package manifests

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"dcsync/internal/diag"
	"dcsync/internal/graph"
	"dcsync/internal/resource"
	"dcsync/schema"
)

// reference is one {ref: NAME} of a document.
type reference struct {
	path  resource.Path   // of the object it stands in, in the spec
	field *resource.Field // of that object
	to    resource.Address
}

func (r reference) refPath() resource.Path { return specPath + r.path.Child("ref") }

// references lists a document's references in table order.
func references(d *document) []reference {
	var out []reference
	var walk func(f *resource.Field, v resource.Value, at resource.Path)
	walk = func(f *resource.Field, v resource.Value, at resource.Path) {
		switch v := v.(type) {
		case resource.Map:
			if name, ok := v["ref"].(resource.String); ok && f.RefKind != "" {
				out = append(out, reference{at, f, resource.Address{Kind: f.RefKind, Name: string(name)}})
			}
			for _, m := range f.Members {
				walk(m, v[m.Name], at.Child(m.Name))
			}
		case resource.List:
			if f.Item != nil {
				for i, item := range v {
					walk(f.Item, item, at.Index(i))
				}
			}
		}
	}
	if d.desc != nil && d.value != nil {
		walk(d.desc.Root, d.value["spec"], "")
	}
	return out
}

// resolve joins the documents: it reports references that lead nowhere or in a circle, and makes an object of every document that
// has no error, with its references followed. A document whose references were followed is held against its table again, because
// what it took over must fit there too.
func (l *loader) resolve() {
	deps, refs := l.edges()
	l.circles(deps, refs)
	for _, key := range deps.Sorted() {
		d := l.byKey(key)
		if d.broken || d.desc == nil {
			continue
		}
		b := newBuilder(d)
		for _, r := range refs[key] {
			if target := l.objects[r.to]; target != nil {
				b.follow(r, target)
			}
		}
		b.spread()
		l.judgeResolved(b)
		if !d.broken {
			l.objects[b.object.Address] = b.object
		}
	}
}

// edges gives who refers to whom, and the references themselves, by address as text.
func (l *loader) edges() (graph.Graph[string], map[string][]reference) {
	deps := graph.Graph[string]{}
	refs := map[string][]reference{}
	for address, d := range l.byAddress {
		key := address.String()
		deps[key] = nil
		for _, r := range references(d) {
			if l.byAddress[r.to] == nil {
				l.missing(d, r)
				continue
			}
			refs[key] = append(refs[key], r)
			deps[key] = append(deps[key], r.to.String())
		}
	}
	return deps, refs
}

func (l *loader) byKey(key string) *document {
	kind, name, _ := strings.Cut(key, "/")
	return l.byAddress[resource.Address{Kind: kind, Name: name}]
}

// missing reports a reference to a manifest that does not exist, unless it may be in a file that could not be read.
func (l *loader) missing(d *document, r reference) {
	if l.partial {
		return
	}
	var names []string
	for a := range l.byAddress {
		if a.Kind == r.to.Kind {
			names = append(names, a.Name)
		}
	}
	slices.Sort(names)
	l.add(d, diag.Diagnostic{
		Severity: diag.Error, Code: diag.RefMissing, Pos: d.valuePos(r.refPath()), Path: string(shortPath(r.refPath())),
		Summary: fmt.Sprintf("there is no %s named %s", r.to.Kind, r.to.Name),
		Hint:    cmp.Or(suggestion(r.to.Name, names), fmt.Sprintf("write a manifest of kind %s with metadata.name %s", r.to.Kind, r.to.Name)),
	})
}

// circles reports every circle of references once, at its first reference, and takes its references out of the graph.
func (l *loader) circles(deps graph.Graph[string], refs map[string][]reference) {
	for circle := deps.Cycle(); circle != nil; circle = deps.Cycle() {
		var places []diag.Related
		var path resource.Path
		for i, key := range circle {
			next := circle[(i+1)%len(circle)]
			d := l.byKey(key)
			d.broken = true
			for _, r := range refs[key] {
				if r.to.String() == next {
					if len(places) == 0 {
						path = shortPath(r.refPath())
					}
					places = append(places, diag.Related{Pos: d.valuePos(r.refPath()), Message: key + " refers to " + next})
				}
			}
			deps[key] = slices.DeleteFunc(deps[key], func(k string) bool { return k == next })
		}
		l.add(l.byKey(circle[0]), diag.Diagnostic{
			Severity: diag.Error, Code: diag.RefCycle, Pos: places[0].Pos, Path: string(path),
			Summary: "references in a circle: " + strings.Join(append(slices.Clone(circle), circle[0]), " → "),
			Hint:    "write one of them out, or give an id instead",
			Related: places[1:],
		})
	}
}

// judgeResolved reports what the schema finds in a resolved document and did not find in the ones it was made of. What was inlined is
// held against its place in the table; an id in place of a reference fits wherever the reference did.
func (l *loader) judgeResolved(b *builder) {
	d := b.document
	if b.moved == nil && len(b.inlined) == 0 {
		return
	}
	doc := maps.Clone(d.value)
	doc["spec"] = b.object.Spec
	for _, v := range schema.Check(d.kind, doc, l.checks) {
		here := v
		here.Path = b.origin(v.Path)
		if d.answered(here) {
			continue
		}
		found := d.diagnostic(here)
		if holder, target, ok := b.via(here); ok {
			there := v
			there.Path = specPath + here.Path[len(holder):]
			source := l.byAddress[target]
			if source.answered(there) {
				continue
			}
			found.Pos = d.valuePos(holder.Child("ref"))
			found.Related = []diag.Related{{Pos: source.valuePos(there.Path), Message: target.String() + " is written here"}}
		}
		l.add(d, found)
	}
}
