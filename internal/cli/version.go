package cli

import (
	"context"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"

	"dcsync/internal/render"
)

// version is set when a release is linked: -ldflags "-X dcsync/internal/cli.version=1.2.3".
var version string

// buildVersion gives the linked version, else that of the module, else the commit the program was built from.
func buildVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	if commit := setting(info, "vcs.revision"); len(commit) >= 12 {
		return "devel+" + commit[:12]
	}
	return "devel"
}

func setting(info *debug.BuildInfo, key string) string {
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}

func versionCommand() command {
	return command{
		name:  "version",
		usage: "print the version of dcsync",
		run: func(_ context.Context, s *session, _ *cli.Context) outcome {
			b := render.Build{Version: s.version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
			if info, ok := debug.ReadBuildInfo(); ok {
				b.Commit = setting(info, "vcs.revision")
			}
			if s.json {
				return outcome{err: render.BuildJSON(s.out, b)}
			}
			return outcome{err: render.BuildText(s.out, b)}
		},
	}
}
