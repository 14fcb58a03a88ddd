package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"dcsync/internal/resource"
	"dcsync/state"
)

func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARG...")
	}
	if got := exitOf(ts, ts.Exec(args[1], args[2:]...)); strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}

func exitOf(ts *testscript.TestScript, err error) int {
	if err == nil {
		return 0
	}
	failed, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		ts.Fatalf("%v", err)
	}
	return failed.ExitCode()
}

type serverKey struct{}

// server is the sandbox of one script.
type server struct {
	cmd  *exec.Cmd
	base string // of the control calls
}

func scriptSandbox(ts *testscript.TestScript, _ bool, args []string) {
	cmd := process(ts, append([]string{"dcsync", "sandbox"}, args...))
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() {
		if cmd.ProcessState == nil {
			cmd.Process.Kill()
			cmd.Wait()
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	ts.Check(err)
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if !ok || !strings.HasPrefix(url, "http://127.0.0.1:") || !strings.HasSuffix(url, "/services/v2") {
		ts.Fatalf("first line of the sandbox: %q", line)
	}
	ts.Setenv("DCSYNC_API_URL", url)
	*ts.Value(serverKey{}).(*server) = server{cmd, strings.TrimSuffix(url, "/services/v2")}
}

func scriptStop(ts *testscript.TestScript, _ bool, _ []string) {
	s := ts.Value(serverKey{}).(*server)
	ts.Check(s.cmd.Process.Signal(syscall.SIGTERM))
	ts.Check(s.cmd.Wait())
}

// process makes a process with the script's folder and environment.
func process(ts *testscript.TestScript, args []string) *exec.Cmd {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(os.Environ(), "HOME="+ts.Getenv("HOME"))
	for _, name := range []string{"DCSYNC_API_KEY", "DCSYNC_API_URL", "DCSYNC_SETTLE", "DCSYNC_NOW", "DCSYNC_RATE_LIMIT"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	return cmd
}

func scriptCall(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: call METHOD PATH [BODY]")
	}
	answer := control(ts, args[0], args[1], strings.Join(args[2:], " "))
	_, err := ts.Stdout().Write(answer)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("answer"), answer, 0o644))
}

func control(ts *testscript.TestScript, method, path, body string) []byte {
	req, err := http.NewRequest(method, ts.Value(serverKey{}).(*server).base+path, strings.NewReader(body))
	ts.Check(err)
	req.Header.Set("Content-Type", "application/json")
	if strings.HasPrefix(path, "/services/") {
		req.Header.Set("X-DC-DEVKEY", ts.Getenv("DCSYNC_API_KEY"))
	}
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	ts.Check(err)
	if resp.StatusCode >= 300 {
		ts.Fatalf("%s %s: %s: %s", method, path, resp.Status, answer)
	}
	return answer
}

func requestsSeen(ts *testscript.TestScript) int {
	var stats struct {
		Total int `json:"total"`
	}
	ts.Check(json.Unmarshal(control(ts, "GET", "/_sandbox/stats", ""), &stats))
	return stats.Total
}

func scriptHold(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: hold FILE")
	}
	lock, err := state.TakeLock(ts.MkAbs(args[0]), time.Now())
	ts.Check(err)
	ts.Defer(func() { ts.Check(lock.Release()) })
}

func scriptJSON(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: json FILE POINTER WANT")
	}
	doc, err := resource.FromJSON([]byte(ts.ReadFile(args[0])))
	ts.Check(err)
	got := "absent"
	if v := resource.Get(doc, resource.Path(args[1])); v != nil {
		text, err := json.Marshal(v)
		ts.Check(err)
		got = string(text)
	}
	if (got == args[2]) == neg {
		ts.Fatalf("%s is %s, want %s", args[1], got, args[2])
	}
}

type keptKey struct{}

func scriptKeep(ts *testscript.TestScript, _ bool, _ []string) {
	kept := ts.Value(keptKey{}).(map[string]string)
	clear(kept)
	for name, text := range files(ts) {
		kept[name] = text
	}
}

func scriptKept(ts *testscript.TestScript, _ bool, _ []string) {
	if diff := cmp.Diff(ts.Value(keptKey{}).(map[string]string), files(ts)); diff != "" {
		ts.Fatalf("files changed (-before +after):\n%s", diff)
	}
}

// files gives the content of every file of a script, but for what may be lost without harm and the sandbox's own data.
func files(ts *testscript.TestScript) map[string]string {
	out := map[string]string{}
	root := ts.Getenv("WORK")
	ts.Check(filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == ".dcsync" || d.Name() == ".tmp" {
				return filepath.SkipDir
			}
			return nil
		}
		if name := d.Name(); name == "answer" || name == "sandbox.json" {
			return nil
		}
		text, err := os.ReadFile(path)
		out[strings.TrimPrefix(path, root)] = string(text)
		return err
	}))
	return out
}

func scriptNowhere(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 || args[0] == "" {
		ts.Fatalf("usage: nowhere TEXT")
	}
	places := files(ts)
	places["stdout"], places["stderr"] = ts.ReadFile("stdout"), ts.ReadFile("stderr")
	// A few digits also turn up in digests and times; there they count as a word only.
	pattern := regexp.QuoteMeta(args[0])
	if len(args[0]) < 8 {
		pattern = `(^|[^0-9A-Za-z.])` + pattern + `($|[^0-9A-Za-z])`
	}
	holds := regexp.MustCompile(pattern)
	for name, text := range places {
		if holds.MatchString(text) {
			ts.Fatalf("%s holds %q", name, args[0])
		}
	}
}

func scriptCut(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 4 {
		ts.Fatalf("usage: cut REQUESTS SIGNAL[,SIGNAL] CODE COMMAND ARG...")
	}
	after, err := strconv.Atoi(args[0])
	ts.Check(err)
	var signals []os.Signal
	for _, name := range strings.Split(args[1], ",") {
		signal, ok := map[string]os.Signal{"INT": os.Interrupt, "TERM": syscall.SIGTERM, "KILL": os.Kill}[name]
		if !ok {
			ts.Fatalf("signal %s", name)
		}
		signals = append(signals, signal)
	}
	after += requestsSeen(ts)
	cmd := process(ts, args[3:])
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	ts.Check(cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	deadline := time.Now().Add(30 * time.Second)
	for requestsSeen(ts) < after {
		if len(ended) > 0 || time.Now().After(deadline) {
			ts.Fatalf("ended before request %d\nstdout: %s\nstderr: %s", after, &out, &errs)
		}
		time.Sleep(5 * time.Millisecond)
	}
	for _, signal := range signals {
		ts.Check(cmd.Process.Signal(signal))
	}
	got := exitOf(ts, <-ended)
	ts.Check(os.WriteFile(ts.MkAbs("cut.out"), out.Bytes(), 0o644))
	ts.Check(os.WriteFile(ts.MkAbs("cut.err"), errs.Bytes(), 0o644))
	if strconv.Itoa(got) != args[2] {
		ts.Fatalf("exit code %d, want %s\nstdout: %s\nstderr: %s", got, args[2], &out, &errs)
	}
}

// scriptReplace puts one text for another in a file that must hold it.
func scriptReplace(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: replace OLD NEW FILE")
	}
	text := ts.ReadFile(args[2])
	if !strings.Contains(text, args[0]) {
		ts.Fatalf("%s does not hold %q", args[2], args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(strings.ReplaceAll(text, args[0], args[1])), 0o644))
}
