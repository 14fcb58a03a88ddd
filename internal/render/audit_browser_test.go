package render

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/chromedp"

	"dcsync/internal/audit"
)

// TestAuditInBrowser looks at the page with a real browser.
func TestAuditInBrowser(t *testing.T) {
	browser := startBrowser(t)

	t.Run("needs nothing and says nothing", func(t *testing.T) {
		for _, tc := range []struct {
			r    *audit.Report
			want string
		}{
			{fullReport(), "4 of 4 findings · 6 of 6 certificates · 10 of 10 entries"},
			{hostileReport(), fmt.Sprintf("%[1]d of %[1]d findings · %[1]d of %[1]d certificates · %[1]d of %[1]d entries", len(hostileNames()))},
			{&audit.Report{At: auditDay, Complete: true}, ""},
		} {
			p := show(t, browser, tc.r, desktop)
			p.quiet()
			if got := ask[string](p, `shown.value`); got != tc.want {
				t.Errorf("the script says %q, want %q", got, tc.want)
			}
			if got := ask[bool](p, `filter.checkVisibility()`); got != (tc.want != "") {
				t.Errorf("the form is shown: %v", got)
			}
		}
	})

	t.Run("hostile names stay text", func(t *testing.T) {
		p := show(t, browser, hostileReport(), desktop)
		known := "A BODY BUTTON CAPTION CIRCLE CODE COL COLGROUP DD DIV DL DT FOOTER FORM H1 H2 H3 HEAD HEADER HTML INPUT LABEL LI LINE MAIN META NAV OL OPTION " +
			"OUTPUT P PATH RECT SCRIPT SECTION SELECT SPAN STRONG STYLE SVG TABLE TBODY TD TEXT TH THEAD TIME TITLE TR UL"
		for _, tag := range ask[[]string](p, `[...new Set([...document.querySelectorAll("*")].map((e) => e.tagName.toUpperCase()))].sort()`) {
			if !slices.Contains(strings.Fields(known), tag) {
				t.Errorf("an element that the page does not have: %s", tag)
			}
		}
		if got := ask[int](p, `document.scripts.length + document.querySelectorAll("style").length + document.links.length - document.querySelectorAll("a").length`); got != 2 {
			t.Errorf("%d scripts and styles, want 2", got)
		}
		if got := ask[string](p, `document.title`); !strings.HasPrefix(got, "Certificate audit of </script><script>") {
			t.Errorf("title %q", got)
		}
		for _, text := range hostileNames() {
			if !ask[bool](p, fmt.Sprintf(`document.querySelector("main").textContent.includes(%s)`, jsString(clean(text)))) {
				t.Errorf("not on the page: %.40q", text)
			}
		}
		p.quiet()
	})

	t.Run("fits a phone", func(t *testing.T) {
		for name, r := range map[string]*audit.Report{"full": fullReport(), "hostile": hostileReport()} {
			p := show(t, browser, r, phone)
			if got := ask[int](p, `Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)`); got > int(phone.width) {
				t.Errorf("%s: the page is %d wide", name, got)
			}
			for _, wide := range ask[[]string](p, beyondTheEdge) {
				t.Errorf("%s: beyond the edge: %.120s", name, wide)
			}
		}
	})

	t.Run("can be read in both schemes", func(t *testing.T) {
		p := show(t, browser, fullReport(), desktop)
		for _, s := range []screen{desktop, phone, {width: 1280, height: 900, dark: true}, {width: 320, height: 640, dark: true}, {width: 1030, height: 730, print: true}} {
			p.look(s)
			got := ask[struct {
				Seen int
				Poor []string
			}](p, contrasts)
			for _, poor := range got.Poor {
				t.Errorf("%+v: %s", s, poor)
			}
			if got.Seen < 150 {
				t.Errorf("%+v: only %d texts were looked at", s, got.Seen)
			}
		}
	})

	t.Run("goes by keyboard", func(t *testing.T) { byKeyboard(t, show(t, browser, fullReport(), desktop)) })

	t.Run("links lead somewhere", func(t *testing.T) {
		p := show(t, browser, fullReport(), desktop)
		if got := ask[[]string](p, `[...document.querySelectorAll("a")].map((a) => a.getAttribute("href")).filter((h) => !document.getElementById(h.slice(1)))`); len(got) > 0 {
			t.Errorf("nowhere: %q", got)
		}
		// A link to a row that the filter hides shows it again.
		p.do(chromedp.Evaluate[chromedp.Void](`q.value = "bad"; filter.requestSubmit()`))
		if ask[bool](p, `e4.checkVisibility()`) || !ask[bool](p, `f1.checkVisibility()`) {
			t.Fatal("the search did not hide entry 4 only")
		}
		p.do(chromedp.Evaluate[chromedp.Void](`location.hash = "#e4"`))
		p.until(`e4.checkVisibility() && q.value === ""`)
	})

	t.Run("tables are tables", func(t *testing.T) {
		p := show(t, browser, fullReport(), desktop)
		semantics(t, p)
		p.look(phone)
		semantics(t, p)
	})

	t.Run("prints whole", func(t *testing.T) {
		p := show(t, browser, hostileReport(), desktop)
		p.do(chromedp.Evaluate[chromedp.Void](`q.value = "no such thing"; filter.requestSubmit()`))
		if ask[int](p, `document.querySelectorAll("[data-item]:not(.out)").length`) != 0 {
			t.Fatal("the search found something")
		}
		p.look(screen{width: 1030, height: 730, print: true})
		if got := ask[int](p, `[...document.querySelectorAll("[data-item]")].filter((e) => !e.checkVisibility()).length`); got != 0 {
			t.Errorf("%d rows are not on paper", got)
		}
		if got := ask[[]string](p, `[...document.querySelectorAll("form, nav, .skip, input, button")].filter((e) => e.checkVisibility()).map((e) => e.tagName)`); len(got) > 0 {
			t.Errorf("on paper: %q", got)
		}
		if got := ask[int](p, `[...document.querySelectorAll(".long")].filter((e) => e.getClientRects().length && e.scrollHeight > e.clientHeight && getComputedStyle(e).display !== "inline").length`); got != 0 {
			t.Errorf("%d long texts are cut", got)
		}
		p = show(t, browser, fullReport(), desktop)
		if pdf, err := chromedp.Run(p.ctx, chromedp.PrintToPDF()); err != nil || !strings.HasPrefix(string(pdf), "%PDF-") {
			t.Errorf("print: %v", err)
		}
	})

	t.Run("works without script", func(t *testing.T) {
		s := desktop
		s.noScript = true
		p := show(t, browser, fullReport(), s)
		doc, err := chromedp.Run(p.ctx, chromedp.Nodes(`.out, [hidden]`, chromedp.AtLeast(0)))
		if err != nil || len(doc) != 1 || doc[0].AttributeValue("id") != "filter" {
			t.Errorf("hidden without script: %v %v", doc, err)
		}
		p.quiet()
	})

	t.Run("takes 10,000 entries", func(t *testing.T) {
		p := show(t, browser, largeReport(10000), desktop)
		p.quiet()
		for _, tc := range []struct{ search, kind, event, want string }{
			{"", "", "", "204 of 204 findings · 1 000 of 1 000 certificates · 10 000 of 10 000 entries"},
			{"order-0007", "", "", "0 of 204 findings · 1 of 1 000 certificates · 10 of 10 000 entries"},
			{"person7@example.com", "", "", "0 of 204 findings · 0 of 1 000 certificates · 271 of 10 000 entries"},
			{commitID(77), "", "", "0 of 204 findings · 0 of 1 000 certificates · 1 of 10 000 entries"},
			{fmt.Sprintf("%032x", 1234), "Order", "", "0 of 204 findings · 0 of 1 000 certificates · 1 of 10 000 entries"},
			{"", "", "renewed", "204 of 204 findings · 1 000 of 1 000 certificates · 2 000 of 10 000 entries"},
		} {
			took := ask[float64](p, fmt.Sprintf(`(() => {
				q.value = %s; kind.value = %q; document.getElementById("event").value = %q;
				const start = performance.now();
				filter.requestSubmit();
				document.body.offsetHeight;
				return performance.now() - start;
			})()`, jsString(tc.search), tc.kind, tc.event))
			t.Logf("%q %q %q took %.0f ms", tc.search, tc.kind, tc.event, took)
			if got := strings.ReplaceAll(ask[string](p, `shown.value`), "\u202f", " "); got != tc.want {
				t.Errorf("%q %q %q: %s, want %s", tc.search, tc.kind, tc.event, got, tc.want)
			}
		}
	})

	t.Run("goes to a far row", func(t *testing.T) {
		p := show(t, browser, largeReport(2000), desktop)
		for _, row := range []string{"e1900", "k150", "e3", "f1"} {
			p.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf("location.hash = %q", row)))
			p.until(fmt.Sprintf(`(() => {
				const r = document.getElementById(%q).getBoundingClientRect();
				return r.height > 0 && r.top >= filter.getBoundingClientRect().bottom && r.bottom <= innerHeight;
			})()`, row))
		}
	})

	t.Run("pictures", func(t *testing.T) {
		folder := os.Getenv("DCSYNC_ARTIFACTS")
		if folder == "" {
			t.Skip("DCSYNC_ARTIFACTS names no folder for them")
		}
		p := show(t, browser, fullReport(), desktop)
		for name, s := range map[string]screen{
			"audit-desktop": desktop, "audit-phone": phone, "audit-dark": {width: 1280, height: 900, dark: true},
			"audit-phone-dark": {width: 320, height: 640, dark: true}, "audit-print": {width: 1030, height: 730, print: true},
		} {
			p.look(s)
			p.keep(folder, name)
		}
	})
}

// until waits for an expression to be true.
func (p *tab) until(expression string) {
	p.Helper()
	p.do(func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Poll[bool](expression)(ctx, target)
		return chromedp.Void{}, err
	})
}

func jsString(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// byKeyboard walks through the page with the tabulator, searches, filters and clears.
func byKeyboard(t *testing.T, p *tab) {
	focus := func() string {
		return ask[string](p, `document.activeElement.id || document.activeElement.getAttribute("href") || document.activeElement.type || document.activeElement.tagName`)
	}
	var walked []string
	for range 11 {
		p.do(chromedp.KeyEvent("\t"))
		walked = append(walked, focus())
		ring := ask[string](p, `(() => { const s = getComputedStyle(document.activeElement); return s.outlineStyle === "none" ? "" : s.outlineWidth; })()`)
		if ring != "3px" {
			t.Errorf("%s shows no focus: %q", focus(), ring)
		}
		if !ask[bool](p, `(() => { const r = document.activeElement.getBoundingClientRect(); return r.top >= 0 && r.bottom <= innerHeight && r.width > 0; })()`) {
			t.Errorf("%s has the focus and cannot be seen", focus())
		}
	}
	want := []string{"#findings", "#findings", "#lives", "#calendar", "#evidence", "q", "kind", "severity", "event", "reset", "#e8"}
	if !slices.Equal(walked, want) {
		t.Fatalf("the focus went\n%q, want\n%q", walked, want)
	}
	// The first stop is the way past all that.
	p.do(chromedp.Evaluate[chromedp.Void](`document.querySelector(".skip").focus()`), chromedp.KeyEvent("\r"))
	p.until(`location.hash === "#findings"`)
	p.do(chromedp.KeyEvent("\t"))
	if got := focus(); got != "#e8" {
		t.Errorf("after the skip link the focus is on %s", got)
	}
	p.do(chromedp.Evaluate[chromedp.Void](`q.focus()`), chromedp.KeyEvent("112250"))
	p.until(`shown.value === "0 of 4 findings · 1 of 6 certificates · 2 of 10 entries"`)
	p.do(chromedp.KeyEvent("\t\t\t"))
	if got := focus(); got != "event" {
		t.Fatalf("the focus is on %s", got)
	}
	p.do(chromedp.KeyEvent("ret"))
	p.until(`shown.value === "0 of 4 findings · 1 of 6 certificates · 1 of 10 entries"`)
	p.do(chromedp.KeyEvent("\t\r"))
	p.until(`shown.value === "4 of 4 findings · 6 of 6 certificates · 10 of 10 entries" && q.value === ""`)
	p.do(chromedp.Evaluate[chromedp.Void](`severity.focus()`), chromedp.KeyEvent("war"))
	p.until(`shown.value.startsWith("1 of 4 findings · 6 of 6")`)
	p.quiet()
}

// semantics holds the page against what a screen reader is told.
func semantics(t *testing.T, p *tab) {
	roles := map[string]int{}
	for _, n := range call(p, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{}).Nodes {
		if n.Ignored || n.Role == nil {
			continue
		}
		role := strings.Trim(string(n.Role.Value), `"`)
		roles[role]++
		name := ""
		if n.Name != nil {
			name = strings.Trim(string(n.Name.Value), `"`)
		}
		switch role {
		case "table", "navigation", "search", "region", "searchbox", "combobox", "button", "link", "columnheader", "rowheader":
			if name == "" {
				t.Errorf("a %s without name", role)
			}
		}
	}
	for role, want := range map[string]int{
		"main": 1, "banner": 1, "contentinfo": 1, "navigation": 1, "search": 1, "region": 4, "table": 2 + 4, "searchbox": 1, "status": 1,
		"rowheader": 6 + 14 + 10, "columnheader": 3 + 3 + 4*8, "row": 2 + 4 + 6 + 14 + 10,
	} {
		if roles[role] != want {
			t.Errorf("%d %s, want %d", roles[role], role, want)
		}
	}
	for what, expression := range map[string]string{
		"table without caption":     `[...document.querySelectorAll("table")].filter((e) => !e.caption).length`,
		"header without scope":      `[...document.querySelectorAll("th")].filter((e) => !e.scope).length`,
		"field without label":       `[...document.querySelectorAll("input, select")].filter((e) => !e.labels.length).length`,
		"heading that skips a step": `[...document.querySelectorAll("h1, h2, h3")].map((e) => +e.tagName[1]).filter((l, i, all) => l > (i ? all[i - 1] : 0) + 1).length`,
		"missing language":          `document.documentElement.lang === "en" ? 0 : 1`,
	} {
		if n := ask[int](p, expression); n != 0 {
			t.Errorf("%d %s", n, what)
		}
	}
}

// beyondTheEdge lists what stands out of the window and is not in a box that scrolls.
const beyondTheEdge = `[...document.querySelectorAll("body *")].filter((e) => {
	if (e.closest(".long, .skip, thead, svg")) return false;
	const r = e.getBoundingClientRect();
	return r.width > 0 && (r.right > innerWidth + 0.5 || r.left < -0.5);
}).map((e) => e.tagName + "." + e.className + " " + e.textContent.slice(0, 40))`

// contrasts computes the contrast of every text that can be seen as WCAG 2 does, and lists what is below AA.
const contrasts = `(() => {
	const parse = (c) => { const n = c.match(/[\d.]+/g).map(Number); return n.length > 3 ? n : [...n, 1]; };
	const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
	const luminance = (c) => {
		const [r, g, b] = c.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const ground = (e) => {
		let colour = [0, 0, 0, 0];
		for (; e; e = e.parentElement) {
			const own = parse(getComputedStyle(e).backgroundColor);
			colour = colour[3] === 0 ? own : over(colour, own);
			if (own[3] === 1) break;
		}
		return colour[3] < 1 ? over(colour, [255, 255, 255, 1]) : colour;
	};
	let seen = 0;
	const poor = [];
	const judge = (e, foreground, style, text) => {
		const under = ground(e);
		const [a, b] = [luminance(over(parse(foreground), under)), luminance(under)].sort((x, y) => y - x);
		const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && +style.fontWeight >= 700);
		const ratio = (a + 0.05) / (b + 0.05);
		seen++;
		if (ratio < (large ? 3 : 4.5)) poor.push(ratio.toFixed(2) + " " + e.tagName + "." + e.getAttribute("class") + " " + text.trim().slice(0, 40));
	};
	for (const e of document.querySelectorAll("body *")) {
		const text = [...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data).join("");
		const style = getComputedStyle(e);
		if (e.placeholder) judge(e, getComputedStyle(e, "::placeholder").color, style, e.placeholder);
		if (!text.trim() || !e.checkVisibility() || e.closest("script, style, option, .aside")) continue;
		judge(e, e.tagName === "text" ? style.fill : style.color, style, text);
	}
	return { Seen: seen, Poor: poor };
})()`
