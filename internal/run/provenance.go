package run

import (
	"cmp"
	"encoding/json"
	"io"
	"os"
	"regexp"
	"strings"
	"unicode"

	"dcsync/internal/gitrepo"
)

// provenance gives trailers for the pull request that brought the intent, and who approved it, as far as the environment says
// (architecture, section 7). It is a claim of the CI system's, worth what that is worth: the audit goes by commits and signatures.
func provenance(env func(string) string) []gitrepo.Trailer {
	request, approvers := env("DCSYNC_PULL_REQUEST"), strings.Split(env("DCSYNC_APPROVED_BY"), ",")
	switch {
	case env("GITHUB_ACTIONS") == "true":
		number, approver := githubRequest(env)
		request = cmp.Or(request, address(number, env("GITHUB_SERVER_URL"), env("GITHUB_REPOSITORY"), "/pull/"))
		approvers = append(approvers, approver)
	case env("GITLAB_CI") == "true":
		number := cmp.Or(env("CI_MERGE_REQUEST_IID"), first(mergedOnGitLab, env("CI_COMMIT_MESSAGE")))
		request = cmp.Or(request, address(number, env("CI_SERVER_URL"), cmp.Or(env("CI_MERGE_REQUEST_PROJECT_PATH"), env("CI_PROJECT_PATH")), "/-/merge_requests/"))
	}
	var out []gitrepo.Trailer
	add := func(key, value string) {
		if value = oneLine(value); value != "" {
			out = append(out, gitrepo.Trailer{Key: key, Value: value})
		}
	}
	add("Dcsync-Pull-Request", request)
	for _, a := range approvers {
		add("Dcsync-Approved-By", a)
	}
	return out
}

// What the hosts write into the commit that merges a request.
var (
	pullRef        = regexp.MustCompile(`^refs/pull/([0-9]+)/`)
	queueRef       = regexp.MustCompile(`^refs/heads/gh-readonly-queue/.*/pr-([0-9]+)-[0-9a-f]+$`)
	mergedOnGitHub = regexp.MustCompile(`^Merge pull request #([0-9]+) from `)
	squashed       = regexp.MustCompile(`^[^\n]* \(#([0-9]+)\)(?:\n|$)`)
	mergedOnGitLab = regexp.MustCompile(`(?:^|\n)See merge request \S+!([0-9]+)\s*$`)
	digits         = regexp.MustCompile(`^[0-9]+$`)
)

func first(re *regexp.Regexp, text string) string {
	if m := re.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

// maxEvent bounds the event that GitHub describes in a file.
const maxEvent = 32 << 20

// githubRequest reads the number of the pull request and who approved it just now, "" for what is not told.
func githubRequest(env func(string) string) (number, approver string) {
	var event struct {
		PullRequest struct {
			Number json.Number `json:"number"`
		} `json:"pull_request"`
		Review struct {
			State string `json:"state"`
			User  struct {
				Login string `json:"login"`
			} `json:"user"`
		} `json:"review"`
		HeadCommit struct {
			Message string `json:"message"`
		} `json:"head_commit"`
	}
	if f, err := os.Open(env("GITHUB_EVENT_PATH")); err == nil {
		defer func() { _ = f.Close() }()
		if err := json.NewDecoder(io.LimitReader(f, maxEvent)).Decode(&event); err != nil {
			return first(pullRef, env("GITHUB_REF")), "" // of a file that cannot be read nothing counts
		}
	}
	if event.Review.State == "approved" {
		approver = event.Review.User.Login
	}
	ref, message := env("GITHUB_REF"), event.HeadCommit.Message
	return cmp.Or(event.PullRequest.Number.String(), first(pullRef, ref), first(queueRef, ref), first(mergedOnGitHub, message), first(squashed, message)), approver
}

// address gives where a request is found, "" without a number.
func address(id, server, repository, between string) string {
	switch {
	case !digits.MatchString(id):
		return ""
	case server == "" || repository == "":
		return "#" + id
	}
	return strings.TrimSuffix(server, "/") + "/" + repository + between + id
}

// lineEnds are the characters that end a line somewhere.
const lineEnds = "\n\r\v\f\u0085\u2028\u2029"

// oneLine makes text from outside fit to be the value of a trailer: its first line with something on it, where nothing hides what follows. What
// stands on further lines may be made to look like trailers, and is no part of a value.
func oneLine(text string) string {
	text = strings.TrimSpace(text)
	if end := strings.IndexAny(text, lineEnds); end >= 0 {
		text = text[:end]
	}
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == unicode.ReplacementChar, !unicode.IsPrint(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	const longest = 200
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "")
	}
	return text
}
