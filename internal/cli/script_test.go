package cli

import (
	"context"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write the expected output into the scripts")

// lean is the environment of the processes that tests start: they live so briefly that collecting garbage early, and the second for which
// the race detector waits at the end for reports of others to come, would be most of their time. A race that was found still fails them.
var lean = map[string]string{"GORACE": "atexit_sleep_ms=0", "GOGC": "400"}

func TestMain(m *testing.M) {
	for name, value := range lean {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	testscript.Main(m, map[string]func(){
		"dcsync-steps": stepsMain,
		"dcsync": func() {
			os.Exit(Run(context.Background(), os.Args, os.LookupEnv, Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
		},
	})
}

// TestScripts runs the real command against the sandbox. Beside testscript's own commands the scripts have
//
//	exits CODE COMMAND ARG...      run and compare the exit code
//	sandbox [ARG...]               start a sandbox; DCSYNC_API_URL then names it
//	stop                           stop it with SIGTERM; it must exit 0
//	call METHOD PATH [BODY]        a call to the sandbox's control, or below /services with the key of DCSYNC_API_KEY to its API; the
//	                               answer is stdout
//	hold FILE                      hold the lock file until the script ends
//	json FILE POINTER WANT         compare the JSON value at a pointer; FILE may be stdout; WANT "absent" for none
//	serve FOLDER                   serve its bare repositories over HTTP at $REMOTES
//	held BARE REF DURATION         a lock of another machine, whose lease ends so much from now
//	replace OLD NEW FILE           put one text for another in a file that must hold it
//	keep, kept                     note every file; nothing has changed since
//	nowhere TEXT                   no file, and no output of the last command, holds the text
//	cut REQUESTS SIGNAL[,SIGNAL] CODE COMMAND ARG...
//	                               send signals once the sandbox has seen so many requests more; output to cut.out and cut.err
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Values[serverKey{}] = &server{}
			e.Values[keptKey{}] = map[string]string{}
			e.Setenv("DCSYNC_API_KEY", "sandbox-key")
			e.Setenv("DCSYNC_SETTLE", "0s")
			for name, value := range lean {
				e.Setenv(name, value)
			}
			e.Setenv("IN_340_DAYS", time.Now().AddDate(0, 0, 340).UTC().Format(time.RFC3339))
			for _, pair := range gitEnv() {
				name, value, _ := strings.Cut(pair, "=")
				e.Setenv(name, value)
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": scriptExits, "sandbox": scriptSandbox, "stop": scriptStop, "call": scriptCall, "hold": scriptHold, "json": scriptJSON,
			"keep": scriptKeep, "kept": scriptKept, "nowhere": scriptNowhere, "cut": scriptCut,
			"serve": scriptServe, "held": scriptHeld, "replace": scriptReplace,
		},
	})
}
