package manifests

import (
	"cmp"
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
	LockMode     string   // auto, file or none
	MaxOrders    int
	MaxDestroy   int
	RateLimit    string // windows such as 100/5s,1000/180s, or off
	Settle       time.Duration
	SkipApproval bool
}

func newProject(root string) *Project {
	return &Project{
		Root:      root,
		Instance:  "us",
		Manifests: []string{"manifests"},
		StateFile: "dcsync.state.json",
		LockMode:  "auto",
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
	take(d, "/spec/lock/mode", func(v resource.String) { p.LockMode = string(v) })
	take(d, "/spec/limits/max_orders", func(v resource.Int) { p.MaxOrders = int(v) })
	take(d, "/spec/limits/max_destroy", func(v resource.Int) { p.MaxDestroy = int(v) })
	take(d, "/spec/rate_limit", func(v resource.String) { p.RateLimit = string(v) })
	take(d, "/spec/skip_approval", func(v resource.Bool) { p.SkipApproval = bool(v) })
	take(d, "/spec/settle", func(v resource.String) {
		// A text that is no duration has its finding from the table.
		if settle, err := time.ParseDuration(string(v)); err == nil {
			p.Settle = settle
		}
	})
	take(d, "/spec/state/file", func(v resource.String) {
		p.StateFile = string(v)
		l.staysInside(d, "/spec/state/file", string(v))
	})
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
	real, err := l.folder.locate(name)
	if err == nil {
		var info os.FileInfo
		if info, err = os.Stat(real); err == nil && info.IsDir() {
			return true
		}
		err = cmp.Or(err, errNotFolder)
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
