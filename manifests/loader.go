package manifests

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"dcsync/internal/diag"
	"dcsync/internal/pki"
	"dcsync/internal/resource"
	"dcsync/schema"
)

// loader carries one load from the files to the set.
type loader struct {
	folder   *folder
	at       time.Time // what dates are held against; zero: nothing
	project  *Project
	policy   *policy
	sources  map[string]*source // by name
	checks   schema.Checks
	keyed    map[string]bool // texts of files named by manifests: whether they hold a private key
	named    map[string]bool // files named by manifests, those of secrets too
	settings *document       // dcsync.yaml, nil when it cannot be used
	findings diag.List
	partial  bool // some manifest could not be read, so that nothing can be said to be missing

	documents []*document // in the order of files and lines
	byAddress map[resource.Address]*document
	objects   map[resource.Address]*resource.Object
}

func newLoader(root string) (*loader, error) {
	f, err := openFolder(root)
	if err != nil {
		return nil, err
	}
	return newLoaderOf(f, root), nil
}

func newLoaderOf(f *folder, root string) *loader {
	return &loader{
		folder:  f,
		project: newProject(root),
		sources: map[string]*source{},
		checks:  checks(time.Time{}),
		keyed:   map[string]bool{},
		named:   map[string]bool{},

		byAddress: map[resource.Address]*document{},
		objects:   map[resource.Address]*resource.Object{},
	}
}

// add collects a finding about a document.
func (l *loader) add(d *document, found diag.Diagnostic) {
	if found.Severity == diag.Error {
		d.broken = true
	}
	if found.Address == "" {
		found.Address = d.address().String()
	}
	l.findings.Add(found)
}

// addFile collects a finding about a whole file.
func (l *loader) addFile(name string, code diag.Code, summary, hint string) {
	l.findings.Add(diag.Diagnostic{
		Severity: diag.Error, Code: code, Summary: summary, Hint: hint,
		Pos: diag.Pos{File: name, Line: 1, Column: 1},
	})
}

// sortedFindings gives all findings with the lines they are about.
func (l *loader) sortedFindings() diag.List {
	for i := range l.findings {
		f := &l.findings[i]
		if src := l.sources[f.Pos.File]; src != nil {
			f.Snippet = src.snippet(f.Pos.Line)
		}
	}
	return l.findings.Sorted()
}

// readManifests reads every YAML file below the project's manifest folders.
func (l *loader) readManifests(ctx context.Context) error {
	for _, name := range l.manifestFiles() {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("load manifests: %w", err)
		}
		for _, d := range l.readFile(name) {
			if d.kind == projectKind {
				l.add(d, diag.Diagnostic{
					Severity: diag.Error, Code: diag.ProjectDuplicate, Pos: d.keyPos("/kind"), Path: "/kind",
					Summary: "a Project document among the manifests",
					Hint:    "the project is described by " + projectFile + " alone",
				})
				continue
			}
			l.documents = append(l.documents, d)
			l.check(d)
		}
	}
	return nil
}

const emptyHint = "write a document into it, or remove it"

// readFile reads the documents of one YAML file. Those that hold no mapping are reported and left out, and so are those that hold a
// private key: nothing else is said of their text.
func (l *loader) readFile(name string) []*document {
	text, err := l.folder.content(name, maxFile)
	if err != nil {
		l.partial = true
		l.unreadable(name, err)
		return nil
	}
	return l.readText(name, text)
}

// readText reads the documents in the text of one YAML file.
func (l *loader) readText(name, text string) []*document {
	src, problem := newSource(name, withLF(text))
	l.sources[name] = src
	if problem == nil && strings.TrimSpace(src.text) == "" {
		l.addFile(name, diag.FileEmpty, "the file is empty", emptyHint)
		return nil
	}
	var parts []part
	if problem == nil {
		parts, problem = parse(src)
	}
	switch {
	case problem != nil:
		l.partial = true
		l.findings.Add(*problem)
		src.hideUnparsed(src.from(src.border(parts)))
	case len(parts) == 0:
		l.addFile(name, diag.FileEmpty, "the file holds no document", emptyHint)
	}
	read := readAll(src, parts)
	keyed := slices.ContainsFunc(read, func(r reading) bool { return r.keyed })
	src.secret = keyed
	if !keyed && l.seekPrivateKey(src) {
		l.partial = true
		return nil
	}
	var out []*document
	for _, r := range read {
		if l.take(r) {
			out = append(out, r.document)
		}
	}
	return out
}

// reading is a document with its value and what was found on the way to it.
type reading struct {
	*reader
	value resource.Value
}

// readAll reads the documents of a file and hides what is secret in it. yaml.v3 lets an alias stand for what an earlier document holds, so
// that what one of them keeps secret may be written in another.
func readAll(src *source, parts []part) []reading {
	out := make([]reading, len(parts))
	expanded, secrets := 0, map[*yaml.Node]int{}
	for i, p := range parts {
		r := newReader(newDocument(src, p), &expanded)
		out[i] = reading{r, r.value(p.root, "")}
		maps.Copy(secrets, r.secrets)
	}
	for _, p := range parts {
		src.hidden = append(src.hidden, hide(p.root, point{p.end, 1}, secrets)...)
	}
	return out
}

// take reports what was found in a document and tells whether it is to be looked at further.
func (l *loader) take(r reading) bool {
	d := r.document
	if pki.ContainsPrivateKey(d.name) {
		d.name = ""
	}
	for _, f := range r.findings {
		if !r.keyed || f.Code == diag.PrivateKey {
			l.add(d, f)
		}
	}
	m, isMap := r.value.(resource.Map)
	switch {
	case r.keyed:
		l.partial = true
		return false
	case r.gaveUp:
		l.partial = true
	case !isMap:
		l.add(d, diag.Diagnostic{
			Severity: diag.Error, Code: diag.BadEnvelope, Pos: d.pos(),
			Summary: "not a manifest",
			Hint:    "a document has the members apiVersion, kind, metadata and spec",
		})
		return false
	default:
		d.value = m
	}
	return true
}

// seekPrivateKey reports a private key in what is no value, a comment or a file that is not YAML, and tells whether there is one.
func (l *loader) seekPrivateKey(src *source) bool {
	pos, found := src.privateKey()
	if found {
		src.secret = true
		d := privateKey()
		d.Pos = pos
		l.findings.Add(d)
	}
	return found
}

// unreadable reports a YAML file that could not be read.
func (l *loader) unreadable(name string, err error) {
	switch {
	case errors.Is(err, errSize):
		l.addFile(name, diag.FileTooLarge, "the file is larger than 8 MiB", "split it into several files")
	case isLink(err):
		l.addFile(name, diag.PathEscapes, name+" "+err.Error(), "keep the files themselves among the manifests")
	default:
		l.addFile(name, diag.FileUnreadable, name+" "+err.Error(), "make it a file that can be read, or remove it")
	}
}

// check holds a document against its table.
func (l *loader) check(d *document) {
	if d.value == nil {
		return
	}
	if d.kind == "" {
		l.unknownKind(d)
		return
	}
	l.include(d)
	for _, v := range schema.Check(d.kind, d.value, l.checks) {
		if !d.answered(v) {
			d.remember(v)
			l.add(d, d.diagnostic(v))
		}
	}
}

// unknownKind reports a document no table is for.
func (l *loader) unknownKind(d *document) {
	kinds := slices.DeleteFunc(schema.Kinds(), func(k string) bool { return k == projectKind })
	f := diag.Diagnostic{Severity: diag.Error, Code: diag.BadEnvelope, Pos: d.valuePos("/kind"), Path: "/kind"}
	if _, ok := d.value["kind"]; !ok {
		f.Summary, f.Hint = "kind is missing", "write one of "+strings.Join(kinds, ", ")
	} else {
		f.Summary, f.Hint = "kind must be one of "+strings.Join(kinds, ", "), cmp.Or(suggestion(d.text("/kind"), kinds), "write one of them")
	}
	l.add(d, f)
}
