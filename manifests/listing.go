package manifests

import (
	"slices"

	"gopkg.in/yaml.v3"

	"dcsync/internal/resource"
)

// Listed is one manifest of a file as far as its text alone tells.
type Listed struct {
	Address   resource.Address
	Digest    string   // SHA-256 (hex) of the document's bytes, as resource.Source has it
	MovedFrom []string // earlier names, as they are written
	Files     []string // names of files it may be made of, relative to the project's root
}

// IsManifest tells whether a file below a manifest folder is read as manifests, by its name.
func IsManifest(name string) bool { return isYAML(name) }

// List gives the manifests in a file's bytes without checking or joining them; name is the file's, relative to the project's root. What
// cannot be read is left out: where the file stops being YAML the documents before that are given, and a file too large to be parsed
// holds none.
func List(name string, data []byte) []Listed {
	if len(data) > maxFile {
		return nil
	}
	src, problem := newSource(name, string(data))
	if problem != nil {
		return nil
	}
	parts, _ := parse(src)
	var out []Listed
	for _, p := range parts {
		d := newDocument(src, p)
		if d.kind == "" || d.kind == projectKind || d.name == "" {
			continue
		}
		out = append(out, Listed{Address: d.address(), Digest: d.digest, MovedFrom: d.list("/metadata/moved_from"), Files: d.files()})
	}
	return out
}

// list gives the texts of a sequence.
func (d *document) list(p resource.Path) []string {
	_, v, ok := d.find(p)
	if !ok || v.Kind != yaml.SequenceNode {
		return nil
	}
	var out []string
	for _, item := range v.Content {
		if item = resolved(item); item.Kind == yaml.ScalarNode {
			out = append(out, item.Value)
		}
	}
	return out
}

// files gives the names in all {file: …} of a document, whatever field they stand in, sorted.
func (d *document) files() []string {
	var out []string
	seen := map[*yaml.Node]bool{}
	var walk func(*yaml.Node)
	walk = func(n *yaml.Node) {
		if n = resolved(n); n == nil || seen[n] {
			return
		}
		seen[n] = true
		if n.Kind == yaml.MappingNode && len(n.Content) == 2 && n.Content[0].Value == "file" {
			if v := resolved(n.Content[1]); v.Kind == yaml.ScalarNode {
				if name, err := beside(d.src.name, v.Value); err == nil {
					out = append(out, name)
				}
			}
		}
		for _, child := range n.Content {
			walk(child)
		}
	}
	walk(d.root)
	slices.Sort(out)
	return slices.Compact(out)
}
