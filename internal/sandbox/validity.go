package sandbox

import (
	"regexp"
	"strings"
	"time"
)

// How long an order is good for (API facts, sections 1 and 7.1; order documents,
// order_validity).

// upperDate is dd MMM YYYY with the month in capitals.
var upperDate = regexp.MustCompile(`^\d{2} [A-Z]{3} \d{4}$`)

const maxYears = 3

// readValidity takes order_validity, else the deprecated parameters at the root.
// Within either a date beats days, and days beat years; what is beaten must have
// the right type and nothing more. Refusals name the deprecated parameters even
// when order_validity was used, as the API does.
func (p *placing) readValidity() {
	from, days, years := p.form, "validity_days", "validity_years"
	if sub, given := p.object("order_validity"); given {
		from, days, years = sub, "days", "years"
	} else if p.has("order_validity") {
		return
	}
	date := from.text("custom_expiration_date", 0)
	d, hasDays := from.integer(days)
	y, hasYears := from.integer(years)
	now := p.now()
	v := &p.order.OrderValidity
	refuse := func(unit, text string) { p.add("invalid_value:"+unit, "%s", text) }
	switch {
	case date != "":
		end, ok := parseEnd(date, from.at == "")
		switch {
		case !ok && from.at == "":
			refuse("custom_expiration_date", "The date must have the form yyyy-MM-dd")
		case !ok:
			refuse("custom_expiration_date", "The date must have the form dd MMM YYYY, as in 09 JUN 2025")
		case !end.After(now) || end.After(now.AddDate(maxYears, 0, 0)):
			refuse("custom_expiration_date", "The date must be in the future, and at most three years away")
		}
		v.CustomExpirationDate = strings.ToUpper(end.Format("02 Jan 2006"))
	case hasDays:
		if d < 1 || now.AddDate(0, 0, d).After(now.AddDate(maxYears, 0, 0)) {
			refuse("validity_days", "The days must be at least one, and at most three years")
		}
		v.Days = d
	case hasYears:
		if y < 1 || y > maxYears {
			refuse("validity_years", "The years must be 1 to 3")
		}
		v.Years, p.order.ValidityYears = y, y
	case from.at != "" && (from.has("days") || from.has("years") || from.has("custom_expiration_date")):
		// Of the wrong type, and refused above.
	case from.at != "":
		from.missing("years")
	case !from.has(days) && !from.has(years):
		p.missing("order_validity")
	}
	cp := *v
	p.order.Certificate.CertValidity = &cp
}

func parseEnd(date string, deprecated bool) (time.Time, bool) {
	if deprecated {
		t, err := time.Parse(time.DateOnly, date)
		return t, err == nil
	}
	if !upperDate.MatchString(date) {
		return time.Time{}, false
	}
	t, err := time.Parse("02 Jan 2006", date) // the month's case does not matter here
	return t, err == nil
}

// end is when a validity that starts now is over.
func (v validity) end(from time.Time) time.Time {
	if v.CustomExpirationDate != "" {
		t, _ := parseEnd(v.CustomExpirationDate, false)
		return t
	}
	return from.AddDate(v.Years, 0, v.Days)
}
