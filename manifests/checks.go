package manifests

import (
	"time"

	"dcsync/schema"
)

// checks gives the functions the tables call as check(name). The instant is what dates are held against; without one they are not.
func checks(at time.Time) schema.Checks {
	requests := csrReader{}
	return schema.Checks{
		"csr":              requests.check,
		"csr_key":          requests.checkKey,
		"csr_names":        requests.checkNames,
		"mailbox_provider": checkMailboxProvider,
		"not_past":         calendar{at}.notPast,
		"strict_profile":   checkStrictProfile,
		"wildcard":         checkWildcard,
		"within_days":      calendar{at}.withinDays,
		"within_order":     calendar{at}.withinOrder,
	}
}
