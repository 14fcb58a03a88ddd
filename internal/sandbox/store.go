package sandbox

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// account is everything the sandbox remembers. Its JSON is the data file; the
// four lists alone, without bookkeeping, are the dump, and a seed file is read
// as the same shape. Lists are sorted by id.
type account struct {
	Organizations []*organization `json:"organizations"`
	Orders        []*order        `json:"orders"`
	Users         []*user         `json:"users"`
	Requests      []*request      `json:"requests"`
	// Metadata are the custom order fields; a seed may bring its own.
	Metadata    []metadata    `json:"metadata,omitempty"`
	ClockOffset time.Duration `json:"clock_offset,omitempty"`
	// LastID keeps ids from being used twice, by what they count.
	LastID map[string]int `json:"last_id,omitempty"`
}

// firstIDs are where the counters start. They differ so that a mixed-up id is
// found at once.
var firstIDs = map[string]int{
	"organization": 70010, "order": 880000, "certificate": 990000,
	"request": 4400, "note": 3300, "contact": 500,
}

func (a *account) nextID(what string) int {
	a.LastID[what]++
	return a.LastID[what]
}

func (a *account) organization(id int) *organization {
	return byID(a.Organizations, id, func(o *organization) int { return o.ID })
}

func (a *account) order(id int) *order {
	return byID(a.Orders, id, func(o *order) int { return o.ID })
}

func (a *account) request(id int) *request {
	return byID(a.Requests, id, func(r *request) int { return r.ID })
}

func (a *account) user(id int) *user {
	// Users are in the order of the seed: the first owns the keys.
	i := slices.IndexFunc(a.Users, func(u *user) bool { return u.ID == id })
	if i < 0 {
		return nil
	}
	return a.Users[i]
}

func byID[T any](list []*T, id int, key func(*T) int) *T {
	i, found := slices.BinarySearchFunc(list, id, func(e *T, id int) int { return cmp.Compare(key(e), id) })
	if !found {
		return nil
	}
	return list[i]
}

// requestsOf returns an order's requests, oldest first.
func (a *account) requestsOf(orderID int) []*request {
	var list []*request
	for _, r := range a.Requests {
		if r.Order.ID == orderID {
			list = append(list, r)
		}
	}
	return list
}

// openAccount reads the data file, or the seed when there is no data yet.
func openAccount(opts Options) (*account, error) {
	if opts.Data != "" {
		text, err := os.ReadFile(opts.Data)
		if err == nil {
			a, err := decodeAccount(text)
			if err != nil {
				return nil, fmt.Errorf("read data %s: %w", opts.Data, err)
			}
			return a, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read data: %w", err)
		}
	}
	switch opts.Seed {
	case "":
		return emptyAccount(), nil
	case "demo":
		return demoAccount(opts.Now()), nil
	}
	text, err := os.ReadFile(opts.Seed)
	if err != nil {
		return nil, fmt.Errorf("read seed: %w", err)
	}
	a, err := decodeAccount(text)
	if err != nil {
		return nil, fmt.Errorf("read seed %s: %w", opts.Seed, err)
	}
	return a, nil
}

func decodeAccount(text []byte) (*account, error) {
	a := &account{}
	if err := strictDecode(text, a); err != nil {
		return nil, err
	}
	return a, a.mend()
}

func strictDecode(text []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON document")
	}
	return nil
}

// mend completes an account that was written by hand and refuses one that
// cannot be: sorts by id, moves requests out of orders, sets the counters.
func (a *account) mend() error {
	if slices.Contains(a.Organizations, nil) || slices.Contains(a.Orders, nil) ||
		slices.Contains(a.Users, nil) || slices.Contains(a.Requests, nil) {
		return errors.New("null stands where an object belongs")
	}
	if len(a.Users) == 0 {
		a.Users = emptyAccount().Users
	}
	if a.Metadata == nil {
		a.Metadata = defaultMetadata()
	}
	for _, o := range a.Orders {
		for _, ref := range o.Requests {
			if !slices.ContainsFunc(a.Requests, func(r *request) bool { return r.ID == ref.ID }) {
				a.Requests = append(a.Requests, &request{requestRef: ref, Requester: o.User, Order: orderID{o.ID}})
			}
		}
		o.Requests = nil
		if o.Container.ID == 0 {
			o.Container = orderContainer{rootContainer.ID, rootContainer.Name, true}
		}
		if p := findProduct(o.Product.NameID); p != nil && o.Product.Name == "" {
			o.Product = p.onOrder()
		}
	}
	for _, o := range a.Organizations {
		if o.Container.ID == 0 {
			o.Container = rootContainer
		}
		if o.DisplayName == "" {
			o.DisplayName = displayName(o.Name, o.AssumedName)
		}
		for i, v := range o.Validations {
			if v.Name == "" {
				full := newValidation(v.Type)
				o.Validations[i].Name, o.Validations[i].Description = full.Name, full.Description
			}
		}
	}
	slices.SortFunc(a.Organizations, func(x, y *organization) int { return cmp.Compare(x.ID, y.ID) })
	slices.SortFunc(a.Orders, func(x, y *order) int { return cmp.Compare(x.ID, y.ID) })
	slices.SortFunc(a.Requests, func(x, y *request) int { return cmp.Compare(x.ID, y.ID) })
	if a.LastID == nil {
		a.LastID = map[string]int{}
	}
	for what, first := range firstIDs {
		a.LastID[what] = max(a.LastID[what], first)
	}
	seen := func(what string, id int) { a.LastID[what] = max(a.LastID[what], id) }
	for i, o := range a.Organizations {
		seen("organization", o.ID)
		for _, c := range o.people() {
			seen("contact", c.ID)
		}
		if o.ID <= 0 || i > 0 && a.Organizations[i-1].ID == o.ID {
			return fmt.Errorf("organization id %d is missing or stands twice", o.ID)
		}
	}
	for i, o := range a.Orders {
		seen("order", o.ID)
		seen("certificate", o.Certificate.ID)
		for _, n := range o.Notes {
			seen("note", n.ID)
		}
		if o.ID <= 0 || i > 0 && a.Orders[i-1].ID == o.ID {
			return fmt.Errorf("order id %d is missing or stands twice", o.ID)
		}
	}
	for _, r := range a.Requests {
		seen("request", r.ID)
	}
	for _, o := range a.Orders {
		a.mendNotes(o)
	}
	return nil
}

// mendNotes gives every note an id and sorts them oldest first, as they are kept.
func (a *account) mendNotes(o *order) {
	for i := range o.Notes {
		if o.Notes[i].ID == 0 {
			o.Notes[i].ID = a.nextID("note")
		}
	}
	slices.SortFunc(o.Notes, func(x, y note) int { return cmp.Compare(x.ID, y.ID) })
}

// save writes the data file in one step: a reader, or a restart after a crash,
// finds the account before or after, never half of it. The caller holds mu.
func (s *Server) save() error {
	if s.opts.Data == "" {
		return nil
	}
	text, err := json.Marshal(s.acct)
	if err != nil {
		return fmt.Errorf("save data: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(s.opts.Data), "."+filepath.Base(s.opts.Data)+".*")
	if err != nil {
		return fmt.Errorf("save data: %w", err)
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), s.opts.Data)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("save data: %w", err)
	}
	return nil
}
