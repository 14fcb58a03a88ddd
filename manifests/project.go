package manifests

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
)

const (
	projectFile = "dcsync.yaml"
	projectKind = "Project"
)

// Project is what dcsync.yaml says, with defaults for what it leaves out.
type Project struct {
	Root         string // absolute folder of dcsync.yaml
	Name         string
	UID          string   // written once by init; the lineage of state and nonces
	Instance     string   // us or eu
	AccountID    int64    // 0 when not given
	ContainerID  int64    // 0 when not given
	Manifests    []string // folders, relative to Root, "/" separators
	StateFile    string   // relative to Root, "/" separators
	StateRef     string   // branch of its own that holds the state, "" for that of the manifests
	Lock         Lock
	Git          Git
	Trust        Trust
	MaxOrders    int
	MaxDestroy   int
	RateLimit    string // windows such as 100/5s,1000/180s, or off
	Settle       time.Duration
	SkipApproval bool
	Scope        resource.Scope
	Siblings     []string // state files of other projects, relative to Root, which they may lead out of
}

// Lock is where and how runs exclude each other.
type Lock struct {
	Mode  string // auto, git, file or none
	Ref   string // full name of the reference on the remote
	Lease time.Duration
}

// Git is where the state is committed and pushed to. Name and Email are "" for git's own user.
type Git struct {
	Remote string
	Branch string // "" for the one that is checked out
	Name   string
	Email  string
	Sign   string // none, ssh or openpgp
}

// Trust names the files of the keys whose signatures count: relative to Root, "/" separators, "" for none. They need not be there.
type Trust struct {
	AllowedSigners string // SSH keys, in git's allowed_signers format
	Keyring        string // OpenPGP keys, armored
}

// minLease is the shortest lease of a lock: a third of it passes between two renewals, and a request may take a minute.
const minLease = 3 * time.Minute

func newProject(root string) *Project {
	return &Project{
		Root:      root,
		Instance:  "us",
		Manifests: []string{"manifests"},
		StateFile: "dcsync.state.json",
		Lock:      Lock{Mode: "auto", Ref: "refs/dcsync/lock", Lease: 10 * time.Minute},
		Git:       Git{Remote: "origin", Sign: "none"},
		Trust:     Trust{AllowedSigners: ".dcsync/allowed_signers"},
		MaxOrders: 25,
		RateLimit: "100/5s,1000/180s",
		Settle:    time.Minute,
	}
}

// Find gives the folder of the project that dir belongs to: dir itself or the nearest one above it that holds dcsync.yaml. When
// there is none the error is a diag.Diagnostic with code diag.ProjectMissing.
func Find(dir string) (root string, err error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find project: %w", err)
	}
	for at := abs; ; at = filepath.Dir(at) {
		if isProject(at) {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", projectMissing()
		}
	}
}

func isProject(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, projectFile))
	return err == nil && !info.IsDir()
}

func projectMissing() diag.Diagnostic {
	return diag.Diagnostic{
		Severity: diag.Error, Code: diag.ProjectMissing,
		Summary: fmt.Sprintf("no %s in this folder or above it", projectFile),
		Hint:    "run dcsync init, or name the project's folder with --chdir",
	}
}

// readProject reads dcsync.yaml. What is wrong in it is reported; what is right is used all the same, so that one run also shows
// what is wrong with the manifests.
func (l *loader) readProject() {
	documents := l.readFile(projectFile)
	for i, d := range documents {
		switch {
		case i > 0:
			l.add(d, diag.Diagnostic{
				Severity: diag.Error, Code: diag.ProjectDuplicate, Pos: d.pos(),
				Summary: fmt.Sprintf("a second document in %s", projectFile),
				Hint:    "keep one Project document here and move manifests into a manifest folder",
				Related: []diag.Related{{Pos: documents[0].pos(), Message: "the first document"}},
			})
		case d.value == nil:
		case d.kind != projectKind:
			l.add(d, diag.Diagnostic{
				Severity: diag.Error, Code: diag.BadEnvelope, Pos: d.valuePos("/kind"), Path: "/kind",
				Summary: fmt.Sprintf("%s must hold a document of kind %s", projectFile, projectKind),
				Hint:    "write kind: " + projectKind,
			})
		default:
			l.settings = d
			l.takeProject(d)
			l.check(d)
			l.policy = l.takePolicy(d)
		}
	}
}

// takeProject takes over every setting that has the right type.
func (l *loader) takeProject(d *document) {
	p := l.project
	take(d, "/metadata/name", func(v resource.String) { p.Name = string(v) })
	take(d, "/metadata/uid", func(v resource.String) { p.UID = string(v) })
	take(d, "/spec/instance", func(v resource.String) { p.Instance = string(v) })
	take(d, "/spec/account_id", func(v resource.Int) { p.AccountID = int64(v) })
	take(d, "/spec/container_id", func(v resource.Int) { p.ContainerID = int64(v) })
	take(d, "/spec/lock/mode", func(v resource.String) { p.Lock.Mode = string(v) })
	take(d, "/spec/lock/ref", func(v resource.String) { p.Lock.Ref = string(v) })
	take(d, "/spec/lock/lease", func(v resource.String) { l.takeLease(d, string(v)) })
	take(d, "/spec/git/remote", func(v resource.String) { p.Git.Remote = string(v) })
	take(d, "/spec/git/branch", func(v resource.String) { p.Git.Branch = string(v) })
	take(d, "/spec/git/identity/name", func(v resource.String) { p.Git.Name = string(v) })
	take(d, "/spec/git/identity/email", func(v resource.String) { p.Git.Email = string(v) })
	take(d, "/spec/git/sign", func(v resource.String) { p.Git.Sign = string(v) })
	take(d, "/spec/limits/max_orders", func(v resource.Int) { p.MaxOrders = int(v) })
	take(d, "/spec/limits/max_destroy", func(v resource.Int) { p.MaxDestroy = int(v) })
	take(d, "/spec/rate_limit", func(v resource.String) { p.RateLimit = string(v) })
	take(d, "/spec/skip_approval", func(v resource.Bool) { p.SkipApproval = bool(v) })
	numbers := func(at resource.Path, into *[]int64) {
		take(d, at, func(list resource.List) {
			for _, v := range list {
				if n, ok := v.(resource.Int); ok {
					*into = append(*into, int64(n))
				}
			}
		})
	}
	numbers("/spec/scope/containers", &p.Scope.Containers)
	numbers("/spec/scope/organizations", &p.Scope.Organizations)
	take(d, "/spec/siblings", func(list resource.List) {
		for _, v := range list {
			p.Siblings = append(p.Siblings, resource.Text(v))
		}
	})
	take(d, "/spec/scope/products", func(list resource.List) {
		for _, v := range list {
			p.Scope.Products = append(p.Scope.Products, resource.Text(v))
		}
	})
	take(d, "/spec/settle", func(v resource.String) {
		// A text that is no duration has its finding from the table.
		if settle, err := time.ParseDuration(string(v)); err == nil {
			p.Settle = settle
		}
	})
	file := func(at resource.Path, into *string) {
		take(d, at, func(v resource.String) {
			*into = string(v)
			l.staysInside(d, at, string(v))
		})
	}
	file("/spec/state/file", &p.StateFile)
	take(d, "/spec/state/ref", func(v resource.String) { p.StateRef = string(v) })
	file("/spec/trust/allowed_signers", &p.Trust.AllowedSigners)
	file("/spec/trust/keyring", &p.Trust.Keyring)
	take(d, "/spec/manifests", func(list resource.List) {
		p.Manifests = nil
		for i, item := range list {
			path := resource.Path("/spec/manifests").Index(i)
			dir, ok := item.(resource.String)
			if ok && l.staysInside(d, path, string(dir)) && l.isFolder(d, path, string(dir)) {
				p.Manifests = append(p.Manifests, string(dir))
			}
		}
	})
	if resource.Get(d.value, "/spec/manifests") == nil {
		l.isFolder(d, "/spec/manifests", p.Manifests[0])
	}
}

// takeLease takes over the lease of the lock. A text that is no duration has its finding from the table.
func (l *loader) takeLease(d *document, text string) {
	lease, err := time.ParseDuration(text)
	switch {
	case err != nil:
	case lease < minLease:
		l.add(d, diag.Diagnostic{
			Severity: diag.Error, Code: diag.BadValue, Pos: d.valuePos("/spec/lock/lease"), Path: string(shortPath("/spec/lock/lease")),
			Summary: fmt.Sprintf("a lease of %s is too short for a request and the renewal before it", lease),
			Hint:    "write at least 3m",
		})
	default:
		l.project.Lock.Lease = lease
	}
}

// checkStateRef refuses a branch for the state that is something else already. The lock is moved in the same push as the state.
func (l *loader) checkStateRef() {
	const at = "/spec/state/ref"
	d, p := l.settings, l.project
	if d == nil || p.StateRef == "" {
		return
	}
	f := diag.Diagnostic{Severity: diag.Error, Code: diag.BadValue, Pos: d.valuePos(at), Path: string(shortPath(at)),
		Hint: "name a branch that holds nothing else, such as dcsync-state"}
	switch fullRef(p.StateRef) {
	case fullRef(p.Git.Branch):
		f.Summary = fmt.Sprintf("%s is the branch of the manifests", p.StateRef)
	case p.Lock.Ref:
		f.Summary = fmt.Sprintf("%s is the lock", p.StateRef)
	default:
		return
	}
	l.add(d, f)
}

// fullRef gives the full name of a branch.
func fullRef(branch string) string {
	if strings.HasPrefix(branch, "refs/") {
		return branch
	}
	return "refs/heads/" + branch
}

// take hands the value at a path on when it has the right type.
func take[V resource.Value](d *document, path resource.Path, set func(V)) {
	if v, ok := resource.Get(d.value, path).(V); ok {
		set(v)
	}
}

// staysInside reports a path that is absolute or leads out of the project. What is no path at all is the table's business.
func (l *loader) staysInside(d *document, path resource.Path, name string) bool {
	if name == "" || strings.Contains(name, `\`) {
		return false
	}
	if filepath.IsLocal(filepath.FromSlash(name)) {
		return true
	}
	d.refused[path] = true
	l.add(d, diag.Diagnostic{
		Severity: diag.Error, Code: diag.PathEscapes, Pos: d.valuePos(path), Path: string(shortPath(path)),
		Summary: fmt.Sprintf("%s lies outside the project", name),
		Hint:    fmt.Sprintf("write a path relative to %s, without leading / or ..", projectFile),
	})
	return false
}

// isFolder reports a manifest folder that cannot be read.
func (l *loader) isFolder(d *document, path resource.Path, name string) bool {
	err := l.folder.holdsFolder(name)
	if err == nil {
		return true
	}
	l.partial = true
	code := diag.NoManifests
	if isLink(err) {
		code = diag.PathEscapes
	}
	l.add(d, diag.Diagnostic{
		Severity: diag.Error, Code: code, Pos: d.valuePos(path), Path: string(shortPath(path)),
		Summary: fmt.Sprintf("the manifest folder %s %v", name, err),
		Hint:    "make the folder, or name another one in spec.manifests",
	})
	return false
}

// manifestFiles gives the names of all manifest files, sorted.
func (l *loader) manifestFiles() []string {
	var names []string
	refused := map[string]error{}
	for _, dir := range l.project.Manifests {
		found, bad, err := l.folder.yamlFiles(dir)
		if err != nil {
			continue // reported by isFolder
		}
		names = append(names, found...)
		for name, err := range bad {
			refused[name] = err
		}
	}
	for name, err := range refused {
		l.partial = true
		l.unreadable(name, err)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
