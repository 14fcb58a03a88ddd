package render

import (
	"cmp"
	"slices"
	"time"
)

// pageMonth is one month of the calendar. The first one has no name when it stands for what is overdue.
type pageMonth struct {
	Month   time.Time
	Overdue bool
	Renews  []pageDate
	Ends    []pageDate
}

// pageDate is something that falls due on a day.
type pageDate struct {
	At      time.Time
	Life    *pageLife
	What    string // of what ends: "certificate" or "order"
	Forever bool   // it ends and nothing is to renew it
}

// ahead is for how many months the calendar has a line even when nothing falls due.
const ahead = 12

// calendar gives what renews and ends by month, of the orders their addresses own now: first what is overdue, then from the month of
// the audit on.
func calendar(lives []pageLife, at time.Time) []pageMonth {
	overdue := pageMonth{Overdue: true}
	months := map[time.Time]*pageMonth{}
	found := false
	month := func(t time.Time) *pageMonth {
		found = true
		if t.Before(at) {
			return &overdue
		}
		m := months[monthOf(t)]
		if m == nil {
			m = &pageMonth{Month: monthOf(t)}
			months[m.Month] = m
		}
		return m
	}
	for i := range lives {
		l := &lives[i]
		if !l.Current || !l.Ended.IsZero() || l.EndedAs != "" {
			continue
		}
		if !l.Renews.IsZero() {
			m := month(l.Renews)
			m.Renews = append(m.Renews, pageDate{At: l.Renews, Life: l})
		}
		if !l.ValidTill.IsZero() {
			m := month(l.ValidTill)
			m.Ends = append(m.Ends, pageDate{At: l.ValidTill, Life: l, What: "certificate", Forever: l.Renews.IsZero()})
		}
		if l.OrderApart {
			m := month(l.OrderTill)
			m.Ends = append(m.Ends, pageDate{At: l.OrderTill, Life: l, What: "order"})
		}
	}
	if !found {
		return nil
	}
	for n := range ahead {
		if m := monthOf(at).AddDate(0, n, 0); months[m] == nil {
			months[m] = &pageMonth{Month: m}
		}
	}
	out := make([]pageMonth, 0, len(months)+1)
	for _, m := range months {
		out = append(out, *m)
	}
	slices.SortFunc(out, func(a, b pageMonth) int { return a.Month.Compare(b.Month) })
	if len(overdue.Renews)+len(overdue.Ends) > 0 {
		out = slices.Insert(out, 0, overdue)
	}
	for _, m := range out {
		byDay(m.Renews)
		byDay(m.Ends)
	}
	return out
}

func byDay(list []pageDate) {
	slices.SortStableFunc(list, func(a, b pageDate) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Life.N, b.Life.N)) })
}
