package reconcile

import (
	"context"
	"errors"
	"time"

	"dcsync/internal/resource"
	"dcsync/state"
)

// Ambiguous is implemented by errors of a write whose outcome is unknown: it may or may not have taken effect.
type Ambiguous interface {
	error
	Ambiguous() bool
}

// Remote is the account: reads and the calls that change it. Implementations send at most what each method says, so that a
// forecast of requests can be exact.
type Remote interface {
	// List gives every object of a kind that the key sees.
	List(ctx context.Context, kind string) (*resource.Listing, error)
	// Recent gives the objects of a kind and product created at or after an instant, at ListDepth.
	Recent(ctx context.Context, kind, product string, since time.Time) ([]*resource.Live, error)
	// Read gives one object at InfoDepth, or resource.ErrNotFound. want are the managed paths: a second request is sent only where the
	// first answer cannot show one of them.
	Read(ctx context.Context, kind, id string, want []resource.Path) (*resource.Live, error)
	// Lookup gives the ids of the objects that carry a nonce.
	Lookup(ctx context.Context, kind, nonce string) ([]string, error)
	// Create sends the creating request, once. spec has no Ref left; secrets are resolved while the request is made.
	Create(ctx context.Context, d *resource.Descriptor, spec resource.Map) (*resource.Created, error)
	// Change makes one in-place change of the fields that share a method.
	Change(ctx context.Context, call resource.Call) error
	// Reissue asks for another certificate of what spec holds, once.
	Reissue(ctx context.Context, d *resource.Descriptor, id string, spec resource.Map) ([]resource.Request, error)
	// End makes one call that ends something, once. requested tells that it was only asked for and waits for approval.
	End(ctx context.Context, e resource.Ending) (requested bool, err error)
	// AddNote posts a note and gives its id.
	AddNote(ctx context.Context, kind, id, text string) (string, error)
	// DeleteNote removes a note; one that is gone already is no error.
	DeleteNote(ctx context.Context, kind, id, note string) error
}

// Store keeps the state while an apply runs. Update returns when the mutation is durable.
type Store interface {
	Snapshot() *state.File
	Update(ctx context.Context, mutate func(*state.File)) error
}

// Key names one live object.
type Key struct {
	Kind string
	ID   string
}

// Account is what was read of the live account.
type Account struct {
	ID          int64
	APIURL      string
	User        state.User
	Limited     bool  // the user sees only its own orders
	ContainerID int64 // the key's own container
	Lists       map[string]*resource.Listing
	Infos       map[Key]*resource.Live
	Carriers    map[Key][]string // by kind and nonce: the ids of what carries it, where that was looked up
	Absent      map[Key]bool     // a single read answered resource.ErrNotFound
	Unread      map[Key]string   // a single read failed, and why
	byKey       map[Key]*resource.Live
}

// Fetch reads what the account shows of the project's kinds, and then, round by round, each single object that Needs asks for.
// Single reads that fail are kept as unread; a listing that fails is an error.
func (a *Account) Fetch(ctx context.Context, r Remote, kinds []string, in Input) error {
	a.Lists, a.Infos, a.Absent, a.Unread = map[string]*resource.Listing{}, map[Key]*resource.Live{}, map[Key]bool{}, map[Key]string{}
	a.Carriers = map[Key][]string{}
	for _, kind := range kinds {
		l, err := r.List(ctx, kind)
		if err != nil {
			return err
		}
		a.Lists[kind] = l
	}
	in.Live = a
	for reads := Needs(in); len(reads) > 0; reads = Needs(in) {
		for _, n := range reads {
			if err := ctx.Err(); err != nil {
				return err
			}
			a.read(ctx, r, n)
		}
	}
	return ctx.Err()
}

func (a *Account) read(ctx context.Context, r Remote, n Read) {
	if n.Carriers {
		ids, err := r.Lookup(ctx, n.Kind, n.ID)
		if err != nil {
			a.Unread[n.Key] = err.Error()
			return
		}
		a.Carriers[n.Key] = ids
		return
	}
	live, err := r.Read(ctx, n.Kind, n.ID, n.Want)
	switch {
	case errors.Is(err, resource.ErrNotFound):
		a.Absent[n.Key] = true
	case err != nil:
		a.Unread[n.Key] = err.Error()
	default:
		a.Infos[n.Key] = live
	}
}

// listed gives the list item of an object, nil when the listing does not hold it.
func (a *Account) listed(k Key) *resource.Live {
	a.index()
	return a.byKey[k]
}

// index makes the listings searchable by id. It is called before an Account is shared between goroutines.
func (a *Account) index() {
	if a.byKey != nil {
		return
	}
	a.byKey = map[Key]*resource.Live{}
	for kind, l := range a.Lists {
		for _, o := range l.Objects {
			a.byKey[Key{kind, o.ID}] = o
		}
	}
}

// deepest gives the deepest version of an object that was read, nil when there is none.
func (a *Account) deepest(k Key) *resource.Live {
	if l := a.Infos[k]; l != nil {
		return l
	}
	return a.listed(k)
}

// unread says why nothing is known of an object that should be there, "" when something is: its read failed, or the listing shows
// it and its own page does not.
func (a *Account) unread(k Key) string {
	if why := a.Unread[k]; why != "" {
		return why
	}
	if a.Absent[k] && a.listed(k) != nil {
		return "the listing shows it, but reading it answers that it is not there"
	}
	return ""
}

func (a *Account) tried(k Key) bool {
	_, unread := a.Unread[k]
	_, looked := a.Carriers[k]
	return a.Infos[k] != nil || a.Absent[k] || unread || looked
}
