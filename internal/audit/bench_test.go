package audit_test

import (
	"testing"

	"dcsync/internal/audit"
	"dcsync/internal/gitrepo"
)

// BenchmarkAudit audits a generated history, from an opened repository to the whole report. It is to stay within 25 times
// BenchmarkGitLog, which lets git list the manifests' changes of the same one (architecture, section 9).
func BenchmarkAudit(b *testing.B) {
	c := newChronicle(b, 1)
	c.write(size(1000, 200))
	dir, in := c.repository()
	*c = chronicle{} // what it was made of is not to be part of the memory
	b.ReportAllocs()
	for b.Loop() {
		repo, err := gitrepo.Open(dir)
		if err != nil {
			b.Fatal(err)
		}
		in.Repo = repo
		if _, err := audit.Run(b.Context(), in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGitLog(b *testing.B) {
	c := newChronicle(b, 1)
	c.write(size(1000, 200))
	dir, _ := c.repository()
	for b.Loop() {
		runGit(b, dir, nil, "log", "--raw", "--", "manifests")
	}
}
