package gitrepo

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

// HistoryOptions say which commits to give.
type HistoryOptions struct {
	Paths []string  // folders and files, with slashes; "" is everything
	From  string    // where to start: "" for HEAD, a commit's id or a full reference name
	Since time.Time // by committer time, both inclusive; zero for no bound
	Until time.Time
	// Reached is called, before the first commit is given, with the id of every commit that history holds, in no order; may be nil.
	Reached func(id string)
}

// Commit is one commit that changed a given path.
type Commit struct {
	ID        string
	Parents   []string
	Author    Person
	Committer Person
	Message   string
	Trailers  []Trailer
	Signature []byte // armored, nil when not signed
	Payload   []byte // what was signed
	// Mainline is the first commit of the branch itself (its chain of first parents) that holds this one: the merge it came in by, or
	// this commit. Its committer merged.
	Mainline string
	// Place counts the commits of the branch itself that come before Mainline: of two commits the one with the smaller came first.
	Place int
	// Boundary says that this clone has no history before the commit: Changes list what was there, not what it changed.
	Boundary bool
	Changes  []Change // by path
}

// Change is a file that a commit changed. An empty id means that the file is not there.
type Change struct {
	Path     string
	Old, New string // ids for Repo.Blob
}

// History gives the commits that changed something under the paths, each after all commits that follow it, newest first.
//
// A merge is given only for files that differ from every one of its parents, which are those its author made up while merging. A
// file that equals a parent's was brought by that parent's side, and the commits of that side are given themselves: nothing is left
// out as git log's simplification would. A merge that takes one side whole and drops the other's change is therefore not given.
//
// The sequence ends after an error: ErrMissingObject where a partial clone lacks a commit or folder, ErrNoFile when From names
// nothing. A repository without commits gives none.
func (r *Repo) History(ctx context.Context, o HistoryOptions) iter.Seq2[Commit, error] {
	return func(yield func(Commit, error) bool) {
		w := &walk{ctx: ctx, store: r.layout.archive(), paths: o.Paths, nodes: map[plumbing.Hash]*node{}, roots: map[plumbing.Hash][]entry{}}
		defer func() { _ = w.store.Close() }()
		tip, err := r.resolve(o.From)
		if err == nil && tip.IsZero() && o.From != "" {
			err = fmt.Errorf("%w: no commit %s", ErrNoFile, o.From)
		}
		if err == nil && !tip.IsZero() {
			err = w.load(tip)
		}
		if err != nil {
			yield(Commit{}, err)
			return
		}
		if o.Reached != nil {
			for id := range w.nodes {
				o.Reached(id.String())
			}
		}
		for n := range w.newestFirst() {
			if err := ctx.Err(); err != nil {
				yield(Commit{}, err)
				return
			}
			if n.outside(o.Since, o.Until) {
				continue
			}
			changes, err := w.changes(n)
			if err != nil {
				yield(Commit{}, err)
				return
			}
			if len(changes) == 0 {
				continue
			}
			c, err := r.describe(w, n, changes)
			if !yield(c, err) || err != nil {
				return
			}
		}
	}
}

// Describe gives one commit without its changes: the merge that Commit.Mainline names, or the commit that state says it was applied
// from.
func (r *Repo) Describe(id string) (Commit, error) { return describe(r.store, id) }

func describe(s source, id string) (Commit, error) {
	h, ok := parseID(id)
	if !ok {
		return Commit{}, fmt.Errorf("read git commit: %q is no object id", id)
	}
	raw, err := readCommit(s, h)
	if err != nil {
		return Commit{}, err
	}
	return raw.commit(h), nil
}

func (r *Repo) describe(w *walk, n *node, changes []Change) (Commit, error) {
	raw, err := readCommit(w.store, n.id)
	if err != nil {
		return Commit{}, err
	}
	c := raw.commit(n.id)
	c.Mainline, c.Place, c.Boundary, c.Changes = n.mainline.id.String(), n.mainline.place, n.boundary, changes
	return c, nil
}

func (c *rawCommit) commit(id plumbing.Hash) Commit {
	message := strings.ToValidUTF8(string(c.message), "\uFFFD")
	out := Commit{ID: id.String(), Author: parsePerson(c.author), Committer: parsePerson(c.committer), Message: message,
		Trailers: trailersOf(message), Signature: c.signature, Payload: c.payload}
	for _, p := range c.parents {
		out.Parents = append(out.Parents, p.String())
	}
	return out
}

// Subject gives the first line of the message.
func (c Commit) Subject() string {
	line, _, _ := strings.Cut(c.Message, "\n")
	return strings.TrimSpace(line)
}
