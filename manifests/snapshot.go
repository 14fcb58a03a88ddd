package manifests

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"path"
	"slices"
	"strings"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
)

// ErrNoManifest says that a snapshot has no manifest of an address, as far as its files can be read.
var ErrNoManifest = errors.New("no such manifest")

// Snapshot is a project as one commit held it.
type Snapshot struct {
	past     *Past
	tree     string
	settings *settings

	listed bool       // the fields below are known
	files  []pastFile // by name
	unread diag.List
	plain  bool // all was read, and no link was met on the way
}

// settings is what dcsync.yaml said, and the schemas of the policy it names.
type settings struct {
	loader   *loader
	findings diag.List
	asked    map[string]string // what the loader located, and what it found
}

// pastFile is a YAML file among the manifests of a snapshot.
type pastFile struct {
	name string
	*listing
}

// At gives the project whose folder has an id. Where the folder holds no dcsync.yaml the error is a diag.Diagnostic with code
// diag.ProjectMissing; other errors are failures of the world.
func (p *Past) At(tree string) (*Snapshot, error) {
	before := p.last
	if before != nil && before.tree == tree {
		return before, nil
	}
	files := &pastFiles{past: p, root: tree}
	e, _, err := files.find(projectFile)
	switch {
	case files.failed != nil:
		return nil, files.failed
	case err != nil, e.mode.IsDir():
		return nil, projectMissing()
	}
	s := &Snapshot{past: p, tree: tree, settings: p.settings[e.id]}
	if s.settings == nil || !files.stillFinds(s.settings.asked) {
		if s.settings, err = p.readSettings(tree); err != nil {
			return nil, err
		}
		p.settings[e.id] = s.settings
	}
	if before != nil && before.plain && before.settings == s.settings {
		if err := s.listLike(before); err != nil {
			return nil, err
		}
	}
	p.last = s
	return s, nil
}

// stillFinds tells whether these files hold what was found in others.
func (f *pastFiles) stillFinds(asked map[string]string) bool {
	for name, was := range asked {
		if e, _, err := f.find(name); found(e, err) != was {
			return false
		}
	}
	return true
}

func (p *Past) readSettings(tree string) (*settings, error) {
	files := &pastFiles{past: p, root: tree, asked: map[string]string{}}
	l := newLoaderOf(newFolder(files), "")
	l.checks = p.checks
	l.readProject()
	if files.failed != nil {
		return nil, files.failed
	}
	return &settings{l, l.sortedFindings(), files.asked}, nil
}

// Project gives what dcsync.yaml said, with defaults where it was silent or wrong, and what was wrong with it. Root is "".
func (s *Snapshot) Project() (*Project, diag.List) {
	return s.settings.loader.project, s.settings.findings
}

// loader gives a loader of the snapshot's files that knows the project and its policy already.
func (s *Snapshot) loader() (*loader, *pastFiles) {
	files := &pastFiles{past: s.past, root: s.tree}
	l, known := newLoaderOf(newFolder(files), ""), s.settings.loader
	l.checks, l.keyed, l.project, l.policy, l.settings = s.past.checks, s.past.keyed, known.project, known.policy, known.settings
	l.sources[projectFile] = known.sources[projectFile]
	return l, files
}

// list finds out once which files there are and what is in them.
func (s *Snapshot) list() error {
	if s.listed {
		return nil
	}
	l, world := s.loader()
	names := l.manifestFiles()
	for _, name := range names {
		e, _, err := world.find(name)
		if world.failed != nil {
			return world.failed
		}
		if err != nil || e.mode != 0 {
			l.unreadable(name, cmp.Or(err, errNotFile))
			continue
		}
		file, err := s.past.listing(e.id, name)
		if err != nil {
			return err
		}
		s.files = append(s.files, pastFile{name, file})
		for _, f := range file.problems {
			f.Pos.File = name // equal files have one listing
			l.findings = append(l.findings, f)
		}
	}
	if world.failed != nil {
		return world.failed
	}
	s.unread, s.listed = l.sortedFindings(), true
	s.plain = len(s.unread) == 0 && !world.linked
	return nil
}

// listLike lists the files after those of another snapshot with the same settings, where no more than plain files are different: of two
// neighbours in a history that is mostly so, and they have nearly all in common. Else it does nothing.
func (s *Snapshot) listLike(before *Snapshot) error {
	now, then := &pastFiles{past: s.past, root: s.tree}, &pastFiles{past: s.past, root: before.tree}
	files := slices.Clone(before.files)
	for _, dir := range s.settings.loader.project.Manifests {
		a, name, errThen := then.find(dir)
		b, _, errNow := now.find(dir)
		changed := map[string]string{}
		alike, err := s.past.compare(a.id, b.id, name, changed)
		if errThen != nil || errNow != nil || now.linked || err != nil || !alike {
			return err
		}
		for name, id := range changed {
			i, is := slices.BinarySearchFunc(files, name, func(f pastFile, name string) int { return strings.Compare(f.name, name) })
			switch {
			case !isManifest(name):
				continue
			case id == "" && is:
				files = slices.Delete(files, i, i+1)
				continue
			case id == "":
				continue
			case !is:
				files = slices.Insert(files, i, pastFile{name: name})
			}
			if files[i].listing, err = s.past.listing(id, name); err != nil || files[i].problems != nil {
				return err
			}
		}
	}
	s.files, s.listed, s.plain = files, true, true
	return nil
}

// compare tells whether two folders differ in no more than plain files, and notes these by name: their new ids, "" for those that are gone.
// What is hidden does not count.
func (p *Past) compare(then, now, folder string, changed map[string]string) (alike bool, err error) {
	if then == now {
		return true, nil
	}
	a, err := p.branch(then)
	if err != nil {
		return false, err
	}
	b, err := p.branch(now)
	if err != nil || !a.sorted || !b.sorted {
		return false, err
	}
	old, items := a.items, b.items
	for len(old) > 0 || len(items) > 0 {
		var was, is item // zero where the other has a name more
		switch c := firstOf(old, items); {
		case c < 0:
			was, old = old[0], old[1:]
		case c > 0:
			is, items = items[0], items[1:]
		default:
			was, old, is, items = old[0], old[1:], items[0], items[1:]
		}
		name := cmp.Or(is.name, was.name)
		switch {
		case is == was || strings.HasPrefix(name, "."):
		case is.mode == 0 && was.mode == 0:
			changed[path.Join(folder, name)] = is.id
		case is.mode != was.mode || !is.mode.IsDir():
			return false, nil
		default:
			if alike, err := p.compare(was.id, is.id, path.Join(folder, name), changed); err != nil || !alike {
				return false, err
			}
		}
	}
	return true, nil
}

// firstOf tells which of two lists begins with what comes first in git's order, 0 when both begin with the same name.
func firstOf(a, b []item) int {
	switch {
	case len(a) == 0:
		return 1
	case len(b) == 0:
		return -1
	}
	return a[0].compare(b[0])
}

// Unread gives why manifests could not be read, or not the whole of their files: what they asked for is not known.
func (s *Snapshot) Unread() (diag.List, error) {
	err := s.list()
	return s.unread, err
}

// Place says where a snapshot has a manifest.
type Place struct {
	File string // relative to the project's root, with "/" separators
	Document
}

// Places gives all manifests by file and line, which may be in vain: the error then is a failure of the world, and the last.
func (s *Snapshot) Places() iter.Seq2[Place, error] {
	return func(yield func(Place, error) bool) {
		if err := s.list(); err != nil {
			yield(Place{}, err)
			return
		}
		for _, f := range s.files {
			for _, d := range f.documents {
				if !yield(Place{f.name, d}, nil) {
					return
				}
			}
		}
	}
}

// Find gives the places of an address by file and line. Where there are several the first is what references mean, and each other an
// error of Object's.
func (s *Snapshot) Find(a resource.Address) ([]Place, error) {
	if err := s.list(); err != nil {
		return nil, err
	}
	var out []Place
	for _, f := range s.files {
		for _, d := range f.documents {
			if d.Address == a {
				out = append(out, Place{f.name, d})
			}
		}
	}
	return out, nil
}

// Object gives what a manifest asked for, its references followed, and what is wrong with it and the manifests it refers to, those
// findings that the policy of the time brings among them.
//
// The object is nil when it cannot be known: today's tables refuse it, or a file or manifest that it needs is not there, not readable or
// refused. The findings then say why. Only these manifests are looked at: what else was wrong in the project hides nothing, and what two
// manifests must not have in common (order ids, intents) is not compared. The error is ErrNoManifest or a failure of the world.
func (s *Snapshot) Object(a resource.Address) (*resource.Object, diag.List, error) {
	if err := s.list(); err != nil {
		return nil, nil, err
	}
	l, world := s.loader()
	if err := s.gather(l, a); err != nil {
		return nil, nil, err
	}
	why := slices.Clone(s.unread)
	if s.settings.loader.partial {
		why = append(why, s.settings.findings...)
	}
	l.partial = len(why) > 0
	l.join()
	if world.failed != nil {
		return nil, nil, world.failed
	}
	if l.byAddress[a] == nil {
		return nil, nil, fmt.Errorf("%w: %s", ErrNoManifest, a)
	}
	reached := l.reached(a)
	about := map[string]bool{}
	for _, at := range reached {
		about[at.String()] = true
	}
	findings := slices.DeleteFunc(l.sortedFindings(), func(f diag.Diagnostic) bool { return !about[f.Address] })
	if slices.ContainsFunc(reached, func(at resource.Address) bool { return l.objects[at] == nil }) {
		return nil, append(findings, why...), nil
	}
	return l.objects[a], findings, nil
}

// gather reads the manifests of an address, those it refers to, and those of names it says it had.
func (s *Snapshot) gather(l *loader, a resource.Address) error {
	read := map[string][]*document{}
	seen := map[resource.Address]bool{a: true}
	for queue := []resource.Address{a}; len(queue) > 0; queue = queue[1:] {
		places, err := s.Find(queue[0])
		if err != nil {
			return err
		}
		for _, p := range slices.CompactFunc(places, func(a, b Place) bool { return a.File == b.File }) {
			if _, ok := read[p.File]; !ok {
				read[p.File] = l.readFile(p.File)
			}
			for _, d := range read[p.File] {
				if d.address() != queue[0] {
					continue
				}
				l.check(d)
				l.documents = append(l.documents, d)
				for _, next := range d.names() {
					if !seen[next] {
						seen[next] = true
						queue = append(queue, next)
					}
				}
			}
		}
	}
	slices.SortStableFunc(l.documents, func(a, b *document) int {
		return cmp.Or(cmp.Compare(a.src.name, b.src.name), cmp.Compare(a.root.Line, b.root.Line))
	})
	return nil
}

// names gives the addresses that a document speaks of.
func (d *document) names() []resource.Address {
	var out []resource.Address
	for _, r := range references(d) {
		out = append(out, r.to)
	}
	for _, name := range movedFrom(d) {
		out = append(out, resource.Address{Kind: d.kind, Name: name})
	}
	return out
}

// reached gives an address and all that its manifest refers to, through others too.
func (l *loader) reached(a resource.Address) []resource.Address {
	out := []resource.Address{a}
	for i := 0; i < len(out); i++ {
		d := l.byAddress[out[i]]
		if d == nil {
			continue
		}
		for _, r := range references(d) {
			if !slices.Contains(out, r.to) {
				out = append(out, r.to)
			}
		}
	}
	return out
}
