package gitrepo

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// allowedSigner is one line of git's allowed_signers file (ssh-keygen(1), "ALLOWED SIGNERS").
type allowedSigner struct {
	principals string // pattern list, as written
	key        ssh.PublicKey
	authority  bool     // the key certifies others
	namespaces []string // patterns; nil allows all
	after      time.Time
	before     time.Time
}

// SignersError says which line of an allowed_signers file is wrong.
type SignersError struct {
	Line   int
	Reason string
}

// Error gives line and reason.
func (e *SignersError) Error() string {
	return fmt.Sprintf("read allowed signers: line %d: %s", e.Line, e.Reason)
}

// parseAllowedSigners reads the file. Unlike ssh-keygen, which passes over a line it cannot read, it refuses the file: a mistyped
// line would otherwise turn somebody's signatures unknown without a word.
func parseAllowedSigners(data []byte) ([]allowedSigner, error) {
	var out []allowedSigner
	n := 0
	for line := range bytes.Lines(data) {
		n++
		text := strings.TrimSpace(string(line))
		if text == "" || text[0] == '#' {
			continue
		}
		s, reason := parseSigner(text)
		if reason != "" {
			return nil, &SignersError{n, reason}
		}
		out = append(out, s)
	}
	return out, nil
}

func parseSigner(text string) (allowedSigner, string) {
	var s allowedSigner
	first, rest, ok := field(text)
	if !ok || first == "" {
		return s, "it names no principal"
	}
	s.principals = first
	key, _, options, more, err := ssh.ParseAuthorizedKey([]byte(rest))
	if err != nil {
		return s, "it holds no public key"
	}
	if len(bytes.TrimSpace(more)) > 0 {
		return s, "it holds more than one key"
	}
	s.key = key
	for _, o := range options {
		name, value, _ := strings.Cut(o, "=")
		value = strings.Trim(value, `"`)
		var err error
		switch strings.ToLower(name) {
		case "cert-authority":
			s.authority = true
		case "namespaces":
			s.namespaces = strings.Split(value, ",")
		case "valid-after":
			s.after, err = signerTime(value)
		case "valid-before":
			s.before, err = signerTime(value)
		default:
			return s, fmt.Sprintf("unknown option %q", name)
		}
		if err != nil {
			return s, err.Error()
		}
	}
	if !s.after.IsZero() && !s.before.IsZero() && !s.after.Before(s.before) {
		return s, "valid-before is not later than valid-after"
	}
	return s, ""
}

// field cuts the first word off a line; it may stand in double quotes.
func field(text string) (word, rest string, ok bool) {
	if quoted, isQuoted := strings.CutPrefix(text, `"`); isQuoted {
		word, rest, ok = strings.Cut(quoted, `"`)
		return word, strings.TrimLeft(rest, " \t"), ok
	}
	i := strings.IndexAny(text, " \t")
	if i < 0 {
		return text, "", false
	}
	return text[:i], strings.TrimLeft(text[i:], " \t"), true
}

// signerTime reads YYYYMMDD or YYYYMMDDHHMM[SS], with or without a Z. ssh-keygen takes one without Z as local time; here it is UTC,
// so that an audit says the same on every machine.
func signerTime(s string) (time.Time, error) {
	digits := strings.TrimSuffix(s, "Z")
	for _, layout := range []string{"20060102", "200601021504", "20060102150405"} {
		if len(layout) == len(digits) {
			if t, err := time.Parse(layout, digits); err == nil {
				return t, nil
			}
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time", s)
}

// allows tells why this line does not vouch for a signature made by key at an instant, "" when it does, and for whom.
func (s *allowedSigner) allows(key ssh.PublicKey, at time.Time) (principal, reason string) {
	cert, certified := key.(*ssh.Certificate)
	switch {
	case s.authority != certified:
		return "", otherKey
	case certified:
		if !bytes.Equal(s.key.Marshal(), cert.SignatureKey.Marshal()) {
			return "", otherKey
		}
		if principal = s.certifies(cert, at); principal == "" {
			return "", "its certificate does not vouch for an allowed principal at signing time"
		}
	case !bytes.Equal(s.key.Marshal(), key.Marshal()):
		return "", otherKey
	default:
		principal = s.principals
	}
	if s.namespaces != nil && !matchList(strings.Join(s.namespaces, ","), gitNamespace) {
		return "", "its key is not allowed to sign for git"
	}
	if !s.after.IsZero() && at.Before(s.after) {
		return "", "its key was not yet allowed at signing time"
	}
	if !s.before.IsZero() && !at.Before(s.before) {
		return "", "its key was no longer allowed at signing time"
	}
	return principal, ""
}

// otherKey is the reason that says nothing: the line is about somebody else.
const otherKey = "no allowed key made it"

// certifies gives the first principal of a user certificate that the line's patterns name, "" when the certificate is not good.
func (s *allowedSigner) certifies(cert *ssh.Certificate, at time.Time) string {
	checker := ssh.CertChecker{
		IsUserAuthority: func(key ssh.PublicKey) bool { return bytes.Equal(key.Marshal(), s.key.Marshal()) },
		Clock:           func() time.Time { return at },
	}
	i := slices.IndexFunc(cert.ValidPrincipals, func(p string) bool { return matchList(s.principals, p) })
	if cert.CertType != ssh.UserCert || i < 0 || checker.CheckCert(cert.ValidPrincipals[i], cert) != nil {
		return ""
	}
	return cert.ValidPrincipals[i]
}

// matchList is OpenSSH's pattern list: patterns with * and ?, separated by commas; one with ! in front excludes.
func matchList(list, name string) bool {
	found := false
	for pattern := range strings.SplitSeq(list, ",") {
		pattern, not := strings.CutPrefix(pattern, "!")
		if matchPattern(pattern, name) {
			if not {
				return false
			}
			found = true
		}
	}
	return found
}

// matchPattern matches * and ?, going back to the last * only, so in no more than len(pattern)·len(name) steps.
func matchPattern(pattern, name string) bool {
	p, n, star, mark := 0, 0, -1, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			p++
			n++
		case star >= 0:
			mark++
			p, n = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
