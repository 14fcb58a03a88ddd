package certcentral

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseWindows(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text string
		want []Window
		bad  bool
	}{
		{text: "off"},
		{text: DefaultRateLimit, want: []Window{{100, 5 * time.Second}, {1000, 3 * time.Minute}}},
		{text: " 1/1h , 2/500ms ", want: []Window{{1, time.Hour}, {2, 500 * time.Millisecond}}},
		{text: "", bad: true},
		{text: "100", bad: true},
		{text: "0/5s", bad: true},
		{text: "-1/5s", bad: true},
		{text: "9999999/5s", bad: true},
		{text: "1/0s", bad: true},
		{text: "1/48h", bad: true},
		{text: "1/5", bad: true},
		{text: "1/5s,", bad: true},
		{text: "off,1/5s", bad: true},
	} {
		got, err := ParseWindows(tc.text)
		if (err != nil) != tc.bad {
			t.Errorf("%q: error %v", tc.text, err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%q (-want +got)\n%s", tc.text, diff)
		}
	}
}

func FuzzParseWindows(f *testing.F) {
	f.Add(DefaultRateLimit)
	f.Add("off")
	f.Fuzz(func(t *testing.T, text string) {
		windows, err := ParseWindows(text)
		if err != nil {
			return
		}
		again := ""
		for i, w := range windows {
			if i > 0 {
				again += ","
			}
			again += w.String()
		}
		if windows == nil {
			again = "off"
		}
		back, err := ParseWindows(again)
		if diff := cmp.Diff(windows, back); err != nil || diff != "" {
			t.Errorf("%q is written as %q: %v\n%s", text, again, err, diff)
		}
	})
}
