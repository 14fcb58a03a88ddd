package render

import (
	"bytes"
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"dcsync/internal/audit"
)

// startBrowser starts a real Chromium that talks to nobody, and gives the context its tabs are made from. Where there is none, the test is
// skipped.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser takes long")
	}
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no chromium here: the report was not looked at in a browser")
	}
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir())}
	for _, flag := range []string{
		"headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking", "disable-component-update", "disable-sync",
		"disable-extensions", "disable-default-apps", "disable-dev-shm-usage",
	} {
		options = append(options, chromedp.Flag(flag, true))
	}
	all, closeBrowser := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(closeBrowser)
	ctx, closeTab := chromedp.NewContext(all)
	t.Cleanup(closeTab)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return ctx
}

// tab is one page in the browser, with what it said and asked for.
type tab struct {
	*testing.T
	ctx context.Context

	mu       sync.Mutex
	said     []string // console messages, exceptions, what the browser has to say, dialogs
	requests []string
}

// screen is what a page is looked at with.
type screen struct {
	width, height int64
	dark          bool
	print         bool
	noScript      bool
}

var desktop, phone = screen{width: 1280, height: 900}, screen{width: 320, height: 640}

// show writes a report to a file and opens it.
func show(t *testing.T, browser context.Context, r *audit.Report, s screen) *tab {
	t.Helper()
	var b bytes.Buffer
	if err := AuditHTML(&b, r, "1.2.3"); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "audit.html")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, closeTab := chromedp.NewContext(browser)
	t.Cleanup(closeTab)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(ctx, 120*time.Second)
	t.Cleanup(cancel)
	p := &tab{T: t, ctx: ctx}
	if err := chromedp.Listen(ctx, p.hear); err != nil {
		t.Fatal(err)
	}
	call(p, network.Enable, network.EnableParams{})
	p.look(s)
	if s.noScript {
		call(p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	}
	p.do(chromedp.Navigate((&url.URL{Scheme: "file", Path: file}).String()))
	return p
}

// look changes what the page is looked at with.
func (p *tab) look(s screen) {
	p.Helper()
	scheme, medium := "light", "screen"
	if s.dark {
		scheme = "dark"
	}
	if s.print {
		medium = "print"
	}
	p.do(chromedp.EmulateViewport(s.width, s.height))
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: medium, Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
}

func (p *tab) hear(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		p.requests = append(p.requests, e.Request.URL)
	case *log.EventEntryAdded:
		p.said = append(p.said, "log: "+e.Entry.Text)
	case *runtime.EventConsoleAPICalled:
		p.said = append(p.said, "console: "+string(e.Type))
	case *runtime.EventExceptionThrown:
		p.said = append(p.said, "exception: "+e.ExceptionDetails.Text)
	case *page.EventJavascriptDialogOpening:
		p.said = append(p.said, "dialog: "+e.Message)
	}
}

// quiet fails the test if the page said anything or asked for anything but itself.
func (p *tab) quiet() {
	p.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.said {
		p.Errorf("the page says %.200s", s)
	}
	if len(p.requests) != 1 {
		p.Errorf("the page asked for %.500q", p.requests)
	}
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.Fatal(err)
	}
}

// call sends a command to the page.
func call[P, R any](p *tab, command cdp.Command[P, R], params P) R {
	p.Helper()
	r, err := chromedp.Call(p.ctx, command, params)
	if err != nil {
		p.Fatal(err)
	}
	return r
}

// ask gives the value of an expression in the page.
func ask[V any](p *tab, expression string) V {
	p.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[V](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.Fatalf("%.100s: %v", expression, err)
	}
	return v
}

// keep writes a picture of the whole page into a folder.
func (p *tab) keep(folder, name string) {
	p.Helper()
	picture, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.MkdirAll(folder, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o644)
	}
	if err != nil {
		p.Fatal(err)
	}
}
