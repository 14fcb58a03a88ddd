package manifests

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
	"dcsync/schema"
)

// calendar holds lengths and dates against an instant. Without one, dates are passed over.
type calendar struct{ at time.Time }

// dateLayout is how a date is written in an order; the month is in upper case, which parsing does not mind.
const dateLayout = "02 Jan 2006"

// daysUntil gives the days from the instant to the end of a date; false when either is unknown.
func (c calendar) daysUntil(date string) (float64, bool) {
	day, err := time.Parse(dateLayout, date)
	if err != nil || c.at.IsZero() {
		return 0, false
	}
	return day.AddDate(0, 0, 1).Sub(c.at).Hours() / 24, true
}

// notPast wants a date that is not over yet.
func (c calendar) notPast(in schema.CheckInput) []schema.Violation {
	if left, ok := c.daysUntil(resource.Text(in.Value)); !ok || left > 0 {
		return nil
	}
	return []schema.Violation{{Path: in.Path, Severity: diag.Error, Code: diag.BadValue,
		Summary: fmt.Sprintf("%s is in the past", resource.Text(in.Value)), Hint: "write a later date, or years or days instead"}}
}

// length gives how many days a member of order_validity or cert_validity stands for: at least and at most, because years differ.
func (c calendar) length(member string, v resource.Value) (least, most float64, ok bool) {
	n, isNumber := v.(resource.Int)
	switch {
	case member == "years" && isNumber:
		return 365 * float64(n), math.Ceil(365.25 * float64(n)), true
	case member == "days" && isNumber:
		return float64(n), float64(n), true
	case member == "custom_expiration_date":
		left, known := c.daysUntil(resource.Text(v))
		return left - 1, left, known
	}
	return 0, 0, false
}

// withinDays wants a length of no more days than the table says; that is what is issued today (API facts, section 13).
func (c calendar) withinDays(in schema.CheckInput) []schema.Violation {
	cap, err := strconv.ParseFloat(in.Argument, 64)
	least, _, ok := c.length(in.Path.Last(), in.Value)
	if err != nil || !ok || least <= cap {
		return nil
	}
	return []schema.Violation{{Path: in.Path, Severity: diag.Error, Code: diag.BadValue,
		Summary: fmt.Sprintf("%s %s is longer than the %s days that are issued at most", in.Path.Last(), resource.Text(in.Value), in.Argument),
		Hint:    "write a shorter one"}}
}

// withinOrder wants a certificate that ends no later than its order.
func (c calendar) withinOrder(in schema.CheckInput) []schema.Violation {
	_, order, ok := c.longest(resource.Get(in.Spec, "/order_validity"))
	least, _, known := c.longest(in.Value)
	if !ok || !known || least <= order {
		return nil
	}
	return []schema.Violation{{Path: in.Path, Severity: diag.Error, Code: diag.BadValue,
		Summary: "the certificate would outlive its order", Hint: "make cert_validity shorter, or order_validity longer"}}
}

// longest gives the length of a validity object: of several members the date wins over the days and the days over the years.
func (c calendar) longest(v resource.Value) (least, most float64, ok bool) {
	m, _ := v.(resource.Map)
	for _, member := range strings.Fields("custom_expiration_date days years") {
		if m[member] != nil {
			return c.length(member, m[member])
		}
	}
	return 0, 0, false
}
