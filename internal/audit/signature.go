package audit

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"dcsync/internal/diag"
	"dcsync/internal/gitrepo"
	"dcsync/internal/resource"
	"dcsync/manifests"
)

// Signatures count where spec.trust names files of keys that are there. All commits are judged by the keys of the checkout, as of signing
// time, so that a key added later also vouches for what its owner signed before. What came to the branch before it named any key, by
// whatever name of a file, was never meant to be signed and makes no finding. Where the checkout names none any more, those named last judge
// what came until then. A commit that came by a merge needs both signatures: the author's for what is asked, the merger's for its being
// asked on the branch.

// keyNames gives the files of the keys, relative to the project's folder.
func keyNames(t manifests.Trust) []string {
	return slices.DeleteFunc([]string{t.AllowedSigners, t.Keyring}, func(name string) bool { return name == "" })
}

// trustFiles gives the files of the keys, by their names in the repository.
func (a *auditor) trustFiles(t manifests.Trust) []string {
	var out []string
	for _, name := range keyNames(t) {
		out = append(out, a.path(name))
	}
	return out
}

// takeTrust reads the keys of the checkout's commit.
func (a *auditor) takeTrust() {
	trust, err := a.trustAt("", a.Project.Trust)
	switch {
	case errors.Is(err, gitrepo.ErrMissingObject):
		a.lacks("whose signatures count could not be read: %v", err)
	case err != nil:
		a.addNow(Finding{Code: diag.AuditTrustChanged, Severity: diag.Error, Summary: fmt.Sprintf("whose signatures count cannot be told: %v", err),
			Hint: "mend the file that spec.trust names; until then no signature is judged"})
	}
	a.trust = trust
}

// trustAt reads the keys that were trusted at a commit; nil when it names none.
func (a *auditor) trustAt(revision string, t manifests.Trust) (*gitrepo.Trust, error) {
	read := func(file string) ([]byte, error) {
		if file == "" {
			return nil, nil
		}
		id, err := a.objects.File(revision, a.then(revision, a.path(file)))
		if err != nil || id == "" {
			return nil, err
		}
		data, whole, err := a.objects.Blob(id, maxKeys)
		if err == nil && !whole {
			err = fmt.Errorf("%s is larger than %d MiB", file, maxKeys>>20)
		}
		return data, err
	}
	signers, err := read(t.AllowedSigners)
	if err != nil {
		return nil, err
	}
	ring, err := read(t.Keyring)
	if err != nil {
		return nil, err
	}
	if len(strings.TrimSpace(string(signers)+string(ring))) == 0 {
		return nil, nil
	}
	return gitrepo.NewTrust(signers, ring)
}

// maxKeys is the largest file of keys that is read.
const maxKeys = 8 << 20

// judge gives the verdict on a commit. Without any key to trust it still tells signed from unsigned.
func (a *auditor) judge(c gitrepo.Commit) gitrepo.Judgement {
	if a.trust == nil {
		return (&gitrepo.Trust{}).Judge(c)
	}
	return a.trust.Judge(c)
}

// signatures reports the commits whose signatures are not good.
func (a *auditor) signatures() {
	a.trustChanges()
	if a.trust == nil {
		return
	}
	done := map[string]bool{}
	var wanted []*commit
	brought := map[string][]resource.Address{}
	for _, c := range a.commits {
		settings := !c.untrusted && c.change(a.path(projectFile)) != gitrepo.Change{} // limits, policy and the like
		if len(c.about) == 0 && !settings || !a.hadToSign(c) || c.boundary {
			continue
		}
		wanted = append(wanted, c)
		brought[c.mainline] = append(brought[c.mainline], c.about...)
	}
	for _, c := range wanted {
		a.unsigned(c, c.about, done)
		a.unsigned(a.merge(c), brought[c.mainline], done)
	}
	for _, c := range a.states {
		// dcsync signs its own commits only where it is told to; a signature that is there has to fit.
		late := c.apart || a.hadToSign(c) // two branches have no common order
		if a.signsState() && late || c.judged.Verdict == gitrepo.Bad {
			a.unsigned(c, nil, done)
		}
	}
}

// hadToSign tells whether anybody was named whose signatures count when a commit came to the branch.
func (a *auditor) hadToSign(c *commit) bool {
	return c.place > a.trustedFrom && (a.trustedTo == 0 || c.place < a.trustedTo)
}

// unsigned reports one commit, once.
func (a *auditor) unsigned(c *commit, about []resource.Address, done map[string]bool) {
	if c.judged.Verdict == gitrepo.Good || done[c.id] {
		return
	}
	done[c.id] = true
	f := Finding{At: c.when, Evidence: []Evidence{{EvidenceCommit, c.id}, {EvidenceText, "author " + c.author.String()}, {EvidenceText, "committer " + c.committer.String()}}}
	if about = slices.Clone(about); len(about) > 0 {
		slices.SortFunc(about, resource.Address.Compare)
		if about = slices.Compact(about); len(about) == 1 {
			f.Address = about[0]
		}
	}
	if c.judged.Key != "" {
		f.Evidence = append(f.Evidence, Evidence{EvidenceKey, c.judged.Key})
	}
	switch c.judged.Verdict {
	case gitrepo.Bad:
		f.Code, f.Severity = diag.AuditBadSignature, diag.Error
		f.Summary = "the signature of commit " + short(c.id) + " is bad: " + c.judged.Reason
		f.Hint = "find out who pushed it: the commit or its signature was changed after signing"
	case gitrepo.UnknownKey:
		f.Code, f.Severity = diag.AuditUnknownKey, diag.Warning
		f.Summary = "commit " + short(c.id) + " is signed, but " + c.judged.Reason
		f.Hint = "add the key to the files of spec.trust when its owner may ask for certificates"
	default:
		f.Code, f.Severity = diag.AuditUnsigned, diag.Warning
		f.Summary = "commit " + short(c.id) + " is not signed"
		f.Hint = "require signed commits on the branch"
	}
	a.add(f)
}

// signsState tells whether dcsync is told to sign its own commits.
func (a *auditor) signsState() bool { return a.Project.Git.Sign != "none" && a.Project.Git.Sign != "" }

func short(id string) string { return id[:min(len(id), 10)] }
