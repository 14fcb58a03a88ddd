package render

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"dcsync/internal/audit"
)

func auditPageOf(t *testing.T, r *audit.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := AuditHTML(&b, r, "1.2.3"); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestAuditHTMLEscapes: texts from elsewhere make no element, no attribute and no style; all of them are there.
func TestAuditHTMLEscapes(t *testing.T) {
	t.Parallel()
	text := auditPageOf(t, hostileReport())
	for _, wrong := range []string{"ZgotmplZ", "<img", "<svg/onload", "<b>", "\u202e", "\x00", "\x1b", "<!--"} {
		if strings.Contains(text, wrong) {
			t.Errorf("the page holds %q", wrong)
		}
	}
	for _, tag := range []string{"<script>", "</script>", "<style>", "</style>", "<title>", "</title>", "<body>"} {
		if n := strings.Count(text, tag); n != 1 {
			t.Errorf("%d times %s", n, tag)
		}
	}
	if n := strings.Count(text, strings.Repeat("W", 10000)); n < 15 {
		t.Errorf("the long name is whole in %d places only", n)
	}
	if attribute := regexp.MustCompile(`<[a-z][^>]*\s(on[a-z]+|style|src|action|formaction|ping)=`).FindString(text); attribute != "" {
		t.Errorf("an attribute that nobody needs: %s", attribute)
	}
	for _, href := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(text, -1) {
		if !strings.HasPrefix(href[1], "#") {
			t.Errorf("a link out: %s", href[0])
		}
	}
	for _, c := range text {
		if unicode.IsControl(c) && c != '\n' {
			t.Fatalf("control character %U", c)
		}
	}
}

// TestAuditHTMLLinks: every anchor is there once, and every link has one.
func TestAuditHTMLLinks(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*audit.Report{"full": fullReport(), "hostile": hostileReport(), "empty": {At: auditDay}, "large": largeReport(500)} {
		text := auditPageOf(t, r)
		ids := map[string]int{}
		for _, m := range regexp.MustCompile(`\sid="([^"]*)"`).FindAllStringSubmatch(text, -1) {
			ids[m[1]]++
		}
		for id, n := range ids {
			if n != 1 {
				t.Errorf("%s: %d elements are %s", name, n, id)
			}
		}
		links := regexp.MustCompile(`(?:href="#|for="|aria-labelledby=")([^"]*)"`).FindAllStringSubmatch(text, -1)
		for _, m := range links {
			for _, id := range strings.Fields(m[1]) {
				if ids[id] == 0 {
					t.Errorf("%s: %s leads nowhere", name, m[0])
				}
			}
		}
		if len(links) < 10 {
			t.Errorf("%s: %d links", name, len(links))
		}
	}
}

// TestAuditHTMLIsDeterministic: equal reports give equal bytes.
func TestAuditHTMLIsDeterministic(t *testing.T) {
	t.Parallel()
	first := auditPageOf(t, hostileReport())
	if second := auditPageOf(t, hostileReport()); first != second {
		t.Error("two pages of one report differ")
	}
}

// TestAuditHTMLNests: elements are closed in the order in which they were opened.
func TestAuditHTMLNests(t *testing.T) {
	t.Parallel()
	text := auditPageOf(t, fullReport())
	text = regexp.MustCompile(`(?s)<(script|style)>.*?</(script|style)>`).ReplaceAllString(text, "")
	text = strings.ReplaceAll(text, " data-item", ` data-item=""`)
	text = regexp.MustCompile(`<(meta|input|col)\b([^>]*)>`).ReplaceAllString(text, "<$1$2/>")
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// TestAuditHTMLSaysHowMuch: what limits the conclusions stands on the page.
func TestAuditHTMLSaysHowMuch(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		r    audit.Report
		want []string
		not  []string
	}{
		{audit.Report{Complete: true}, []string{"Nothing to report", "No certificate is recorded.", "Nothing happened in this period."}, []string{"Incomplete.", "Offline."}},
		{audit.Report{}, []string{"Incomplete.", "Nothing found in what could be read"}, []string{"Nothing to report", "Offline."}},
		{audit.Report{Complete: true, Offline: true}, []string{"Offline."}, []string{"Incomplete."}},
	} {
		text := auditPageOf(t, &tc.r)
		for _, want := range tc.want {
			if !strings.Contains(text, want) {
				t.Errorf("%+v: no %q", tc.r, want)
			}
		}
		for _, not := range tc.not {
			if strings.Contains(text, not) {
				t.Errorf("%+v: %q", tc.r, not)
			}
		}
	}
}
