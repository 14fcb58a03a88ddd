package gitrepo

import (
	"bytes"
	"container/heap"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

// node is a commit in the graph: little enough to keep all of a large repository.
type node struct {
	id, tree plumbing.Hash
	parents  []*node
	when     int64
	mainline *node
	place    int // of a commit of the branch itself: how many of them come before
	boundary bool
	children int // not yet given
}

func (n *node) outside(since, until time.Time) bool {
	return !since.IsZero() && n.when < since.Unix() || !until.IsZero() && n.when > until.Unix()
}

// walk holds one run over history. Every root tree is read once, and folders below only where their id changed.
type walk struct {
	ctx   context.Context // of the one History call this walk serves
	store interface {
		source
		Shallow() ([]plumbing.Hash, error)
		Close() error
	}
	paths []string
	tip   *node
	nodes map[plumbing.Hash]*node
	roots map[plumbing.Hash][]entry // root tree → entry of each path
}

// load reads the graph of all commits that tip reaches, and marks each with the mainline commit it came in by.
func (w *walk) load(tip plumbing.Hash) error {
	cut, err := w.store.Shallow()
	if err != nil {
		return fmt.Errorf("read git shallow commits: %w", err)
	}
	w.tip = &node{id: tip}
	w.nodes[tip] = w.tip
	for queue := []*node{w.tip}; len(queue) > 0; {
		n := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if err := w.ctx.Err(); err != nil {
			return err
		}
		c, err := readCommit(w.store, n.id)
		if err != nil {
			return err
		}
		n.tree, n.when = c.tree, parsePerson(c.committer).When.Unix()
		if n.boundary = slices.Contains(cut, n.id); n.boundary {
			continue
		}
		for _, id := range c.parents {
			p := w.nodes[id]
			if p == nil {
				p = &node{id: id}
				w.nodes[id] = p
				queue = append(queue, p)
			}
			p.children++
			n.parents = append(n.parents, p)
		}
	}
	w.markMainline()
	return nil
}

// markMainline goes up the chain of first parents from its oldest end: what a commit of it reaches and no earlier one did came in
// by it.
func (w *walk) markMainline() {
	var chain []*node
	for n := w.tip; ; n = n.parents[0] {
		chain = append(chain, n)
		if len(n.parents) == 0 {
			break
		}
	}
	for i, m := range slices.Backward(chain) {
		m.mainline, m.place = m, len(chain)-1-i
		for queue := []*node{m}; len(queue) > 0; {
			n := queue[len(queue)-1]
			queue = queue[:len(queue)-1]
			for _, p := range n.parents {
				if p.mainline == nil {
					p.mainline = m
					queue = append(queue, p)
				}
			}
		}
	}
}

// newestFirst gives the commits by committer time, but none before all its children.
func (w *walk) newestFirst() iter.Seq[*node] {
	return func(yield func(*node) bool) {
		if w.tip == nil {
			return
		}
		for ready := (byTime{w.tip}); len(ready) > 0; {
			n := heap.Pop(&ready).(*node)
			if !yield(n) {
				return
			}
			for _, p := range n.parents {
				if p.children--; p.children == 0 {
					heap.Push(&ready, p)
				}
			}
		}
	}
}

type byTime []*node

func (b byTime) Len() int           { return len(b) }
func (b byTime) Less(i, j int) bool { return b[i].when > b[j].when }
func (b byTime) Swap(i, j int)      { b[i], b[j] = b[j], b[i] }
func (b *byTime) Push(x any)        { *b = append(*b, x.(*node)) }
func (b *byTime) Pop() any {
	last := (*b)[len(*b)-1]
	*b = (*b)[:len(*b)-1]
	return last
}

// at gives the entry of each path in a commit.
func (w *walk) at(n *node) ([]entry, error) {
	if known, ok := w.roots[n.tree]; ok {
		return known, nil
	}
	out := make([]entry, len(w.paths))
	for i, path := range w.paths {
		var err error
		if out[i], err = find(w.store, n.tree, strings.Trim(path, "/")); err != nil {
			return nil, fmt.Errorf("read folders of commit %s: %w", n.id, err)
		}
	}
	w.roots[n.tree] = out
	return out, nil
}

// changes gives the files under the paths that a commit has otherwise than every parent.
func (w *walk) changes(n *node) ([]Change, error) {
	if slices.ContainsFunc(n.parents, func(p *node) bool { return p.tree == n.tree }) {
		return nil, nil
	}
	now, err := w.at(n)
	if err != nil {
		return nil, err
	}
	before := make([][]entry, max(1, len(n.parents)))
	before[0] = make([]entry, len(w.paths)) // the parent of a first commit
	for i, p := range n.parents {
		if before[i], err = w.at(p); err != nil {
			return nil, err
		}
	}
	found := map[string]Change{}
	for i, path := range w.paths {
		if slices.ContainsFunc(before, func(b []entry) bool { return b[i].hash == now[i].hash }) {
			continue
		}
		files := map[string]Change{}
		if err := w.compare(strings.Trim(path, "/"), before[0][i], now[i], files); err != nil {
			return nil, err
		}
		for _, other := range before[1:] {
			differs := map[string]Change{}
			if err := w.compare(strings.Trim(path, "/"), other[i], now[i], differs); err != nil {
				return nil, err
			}
			for name := range files {
				if _, ok := differs[name]; !ok {
					delete(files, name)
				}
			}
		}
		for name, c := range files {
			found[name] = c
		}
	}
	out := make([]Change, 0, len(found))
	for _, c := range found {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
}

// compare lists the files that differ between two entries at one path. Folders with one id are not opened.
func (w *walk) compare(path string, old, now entry, out map[string]Change) error {
	if old.hash == now.hash && old.isTree() == now.isTree() {
		return nil
	}
	var below [2][]byte
	var change Change
	for i, e := range []entry{old, now} {
		switch {
		case e.isTree():
			var err error
			if below[i], err = readObject(w.store, plumbing.TreeObject, e.hash); err != nil {
				return err
			}
		case i == 0:
			change.Old = shown(e.hash)
		default:
			change.New = shown(e.hash)
		}
	}
	if change != (Change{}) {
		change.Path = path
		out[path] = change
	}
	before, after, err := differing(below[0], below[1])
	if err != nil {
		return err
	}
	for name, x := range before {
		if err := w.compare(join(path, name), x, after[name], out); err != nil {
			return err
		}
	}
	for name, x := range after {
		if _, both := before[name]; both {
			continue
		}
		if err := w.compare(join(path, name), entry{}, x, out); err != nil {
			return err
		}
	}
	return nil
}

// differing gives the entries, by name, that two folders do not have in common. Most of what two versions of a folder hold is equal and in
// the same order: as long as it is, it is passed over without making anything of it.
func differing(old, now []byte) (before, after map[string]entry, err error) {
	before, after = map[string]entry{}, map[string]entry{}
	for err == nil && (len(old) > 0 || len(now) > 0) {
		if n := entryLength(old); n > 0 && len(now) >= n && bytes.Equal(old[:n], now[:n]) {
			old, now = old[n:], now[n:]
			continue
		}
		var e entry
		if len(now) == 0 || len(old) > 0 && !comesFirst(now, old) {
			if e, old, err = nextEntry(old); err == nil {
				before[e.name] = e
			}
			continue
		}
		if e, now, err = nextEntry(now); err == nil {
			after[e.name] = e
		}
	}
	return before, after, err
}

// comesFirst tells whether the first entry of one tree comes before that of another by its name. Where names are not in git's order no
// more comes of it than that equal entries are given, too.
func comesFirst(a, b []byte) bool {
	a, b = a[:max(entryLength(a), 0)], b[:max(entryLength(b), 0)]
	return bytes.Compare(sortName(a), sortName(b)) < 0
}

// sortName gives an entry's name as git sorts it, without the id.
func sortName(raw []byte) []byte {
	raw = raw[:max(len(raw)-len(plumbing.ZeroHash)-1, 0)]
	mode, name, _ := bytes.Cut(raw, []byte(" "))
	if string(mode) == modeTree {
		return append(bytes.Clone(name), '/')
	}
	return name
}

func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}
