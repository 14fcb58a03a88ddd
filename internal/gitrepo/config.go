package gitrepo

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/config"
)

// setting is one line of git's configuration. Section and key are lower case.
type setting struct{ section, sub, key, value string }

// settings stand in the order in which git reads them: later ones win.
type settings []setting

func (s settings) last(section, sub, key string) (string, bool) {
	all := s.all(section, sub, key)
	if len(all) == 0 {
		return "", false
	}
	return all[len(all)-1], true
}

func (s settings) all(section, sub, key string) []string {
	var out []string
	for _, x := range s {
		if x.section == section && x.sub == sub && x.key == key {
			out = append(out, x.value)
		}
	}
	return out
}

// ownConfig reads the repository's own configuration: config, what it includes, and config.worktree where that is switched on.
func (l layout) ownConfig() (settings, error) {
	out, err := l.readConfig(filepath.Join(l.commonDir, "config"), "", 0)
	if err != nil {
		return nil, err
	}
	if on, _ := out.last("extensions", "", "worktreeconfig"); strings.EqualFold(on, "true") {
		more, err := l.readConfig(filepath.Join(l.gitDir, "config.worktree"), "", 0)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// config reads what git would: the files of the machine and the user, the repository's own, and the environment's. A file outside
// of the repository that cannot be read is passed over.
func (l layout) config(a Access) (settings, error) {
	var out settings
	for _, file := range a.files {
		if more, err := l.readConfig(file, a.home, 0); err == nil {
			out = append(out, more...)
		}
	}
	own, err := l.ownConfig()
	return append(append(out, own...), a.extra...), err
}

// maxIncludes is git's own bound on includes inside includes.
const maxIncludes = 10

func (l layout) readConfig(file, home string, depth int) (settings, error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read git config: %w", err)
	}
	defer func() { _ = f.Close() }()
	raw := config.New()
	if err := config.NewDecoder(f).Decode(raw); err != nil {
		return nil, fmt.Errorf("read git config %s: not readable", file) // the decoder's own words may quote a credential
	}
	var out settings
	add := func(section, sub string, options config.Options) {
		for _, o := range options {
			s := setting{strings.ToLower(section), sub, strings.ToLower(o.Key), o.Value}
			out = append(out, s)
			if depth < maxIncludes && l.includes(s, filepath.Dir(file), home) {
				if more, err := l.readConfig(expand(s.value, filepath.Dir(file), home), home, depth+1); err == nil {
					out = append(out, more...)
				}
			}
		}
	}
	for _, s := range raw.Sections {
		add(s.Name, "", s.Options)
		for _, sub := range s.Subsections {
			add(s.Name, sub.Name, sub.Options)
		}
	}
	return out, nil
}

// includes tells whether a setting names a file to read here: include.path, and includeIf.path under gitdir conditions.
func (l layout) includes(s setting, dir, home string) bool {
	if s.key != "path" || s.section != "include" && s.section != "includeif" {
		return false
	}
	if s.section == "include" {
		return true
	}
	pattern, ok := strings.CutPrefix(s.sub, "gitdir:")
	fold := ""
	if !ok {
		if pattern, ok = strings.CutPrefix(s.sub, "gitdir/i:"); !ok {
			return false
		}
		fold = "(?i)"
	}
	switch {
	case strings.HasPrefix(pattern, "~/"), strings.HasPrefix(pattern, "./"):
		slash := pattern[len(strings.TrimRight(pattern, "/")):]
		pattern = filepath.ToSlash(expand(pattern, dir, home)) + slash
	case !filepath.IsAbs(pattern) && !strings.HasPrefix(pattern, "/"):
		pattern = "**/" + pattern
	}
	if strings.HasSuffix(pattern, "/") {
		pattern += "**"
	}
	re, err := regexp.Compile(fold + globExpression(pattern))
	return err == nil && re.MatchString(filepath.ToSlash(l.gitDir))
}

// expand reads a path of a configuration file in dir.
func expand(path, dir, home string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		return filepath.Join(home, filepath.FromSlash(rest))
	}
	return within(dir, path)
}

// globExpression turns git's path pattern into a regular expression: * and ? stay within one level, ** does not.
func globExpression(pattern string) string {
	var b strings.Builder
	b.WriteString("^")
	for i := 0; i < len(pattern); i++ {
		switch {
		case strings.HasPrefix(pattern[i:], "**/"):
			b.WriteString("(.*/)?")
			i += 2
		case strings.HasPrefix(pattern[i:], "**"):
			b.WriteString(".*")
			i++
		case pattern[i] == '*':
			b.WriteString("[^/]*")
		case pattern[i] == '?':
			b.WriteString("[^/]")
		default:
			b.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		}
	}
	b.WriteString("$")
	return b.String()
}
