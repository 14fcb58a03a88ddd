package manifests

import (
	"fmt"
	"slices"

	"gopkg.in/yaml.v3"

	"dcsync/internal/diag"
	"dcsync/internal/pki"
	"dcsync/internal/resource"
)

const (
	maxExpanded = 10_000 // nodes that the aliases of one file may stand for
	maxDepth    = 100
)

// reader turns the nodes of one document into a value tree and reports what YAML allows and dcsync does not.
type reader struct {
	document *document
	expanded *int // nodes of the file read through aliases

	findings diag.List
	secrets  map[*yaml.Node]int // nodes to hide, with how many of their first characters may be seen
	keyed    bool               // holds a private key
	gaveUp   bool               // the rest was not read

	depth   int
	aliases int          // aliases the reader is in
	open    []*yaml.Node // anchored nodes the reader is in
}

// newReader reads a document of a file whose aliases have been expanded to some nodes already.
func newReader(d *document, expanded *int) *reader {
	return &reader{document: d, expanded: expanded, secrets: map[*yaml.Node]int{}}
}

// report adds a finding at a node. Inside an alias it says nothing: what an anchor holds is reported where it is written.
func (r *reader) report(n *yaml.Node, path resource.Path, d diag.Diagnostic) {
	if r.aliases > 0 {
		return
	}
	d.Severity, d.Pos, d.Path = diag.Error, r.document.src.pos(place(n)), string(shortPath(r.document.masked(path)))
	r.findings.Add(d)
}

// giveUp reports a finding after which nothing more is read.
func (r *reader) giveUp(n *yaml.Node, path resource.Path, d diag.Diagnostic) resource.Value {
	r.gaveUp, r.aliases = true, 0
	r.report(n, path, d)
	return resource.Null{}
}

func place(n *yaml.Node) point { return point{n.Line, n.Column} }

func (r *reader) value(n *yaml.Node, path resource.Path) resource.Value {
	if r.gaveUp {
		return resource.Null{}
	}
	if r.aliases > 0 {
		if *r.expanded++; *r.expanded > maxExpanded {
			return r.giveUp(n, path, diag.Diagnostic{
				Code:    diag.AliasBomb,
				Summary: fmt.Sprintf("the aliases of this file stand for more than %d values", maxExpanded),
				Hint:    "write the values out, or share less",
			})
		}
	}
	if r.depth++; r.depth > maxDepth {
		return r.giveUp(n, path, diag.Diagnostic{
			Code:    diag.YAMLSyntax,
			Summary: fmt.Sprintf("nested deeper than %d levels", maxDepth),
			Hint:    "no field lies that deep",
		})
	}
	if n.Anchor != "" {
		r.open = append(r.open, n)
		defer func() { r.open = r.open[:len(r.open)-1] }()
	}
	defer func() { r.depth-- }()
	if r.document.isSecret(path) {
		r.secrets[n] = 0
	}
	switch n.Kind {
	case yaml.AliasNode:
		return r.alias(n, path)
	case yaml.MappingNode:
		r.plainTag(n, path, tagMap)
		return r.mapping(n, path)
	case yaml.SequenceNode:
		r.plainTag(n, path, tagSeq)
		list := make(resource.List, len(n.Content))
		for i, item := range n.Content {
			list[i] = r.value(item, path.Index(i))
		}
		return list
	}
	return r.scalar(n, path)
}

func (r *reader) plainTag(n *yaml.Node, path resource.Path, want string) {
	if n.Tag == want {
		return
	}
	r.document.refused[path] = true
	r.report(n, path, diag.Diagnostic{
		Code:    diag.BadScalar,
		Summary: "a tag that is not supported",
		Hint:    "remove the tag",
	})
}

func (r *reader) alias(n *yaml.Node, path resource.Path) resource.Value {
	if slices.Contains(r.open, n.Alias) {
		return r.giveUp(n, path, diag.Diagnostic{
			Code:    diag.AliasBomb,
			Summary: "an alias inside the very value it stands for",
			Hint:    "write the value out",
		})
	}
	r.aliases++
	v := r.value(n.Alias, path)
	r.aliases = max(r.aliases-1, 0)
	return v
}

func (r *reader) mapping(n *yaml.Node, path resource.Path) resource.Map {
	m := resource.Map{}
	first := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name, ok := r.key(key, path)
		if !ok {
			if r.document.isSecret(path) {
				r.hideAll(key)
				r.hideAll(value)
			}
			continue
		}
		child := path.Child(name)
		if r.document.isSecret(child) {
			r.secrets[key] = r.document.shownKey(key, child)
		}
		v := r.value(value, child)
		if earlier := first[name]; earlier != nil {
			r.report(key, child, diag.Diagnostic{
				Code:    diag.DuplicateKey,
				Summary: fmt.Sprintf("%s is written twice", r.document.masked(child).Last()),
				Hint:    "remove one of the two",
				Related: []diag.Related{{Pos: r.document.src.pos(place(earlier)), Message: "first written here"}},
			})
			continue
		}
		first[name] = key
		m[name] = v
	}
	return m
}

// hideAll hides what is not read.
func (r *reader) hideAll(n *yaml.Node) {
	r.secrets[n] = 0
	for _, c := range n.Content {
		r.hideAll(c)
	}
}

// key gives the name a key stands for; what is no name, or a private key, is reported.
func (r *reader) key(key *yaml.Node, path resource.Path) (string, bool) {
	n := key
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	d := diag.Diagnostic{Code: diag.BadKey}
	switch {
	case pki.ContainsPrivateKey(n.Value):
		r.keyed = true
		d = privateKey()
	case n.Kind == yaml.ScalarNode && n.Tag == tagString:
		return n.Value, true
	case n.Tag == tagMerge:
		d = diag.Diagnostic{
			Code:    diag.MergeKey,
			Summary: "merge keys (<<) are not supported",
			Hint:    "write the members out, or use an alias for a whole value",
		}
	case n.Kind == yaml.ScalarNode && r.document.isSecret(path):
		d.Summary, d.Hint = "a key that is not text", "put quotes around it"
	case n.Kind == yaml.ScalarNode:
		d.Summary, d.Hint = "a key that is not text", fmt.Sprintf("quote it: %q", n.Value)
	default:
		d.Summary, d.Hint = "a key that is a list or a mapping", "a key is a name"
	}
	r.report(key, path, d)
	return "", false
}

func (r *reader) scalar(n *yaml.Node, path resource.Path) resource.Value {
	v, problem := scalar(n)
	switch {
	case pki.ContainsPrivateKey(n.Value):
		r.keyed = true
		r.document.refused[path] = true
		r.report(n, path, privateKey())
	case problem == nil:
	case n.Style&yaml.TaggedStyle != 0:
		r.document.refused[path] = true
		r.report(n, path, diag.Diagnostic{
			Code:    diag.BadScalar,
			Summary: "a tag that is not supported here",
			Hint:    "remove the tag and quote the text",
		})
	case r.document.isSecret(path):
		r.document.refused[path] = true
		r.report(n, path, diag.Diagnostic{
			Code:    diag.BadScalar,
			Summary: "a value that YAML does not take as it is written",
			Hint:    "write a number in decimal, without leading zeros or a point, and a text in quotes",
		})
	default:
		r.document.refused[path] = true
		r.report(n, path, diag.Diagnostic{
			Code:    diag.BadScalar,
			Summary: n.Value + " " + problem.must,
			Detail:  problem.detail,
			Hint:    problem.hint,
		})
	}
	return v
}

// privateKey is what is said of a private key wherever it is found. It shows nothing of it.
func privateKey() diag.Diagnostic {
	return diag.Diagnostic{
		Severity: diag.Error,
		Code:     diag.PrivateKey,
		Summary:  "a private key",
		Detail:   "A private key stays where it was made. Whoever can read this repository or its history may have this one.",
		Hint:     "remove it, from git's history too, and make a new key and CSR",
	}
}

// hide gives the spans of the given nodes of a document: each reaches to the next node, because yaml.v3 does not say where one ends.
// So the comments between them are hidden too.
func hide(root *yaml.Node, end point, secrets map[*yaml.Node]int) []span {
	if len(secrets) == 0 {
		return nil
	}
	var spans []span
	var last *yaml.Node
	until := func(to point) {
		if last != nil {
			from := place(last)
			from.column += secrets[last]
			spans = append(spans, span{from, to})
			last = nil
		}
	}
	var walk func(*yaml.Node)
	walk = func(n *yaml.Node) {
		until(place(n))
		if _, ok := secrets[n]; ok {
			last = n
		}
		for _, c := range n.Content {
			walk(c)
		}
	}
	walk(root)
	until(end)
	return spans
}
