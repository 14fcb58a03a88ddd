// Package certcentral is the HTTP client of the CertCentral Services API: it authenticates, pages, keeps within the rate limits,
// retries what may be retried, and turns every way a call can fail into a typed error without secrets in it.
//
// Bodies go in and out as JSON trees; what an organization or an order means is decided above (internal/kinds), and so is
// whether an object that is not listed is gone. The package never repeats a write that may have had an effect unless the caller
// says that repeating is harmless: it reports an AmbiguousError instead, and the caller looks the object up.
//
// One Client is one key at one address. It is safe for concurrent use, and all users of a Client share its rate limiter.
package certcentral
