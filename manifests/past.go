package manifests

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
	"dcsync/schema"
)

// Objects is where the past is read from: folders and files by id, where equal ids mean equal content. Its errors are failures of the
// world, such as a clone that lacks an object.
type Objects interface {
	// Folder calls visit for everything in a folder: files with mode 0, fs.ModeDir, fs.ModeSymlink, or another type that is none of these.
	Folder(id string, visit func(name, id string, mode fs.FileMode)) error
	// Blob gives the bytes of a file; whole is false when they are more than limit.
	Blob(id string, limit int64) (data []byte, whole bool, err error)
}

// Past reads projects as they were: whatever it gives is what LoadAt, without an instant, would have made of the same files on disk.
// It remembers by id what it has read, so that of many versions of a project only what differs is read and parsed. It never looks at the
// disk, and is not safe for concurrent use.
type Past struct {
	objects  Objects
	checks   schema.Checks
	keyed    map[string]bool      // as of loader
	branches map[string]*branch   // folders by id
	entries  int                  // in branches
	listings map[string]*listing  // YAML files by id
	settings map[string]*settings // by id of dcsync.yaml, as last seen with it
	last     *Snapshot
}

// NewPast reads the past from some objects.
func NewPast(o Objects) *Past {
	return &Past{
		objects:  o,
		checks:   checks(time.Time{}),
		keyed:    map[string]bool{},
		branches: map[string]*branch{},
		listings: map[string]*listing{},
		settings: map[string]*settings{},
	}
}

// Document is one manifest in a YAML file.
type Document struct {
	Address resource.Address
	Line    int
	Digest  string // SHA-256 (hex) of its bytes, as resource.Source has it

	MovedFrom []string // earlier names, oldest first
	Files     []string // what its {file: …} say, sorted: paths that begin beside its own file
}

// IsManifest tells whether a file below a manifest folder is read as manifests, by its name.
func IsManifest(name string) bool { return isYAML(name) }

// Beside gives the name, relative to the project's root, of the file that a manifest names as Document.Files has it; "" when that would lie
// outside of the project.
func Beside(manifest, file string) string {
	name, err := beside(manifest, file)
	if err != nil {
		return ""
	}
	return name
}

// Documents gives the manifests in a YAML file, by its id. What is no manifest with a kind and a name is left out, and so is what cannot
// be read.
func (p *Past) Documents(blob string) ([]Document, error) {
	l, err := p.listing(blob, "the file")
	if err != nil {
		return nil, err
	}
	return l.documents, nil
}

// listing is what is known of a YAML file without looking into its manifests.
type listing struct {
	documents []Document
	problems  diag.List // why not all of it could be read
}

// maxProblems bounds what is remembered of one file that cannot be read.
const maxProblems = 3

// listing reads a YAML file once. The name is used in messages only.
func (p *Past) listing(id, name string) (*listing, error) {
	if known := p.listings[id]; known != nil {
		return known, nil
	}
	data, whole, err := p.objects.Blob(id, maxFile)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	out, l := &listing{}, newLoaderOf(newFolder(nil), "")
	if !whole {
		l.partial = true
		l.unreadable(name, errSize)
	} else {
		for _, d := range l.readText(name, string(data)) {
			if a := d.address(); a != (resource.Address{}) {
				// What a document gives is part of the file's text, which is not to be kept for it.
				a = resource.Address{Kind: strings.Clone(a.Kind), Name: strings.Clone(a.Name)}
				out.documents = append(out.documents, Document{a, d.pos().Line, d.digest, cloned(movedFrom(d)), cloned(d.files())})
			}
		}
	}
	if l.partial {
		for _, f := range l.sortedFindings() {
			if f.Severity == diag.Error && len(out.problems) < maxProblems {
				out.problems = append(out.problems, f)
			}
		}
	}
	p.listings[id] = out
	return out, nil
}

func cloned(list []string) []string {
	for i, s := range list {
		list[i] = strings.Clone(s)
	}
	return list
}

// files gives the names in all {file: …} of a document, whatever field they stand in, sorted.
func (d *document) files() []string {
	var out []string
	var walk func(resource.Value)
	walk = func(v resource.Value) {
		switch v := v.(type) {
		case resource.Map:
			if file, ok := v["file"].(resource.String); ok && len(v) == 1 {
				out = append(out, string(file))
			}
			for _, member := range v {
				walk(member)
			}
		case resource.List:
			for _, item := range v {
				walk(item)
			}
		}
	}
	walk(d.value)
	slices.Sort(out)
	return slices.Compact(out)
}

// branch is a folder of the past.
type branch struct {
	items  []item
	sorted bool           // in git's order, each name once
	asked  int            // how often get was called
	byName map[string]int // nil until many names are asked for
}

// item is one entry of a folder.
type item struct {
	name, id string
	mode     fs.FileMode
}

// compare gives git's order of names, in which that of a folder ends in a slash; 0 for the same name.
func (e item) compare(other item) int {
	if e.name == other.name {
		return 0
	}
	n := min(len(e.name), len(other.name))
	return cmp.Or(strings.Compare(e.name[:n], other.name[:n]), cmp.Compare(e.at(n), other.at(n)))
}

// at gives one byte of a name as it is sorted.
func (e item) at(i int) byte {
	switch {
	case i < len(e.name):
		return e.name[i]
	case e.mode.IsDir():
		return '/'
	}
	return 0
}

// fewNames is how many names of a folder are looked up one by one: most folders are asked for one or two.
const fewNames = 8

// get gives an entry by its name.
func (b *branch) get(name string) (item, bool) {
	if b.asked++; b.asked <= fewNames {
		i := slices.IndexFunc(b.items, func(e item) bool { return e.name == name })
		if i < 0 {
			return item{}, false
		}
		return b.items[i], true
	}
	if b.byName == nil {
		b.byName = make(map[string]int, len(b.items))
		for i, e := range slices.Backward(b.items) {
			b.byName[e.name] = i
		}
	}
	i, ok := b.byName[name]
	if !ok {
		return item{}, false
	}
	return b.items[i], true
}

// maxEntries bounds the entries of folders that are remembered.
const maxEntries = 1 << 18

// branch reads a folder.
func (p *Past) branch(id string) (*branch, error) {
	if known := p.branches[id]; known != nil {
		return known, nil
	}
	b := &branch{}
	if err := p.objects.Folder(id, func(name, id string, mode fs.FileMode) {
		b.items = append(b.items, item{name, id, mode})
	}); err != nil {
		return nil, fmt.Errorf("read folder: %w", err)
	}
	b.sorted = true
	for i := 1; i < len(b.items) && b.sorted; i++ {
		b.sorted = b.items[i-1].compare(b.items[i]) < 0
	}
	if p.entries += len(b.items); p.entries > maxEntries {
		clear(p.branches)
		p.entries = len(b.items)
	}
	p.branches[id] = b
	return b, nil
}
