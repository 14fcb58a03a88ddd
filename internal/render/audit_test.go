package render

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/audit"
	"dcsync/internal/diag"
	"dcsync/internal/resource"
	"dcsync/internal/term"
)

// plain writes in text without colour.
func plain(t *testing.T, r *audit.Report, write func(*term.Stream, *audit.Report) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(term.NewStream(&b, term.Never, nil), r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAuditGolden(t *testing.T) {
	t.Parallel()
	golden(t, "audit.txt", []byte(plain(t, fullReport(), AuditText)))
	golden(t, "audit-verify.txt", []byte(plain(t, fullReport(), AuditVerifyText)))
	golden(t, "audit-empty.txt", []byte(plain(t, &audit.Report{At: auditDay, Complete: true}, AuditText)))
	for name, write := range map[string]func(io.Writer) error{
		"audit.json": func(w io.Writer) error {
			return AuditJSON(w, fullReport(), diag.List{{Severity: diag.Note, Code: diag.StateElsewhere, Summary: "later state"}}, "1.2.3")
		},
		"audit-empty.json": func(w io.Writer) error {
			return AuditJSON(w, &audit.Report{At: auditDay, Complete: true}, nil, "1.2.3")
		},
		"audit.csv":  func(w io.Writer) error { return AuditCSV(w, fullReport()) },
		"audit.html": func(w io.Writer) error { return AuditHTML(w, fullReport(), "1.2.3") },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		// The page's style and script are their own source.
		page := regexp.MustCompile(`(?s)<(style|script)>.*?</`).ReplaceAll(b.Bytes(), []byte("<$1></"))
		golden(t, name, regexp.MustCompile(`sha256-[[:alnum:]/=]+(&#43;[[:alnum:]/=]+)*`).ReplaceAll(page, []byte("sha256-")))
	}
}

func TestAuditVerified(t *testing.T) {
	t.Parallel()
	r := &audit.Report{Complete: true, Commits: 1, Transitions: 1, Findings: []audit.Finding{{Severity: diag.Warning, Summary: "something"}}}
	if got := plain(t, r, AuditVerifyText); !strings.HasSuffix(got, "\nVerified: 1 change of the state file replayed in 1 commit; 0 errors, 1 warning, 0 notes.\n") {
		t.Errorf("got %q", got)
	}
}

// TestAuditGravestFirst: in every format, whatever the order of the report.
func TestAuditGravestFirst(t *testing.T) {
	t.Parallel()
	r := &audit.Report{Findings: []audit.Finding{
		{Severity: diag.Note, Summary: "third"}, {Severity: diag.Error, Summary: "first"}, {Severity: diag.Warning, Summary: "second"}, {Severity: diag.Error, Summary: "first too"},
	}}
	want := []string{"first", "first too", "second", "third"}
	var doc, table, page bytes.Buffer
	for _, err := range []error{AuditJSON(&doc, r, nil, "1"), AuditCSV(&table, r), AuditHTML(&page, r, "1")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"text": plain(t, r, AuditText), "json": doc.String(), "csv": table.String(), "html": page.String()[strings.Index(page.String(), "<main>"):]} {
		if got := regexp.MustCompile(`\b(first too|first|second|third)\b`).FindAllString(text, -1); !slices.Equal(got, want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestAuditReaches(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		has, least diag.Severity
		want       bool
	}{
		{diag.Error, diag.Error, true}, {diag.Error, diag.Note, true}, {diag.Warning, diag.Error, false}, {diag.Warning, diag.Warning, true},
		{diag.Note, diag.Warning, false}, {diag.Note, diag.Note, true},
	} {
		if got := AuditReaches([]audit.Finding{{Severity: tc.has}}, tc.least); got != tc.want {
			t.Errorf("%s reaches %s: %v", tc.has, tc.least, got)
		}
	}
	if AuditReaches(nil, diag.Note) {
		t.Error("nothing reaches a note")
	}
}

// TestAuditJSONMembers holds the document against the promised shape: what is not known is null and no list is.
func TestAuditJSONMembers(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	r := &audit.Report{Entries: []audit.Entry{{Event: audit.Requested}}, Findings: []audit.Finding{{Code: "DC3001"}}}
	if err := AuditJSON(&b, r, nil, "1.2.3"); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"format_version": "1", "dcsync_version": "1.2.3", "project": "", "at": nil, "offline": false, "head": nil, "complete": false,
		"commits": 0.0, "transitions": 0.0, "period": map[string]any{"from": nil, "to": nil}, "certificates": []any{}, "diagnostics": []any{},
		"entries": []any{map[string]any{"address": nil, "event": "requested", "at": nil, "commit": nil, "author": nil, "committer": nil,
			"signature": map[string]any{"verdict": nil, "key": nil}, "order_id": nil, "serial_number": nil, "state_commit": nil, "detail": "", "goes_on_as": nil}},
		"findings": []any{map[string]any{"code": "DC3001", "severity": "", "address": nil, "at": nil, "summary": "", "hint": "", "evidence": []any{}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestAuditCSVIsInert: no cell is a formula to a spreadsheet, and each record is one line.
func TestAuditCSVIsInert(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := AuditCSV(&b, hostileReport()); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(bytes.NewReader(b.Bytes())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if want := 1 + 2*len(hostileNames()); len(records) != want || strings.Count(b.String(), "\n") != want {
		t.Errorf("%d records in %d lines, want %d", len(records), strings.Count(b.String(), "\n"), want)
	}
	for _, record := range records {
		for _, cell := range record {
			if strings.IndexAny(strings.TrimSpace(cell), "=+-@＝＋－＠\t\r") == 0 {
				t.Errorf("a formula: %.40q", cell)
			}
			if strings.IndexFunc(cell, unicode.IsControl) >= 0 || strings.ContainsRune(cell, '\u202e') {
				t.Errorf("a control character in %.40q", cell)
			}
		}
	}
	for in, want := range map[string]string{"": "", "a=1": "a=1", "=1": "'=1", " =1": "' =1", "\t=1": "' =1", "\r1": "' 1", "-1": "'-1", "@x": "'@x", "＋1": "'＋1", "x": "x"} {
		if got := inert(in); got != want {
			t.Errorf("inert(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestAuditNamesOnce: a summary that names its object has no address before it.
func TestAuditNamesOnce(t *testing.T) {
	t.Parallel()
	r := &audit.Report{At: auditDay, Findings: []audit.Finding{{Severity: diag.Note, Address: order("a"), Summary: "Order/a was asked for"}}}
	if got := plain(t, r, AuditText); !strings.HasPrefix(got, "note: Order/a was asked for [") {
		t.Errorf("got %q", got)
	}
	if got := auditPageOf(t, r); !strings.Contains(got, `<h3><span class="summary">Order/a was asked for</span></h3>`) {
		t.Error("the page names it twice")
	}
}

// TestAuditTextIsClean: names steer no terminal and keep to their line.
func TestAuditTextIsClean(t *testing.T) {
	t.Parallel()
	r := hostileReport()
	got := plain(t, r, AuditText)
	for _, c := range got {
		if c != '\n' && (unicode.IsControl(c) || unicode.Is(unicode.Cf, c)) {
			t.Fatalf("control character %U", c)
		}
	}
	// Each finding: summary, since, three pieces of evidence, hint, blank. Then the table with its head, a blank and the summary.
	if want := len(r.Findings)*7 + len(r.Entries) + 3; strings.Count(got, "\n") != want {
		t.Errorf("%d lines, want %d", strings.Count(got, "\n"), want)
	}
}

// TestAuditTable: columns stand below each other, also with letters of several bytes and texts that are cut.
func TestAuditTable(t *testing.T) {
	t.Parallel()
	r := &audit.Report{Entries: []audit.Entry{
		{Address: order("ünïcödé"), Event: audit.Requested, At: auditDay, Commit: commitID(1), Detail: strings.Repeat("x", 100)},
		{Address: order("b"), Event: audit.Forgotten, At: auditDay.Add(time.Hour), Commit: commitID(2), Detail: "y"},
	}}
	lines := strings.Split(plain(t, r, AuditText), "\n")
	column := func(line, word string) int { return len([]rune(line[:strings.Index(line, word)])) }
	for _, want := range []struct{ head, one, two string }{{"COMMIT", commitID(1)[:12], commitID(2)[:12]}, {"DETAIL", "xxx", "y"}} {
		at := column(lines[0], want.head)
		if column(lines[1], want.one) != at || column(lines[2], want.two) != at {
			t.Errorf("%s:\n%s", want.head, strings.Join(lines[:3], "\n"))
		}
	}
	if !strings.HasSuffix(lines[1], "xxx…") {
		t.Errorf("not cut: %s", lines[1])
	}
}

// TestAuditTrail: evidence leads to the entries of its commit, order or certificate, those of the finding's own address first.
func TestAuditTrail(t *testing.T) {
	t.Parallel()
	r := fullReport()
	trail := newTrail(r.Entries)
	for _, tc := range []struct {
		name    string
		e       audit.Evidence
		address resource.Address
		want    []int
	}{
		{"commit of an address", audit.Evidence{Kind: audit.EvidenceCommit, Value: commitID(1)}, order("installer-signing"), []int{2, 4, 7}},
		{"commit of all", audit.Evidence{Kind: audit.EvidenceCommit, Value: commitID(1)}, resource.Address{}, []int{1, 2, 3, 4, 7}},
		{"commit of others only", audit.Evidence{Kind: audit.EvidenceCommit, Value: commitID(7)}, order("web"), []int{9}},
		{"state", audit.Evidence{Kind: audit.EvidenceState, Value: commitID(2)}, resource.Address{}, []int{3, 4}},
		{"order", audit.Evidence{Kind: audit.EvidenceOrder, Value: "112250"}, order("mail"), []int{9, 10}},
		{"serial in other letters", audit.Evidence{Kind: audit.EvidenceSerial, Value: "0b1b2c3d4e5f60718293a4b5c6d7e8f9"}, order("installer-signing"), []int{7}},
		{"text is no link", audit.Evidence{Kind: audit.EvidenceText, Value: "112250"}, order("mail"), nil},
		{"nothing", audit.Evidence{Kind: audit.EvidenceOrder}, order("mail"), nil},
	} {
		if diff := cmp.Diff(tc.want, trail.of(tc.e, tc.address)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}
