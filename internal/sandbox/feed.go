package sandbox

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The feed of status changes (API facts, section 8.4).

// change is the last move of an order. It is noted when a call first sees it.
type change struct {
	Status string    `json:"status"`
	At     time.Time `json:"at"`
}

// noteChanges compares every order with what was noted of it.
func (a *account) noteChanges(now time.Time) {
	if a.Changes == nil {
		a.Changes = map[int]change{}
	}
	for _, o := range a.Orders {
		if a.Changes[o.ID].Status != o.Status {
			a.Changes[o.ID] = change{o.Status, now}
		}
	}
}

const maxWindow = 7 * 24 * time.Hour

// mountain is the zone of filters[status_last_updated]: MDT, all year round
// (assumed).
var mountain = time.FixedZone("MDT", -6*60*60)

func (c *call) listStatusChanges() reply {
	from, to, bad := c.window()
	if bad != nil {
		return *bad
	}
	var list []map[string]any
	for _, o := range c.orders() {
		if at := c.acct.Changes[o.ID].At; at.Before(from) || at.After(to) {
			continue
		}
		item := map[string]any{"order_id": o.ID, "status": o.Status}
		if o.Certificate.ID != 0 {
			item["certificate_id"] = o.Certificate.ID
		}
		list = append(list, item)
	}
	if len(list) == 0 {
		return ok(map[string]any{})
	}
	return ok(map[string]any{"orders": list})
}

// window reads minutes, seconds or the filter, of which one is needed.
func (c *call) window() (from, to time.Time, bad *reply) {
	to = c.now()
	refuse := func(code, format string, args ...any) (time.Time, time.Time, *reply) {
		out := fail(http.StatusBadRequest, code, format, args...)
		return from, to, &out
	}
	for name, unit := range map[string]time.Duration{"minutes": time.Minute, "seconds": time.Second} {
		text := c.query.Get(name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return refuse("invalid_value:"+name, "%s must be a number", name)
		}
		if n > int(maxWindow/unit) {
			return refuse("time_frame_too_long", "At most seven days can be asked for")
		}
		return to.Add(-time.Duration(n) * unit), to, nil
	}
	text := c.query.Get("filters[status_last_updated]")
	if text == "" {
		return refuse("required_param:minutes", "Give minutes, seconds or filters[status_last_updated]")
	}
	first, last, isRange := strings.Cut(text, "...")
	a, okA := inZone(first)
	b, okB := inZone(last)
	if !isRange || !okA || !okB || b.Before(a) {
		return refuse("invalid_value:filters[status_last_updated]", "Give a range of times, A...B")
	}
	if b.Sub(a) > maxWindow {
		return refuse("time_frame_too_long", "At most seven days can be asked for")
	}
	return a, b, nil
}

// inZone reads a time as written in Mountain time.
func inZone(text string) (time.Time, bool) {
	t, ok := moment(text)
	if !ok {
		return t, false
	}
	t = t.UTC()
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, mountain), true
}
