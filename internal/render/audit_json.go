package render

import (
	"io"

	"dcsync/internal/audit"
	"dcsync/internal/diag"
	"dcsync/internal/gitrepo"
	"dcsync/internal/resource"
)

// AuditJSON writes the document of an audit, and of its replay. found is about the project's files and where its state came from.
func AuditJSON(w io.Writer, r *audit.Report, found diag.List, version string) error {
	doc := auditJSON{
		header: newHeader(version), Project: r.Project, At: instant(r.At), Offline: r.Offline,
		Period: periodJSON{instant(r.From), instant(r.To)}, Head: orNil(r.Head), Complete: r.Complete, Commits: r.Commits, Transitions: r.Transitions,
		Entries: []entryJSON{}, Findings: []auditFindingJSON{}, Certificates: []certificateJSON{}, Diagnostics: findingsJSON(found),
	}
	for _, e := range r.Entries {
		doc.Entries = append(doc.Entries, entryJSON{
			addressOrNil(e.Address), e.Event, instant(e.At), orNil(e.Commit), orNil(identity(e.Author)), orNil(identity(e.Committer)),
			signatureOf(e.Signature), id(e.OrderID), orNil(e.Serial), orNil(e.StateCommit), e.Detail, addressOrNil(e.GoesOnAs),
		})
	}
	for _, f := range gravest(r.Findings) {
		j := auditFindingJSON{f.Code, f.Severity, addressOrNil(f.Address), instant(f.At), f.Summary, f.Hint, []evidenceJSON{}}
		for _, e := range f.Evidence {
			j.Evidence = append(j.Evidence, evidenceJSON(e))
		}
		doc.Findings = append(doc.Findings, j)
	}
	for _, c := range r.Certificates {
		doc.Certificates = append(doc.Certificates, certificateJSON{
			addressOrNil(c.Address), id(c.OrderID), c.Product, c.CommonName, orNil(c.Serial), c.Status, c.Current, instant(c.Ordered),
			instant(c.ValidFrom), instant(c.ValidTill), instant(c.OrderTill), instant(c.Renews), instant(c.Ended), orNil(c.EndedAs),
		})
	}
	return encode(w, doc)
}

// The parts of the document.
type (
	auditJSON struct {
		header
		Project      string             `json:"project"`
		At           *string            `json:"at"`
		Offline      bool               `json:"offline"`
		Period       periodJSON         `json:"period"`
		Head         *string            `json:"head"`
		Complete     bool               `json:"complete"`
		Commits      int                `json:"commits"`
		Transitions  int                `json:"transitions"`
		Entries      []entryJSON        `json:"entries"`
		Findings     []auditFindingJSON `json:"findings"`
		Certificates []certificateJSON  `json:"certificates"`
		Diagnostics  []findingJSON      `json:"diagnostics"`
	}
	periodJSON struct {
		From *string `json:"from"`
		To   *string `json:"to"`
	}
	entryJSON struct {
		Address     *resource.Address `json:"address"`
		Event       audit.Event       `json:"event"`
		At          *string           `json:"at"`
		Commit      *string           `json:"commit"`
		Author      *string           `json:"author"`
		Committer   *string           `json:"committer"`
		Signature   signatureJSON     `json:"signature"`
		OrderID     any               `json:"order_id"`
		Serial      *string           `json:"serial_number"`
		StateCommit *string           `json:"state_commit"`
		Detail      string            `json:"detail"`
		GoesOnAs    *resource.Address `json:"goes_on_as"`
	}
	signatureJSON struct {
		Verdict *gitrepo.Verdict `json:"verdict"`
		Key     *string          `json:"key"`
	}
	auditFindingJSON struct {
		Code     diag.Code         `json:"code"`
		Severity diag.Severity     `json:"severity"`
		Address  *resource.Address `json:"address"`
		At       *string           `json:"at"`
		Summary  string            `json:"summary"`
		Hint     string            `json:"hint"`
		Evidence []evidenceJSON    `json:"evidence"`
	}
	evidenceJSON struct {
		Kind  audit.EvidenceKind `json:"kind"`
		Value string             `json:"value"`
	}
	certificateJSON struct {
		Address    *resource.Address `json:"address"`
		OrderID    any               `json:"order_id"`
		Product    string            `json:"product"`
		CommonName string            `json:"common_name"`
		Serial     *string           `json:"serial_number"`
		Status     string            `json:"status"`
		Current    bool              `json:"current"`
		Ordered    *string           `json:"ordered"`
		ValidFrom  *string           `json:"valid_from"`
		ValidTill  *string           `json:"valid_till"`
		OrderTill  *string           `json:"order_valid_till"`
		Renews     *string           `json:"renews"`
		Ended      *string           `json:"ended"`
		EndedAs    *string           `json:"ended_as"`
	}
)

func signatureOf(j gitrepo.Judgement) signatureJSON {
	return signatureJSON{orNil(j.Verdict), orNil(j.Key)}
}

// addressOrNil gives null for the address of no single object.
func addressOrNil(a resource.Address) *resource.Address {
	if a == (resource.Address{}) {
		return nil
	}
	return &a
}
