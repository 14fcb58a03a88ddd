package run

import (
	"context"
	"fmt"

	"dcsync/internal/diag"
	"dcsync/internal/gitrepo"
	"dcsync/state"
)

// History is what an audit starts from.
type History struct {
	Repo     *gitrepo.Repo
	State    *state.File // as it stands now
	Findings diag.List   // what is to be known of where the state came from
}

// History opens the project's past. Offline asks the remote for nothing. Outside of a repository that can be read it is a *Refused.
func (p *Project) History(ctx context.Context, env func(string) string, offline bool) (*History, error) {
	s, err := p.openRepo()
	switch {
	case err != nil:
		return nil, err
	case s.odd != nil:
		return nil, explain(s.odd)
	case s.repo == nil:
		return nil, explain(fmt.Errorf("read the history: %w", gitrepo.ErrNone))
	}
	if err := p.loadState(ctx, &s, env, offline); err != nil {
		return nil, err
	}
	return &History{s.repo, s.file, s.findings}, nil
}
