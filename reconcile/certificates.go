package reconcile

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"dcsync/internal/resource"
	"dcsync/state"
)

// The certificates of an order, as far as they are known: the account shows the current one, and lists reissues and duplicates. The one that an
// order began with is on neither list once there is another, so state keeps what it saw.

// dying names the certificates of an order that are not over yet at an instant.
func dying(live *resource.Live, entry *state.Entry, at time.Time) []string {
	if live == nil {
		if serial := resource.Text(entry.Observed["serial_number"]); serial != "" {
			return []string{"certificate " + serial}
		}
		return []string{"the certificates of order " + entry.Identity.ID}
	}
	var out []string
	for _, c := range live.Certificates {
		if !c.Ended {
			out = append(out, certificateText(c))
		}
	}
	if len(live.Certificates) == 0 && live.Life.Serial != "" {
		out = append(out, certificateText(resource.Certificate{Serial: live.Life.Serial, CommonName: live.Title, Till: resource.Text(live.Observed["valid_till"])}))
	}
	known := max(1, len(slices.DeleteFunc(slices.Clone(live.Certificates), func(c resource.Certificate) bool { return c.Kind == "duplicate" })))
	for _, c := range unlisted(live, entry) {
		known++
		if !hasTombstone(entry, live.ID, c.Serial) && (c.Till == "" || c.Till >= at.Format(time.DateOnly)) {
			out = append(out, certificateText(resource.Certificate{Serial: c.Serial, CommonName: live.Title, Till: c.Till}))
		}
	}
	if n := live.Life.Reissues + 1 - known; len(live.Certificates) > 0 && n > 0 {
		out = append(out, fmt.Sprintf("%d earlier certificate(s) of order %s that the account does not list", n, live.ID))
	}
	if out == nil {
		out = append(out, "the certificates of order "+live.ID)
	}
	return out
}

// unlisted gives the certificates that state saw an order have and that the account does not list.
func unlisted(live *resource.Live, entry *state.Entry) []state.Certificate {
	var out []state.Certificate
	for _, c := range entry.Identity.Replaced {
		listed := strings.EqualFold(c.Serial, live.Life.Serial) ||
			slices.ContainsFunc(live.Certificates, func(l resource.Certificate) bool { return strings.EqualFold(l.Serial, c.Serial) })
		if live.ID == entry.Identity.ID && !listed {
			out = append(out, c)
		}
	}
	return out
}

// holdsCertificate tells whether an order has, or had, a certificate of a serial number.
func holdsCertificate(live *resource.Live, entry *state.Entry, serial string) bool {
	return slices.ContainsFunc(live.Certificates, func(c resource.Certificate) bool { return strings.EqualFold(c.Serial, serial) }) ||
		slices.ContainsFunc(unlisted(live, entry), func(c state.Certificate) bool { return strings.EqualFold(c.Serial, serial) })
}

// outlived keeps the certificate that an order was last seen with, when it shows another one now.
func outlived(e *state.Entry, live *resource.Live) {
	serial := resource.Text(e.Observed["serial_number"])
	if serial == "" || live.ID != e.Identity.ID || strings.EqualFold(serial, live.Life.Serial) ||
		slices.ContainsFunc(e.Identity.Replaced, func(c state.Certificate) bool { return strings.EqualFold(c.Serial, serial) }) {
		return
	}
	e.Identity.Replaced = append(e.Identity.Replaced, state.Certificate{ID: resource.Text(e.Observed["certificate_id"]), Serial: serial,
		Till: resource.Text(e.Observed["valid_till"])})
}

func certificateText(c resource.Certificate) string {
	text := "certificate"
	if c.Kind == "duplicate" {
		text = "duplicate"
	}
	switch {
	case c.Serial != "":
		text += " " + c.Serial
	case c.ID != "":
		text += " with id " + c.ID
	}
	if c.CommonName != "" {
		text += " of " + c.CommonName
	}
	if c.Till != "" {
		text += ", valid till " + c.Till
	}
	return text
}
