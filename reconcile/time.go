package reconcile

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"dcsync/internal/resource"
)

// What time asks of an order (domain rules, section 5). An order may outlive its certificate:
//
//	order  ├──────────────────────────────────────────────┤
//	first  ├──────────────────┤
//	                    ├ window ┤ next certificate: a reissue under the same order
//	second                  ├─────────────────────────────┤
//	                                               ├ window ┤ next order: a renewal
//
// The window opens renew_before before the certificate ends, and a little later by a share that depends on the address alone, so that
// a thousand certificates ordered in one run are not renewed in one run. It never opens earlier than the manifest says.

const (
	day             = 24 * time.Hour
	earliestRenewal = 90 * day // before the order's end: earlier than that the API takes no renewal
	leastGain       = 30 * day // what a reissue must add to be worth one
	jitterPart      = 10       // the spread is at most this part of the window
)

// due is what time asks of an order, and since when it does, or from when it will.
type due struct {
	action resource.Action // ReissueNow or RenewOrder; "" for nothing ever
	at     time.Time
	till   time.Time // the end that makes it due
	// clamped tells that renew_before opens the window before the API takes a renewal, although none of the order's certificates is to come.
	clamped bool
	// left tells that CertCentral itself asks for the next certificate.
	left bool
}

// reached tells whether the window is open.
func (d due) reached(asOf time.Time) bool { return d.action != "" && !asOf.Before(d.at) }

// dueOf gives what is next for an order with a life. It is pure; asOf decides only whether a reissue would still gain enough.
func dueOf(a resource.Address, span resource.Span, life resource.Life, asOf time.Time) due {
	if span == (resource.Span{}) || life.Till.IsZero() || span.Percent > 0 && life.From.IsZero() {
		return due{}
	}
	window := time.Duration(span.Days) * day
	if span.Percent > 0 {
		window = life.Till.Sub(life.From) * time.Duration(span.Percent) / 100
	}
	opens := life.Till.Add(-window)
	if life.OrderTill.After(life.Till) && gain(life, later(asOf, opens)) >= leastGain {
		return due{action: resource.ReissueNow, at: opens.Add(jitter(a, window)), till: life.Till, left: life.AutoReissue}
	}
	end := later(life.Till, life.OrderTill)
	d := due{action: resource.RenewOrder, at: opens.Add(jitter(a, window)), till: life.Till}
	if earliest := end.Add(-earliestRenewal); opens.Before(earliest) {
		d.at, d.clamped = earliest.Add(jitter(a, min(window, earliestRenewal))), gain(life, life.Till) < leastGain
	}
	return d
}

// gain gives how much longer a certificate reissued at an instant would last than the one there is, or from then on where that is over: with
// the life it has now, but not after its order.
func gain(life resource.Life, at time.Time) time.Duration {
	end := life.OrderTill
	if !life.From.IsZero() {
		if whole := at.Add(life.Till.Sub(life.From)); whole.Before(end) {
			end = whole
		}
	}
	return end.Sub(later(life.Till, at))
}

// jitter gives a share of a window's spread that is always the same for an address.
func jitter(a resource.Address, window time.Duration) time.Duration {
	sum := sha256.Sum256([]byte("window " + a.String()))
	const steps = 1 << 16
	return time.Duration(int64(window/jitterPart) / steps * int64(binary.BigEndian.Uint16(sum[:])))
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// lifeOf gives the life of an order: from live, or without live as it was last observed.
func (b *builder) lifeOf(live *resource.Live, observed resource.Map) resource.Life {
	if live != nil {
		return live.Life
	}
	on := func(name string) time.Time {
		t, _ := time.Parse(time.DateOnly, resource.Text(observed[name])) // absent until issued
		return t
	}
	return resource.Life{From: on("valid_from"), Till: on("valid_till"), OrderTill: on("order_valid_till"),
		CertificateID: resource.Text(observed["certificate_id"]), Serial: resource.Text(observed["serial_number"])}
}

// due gives what time asks of a managed order now; nothing for one that is not issued.
func (b *builder) due(o *resource.Object, live *resource.Live, observed resource.Map) due {
	issued := live != nil && live.Phase == resource.Active || live == nil && resource.Text(observed["status"]) == statusIssued
	if !o.Descriptor.Expires || !issued {
		return due{}
	}
	return dueOf(o.Address, o.Lifecycle.RenewBefore, b.lifeOf(live, observed), b.in.AsOf)
}

// statusIssued is how an issued order was observed: the one status that counts where the account is not read.
const statusIssued = "issued"

func (d due) reason() string {
	what := "the certificate"
	if d.action == resource.RenewOrder {
		what = "the order's certificate"
	}
	if d.at.After(d.till) {
		return fmt.Sprintf("%s ended on %s, and its order can be renewed since %s", what, d.till.Format(time.DateOnly), d.at.Format(time.DateOnly))
	}
	return fmt.Sprintf("%s ends on %s, and renew_before opened the window on %s", what, d.till.Format(time.DateOnly), d.at.Format(time.DateOnly))
}
