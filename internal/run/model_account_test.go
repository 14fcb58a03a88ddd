package run_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"
)

// The account as the model sees it, and what people and time do there.

type snapshot struct {
	Organizations []modelSeenOrg
	Orders        []*modelSeen
	Certificates  []modelSeenCertificate
	byID          map[int]*modelSeen
}

type modelSeenOrg struct {
	ID                  int
	Name                string
	IsActive            bool          `json:"is_active"`
	OrganizationContact *modelContact `json:"organization_contact"`
	TechnicalContact    *modelContact `json:"technical_contact"`
	Validations         []struct{ Type, Status string }
}

type modelContact struct {
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Email     string `json:"email"`
	JobTitle  string `json:"job_title,omitempty"`
}

type modelSeenCertificate struct {
	OrderID      int    `json:"order_id"`
	SerialNumber string `json:"serial_number"`
	Status       string
}

// modelSeen is one order of the account.
type modelSeen struct {
	ID                   int
	Status               string
	Nonce                string              `json:"alternative_order_id"`
	RenewalOf            int                 `json:"renewal_of_order_id"`
	IsRenewed            bool                `json:"is_renewed"`
	OrderValidTill       string              `json:"order_valid_till"`
	Reissues             int                 `json:"reissues_count"`
	AutoRenew            int                 `json:"auto_renew"`
	AdditionalEmails     []string            `json:"additional_emails"`
	CustomRenewalMessage string              `json:"custom_renewal_message"`
	NoticesOff           bool                `json:"disable_renewal_notifications"`
	OrganizationContact  *modelContact       `json:"organization_contact"`
	OrderValidity        struct{ Years int } `json:"order_validity"`
	Certificate          struct {
		SerialNumber string   `json:"serial_number"`
		CSR          string   `json:"csr"`
		DNSNames     []string `json:"dns_names"`
		ValidFrom    string   `json:"valid_from"`
		ValidTill    string   `json:"valid_till"`
	}
	Product struct {
		Name string `json:"name_id"`
	}
	Organization json.RawMessage
	Requests     []struct{ Type, Status, Comments string }
	Notes        []struct {
		ID   int
		Text string
		User json.RawMessage
	}
	CustomFields []struct {
		ID    int `json:"metadata_id"`
		Value string
	} `json:"custom_fields"`

	of                   *modelOrder // whose it is
	generation, sequence int
}

var endedStatuses = []string{"rejected", "canceled", "revoked", "expired"}

func (s *modelSeen) over() bool      { return slices.Contains(endedStatuses, s.Status) }
func (s *modelSeen) issued() bool    { return s.Status == "issued" }
func (s *modelSeen) reissuing() bool { return s.Status == "reissue_pending" }

// outlived tells whether the order's last day has passed while a reissue of it is under way, which its status does not say.
func (s *modelSeen) outlived(now time.Time) bool {
	return s.reissuing() && max(s.OrderValidTill, s.Certificate.ValidTill) < now.UTC().Format(time.DateOnly)
}

// fits gives how the order can be ended as it stands.
func (s *modelSeen) fits() string {
	switch s.Status {
	case "pending", "waiting_pickup":
		return "cancel"
	case "needs_approval":
		return "withdraw"
	}
	return "revoke"
}

// asked is how many other certificates were ever asked for.
func (s *modelSeen) asked() int {
	if s.reissuing() {
		return s.Reissues + 1
	}
	return s.Reissues
}

// waits tells whether a request of a type waits for somebody's approval.
func (s *modelSeen) waits(typ string) bool {
	for _, r := range s.Requests {
		if r.Type == typ && (r.Status == "pending" || r.Status == "submitted") {
			return true
		}
	}
	return false
}

// seenAt is what the account depends on.
type seenAt struct {
	changes int
	now     time.Time
}

// rejected tells whether people said no to a revocation that was asked for in certain words.
func (s *modelSeen) rejected(comments string) bool {
	for _, r := range s.Requests {
		if r.Type == "revoke" && r.Status == "rejected" && r.Comments == comments {
			return true
		}
	}
	return false
}

// stood tells whether an order counts as one that another came after: not where it ended without a certificate before that.
func (s *snapshot) stood(order *modelSeen) bool {
	return order.Status != "rejected" && order.Status != "canceled" || slices.ContainsFunc(s.orders(order.of), func(next *modelSeen) bool {
		return next.generation == order.generation && next.after(order)
	})
}

// look gives the account as it is now. Each order is known by its nonce; one that no manifest ever stood for, or two of one nonce, fail.
func (m *model) look(t *rapid.T) *snapshot {
	at := seenAt{m.w.wire.(*direct).changes, m.w.clock.Now()}
	if m.seen != nil && at == m.seenAt {
		return m.seen
	}
	s := &snapshot{byID: map[int]*modelSeen{}}
	if err := json.Unmarshal(m.w.controlled("GET", "/dump", nil), s); err != nil {
		t.Fatalf("decode dump: %v", err)
	}
	twins := map[string]*modelSeen{}
	for _, order := range s.Orders {
		if twin := twins[order.Nonce]; twin != nil {
			t.Fatalf("two orders for one intent: %d and %d", twin.ID, order.ID)
		}
		twins[order.Nonce] = order
		s.byID[order.ID] = order
	}
	for _, o := range m.orders {
		for g := 1; g <= o.generation; g++ {
			for n := 0; ; n++ {
				order := twins[o.nonce(g, n)]
				if order == nil {
					break
				}
				order.of, order.generation, order.sequence = o, g, n
			}
		}
	}
	for _, order := range s.Orders {
		if order.of == nil {
			t.Fatalf("nobody asked for order %d, a %s", order.ID, order.Product.Name)
		}
	}
	m.seen, m.seenAt = s, at
	return s
}

// orders gives the orders of one intent, oldest first.
func (s *snapshot) orders(o *modelOrder) []*modelSeen {
	var out []*modelSeen
	for _, order := range s.Orders {
		if order.of == o {
			out = append(out, order)
		}
	}
	return out
}

// last gives the newest order of an intent, nil for none.
func (s *snapshot) last(o *modelOrder) *modelSeen {
	var out *modelSeen
	for _, order := range s.orders(o) {
		if out == nil || order.after(out) {
			out = order
		}
	}
	return out
}

// after tells whether an order of a manifest follows another one of it.
func (s *modelSeen) after(other *modelSeen) bool {
	return s.generation > other.generation || s.generation == other.generation && s.sequence > other.sequence
}

func (s *snapshot) organization(legal string) *modelSeenOrg {
	for i := range s.Organizations {
		if s.Organizations[i].Name == legal+" Works" {
			return &s.Organizations[i]
		}
	}
	return nil
}

func pick[T any](t *rapid.T, what string, list []T) T {
	if len(list) == 0 {
		t.Skip("no " + what)
	}
	return list[rapid.IntRange(0, len(list)-1).Draw(t, what)]
}

// standing gives the orders in the account that pass a test.
func (m *model) standing(t *rapid.T, keep func(*modelSeen) bool) []*modelSeen {
	var out []*modelSeen
	for _, order := range m.look(t).Orders {
		if keep(order) {
			out = append(out, order)
		}
	}
	return out
}

func (m *model) drift(t *rapid.T) {
	order := pick(t, "order in the account", m.standing(t, func(*modelSeen) bool { return true }))
	id := fmt.Sprint(order.ID)
	switch rapid.SampledFrom([]string{"emails", "notes", "their note", "message", "notices", "field", "auto renew", "organization"}).Draw(t, "drift") {
	case "emails":
		m.w.patch("order", id, map[string]any{"additional_emails": []string{"else@example.com"}})
	case "notes": // ours go, theirs stay
		notes := []any{}
		for _, n := range order.Notes {
			if strings.HasPrefix(n.Text, "their") {
				notes = append(notes, map[string]any{"id": n.ID, "date_created": "", "text": n.Text, "user": n.User})
			}
		}
		m.w.patch("order", id, map[string]any{"notes": notes})
	case "their note":
		m.counter++
		text := fmt.Sprintf("their note %d", m.counter)
		notes := []any{map[string]any{"id": 0, "date_created": "", "text": text, "user": map[string]any{"id": 9002, "first_name": "Sam", "last_name": "Standard"}}}
		for _, n := range order.Notes {
			notes = append(notes, map[string]any{"id": n.ID, "date_created": "", "text": n.Text, "user": n.User})
		}
		m.w.patch("order", id, map[string]any{"notes": notes})
		m.theirs[text] = order.ID
	case "message":
		m.w.patch("order", id, map[string]any{"custom_renewal_message": "theirs"})
	case "notices":
		m.w.patch("order", id, map[string]any{"disable_renewal_notifications": !order.NoticesOff})
	case "field":
		m.w.patch("order", id, map[string]any{"custom_fields": []any{map[string]any{"metadata_id": 12, "label": "Cost center", "value": "drifted"},
			map[string]any{"metadata_id": 13, "label": "Team", "value": "theirs"}}})
	case "auto renew":
		m.w.patch("order", id, map[string]any{"auto_renew": 1 - order.AutoRenew})
	case "organization": // switched off, where a manifest says that it is to be on
		for _, org := range m.orgs {
			if seen := m.look(t).organization(org.legal); org.present && org.status == "active" && seen != nil && org.legal == order.of.org {
				m.w.patch("organization", fmt.Sprint(seen.ID), map[string]any{"status": "inactive"})
				m.off[seen.ID] = true
			}
		}
	}
}

// end is what people end by themselves.
func (m *model) end(t *rapid.T) {
	order := pick(t, "order in the account", m.standing(t, func(s *modelSeen) bool { return !s.over() }))
	what := "reject"
	switch {
	case order.issued():
		what = rapid.SampledFrom([]string{"revoke", "expire"}).Draw(t, "end")
	case order.reissuing():
		m.refused[order.ID] = true
	}
	m.w.do(fmt.Sprint(order.ID), what)
	m.ended[order.ID] = true
}

// approve decides all that waits for approval of one order.
func (m *model) approve(t *rapid.T) {
	order := pick(t, "order that waits for approval", m.standing(t, func(s *modelSeen) bool {
		return s.waits("new_request") || s.waits("reissue") || s.waits("revoke")
	}))
	m.w.do(fmt.Sprint(order.ID), "approve")
}

// refuse says no to the revocation of an order.
func (m *model) refuse(t *rapid.T) {
	order := pick(t, "order to be revoked", m.standing(t, func(s *modelSeen) bool { return s.issued() && s.waits("revoke") }))
	m.w.do(fmt.Sprint(order.ID), "reject")
}

// pickUp makes the key of a client certificate in a browser.
func (m *model) pickUp(t *rapid.T) {
	order := pick(t, "order to be picked up", m.standing(t, func(s *modelSeen) bool { return s.Status == "waiting_pickup" }))
	m.w.do(fmt.Sprint(order.ID), "issue")
}

func (m *model) pass(d time.Duration) { _ = m.w.clock.Sleep(context.Background(), d) }

func (m *model) advance(t *rapid.T) {
	const day = 24 * time.Hour
	m.pass(rapid.SampledFrom([]time.Duration{time.Minute, day, 4 * day, 40 * day, 150 * day}).Draw(t, "time"))
}

// advanceToWindow goes to a moment near the one at which an order is to be renewed or reissued.
func (m *model) advanceToWindow(t *rapid.T) {
	var ahead []time.Time
	for _, name := range slices.Sorted(maps.Keys(m.orders)) {
		o := m.orders[name]
		if last := m.look(t).last(o); o.present && o.renew != "" && last != nil && last.issued() {
			if due := last.due(o.renew, m.w.clock.Now()); due.earliest.After(m.w.clock.Now()) {
				ahead = append(ahead, due.earliest, due.latest)
			}
		}
	}
	at := pick(t, "window", ahead)
	before := rapid.SampledFrom([]time.Duration{time.Hour, 0, -time.Hour}).Draw(t, "before")
	if d := at.Add(-before).Sub(m.w.clock.Now()); d > 0 {
		m.pass(d)
	}
}
