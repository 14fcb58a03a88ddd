package render

import (
	"fmt"
	"strings"
	"time"

	"dcsync/internal/audit"
	"dcsync/internal/diag"
	"dcsync/internal/gitrepo"
	"dcsync/internal/resource"
)

// auditDay is the day of the audits below.
var auditDay = time.Date(2026, 11, 22, 3, 10, 0, 0, time.UTC)

// days gives an instant so many days from the audit.
func days(n int) time.Time { return auditDay.AddDate(0, 0, n) }

// commitID makes a commit's id that can be told apart at its beginning.
func commitID(n int) string { return fmt.Sprintf("%08x%032x", n*2654435761%(1<<32), n) }

// fullReport holds one of everything an audit can show.
func fullReport() *audit.Report {
	ann := gitrepo.Identity{Name: "Ann Author", Email: "ann@example.com"}
	bob := gitrepo.Identity{Name: "Bob Merger", Email: "bob@example.com"}
	bot := gitrepo.Identity{Name: "dcsync", Email: "dcsync@example.com"}
	good := gitrepo.Judgement{Verdict: gitrepo.Good, Key: "SHA256:uNiVztksCsDhcc0u9e8BgrJXVGDvA1L8R1Ed0QYLYPM", Principal: "ann@example.com"}
	none := gitrepo.Judgement{Verdict: gitrepo.Unsigned}
	acme := resource.Address{Kind: "Organization", Name: "acme"}
	signing, web, mail := order("installer-signing"), order("web"), order("mail")
	return &audit.Report{
		Project: "acme", At: auditDay, From: days(-400), Head: commitID(9), Commits: 230, Transitions: 14,
		Entries: []audit.Entry{
			{Address: acme, Event: audit.Requested, At: days(-380), Commit: commitID(1), Author: ann, Committer: bob, Signature: good},
			{Address: order("installer"), Event: audit.Requested, At: days(-380), Commit: commitID(1), Author: ann, Committer: bob, Signature: good, GoesOnAs: signing},
			{Address: acme, Event: audit.Applied, At: days(-379), Commit: commitID(1), Author: bot, Committer: bot, Signature: none, OrderID: "70011", StateCommit: commitID(2)},
			{Address: order("installer"), Event: audit.Applied, At: days(-379), Commit: commitID(1), Author: bot, Committer: bot, Signature: none, OrderID: "112233",
				Serial: "0A1B2C3D4E5F60718293A4B5C6D7E8F9", StateCommit: commitID(2), Detail: "generation 1", GoesOnAs: signing},
			{Address: web, Event: audit.Requested, At: days(-200), Commit: commitID(3), Author: bob, Committer: bob,
				Signature: gitrepo.Judgement{Verdict: gitrepo.UnknownKey, Key: "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU", Reason: "no allowed key"}},
			{Address: web, Event: audit.Applied, At: days(-199), Commit: commitID(3), Author: bot, Committer: bot, Signature: none, OrderID: "112240", StateCommit: commitID(4)},
			{Address: signing, Event: audit.Renewed, At: days(-40), Commit: commitID(1), Author: bot, Committer: bot, Signature: none, OrderID: "112290",
				Serial: "0B1B2C3D4E5F60718293A4B5C6D7E8F9", StateCommit: commitID(5), Detail: "renews 112233"},
			{Address: web, Event: audit.Changed, At: days(-30), Commit: commitID(6), Author: ann, Committer: ann,
				Signature: gitrepo.Judgement{Verdict: gitrepo.Bad, Key: "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU", Reason: "verify ssh signature: it does not belong to these bytes"}},
			{Address: mail, Event: audit.Retired, At: days(-20), Commit: commitID(7), Author: bot, Committer: bot, Signature: none, OrderID: "112250", StateCommit: commitID(8), Detail: "revoked: superseded"},
			{Address: mail, Event: audit.Forgotten, At: days(-10), Author: bot, Committer: bot, Signature: none, OrderID: "112250", StateCommit: commitID(9)},
		},
		Findings: []audit.Finding{
			{Code: "DC3003", Severity: diag.Error, Address: web, At: days(-30), Summary: "the signature of the commit that changed it is bad",
				Hint:     "ask Ann Author whether the commit is hers, and look at what it changes with `git show`",
				Evidence: []audit.Evidence{{Kind: audit.EvidenceCommit, Value: commitID(6)}, {Kind: audit.EvidenceKey, Value: "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"}}},
			{Code: "DC3001", Severity: diag.Error, Summary: "a live order of code_signing that nobody asked for",
				Hint:     "import it with `dcsync import`, or end it in the console",
				Evidence: []audit.Evidence{{Kind: audit.EvidenceOrder, Value: "112299"}, {Kind: audit.EvidenceText, Value: "code_signing for Acme Inc., issued"}}},
			{Code: "DC3002", Severity: diag.Warning, Address: web, At: days(-30), Summary: "merged and never applied",
				Hint:     "run `dcsync plan`",
				Evidence: []audit.Evidence{{Kind: audit.EvidenceCommit, Value: commitID(6)}, {Kind: audit.EvidenceTime, Value: days(-30).Format(time.RFC3339)}, {Kind: audit.EvidenceFile, Value: "manifests/orders/web.yaml"}}},
			{Code: "DC3005", Severity: diag.Note, Address: signing, Summary: "DigiCert corrected a field",
				Evidence: []audit.Evidence{{Kind: audit.EvidenceField, Value: "/organization/telephone"}, {Kind: audit.EvidenceSerial, Value: "0b1b2c3d4e5f60718293a4b5c6d7e8f9"}, {Kind: audit.EvidenceState, Value: commitID(5)}}},
		},
		Certificates: []audit.Certificate{
			{Address: signing, OrderID: "112290", Product: "code_signing", CommonName: "Acme Inc.", Serial: "0B1B2C3D4E5F60718293A4B5C6D7E8F9", Status: "issued",
				Current: true, Ordered: days(-40), ValidFrom: days(-39), ValidTill: days(326), OrderTill: days(326), Renews: days(296)},
			{Address: signing, OrderID: "112233", Product: "code_signing", CommonName: "Acme Inc.", Serial: "0A1B2C3D4E5F60718293A4B5C6D7E8F9", Status: "issued",
				Ordered: days(-379), ValidFrom: days(-378), ValidTill: days(-13), OrderTill: days(-13), Ended: days(-40), EndedAs: "renewed"},
			{Address: web, OrderID: "112240", Product: "ssl_basic", CommonName: "www.example.com", Status: "issued", Current: true,
				Ordered: days(-199), ValidFrom: days(-199), ValidTill: days(12), OrderTill: days(531)},
			{Address: mail, OrderID: "112250", Product: "secure_email_sponsor", CommonName: "mail.example.com", Status: "revoked",
				Ordered: days(-150), ValidFrom: days(-148), ValidTill: days(217), OrderTill: days(217), Ended: days(-20), EndedAs: "revoked"},
			{Address: order("vpn"), OrderID: "112260", Product: "ssl_plus", CommonName: "vpn.example.com", Status: "issued", Current: true,
				Ordered: days(-100), ValidFrom: days(-98), ValidTill: days(97), OrderTill: days(97), Renews: days(-3)},
			{Address: order("new"), OrderID: "112270", Status: "pending", Product: "ssl_plus", Current: true, Ordered: days(-1)},
		},
	}
}

// hostileNames are texts that a manifest, a commit or the account may hold.
func hostileNames() []string {
	return []string{
		`</script><script>document.title="owned"</script>`, `"><img src=x onerror=alert(1)>`, `' onfocus='alert(1)' autofocus tabindex='1`,
		`</style><style>body{display:none}</style>`, `<!--<script>`, `]]><svg/onload=alert(1)>`, `{{.Policy}} ${alert(1)} &lt;b&gt;`,
		"javascript:alert(1)", "moc.live\u202ecom.elpmaxe\u202c", "a\x00b\x1b[2Jc\u2028d\r\ne", "\xff\xfe broken", strings.Repeat("W", 10000),
		"=HYPERLINK(\"http://example.com\")", "\t=1+1", "＝1+1", "@SUM(A1)", "مثال \u2066שלום\u2069 例え",
	}
}

// hostileReport has such a text in every place that holds one from elsewhere.
func hostileReport() *audit.Report {
	r := &audit.Report{Project: hostileNames()[0], At: auditDay, Head: commitID(1), Complete: true}
	for i, name := range hostileNames() {
		a := resource.Address{Kind: "Order" + name[:1], Name: name}
		who := gitrepo.Identity{Name: name, Email: name}
		r.Entries = append(r.Entries, audit.Entry{Address: a, Event: audit.Requested, At: days(-i), Commit: name, Author: who,
			Committer: gitrepo.Identity{Name: name + "2", Email: name}, Signature: gitrepo.Judgement{Verdict: gitrepo.Bad, Key: name, Principal: name, Reason: name},
			OrderID: name, Serial: name, StateCommit: name, Detail: name, GoesOnAs: resource.Address{Kind: "Order", Name: name}})
		r.Findings = append(r.Findings, audit.Finding{Code: diag.Code(name), Severity: diag.Error, Address: a, At: days(-i), Summary: name, Hint: name,
			Evidence: []audit.Evidence{{Kind: audit.EvidenceCommit, Value: name}, {Kind: audit.EvidenceKind(name), Value: name}, {Kind: audit.EvidenceOrder, Value: name}}})
		r.Certificates = append(r.Certificates, audit.Certificate{Address: a, OrderID: name, Product: name, CommonName: name, Serial: name, Status: name, EndedAs: name,
			Current: i%2 == 0, Ordered: days(-100000), ValidFrom: days(-300), ValidTill: days(2000000), Ended: days(-i)})
	}
	return r
}

// largeReport has so many entries, and certificates and findings in proportion.
func largeReport(n int) *audit.Report {
	r := fullReport()
	r.Complete, r.Entries, r.Certificates = true, nil, nil
	events := []audit.Event{audit.Requested, audit.Applied, audit.Changed, audit.Applied, audit.Renewed}
	for i := range n {
		a := order(fmt.Sprintf("order-%04d", i%(n/10)))
		who := gitrepo.Identity{Name: fmt.Sprintf("Person %d", i%37), Email: fmt.Sprintf("person%d@example.com", i%37)}
		r.Entries = append(r.Entries, audit.Entry{Address: a, Event: events[i*10/n%len(events)], At: days(-n/10 + i/10), Commit: commitID(i), Author: who,
			Committer: gitrepo.Identity{Name: "Merge Queue", Email: "queue@example.com"}, Signature: gitrepo.Judgement{Verdict: gitrepo.Good, Key: "SHA256:uNiVztksCsDhcc0u9e8BgrJXVGDvA1L8R1Ed0QYLYPM"},
			OrderID: fmt.Sprint(100000 + i%(n/10)), Serial: fmt.Sprintf("%032X", i), StateCommit: commitID(i + n)})
		if i < n/10 {
			r.Certificates = append(r.Certificates, audit.Certificate{Address: a, OrderID: fmt.Sprint(100000 + i), Product: "ssl_plus", CommonName: a.Name + ".example.com",
				Status: "issued", Current: true, Ordered: days(-i % 365), ValidFrom: days(-i % 365), ValidTill: days(365 - i%365), Renews: days(335 - i%365)})
		}
		if i%50 == 0 {
			r.Findings = append(r.Findings, audit.Finding{Code: "DC3002", Severity: diag.Warning, Address: a, Summary: "merged and never applied",
				Evidence: []audit.Evidence{{Kind: audit.EvidenceCommit, Value: commitID(i)}}})
		}
	}
	return r
}
