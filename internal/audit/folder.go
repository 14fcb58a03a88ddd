package audit

import (
	"context"
	"maps"
	"path"
	"slices"
	"strings"

	"dcsync/internal/gitrepo"
	"dcsync/manifests"
)

// Where the project lay, and what the files were called that its settings name. A project may be moved to another folder, and its state file
// and keys to other names; what happened before is its history all the same. So the places of before are walked too, and a commit's changes
// are told by the names that the files have in the checkout: a move alone changes nothing, and a move with an edit is that edit.
//
// A folder is the project's where its dcsync.yaml has the project's uid, or was taken away by the very commit that began the present one.

// folder gives the folder of the project at a commit, with a slash at its end; the present one where it was nowhere.
func (p *past) folder(commit string) string {
	if len(p.folders) == 1 {
		return p.folders[0]
	}
	f, known := p.lay[commit]
	if !known {
		f = p.look(commit)
		p.lay[commit] = f
	}
	return f
}

func (p *past) look(commit string) string {
	for _, f := range p.folders {
		if project := p.settingsIn(commit, f); project != nil && project.UID == p.uid {
			return f
		}
	}
	for _, f := range p.folders { // settings that cannot be read, or a branch that holds the state only
		if slices.ContainsFunc(append([]string{projectFile}, p.states...), func(name string) bool { return p.holds(commit, path.Join(f, name)) }) {
			return f
		}
	}
	return p.folders[0]
}

// stateName gives what the state file was called at a commit, relative to the folder.
func (p *past) stateName(commit string) string {
	if len(p.states) == 1 {
		return p.states[0]
	}
	if project, ok := p.settings(commit); ok {
		return project.StateFile
	}
	for _, name := range p.states {
		if p.holds(commit, path.Join(p.folder(commit), name)) {
			return name
		}
	}
	return p.states[0]
}

func (p *past) holds(commit, file string) bool {
	id, err := p.objects.File(commit, file)
	return err == nil && id != ""
}

// settingsIn gives what dcsync.yaml of a folder said at a commit, nil when it cannot be read.
func (p *past) settingsIn(commit, folder string) *manifests.Project {
	tree, err := p.objects.Tree(commit, strings.TrimSuffix(folder, "/"))
	if err != nil {
		return nil
	}
	s, err := p.read.At(tree)
	if err != nil {
		return nil
	}
	project, _ := s.Project()
	return project
}

// then gives the path that a file had at a commit, from the one it has in the checkout.
func (a *auditor) then(commit, file string) string {
	name, inside := strings.CutPrefix(file, a.prefix)
	switch {
	case !inside:
		return file
	case name == a.past.states[0]:
		name = a.past.stateName(commit)
	}
	return path.Join(a.past.folder(commit), name)
}

// paths gives all that is to be walked: the project's files in each place where it lay.
func (a *auditor) paths() []string {
	names := slices.Concat([]string{projectFile}, a.Project.Manifests, a.past.states, a.past.keys, a.outside())
	var out []string
	for _, f := range a.past.folders {
		for _, name := range names {
			out = append(out, path.Join(f, name))
		}
	}
	slices.Sort(out)
	if out = slices.Compact(out); slices.Contains(out, "") || slices.Contains(out, ".") {
		return []string{""}
	}
	return out
}

// statePaths gives all that the state file was called in the repository.
func (a *auditor) statePaths() []string {
	var out []string
	for _, f := range a.past.folders {
		for _, name := range a.past.states {
			out = append(out, path.Join(f, name))
		}
	}
	return out
}

// trace seeks in commits that were walked where the project lay before, and what its files were called; false when all was known.
func (a *auditor) trace(ctx context.Context, all []*commit) (bool, error) {
	p := a.past
	known := len(p.folders) + len(p.states) + len(p.keys)
	begins := map[string]*commit{} // the newest one that began a folder
	for _, c := range all {
		for _, ch := range c.raw {
			folder, name := path.Split(ch.Path)
			if name != projectFile || ch.New == "" || !slices.Contains(p.folders, folder) {
				continue
			}
			if project := p.settingsIn(c.id, folder); project != nil {
				p.states = also(p.states, project.StateFile)
				p.keys = also(p.keys, keyNames(project.Trust)...)
			}
			if ch.Old == "" && !c.boundary {
				begins[folder] = c
			}
		}
	}
	for _, folder := range slices.Sorted(maps.Keys(begins)) {
		if p.traced[folder] {
			continue
		}
		p.traced[folder] = true
		before, err := a.before(ctx, begins[folder])
		if err != nil {
			return false, err
		}
		p.folders = also(p.folders, before...)
	}
	if len(p.folders)+len(p.states)+len(p.keys) == known {
		return false, nil
	}
	p.lay, p.trees = map[string]string{}, map[string]string{}
	return true, nil
}

func also(list []string, more ...string) []string { return unique(slices.Concat(list, more)) }

// before gives the other folders in which the project lay in the history before it began in one, and on the branch that a merge brought that to.
func (a *auditor) before(ctx context.Context, began *commit) ([]string, error) {
	from := began.id
	if began.mainline != "" {
		from = began.mainline
	}
	if len(began.parents) == 0 && from == began.id {
		return nil, nil
	}
	var same, gone []string
	for c, err := range a.Repo.History(ctx, gitrepo.HistoryOptions{Paths: []string{""}, From: from}) {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			a.lacks("the history could not be read further: %v", err)
			break
		}
		for _, ch := range c.Changes {
			folder, name := path.Split(ch.Path)
			if name != projectFile || slices.Contains(a.past.folders, folder) {
				continue
			}
			if ch.New != "" {
				if project := a.past.settingsIn(c.ID, folder); project != nil && project.UID == a.Project.UID {
					same = append(same, folder)
				}
			} else if c.ID == began.id {
				gone = append(gone, folder)
			}
		}
	}
	if len(same) > 0 {
		return same, nil
	}
	return gone, nil
}

// inPlace gives the changes of a commit by the names of the checkout. Where the project came from another folder, or its state from another
// name, they are those between the two places.
func (a *auditor) inPlace(c gitrepo.Commit) []gitrepo.Change {
	p := a.past
	if len(p.folders) == 1 && len(p.states) == 1 {
		return c.Changes
	}
	is, isState := p.folder(c.ID), p.stateName(c.ID)
	was, wasState := is, isState
	if len(c.Parents) > 0 && !c.Boundary {
		was, wasState = p.folder(c.Parents[0]), p.stateName(c.Parents[0])
	}
	given := map[string]gitrepo.Change{}
	names := map[string]bool{}
	for _, ch := range c.Changes {
		given[ch.Path] = ch
		for _, f := range []string{is, was} {
			name, inside := strings.CutPrefix(ch.Path, f)
			if inside && (!slices.Contains(p.states, name) || name == p.states[0] && isState == name && wasState == name) {
				names[name] = true
			}
		}
	}
	if _, ok := given[path.Join(is, isState)]; ok || is != was || isState != wasState {
		names[p.states[0]] = true
	}
	if is != was {
		for _, name := range append([]string{projectFile}, p.keys...) { // also where they stayed behind
			names[name] = true
		}
	}
	var out []gitrepo.Change
	for _, name := range slices.Sorted(maps.Keys(names)) {
		ch, direct := given[path.Join(is, name)]
		if name == p.states[0] {
			ch, direct = given[path.Join(is, isState)]
			direct = direct && isState == wasState
		}
		ch.Path = a.path(name)
		if is != was || !direct {
			ch.Old, ch.New = "", a.at(c.ID, ch.Path)
			same := false
			for i, parent := range c.Parents {
				id := a.at(parent, ch.Path)
				if i == 0 {
					ch.Old = id
				}
				same = same || id == ch.New
			}
			if same || name == p.states[0] && ch.New == "" { // it goes on from here when it comes to its new place
				continue
			}
		}
		out = append(out, ch)
	}
	return out
}
