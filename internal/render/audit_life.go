package render

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"dcsync/internal/audit"
)

// pageLife is one certificate on the time line. N counts from 1 and names its anchor; places are percentages of the axis.
type pageLife struct {
	audit.Certificate
	N          int
	Kind       string
	Address    string
	CommonName string
	Product    string
	Status     string
	OrderID    string
	Serial     string
	EndedAs    string
	Bad        bool // it ended otherwise than by a successor
	Entries    []int
	More       int

	OrderApart bool  // the order ends on another day than its certificate
	Order      *span // from the order to its end
	Valid      *span // of the certificate
	AtOrdered  string
	AtRenews   string
	AtEnded    string
}

// span is a stretch of the axis.
type span struct{ From, To, Width string }

// over tells whether the life of a certificate whose end is known is over at an instant.
func over(c audit.Certificate, at time.Time) bool {
	return !c.Ended.IsZero() || c.EndedAs != "" || c.ValidTill.Before(at)
}

// lives lists the certificates by address and age, with their places on one axis.
func (p *auditPage) lives(r *audit.Report, trail *trail) {
	list := slices.Clone(r.Certificates)
	slices.SortStableFunc(list, func(a, b audit.Certificate) int {
		return cmp.Or(a.Address.Compare(b.Address), start(a).Compare(start(b)), cmp.Compare(a.OrderID, b.OrderID))
	})
	p.Axis = newAxis(list, r.At)
	for i, c := range list {
		if c.Current && !c.ValidTill.IsZero() && !over(c, r.At) {
			p.Current++
			if c.ValidTill.Before(r.At.AddDate(0, 1, 0)) {
				p.Soon++
			}
		}
		numbers := trail.of(audit.Evidence{Kind: audit.EvidenceOrder, Value: c.OrderID}, c.Address)
		linked := numbers[:min(len(numbers), mostLinks)]
		p.Lives = append(p.Lives, pageLife{
			Certificate: c, N: i + 1, Kind: clean(c.Address.Kind), Address: subject(c.Address), CommonName: clean(c.CommonName),
			Product: clean(c.Product), Status: clean(c.Status), OrderID: clean(c.OrderID), Serial: clean(c.Serial), EndedAs: clean(c.EndedAs),
			Bad:     c.EndedAs != "renewed" && c.EndedAs != "",
			Entries: linked, More: len(numbers) - len(linked),
			OrderApart: ordersOwnEnd(c),
			Order:      p.Axis.span(start(c), c.OrderTill), Valid: p.Axis.span(c.ValidFrom, c.ValidTill),
			AtOrdered: p.Axis.place(c.Ordered), AtRenews: p.Axis.place(c.Renews), AtEnded: p.Axis.place(c.Ended),
		})
	}
}

// ordersOwnEnd tells whether an order ends on another day than its certificate.
func ordersOwnEnd(c audit.Certificate) bool {
	return !c.OrderTill.IsZero() && day(c.OrderTill) != day(c.ValidTill)
}

// start is the first thing known of a certificate's life.
func start(c audit.Certificate) time.Time {
	if c.Ordered.IsZero() {
		return c.ValidFrom
	}
	return c.Ordered
}

// axis is the scale of the time line.
type axis struct {
	from, to float64 // seconds
	From, To time.Time
	Ticks    []tick
	Grid     string // the ticks as one path, in ten thousandths of the axis
	Now      string // the day of the audit, in the same measure
}

// tick is a line of the axis. Every second one has a name; narrow screens show the names of major ones only.
type tick struct {
	At    string
	Name  string
	Major bool
}

// reach bounds the axis on both sides of the audit, so that one wrong date does not press all others together.
const reach = 10

// newAxis makes an axis from the first month to the one after the last that a certificate knows of; the instant of the audit lies on it.
func newAxis(list []audit.Certificate, at time.Time) axis {
	first, last := at, at
	for _, c := range list {
		for _, t := range []time.Time{c.Ordered, c.ValidFrom, c.ValidTill, c.OrderTill, c.Renews, c.Ended} {
			if t.IsZero() {
				continue
			}
			if t.Before(first) {
				first = t
			}
			if t.After(last) {
				last = t
			}
		}
	}
	if least := at.AddDate(-reach, 0, 0); first.Before(least) {
		first = least
	}
	if most := at.AddDate(reach, 0, 0); last.After(most) {
		last = most
	}
	a := axis{From: monthOf(first), To: monthOf(last).AddDate(0, 1, 0)}
	a.from, a.to = float64(a.From.Unix()), float64(a.To.Unix())
	a.Now = fmt.Sprint(a.measure(at))
	a.ticks()
	return a
}

func monthOf(t time.Time) time.Time {
	t = t.UTC()
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
}

// ticks puts at most 12 lines at whole months, quarters or years.
func (a *axis) ticks() {
	months := (a.To.Year()-a.From.Year())*12 + int(a.To.Month()-a.From.Month())
	step := 1
	for _, step = range []int{1, 2, 3, 6, 12, 24} {
		if months <= 12*step {
			break
		}
	}
	at := a.From
	for (at.Year()*12+int(at.Month())-1)%step != 0 {
		at = at.AddDate(0, 1, 0)
	}
	for n := 0; at.Before(a.To); n++ {
		layout := "Jan 2006"
		if step >= 12 {
			layout = "2006"
		}
		t := tick{At: a.place(at), Major: n%4 == 0}
		if n%2 == 0 && a.share(at) < 0.92 {
			t.Name = at.Format(layout)
		}
		a.Ticks = append(a.Ticks, t)
		a.Grid += fmt.Sprintf("M%d 0v1", a.measure(at))
		at = at.AddDate(0, step, 0)
	}
}

// share gives the place of an instant from 0 to 1; what lies outside of the axis is at its end.
func (a *axis) share(t time.Time) float64 {
	return min(max((float64(t.Unix())-a.from)/(a.to-a.from), 0), 1)
}

// measure gives the place of an instant in ten thousandths.
func (a *axis) measure(t time.Time) int { return int(a.share(t) * 10000) }

// place gives the place of an instant, "" for the zero time.
func (a *axis) place(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return percent(a.share(t))
}

// span gives the stretch between two instants, nil when one is not known. The shortest can still be seen.
func (a *axis) span(from, to time.Time) *span {
	if from.IsZero() || to.IsZero() || to.Before(from) {
		return nil
	}
	x, y := a.share(from), a.share(to)
	return &span{percent(x), percent(y), percent(max(y-x, 0.004))}
}

func percent(share float64) string { return fmt.Sprintf("%.2f%%", share*100) }
