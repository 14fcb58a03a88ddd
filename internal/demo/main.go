// Command demo shows the main job from end to end, on a copy of testdata/demo in a temporary folder: validate, plan and apply
// against the sandbox, an empty second plan, a manifest edited, and an object edited behind dcsync's back.
//
// It runs the built command as a user would and changes nothing outside its folder; when it ends nothing is left running. It is no
// test: what it shows is asserted by the scripts under testdata/script.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: demo DCSYNC-BINARY PROJECT-FOLDER")
		os.Exit(2)
	}
	if err := run(ctx, os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// stage is one running demonstration.
type stage struct {
	ctx    context.Context
	binary string
	dir    string // the copied project
	api    string // the sandbox's address
}

func run(ctx context.Context, binary, project string) (err error) {
	binary, err = filepath.Abs(binary)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "dcsync-demo-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.CopyFS(dir, os.DirFS(project)); err != nil {
		return err
	}
	s := &stage{ctx: ctx, binary: binary, dir: dir}
	stop, err := s.startSandbox()
	if err != nil {
		return err
	}
	defer stop()
	return s.play()
}

// play shows the whole way, once.
func (s *stage) play() error {
	if err := s.commit("certificates of acme"); err != nil {
		return err
	}
	s.say("The manifests are checked against the API's own rules.")
	if err := s.dcsync(0, "validate"); err != nil {
		return err
	}
	s.say("What would have to be done in an empty account? Exit code 2: something.")
	if err := s.dcsync(2, "plan", "--detailed-exitcode"); err != nil {
		return err
	}
	s.say("Do it. State is kept in dcsync.state.json, to be committed beside the manifests.")
	if err := s.dcsync(0, "apply", "--auto-approve"); err != nil {
		return err
	}
	if err := s.commit("state of the first apply"); err != nil {
		return err
	}
	s.say("A second plan is empty. Exit code 0.")
	if err := s.dcsync(0, "plan", "--detailed-exitcode"); err != nil {
		return err
	}
	s.say("Somebody changes the intent: another address for notices, in the manifest of installer-signing.")
	if err := s.edit("manifests/orders/installer-signing.yaml", "[pki@example.com]", "[pki@example.com, desktop@example.com]"); err != nil {
		return err
	}
	if err := s.dcsync(2, "plan", "--detailed-exitcode"); err != nil {
		return err
	}
	if err := s.dcsync(0, "apply", "--auto-approve"); err != nil {
		return err
	}
	s.say("Somebody changes the account behind our back: the notices of driver-signing go elsewhere. Exit code 4: drift only.")
	if err := s.drift("driver-signing"); err != nil {
		return err
	}
	if err := s.dcsync(4, "plan", "--refresh", "full", "--detailed-exitcode"); err != nil {
		return err
	}
	s.say("Apply puts it back.")
	if err := s.dcsync(0, "apply", "--refresh", "full", "--auto-approve"); err != nil {
		return err
	}
	return s.dcsync(0, "plan", "--refresh", "full", "--detailed-exitcode")
}

func (s *stage) say(text string) { fmt.Printf("\n# %s\n", text) }

// dcsync runs the command in the project, shows it and what it prints, and wants an exit code.
func (s *stage) dcsync(want int, args ...string) error {
	fmt.Printf("$ dcsync %s\n", strings.Join(args, " "))
	cmd := exec.CommandContext(s.ctx, s.binary, args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "DCSYNC_API_URL="+s.api, "DCSYNC_API_KEY=sandbox-key")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stdout
	if err := cmd.Run(); cmd.ProcessState == nil {
		return err
	}
	if got := cmd.ProcessState.ExitCode(); got != want {
		return fmt.Errorf("dcsync %s: exit code %d, not %d", strings.Join(args, " "), got, want)
	}
	return nil
}

// startSandbox starts the embedded CertCentral and gives what stops it.
func (s *stage) startSandbox() (stop func(), err error) {
	cmd := exec.Command(s.binary, "sandbox")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop = func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		stop()
		return nil, fmt.Errorf("start the sandbox: %w", err)
	}
	s.api = strings.TrimSpace(strings.TrimPrefix(line, "listening on "))
	fmt.Printf("# The sandbox, an embedded CertCentral, listens on %s\n", s.api)
	return stop, nil
}

// commit makes the copy a git repository and commits all of it, as a team would.
func (s *stage) commit(message string) error {
	for _, args := range [][]string{{"init", "-q", "-b", "main"}, {"add", "-A"},
		{"-c", "user.name=Demo", "-c", "user.email=demo@example.com", "commit", "-q", "-m", message}} {
		cmd := exec.CommandContext(s.ctx, "git", args...)
		cmd.Dir = s.dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("git %s: %w\n%s", args[0], err, out)
		}
	}
	return nil
}

func (s *stage) edit(file, before, after string) error {
	path := filepath.Join(s.dir, filepath.FromSlash(file))
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	edited := bytes.Replace(data, []byte(before), []byte(after), 1)
	if bytes.Equal(edited, data) {
		return fmt.Errorf("edit %s: %q is not there", file, before)
	}
	return os.WriteFile(path, edited, 0o644)
}

// drift changes the e-mails of an order in the account, through the sandbox's control door.
func (s *stage) drift(name string) error {
	data, err := os.ReadFile(filepath.Join(s.dir, "dcsync.state.json"))
	if err != nil {
		return err
	}
	var state struct {
		Objects map[string]struct {
			Identity struct {
				ID string `json:"id"`
			} `json:"identity"`
		} `json:"objects"`
	}
	if err := json.Unmarshal(data, &state); err != nil {
		return err
	}
	id := state.Objects["Order/"+name].Identity.ID
	url := strings.TrimSuffix(s.api, "/services/v2") + "/_sandbox/objects/order/" + id
	ctx, cancel := context.WithTimeout(s.ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPatch, url, strings.NewReader(`{"additional_emails": ["elsewhere@example.net"]}`))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode >= 300 {
		return fmt.Errorf("edit order %s in the sandbox: %s\n%s", id, resp.Status, body)
	}
	return nil
}
