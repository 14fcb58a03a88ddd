// Package kinds joins the kinds of objects to the account: for each kind one folder, for each call one file. It makes of the
// certcentral client one Remote that reconcile can work through.
//
// What a field is called, where the API shows it and how it is sent comes from the tables, by resource.Encode and resource.Decode;
// here stands only what no table says: which endpoint, which method, what a status means.
package kinds

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dcsync/internal/certcentral"
	"dcsync/internal/kinds/order"
	"dcsync/internal/kinds/organization"
	"dcsync/internal/resource"
	"dcsync/internal/secret"
)

// Kind is what every kind with an object in the API can do.
type Kind interface {
	Name() string
	List(ctx context.Context) (*certcentral.Listing, []*resource.Live, error)
	Read(ctx context.Context, id string, want []resource.Path) (*resource.Live, error)
	Create(ctx context.Context, d *resource.Descriptor, body resource.Map) (id, parent string, requests []resource.Request, err error)
	// Change makes one in-place change. method is the Change column's; live is nil for what was created a moment ago.
	Change(ctx context.Context, method, id string, desired resource.Map, live *resource.Live, fields []resource.FieldChange) error
}

// Nonced is a kind whose objects carry an idempotency key.
type Nonced interface {
	Kind
	Lookup(ctx context.Context, nonce string) ([]string, error)
	Recent(ctx context.Context, product string, since time.Time) ([]*resource.Live, error)
}

// Noted is a kind whose objects carry notes.
type Noted interface {
	Kind
	AddNote(ctx context.Context, id, text string) (string, error)
	DeleteNote(ctx context.Context, id, note string) error
}

// Certified is a kind whose objects have certificates that can be reissued and revoked.
type Certified interface {
	Kind
	Reissue(ctx context.Context, id string, body resource.Map) ([]resource.Request, error)
	End(ctx context.Context, e resource.Ending) (requested bool, err error)
}

// All gives every kind that has an object in the API, in the order they depend on each other. container is the only one whose objects
// are listed, 0 for all.
func All(c *certcentral.Client, container int64) []Kind {
	return []Kind{organization.New(c, container), order.New(c, container)}
}

// Names gives the names of all kinds that have an object in the API.
func Names() []string {
	var out []string
	for _, k := range All(nil, 0) {
		out = append(out, k.Name())
	}
	return out
}

// Resolver gives the secret that a reference stands for. It is called only while a request is made.
type Resolver func(resource.SecretRef) (secret.String, error)

// Remote is the account as the floors above see it. It is safe for concurrent use.
type Remote struct {
	client  *certcentral.Client
	resolve Resolver
	kinds   map[string]Kind
}

// New makes a Remote of a client. container is the only one whose objects are listed, 0 for all that the key sees.
func New(c *certcentral.Client, resolve Resolver, container int64) *Remote {
	r := &Remote{client: c, resolve: resolve, kinds: map[string]Kind{}}
	for _, k := range All(c, container) {
		r.kinds[k.Name()] = k
	}
	return r
}

// Guard has every further request that creates or changes something pass a check right before it is sent; what it refuses is an
// error that is resource.ErrNotSent. Set it before the Remote is used at the same time.
func (r *Remote) Guard(check func() error) { r.client.Guard(check) }

func (r *Remote) kind(name string) (Kind, error) {
	k, ok := r.kinds[name]
	if !ok {
		return nil, fmt.Errorf("kind %s has no object in the account", name)
	}
	return k, nil
}

var errUnsupported = errors.New("this kind has no such call")
