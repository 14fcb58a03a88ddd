package schema

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"dcsync/schema/glossary"
)

// format is a named form of a string.
type format struct {
	words   string            // what a value must be, in words
	pattern *regexp.Regexp    // for editors too: necessary, not always enough
	valid   func(string) bool // nil when the pattern says all
}

// formats holds every value that format= may have.
var formats = map[string]format{
	"country":  {"a two-letter country code of ISO 3166-1, such as us", regexp.MustCompile(`^[A-Za-z]{2}$`), isCountry},
	"email":    {"an e-mail address", regexp.MustCompile(`^[^@\s]+@[^@\s]+$`), isEmail},
	"phone":    {"a telephone number", regexp.MustCompile(`[0-9]`), nil},
	"date-dmy": {"a date such as 09 JUN 2025, month in upper case", regexp.MustCompile(`^[0-3][0-9] [A-Z]{3} [0-9]{4}$`), isDateDMY},
	"date-ymd": {"a date such as 2025-06-09", regexp.MustCompile(`^[0-9]{4}-[01][0-9]-[0-3][0-9]$`), isDateYMD},
	"csr":      {"a certificate signing request in PEM form", nil, nil}, // check(csr) reads it
	"hash":     {"a hash algorithm such as sha256", regexp.MustCompile(`^[0-9a-z-]+$`), nil},
	"hex":      {"hexadecimal digits", regexp.MustCompile(`^[0-9A-Fa-f]+$`), nil},
	"domain":   {"a domain name such as www.example.com or *.example.com", regexp.MustCompile(`^(\*\.)?([^\s.*:/@]{1,63}\.)+[^\s.*:/@]{2,63}$`), isDomain},
	"host":     {"a domain name, a host name or an IP address", regexp.MustCompile(`^(\*\.)?[^\s*/@]+$`), nil},
	"name":     {"lower-case letters, digits and inner hyphens, at most 63 characters", regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`), nil},
	"pointer":  {"a JSON pointer such as /additional_emails", regexp.MustCompile(`^(/([^~/]|~[01])*)+$`), nil},
	"duration": {"a duration such as 60s", regexp.MustCompile(`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$|^0$`), isDuration},
	"windows":  {"off, or windows such as 100/5s,1000/180s", regexp.MustCompile(`^off$|^[0-9]+/[^,/]+(,[0-9]+/[^,/]+)*$`), areWindows},
	"path":     {"a path inside the project, separated by /", regexp.MustCompile(`^[^/\\][^\\]*$`), nil},
}

// holds tells whether a string has the format.
func (f format) holds(s string) bool {
	return (f.pattern == nil || f.pattern.MatchString(s)) && (f.valid == nil || f.valid(s))
}

func isCountry(s string) bool {
	list, _ := glossary.Lookup("countries")
	return list.Has("code", strings.ToUpper(s))
}

// isDomain refuses what looks like a domain name and is an address.
func isDomain(s string) bool {
	_, err := netip.ParseAddr(s)
	return err != nil && len(s) <= 253
}

const (
	layoutDMY = "02 Jan 2006"
	layoutYMD = "2006-01-02"
)

func isDateDMY(s string) bool {
	_, err := time.Parse(layoutDMY, s)
	return err == nil && len(s) == len(layoutDMY) && s == strings.ToUpper(s)
}

func isDateYMD(s string) bool {
	_, err := time.Parse(layoutYMD, s)
	return err == nil
}

func isDuration(s string) bool {
	d, err := time.ParseDuration(s)
	return err == nil && d >= 0
}

func areWindows(s string) bool {
	if s == "off" {
		return true
	}
	for _, w := range strings.Split(s, ",") {
		count, per, ok := strings.Cut(w, "/")
		n, err := strconv.Atoi(count)
		if !ok || err != nil || n < 1 {
			return false
		}
		if d, err := time.ParseDuration(per); err != nil || d <= 0 {
			return false
		}
	}
	return true
}
