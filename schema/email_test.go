package schema

import (
	"strings"
	"testing"
)

func TestIsEmail(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"a@example.com", "jane.doe+certs@mail.example.co.uk", "o'neil@example.com", "pki@xn--bcher-kva.example", "A_B@EXAMPLE.COM"} {
		if !isEmail(good) {
			t.Errorf("%s is refused", good)
		}
	}
	for _, bad := range []string{"", "a", "@example.com", "a@", "a@localhost", "a@b@example.com", "a b@example.com", "a..b@example.com", ".a@example.com",
		"a.@example.com", `"a b"@example.com`, "a@[192.0.2.1]", "a@192.0.2.1", "a@-b.com", "a@b-.com", "a@b..com", "a@example.com.", "jörg@example.com",
		"Jane <jane@example.com>", "jane@example.com, b@example.com",
		"a@" + strings.Repeat("b", 64) + ".com"} {
		if isEmail(bad) {
			t.Errorf("%s is accepted", bad)
		}
	}
}
