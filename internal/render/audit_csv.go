package render

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"time"

	"dcsync/internal/audit"
)

// auditColumns are the columns of an audit as CSV. Findings and entries stand in one file; type tells them apart.
var auditColumns = [...]string{
	"type", "at", "address", "severity", "code", "event", "summary", "commit", "author", "committer", "signature", "signature_key", "order_id",
	"serial_number", "state_commit", "evidence", "hint", "goes_on_as",
}

// AuditCSV writes one line for each finding, gravest first, and then one for each entry. Spreadsheets take no cell of it for a formula.
func AuditCSV(w io.Writer, r *audit.Report) error {
	out := csv.NewWriter(w)
	rows := [][]string{auditColumns[:]}
	for _, f := range gravest(r.Findings) {
		var evidence []string
		for _, e := range f.Evidence {
			evidence = append(evidence, fmt.Sprintf("%s: %s", e.Kind, e.Value))
		}
		rows = append(rows, []string{
			"finding", stamp(f.At), subject(f.Address), string(f.Severity), string(f.Code), "", f.Summary, "", "", "", "", "", "", "", "",
			strings.Join(evidence, "; "), f.Hint, "",
		})
	}
	for _, e := range r.Entries {
		rows = append(rows, []string{
			"entry", stamp(e.At), subject(e.Address), "", "", string(e.Event), e.Detail, e.Commit, identity(e.Author), identity(e.Committer),
			string(e.Signature.Verdict), e.Signature.Key, e.OrderID, e.Serial, e.StateCommit, "", "", subject(e.GoesOnAs),
		})
	}
	for n, row := range rows {
		if n > 0 {
			for i := range row {
				row[i] = inert(row[i])
			}
		}
		if err := out.Write(row); err != nil {
			return fmt.Errorf("write CSV: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}

func stamp(t time.Time) string {
	if s := instant(t); s != nil {
		return *s
	}
	return ""
}

// inert makes a cell that no spreadsheet computes: what would begin a formula, also after blanks or in its full-width form, gets an
// apostrophe before it.
func inert(cell string) string {
	cell = clean(cell)
	if strings.IndexAny(strings.TrimLeft(cell, " "), "=+-@＝＋－＠") == 0 || cell != "" && cell[0] == ' ' {
		return "'" + cell
	}
	return cell
}
