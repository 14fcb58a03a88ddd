package schema

import (
	"fmt"
	"strings"

	"dcsync/internal/resource"
)

// explain says a rule in words; "" for those that other parts of an explanation say.
func (c *clause) explain() string {
	words := c.sentence()
	if c.atSend && words != "" {
		return "when it is sent: " + words
	}
	return words
}

func (c *clause) sentence() string {
	names := orList(c.names)
	switch c.word {
	case wordMax:
		return fmt.Sprintf("at most %d characters", c.number)
	case wordMin:
		return fmt.Sprintf("at least %s", counted(c.number, "character"))
	case wordMinItems:
		return fmt.Sprintf("at least %s", counted(c.number, "item"))
	case wordRange:
		return c.rangeWords()
	case wordFormat:
		return formats[c.text].words
	case wordPattern:
		return "matches " + c.text
	case wordDigits:
		return "may be written as a string of digits"
	case wordFile:
		return "may be {file: PATH}, a file of the project"
	case wordOpen:
		if c.values != nil {
			return orList(c.values) + " are seen in use but not documented: a warning"
		}
		return "other values give a warning: the list is known to be incomplete"
	case wordDefault:
		if c.words != "" {
			return fmt.Sprintf("%s by default when %s", c.values[0], c.words)
		}
	case wordRequiredWhen:
		return "required" + c.suffix()
	case wordForbiddenWhen:
		return "must not be given" + c.suffix()
	case wordIgnoredWhen:
		return "ignored" + c.suffix()
	case wordUnverifiedWhen:
		return "up to the account" + c.suffix()
	case wordUnverified:
		return "not verified" + c.suffix() + ": " + c.text
	case wordCheck:
		return c.checkWords() + c.suffix()
	case wordIncludes:
		return "the value of " + names + " counts among them"
	case wordRevokesWhen:
		if c.values[0] == string(resource.RevokesRemoved) {
			return "a reissue that takes one away makes DigiCert revoke the earlier certificates"
		}
		return "a reissue that changes it makes DigiCert revoke the earlier certificates"
	case wordMeans:
		var lines []string
		for i, v := range c.values {
			lines = append(lines, v+": "+c.texts[i])
		}
		return strings.Join(lines, "; ")
	case wordAtLeastOne:
		return "needs one of " + names
	case wordExactlyOne:
		return "needs exactly one of " + names
	case wordAtMostOne:
		if c.values != nil {
			return fmt.Sprintf("at most one item whose %s is %s: the API ignores others", names, orList(c.values))
		}
		return "at most one of " + names
	case wordOverrides:
		return "overrides " + wordList(c.names, "and")
	case wordConverts:
		return fmt.Sprintf("%d to %d become %d", *c.low, *c.high, c.number)
	case wordMaxTotal:
		return fmt.Sprintf("%s have at most %d characters together", wordList(c.names, "and"), c.number)
	case wordUnique:
		return "no two items have the same " + names
	case wordSecret:
		return "secret: written as {env: NAME} or {file: PATH}, never stored or shown"
	case wordRef:
		return fmt.Sprintf("may be {ref: NAME}, a manifest of kind %s", c.text)
	case wordSpread:
		return fmt.Sprintf("each item stands for the field that its %s names", names)
	case wordSet:
		return "order does not matter"
	case wordClearable:
		return "cleared when it is removed from the manifest"
	case wordLower:
		return "upper and lower case mean the same"
	case wordNamesField:
		return "names a field of the spec"
	case wordDeprecated:
		return "deprecated: " + c.text
	case wordDiscouraged:
		return fmt.Sprintf("%s is not advisable: %s", c.values[0], c.text)
	case wordHint:
		return c.text
	}
	return ""
}

// suffix says when a rule holds that may stand without a condition.
func (c *clause) suffix() string {
	if c.words == "" {
		return ""
	}
	return " when " + c.words
}

// checkWords says what a check wants; "" for one that nobody described.
func (c *clause) checkWords() string {
	switch c.text {
	case "csr":
		return "a signing request that can be read and is signed by its own key"
	case "csr_key":
		return "a key of one of these sizes: " + c.given
	case "csr_names":
		return "a signing request for other names than the order's gives a warning"
	case "mailbox_provider":
		return "an address at a public mail provider gives a warning"
	case "not_past":
		return "not in the past"
	case "within_days":
		return "at most " + c.given + " days"
	case "within_order":
		return "not longer than order_validity"
	case "wildcard":
		return map[string]string{"never": "no wildcard", "first": "a wildcard", "unusual": "a wildcard gives a warning"}[c.given]
	case "strict_profile":
		return "client_auth is not in the strict profile"
	}
	return ""
}

func (r *row) changeWords() string {
	if r.send == resource.SendNever && r.read == (resource.Read{}) {
		return ""
	}
	switch r.change {
	case resource.InPlace:
		return "changed in place (" + strings.ReplaceAll(r.method, "_", " ") + ")"
	case resource.Reissue:
		return "needs a reissue of the certificate"
	case resource.CreateOnly:
		return "counts only when the object is created; never compared later"
	}
	return "cannot be changed once the object is there"
}

func (r *row) sendWords() string {
	switch r.send {
	case resource.SendCreate:
		return "when the object is created"
	case resource.SendCreatePut:
		return "when the object is created, and by a call of its own when it changes"
	case resource.SendAfter:
		return "by a call of its own after the object is created"
	}
	return "never"
}

func (r *row) readWords() string {
	switch {
	case r.read.List != "":
		return "in the account's list: " + r.read.List
	case r.read.Info != "":
		return "in the object's own page: " + r.read.Info
	}
	return "the API does not show it"
}
