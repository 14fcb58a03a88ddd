package run

import (
	"fmt"
	"os"

	"dcsync/internal/gitrepo"
)

// What a run's commits are signed with, by environment: a private key belongs in no repository, and git's own settings name keys that only
// gpg or an agent can use.
const (
	signingKey        = "DCSYNC_GIT_SIGNING_KEY"        // file of the private key
	signingPassphrase = "DCSYNC_GIT_SIGNING_PASSPHRASE" // of that key, "" for none
)

// signer gives what the project's commits are signed with, nil for nothing (spec.git.sign).
func (p *Project) signer(env func(string) string) (*gitrepo.Signer, error) {
	kind := p.Project.Git.Sign
	if kind == "none" {
		return nil, nil
	}
	file := env(signingKey)
	if file == "" {
		return nil, &Refused{Code: "signing_key", Message: fmt.Sprintf("spec.git.sign is %s, and there is no key to sign with", kind), Hint: "name the file of the private key in " + signingKey}
	}
	key, err := os.ReadFile(file)
	var s *gitrepo.Signer
	switch {
	case err != nil:
	case kind == "ssh":
		s, err = gitrepo.NewSSHSigner(key, []byte(env(signingPassphrase)))
	default:
		s, err = gitrepo.NewOpenPGPSigner(key, []byte(env(signingPassphrase)))
	}
	if err != nil {
		return nil, &Refused{Code: "signing_key", Message: err.Error(), Hint: fmt.Sprintf("%s must name the file of a private key for spec.git.sign: %s, and %s hold its passphrase where it has one", signingKey, kind, signingPassphrase)}
	}
	return s, nil
}
