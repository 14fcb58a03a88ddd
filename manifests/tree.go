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
	src      *source
	expanded *int                     // nodes of the file read through aliases
	isSecret func(resource.Path) bool // whether a value must not be shown

	findings diag.List
	refused  map[resource.Path]bool // values that have a finding
	secrets  map[*yaml.Node]bool    // scalars to hide
	keyed    bool                   // holds a private key
	gaveUp   bool                   // the rest was not read

	depth   int
	aliases int          // aliases the reader is in
	open    []*yaml.Node // anchored nodes the reader is in
}

// newReader reads a document of a file whose aliases have been expanded to some nodes already.
func newReader(d *document, expanded *int) *reader {
	return &reader{
		src:      d.src,
		expanded: expanded,
		isSecret: d.isSecret,
		refused:  d.refused,
		secrets:  map[*yaml.Node]bool{},
	}
}

// report adds a finding at a node. Inside an alias it says nothing: what an anchor holds is reported where it is written.
func (r *reader) report(n *yaml.Node, path resource.Path, d diag.Diagnostic) {
	if r.aliases > 0 {
		return
	}
	d.Severity, d.Pos, d.Path = diag.Error, r.src.pos(place(n)), string(path)
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
	r.refused[path] = true
	r.report(n, path, diag.Diagnostic{
		Code:    diag.BadScalar,
		Summary: fmt.Sprintf("the tag %s is not supported", n.Tag),
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
			continue
		}
		child := path.Child(name)
		v := r.value(value, child)
		if earlier := first[name]; earlier != nil {
			r.report(key, child, diag.Diagnostic{
				Code:    diag.DuplicateKey,
				Summary: fmt.Sprintf("%s is written twice", name),
				Hint:    "remove one of the two",
				Related: []diag.Related{{Pos: r.src.pos(place(earlier)), Message: "first written here"}},
			})
			continue
		}
		first[name] = key
		m[name] = v
	}
	return m
}

// key gives the name a key stands for; what is no name is reported.
func (r *reader) key(key *yaml.Node, path resource.Path) (string, bool) {
	n := key
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	d := diag.Diagnostic{Code: diag.BadKey}
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag == tagString:
		return n.Value, true
	case n.Tag == tagMerge:
		d = diag.Diagnostic{
			Code:    diag.MergeKey,
			Summary: "merge keys (<<) are not supported",
			Hint:    "write the members out, or use an alias for a whole value",
		}
	case n.Kind == yaml.ScalarNode && r.isSecret(path):
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
	hidden := r.isSecret(path)
	if hidden {
		r.secrets[n] = true
	}
	v, problem := scalar(n)
	switch {
	case pki.ContainsPrivateKey(n.Value):
		r.keyed = true
		r.refused[path] = true
		r.report(n, path, privateKey())
	case problem == "":
	case n.Style&yaml.TaggedStyle != 0:
		r.refused[path] = true
		r.report(n, path, diag.Diagnostic{
			Code:    diag.BadScalar,
			Summary: fmt.Sprintf("the tag %s is not supported here", n.Tag),
			Hint:    "remove the tag and quote the text",
		})
	case hidden:
		r.refused[path] = true
		r.report(n, path, diag.Diagnostic{Code: diag.BadScalar, Summary: "a value that must be quoted", Hint: "put quotes around it"})
	default:
		r.refused[path] = true
		r.report(n, path, diag.Diagnostic{
			Code:    diag.BadScalar,
			Summary: n.Value + " must be quoted",
			Detail:  problem,
			Hint:    fmt.Sprintf("quote it: %q", n.Value),
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

// hide gives the spans of the given scalars of a document: each reaches to the next node, because yaml.v3 does not say where one ends.
func hide(root *yaml.Node, end point, secrets map[*yaml.Node]bool) []span {
	if len(secrets) == 0 {
		return nil
	}
	var spans []span
	var last *yaml.Node
	visit := func(n *yaml.Node) {
		if last != nil {
			spans = append(spans, span{place(last), place(n)})
			last = nil
		}
		if secrets[n] {
			last = n
		}
	}
	var walk func(*yaml.Node)
	walk = func(n *yaml.Node) {
		visit(n)
		for _, c := range n.Content {
			walk(c)
		}
	}
	walk(root)
	if last != nil {
		spans = append(spans, span{place(last), end})
	}
	return spans
}
