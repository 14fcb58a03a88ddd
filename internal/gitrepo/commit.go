package gitrepo

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

// Identity is a person as git records one.
type Identity struct{ Name, Email string }

// String gives "Name <email>".
func (i Identity) String() string { return i.Name + " <" + i.Email + ">" }

// clean removes what would break a commit's header.
func (i Identity) clean() Identity {
	drop := func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '<' || r == '>' {
			return -1
		}
		return r
	}
	return Identity{strings.Trim(strings.Map(drop, i.Name), " .,:;\"'"), strings.TrimSpace(strings.Map(drop, i.Email))}
}

// Person is an identity and the time it acted at, in its own time zone.
type Person struct {
	Identity
	When time.Time
}

// Trailer is one "Key: value" line at the end of a commit's message.
type Trailer struct{ Key, Value string }

// rawCommit is a commit as its bytes say; headers beyond these are kept only in raw.
type rawCommit struct {
	tree              plumbing.Hash
	parents           []plumbing.Hash
	author, committer []byte
	message           []byte
	signature         []byte // armored
	payload           []byte // what was signed: the commit without its signatures; nil when there is none
}

func readCommit(s source, h plumbing.Hash) (*rawCommit, error) {
	data, err := readObject(s, plumbing.CommitObject, h)
	if err != nil {
		return nil, err
	}
	c, err := parseCommit(data)
	if err != nil {
		return nil, fmt.Errorf("read git commit %s: %w", h, err)
	}
	return c, nil
}

// parseCommit reads a commit object. The payload is cut out of the bytes, not written anew: headers this package does not know
// were signed too.
func parseCommit(data []byte) (*rawCommit, error) {
	c := &rawCommit{}
	var payload []byte
	rest := data
	keep := true // whether the header that continuation lines belong to was signed
	var into *[]byte
	for len(rest) > 0 && rest[0] != '\n' {
		line := rest
		if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			line = rest[:i+1]
		}
		rest = rest[len(line):]
		if line[0] == ' ' {
			if into != nil {
				*into = append(*into, line[1:]...)
			}
		} else {
			key, value, _ := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(" "))
			keep, into = true, nil
			switch string(key) {
			case "tree":
				c.tree = plumbing.NewHash(string(value))
			case "parent":
				c.parents = append(c.parents, plumbing.NewHash(string(value)))
			case "author":
				c.author = value
			case "committer":
				c.committer = value
			case "gpgsig":
				c.signature = append(append(c.signature, value...), '\n')
				keep, into = false, &c.signature
			case "gpgsig-sha256":
				keep = false
			}
		}
		if keep {
			payload = append(payload, line...)
		}
	}
	if c.committer == nil {
		return nil, fmt.Errorf("it has no committer")
	}
	if c.signature != nil {
		c.payload = append(payload, rest...)
	}
	c.message = bytes.TrimPrefix(rest, []byte("\n"))
	return c, nil
}

// parsePerson reads "Name <email> seconds zone". What is malformed stays empty.
func parsePerson(b []byte) Person {
	s := strings.ToValidUTF8(string(b), "\uFFFD")
	var p Person
	open, shut := strings.IndexByte(s, '<'), strings.LastIndexByte(s, '>')
	if open < 0 || shut < open {
		p.Name = strings.TrimSpace(s)
		return p
	}
	p.Name, p.Email = strings.TrimSpace(s[:open]), s[open+1:shut]
	seconds, zone, _ := strings.Cut(strings.TrimSpace(s[shut+1:]), " ")
	at, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return p
	}
	p.When = time.Unix(at, 0).UTC()
	if z, err := time.Parse("-0700", zone); err == nil {
		p.When = p.When.In(z.Location())
	}
	return p
}

// newCommit gives the bytes of a commit, signed when there is a signer.
func newCommit(tree plumbing.Hash, parent plumbing.Hash, author, committer Person, message string, signer *Signer) ([]byte, error) {
	var head bytes.Buffer
	fmt.Fprintf(&head, "tree %s\n", tree)
	if !parent.IsZero() {
		fmt.Fprintf(&head, "parent %s\n", parent)
	}
	for _, p := range []struct {
		role string
		Person
	}{{"author", author}, {"committer", committer}} {
		fmt.Fprintf(&head, "%s %s %d %s\n", p.role, p.clean(), p.When.Unix(), p.When.Format("-0700"))
	}
	if signer == nil {
		return []byte(head.String() + "\n" + message), nil
	}
	signature, err := signer.sign([]byte(head.String() + "\n" + message))
	if err != nil {
		return nil, fmt.Errorf("sign git commit: %w", err)
	}
	folded := strings.ReplaceAll(strings.TrimRight(string(signature), "\n"), "\n", "\n ")
	return []byte(head.String() + "gpgsig " + folded + "\n\n" + message), nil
}

// withTrailers puts trailers under a message.
func withTrailers(message string, trailers []Trailer) string {
	message = strings.TrimRight(message, "\n") + "\n"
	for i, t := range trailers {
		if i == 0 {
			message += "\n"
		}
		message += t.Key + ": " + strings.Join(strings.Fields(t.Value), " ") + "\n"
	}
	return message
}

// trailersOf reads the last paragraph of a message when every line of it is a trailer; a line that starts with a blank goes on
// with the one before.
func trailersOf(message string) []Trailer {
	message = strings.TrimRight(strings.ReplaceAll(message, "\r\n", "\n"), "\n \t")
	i := strings.LastIndex(message, "\n\n")
	if i < 0 {
		return nil
	}
	var out []Trailer
	for line := range strings.SplitSeq(message[i+2:], "\n") {
		if line != "" && (line[0] == ' ' || line[0] == '\t') && len(out) > 0 {
			out[len(out)-1].Value += " " + strings.TrimSpace(line)
			continue
		}
		if strings.HasPrefix(line, "(cherry picked from commit ") {
			continue
		}
		key, value, ok := strings.Cut(line, ":")
		if !ok || key == "" || strings.ContainsFunc(key, notInKey) {
			return nil
		}
		out = append(out, Trailer{key, strings.TrimSpace(value)})
	}
	return out
}

func notInKey(r rune) bool {
	return r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
}
