package secret_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"dcsync/internal/secret"
)

func TestStringNeverShows(t *testing.T) {
	t.Parallel()
	s := secret.New("hunter2!")
	encoded, err := json.Marshal(map[string]any{"key": s})
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{s.String(), fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %s %q", s, s, s, s, s), fmt.Sprint(struct{ S secret.String }{s}), string(encoded)} {
		if strings.Contains(shown, "hunter2") {
			t.Errorf("shown: %s", shown)
		}
	}
	if s.Reveal() != "hunter2!" {
		t.Error("it cannot be sent any more")
	}
}

func TestScrub(t *testing.T) {
	t.Parallel()
	const key, card = "a/b c+d", "4111111111111111"
	var s secret.Scrubber
	s.Add(secret.New(key))
	s.Add(secret.New(card))
	s.Add(secret.New("12")) // too short to be removed without garbling everything
	text := strings.Join([]string{key, url.QueryEscape(key), url.PathEscape(key), base64.StdEncoding.EncodeToString([]byte(key)),
		card, "4111 1111 1111 1111", "4111-1111-1111-1111", "12 stays"}, "\n")
	want := strings.Repeat(secret.Redacted+"\n", 7) + "12 stays"
	if got := s.Scrub(text); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	var none *secret.Scrubber
	if got := none.Scrub("x"); got != "x" {
		t.Errorf("without a scrubber: %s", got)
	}
}
