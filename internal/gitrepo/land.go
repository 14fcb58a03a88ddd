package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"dcsync/internal/step"
)

// Landing says what to commit and where (architecture, section 7).
type Landing struct {
	// Branch is the branch to commit to: its short name, or a reference's full name. "" is the branch that is checked out.
	Branch string
	// Apart says that the branch is not what is checked out and holds nothing but these files: index and HEAD stay as they are, and
	// a missing branch is begun.
	Apart bool
	// Base is the commit the files were read from, "" for HEAD (Apart: for none). What the branch has beyond it is merged.
	Base      string
	Files     []File
	Message   string // without trailers
	Trailers  []Trailer
	Author    Identity
	Committer Identity
	Signer    *Signer // nil: not signed
	Push      *Push   // nil: the commit stays in this clone
	Clock     Clock   // nil: the machine's
	Step      step.Hook
}

// Push says where the commit goes to.
type Push struct {
	Remote string
	Access Access
	// Lock is the lock the run holds on the same remote, nil for none. It is renewed in the same atomic push, so a run that lost it
	// lands nothing.
	Lock *Held
}

// File is one file to commit.
type File struct {
	Path    string // its name in the repository, with slashes
	Content []byte
	Merge   MergeFunc // nil: a file that the branch changed too is a *ConflictError
}

// MergeFunc puts this run's changes, those from base to ours, into the branch's version. base and tip are nil where the file does
// not exist.
type MergeFunc func(ours, base, tip []byte) ([]byte, error)

// Landed is what a landing did.
type Landed struct {
	Commit   string            // the new commit; with Nothing the one that holds the files already
	Ref      string            // full name of the branch
	Nothing  bool              // the branch held these files: no commit was made
	Attempts int               // pushes tried
	Files    map[string][]byte // content as it stands on the branch, by File.Path
	Followed bool              // HEAD is at Commit; when not, the checkout is behind the branch or on another one
	// Checkout is the content that the work tree is to have, by File.Path, nil for no file: Files where HEAD followed, else what HEAD's
	// own commit has. With Apart the work tree is nobody's business.
	Checkout map[string][]byte
}

// maxAttempts is how often a landing is tried when others land at the same time, maxPause how long it waits at most between two.
const (
	maxAttempts = 10
	maxPause    = time.Minute
)

// Land makes one commit of the given files and nothing else, on top of the branch: its tree is the parent's with these paths
// replaced. With Push, the remote's branch moves from the commit's parent to it or not at all; when somebody else was faster, the
// files are merged into what is there now and the push is tried again. Hooks do not run, and the work tree is not written: when
// Landed.Checkout differs from what the caller has there, the caller writes it.
//
// Errors: *ConflictError, *RejectedError, *UnsupportedError, ErrNoBranch, ErrNoRemote, ErrAuth, ErrLockLost, ErrNoAtomic, and
// ErrContended after the last attempt. With ErrFileLocked the commit has landed and the result is returned too.
func (r *Repo) Land(ctx context.Context, l Landing) (*Landed, error) {
	if l.Clock == nil {
		l.Clock = SystemClock()
	}
	w := &landing{Landing: l, repo: r, desk: r.desk()}
	defer w.desk.close()
	if err := w.prepare(); err != nil {
		return nil, err
	}
	if l.Push == nil {
		return w.local(ctx)
	}
	var err error
	if w.remote, err = r.layout.remote(l.Push.Remote, l.Push.Access); err != nil {
		return nil, err
	}
	return w.push(ctx)
}

// landing is a Landing at work.
type landing struct {
	Landing
	repo   *Repo
	desk   *desk
	remote *remote                // nil: no push
	ref    plumbing.ReferenceName // the branch
	base   plumbing.Hash          // tree of the base, zero for none
}

func (w *landing) prepare() error {
	var err error
	if w.ref, err = w.repo.target(w.Branch); err != nil {
		return err
	}
	for _, t := range w.Trailers {
		if t.Key == "" {
			return errors.New("write git commit: a trailer has no key")
		}
	}
	base := w.Base
	if base == "" && w.Apart {
		return nil
	}
	id, err := w.repo.resolve(base)
	if err != nil || id.IsZero() {
		return err
	}
	c, err := readCommit(w.repo.store, id)
	if err != nil {
		return fmt.Errorf("read the commit the files come from: %w", err)
	}
	w.base = c.tree
	return nil
}

// target gives the full name of a branch, the checked out one for "".
func (r *Repo) target(branch string) (plumbing.ReferenceName, error) {
	switch {
	case branch == "" && r.head.branch == "":
		return "", fmt.Errorf("%w: HEAD is detached and no branch is named", ErrNoBranch)
	case branch == "":
		return r.head.branch, nil
	}
	ref := plumbing.ReferenceName(branch)
	if len(branch) < 5 || branch[:5] != "refs/" {
		ref = plumbing.NewBranchReferenceName(branch)
	}
	if err := ref.Validate(); err != nil {
		return "", fmt.Errorf("%w: %q is no name for one", ErrNoBranch, branch)
	}
	return ref, nil
}

// local commits in this clone only.
func (w *landing) local(ctx context.Context) (*Landed, error) {
	parent, was := w.repo.head.commit, plumbing.ZeroHash
	if w.Apart {
		var err error
		if was, err = w.repo.localRef(w.ref); err != nil {
			return nil, err
		}
		if parent = was; parent.IsZero() && w.Base != "" {
			if parent, err = w.repo.resolve(w.Base); err != nil {
				return nil, err
			}
		}
	} else if w.repo.head.branch != "" && w.repo.head.branch != w.ref {
		return nil, fmt.Errorf("%w: %s is checked out, not %s", ErrNoBranch, w.repo.head.branch.Short(), w.ref.Short())
	}
	p, err := w.propose(ctx, parent)
	if err != nil {
		return nil, err
	}
	if err := w.keep(p, true); err != nil {
		return nil, err
	}
	done := w.result(p, 0)
	if w.Apart {
		if p.nothing {
			return done, nil
		}
		moved, err := w.repo.setRef(ctx, w.Clock, w.ref, was, p.commit, w.person(), "commit: "+w.Message)
		if err == nil && !moved {
			err = fmt.Errorf("commit to %s: another process moved it", w.ref.Short())
		}
		return done, err
	}
	if err := w.adopt(ctx, p, done); err != nil {
		return done, err
	}
	if !p.nothing && !done.Followed {
		return nil, fmt.Errorf("commit to %s: another process moved it", w.ref.Short())
	}
	return done, nil
}

// push lands on the remote.
func (w *landing) push(ctx context.Context) (*Landed, error) {
	for attempt := 1; ; attempt++ {
		begin := w.Clock.Elapsed()
		now, err := w.remote.tips(ctx)
		if err != nil {
			return nil, err
		}
		parent := now[w.ref]
		if parent.IsZero() && !w.Apart && !w.repo.head.commit.IsZero() {
			return nil, fmt.Errorf("%w: %s has no branch %s", ErrNoBranch, w.remote.name, w.ref.Short())
		}
		p, err := w.proposeOn(ctx, parent)
		if err == nil && !p.nothing {
			err = w.swap(ctx, p)
		}
		var moved *movedError
		switch {
		case err == nil:
			done := w.result(p, attempt)
			return done, w.follow(ctx, p, done)
		case !errors.As(err, &moved):
			return nil, err
		case attempt == maxAttempts:
			return nil, fmt.Errorf("push to %s: %w: %d times", w.ref.Short(), ErrContended, attempt)
		}
		if err := w.Clock.Sleep(ctx, jitter(spread(attempt, w.Clock.Elapsed()-begin))); err != nil {
			return nil, err
		}
	}
}

// spread bounds the pause after a lost attempt: ever wider, and in proportion to how long the attempt took. Of those who lost together,
// each round one more gets through.
func spread(attempt int, took time.Duration) time.Duration {
	return min(max(100*time.Millisecond, took/2)<<min(attempt, 7), maxPause)
}

// proposeOn proposes on the branch's tip, which is fetched when something of it is not here; the branch may have moved on by then. A
// clone may well hold a commit that nothing in it refers to, and not what that commit reaches.
func (w *landing) proposeOn(ctx context.Context, parent plumbing.Hash) (*proposal, error) {
	p, err := w.propose(ctx, parent)
	if !errors.Is(err, ErrMissingObject) {
		return p, err
	}
	if parent, err = w.desk.bring(ctx, w.repo, w.remote, w.ref); err != nil {
		return nil, err
	}
	if parent.IsZero() {
		return nil, &movedError{ref: w.ref}
	}
	return w.propose(ctx, parent)
}

// swap moves the remote's branch to the proposal, and the lock with it.
func (w *landing) swap(ctx context.Context, p *proposal) error {
	w.Step.At(BeforePush)
	defer w.Step.At(AfterPush)
	cmds := []command{{w.ref, p.parent, p.commit}}
	if w.Push.Lock == nil {
		return w.remote.swap(ctx, cmds, w.desk.fresh, p.made)
	}
	return w.Push.Lock.renewing(w.desk.fresh, func(lock command, ids []plumbing.Hash) error {
		return w.remote.swap(ctx, append(cmds, lock), w.desk.fresh, append(ids, p.made...))
	})
}

func (w *landing) result(p *proposal, attempts int) *Landed {
	return &Landed{Commit: shown(p.commit), Ref: string(w.ref), Nothing: p.nothing, Attempts: attempts, Files: p.contents, Checkout: p.contents}
}

func (w *landing) person() Person { return Person{w.Committer, w.Clock.Now()} }

// follow brings the clone up to what was pushed: objects, remote-tracking reference, and the checkout as adopt says. When others landed
// in between, what they landed is fetched first, so that git finds history whole at the next pull; without it the clone is only left as if
// nothing had landed.
func (w *landing) follow(ctx context.Context, p *proposal, done *Landed) error {
	known, err := w.repo.refersTo(p.parent)
	if err != nil {
		return err
	}
	known = known || p.parent.IsZero()
	fetched := false
	if !known && !w.Apart {
		if _, err := w.repo.Fetch(ctx, w.remote.name, string(w.ref), w.Push.Access); err == nil {
			fetched = w.repo.store.HasEncodedObject(p.commit) == nil
		}
	}
	if err := w.keep(p, known || fetched); err != nil {
		return err
	}
	if known {
		track := w.remote.tracking(w.ref)
		if err := w.repo.store.SetReference(plumbing.NewHashReference(track, p.commit)); err != nil {
			return fmt.Errorf("write git reference %s: %w", track, err)
		}
	}
	if w.Apart {
		return nil
	}
	return w.adopt(ctx, p, done)
}

// keep writes the proposal's objects into the clone: all of them, or the files' only.
func (w *landing) keep(p *proposal, all bool) error {
	var ids []plumbing.Hash
	if all {
		ids = p.made
	}
	for _, e := range p.entries {
		ids = append(ids, e.hash)
	}
	return w.desk.keep(ids)
}
