// Package manifests turns a project folder into a resource.Set: it finds dcsync.yaml, reads every YAML file below the manifest
// folders, checks each document by its table, joins documents that refer to each other and says, with a position, what is wrong.
//
// It owns yaml.v3: no other package sees its types. What a field may hold is decided by the tables in schema; this package adds
// what a table cannot say: YAML itself, files, references, names and the checks that look into a value (checks.go). It reads no
// state and no account, and knows nothing of git: the files of a past commit are handed to it by id (Past), and read by the same code.
//
// Everything about the user's files is a finding (diag.Diagnostic), and one run reports all of them. Errors are for failures of
// the world only.
package manifests

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
)

// Loaded is what a project folder holds.
type Loaded struct {
	Project   *Project      // with defaults where dcsync.yaml is silent or wrong
	Set       *resource.Set // nil when Findings has errors
	Findings  diag.List     // sorted
	Files     int           // YAML files read, dcsync.yaml among them
	Manifests int           // documents in them that describe an object
	Sources   []string      // names of every file read, relative to the root, sorted
	Inputs    string        // "sha256:…" over path and content of every file read
}

// Load is LoadAt without an instant: no date is held against the calendar.
func Load(ctx context.Context, root string) (*Loaded, error) { return LoadAt(ctx, root, time.Time{}) }

// LoadAt reads and checks the project whose dcsync.yaml lies in root. The files on disk and the instant are the only input, so the
// same ones give an equal result. Findings marked AtSend are warnings here: whoever plans to send the object takes them for errors. It fails only for failures of the world, when root has no dcsync.yaml (the error of Find) and when ctx ends.
func LoadAt(ctx context.Context, root string, at time.Time) (*Loaded, error) {
	abs, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("resolve project folder: %w", err)
	}
	if !isProject(abs) {
		return nil, projectMissing()
	}
	l, err := newLoader(abs)
	if err != nil {
		return nil, err
	}
	l.at = at
	return l.load(ctx)
}

func (l *loader) load(ctx context.Context) (*Loaded, error) {
	l.checks = checks(l.at)
	l.readProject()
	if err := l.readManifests(ctx); err != nil {
		return nil, err
	}
	l.checkStateFile()
	l.checkStateRef()
	l.join()

	out := &Loaded{
		Project:   l.project,
		Findings:  l.sortedFindings(),
		Files:     len(l.sources),
		Manifests: len(l.documents),
		Sources:   slices.Sorted(maps.Keys(l.folder.read)),
		Inputs:    l.folder.digest(),
	}
	if !out.Findings.HasErrors() {
		out.Set = l.set()
	}
	return out, nil
}

// join holds the documents against each other and makes objects of them.
func (l *loader) join() {
	l.checkNames()
	l.checkLifecycles()
	l.checkIntents()
	l.resolve()
	l.applyPolicy()
}
