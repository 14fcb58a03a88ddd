package run

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
	"dcsync/internal/step"
	"dcsync/state"
)

// With spec.state.ref, what a run has done and not landed yet is in the work file, a state file under .dcsync/work; the file beside it holds
// the state that the run went on from. Both are gone once they have landed. A run that died leaves them, and the next one in that folder
// merges them into what the branch has by then.

// workFile is where a run keeps its results until they have landed.
func (p *Project) workFile() string {
	return filepath.Join(filepath.Dir(p.StateFile), ".dcsync", "work", filepath.Base(p.StateFile))
}

// baseFile is where the state is kept that the work file went on from, empty for none.
func (p *Project) baseFile() string { return p.workFile() + ".base" }

// takeWork merges what an earlier run in this folder did and never landed.
func (p *Project) takeWork(s *start) error {
	base, err := os.ReadFile(p.baseFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var work []byte
	if err == nil {
		work, err = os.ReadFile(p.workFile())
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it landed, or was never begun
	}
	if err != nil {
		return fmt.Errorf("read what an earlier run did: %w", err)
	}
	if s.disk == nil && len(base) > 0 {
		return &Refused{Code: "state_branch_gone", Message: fmt.Sprintf("the branch %s with the state is gone from %s, and an earlier run here went on from it", p.Project.StateRef, p.Project.Git.Remote),
			Hint: fmt.Sprintf("put the branch back, or, to begin it anew, take %s away", p.baseFile())}
	}
	f, err := p.mergeWork(base, work, s.file)
	if err != nil {
		return err
	}
	merged, err := state.Encode(f)
	if err != nil {
		return err
	}
	if !bytes.Equal(merged, s.disk) {
		s.findings.Add(diag.Diagnostic{Severity: diag.Note, Code: diag.StateUnlanded, Summary: "results of an earlier run here have not landed; they were taken over",
			Hint: "the next apply --push lands them"})
	}
	s.file, s.disk, s.unlanded = f, merged, true
	return nil
}

// mergeWork puts the results of an earlier run into what the branch has. Where both went on with one live object, the side that knows of a
// later one counts, else the branch: what is missing there is planned again. A live object that only one side knows of is never dropped.
func (p *Project) mergeWork(base, work []byte, tip *state.File) (*state.File, error) {
	from := state.New(p.Project.UID)
	var err error
	if len(base) > 0 {
		if from, err = state.Decode(p.baseFile(), base); err != nil {
			return nil, err
		}
	}
	ours, err := state.Decode(p.workFile(), work)
	if err != nil {
		return nil, err
	}
	if err := p.ours(ours, p.workFile()); err != nil {
		return nil, err
	}
	merged, conflicts, err := state.Merge(from, ours, tip)
	if err == nil && len(conflicts) > 0 {
		tip = tip.Clone()
		for _, a := range conflicts {
			was, here, there := from.Objects[a], ours.Objects[a], tip.Objects[a]
			switch {
			case here == nil, knows(tip, a, here.Identity.ID), there == nil && was != nil && was.Identity.ID == here.Identity.ID:
				restore(ours, a, was)
			case there != nil && knows(ours, a, there.Identity.ID):
				restore(tip, a, was)
			}
		}
		merged, conflicts, err = state.Merge(from, ours, tip)
	}
	if err == nil && len(conflicts) > 0 {
		err = conflict(conflicts)
	}
	if err != nil {
		return nil, &GitError{Hint: fmt.Sprintf("look at %s; taking it away forgets what that run recorded, not what it did", p.workFile()),
			Err: fmt.Errorf("take over what an earlier run here did: %w", err)}
	}
	return merged, nil
}

// restore puts an address back to what it was, nil for not there.
func restore(f *state.File, a resource.Address, was *state.Entry) {
	f.Forget(a)
	if was != nil {
		f.Objects[a] = was
	}
}

// knows tells whether a state has a live object, or had it under an address.
func knows(f *state.File, a resource.Address, id string) bool {
	if _, ok := f.ByID(a.Kind, id); ok {
		return true
	}
	e := f.Objects[a]
	return e != nil && slices.ContainsFunc(e.Identity.Earlier, func(was state.Earlier) bool { return was.ID == id })
}

// begin prepares the work file for a run that goes on from s. When one is there already, it is replaced first: at every moment it and its
// base amount to the same results.
func (p *Project) begin(s start, hook step.Hook) error {
	base, err := p.baseOf(s)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(p.workFile()), 0o755)
	}
	if err == nil && s.unlanded {
		err = state.Write(p.workFile(), s.disk, hook)
	}
	if err == nil {
		err = state.Write(p.baseFile(), base, hook)
	}
	return err
}

// baseOf gives the bytes of the state that the branch held when s was read.
func (p *Project) baseOf(s start) ([]byte, error) {
	if s.tip == "" {
		return nil, nil
	}
	_, data, err := p.committedState(s.repo, s.tip)
	return data, err
}

// unlandedNote says that the results of a run are in this folder only.
func (p *Project) unlandedNote(o ApplyOptions) {
	if _, err := os.Stat(p.workFile()); err == nil {
		o.tell(diag.Diagnostic{Severity: diag.Note, Code: diag.StateUnlanded, Summary: fmt.Sprintf("the state is in %s only, and not on %s", p.workFile(), p.Project.StateRef),
			Hint: "the next apply --push here lands it"})
	}
}

// done takes the work file away once it has landed.
func (p *Project) done() error {
	for _, path := range []string{p.workFile(), p.baseFile()} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("take away what has landed: %w", err)
		}
	}
	return nil
}

// idle takes the base away when the run recorded nothing beyond it.
func (p *Project) idle() error {
	if _, err := os.Stat(p.workFile()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return p.done()
}
