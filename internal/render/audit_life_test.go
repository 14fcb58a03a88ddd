package render

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/audit"
)

func date(year, month, day int) time.Time {
	return time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
}

func TestAxis(t *testing.T) {
	t.Parallel()
	at := date(2026, 11, 22)
	for _, tc := range []struct {
		name     string
		cert     audit.Certificate
		from, to time.Time
		ticks    int
		first    string
	}{
		{"nothing", audit.Certificate{}, date(2026, 11, 1), date(2026, 12, 1), 1, "Nov 2026"},
		{"a year", audit.Certificate{Ordered: date(2026, 3, 5), ValidTill: date(2027, 3, 5)}, date(2026, 3, 1), date(2027, 4, 1), 7, "Mar 2026"},
		{"three years by quarters", audit.Certificate{Ordered: date(2025, 2, 5), ValidTill: date(2028, 1, 5)}, date(2025, 2, 1), date(2028, 2, 1), 12, "Apr 2025"},
		{"eight years by years", audit.Certificate{Ordered: date(2020, 6, 5), OrderTill: date(2028, 6, 5)}, date(2020, 6, 1), date(2028, 7, 1), 8, "2021"},
		{"absurd", audit.Certificate{Ordered: date(1, 2, 3), Ended: date(9999, 1, 1)}, date(2016, 11, 1), date(2036, 12, 1), 10, "2018"},
	} {
		a := newAxis([]audit.Certificate{tc.cert}, at)
		if !a.From.Equal(tc.from) || !a.To.Equal(tc.to) || len(a.Ticks) != tc.ticks || a.Ticks[0].Name != tc.first {
			t.Errorf("%s: %s to %s in %v", tc.name, a.From, a.To, a.Ticks)
		}
	}
}

func TestAxisPlaces(t *testing.T) {
	t.Parallel()
	a := newAxis([]audit.Certificate{{Ordered: date(2026, 1, 1), ValidTill: date(2026, 12, 31)}}, date(2026, 7, 2))
	for at, want := range map[time.Time]string{
		date(2026, 1, 1): "0.00%", date(2027, 1, 1): "100.00%", date(2026, 7, 2): "49.86%", date(1999, 1, 1): "0.00%", date(2999, 1, 1): "100.00%", {}: "",
	} {
		if got := a.place(at); got != want {
			t.Errorf("%s at %s, want %s", at, got, want)
		}
	}
	if diff := cmp.Diff(&span{"0.00%", "100.00%", "100.00%"}, a.span(date(2026, 1, 1), date(2027, 1, 1))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if s := a.span(date(2026, 3, 1), date(2026, 3, 1)); s == nil || s.Width != "0.40%" {
		t.Errorf("a moment: %v", s)
	}
	if a.span(time.Time{}, date(2026, 3, 1)) != nil || a.span(date(2026, 3, 2), date(2026, 3, 1)) != nil {
		t.Error("a stretch without beginning, or backwards")
	}
}

// TestCalendar: what is overdue first, then month by month; nothing of what ended or belongs to an earlier order.
func TestCalendar(t *testing.T) {
	t.Parallel()
	r := fullReport()
	months := newAuditPage(r).Months
	got := map[string][]string{}
	for _, m := range months {
		name := m.Month.Format("2006-01")
		if m.Overdue {
			name = "overdue"
		}
		for _, d := range m.Renews {
			got[name] = append(got[name], "renews "+d.Life.Address+" "+day(d.At))
		}
		for _, d := range m.Ends {
			text := d.What + " of " + d.Life.Address + " ends " + day(d.At)
			if d.Forever {
				text += " for good"
			}
			got[name] = append(got[name], text)
		}
	}
	want := map[string][]string{
		"overdue": {"renews Order/vpn 2026-11-19"},
		"2026-12": {"certificate of Order/web ends 2026-12-04 for good"},
		"2027-02": {"certificate of Order/vpn ends 2027-02-27"},
		"2027-09": {"renews Order/installer-signing 2027-09-14"},
		"2027-10": {"certificate of Order/installer-signing ends 2027-10-14"},
		"2028-05": {"order of Order/web ends 2028-05-06"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(months) != 1+12+1 {
		t.Errorf("%d months, want what is overdue, a year and one later month", len(months))
	}
	if got := newAuditPage(&audit.Report{At: auditDay}).Months; got != nil {
		t.Errorf("a calendar of nothing: %v", got)
	}
}
