package schema

import (
	"regexp"
	"strings"
)

var (
	localPart   = regexp.MustCompile("^[0-9A-Za-z!#$%&'*+/=?^_`{|}~-]+(\\.[0-9A-Za-z!#$%&'*+/=?^_`{|}~-]+)*$")
	domainLabel = regexp.MustCompile(`^[0-9A-Za-z]([0-9A-Za-z-]{0,61}[0-9A-Za-z])?$`)
)

// isEmail tells whether a text is an address that mail can be sent to and a certificate can hold: RFC 5321 without quoted names and
// address literals, in ASCII, with a domain of at least two labels. How long it
// may be is up to the table.
func isEmail(s string) bool {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || !localPart.MatchString(s[:at]) {
		return false
	}
	labels := strings.Split(s[at+1:], ".")
	for _, l := range labels {
		if !domainLabel.MatchString(l) {
			return false
		}
	}
	top := labels[len(labels)-1]
	return len(labels) > 1 && strings.Trim(top, "0123456789") != ""
}
