package render

import (
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"
	"time"

	"dcsync/internal/audit"
	"dcsync/internal/diag"
	"dcsync/internal/gitrepo"
	"dcsync/internal/resource"
)

// auditPage is what the template of the report shows. Its texts have no control characters; the template escapes the rest.
type auditPage struct {
	Version string
	Style   template.CSS
	Script  template.JS
	Policy  string

	Report      *audit.Report
	Project     string
	Title       string // of the window, which holds no long name
	Period      string
	Head        string
	Verdict     string
	Counts      []severityCount
	Current     int // certificates that live
	Soon        int // of them, those that end within a month
	Kinds       []string
	Events      []audit.Event
	Findings    []pageFinding
	Entries     []pageEntry
	Lives       []pageLife
	Large       bool // what is off the screen is not laid out
	EntryGroups []entryGroup
	LifeGroups  []lifeGroup
	Axis        axis
	Months      []pageMonth
	Severities  []diag.Severity
}

type severityCount struct {
	Severity diag.Severity
	N        int
	Noun     string
}

// pageFinding is one finding. N counts from 1 in the order shown, and names its anchor.
type pageFinding struct {
	N        int
	Severity diag.Severity
	Code     string
	Kind     string
	Address  string // "" when the summary names it
	At       time.Time
	Summary  string
	Hint     string
	Evidence []pageEvidence
}

type pageEvidence struct {
	Name    string
	Value   string
	Code    bool // an id, to be shown letter by letter
	Entries []int
	More    int // entries that are not linked
}

// pageEntry is one entry. N counts from 1, oldest first, and names its anchor.
type pageEntry struct {
	N           int
	Kind        string
	Address     string
	GoesOnAs    string // "" while it has that name
	Event       audit.Event
	At          time.Time
	Detail      string
	Author      string
	Committer   string // "" when it is the author
	Verdict     string
	Sign        string // class of the verdict
	Key         string
	Commit      string
	StateCommit string
	OrderID     string
	Serial      string
	Findings    []int
}

func newAuditPage(r *audit.Report) *auditPage {
	p := &auditPage{
		Report: r, Project: clean(r.Project), Title: cut(clean(r.Project), 80), Period: period(r), Head: clean(r.Head), Verdict: verdictOf(r),
		Severities: severities(),
		Events:     []audit.Event{audit.Requested, audit.Changed, audit.Applied, audit.Renewed, audit.Retired, audit.Forgotten},
	}
	for _, s := range severities() {
		n := countSeverity(r.Findings, s)
		noun := string(s)
		if n != 1 {
			noun += "s"
		}
		p.Counts = append(p.Counts, severityCount{s, n, noun})
	}
	trail := newTrail(r.Entries)
	p.findings(gravest(r.Findings), trail)
	p.entries(r.Entries)
	p.lives(r, trail)
	p.EntryGroups, p.LifeGroups = groupEntries(p.Entries), groupLives(p.Lives)
	p.Large = len(p.Entries)+len(p.Lives) > 5*mostEntries
	p.Months = calendar(p.Lives, r.At)
	p.kinds(r)
	return p
}

func verdictOf(r *audit.Report) string {
	switch {
	case len(r.Findings) > 0:
		return countFindings(r.Findings)
	case r.Complete:
		return "Nothing to report"
	}
	return "Nothing found in what could be read"
}

// findings lists the findings, and notes at each entry which of them rest on it.
func (p *auditPage) findings(list []audit.Finding, trail *trail) {
	for i, f := range list {
		shown := pageFinding{
			N: i + 1, Severity: f.Severity, Code: clean(string(f.Code)), Kind: clean(f.Address.Kind), Address: subject(f.Address), At: f.At,
			Summary: clean(f.Summary), Hint: clean(f.Hint),
		}
		if strings.Contains(f.Summary, shown.Address) {
			shown.Address = ""
		}
		for _, e := range f.Evidence {
			numbers := trail.of(e, f.Address)
			for _, n := range numbers {
				trail.rests(n, shown.N)
			}
			linked := numbers[:min(len(numbers), mostLinks)]
			shown.Evidence = append(shown.Evidence, pageEvidence{
				Name: evidenceName(e.Kind), Value: clean(e.Value), Code: isID(e.Kind), Entries: linked, More: len(numbers) - len(linked),
			})
		}
		p.Findings = append(p.Findings, shown)
	}
	p.Entries = make([]pageEntry, len(trail.findings))
	for i := range p.Entries {
		p.Entries[i].Findings = trail.findings[i]
	}
}

func (p *auditPage) entries(list []audit.Entry) {
	for i, e := range list {
		at := &p.Entries[i]
		at.N, at.Kind, at.Address, at.Event, at.At, at.Detail = i+1, clean(e.Address.Kind), subject(e.Address), e.Event, e.At, clean(e.Detail)
		at.GoesOnAs = subject(e.GoesOnAs)
		at.Author = clean(identity(e.Author))
		if e.Committer != e.Author {
			at.Committer = clean(identity(e.Committer))
		}
		at.Verdict, at.Sign = signatureWords(e.Signature)
		at.Key = clean(e.Signature.Key)
		at.Commit, at.StateCommit = short(clean(e.Commit)), short(clean(e.StateCommit))
		at.OrderID, at.Serial = clean(e.OrderID), clean(e.Serial)
	}
}

// signatureWords gives what to say of a signature with whose it is or why it is not good, and a class for how grave that is.
func signatureWords(j gitrepo.Judgement) (words, class string) {
	words = verdictWords(j.Verdict)
	switch j.Verdict {
	case gitrepo.Good:
		class = "good"
	case gitrepo.Bad:
		class = "error"
	case gitrepo.UnknownKey:
		class = "warning"
	}
	for _, more := range []string{j.Principal, j.Reason} {
		if more != "" {
			words += ": " + more
		}
	}
	return clean(words), class
}

// kinds lists the kinds that can be filtered by.
func (p *auditPage) kinds(r *audit.Report) {
	seen := map[string]bool{}
	note := func(a resource.Address) {
		if a.Kind != "" {
			seen[clean(a.Kind)] = true
		}
	}
	for _, e := range r.Entries {
		note(e.Address)
	}
	for _, f := range r.Findings {
		note(f.Address)
	}
	for _, c := range r.Certificates {
		note(c.Address)
	}
	p.Kinds = slices.Sorted(maps.Keys(seen))
}

func isID(k audit.EvidenceKind) bool {
	switch k {
	case audit.EvidenceCommit, audit.EvidenceState, audit.EvidenceOrder, audit.EvidenceFile, audit.EvidenceKey, audit.EvidenceSerial,
		audit.EvidenceField:
		return true
	}
	return false
}

// mostLinks is how many others one row links to.
const mostLinks = 12

// trail finds the entries that belong to a commit, an order or a certificate. Entries are numbered from 1.
type trail struct {
	entries  []audit.Entry
	commits  map[string][]int
	orders   map[string][]int
	serials  map[string][]int
	findings [][]int // by entry: the findings that rest on it
}

func newTrail(entries []audit.Entry) *trail {
	t := &trail{entries, map[string][]int{}, map[string][]int{}, map[string][]int{}, make([][]int, len(entries))}
	for i, e := range entries {
		note := func(index map[string][]int, key string) {
			if list := index[key]; key != "" && (len(list) == 0 || list[len(list)-1] != i+1) {
				index[key] = append(list, i+1)
			}
		}
		note(t.commits, e.Commit)
		note(t.commits, e.StateCommit)
		note(t.orders, e.OrderID)
		note(t.serials, strings.ToLower(e.Serial))
	}
	return t
}

// of gives the entries behind a piece of evidence: those of the address, under all its names, or all of them when none is.
func (t *trail) of(e audit.Evidence, a resource.Address) []int {
	var all []int
	switch e.Kind {
	case audit.EvidenceCommit, audit.EvidenceState:
		all = t.commits[e.Value]
	case audit.EvidenceOrder:
		all = t.orders[e.Value]
	case audit.EvidenceSerial:
		all = t.serials[strings.ToLower(e.Value)]
	}
	var own []int
	for _, n := range all {
		if e := t.entries[n-1]; e.Address == a || e.GoesOnAs == a && a != (resource.Address{}) {
			own = append(own, n)
		}
	}
	if len(own) > 0 {
		return own
	}
	return all
}

// rests notes that a finding rests on an entry, as long as it has room for the link.
func (t *trail) rests(entry, finding int) {
	list := t.findings[entry-1]
	if len(list) < mostLinks && !slices.Contains(list, finding) {
		t.findings[entry-1] = append(list, finding)
	}
}

// Summed says how much was looked at.
func (p *auditPage) Summed() string {
	return fmt.Sprintf("%s, %s of the state file", plural(p.Report.Commits, "commit"), plural(p.Report.Transitions, "change"))
}
