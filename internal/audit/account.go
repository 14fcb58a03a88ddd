package audit

import (
	"fmt"
	"strings"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
)

// account reports what the account shows and git does not say, from the drift that was read.
func (a *auditor) account() {
	if a.Drift == nil {
		return
	}
	for address, seen := range a.Drift.Seen {
		if e := a.State.Objects[address]; e != nil {
			see(a.order(address.Kind, e.Identity.ID), seen, a.Now)
		}
	}
	for _, u := range a.Drift.Unmanaged {
		f := Finding{Code: diag.AuditUnmanaged, Severity: diag.Error, Evidence: []Evidence{{EvidenceOrder, u.ID}, {EvidenceText, u.Summary}},
			Summary: fmt.Sprintf("%s %s is live in the account and nobody asked for it in git", u.Kind, u.ID),
			Hint:    "find out who ordered it; end it, or leave it out with spec.scope"}
		switch r := a.orders[orderKey(u.Kind, u.ID)]; {
		case r != nil:
			f.Code, f.Severity, f.Address = diag.AuditReleased, diag.Warning, r.Address
			f.Summary = fmt.Sprintf("%s %s lives on in the account, and git no longer manages it", u.Kind, u.ID)
			f.Hint = "end it in the console when it is not needed, or manage it again"
		case u.Product == "":
			f.Severity = diag.Note // no order: it costs nothing and certifies nothing
			f.Hint = "manage it, or leave it out with spec.scope"
		}
		a.addNow(f)
	}
	for _, c := range a.Drift.Changes {
		if c.Action == resource.Noop || c.Trigger != resource.ByDrift {
			continue
		}
		f := Finding{Code: diag.AuditDrift, Severity: diag.Warning, Address: c.Address, Summary: changedOutside(c.Reason),
			Hint: "run dcsync drift to see the difference; apply puts back what it can", Evidence: []Evidence{{EvidenceOrder, c.ID}}}
		switch {
		case c.Unread:
			f.Code, f.Summary, f.Hint = diag.AuditUnread, c.Reason, "run the audit again, with a key that sees the whole account"
		case c.Corrected:
			f.Severity, f.Hint = diag.Note, "write the live values into the manifest"
		}
		for _, field := range c.Fields {
			f.Evidence = append(f.Evidence, Evidence{EvidenceField, string(field.Path)})
		}
		a.addNow(f)
	}
	for _, u := range a.Drift.Unnamed {
		a.addNow(Finding{Code: diag.AuditApprover, Severity: diag.Warning, Address: u.Address, Evidence: []Evidence{{EvidenceOrder, u.ID}, {EvidenceText, u.Person}},
			Summary: fmt.Sprintf("%s may approve orders by the validation %s, and no manifest names them", u.Person, u.Type),
			Hint:    "remove them in the console, or name them in verified_users"})
	}
	if !a.Drift.Complete {
		a.report.Complete = false
		a.addNow(Finding{Code: diag.AuditUnread, Severity: diag.Warning, Summary: "the account could not be read as a whole, so something in it may be missing here",
			Hint: "run the audit again, with a key that sees the whole account"})
	}
}

// changedOutside says that the account was changed outside git, and how, once: most reasons of a drift say so themselves.
func changedOutside(reason string) string {
	if strings.Contains(reason, "outside git") {
		return reason
	}
	return "the account was changed outside git: " + reason
}
