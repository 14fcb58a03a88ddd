package run

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/gitrepo"
)

func TestProvenance(t *testing.T) {
	t.Parallel()
	github := map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://github.example", "GITHUB_REPOSITORY": "acme/pki"}
	gitlab := map[string]string{"GITLAB_CI": "true", "CI_SERVER_URL": "https://gitlab.example/", "CI_PROJECT_PATH": "acme/pki"}
	request := func(value string) []gitrepo.Trailer {
		return []gitrepo.Trailer{{Key: "Dcsync-Pull-Request", Value: value}}
	}
	const pull = "https://github.example/acme/pki/pull/"
	for name, tc := range map[string]struct {
		base  map[string]string
		more  map[string]string
		event string
		want  []gitrepo.Trailer
	}{
		"nothing said":         {},
		"outside of the hosts": {more: map[string]string{"GITHUB_REF": "refs/pull/7/merge", "CI_MERGE_REQUEST_IID": "7"}},
		"the workflow's own word": {base: github, more: map[string]string{"DCSYNC_PULL_REQUEST": "https://x.example/1", "DCSYNC_APPROVED_BY": "ann, bob ,"},
			event: `{"pull_request": {"number": 7}}`,
			want:  []gitrepo.Trailer{{Key: "Dcsync-Pull-Request", Value: "https://x.example/1"}, {Key: "Dcsync-Approved-By", Value: "ann"}, {Key: "Dcsync-Approved-By", Value: "bob"}}},
		"pull request event": {base: github, event: `{"pull_request": {"number": 7}}`, want: request(pull + "7")},
		"review event": {base: github, event: `{"pull_request": {"number": 7}, "review": {"state": "approved", "user": {"login": "ann"}}}`,
			want: append(request(pull+"7"), gitrepo.Trailer{Key: "Dcsync-Approved-By", Value: "ann"})},
		"review that asks for changes": {base: github, event: `{"pull_request": {"number": 7}, "review": {"state": "changes_requested", "user": {"login": "ann"}}}`, want: request(pull + "7")},
		"ref of a pull request":        {base: github, more: map[string]string{"GITHUB_REF": "refs/pull/8/merge"}, event: `{`, want: request(pull + "8")},
		"ref of a merge queue":         {base: github, more: map[string]string{"GITHUB_REF": "refs/heads/gh-readonly-queue/main/pr-9-0123456789abcdef"}, want: request(pull + "9")},
		"merge commit":                 {base: github, event: `{"head_commit": {"message": "Merge pull request #10 from acme/x\n\nmore (#11)"}}`, want: request(pull + "10")},
		"squashed":                     {base: github, event: `{"head_commit": {"message": "renew (#1) it (#12)\n\nmore"}}`, want: request(pull + "12")},
		"a number in the text only":    {base: github, event: `{"head_commit": {"message": "renew\n\nfor (#12)"}}`},
		"not a number":                 {base: github, event: `{"pull_request": {"number": "7\nDcsync-Run: x"}}`},
		"no server":                    {base: map[string]string{"GITHUB_ACTIONS": "true"}, event: `{"pull_request": {"number": 7}}`, want: request("#7")},
		"merge request":                {base: gitlab, more: map[string]string{"CI_MERGE_REQUEST_IID": "3"}, want: request("https://gitlab.example/acme/pki/-/merge_requests/3")},
		"merged on gitlab": {base: gitlab, more: map[string]string{"CI_COMMIT_MESSAGE": "Merge branch 'x' into 'main'\n\nSee merge request a!1\n\nSee merge request acme/pki!4"},
			want: request("https://gitlab.example/acme/pki/-/merge_requests/4")},
		"text that would be more lines": {more: map[string]string{"DCSYNC_PULL_REQUEST": "1\r\nDcsync-Run: forged\x1b[2K\u202e", "DCSYNC_APPROVED_BY": "\n\x00," + strings.Repeat("é", 200)},
			want: append(request("1"), gitrepo.Trailer{Key: "Dcsync-Approved-By", Value: strings.Repeat("é", 100)})},
		"only the first line counts": {more: map[string]string{"DCSYNC_PULL_REQUEST": "\n17\u2028Dcsync-Run: forged", "DCSYNC_APPROVED_BY": "eve,\nbob\v\nDcsync-Approved-By: mallory, ann\x1b[2K \u202e"},
			want: append(request("17"), gitrepo.Trailer{Key: "Dcsync-Approved-By", Value: "eve"}, gitrepo.Trailer{Key: "Dcsync-Approved-By", Value: "bob"},
				gitrepo.Trailer{Key: "Dcsync-Approved-By", Value: "ann[2K"})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "event.json")
			if tc.event != "" {
				if err := os.WriteFile(file, []byte(tc.event), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got := provenance(func(name string) string {
				if v, ok := tc.more[name]; ok {
					return v
				}
				if name == "GITHUB_EVENT_PATH" {
					return file
				}
				return tc.base[name]
			})
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("trailers (-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzProvenance holds whatever an environment says to one printable line each.
func FuzzProvenance(f *testing.F) {
	f.Add("1\nDcsync-Run: x", "ann,bob", "See merge request a!1", "refs/pull/1/merge")
	f.Fuzz(func(t *testing.T, request, approvers, message, ref string) {
		for _, ci := range []string{"GITHUB_ACTIONS", "GITLAB_CI"} {
			env := map[string]string{ci: "true", "DCSYNC_PULL_REQUEST": request, "DCSYNC_APPROVED_BY": approvers, "CI_COMMIT_MESSAGE": message, "GITHUB_REF": ref,
				"GITHUB_SERVER_URL": message, "GITHUB_REPOSITORY": ref, "CI_PROJECT_PATH": ref, "CI_SERVER_URL": message}
			for _, tr := range provenance(func(name string) string { return env[name] }) {
				if tr.Value == "" || len(tr.Value) > 200 || strings.ContainsFunc(tr.Value, func(r rune) bool { return !unicode.IsPrint(r) }) {
					t.Errorf("%s: %q", tr.Key, tr.Value)
				}
			}
		}
	})
}
