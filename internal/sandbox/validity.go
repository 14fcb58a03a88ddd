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

// readValidity reads how long the order lasts, and how long its first certificate,
// which is shorter where a TLS order says so or the product's cap does.
func (p *placing) readValidity() {
	o := p.order
	o.OrderValidity = p.validityOf(p.form)
	if p.has("order_validity") || p.has("validity_years") {
		o.ValidityYears = o.OrderValidity.Years
	}
	cp := o.OrderValidity
	if p.product.tls() {
		if first, given := p.certValidity(p.cert, o.OrderValidity.end(p.now())); given {
			cp = first
		}
	}
	o.Certificate.CertValidity = &cp
	if p.product.family == publicTLS || p.product.family == domainTLS {
		if o.OrderValidity.end(p.now()).After(p.now().AddDate(1, 0, 0)) {
			o.IsMultiYearPlan = "1"
		}
	}
}

// certValidity reads certificate.cert_validity, which must not outlive the order.
func (c *call) certValidity(cert form, end time.Time) (validity, bool) {
	sub, given := cert.object("cert_validity")
	if !given {
		return validity{}, false
	}
	before := len(*sub.errs)
	v := c.unitOf(sub, "days", "years", false)
	if len(*sub.errs) == before && v.end(c.now()).After(end) {
		sub.add("cert_validity_exceeds_order_validity", "The certificate would outlive its order")
	}
	return v, true
}

// validityOf takes order_validity, else the deprecated parameters at the root.
// Within either a date beats days, and days beat years; what is beaten must have
// the right type and nothing more. Refusals name the deprecated parameters even
// when order_validity was used, as the API does.
func (c *call) validityOf(f form) validity {
	if sub, given := f.object("order_validity"); given {
		return c.unitOf(sub, "days", "years", false)
	} else if f.has("order_validity") {
		return validity{}
	}
	return c.unitOf(f, "validity_days", "validity_years", true)
}

func (c *call) unitOf(from form, days, years string, deprecated bool) (v validity) {
	date := from.text("custom_expiration_date", 0)
	d, hasDays := from.integer(days)
	y, hasYears := from.integer(years)
	none := deprecated && hasYears && y == 0 // as clients send that mean none
	now := c.now()
	refuse := func(unit, text string) { from.add("invalid_value:"+unit, "%s", text) }
	switch {
	case date != "":
		end, ok := parseEnd(date, deprecated)
		switch {
		case !ok && deprecated:
			refuse("custom_expiration_date", "The date must have the form yyyy-MM-dd")
		case !ok:
			refuse("custom_expiration_date", "The date must have the form dd MMM YYYY, as in 09 JUN 2025")
		case !end.After(now) || end.After(now.AddDate(maxYears, 0, 0)):
			refuse("custom_expiration_date", "The date must be in the future, and at most three years away")
		}
		v.CustomExpirationDate = strings.ToUpper(end.Format("02 Jan 2006"))
	case hasDays:
		if d < 1 || d > 366*maxYears || now.AddDate(0, 0, d).After(now.AddDate(maxYears, 0, 0)) {
			refuse("validity_days", "The days must be at least one, and at most three years")
		}
		v.Days = d
	case none:
		from.missing("order_validity")
	case hasYears:
		if y < 1 || y > maxYears {
			refuse("validity_years", "The years must be 1 to 3")
		}
		v.Years = y
	case from.has(days) || from.has(years) || from.has("custom_expiration_date"):
		// Of the wrong type, and refused above.
	case deprecated:
		from.missing("order_validity")
	default:
		from.missing("years")
	}
	return v
}

func parseEnd(date string, deprecated bool) (time.Time, bool) {
	if deprecated {
		date, _ = strings.CutSuffix(date, "T00:00:00") // some clients send a time of day
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
