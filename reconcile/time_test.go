package reconcile

import (
	"fmt"
	"testing"
	"time"

	"dcsync/internal/resource"
)

func date(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestDue(t *testing.T) {
	t.Parallel()
	// 199 days of certificate in a year of order, the second certificate of it, and one that lives as long as its order.
	first := resource.Life{From: date("2026-03-01"), Till: date("2026-09-16"), OrderTill: date("2027-03-01")}
	second := resource.Life{From: date("2026-08-20"), Till: date("2027-03-01"), OrderTill: date("2027-03-01")}
	year := resource.Life{From: date("2026-03-01"), Till: date("2027-03-01"), OrderTill: date("2027-03-01")}
	short := resource.Life{From: date("2026-03-01"), Till: date("2026-04-17"), OrderTill: date("2027-03-01")}
	nearEnd := resource.Life{From: date("2026-03-01"), Till: date("2027-02-10"), OrderTill: date("2027-03-01")}
	auto := first
	auto.AutoReissue = true
	days := func(n int) resource.Span { return resource.Span{Days: n} }
	tests := []struct {
		name    string
		span    resource.Span
		life    resource.Life
		asOf    string
		want    resource.Action // "" when nothing is due on that day
		opens   string          // the day on which the window opens at the earliest
		clamped bool
	}{
		{"nothing asked for", resource.Span{}, year, "2027-02-28", "", "", false},
		{"not issued", days(30), resource.Life{}, "2027-02-28", "", "", false},
		{"before the window", days(30), year, "2027-01-29", "", "2027-01-30", false},
		{"at the end of the spread", days(30), year, "2027-02-02", resource.RenewOrder, "2027-01-30", false},
		{"a share of the life", resource.Span{Percent: 20}, year, "2026-12-26", resource.RenewOrder, "2026-12-18", false},
		{"a share without a beginning", resource.Span{Percent: 20}, resource.Life{Till: date("2027-03-01")}, "2027-02-28", "", "", false},
		{"after the end", days(30), year, "2027-03-05", resource.RenewOrder, "2027-01-30", false},
		{"order outlives certificate", days(30), first, "2026-08-21", resource.ReissueNow, "2026-08-17", false},
		{"order outlives certificate, early", days(30), first, "2026-08-16", "", "2026-08-17", false},
		{"order outlives an expired certificate", days(30), first, "2026-10-01", resource.ReissueNow, "2026-08-17", false},
		{"an expired certificate, late in its order", days(30), first, "2027-02-10", resource.RenewOrder, "2026-12-01", false},
		{"the last certificate of an order", days(30), second, "2027-02-03", resource.RenewOrder, "2027-01-30", false},
		{"a reissue would gain too little", days(30), nearEnd, "2027-02-09", resource.RenewOrder, "2027-01-11", false},
		{"longer than the API allows", days(120), year, "2026-11-15", "", "2026-12-01", true},
		{"longer than the API allows, reached", days(120), year, "2026-12-11", resource.RenewOrder, "2026-12-01", true},
		{"longer, but a reissue", days(120), first, "2026-06-01", resource.ReissueNow, "2026-05-19", false},
		{"a short life gains enough when most of it is over", days(30), short, "2026-04-01", resource.ReissueNow, "2026-03-18", false},
		{"a short life, too early to gain", days(30), short, "2026-03-25", "", "2026-12-01", false},
		{"no order end", days(30), resource.Life{From: date("2026-03-01"), Till: date("2027-03-01")}, "2027-02-10", resource.RenewOrder, "2027-01-30", false},
		{"CertCentral reissues itself", days(30), auto, "2026-09-01", resource.ReissueNow, "2026-08-17", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			asOf := date(tt.asOf)
			d := dueOf(resource.Address{Kind: "Order", Name: "a"}, tt.span, tt.life, asOf)
			got := d.action
			if !d.reached(asOf) {
				got = ""
			}
			if got != tt.want || d.clamped != tt.clamped || d.left != tt.life.AutoReissue {
				t.Errorf("due %q clamped %v left %v (from %s), want %q %v", got, d.clamped, d.left, d.at, tt.want, tt.clamped)
			}
			if tt.opens == "" {
				return
			}
			if d.at.Before(date(tt.opens)) || d.at.After(date(tt.opens).Add(12*day)) {
				t.Errorf("opens on %s, want soon after %s", d.at, tt.opens)
			}
		})
	}
}

// The window never opens earlier than declared, spreads over at most a tenth of itself, and always opens at the same moment.
func TestJitter(t *testing.T) {
	t.Parallel()
	life := resource.Life{From: date("2026-03-01"), Till: date("2027-03-01"), OrderTill: date("2027-03-01")}
	opened := map[time.Time]bool{}
	for n := range 200 {
		a := resource.Address{Kind: "Order", Name: fmt.Sprintf("o%d", n)}
		d := dueOf(a, resource.Span{Days: 30}, life, life.From)
		if d != dueOf(a, resource.Span{Days: 30}, life, life.From.Add(100*day)) {
			t.Fatalf("%s: the window depends on the day it is looked at", a)
		}
		late := d.at.Sub(life.Till.Add(-30 * day))
		if late < 0 || late > 3*day {
			t.Errorf("%s: %s late", a, late)
		}
		opened[d.at] = true
	}
	if len(opened) < 190 {
		t.Errorf("200 orders are due at only %d moments", len(opened))
	}
}
