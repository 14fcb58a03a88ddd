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
	"slices"
	"strings"
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
	// What a seed may bring beside them: several containers, the users' own API
	// keys, domains, further certificates, custom order fields, product limits.
	Containers    []containerRef `json:"containers,omitempty"`
	Keys          []*apiKey      `json:"api_keys,omitempty"`
	Domains       []*domain      `json:"domains,omitempty"`
	Certificates  []*issued      `json:"certificates,omitempty"`
	Metadata      []metadata     `json:"metadata,omitempty"`
	ProductLimits []productLimit `json:"product_limits,omitempty"`

	ClockOffset time.Duration  `json:"clock_offset,omitempty"`
	Changes     map[int]change `json:"changes,omitempty"`
	// LastID keeps ids from being used twice, by what they count.
	LastID map[string]int `json:"last_id,omitempty"`

	authorities map[string]*authority
}

// firstIDs are where the counters start. They differ so that a mixed-up id is
// found at once.
var firstIDs = map[string]int{
	"organization": 70010, "order": 880000, "certificate": 990000,
	"request": 4400, "note": 3300, "contact": 500,
	"domain": 50000, "key": 7700, "user": 9100, "metadata": 100,
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
		return inWords(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON document")
	}
	return nil
}

// inWords says what is wrong with a JSON document without naming Go's types.
func inWords(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the JSON document is empty or cut off")
	case errors.As(err, &syntax):
		return fmt.Errorf("not JSON at byte %d", syntax.Offset)
	case errors.As(err, &kind) && kind.Field != "":
		return fmt.Errorf("%s cannot be a JSON %s", kind.Field, kind.Value)
	case errors.As(err, &kind):
		return fmt.Errorf("a JSON %s stands where something else belongs", kind.Value)
	}
	return errors.New(strings.TrimPrefix(err.Error(), "json: ")) // an unknown field
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
