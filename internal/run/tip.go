package run

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"dcsync/internal/diag"
	"dcsync/internal/gitrepo"
	"dcsync/internal/resource"
	"dcsync/state"
)

// How the states of two runs become one: what the branch has is taken over before the plan, and what it got since is merged when this
// run lands.

// takeTip takes over, before the plan is made, what runs elsewhere have recorded on the branch since this checkout, so that their work
// is built upon and not done again. Of objects that only later commits know nothing is taken: their manifests are not in this
// checkout, and they must not look removed. It gives the part that was taken, against which the landing is merged; nil when the branch
// has nothing else. Only what is fetched here may tell that the checked out commit is not on a branch that went on, which refuses the run.
func (p *Project) takeTip(ctx context.Context, s *start, o ApplyOptions) (*state.File, error) {
	tip, err := s.repo.Pushed(ctx, p.Project.Git.Remote, p.Project.Git.Branch, gitrepo.AccessFrom(o.Env))
	if err != nil || tip == "" {
		return nil, explain(err)
	}
	there, data, err := p.committedState(s.repo, tip)
	if err != nil || there == nil {
		return nil, err
	}
	base, was, err := p.committedState(s.repo, "")
	if err != nil || bytes.Equal(was, data) {
		return nil, err
	}
	known := p.concerns(base)
	for _, a := range there.Addresses() {
		if known[a] {
			continue
		}
		// An earlier run may have written it into the file here when it landed.
		if here := s.file.Objects[a]; here != nil && here.Identity.ID == there.Objects[a].Identity.ID {
			s.file.Forget(a)
		}
		there.Forget(a)
	}
	merged, conflicts, err := state.Merge(base, s.file, there)
	if err == nil && len(conflicts) > 0 {
		err = conflict(conflicts)
	}
	if err != nil {
		return nil, &GitError{Hint: keptHint, Err: fmt.Errorf("take over the state of the branch: %w", err)}
	}
	encoded, err := state.Encode(merged)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(encoded, s.disk) {
		o.tell(diag.Diagnostic{Severity: diag.Note, Code: diag.StateElsewhere, Summary: "the branch has later state than this checkout; it was taken over"})
	}
	s.file, s.disk = merged, encoded
	return there, nil
}

// noteLater says so when the branch, as this clone saw it last, has later state than this checkout: a plan from here does not know what landed
// since. No plan needs it, so what cannot be read is passed over.
func (p *Project) noteLater(s *start) {
	if p.onBranch() || s.repo == nil {
		return
	}
	branch := cmp.Or(p.Project.Git.Branch, s.repo.Branch())
	if branch == "" {
		return
	}
	track, err := s.repo.Tracking(p.Project.Git.Remote, branch)
	if err != nil {
		return
	}
	seen, err := s.repo.Commit(track)
	if err != nil || seen == "" || seen == s.repo.Head() {
		return
	}
	there, _, err := p.committedState(s.repo, seen)
	if err == nil && there != nil && there.Lineage == s.file.Lineage && there.Serial > s.file.Serial {
		s.findings.Add(diag.Diagnostic{Severity: diag.Note, Code: diag.StateElsewhere, Summary: "the branch has later state than this checkout", Hint: "git pull"})
	}
}

// concerns gives the addresses that this checkout has to do with: those of its manifests, under every name they ever had, and those of
// the state it holds.
func (p *Project) concerns(base *state.File) map[resource.Address]bool {
	out := map[resource.Address]bool{}
	if base != nil {
		for a := range base.Objects {
			out[a] = true
		}
	}
	for _, o := range p.Set.Objects {
		out[o.Address] = true
		for _, name := range o.MovedFrom {
			out[resource.Address{Kind: o.Address.Kind, Name: name}] = true
		}
	}
	return out
}

// committedState gives the state file of a commit and its bytes, nil when it has none.
func (p *Project) committedState(repo *gitrepo.Repo, commit string) (*state.File, []byte, error) {
	name, err := repo.Path(p.StateFile)
	if err != nil {
		return nil, nil, err
	}
	data, err := repo.Read(commit, name)
	if errors.Is(err, gitrepo.ErrNoFile) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, explain(err)
	}
	f, err := state.Decode(name, data)
	return f, data, err
}

const keptHint = "the state file here is kept; commit it, then git pull, and settle what differs with git and `dcsync state`"

func conflict(list []resource.Address) error {
	var names []string
	for _, a := range list {
		names = append(names, a.String())
	}
	return fmt.Errorf("%s changed on both sides", strings.Join(names, ", "))
}

// merging puts this run's entries into the branch's state, address by address.
func merging(name string, taken *state.File) gitrepo.MergeFunc {
	return func(ours, base, tip []byte) ([]byte, error) {
		if tip == nil {
			return nil, errors.New("the branch has no state file any more")
		}
		if taken != nil {
			return mergeState(name, taken, ours, tip)
		}
		return MergeState(name, base, ours, tip)
	}
}

func mergeState(name string, base *state.File, ours, theirs []byte) ([]byte, error) {
	o, err := state.Decode(name, ours)
	if err != nil {
		return nil, err
	}
	t, err := state.Decode(name, theirs)
	if err != nil {
		return nil, err
	}
	merged, conflicts, err := state.Merge(base, o, t)
	if err == nil && len(conflicts) > 0 {
		err = conflict(conflicts)
	}
	if err != nil {
		return nil, err
	}
	if merged.Serial == t.Serial { // another file than the one it follows is a later one
		data, err := state.Encode(merged)
		if err != nil || bytes.Equal(data, theirs) {
			return data, err
		}
		merged.Serial++
	}
	return state.Encode(merged)
}

// MergeState puts two state files together that went on from one base (empty for none). The result follows theirs: it is those very bytes, or
// has a higher serial. Addresses that both changed differently are an error that names them.
func MergeState(name string, base, ours, theirs []byte) ([]byte, error) {
	var from *state.File
	if len(bytes.TrimSpace(base)) > 0 {
		var err error
		if from, err = state.Decode(name, base); err != nil {
			return nil, err
		}
	}
	return mergeState(name, from, ours, theirs)
}
