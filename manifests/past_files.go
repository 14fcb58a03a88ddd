package manifests

import (
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
)

// pastFiles is the files of a project as a commit held them. It is used for one task: what the world refuses in the course of it, such
// as an object that is not in the clone, is kept in failed, since no file on disk can say anything like it.
type pastFiles struct {
	past   *Past
	root   string // id of the project's folder
	failed error
	asked  map[string]string // what was located, and found there; nil: not noted
	linked bool              // a link was met
}

const (
	maxLinks    = 40      // that lead from one to the next
	maxLinkText = 4096    // bytes of where a link leads
	maxNested   = 100     // folders in one another
	maxWalked   = 1 << 20 // entries below a folder
)

// errTooMany is for folders that hold more than any project does: equal folders in one another make much of few bytes.
var errTooMany = errors.New("read the folders of a commit: they hold more files than a project can have")

// fail notes a failure of the world and gives what is said of the file.
func (f *pastFiles) fail(err error) error {
	if f.failed == nil {
		f.failed = err
	}
	return errNoAccess
}

func (f *pastFiles) locate(name string) (string, error) {
	e, real, err := f.find(name)
	if f.asked != nil {
		f.asked[name] = found(e, err)
	}
	return real, err
}

// found gives what lies behind a name as text, equal for equal content. Of folders it says that they are there.
func found(e item, err error) string {
	switch {
	case err != nil:
		return err.Error()
	case e.mode.IsDir():
		return "a folder"
	}
	return e.id
}

// find gives the entry behind a name, and its own name. Links are followed inside of the project; the commit knows nothing of what lies
// outside.
func (f *pastFiles) find(name string) (item, string, error) {
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return item{}, "", errEscapes
	}
	at := []item{{id: f.root, mode: fs.ModeDir}}
	lost := errNotThere // what is said when there is nothing
	for rest, links := path.Clean(name), 0; rest != ""; {
		var next string
		next, rest, _ = strings.Cut(rest, "/")
		switch top := at[len(at)-1]; {
		case next == "" || next == ".":
			continue
		case !top.mode.IsDir():
			return item{}, "", lost
		case next == "..":
			if len(at) == 1 {
				return item{}, "", errEscapes
			}
			at = at[:len(at)-1]
			continue
		}
		b, err := f.past.branch(at[len(at)-1].id)
		if err != nil {
			return item{}, "", f.fail(err)
		}
		e, ok := b.get(next)
		if !ok || len(at) > maxNested {
			return item{}, "", lost
		}
		if e.mode&fs.ModeSymlink == 0 {
			at = append(at, e)
			continue
		}
		f.linked = true
		if rest == "" || links > 0 {
			lost = errBroken
		}
		text, whole, err := f.past.objects.Blob(e.id, maxLinkText)
		links++
		switch {
		case err != nil:
			return item{}, "", f.fail(err)
		case !whole || links > maxLinks:
			return item{}, "", errBroken
		case path.IsAbs(string(text)):
			return item{}, "", errEscapes
		}
		rest = string(text) + "/" + rest
	}
	names := make([]string, len(at))
	for i, e := range at[1:] {
		names[i+1] = e.name
	}
	real := path.Join(names...)
	if real == "" {
		real = "."
	}
	return at[len(at)-1], real, nil
}

func (f *pastFiles) isFolder(name string) (bool, error) {
	e, _, err := f.find(name)
	return e.mode.IsDir(), err
}

func (f *pastFiles) read(name string, limit int64) (string, error) {
	e, _, err := f.find(name)
	switch {
	case err != nil:
		return "", err
	case e.mode != 0:
		return "", errNotFile
	}
	data, whole, err := f.past.objects.Blob(e.id, limit)
	switch {
	case err != nil:
		return "", f.fail(err)
	case !whole:
		return "", errSize
	}
	return string(data), nil
}

func (f *pastFiles) walk(folder string, visit visitor) error {
	e, _, err := f.find(folder)
	if err != nil {
		return err
	}
	w := pastWalk{f, visit, 0}
	if folder == "." {
		folder = ""
	}
	return w.below(folder, e.id, 0)
}

// pastWalk is one walk over the past.
type pastWalk struct {
	files  *pastFiles
	visit  visitor
	walked int
}

func (w *pastWalk) below(folder, id string, depth int) error {
	b, err := w.files.past.branch(id)
	if err != nil {
		return w.files.fail(err)
	}
	if w.walked += len(b.items); w.walked > maxWalked || depth > maxNested {
		return w.files.fail(errTooMany)
	}
	if folder != "" {
		folder += "/"
	}
	for _, e := range b.items {
		name := folder + e.name
		if e.mode&fs.ModeSymlink != 0 {
			w.files.linked = true
		}
		err := w.visit(name, e.mode, nil)
		switch {
		case errors.Is(err, fs.SkipDir) && e.mode.IsDir():
			continue
		case err == nil && e.mode.IsDir():
			err = w.below(name, e.id, depth+1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// leavesForFile knows of nothing outside.
func (f *pastFiles) leavesForFile(string) bool { return false }
