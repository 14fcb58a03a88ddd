package run

import (
	"context"
	"fmt"

	"dcsync/internal/gitrepo"
	"dcsync/state"
)

// History gives what an audit starts from: the repository, and the state as it stands now. Offline asks the remote for nothing. Outside of
// a repository that can be read it is a *Refused.
func (p *Project) History(ctx context.Context, env func(string) string, offline bool) (*gitrepo.Repo, *state.File, error) {
	s, err := p.openRepo()
	switch {
	case err != nil:
		return nil, nil, err
	case s.odd != nil:
		return nil, nil, explain(s.odd)
	case s.repo == nil:
		return nil, nil, explain(fmt.Errorf("read the history: %w", gitrepo.ErrNone))
	}
	if err := p.loadState(ctx, &s, env, offline); err != nil {
		return nil, nil, err
	}
	return s.repo, s.file, nil
}
